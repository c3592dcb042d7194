import type { Ask } from "#src/dialect/dialect.ts";
import { largeBytes } from "#src/dialect/shell.ts";
import type { Call } from "#src/gateway/context.ts";
import { AppError } from "#src/lib/error.ts";

const nothing = new Uint8Array();

/** Lets go of the bytes that the ask holds as text; of many at once, as the collector would be late for them. */
function letGo(call: Call, { raw, ascii }: Ask): void {
  const text = raw ?? ascii;
  if (text === undefined) return;
  if (text.length > largeBytes) call.body.buffer.transfer(0);
  call.body = nothing;
}

/** What is compressed would be told to be no JSON. */
function refuseEncoded({ headers }: Request): void {
  const coding = headers.get("content-encoding") ?? "";
  if (coding === "" || coding.toLowerCase() === "identity") return;
  throw new AppError(
    "invalid_value",
    `Cannot read a body of the Content-Encoding "${coding.slice(0, 60)}": send it as plain JSON`,
    { param: "Content-Encoding" },
  );
}

/** Reads what routing needs from the body, and the region pin from its header. The body wins. */
export function peek(call: Call): Ask {
  refuseEncoded(call.request);
  const ask = call.front.peek(call.body, call.request.url);
  letGo(call, ask);
  const { headers } = call.request;
  const region = headers.get("x-lowrouter-region");
  // A proxy that echoes an answer's headers must not turn a fact into a pin.
  if (
    region !== null &&
    ask.route.region === undefined &&
    !headers.has("x-lowrouter-generation-id")
  ) {
    ask.route.region = region.trim();
    ask.route.regionParam = "X-LowRouter-Region";
  }
  return ask;
}

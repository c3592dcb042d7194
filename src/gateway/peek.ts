import type { Ask } from "#src/dialect/dialect.ts";
import { largeBytes } from "#src/dialect/shell.ts";
import type { Call } from "#src/gateway/context.ts";

/** The bytes of a body that the ask holds as text; at once, as the collector would be late for many large ones. */
function letGo(call: Call): void {
  call.body.buffer.transfer(0);
  call.body = new Uint8Array();
}

/** Reads what routing needs from the body, and the region pin from its header. The body wins. */
export function peek(call: Call): Ask {
  const ask = call.front.peek(call.body, call.request.url);
  if ((ask.raw ?? ask.ascii ?? "").length > largeBytes) letGo(call);
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

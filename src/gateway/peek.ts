import type { Ask } from "#src/dialect/dialect.ts";
import type { Call } from "#src/gateway/context.ts";

/** Reads what routing needs from the body, and the region pin from its header. The body wins. */
export function peek(call: Call): Ask {
  const ask = call.front.peek(call.body, call.request.url);
  const { headers } = call.request;
  const region = headers.get("x-lowrouter-region");
  // A proxy that echoes an answer's headers must not turn a fact into a pin.
  if (
    region !== null &&
    ask.route.region === undefined &&
    !headers.has("x-lowrouter-generation-id")
  ) {
    ask.route.region = region.trim();
  }
  return ask;
}

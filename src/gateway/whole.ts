import type { Reply } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Call } from "#src/gateway/context.ts";
import { upstreamDialect } from "#src/gateway/dialects.ts";
import type { Route } from "#src/provider/deployment.ts";

/** A whole answer, read far enough to bill it. */
export interface Whole {
  body: Uint8Array<ArrayBuffer>;
  /** The upstream's id of the answer. */
  id: string | undefined;
  usage: Usage | undefined;
  /** Present when it has to be written in another dialect. */
  reply: Reply | undefined;
}

/** Reads an answer's bytes. Throws when they are not an answer. */
export function readWhole(
  call: Call,
  body: Uint8Array<ArrayBuffer>,
  route: Route,
  spliced: boolean,
): Whole {
  if (spliced) {
    const { id, usage } = call.front.splice.meterReply(body);
    return { body, id, usage, reply: undefined };
  }
  const { reply, usage } = upstreamDialect(route.endpoint.protocol).readReply(body);
  return { body, id: reply.id, usage, reply };
}

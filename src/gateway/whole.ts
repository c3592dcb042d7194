import type { Summary } from "#src/dialect/dialect.ts";
import type { Payload } from "#src/lib/bytes.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Call } from "#src/gateway/context.ts";
import { upstreamDialect } from "#src/gateway/dialects.ts";
import type { Route } from "#src/provider/deployment.ts";

/** A whole answer, read far enough to bill it. */
export interface Whole {
  /** Length of the answer as it came. */
  bytes: number;
  /** The upstream's id of the answer. */
  id: string | undefined;
  usage: Usage | undefined;
  /** The answer as the client gets it. */
  write(summary: Summary): Payload;
}

/** Reads an answer's bytes. Throws when they are not an answer. */
export function readWhole(call: Call, body: Uint8Array, route: Route, spliced: boolean): Whole {
  if (spliced) {
    const reply = call.front.splice.meterReply(body);
    const { id, usage } = reply;
    return { bytes: body.length, id, usage, write: (summary) => reply.attach(summary) };
  }
  const { reply, usage } = upstreamDialect(route.endpoint.protocol).readReply(body);
  const write = (summary: Summary) => call.front.client.writeReply(reply, summary);
  return { bytes: body.length, id: reply.id, usage, write };
}

import { cohereEmbedUpstream } from "#src/dialect/embedding/cohere-embed.ts";
import type { DialectId } from "#src/dialect/dialect.ts";
import {
  type EmbeddingClient,
  type EmbeddingSplice,
  type EmbeddingUpstream,
  estimateInputs,
} from "#src/dialect/embedding/embedding.ts";
import { geminiEmbedUpstream } from "#src/dialect/embedding/gemini-embed.ts";
import { openaiEmbeddingsUpstream } from "#src/dialect/embedding/openai-embeddings.ts";
import type { Front } from "#src/gateway/context.ts";

const upstreams: readonly EmbeddingUpstream[] = [
  openaiEmbeddingsUpstream,
  cohereEmbedUpstream,
  geminiEmbedUpstream,
];

/** How a provider embeds of which only the wire of conversation is known: one that a configuration adds. */
const sisters: Partial<Record<DialectId, DialectId>> = {
  "openai-chat": "openai-embeddings",
  "cohere-v2": "cohere-v2-embed",
  gemini: "gemini-embed",
};

function upstreamOf(wire: DialectId): EmbeddingUpstream {
  const id = sisters[wire] ?? wire;
  const found = upstreams.find((upstream) => upstream.id === id);
  if (found === undefined) throw new Error(`Cannot ask for vectors in ${wire}`);
  return found;
}

/** A client's dialect of embeddings, over every wire: bytes to its own, the canonical form to others. */
export function embeddingFront(options: {
  client: EmbeddingClient;
  splice: EmbeddingSplice;
  /** What the ids of its answers begin with. */
  idPrefix: string;
}): Front {
  const { client, splice, idPrefix } = options;
  return {
    wire: splice.id,
    idPrefix,
    forward: [],
    peek: client.peek,
    writeError: client.writeError,
    request(wire, body, ask, target) {
      const upstream = upstreamOf(wire);
      if (upstream.id === splice.id) return splice.retarget(body, ask, target);
      const turn = client.readRequest(ask);
      const request = upstream.writeRequest(turn, target);
      const dropped = request.dropped.map((name) =>
        name === "taskType" ? client.taskMember : name,
      );
      return { ...request, dropped: [...dropped, ...turn.leftover] };
    },
    whole(wire, body, ask) {
      const upstream = upstreamOf(wire);
      if (upstream.id === splice.id) return splice.meterReply(body, ask);
      const turn = client.readRequest(ask);
      const reply = upstream.readReply(body, turn);
      return {
        id: reply.id,
        usage: reply.usage ?? estimateInputs(turn.inputs),
        attach: (summary) => client.writeReply(reply, ask, summary),
      };
    },
    stream() {
      throw new Error("Vectors come whole, never in a stream");
    },
  };
}

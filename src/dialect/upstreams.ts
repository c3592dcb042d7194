import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import { bedrockUpstream } from "#src/dialect/bedrock/bedrock-converse.ts";
import { cohereUpstream } from "#src/dialect/cohere/cohere.ts";
import type { DialectId, UpstreamDialect } from "#src/dialect/dialect.ts";
import { readFault } from "#src/dialect/fault.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import { responsesUpstream } from "#src/dialect/responses/openai-responses.ts";

/** Wires of conversation that the canonical form can be written in. */
const upstreams: readonly UpstreamDialect[] = [
  openaiChatUpstream,
  responsesUpstream,
  anthropicMessagesUpstream,
  geminiUpstream,
  cohereUpstream,
  bedrockUpstream,
];

/** Wires that only their own clients reach. */
const bytesOnly: readonly DialectId[] = ["openai-completions"];

/** Wires of vectors, which have a canonical form of their own: see embedding.ts. */
const vectorWires: readonly DialectId[] = ["openai-embeddings", "cohere-v2-embed", "gemini-embed"];

/** How to speak to an endpoint of this wire in the canonical form. Throws for one that has none. */
export function upstreamDialect(wire: DialectId): UpstreamDialect {
  const found = upstreams.find((dialect) => dialect.id === wire);
  if (found === undefined) throw new Error(`Cannot speak ${wire} to an upstream`);
  return found;
}

/** How an upstream of this wire tells an error. */
export function readErrorOf(wire: DialectId): UpstreamDialect["readError"] {
  if (wire === "gemini-embed") return geminiUpstream.readError;
  return upstreams.find((dialect) => dialect.id === wire)?.readError ?? readFault;
}

/** Whether requests can be sent to endpoints of this protocol. */
export function isSpoken(protocol: string): protocol is DialectId {
  return (
    upstreams.some(({ id }) => id === protocol) ||
    bytesOnly.some((id) => id === protocol) ||
    vectorWires.some((id) => id === protocol)
  );
}

import { anthropicMessagesUpstream } from "#src/dialect/anthropic-messages.ts";
import type { UpstreamDialect } from "#src/dialect/dialect.ts";
import { geminiUpstream } from "#src/dialect/gemini.ts";
import { openaiChatUpstream } from "#src/dialect/openai-chat.ts";

const upstreams: readonly UpstreamDialect[] = [
  openaiChatUpstream,
  anthropicMessagesUpstream,
  geminiUpstream,
];

/** How to speak to an endpoint of this protocol. Throws for one that has no dialect: such endpoints are never routable. */
export function upstreamDialect(protocol: string): UpstreamDialect {
  const found = upstreams.find((dialect) => dialect.id === protocol);
  if (found === undefined) throw new Error(`Cannot speak ${protocol} to an upstream`);
  return found;
}

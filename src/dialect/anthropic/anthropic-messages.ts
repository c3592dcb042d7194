import { dialectId } from "#src/dialect/anthropic/anthropic-messages-content.ts";
import { readReply } from "#src/dialect/anthropic/anthropic-messages-reply.ts";
import { writeRequest } from "#src/dialect/anthropic/anthropic-messages-request.ts";
import { AnthropicMessagesStream } from "#src/dialect/anthropic/anthropic-messages-stream.ts";
import type { UpstreamDialect } from "#src/dialect/dialect.ts";
import { readFault } from "#src/dialect/fault.ts";

/** Anthropic's Messages wire, as a provider speaks it. */
export const anthropicMessagesUpstream: UpstreamDialect = {
  id: dialectId,
  writeRequest,
  readReply,
  readStream: () => new AnthropicMessagesStream(),
  readError: readFault,
};

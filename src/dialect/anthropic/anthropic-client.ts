import { meterMessage, retargetMessages } from "#src/dialect/anthropic/anthropic-client-splice.ts";
import { peekMessages } from "#src/dialect/anthropic/anthropic-client-peek.ts";
import { readMessagesRequest } from "#src/dialect/anthropic/anthropic-client-read.ts";
import { MessageStreamWriter } from "#src/dialect/anthropic/anthropic-client-stream.ts";
import {
  writeMessageError,
  writeMessageReply,
} from "#src/dialect/anthropic/anthropic-client-write.ts";
import { dialectId } from "#src/dialect/anthropic/anthropic-messages-content.ts";
import { AnthropicRelay } from "#src/dialect/anthropic/anthropic-relay.ts";
import type { ClientDialect, SpliceDialect } from "#src/dialect/dialect.ts";

/** Anthropic's Messages as clients speak them. */
export const anthropicClient: ClientDialect = {
  id: dialectId,
  peek: peekMessages,
  readRequest: readMessagesRequest,
  writeReply: writeMessageReply,
  writeStream: (head) => new MessageStreamWriter(head),
  writeError: writeMessageError,
};

/** Anthropic's Messages on both sides. */
export const anthropicSplice: SpliceDialect = {
  id: dialectId,
  retarget: retargetMessages,
  meterReply: meterMessage,
  relayStream: (head) => new AnthropicRelay(head),
};

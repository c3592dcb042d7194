import type { ClientDialect, SpliceDialect, UpstreamDialect } from "#src/dialect/dialect.ts";
import { readFault } from "#src/dialect/fault.ts";
import { fileAddresses, inlineFiles } from "#src/dialect/openai/openai-chat-files.ts";
import { peekChat } from "#src/dialect/openai/openai-chat-peek.ts";
import { readChatRequest } from "#src/dialect/openai/openai-chat-read.ts";
import { readChatReply } from "#src/dialect/openai/openai-chat-reply.ts";
import { writeChatRequest } from "#src/dialect/openai/openai-chat-request.ts";
import { readChatStream } from "#src/dialect/openai/openai-chat-stream.ts";
import { writeChatReply, writeChatStream } from "#src/dialect/openai/openai-chat-write.ts";
import { chatShape } from "#src/dialect/openai/openai-ending.ts";
import { writeOpenaiError } from "#src/dialect/openai/openai-errors.ts";
import { quirksOf } from "#src/dialect/openai/openai-quirks.ts";
import { openaiSplice } from "#src/dialect/openai/openai-splice.ts";

/** Chat completions as clients speak them. */
export const openaiChatClient: ClientDialect = {
  id: "openai-chat",
  peek: peekChat,
  readRequest: readChatRequest,
  writeReply: writeChatReply,
  writeStream: writeChatStream,
  writeError: writeOpenaiError,
};

/** Chat completions as providers speak them. */
export const openaiChatUpstream: UpstreamDialect = {
  id: "openai-chat",
  writeRequest: writeChatRequest,
  needsBytes: ({ kind }, target) => kind === "file" || quirksOf(target).inlineImages,
  readReply: readChatReply,
  readStream: readChatStream,
  readError: readFault,
};

/** Chat completions on both sides. */
export const openaiChatSplice: SpliceDialect = {
  ...openaiSplice(chatShape),
  addresses: fileAddresses,
  inline: inlineFiles,
};

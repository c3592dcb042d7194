import type { ClientDialect } from "#src/dialect/dialect.ts";
import { writeGeminiError } from "#src/dialect/gemini/gemini-client-errors.ts";
import { peekContent } from "#src/dialect/gemini/gemini-client-peek.ts";
import { readContentRequest } from "#src/dialect/gemini/gemini-client-read.ts";
import { writeContentStream } from "#src/dialect/gemini/gemini-client-stream.ts";
import { writeContentReply } from "#src/dialect/gemini/gemini-client-write.ts";

export { geminiSplice } from "#src/dialect/gemini/gemini-client-splice.ts";

/** Google's generateContent as clients speak it. */
export const geminiClient: ClientDialect = {
  id: "gemini",
  peek: peekContent,
  readRequest: readContentRequest,
  writeReply: writeContentReply,
  writeStream: writeContentStream,
  writeError: writeGeminiError,
};

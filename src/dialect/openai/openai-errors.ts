import type { ErrorReply } from "#src/dialect/dialect.ts";
import { encode } from "#src/lib/bytes.ts";
import type { AppError } from "#src/lib/error.ts";

/** An error in the shape that OpenAI's and OpenRouter's clients both read. */
export function writeOpenaiError(error: AppError): ErrorReply {
  const { message, type, code, detail } = error;
  const metadata = detail.metadata === undefined ? {} : { metadata: detail.metadata };
  return {
    status: error.status,
    body: encode(
      JSON.stringify({ error: { message, type, code, param: detail.param ?? null, ...metadata } }),
    ),
  };
}

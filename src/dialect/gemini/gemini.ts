import type { UpstreamDialect, UpstreamFault } from "#src/dialect/dialect.ts";
import { errorObject, readFault } from "#src/dialect/fault.ts";
import { dialectId, isGoogleUri } from "#src/dialect/gemini/gemini-content.ts";
import { readReply } from "#src/dialect/gemini/gemini-reply.ts";
import { writeRequest } from "#src/dialect/gemini/gemini-request.ts";
import { GeminiStream } from "#src/dialect/gemini/gemini-stream.ts";
import { isObject, stringOf } from "#src/lib/json.ts";

/** Google's generateContent wire, as a provider speaks it. */
export const geminiUpstream: UpstreamDialect = {
  id: dialectId,
  writeRequest,
  needsBytes: ({ url }) => !isGoogleUri(url),
  readReply,
  readStream: () => new GeminiStream(),
  readError,
};

/** Google says the kind in `status` (`type` here), the reason and the wait in `details`. */
function readError(status: number, body: Uint8Array): UpstreamFault {
  const fault = readFault(status, body);
  const error = errorObject(body)?.error;
  if (!isObject(error)) return fault;
  const details = Array.isArray(error.details) ? error.details.filter(isObject) : [];
  const reason = details.map((detail) => stringOf(detail.reason)).find((text) => text);
  const delay = details.map((detail) => stringOf(detail.retryDelay)).find((text) => text);
  const seconds = delay === undefined ? NaN : Number(/^(\d+(?:\.\d+)?)s$/.exec(delay)?.[1]);
  const type = stringOf(error.status);
  return {
    ...fault,
    ...(type ? { type } : {}),
    ...(reason ? { code: reason } : {}),
    ...(Number.isNaN(seconds) ? {} : { retryAfterSeconds: seconds }),
  };
}

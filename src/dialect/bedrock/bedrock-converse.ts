import { dialectId } from "#src/dialect/bedrock/bedrock-content.ts";
import { readReply } from "#src/dialect/bedrock/bedrock-reply.ts";
import { writeRequest } from "#src/dialect/bedrock/bedrock-request.ts";
import { BedrockStream } from "#src/dialect/bedrock/bedrock-stream.ts";
import type { UpstreamDialect, UpstreamFault } from "#src/dialect/dialect.ts";
import { errorObject, readFault } from "#src/dialect/fault.ts";
import { stringOf } from "#src/lib/json.ts";

/** The Converse wire of AWS Bedrock, which is the same for the models of all makers. */
export const bedrockUpstream: UpstreamDialect = {
  id: dialectId,
  writeRequest,
  // Pictures and documents travel inside the request, or lie in S3, where we are not.
  needsBytes: () => true,
  readReply,
  readStream: () => new BedrockStream(),
  readError,
};

/** AWS says the kind in a header, and in `__type` where a front of it answers; the message with either initial. */
function readError(status: number, body: Uint8Array): UpstreamFault {
  const fault = readFault(status, body);
  const error = errorObject(body);
  const message = stringOf(error?.Message);
  const type = stringOf(error?.__type)?.split("#").at(-1);
  // Said in words alone, and another model may have more room.
  const tooLong = /input is too long/i.test(message ?? fault.message);
  return {
    ...fault,
    ...(message ? { message } : {}),
    ...(type ? { type } : {}),
    ...(tooLong ? { code: "context_length_exceeded" } : {}),
  };
}

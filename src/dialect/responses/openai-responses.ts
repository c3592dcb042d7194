import type { ClientDialect, SpliceDialect, UpstreamDialect } from "#src/dialect/dialect.ts";
import { readFault } from "#src/dialect/fault.ts";
import { writeOpenaiError } from "#src/dialect/openai/openai-errors.ts";
import { dialectId } from "#src/dialect/responses/responses-items.ts";
import { peekResponses } from "#src/dialect/responses/responses-peek.ts";
import { readResponsesRequest } from "#src/dialect/responses/responses-read.ts";
import { ResponsesRelay } from "#src/dialect/responses/responses-relay.ts";
import { readResponsesReply } from "#src/dialect/responses/responses-reply.ts";
import { writeResponsesRequest } from "#src/dialect/responses/responses-request.ts";
import { meterReply, retarget } from "#src/dialect/responses/responses-splice.ts";
import { readResponsesStream } from "#src/dialect/responses/responses-stream.ts";
import {
  writeResponsesReply,
  writeResponsesStream,
} from "#src/dialect/responses/responses-write.ts";

/** OpenAI's Responses as clients speak it. */
export const responsesClient: ClientDialect = {
  id: dialectId,
  peek: peekResponses,
  readRequest: readResponsesRequest,
  writeReply: writeResponsesReply,
  writeStream: writeResponsesStream,
  writeError: writeOpenaiError,
};

/** OpenAI's Responses as providers speak it. */
export const responsesUpstream: UpstreamDialect = {
  id: dialectId,
  writeRequest: writeResponsesRequest,
  readReply: readResponsesReply,
  readStream: readResponsesStream,
  readError: readFault,
};

/** Responses on both sides. */
export const responsesSplice: SpliceDialect = {
  id: dialectId,
  retarget,
  meterReply,
  relayStream: (head) => new ResponsesRelay(head),
};

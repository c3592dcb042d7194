import { dialectId } from "#src/dialect/cohere/cohere-messages.ts";
import { readReply } from "#src/dialect/cohere/cohere-reply.ts";
import { writeRequest } from "#src/dialect/cohere/cohere-request.ts";
import { CohereStream } from "#src/dialect/cohere/cohere-stream.ts";
import type { UpstreamDialect } from "#src/dialect/dialect.ts";
import { readFault } from "#src/dialect/fault.ts";

/** Cohere's own chat wire, version 2, as a provider speaks it. */
export const cohereUpstream: UpstreamDialect = {
  id: dialectId,
  needsBytes: ({ kind }) => kind === "file",
  writeRequest,
  readReply,
  readStream: () => new CohereStream(),
  readError: readFault,
};

import type { ErrorReply } from "#src/dialect/dialect.ts";
import { encode } from "#src/lib/bytes.ts";
import type { AppError } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** Google's canonical name of a status. */
const names: Readonly<Record<number, string>> = {
  401: "UNAUTHENTICATED",
  402: "RESOURCE_EXHAUSTED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  405: "UNIMPLEMENTED",
  408: "DEADLINE_EXCEEDED",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** An error as Google writes one; our own code and the wait stand in `details`, where its clients look for them. */
export function errorOf({ status, message, code, detail }: AppError): JsonObject {
  const { param, retryAfterSeconds } = detail;
  const details: JsonObject[] = [
    {
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: code.toUpperCase(),
      domain: "lowrouter",
      ...(param === undefined ? {} : { metadata: { param } }),
    },
  ];
  if (retryAfterSeconds !== undefined) {
    const type = "type.googleapis.com/google.rpc.RetryInfo";
    details.push({ "@type": type, retryDelay: `${retryAfterSeconds}s` });
  }
  const name = names[status] ?? (status < 500 ? "INVALID_ARGUMENT" : "INTERNAL");
  return { code: status, message, status: name, details };
}

/** An error as the whole answer. */
export function writeGeminiError(error: AppError): ErrorReply {
  return { status: error.status, body: encode(JSON.stringify({ error: errorOf(error) })) };
}

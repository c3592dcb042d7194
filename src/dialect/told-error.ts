import type { SseEvent } from "#src/dialect/sse.ts";
import { encode } from "#src/lib/bytes.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** An error that an upstream told in a stream, as the answer that it would have been before one. */
export interface ToldError {
  status: number;
  body: Uint8Array;
}

/** Statuses by the words that providers have for them, in lower case. */
const statuses: Readonly<Record<string, number>> = {
  // OpenAI, and those that speak as it does.
  invalid_request_error: 400,
  invalid_prompt: 400,
  context_length_exceeded: 400,
  invalid_encrypted_content: 400,
  invalid_api_key: 401,
  model_not_found: 404,
  rate_limit_exceeded: 429,
  rate_limit_reached_error: 429,
  too_many_requests: 429,
  insufficient_quota: 429,
  exceeded_current_quota_error: 429,
  engine_overloaded_error: 429,
  server_error: 500,
  internal_error: 500,
  internal_server_error: 500,
  overloaded: 503,
  server_overloaded: 503,
  server_is_overloaded: 503,
  slow_down: 503,
  service_unavailable: 503,
  service_unavailable_error: 503,
  // Anthropic.
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
  // Google.
  invalid_argument: 400,
  failed_precondition: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  resource_exhausted: 429,
  internal: 500,
  unavailable: 503,
  deadline_exceeded: 504,
  // Bedrock.
  validationexception: 400,
  accessdeniedexception: 403,
  resourcenotfoundexception: 404,
  modeltimeoutexception: 408,
  modelerrorexception: 424,
  modelstreamerrorexception: 424,
  throttlingexception: 429,
  modelnotreadyexception: 429,
  internalserverexception: 500,
  serviceunavailableexception: 503,
};

/** The error of an event, with the status that its number or its words stand for; undefined where they stand for none. */
export function errorIn({ event = "", data }: SseEvent): ToldError | undefined {
  const told = objectIn(data) ?? {};
  const exception = /^exception:(\w+)$/.exec(event)?.[1];
  if (exception !== undefined) return toldBy({ ...told, type: exception });
  // Responses tell it inside the response that failed.
  const around = isObject(told.response) ? told.response : told;
  if (isObject(around.error)) return toldBy(around.error);
  return told.type === "error" ? toldBy({ ...told, type: null }) : undefined;
}

function toldBy(error: JsonObject): ToldError | undefined {
  const words = [error.code, error.status, error.type];
  const status = words.map(statusOf).find((one) => one !== undefined);
  return status === undefined ? undefined : { status, body: encode(JSON.stringify({ error })) };
}

function statusOf(word: Json | undefined): number | undefined {
  const number = Number(word);
  if (Number.isInteger(number) && number >= 400 && number < 600) return number;
  if (typeof word !== "string") return undefined;
  const known = word.toLowerCase();
  return Object.hasOwn(statuses, known) ? statuses[known] : undefined;
}

/** The object in an event, out of the array that Google may wrap it in. */
function objectIn(data: string): JsonObject | undefined {
  try {
    const parsed: Json = JSON.parse(data);
    const value = Array.isArray(parsed) ? parsed[0] : parsed;
    return isObject(value) ? value : undefined;
  } catch {
    // Bytes that are no JSON tell nothing.
    return undefined;
  }
}

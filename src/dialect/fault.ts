import type { UpstreamFault } from "#src/dialect/dialect.ts";
import { decode } from "#src/lib/bytes.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** An error body as JSON, out of the array that Google may wrap it in; undefined when it is no object. */
export function errorObject(body: Uint8Array): JsonObject | undefined {
  try {
    const parsed: Json = JSON.parse(decode(body));
    const value = Array.isArray(parsed) ? parsed[0] : parsed;
    return isObject(value) ? value : undefined;
  } catch {
    // Proxies answer with HTML or nothing: the caller falls back to the text.
    return undefined;
  }
}

/** Reads an error body of any known provider: object `error`, string `error`, `message`, `detail`, else text. */
export function readFault(status: number, body: Uint8Array): UpstreamFault {
  const parsed = errorObject(body);
  const inner = parsed && isObject(parsed.error) ? parsed.error : undefined;
  const said =
    text(inner?.message) ??
    text(parsed?.error) ??
    text(parsed?.message) ??
    detailOf(listIn(parsed?.message)) ??
    detailOf(parsed?.detail) ??
    text(decode(body).slice(0, 500).trim());
  const source = inner ?? parsed ?? {};
  const fault: UpstreamFault = {
    status,
    message: said ?? `The provider answered with status ${status} and no explanation`,
  };
  const type = text(source.type);
  const code = text(source.code);
  const param = text(source.param);
  if (type) fault.type = type;
  if (code) fault.code = code;
  if (param) fault.param = param;
  return fault;
}

/** A list of what is wrong, or the list that an object holds as `detail`. */
function listIn(message: Json | undefined): Json | undefined {
  if (Array.isArray(message)) return message;
  return isObject(message) ? message.detail : undefined;
}

function detailOf(detail: Json | undefined): string | undefined {
  const first = Array.isArray(detail) ? detail[0] : detail;
  if (!isObject(first)) return text(first);
  const inner = isObject(first.error) ? first.error.message : first.error;
  return text(inner) ?? text(first.message) ?? text(first.msg);
}

function text(value: unknown): string | undefined {
  return stringOf(value) || undefined;
}

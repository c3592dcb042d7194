import { isObject, type JsonObject } from "#src/lib/json.ts";

/** A URL that is written out, without a trailing slash. */
export function addressOf(text: string): string | undefined {
  return URL.canParse(text) && /^https?:/.test(text) ? text.replace(/\/+$/, "") : undefined;
}

/** Azure's address as it is called today, whatever of its path was given. */
export function azure(url: string): string {
  return /\/openai\/v1$/.test(url) ? url : `${new URL(url).origin}/openai/v1`;
}

/** Ollama's address of the wire that we speak; there it is written without. */
export function ollama(url: string | undefined): string | undefined {
  return url === undefined || new URL(url).pathname !== "/" ? url : `${url}/v1`;
}

/** A provider's id from its address: `10.0.0.5:8000` is `own-10-0-0-5-8000`, `os.environ/HOUSE_URL` is `own-house-url`. */
export function hostName(url: string | undefined, written: string | undefined): string {
  const variable = /^os\.environ\/(\w+)$/.exec(written ?? "")?.[1];
  if (url === undefined && variable !== undefined)
    return `own-${variable.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  if (url === undefined) return "own-server";
  return `own-${new URL(url).host.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
}

/** The record, or undefined when nothing is in it. */
export function filled<T>(record: Record<string, T>): Record<string, T> | undefined {
  return Object.keys(record).length === 0 ? undefined : record;
}

/** Without the members that are undefined. */
export function defined<T extends object>(value: T): T {
  for (const [name, member] of Object.entries(value))
    if (member === undefined) Reflect.deleteProperty(value, name);
  return value;
}

/** Values as YAML may hold them: each of the wanted kind, or as if it were not there. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function amountOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

export function wholeOf(value: unknown): number | undefined {
  const number = amountOf(value);
  return number !== undefined && Number.isSafeInteger(number) && number > 0 ? number : undefined;
}

export function flagOf(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

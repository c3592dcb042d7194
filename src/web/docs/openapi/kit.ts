import type { JsonSchema } from "#src/web/docs/json-schema.ts";

/** Who may call: anybody, a key of either kind, one for inference, one for management. */
export type Caller = "anyone" | "key" | "inference" | "management";

/** Where a path is mounted besides the root: everywhere else at the root alone. */
export type Base = "root" | "root and /api" | "root, /api and /api/v1/anthropic";

/** A member of the query. */
export interface Query {
  name: string;
  about: string;
  schema: JsonSchema;
}

/** One method of one path, as the reference and /openapi.json describe it. */
export interface Operation {
  method: "get" | "post" | "patch" | "delete" | "put";
  /** With parameters in braces. */
  path: string;
  base: Base;
  tag: string;
  summary: string;
  about?: string;
  caller: Caller;
  query?: readonly Query[];
  body?: JsonSchema;
  status?: 200 | 201;
  answer: JsonSchema;
  /** What it answers in, where that is no JSON. */
  media?: string;
  /** Other kinds of answers than JSON that it may give too. */
  also?: readonly string[];
  /** Another path that does the same; the reference names it there. */
  sameAs?: string;
}

export const text: JsonSchema = { type: "string" };
export const number: JsonSchema = { type: "number" };
export const integer: JsonSchema = { type: "integer" };
export const flag: JsonSchema = { type: "boolean" };
export const time: JsonSchema = { type: "string", format: "date-time" };
export const anything: JsonSchema = {};

/** A schema with words. */
export function told(schema: JsonSchema, description: string): JsonSchema {
  return { ...schema, description };
}

export function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

export function oneOf(...values: string[]): JsonSchema {
  return { type: "string", enum: values };
}

export function ref(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

type Members = Readonly<Record<string, JsonSchema>>;

/** An object of ours: these members and no others, all there but those named optional. */
export function closed(properties: Members, optional: readonly string[] = []): JsonSchema {
  return { ...open(properties, optional), additionalProperties: false };
}

/** An object that may have further members. */
export function open(properties: Members, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, ...(required.length > 0 ? { required } : {}) };
}

/** An object of which only these members have to be there. */
export function asked(properties: Members, ...required: string[]): JsonSchema {
  return { type: "object", properties, ...(required.length > 0 ? { required } : {}) };
}

/** An object of ours of which none has to be there, and no other may. */
export function only(properties: Members): JsonSchema {
  return closed(properties, Object.keys(properties));
}

/** What OpenAI's lists look like. */
export function objectList(items: JsonSchema): JsonSchema {
  return closed({ object: { const: "list" }, data: listOf(items) });
}

/** An answer under `data`. */
export function data(schema: JsonSchema): JsonSchema {
  return closed({ data: schema });
}

import { isObject, numberOf, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

const deepest = 12;
const formats: Readonly<Record<string, string>> = {
  date: "2026-01-15",
  "date-time": "2026-01-15T10:30:00Z",
  time: "10:30:00Z",
  email: "demo@example.com",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
};

/** A small value that fits a JSON Schema (or Gemini's subset of one): the required properties, or all where none is named. */
export function valueFor(schema: Json | undefined): Json {
  return build(schema, isObject(schema) ? schema : {}, 0);
}

function build(schema: Json | undefined, root: JsonObject, depth: number): Json {
  if (!isObject(schema) || depth > deepest) return null;
  const referred = stringOf(schema.$ref);
  if (referred !== undefined) return build(resolve(referred, root), root, depth + 1);
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  if (schema.default !== undefined) return schema.default;
  const choices = [schema.anyOf, schema.oneOf].find((one) => Array.isArray(one));
  if (Array.isArray(choices)) {
    const chosen = choices.find((one) => isObject(one) && one.type !== "null") ?? null;
    return build(chosen, root, depth + 1);
  }
  if (Array.isArray(schema.allOf)) {
    const parts = schema.allOf.map((part) => build(part, root, depth + 1)).filter(isObject);
    return Object.assign({}, ...parts, objectFor(schema, root, depth));
  }
  switch (typeOf(schema)) {
    case "string":
      return stringFor(schema);
    case "integer":
      return Math.ceil(numberFor(schema));
    case "number":
      return numberFor(schema);
    case "boolean":
      return true;
    case "array":
      return Array.from({ length: Math.max(1, numberOf(schema.minItems) ?? 1) }, () =>
        build(schema.items, root, depth + 1),
      ).filter((item) => item !== null);
    case "null":
      return null;
    default:
      return objectFor(schema, root, depth);
  }
}

/** Gemini writes types in upper case; a list of types means any of them. */
function typeOf(schema: JsonObject): string | undefined {
  const named = Array.isArray(schema.type)
    ? schema.type.find((one) => one !== "null")
    : schema.type;
  return stringOf(named)?.toLowerCase();
}

function objectFor(schema: JsonObject, root: JsonObject, depth: number): JsonObject {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const names = Array.isArray(schema.required)
    ? schema.required.filter((name) => typeof name === "string")
    : Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, build(properties[name], root, depth + 1)]));
}

function stringFor(schema: JsonObject): string {
  const text = formats[stringOf(schema.format) ?? ""] ?? "Paris";
  return text
    .padEnd(numberOf(schema.minLength) ?? 0, ".")
    .slice(0, numberOf(schema.maxLength) ?? undefined);
}

function numberFor(schema: JsonObject): number {
  const above = numberOf(schema.exclusiveMinimum);
  const least = numberOf(schema.minimum) ?? (above === undefined ? 1 : above + 1);
  return Math.min(least, numberOf(schema.maximum) ?? least);
}

function resolve(pointer: string, root: JsonObject): Json | undefined {
  if (!pointer.startsWith("#")) return undefined;
  let at: Json | undefined = root;
  for (const step of pointer.slice(1).split("/").filter(Boolean))
    at = isObject(at) ? at[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  return at;
}

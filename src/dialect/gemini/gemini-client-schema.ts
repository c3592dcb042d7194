import { nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** Members of Google's schema that JSON Schema has by the same name and that hold no schema. */
const plain = [
  "title",
  "description",
  "default",
  "pattern",
  "minimum",
  "maximum",
  "required",
  "$ref",
  "const",
];
/** Counts, which this wire may write as strings. */
const counts = ["minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength"];
/** Formats that JSON Schema knows; Google's own, such as `int32` and `enum`, only repeat the type. */
const formats = ["date-time", "date", "time", "duration", "email", "uri", "uuid"];

/** A schema of Google's subset, upper-case types and `nullable`, as JSON Schema. What it does not know is left out. */
export function jsonSchemaOf(schema: Json): Json {
  if (!isObject(schema)) return schema;
  const told = (name: string): Json | undefined => schema[nameIn(schema, name)] ?? undefined;
  const out: JsonObject = typeOf(told("type"), told("nullable") === true);
  for (const name of plain) put(out, name, told(name));
  for (const name of counts) put(out, name, countIn(told(name)));
  const format = told("format");
  if (typeof format === "string" && formats.includes(format)) out.format = format;
  const choices = told("enum");
  if (Array.isArray(choices))
    out.enum = told("nullable") === true && !choices.includes(null) ? [...choices, null] : choices;
  const properties = told("properties");
  if (isObject(properties)) out.properties = ordered(properties, told("propertyOrdering"));
  put(out, "items", schemaIn(told("items")));
  put(out, "anyOf", schemasIn(told("anyOf") ?? told("oneOf")));
  put(out, "prefixItems", schemasIn(told("prefixItems")));
  put(out, "additionalProperties", schemaIn(told("additionalProperties")));
  const definitions = told("$defs");
  if (isObject(definitions)) out.$defs = ordered(definitions, undefined);
  const example = told("example");
  if (example !== undefined) out.examples = [example];
  return out;
}

function put(out: JsonObject, name: string, value: Json | undefined): void {
  if (value !== undefined) out[name] = value;
}

function typeOf(type: Json | undefined, nullable: boolean): JsonObject {
  const told = Array.isArray(type) ? type : [type];
  const names = told.flatMap((one) =>
    typeof one === "string" && one !== "TYPE_UNSPECIFIED" ? [one.toLowerCase()] : [],
  );
  if (names.length === 0) return {};
  if (nullable && !names.includes("null")) names.push("null");
  const [only] = names;
  return { type: names.length === 1 && only !== undefined ? only : names };
}

function countIn(value: Json | undefined): Json | undefined {
  if (typeof value !== "string" || !/^\d{1,40}$/.test(value)) return value;
  const count = Number(value);
  return Number.isSafeInteger(count) ? count : JSON.rawJSON(BigInt(value).toString());
}

function schemaIn(value: Json | undefined): Json | undefined {
  return value === undefined ? undefined : jsonSchemaOf(value);
}

function schemasIn(value: Json | undefined): Json | undefined {
  return Array.isArray(value) ? value.map(jsonSchemaOf) : undefined;
}

/** Named schemas, those of the given order first. */
function ordered(schemas: JsonObject, order: Json | undefined): JsonObject {
  const wanted = Array.isArray(order) ? order.filter((name) => typeof name === "string") : [];
  const names = [...wanted.filter((name) => name in schemas), ...Object.keys(schemas)];
  return Object.fromEntries(names.map((name) => [name, jsonSchemaOf(schemas[name] ?? {})]));
}

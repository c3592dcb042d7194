import { isObject, type JsonObject } from "#src/lib/json.ts";

/** A JSON Schema of 2020-12, as OpenAPI 3.1 takes it. */
export type JsonSchema = { [name: string]: unknown };

/**
 * The JSON Schema of one of our valibot schemas: what they are made of, and no more. Throws for a kind that it does
 * not know, so that a new one is noticed by the tests.
 */
export function toJsonSchema(schema: unknown): JsonSchema {
  if (!isObject(schema)) throw new Error("Cannot describe what is no schema");
  if (!Array.isArray(schema.pipe)) return kind(schema);
  // What a pipe begins with may be one itself.
  const [first, ...actions] = schema.pipe;
  return actions.reduce(withAction, toJsonSchema(first));
}

function kind(schema: JsonObject): JsonSchema {
  switch (schema.type) {
    case "string":
    case "number":
    case "boolean":
      return { type: schema.type };
    case "literal":
      return { const: schema.literal };
    case "picklist":
      return { type: "string", enum: schema.options };
    case "optional":
      return toJsonSchema(schema.wrapped);
    case "nullable":
      return orNull(toJsonSchema(schema.wrapped));
    case "array":
      return { type: "array", items: toJsonSchema(schema.item) };
    case "record":
      return {
        type: "object",
        additionalProperties: toJsonSchema(schema.value),
        propertyNames: toJsonSchema(schema.key),
      };
    case "union":
      return { anyOf: listOf(schema.options).map(toJsonSchema) };
    case "strict_object":
      return { ...membersOf(schema), additionalProperties: false };
    case "loose_object":
      return membersOf(schema);
    default:
      throw new Error(`Cannot describe the schema "${String(schema.type)}"`);
  }
}

function membersOf({ entries }: JsonObject): JsonSchema {
  const members = Object.entries(isObject(entries) ? entries : {});
  const required = members
    .filter(([, member]) => isObject(member) && member.type !== "optional")
    .map(([name]) => name);
  return {
    type: "object",
    properties: Object.fromEntries(members.map(([name, one]) => [name, toJsonSchema(one)])),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** A schema that null fits too. */
export function orNull(schema: JsonSchema): JsonSchema {
  if (typeof schema.type !== "string") return { anyOf: [schema, { type: "null" }] };
  const choices = Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {};
  return { ...schema, type: [schema.type, "null"], ...choices };
}

/** A step of a pipe: a bound that JSON Schema knows too, or one that it cannot say. */
function withAction(schema: JsonSchema, action: unknown): JsonSchema {
  if (!isObject(action)) return schema;
  const { requirement: bound } = action;
  switch (action.type) {
    case "integer":
      return { ...schema, type: "integer" };
    case "min_value":
      return { ...schema, minimum: bound };
    case "max_value":
      return { ...schema, maximum: bound };
    case "gt_value":
      return { ...schema, exclusiveMinimum: bound };
    case "min_length":
      return { ...schema, minLength: bound };
    case "max_length":
      return { ...schema, maxLength: bound };
    case "regex":
      return { ...schema, pattern: bound instanceof RegExp ? bound.source : String(bound) };
    case "url":
      return { ...schema, format: "uri" };
    case "iso_timestamp":
      return { ...schema, format: "date-time" };
    case "check":
      return schema;
    default:
      throw new Error(`Cannot describe the check "${String(action.type)}"`);
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A schema in few words, for a table: `integer, at least 1`, `"json" or "pretty"`. */
export function inWords(schema: JsonSchema): string {
  if (Array.isArray(schema.anyOf)) return schema.anyOf.filter(isObject).map(inWords).join(" or ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (typeof schema.$ref === "string") return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (Array.isArray(schema.enum)) return schema.enum.map((one) => JSON.stringify(one)).join(", ");
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  const names = types.filter((type) => typeof type === "string");
  const items = isObject(schema.items) ? ` of ${inWords(schema.items)}` : "";
  const kinds = names.map((name) => (name === "array" ? `list${items}` : name)).join(" or ");
  const bounds = [
    typeof schema.minimum === "number" ? `at least ${schema.minimum}` : "",
    typeof schema.exclusiveMinimum === "number" ? `above ${schema.exclusiveMinimum}` : "",
    typeof schema.maximum === "number" ? `at most ${schema.maximum}` : "",
    schema.format === "uri" ? "an address" : "",
    schema.format === "date-time" ? "RFC 3339" : "",
  ];
  return [kinds || "any", ...bounds].filter((part) => part !== "").join(", ");
}

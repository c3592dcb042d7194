import { isObject } from "#src/lib/json.ts";
import { at } from "#test/lib/gateway.ts";

/** What is wrong with a value under a schema: the part of JSON Schema that our own descriptions use. Throws for any other. */
export function faultsOf(schema: unknown, value: unknown, document: unknown, path = "$"): string[] {
  if (!isObject(schema)) throw new Error(`There is no schema for ${path}`);
  const unknown = Object.keys(schema).filter((word) => !words.has(word));
  if (unknown.length > 0) throw new Error(`Cannot judge by ${unknown.join(", ")}`);
  if (typeof schema.$ref === "string") {
    const target = at(document, schema.$ref.slice(2).replaceAll("/", "."));
    return faultsOf(target, value, document, path);
  }
  if (Array.isArray(schema.anyOf)) {
    const fits = schema.anyOf.some((one) => faultsOf(one, value, document, path).length === 0);
    return fits ? [] : [`${path} fits none of ${schema.anyOf.length}`];
  }
  if ("const" in schema && schema.const !== value) return [`${path} is not ${schema.const}`];
  if (Array.isArray(schema.enum) && !schema.enum.some((one) => one === value))
    return [`${path} is not one of ${schema.enum.join(", ")}: ${String(value)}`];
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  if (schema.type !== undefined && !types.some((type) => isOf(type, value)))
    return [`${path} is no ${types.join(" or ")}`];
  if (typeof value === "string" && schema.format === "date-time" && Number.isNaN(Date.parse(value)))
    return [`${path} is no time`];
  if (Array.isArray(value) && isObject(schema.items))
    return value.flatMap((one, index) =>
      faultsOf(schema.items, one, document, `${path}[${index}]`),
    );
  return isObject(value) ? memberFaults(schema, value, document, path) : [];
}

/** What we know how to judge by, or what says nothing of whether a value fits. */
const words = new Set([
  ...["$ref", "anyOf", "const", "enum", "type", "format", "items", "properties", "required"],
  ...["additionalProperties", "description", "minimum", "exclusiveMinimum", "maximum"],
  ...["minLength", "maxLength", "pattern"],
]);

function memberFaults(
  schema: Record<string, unknown>,
  value: Record<string, unknown>,
  document: unknown,
  path: string,
): string[] {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const missing = required.filter((name) => !(String(name) in value));
  return [
    ...missing.map((name) => `${path}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, member]) => {
      if (member === undefined) return [];
      const known = properties[name];
      if (known !== undefined) return faultsOf(known, member, document, `${path}.${name}`);
      return schema.additionalProperties === false ? [`${path}.${name} is not described`] : [];
    }),
  ];
}

function isOf(type: unknown, value: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

import fc from "fast-check";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** Whether a value fits a JSON Schema, or one of the OpenAPI subset: a plain reading of the standard, to judge ours by. */
export function fits(
  schema: Json | undefined,
  value: Json,
  root: Json | undefined = schema,
): boolean {
  if (schema === true || schema === undefined) return true;
  if (!isObject(schema)) return false;
  if (schema.nullable === true && value === null) return true;
  const inside = (one: Json | undefined, part: Json = value) => fits(one, part, root);
  const list = (name: string): Json[] => {
    const found = schema[name];
    return Array.isArray(found) ? found : [];
  };
  const number = (name: string, otherwise: number) => {
    const found = schema[name];
    return typeof found === "number" ? found : otherwise;
  };
  if (schema.type !== undefined) {
    const named = Array.isArray(schema.type) ? schema.type : [schema.type];
    if (!named.some((type) => isOf(String(type).toLowerCase(), value))) return false;
  }
  if (schema.const !== undefined && !same(schema.const, value)) return false;
  if (schema.enum !== undefined && !list("enum").some((one) => same(one, value))) return false;
  if (typeof schema.$ref === "string" && !inside(pointed(schema.$ref, root))) return false;
  if (!list("allOf").every((one) => inside(one))) return false;
  if (schema.anyOf !== undefined && !list("anyOf").some((one) => inside(one))) return false;
  if (schema.oneOf !== undefined && list("oneOf").filter((one) => inside(one)).length !== 1)
    return false;
  if (schema.not !== undefined && inside(schema.not)) return false;
  if (typeof value === "string") {
    if (value.length < number("minLength", 0) || value.length > number("maxLength", Infinity))
      return false;
    if (typeof schema.pattern === "string" && !new RegExp(schema.pattern).test(value)) return false;
  }
  if (typeof value === "number") {
    if (value < number("minimum", -Infinity) || value > number("maximum", Infinity)) return false;
    if (value <= number("exclusiveMinimum", -Infinity)) return false;
    if (value >= number("exclusiveMaximum", Infinity)) return false;
    if (value % number("multipleOf", value || 1) !== 0) return false;
  }
  if (Array.isArray(value)) {
    if (value.length < number("minItems", 0) || value.length > number("maxItems", Infinity))
      return false;
    const first = list("prefixItems");
    if (!value.every((one, at) => inside(at < first.length ? first[at] : schema.items, one)))
      return false;
    const distinct = new Set(value.map((one) => JSON.stringify(one)));
    if (schema.uniqueItems === true && distinct.size < value.length) return false;
  }
  if (!isObject(value)) return true;
  const names = Object.keys(value);
  if (names.length < number("minProperties", 0) || names.length > number("maxProperties", Infinity))
    return false;
  if (list("required").some((name) => !names.includes(String(name)))) return false;
  const known = isObject(schema.properties) ? schema.properties : {};
  return names.every((name) =>
    inside(Object.hasOwn(known, name) ? known[name] : schema.additionalProperties, value[name]),
  );
}

function isOf(type: string, value: Json): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  return type === "integer" ? Number.isInteger(value) : typeof value === type;
}

function same(a: Json | undefined, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function pointed(ref: string, root: Json | undefined): Json | undefined {
  let found = root;
  for (const name of ref.split("/").slice(1)) found = isObject(found) ? found[name] : undefined;
  return found;
}

const names = ["a", "b", "c"];
const small = fc.integer({ min: 0, max: 3 });
const name = fc.constantFrom(...names);
const text = fc.constantFrom("", "a", "b", "ab", "abc");

/** Values of few kinds, so that many of them fit. */
export const values: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fc.constantFrom<Json>(null, true, false),
    fc.constantFrom(0, 1, 2, 3, 1.5),
    text,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(name, tie("value"), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

/** Schemas of every keyword that is read, each beside a type where it speaks of one. */
export function schemas(): fc.Arbitrary<Json> {
  return fc.letrec<{ schema: Json; members: JsonObject }>((tie) => {
    const inner = tie("schema");
    const some = fc.array(inner, { minLength: 1, maxLength: 3 });
    const optional = { requiredKeys: [] };
    const object = fc.record(
      {
        properties: fc.dictionary(name, inner, { maxKeys: 3, noNullPrototype: true }),
        required: fc.uniqueArray(name, { maxLength: 2 }),
        additionalProperties: fc.oneof(fc.boolean(), inner),
        minProperties: small,
        maxProperties: small,
      },
      optional,
    );
    const array = fc.record(
      {
        items: inner,
        prefixItems: some,
        minItems: small,
        maxItems: small,
        uniqueItems: fc.boolean(),
      },
      optional,
    );
    const string = fc.record(
      { minLength: small, maxLength: small, pattern: fc.constantFrom("^a", "b$"), format: text },
      optional,
    );
    const number = fc.record(
      {
        minimum: small,
        maximum: small,
        exclusiveMinimum: small,
        exclusiveMaximum: small,
        multipleOf: fc.constantFrom(1, 2),
      },
      optional,
    );
    const typed = (type: fc.Arbitrary<Json>, keywords: fc.Arbitrary<JsonObject>) =>
      fc.tuple(type, keywords).map(([one, rest]): JsonObject => ({ type: one, ...rest }));
    const all = fc.tuple(object, array, string, number).map((parts) => Object.assign({}, ...parts));
    const type = fc.constantFrom(
      "string",
      "number",
      "integer",
      "boolean",
      "array",
      "object",
      "null",
    );
    const joined = fc.record(
      {
        anyOf: some,
        oneOf: some,
        allOf: some,
        not: inner,
        const: values,
        enum: fc.array(values, { minLength: 1, maxLength: 3 }),
        $ref: name.map((one) => `#/$defs/${one}`),
        title: text,
        default: values,
      },
      optional,
    );
    const picked = (members: fc.Arbitrary<JsonObject>) =>
      members.chain((one) => {
        const keys = Object.keys(one);
        return fc
          .subarray(keys, { maxLength: Math.min(2, keys.length) })
          .map((kept) => Object.fromEntries(kept.map((key) => [key, one[key]])));
      });
    return {
      members: fc.oneof(
        typed(fc.constant("object"), object),
        typed(fc.constant("array"), array),
        typed(fc.constant("string"), string),
        typed(fc.constantFrom("number", "integer"), number),
        typed(fc.uniqueArray(type, { minLength: 1, maxLength: 3 }), all),
        fc.constant({}),
      ),
      schema: fc.oneof(
        { maxDepth: 3, depthSize: "small" },
        fc.boolean(),
        tie("members"),
        fc
          .tuple(tie("members"), picked(joined))
          .map(([members, more]): JsonObject => ({ ...members, ...more })),
      ),
    };
  }).schema;
}

/** A schema with the definitions that it may refer to, which refer to nothing. */
export const rooted: fc.Arbitrary<JsonObject> = fc
  .tuple(schemas(), schemas(), schemas(), schemas())
  .map(([root, ...defs]) => {
    const members = isObject(root) ? root : root === true ? {} : { not: {} };
    const told = defs.map((one, at): [string, Json] => [names[at] ?? "", withoutRefs(one)]);
    return { ...members, $defs: Object.fromEntries(told) };
  });

function withoutRefs(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutRefs);
  if (!isObject(schema)) return schema;
  const kept = Object.entries(schema).filter(([key]) => key !== "$ref");
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutRefs(value ?? null)]));
}

/** Every keyword of a schema of the subset, wherever it stands. */
export function keywordsOf(schema: Json | undefined): string[] {
  if (!isObject(schema)) return [];
  const { properties, anyOf, items } = schema;
  return [
    ...Object.keys(schema),
    ...(isObject(properties) ? Object.values(properties).flatMap(keywordsOf) : []),
    ...(Array.isArray(anyOf) ? anyOf.flatMap(keywordsOf) : []),
    ...keywordsOf(items),
  ];
}

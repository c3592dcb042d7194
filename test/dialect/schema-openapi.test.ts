import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseExact } from "#src/dialect/exact-json.ts";
import { reduceSchema } from "#src/dialect/schema-openapi.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import { fits, keywordsOf, rooted, values } from "#test/dialect/schema-kit.ts";
import { refusalOf } from "#test/dialect/upstream-kit.ts";

/** Every keyword of the subset. Source: the wire notes, section 9. */
const subset: ReadonlySet<string> = new Set([
  ...["type", "format", "title", "description", "nullable", "enum", "default", "example", "anyOf"],
  ...["items", "minItems", "maxItems", "pattern", "minLength", "maxLength", "minimum", "maximum"],
  ...["properties", "required", "propertyOrdering", "minProperties", "maxProperties"],
]);

const reduce = (schema: Json) => reduceSchema(schema, "tools[0]");
const reduced = (schema: Json) => reduce(schema).schema;

describe("a reduced schema, whatever the schema was,", () => {
  test("has keywords of the subset alone, and types where keywords need them", () => {
    fc.assert(
      fc.property(rooted, (schema) => {
        const told = reduced(schema);
        expect(keywordsOf(told).filter((name) => !subset.has(name))).toEqual([]);
        expect(wrongIn(told)).toEqual([]);
      }),
      { numRuns: 700 },
    );
  });

  test("admits every value that the schema admits", () => {
    let count = 0;
    fc.assert(
      fc.property(rooted, fc.array(values, { minLength: 10, maxLength: 10 }), (schema, several) => {
        const told = reduced(schema);
        for (const value of several) {
          if (!fits(schema, value)) continue;
          count++;
          expect([value, fits(told, value)]).toEqual([value, true]);
        }
      }),
      { numRuns: 700 },
    );
    expect(count).toBeGreaterThan(700);
  });

  test("admits no other where nothing is named", () => {
    fc.assert(
      fc.property(rooted, fc.array(values, { minLength: 10, maxLength: 10 }), (schema, several) => {
        const { schema: told, loosened } = reduce(schema);
        if (loosened.length > 0) return;
        for (const value of several)
          if (!fits(schema, value)) expect([value, fits(told, value)]).toEqual([value, false]);
      }),
      { numRuns: 700 },
    );
  });
});

/** What Google refuses: a keyword beside the wrong type, an object without properties, a demand for an unknown one. */
function wrongIn(schema: Json | undefined): string[] {
  if (!isObject(schema)) return [];
  const { type, properties, required, anyOf, items } = schema;
  const wrong: string[] = [];
  const belongs: Record<string, string[]> = {
    OBJECT: ["properties", "required", "minProperties", "maxProperties"],
    ARRAY: ["items", "minItems", "maxItems"],
    STRING: ["enum", "pattern", "minLength", "maxLength"],
  };
  for (const [owner, names] of Object.entries(belongs))
    for (const name of names)
      if (schema[name] !== undefined && type !== owner)
        wrong.push(`${name} beside ${String(type)}`);
  if (type === "OBJECT" && (!isObject(properties) || Object.keys(properties).length === 0))
    wrong.push("an object without properties");
  if (type === "ARRAY" && items === undefined) wrong.push("a list of nothing");
  const known = isObject(properties) ? Object.keys(properties) : [];
  if (Array.isArray(required) && required.some((name) => !known.includes(String(name))))
    wrong.push("a demand for an unknown property");
  if (anyOf !== undefined && type !== undefined) wrong.push("a type beside alternatives");
  const inner = [
    ...(isObject(properties) ? Object.values(properties) : []),
    ...(Array.isArray(anyOf) ? anyOf : []),
    items,
  ];
  return [...wrong, ...inner.flatMap(wrongIn)];
}

describe("reduction", () => {
  const rows: [string, JsonObject, JsonObject, string[]][] = [
    ["const", { const: "a" }, { type: "STRING", enum: ["a"] }, []],
    ["a number as const", { const: 5 }, { type: "INTEGER", minimum: 5, maximum: 5 }, []],
    [
      "numbers to choose from",
      { enum: [1, 5] },
      { type: "INTEGER", minimum: 1, maximum: 5 },
      ["enum"],
    ],
    [
      "a choice that may be null",
      { enum: ["a", null] },
      { type: "STRING", enum: ["a"], nullable: true },
      [],
    ],
    ["an empty string to choose", { enum: ["", "a"] }, { type: "STRING" }, ["enum"]],
    ["types", { type: ["string", "null"] }, { type: "STRING", nullable: true }, []],
    [
      "several types",
      { type: ["string", "integer", "null"], minLength: 1, minimum: 2 },
      {
        anyOf: [
          { type: "STRING", minLength: 1 },
          { type: "INTEGER", minimum: 2 },
        ],
        nullable: true,
      },
      [],
    ],
    [
      "an optional definition",
      { anyOf: [{ $ref: "#/$defs/a" }, { type: "null" }], $defs: { a: { type: "boolean" } } },
      { type: "BOOLEAN", nullable: true },
      [],
    ],
    [
      "oneOf",
      { oneOf: [{ type: "string" }, { type: "boolean" }] },
      { anyOf: [{ type: "STRING" }, { type: "BOOLEAN" }] },
      ["oneOf"],
    ],
    [
      "allOf",
      {
        allOf: [
          { type: "string", minLength: 1 },
          { minLength: 2, maxLength: 9 },
        ],
      },
      { type: "STRING", minLength: 2, maxLength: 9 },
      [],
    ],
    ["formats", { type: "string", format: "email" }, { type: "STRING" }, ["format"]],
    [
      "a known format",
      { type: "string", format: "date-time" },
      { type: "STRING", format: "date-time" },
      [],
    ],
    [
      "open bounds of integers",
      { type: "integer", exclusiveMinimum: 0 },
      { type: "INTEGER", minimum: 1 },
      [],
    ],
    [
      "open bounds",
      { type: "number", exclusiveMaximum: 1 },
      { type: "NUMBER", maximum: 1 },
      ["exclusiveMaximum"],
    ],
    [
      "tuples",
      { type: "array", prefixItems: [{ type: "string" }, { type: "boolean" }], items: false },
      { type: "ARRAY", items: { anyOf: [{ type: "STRING" }, { type: "BOOLEAN" }] } },
      ["prefixItems"],
    ],
    [
      "a list without repetition",
      { type: "array", items: { type: "string" }, uniqueItems: true },
      { type: "ARRAY", items: { type: "STRING" } },
      ["uniqueItems"],
    ],
    [
      "a list that may repeat itself",
      { type: "array", items: { type: "string" }, uniqueItems: false },
      { type: "ARRAY", items: { type: "STRING" } },
      [],
    ],
    ["a list of anything", { type: "array" }, { type: "ARRAY", items: {} }, []],
    [
      "closed objects",
      {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        $id: "x",
        type: "object",
        properties: { a: { type: "string", description: "A", examples: ["x"], readOnly: true } },
        required: ["a", "b"],
        additionalProperties: false,
        "x-own": 1,
      },
      {
        type: "OBJECT",
        properties: { a: { type: "STRING", description: "A", example: "x" } },
        required: ["a"],
      },
      ["additionalProperties", "required"],
    ],
    [
      "an inner object of which nothing is known",
      { type: "object", properties: { a: { type: "object", description: "Any" } } },
      { type: "OBJECT", properties: { a: { description: "Any" } } },
      ["type"],
    ],
    [
      "what a definition says, under what its place says of it",
      {
        type: "object",
        properties: { a: { $ref: "#/$defs/a", description: "here" } },
        $defs: { a: { type: "string", description: "there", title: "A" } },
      },
      { type: "OBJECT", properties: { a: { type: "STRING", description: "here", title: "A" } } },
      [],
    ],
    [
      "a type that is not said",
      { properties: { a: {} } },
      { type: "OBJECT", properties: { a: {} } },
      [],
    ],
    ["what has no word", { type: "string", not: { const: "a" } }, { type: "STRING" }, ["not"]],
  ];
  test.each(rows)("of %s", (_name, schema, wanted, loosened) => {
    const told = reduce(schema);
    expect(told.schema).toEqual(wanted);
    expect([...told.loosened].sort()).toEqual(loosened);
  });

  test("keeps numbers beyond doubles as they were written", () => {
    const text =
      '{"type":"integer","minimum":-18446744073709551615,"maximum":18446744073709551615}';
    expect(JSON.stringify(reduced(parseExact(text)))).toBe(text.replace("integer", "INTEGER"));
    const exclusive = parseExact('{"type":"integer","exclusiveMaximum":18446744073709551615}');
    expect(JSON.stringify(reduce(exclusive))).toBe(
      '{"schema":{"type":"INTEGER","maximum":18446744073709551615},"loosened":["exclusiveMaximum"]}',
    );
    expect(JSON.stringify(reduced(parseExact('{"enum":[1,18446744073709551615]}')))).toBe(
      '{"type":"INTEGER","minimum":1,"maximum":18446744073709551615}',
    );
  });

  test("keeps properties of any name", () => {
    const schema = JSON.parse(
      '{"type":"object","properties":{"__proto__":{"type":"string"},"type":{"type":"boolean"}}}',
    );
    expect(JSON.stringify(reduced(schema))).toBe(
      '{"type":"OBJECT","properties":{"__proto__":{"type":"STRING"},"type":{"type":"BOOLEAN"}}}',
    );
  });
});

describe("a schema that cannot be written out is refused by its place", () => {
  const node = { type: "object", properties: { next: { $ref: "#/$defs/secret_node" } } };
  const doubled = Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => {
      const next = { $ref: `#/$defs/d${at + 1}` };
      return [`d${at}`, at === 19 ? {} : { type: "object", properties: { a: next, b: next } }];
    }),
  );
  const chained = Object.fromEntries(
    Array.from({ length: 3000 }, (_, at) => [`d${at}`, { $ref: `#/$defs/d${(at + 1) % 2999}` }]),
  );
  const rows: [string, Json][] = [
    [
      "by a definition that holds itself",
      { $ref: "#/$defs/secret_node", $defs: { secret_node: node } },
    ],
    [
      "by a root that holds itself",
      { type: "object", properties: { a: { items: { $ref: "#" }, type: "array" } } },
    ],
    ["by a definition that is not there", { $ref: "#/$defs/secret_node" }],
    ["by a definition of someone else", { $ref: "https://example.com/secret_node" }],
    ["by definitions that unfold without end", { $ref: "#/$defs/d0", $defs: doubled }],
    ["by definitions that lead too far", { $ref: "#/$defs/d0", $defs: chained }],
  ];
  test.each(rows)("%s", (name, schema) => {
    const { code, detail, message } = refusalOf(() => reduceSchema(schema, "tools[3]"));
    expect([code, detail.param]).toEqual(["unsupported_feature", "tools[3]"]);
    expect(message).toContain('"tools[3]"');
    if (name.endsWith("holds itself")) expect(message).toContain("it holds itself");
    expect(message).not.toContain("secret");
  });
});

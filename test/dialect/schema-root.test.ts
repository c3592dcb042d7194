import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { reduceSchema } from "#src/dialect/schema-openapi.ts";
import { objectRoot } from "#src/dialect/schema-root.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import { fits, rooted, schemas, values } from "#test/dialect/schema-kit.ts";
import { refusalOf } from "#test/dialect/upstream-kit.ts";

const rootOf = (schema: Json | undefined) => objectRoot(schema, "tools[2]");

/** What Anthropic takes at the root of a tool's parameters. */
function isTaken({ type, anyOf, oneOf, allOf, $ref }: JsonObject): boolean {
  return type === "object" && [anyOf, oneOf, allOf, $ref].every((one) => one === undefined);
}

describe("a root", () => {
  test("that is an object stays as it is", () => {
    const schema = { type: "object", properties: { a: { anyOf: [{}] } }, $defs: { b: {} } };
    expect(rootOf(schema)).toEqual({ schema, loosened: [], narrowed: false });
  });

  test.each([[undefined], [null], [{}], [true]])("that says nothing is an object: %p", (schema) => {
    expect(rootOf(schema).schema).toEqual({ type: "object", properties: {} });
  });

  test("without a type, or with other types beside, is an object", () => {
    const properties = { a: { type: "string" } };
    expect(rootOf({ properties })).toMatchObject({ schema: { type: "object" }, narrowed: false });
    expect(rootOf({ type: ["object", "null"], properties })).toMatchObject({
      schema: { type: "object", properties },
      narrowed: true,
    });
  });

  test("by a definition is what it names, and definitions stay", () => {
    const $defs = {
      node: { type: "object", properties: { next: { $ref: "#/$defs/node" } }, description: "N" },
    };
    expect(rootOf({ $ref: "#/$defs/node", $defs })).toEqual({
      schema: {
        $defs,
        type: "object",
        properties: { next: { $ref: "#/$defs/node" } },
        description: "N",
      },
      loosened: [],
      narrowed: false,
    });
  });

  test("of alternatives has all their properties, and demands what all of them demand", () => {
    const alternative = (kind: string, more: JsonObject) => ({
      type: "object",
      properties: { kind: { const: kind }, ...more },
      required: ["kind", ...Object.keys(more)],
      additionalProperties: false,
    });
    const schema = {
      description: "D",
      oneOf: [
        alternative("a", { x: { type: "string" } }),
        alternative("b", { x: { type: "string" }, y: { type: "number" } }),
      ],
    };
    expect(rootOf(schema)).toEqual({
      schema: {
        description: "D",
        type: "object",
        properties: {
          kind: { anyOf: [{ const: "a" }, { const: "b" }] },
          x: { type: "string" },
          y: { type: "number" },
        },
        required: ["kind", "x"],
        additionalProperties: false,
      },
      loosened: ["oneOf"],
      narrowed: false,
    });
  });

  test("of several parts holds all of them", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "string" } },
      allOf: [
        { properties: { a: { minLength: 1 }, b: {} }, required: ["b"] },
        { minProperties: 2 },
      ],
      anyOf: [{ required: ["a"] }, { required: ["c"] }],
    };
    expect(rootOf(schema)).toEqual({
      schema: {
        type: "object",
        properties: { a: { allOf: [{ type: "string" }, { minLength: 1 }] }, b: {} },
        required: ["b"],
        minProperties: 2,
      },
      loosened: ["anyOf"],
      narrowed: false,
    });
  });

  test.each<[string, Json]>([
    ["is of listed words", { enum: ["a", "b"] }],
    ["is one number", { const: 5 }],
    ["is an alternative of words", { anyOf: [{ enum: ["a"] }, { const: null }] }],
    ["is a list", { type: "array" }],
    ["has no alternative that is an object", { anyOf: [{ type: "string" }, { type: "null" }] }],
    [
      "is defined by itself",
      { $ref: "#/$defs/secret", $defs: { secret: { $ref: "#/$defs/secret" } } },
    ],
    ["is defined nowhere", { $ref: "#/$defs/secret" }],
  ])("that %s is refused by its place", (_name, schema) => {
    const { code, detail, message } = refusalOf(() => rootOf(schema));
    expect([code, detail.param]).toEqual(["unsupported_feature", "tools[2]"]);
    expect(message).not.toContain("secret");
  });

  test.each<[string, JsonObject, boolean]>([
    ["speaks of lists alone", { items: { type: "string" } }, true],
    ["speaks of numbers alone", { minimum: 3 }, true],
    ["lists an object and a word", { enum: [{ a: 1 }, "b"] }, true],
    ["speaks of lists in one alternative", { anyOf: [{ properties: {} }, { items: {} }] }, true],
    ["speaks of objects", { properties: { a: {} }, required: ["a"] }, false],
    ["speaks of objects in parts", { allOf: [{ required: ["a"] }, { description: "A" }] }, false],
    ["only describes", { description: "Anything" }, false],
    ["is one object", { const: { a: 1 } }, false],
  ])("without a type that %s may be narrowed by one: %p, %p", (_name, schema, narrowed) => {
    expect(rootOf(schema)).toMatchObject({ schema: { type: "object" }, narrowed });
  });

  test("of any schema is one that is taken, and admits every object that the schema admits", () => {
    let count = 0;
    fc.assert(
      fc.property(rooted, fc.array(values, { minLength: 10, maxLength: 10 }), (schema, several) => {
        // Open alternatives are taken to mean the properties that they name.
        const closed = withClosed(schema);
        const root = refusedOr(() => rootOf(closed));
        if (root === undefined) return;
        expect(isTaken(root)).toBe(true);
        for (const value of several) {
          if (!isObject(value) || !fits(closed, value)) continue;
          count++;
          expect([value, fits(root, value)]).toEqual([value, true]);
        }
      }),
      { numRuns: 500 },
    );
    expect(count).toBeGreaterThan(150);
  });

  test("of a schema without alternatives admits no more where nothing is named", () => {
    fc.assert(
      fc.property(schemas(), values, (schema, value) => {
        if (!isObject(schema) || !isObject(value) || schema.$ref !== undefined) return;
        const root = refusedOr(() => rootOf(schema));
        if (root === undefined || rootOf(schema).loosened.length > 0) return;
        if (fits(root, value) !== fits(schema, value))
          expect([value, root]).toEqual([value, schema]);
      }),
      { numRuns: 500 },
    );
  });
});

function refusedOr(call: () => { schema: JsonObject }): JsonObject | undefined {
  try {
    return call().schema;
  } catch {
    return undefined;
  }
}

/** The schema with each alternative at its root closed to what it does not name. */
function withClosed(schema: JsonObject): JsonObject {
  const closed = { ...schema };
  for (const name of ["anyOf", "oneOf"]) {
    const list = schema[name];
    if (Array.isArray(list))
      closed[name] = list.map((one) =>
        one === false
          ? false
          : { type: "object", ...(isObject(one) ? one : {}), additionalProperties: false },
      );
  }
  return closed;
}

describe("a small schema whose definitions unfold without end is refused before they do", () => {
  const names = (count: number, begin = "n") =>
    Array.from({ length: count }, (_, index) => `${begin}${index}`);
  const times = (count: number, schema: JsonObject) => Array.from({ length: count }, () => schema);
  const wide = Object.fromEntries(names(20_000).map((name) => [name, {}]));
  const $ref = "#/$defs/a";
  const longRef = `#/$defs/${"a".repeat(3000)}`;
  const refused: Record<string, JsonObject> = {
    "a wide definition, again and again": {
      anyOf: times(3000, { $ref }),
      $defs: { a: { type: "object", properties: wide } },
    },
    "long texts, each compared with the others": {
      allOf: times(200, { $ref }),
      $defs: {
        a: {
          allOf: names(20).map((name) => ({
            properties: { x: { pattern: name.repeat(500) } },
          })),
        },
      },
    },
    "many parts that bound many names": {
      allOf: times(1000, { $ref }),
      $defs: { a: { properties: wide, additionalProperties: false } },
    },
    "a long reference": { $ref: longRef, $defs: { ["a".repeat(3000)]: { type: "object" } } },
  };
  test.each(Object.entries(refused))("%s", (_, schema) => {
    const { code, detail } = refusalOf(() => rootOf(schema));
    expect([code, detail.param]).toEqual(["unsupported_feature", "tools[2]"]);
  });

  test.each<[string, JsonObject]>([
    ["lists of words, joined", { allOf: [{ enum: names(30_000) }, { enum: names(30_000, "m") }] }],
    [
      "lists of names, again and again",
      {
        allOf: times(900, { $ref }),
        $defs: { a: { type: "object", required: names(10_000) } },
      },
    ],
    ["a long reference", { properties: { a: { $ref: longRef } } }],
  ])("for an old Gemini too: %s", (_, schema) => {
    const { code, detail } = refusalOf(() => reduceSchema(schema, "tools[2]"));
    expect([code, detail.param]).toEqual(["unsupported_feature", "tools[2]"]);
  });

  test("and what is merely long is not", () => {
    const required = names(20_000);
    const schema = { anyOf: [{ required }, { required: required.toReversed() }] };
    expect(rootOf({ type: "object", ...schema }).schema.required).toEqual(required);
    const parts = names(1000).map((name) => ({ properties: { x: { pattern: name.repeat(200) } } }));
    const { properties } = rootOf({ allOf: parts }).schema;
    expect(isObject(properties) && isObject(properties.x) ? properties.x.allOf : []).toHaveLength(
      1000,
    );
    expect(reduceSchema({ enum: names(15_000) }, "tools[0]").schema.enum).toHaveLength(15_000);
  });
});

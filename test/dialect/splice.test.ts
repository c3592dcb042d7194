import { expect, test } from "bun:test";
import fc from "fast-check";
import { fromRaw, rawJson, readRaw, toRaw } from "#src/dialect/raw-text.ts";
import { edit, elementsOf, lastOf, membersOf, SpliceError, tooDeep } from "#src/dialect/splice.ts";
import { encode } from "#src/lib/bytes.ts";

const space = fc.constantFrom("", " ", "\n  ", "\t\r\n");
const value = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom(
    "12345678901234567890",
    '"é🌦 \\" \\\\"',
    "1e400",
    '{"a": [ 1 , {"b":"}"} ]}',
    '"\\\\"',
  ),
);
const key = fc.constantFrom(
  "model",
  "a",
  "b",
  "route",
  'q"',
  "é",
  "constructor",
  "__proto__",
  "\\",
);
/** An object as text, with any spacing, its keys written plainly or with an escape. */
const objectText = fc
  .tuple(space, fc.array(fc.tuple(space, key, space, space, value, space), { maxLength: 6 }), space)
  .map(([before, members, after]) => {
    const inner = members.map(([s1, k, s2, s3, v, s4]) => `${s1}${keyText(k)}${s2}:${s3}${v}${s4}`);
    return `${before}{${inner.length > 0 ? inner.join(",") : after}}${after}`;
  });

function keyText(name: string): string {
  return name === "b" ? '"\\u0062"' : JSON.stringify(name);
}

test("edit() does to the text what assigning and deleting does to the object", () => {
  fc.assert(
    fc.property(objectText, (text) => {
      const edited = edit(text, {
        set: { model: '"x"', route: undefined, b: "1" },
        add: { c: "[2]", model: '"x"' },
      });
      const before = new Map<string, unknown>(Object.entries(JSON.parse(text)));
      before.delete("route");
      if (before.has("b")) before.set("b", 1);
      before.set("model", "x");
      before.set("c", [2]);
      expect(new Map<string, unknown>(Object.entries(JSON.parse(edited)))).toEqual(before);
    }),
    { numRuns: 500 },
  );
});

test("edit() keeps every byte of the members that it leaves", () => {
  fc.assert(
    fc.property(objectText, (text) => {
      const edited = edit(text, { set: { model: "0", route: undefined } });
      const kept = (whole: string) =>
        membersOf(whole)
          .filter((member) => member.key !== "model" && member.key !== "route")
          .map((member) => whole.slice(member.start, member.end));
      expect(kept(edited)).toEqual(kept(text));
      if (!membersOf(text).some((m) => m.key === "model" || m.key === "route"))
        expect(edited).toBe(text);
    }),
    { numRuns: 500 },
  );
});

test("edit() changes every occurrence of a repeated key, escaped ones too", () => {
  const text = '{"model":1, "x":12345678901234567890, "mod\\u0065l":2}';
  expect(edit(text, { set: { model: "9" } })).toBe(
    '{"model":9, "x":12345678901234567890, "mod\\u0065l":9}',
  );
  expect(edit(text, { set: { model: undefined } })).toBe('{"x":12345678901234567890}');
});

test("of a repeated member the last counts, however it is written", () => {
  const text = '{"a":1,"b":2,"\\u0061":3}';
  expect(lastOf(membersOf(text), "a")?.valueStart).toBe(text.indexOf("3"));
  expect(lastOf(membersOf(text), "b")?.valueStart).toBe(text.indexOf("2"));
  expect(lastOf(membersOf(text), "c")).toBeUndefined();
});

test("edit() puts a member again that it removed", () => {
  expect(edit('{"a":1}', { set: { a: undefined }, add: { a: "2" } })).toBe('{"a":2}');
  expect(edit("{ }", { add: { a: "2" } })).toBe('{"a":2 }');
});

test("edit() reaches into a nested object", () => {
  const text = '{"usage":{"x":1},"y":2}';
  expect(edit(text, { add: { cost: "0" } }, text.indexOf('{"x"'))).toBe(
    '{"usage":{"x":1,"cost":0},"y":2}',
  );
});

test("elementsOf() finds the values of an array", () => {
  const text = '[ 1 ,"],", {"a":[2]} ]';
  const found = elementsOf(text, 0).map(({ start, end }) => text.slice(start, end));
  expect(found).toEqual(["1", '"],"', '{"a":[2]}']);
  expect(elementsOf("[ ]", 0)).toEqual([]);
});

test("256 levels are walked, 257 are not", () => {
  const nested = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
  expect(tooDeep(nested(256))).toBe(false);
  expect(membersOf(nested(256))).toHaveLength(1);
  expect(tooDeep(nested(257))).toBe(true);
  expect(() => membersOf(nested(257))).toThrow(SpliceError);
  expect(tooDeep(`{"a":"${"[".repeat(1000)}"}`)).toBe(false);
});

test("membersOf() refuses what ends too early", () => {
  for (const text of ['{"a', '{"a":"x', '{"a":[1', '{"a":{"b":"\\"'])
    expect(() => membersOf(text)).toThrow(SpliceError);
});

test("raw text gives every byte back, whole or split inside a character", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect([...fromRaw(toRaw(bytes))]).toEqual([...bytes]);
    }),
  );
  expect(readRaw(toRaw(encode("é🌦")))).toBe("é🌦");
  expect(JSON.parse(rawJson("é🌦/x"))).toBe("é🌦/x");
  expect(rawJson("é🌦")).toMatch(/^[\x20-\x7e]*$/);
});

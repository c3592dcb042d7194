import { expect, test } from "bun:test";
import fc from "fast-check";
import { mergeJson, parseExact } from "#src/dialect/exact-json.ts";

test("parseExact() gives back integers and exponents that a double cannot hold", () => {
  for (const text of [
    "12345678901234567890",
    "-98765432109876543210",
    "1e999",
    '"12345678901234567890"',
  ]) {
    expect(JSON.stringify(parseExact(`{"a":[${text}]}`))).toBe(`{"a":[${text}]}`);
  }
});

test("parseExact() reads everything else as JSON.parse does", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(JSON.stringify(parseExact(text))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
  expect(() => parseExact("{1234567890123456")).toThrow(SyntaxError);
});

test("mergeJson() merges objects and replaces everything else", () => {
  expect(mergeJson({ a: { b: 1, c: [1] }, d: 1 }, { a: { c: [2] }, d: { e: 1 } })).toEqual({
    a: { b: 1, c: [2] },
    d: { e: 1 },
  });
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import { matchesGlob } from "#src/gateway/routing/glob.ts";

const letters = fc.string({ unit: fc.constantFrom("a", "b", "/", "."), maxLength: 6 });
const patterns = fc.string({ unit: fc.constantFrom("a", "b", "/", ".", "*"), maxLength: 6 });

test("matchesGlob() takes what the same pattern as a regular expression takes", () => {
  fc.assert(
    fc.property(patterns, letters, (pattern, name) => {
      const parts = pattern.split("*").map((part) => part.replaceAll(".", "\\."));
      expect(matchesGlob(pattern, name)).toBe(new RegExp(`^${parts.join(".*")}$`).test(name));
    }),
    { numRuns: 3000 },
  );
});

test("matchesGlob() takes patterns in any case of their letters", () => {
  expect(matchesGlob("Anthropic/*", "anthropic/claude-haiku-4.5")).toBe(true);
});

test("matchesGlob() takes no letter for two parts", () => {
  expect(matchesGlob("*b*b", "ab")).toBe(false);
  expect(matchesGlob("ab*ba", "aba")).toBe(false);
});

import { expect, test } from "bun:test";
import { nearest } from "#src/lib/nearest.ts";

const names = ["gpt-4o", "gpt-4o-mini", "claude-sonnet"];

test.each<[string, string | undefined]>([
  ["gpt-4o", "gpt-4o"],
  ["gpt4o", "gpt-4o"],
  ["gpt-4o-mni", "gpt-4o-mini"],
  ["claude-sonett", "claude-sonnet"],
  ["cl", undefined],
  ["", undefined],
  ["llama-3.3-70b", undefined],
])("nearest(%j) is %j", (given, meant) => {
  expect(nearest(given, names)).toBe(meant);
});

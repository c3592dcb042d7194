import { expect, test } from "bun:test";
import { encode } from "#src/lib/bytes.ts";
import { errandOf } from "#src/gateway/proxy/proxy-ask.ts";

const limitOf = (limit: unknown) =>
  errandOf({
    method: "POST",
    endpoint: "/chat/completions",
    query: "",
    body: encode(JSON.stringify({ model: "gpt-4o-mini", max_tokens: limit })),
    route: {},
  }).ask.maxOutputTokens;

test("a limit is a count, in quotes or not, and nothing else", () => {
  expect([limitOf(7), limitOf("8")]).toEqual([7, 8]);
  for (const limit of [{ toString: 1 }, [9], {}, true, null, -1, 1.5, "x"])
    expect(limitOf(limit)).toBeUndefined();
});

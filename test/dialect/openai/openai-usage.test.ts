import { expect, test } from "bun:test";
import fc from "fast-check";
import { findUsage, readUsage, writeUsage } from "#src/dialect/openai/openai-usage.ts";
import { inputTokens, outputTokens, totalTokens } from "#src/dialect/usage.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { summaryOf } from "#test/dialect/openai/openai-kit.ts";

interface Row {
  who: string;
  usage: JsonObject;
  provider?: string;
  /** fresh, read, written, visible, reasoning */
  classes: [number, number, number, number, number];
}

const rows: Row[] = [
  {
    who: "plain",
    usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
    classes: [12, 0, 0, 5, 0],
  },
  {
    who: "OpenAI, cached, written and reasoning among the rest",
    usage: {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
      completion_tokens_details: { reasoning_tokens: 40 },
    },
    classes: [10, 60, 30, 10, 40],
  },
  {
    who: "xAI, reasoning beside, told by its total",
    usage: {
      prompt_tokens: 41,
      completion_tokens: 104,
      total_tokens: 664,
      completion_tokens_details: { reasoning_tokens: 519 },
    },
    classes: [41, 0, 0, 104, 519],
  },
  {
    who: "xAI without a total",
    provider: "xai",
    usage: {
      prompt_tokens: 41,
      completion_tokens: 104,
      completion_tokens_details: { reasoning_tokens: 50 },
    },
    classes: [41, 0, 0, 104, 50],
  },
  {
    who: "Perplexity, reasoning and citations beside and outside its total",
    usage: {
      prompt_tokens: 33,
      completion_tokens: 7163,
      total_tokens: 7196,
      citation_tokens: 20,
      reasoning_tokens: 73,
    },
    classes: [33, 0, 0, 7183, 73],
  },
  {
    who: "Perplexity, known by its searches, reasoning beside and outside its total",
    usage: {
      prompt_tokens: 33,
      completion_tokens: 100,
      total_tokens: 133,
      reasoning_tokens: 73,
      num_search_queries: 3,
    },
    classes: [33, 0, 0, 100, 73],
  },
  {
    who: "xAI without a total, known by its sources, cached inside the prompt",
    usage: {
      prompt_tokens: 41,
      completion_tokens: 104,
      prompt_tokens_details: { cached_tokens: 40 },
      completion_tokens_details: { reasoning_tokens: 50 },
      num_sources_used: 0,
    },
    classes: [1, 40, 0, 104, 50],
  },
  {
    who: "Moonshot, cached in the details",
    usage: {
      prompt_tokens: 10,
      completion_tokens: 7,
      total_tokens: 17,
      cached_tokens: 3,
      prompt_tokens_details: { cached_tokens: 3 },
    },
    classes: [7, 3, 0, 7, 0],
  },
  {
    who: "a total that counts thoughts which nothing itemises",
    usage: { prompt_tokens: 8, completion_tokens: 12, total_tokens: 150 },
    classes: [8, 0, 0, 12, 130],
  },
  {
    who: "DeepSeek, hits and misses",
    usage: {
      prompt_tokens: 10,
      completion_tokens: 7,
      total_tokens: 17,
      prompt_cache_hit_tokens: 6,
      prompt_cache_miss_tokens: 4,
    },
    classes: [4, 6, 0, 7, 0],
  },
  {
    who: "Moonshot, older",
    usage: { prompt_tokens: 10, completion_tokens: 7, total_tokens: 17, cached_tokens: 3 },
    classes: [7, 3, 0, 7, 0],
  },
  {
    who: "more cached than prompted",
    usage: { prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 9 } },
    classes: [0, 5, 0, 1, 0],
  },
  {
    who: "null details",
    usage: {
      prompt_tokens: 5,
      completion_tokens: 1,
      prompt_tokens_details: null,
      completion_tokens_details: null,
    },
    classes: [5, 0, 0, 1, 0],
  },
];

test.each(rows)("$who", ({ usage, provider, classes }) => {
  const read = readUsage(usage, provider);
  const { input, output } = read ?? {};
  expect([
    input?.fresh,
    input?.cacheRead,
    input?.cacheWrite5m,
    output?.visible,
    output?.reasoning,
  ]).toEqual(classes);
  expect(read?.raw).toEqual(usage);
});

test("the classes add up to what the upstream reports", () => {
  const count = fc.nat(100_000);
  fc.assert(
    fc.property(
      count,
      count,
      count,
      count,
      fc.nat(1000),
      (prompt, completion, cached, reasoning, beyond) => {
        const usage = readUsage({
          prompt_tokens: prompt,
          completion_tokens: completion,
          total_tokens: prompt + completion + beyond,
          prompt_tokens_details: { cached_tokens: cached },
          completion_tokens_details: { reasoning_tokens: Math.min(reasoning, completion + beyond) },
        });
        if (usage === undefined) throw new Error("no usage");
        expect([inputTokens(usage), outputTokens(usage)]).toEqual([prompt, completion + beyond]);
        expect(totalTokens(usage)).toBe(prompt + completion + beyond);
        const counts = [...Object.values(usage.input), ...Object.values(usage.output)];
        expect(counts.every((one) => one >= 0)).toBe(true);
        expect(readUsage(writeUsage(usage, summaryOf()))).toMatchObject({
          input: usage.input,
          output: usage.output,
        });
      },
    ),
  );
});

test("usage is found where providers hide it", () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
  const found = { input: { fresh: 3 }, output: { visible: 4 } };
  expect(findUsage({ usage })).toMatchObject(found);
  expect(findUsage({ x_groq: { id: "r", usage }, choices: [] })).toMatchObject(found);
  expect(findUsage({ choices: [{}, { usage }] })).toMatchObject(found);
  for (const none of [{}, { usage: null }, { usage: {} }, { choices: [{}] }, { usage: [] }])
    expect(findUsage(none)).toBeUndefined();
});

test("a cost that is unknown is null in all its parts, never 0", () => {
  const usage = readUsage({ prompt_tokens: 1, completion_tokens: 2 });
  if (usage === undefined) throw new Error("no usage");
  expect(writeUsage(usage, summaryOf({ cost: undefined, isByok: true }))).toMatchObject({
    cost: null,
    is_byok: true,
    cost_details: {
      upstream_inference_cost: null,
      upstream_inference_prompt_cost: null,
      upstream_inference_completions_cost: null,
    },
  });
});

import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { openaiCompletionsClient } from "#src/dialect/openai/openai-completions.ts";
import { AppError } from "#src/lib/error.ts";
import { decode } from "#test/dialect/payload.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { block, eventsOf, headOf, peeked, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { refusalOf, say } from "#test/dialect/upstream-kit.ts";

const peek = (body: JsonObject) => peeked(openaiCompletionsClient, body);
const read = (body: JsonObject) => openaiCompletionsClient.readRequest(peek(body));

describe("peek()", () => {
  const rows: [code: string, param: string, body: JsonObject][] = [
    ["missing_field", "prompt", {}],
    ["invalid_value", "prompt", { prompt: {} }],
    ["invalid_value", "prompt", { prompt: [] }],
    ["invalid_value", "prompt", { prompt: ["a", 1] }],
    ["invalid_value", "prompt", { prompt: [[1], "a"] }],
    ["invalid_value", "prompt", { prompt: [1.5] }],
    ["invalid_value", "max_tokens", { prompt: "a", max_tokens: -1 }],
    ["invalid_value", "best_of", { prompt: "a", n: 3, best_of: 2 }],
    ["invalid_value", "best_of", { prompt: "a", best_of: 2, stream: true }],
    ["invalid_value", "echo", { prompt: "a", echo: 1 }],
    ["invalid_value", "suffix", { prompt: "a", suffix: 1 }],
    ["invalid_value", "logprobs", { prompt: "a", logprobs: true }],
    ["invalid_value", "temperature", { prompt: "a", temperature: 3 }],
    ["invalid_value", "provider", { prompt: "a", provider: "x" }],
  ];
  test.each(rows)("%s at %s for %j", (code, param, body) => {
    const error = refusalOf(() => peek(body));
    expect<unknown[]>([error.code, error.detail.param]).toEqual([code, param]);
  });

  test.each([
    ["a", 1],
    [["a", "b"], 2],
    [[1, 2, 3], 1],
    [[[1], [2], [3]], 3],
  ])("the prompt %j is counted as %i", (prompt, choices) => {
    expect(peek({ prompt, n: 2 }).choices).toBe(choices * 2);
  });

  test("an absent limit is 16, as the wire says", () => {
    expect(peek({ prompt: "a" })).toMatchObject({
      dialect: "openai-completions",
      maxOutputTokens: 16,
    });
    expect(peek({ prompt: "a", max_tokens: 0, model: "a/b" })).toMatchObject({
      maxOutputTokens: 0,
      model: "a/b",
    });
  });
});

describe("readRequest()", () => {
  test("the prompt becomes one message of the user", () => {
    for (const prompt of ["Hi", ["Hi"]]) {
      const turn = read({
        prompt,
        max_tokens: 5,
        stop: "x",
        n: 2,
        logit_bias: {},
        echo: false,
        suffix: "",
        best_of: 2,
      });
      expect(turn).toMatchObject({
        messages: [say("user", "Hi")],
        maxOutputTokens: 5,
        stop: ["x"],
        choices: 2,
        extra: { logit_bias: {} },
      });
    }
  });

  test.each([
    ["prompt", { prompt: ["a", "b"] }],
    ["prompt", { prompt: [1, 2] }],
    ["echo", { prompt: "a", echo: true }],
    ["suffix", { prompt: "a", suffix: "z" }],
    ["best_of", { prompt: "a", best_of: 2 }],
    ["logprobs", { prompt: "a", logprobs: 0 }],
    ["max_tokens", { prompt: "a", max_tokens: 0 }],
  ])("%s is refused where a chat has no word for it", (param, body) => {
    const error = refusalOf(() => read(body));
    expect([error.code, error.detail.param, error.status]).toEqual([
      "unsupported_feature",
      param,
      400,
    ]);
    expect(error.message).toContain("chat endpoint; ");
  });
});

const steps = [
  { type: "reasoning" as const, choice: 0, text: "hidden" },
  { type: "text" as const, choice: 0, text: "Zü" },
  { type: "text" as const, choice: 0, text: "rich" },
  { type: "finish" as const, choice: 0, finish: "length" as const },
  { type: "finish" as const, choice: 0, finish: "stop" as const },
];

test("the official client reads our stream", async () => {
  const writer = openaiCompletionsClient.writeStream(
    headOf({ completionId: "cmpl-1", includeUsage: true }),
  );
  const body = writer.steps(steps) + writer.end(summaryOf({ completionId: "cmpl-1" }));
  const fetch = Object.assign(async () => new Response(body), { preconnect: () => {} });
  const client = new OpenAI({ apiKey: "k", baseURL: "http://gateway/v1", maxRetries: 0, fetch });
  const chunks = [];
  for await (const chunk of await client.completions.create({
    model: "m",
    prompt: "p",
    stream: true,
  }))
    chunks.push(chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  expect(choices.map(({ text }) => text).join("")).toBe("Zürich");
  expect(choices.filter((choice) => choice.finish_reason)).toHaveLength(1);
  expect(chunks.at(-2)).toMatchObject({
    object: "text_completion",
    choices: [],
    usage: { total_tokens: 21 },
  });
  expect(chunks.at(-1)).toMatchObject({
    id: "cmpl-1",
    object: "lowrouter.summary",
    choices: [{ text: "" }],
    lowrouter: block,
  });
});

test("fail() tells the error in this shape", () => {
  const writer = openaiCompletionsClient.writeStream(headOf());
  const [event, summary, done] = eventsOf(
    writer.fail(new AppError("upstream_error", "upstream request failed"), summaryOf()),
  );
  expect(event).toMatchObject({
    object: "text_completion",
    error: { code: "upstream_error" },
    choices: [{ text: "", finish_reason: "error" }],
  });
  expect(summary).not.toHaveProperty("lowrouter.eco");
  expect(done).toBe("[DONE]");
});

test("a whole answer is a text_completion with the block", () => {
  const parts = [
    { type: "reasoning" as const, text: "hidden" },
    { type: "text" as const, text: "A" },
  ];
  const bytes = openaiCompletionsClient.writeReply(
    { choices: [{ index: 0, parts, finish: "stop" }] },
    summaryOf(),
  );
  expect(JSON.parse(decode(bytes))).toMatchObject({
    object: "text_completion",
    choices: [{ text: "A", index: 0, logprobs: null, finish_reason: "stop" }],
    usage: { total_tokens: 21, cost: 0.000132 },
    lowrouter: block,
  });
});

test("an error has the fields of both families", () => {
  const error = new AppError("provider_not_allowed", "provider 'x' is not allowed", {
    metadata: { provider: "x" },
  });
  const { status, body } = openaiCompletionsClient.writeError(error);
  expect(status).toBe(403);
  expect(JSON.parse(decode(body))).toEqual({
    error: {
      message: "provider 'x' is not allowed",
      type: "forbidden_error",
      code: "provider_not_allowed",
      param: null,
      metadata: { provider: "x" },
    },
  });
  const bare = JSON.parse(
    decode(
      openaiCompletionsClient.writeError(new AppError("invalid_value", "x", { param: "n" })).body,
    ),
  );
  expect(bare).toEqual({
    error: { message: "x", type: "invalid_request_error", code: "invalid_value", param: "n" },
  });
});

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { post, read, startUpstreams } from "#test/lib/upstream.ts";

const upstreams = startUpstreams();
const { openai } = upstreams;
const client = new OpenAI({ baseURL: openai.url, apiKey: upstreams.keys.openai, maxRetries: 0 });
beforeEach(() => {
  openai.behave();
  openai.stats.reset();
});
afterAll(() => upstreams.stop());

const model = "gpt-4o-mini";
const say = (content: string) => [{ role: "user" as const, content }];
const weather = (name: string) => ({
  type: "function" as const,
  function: {
    name,
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer", minimum: 3 }, note: {} },
      required: ["city", "days"],
    },
  },
});
const chat = (body: Record<string, unknown>) =>
  post(upstreams, "openai", "/chat/completions", { model, messages: say("Hi"), ...body });

describe("the official client", () => {
  test("gets an answer that says it is simulated, the same for the same question", async () => {
    const ask = { model, messages: say("What is a fox?") };
    const answer = await client.chat.completions.create(ask);
    const again = await client.chat.completions.create(ask);
    expect(answer.choices[0]?.message.content).toContain("simulated answer from the demo provider");
    expect(answer.choices[0]?.message.content).toContain("What is a fox?");
    expect(again.choices[0]?.message.content).toBe(answer.choices[0]?.message.content ?? "");
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
  });

  test("accumulates from a stream what it gets whole, with usage", async () => {
    const ask = { model, messages: say("What is a fox?") };
    const whole = await client.chat.completions.create(ask);
    const stream = client.chat.completions.stream({
      ...ask,
      stream_options: { include_usage: true },
    });
    const streamed = await stream.finalChatCompletion();
    expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content ?? "");
    expect(streamed.choices[0]?.finish_reason).toBe("stop");
    expect(streamed.usage).toEqual(whole.usage);
  });

  test("calls two tools, streamed and whole, and gets an answer to their results", async () => {
    const tools = [weather("weather"), weather("forecast")];
    const ask = { model, tools, messages: say("The weather in two towns") };
    const whole = (await client.chat.completions.create(ask)).choices[0];
    const stream = client.chat.completions.stream(ask);
    const streamed = (await stream.finalChatCompletion()).choices[0];
    for (const choice of [whole, streamed]) {
      expect(choice?.finish_reason).toBe("tool_calls");
      const calls = choice?.message.tool_calls?.map((call) =>
        call.type === "function" ? [call.function.name, JSON.parse(call.function.arguments)] : [],
      );
      expect(calls).toEqual([
        ["weather", { city: "Paris", days: 3 }],
        ["forecast", { city: "Paris", days: 3 }],
      ]);
    }
    const calls = whole?.message.tool_calls ?? [];
    const answer = await client.chat.completions.create({
      ...ask,
      messages: [
        ...ask.messages,
        { role: "assistant", tool_calls: calls },
        ...calls.map(({ id }) => ({ role: "tool" as const, tool_call_id: id, content: "21 C" })),
      ],
    });
    expect(answer.choices[0]?.message.content).toContain("21 C; 21 C");
  });

  test("gets JSON that fits the schema", async () => {
    const answer = await client.chat.completions.create({
      model,
      messages: say("Hi"),
      response_format: {
        type: "json_schema",
        json_schema: {
          name: "trip",
          strict: true,
          schema: {
            type: "object",
            properties: {
              kind: { enum: ["train", "bus"] },
              stops: { type: "array", items: { $ref: "#/$defs/stop" } },
              price: { anyOf: [{ type: "null" }, { type: "number", minimum: 2.5 }] },
            },
            required: ["kind", "stops", "price"],
            $defs: {
              stop: { type: "object", properties: { at: { type: "string" } }, required: ["at"] },
            },
          },
        },
      },
    });
    expect(JSON.parse(answer.choices[0]?.message.content ?? "")).toEqual({
      kind: "train",
      stops: [{ at: "Paris" }],
      price: 2.5,
    });
  });

  test("embeds, in base64 by default and in floats, to the same unit vectors", async () => {
    const ask = { model: "text-embedding-3-small", input: ["fox", "dog"], dimensions: 8 };
    const packed = await client.embeddings.create(ask);
    const floats = await client.embeddings.create({ ...ask, encoding_format: "float" });
    expect(packed.data.length).toBe(2);
    for (const [index, { embedding }] of floats.data.entries()) {
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 6);
      expect(embedding.map(Math.fround)).toEqual(packed.data[index]?.embedding ?? []);
    }
    expect(floats.data[0]?.embedding).not.toEqual(floats.data[1]?.embedding ?? []);
  });

  test("completes text, lists models, and is refused with a wrong key", async () => {
    const text = await client.completions.create({ model, prompt: "echo: one two three" });
    expect(text.choices[0]?.text).toBe("one two three");
    expect((await client.models.list()).data.map(({ id }) => id)).toContain(model);
    const stranger = new OpenAI({ baseURL: openai.url, apiKey: "other", maxRetries: 0 });
    const refused = async () => void (await stranger.models.list());
    await expect(refused()).rejects.toMatchObject({ status: 401, code: "invalid_api_key" });
  });
});

test("usage streams only when asked, length and stops end the text, effort is counted", async () => {
  const plain = await (await chat({ stream: true })).text();
  expect(plain).not.toContain("usage");
  expect(plain.endsWith("data: [DONE]\n\n")).toBe(true);
  expect(plain).toContain('"finish_reason":"stop"');
  const short = await read(chat({ max_tokens: 5 }));
  expect(short.choices[0].finish_reason).toBe("length");
  expect(short.usage.completion_tokens).toBe(5);
  const stopped = await read(chat({ messages: say("echo: a.b.c"), stop: [".c", ".b"] }));
  expect(stopped.choices[0].message.content).toBe("a");
  const thought = await read(chat({ reasoning_effort: "low" }));
  expect(thought.usage.completion_tokens_details.reasoning_tokens).toBe(64);
  const both = await read(chat({ n: 2 }));
  expect(both.choices.map((one: { index: number }) => one.index)).toEqual([0, 1]);
});

test("a long prompt start that was seen before counts as cached", async () => {
  const long = "The quick brown fox. ".repeat(400);
  const first = await read(chat({ messages: say(`${long} One?`) }));
  const second = await read(chat({ messages: say(`${long} Two?`) }));
  expect(first.usage.prompt_tokens_details.cached_tokens).toBe(0);
  expect(second.usage.prompt_tokens_details.cached_tokens).toBeGreaterThanOrEqual(1024);
  expect(second.usage.prompt_tokens_details.cached_tokens).toBeLessThan(second.usage.prompt_tokens);
});

test.each([
  [{ messages: undefined }, "messages"],
  [{ model: undefined }, "model"],
  [{ messages: [] }, "messages"],
  [{ messages: [{ role: "robot", content: "x" }] }, "messages.[0].role"],
  [{ messages: [{ role: "tool", tool_call_id: "a", content: "x" }] }, "messages.[0].role"],
  [{ messages: [{ role: "assistant", tool_calls: [{ id: "a" }] }] }, "messages"],
  [{ temperature: 3 }, "temperature"],
  [{ max_tokens: 0 }, "max_tokens"],
  [{ max_tokens: 1, max_completion_tokens: 1 }, "max_tokens"],
  [{ stream_options: { include_usage: true } }, "stream_options"],
  [{ response_format: { type: "json_object" } }, "messages"],
])("%j is refused with 400 naming %s", async (change, param) => {
  const response = await chat(change);
  expect(response.status).toBe(400);
  const { error } = await read(response);
  expect(error).toMatchObject({ type: "invalid_request_error", param });
});

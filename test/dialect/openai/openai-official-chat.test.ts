import { expect, test } from "bun:test";
import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import { decode, encode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { clientThatHears, eco, head, summary } from "#test/dialect/openai/openai-official.ts";

const messages = [{ role: "user" as const, content: "Hi" }];
const ask = { model: "openai/gpt-4o-mini", messages };

const calls: StreamStep[] = [
  { type: "reasoning", choice: 0, text: "Let me see" },
  { type: "text", choice: 0, text: "Wait — " },
  { type: "text", choice: 0, text: "é🌦" },
  { type: "tool_start", choice: 0, index: 0, id: "call_a", name: "weather" },
  { type: "tool_arguments", choice: 0, index: 0, text: '{"city":' },
  { type: "tool_start", choice: 0, index: 1, id: "call_b", name: "now" },
  { type: "tool_arguments", choice: 0, index: 0, text: '"Tromsø"}' },
  { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "tool_use" },
];

function written(steps: StreamStep[], includeUsage: boolean): string {
  const writer = openaiChatClient.writeStream({ ...head, includeUsage });
  return steps.map((step) => writer.steps([step])).join("") + writer.end(summary);
}

test("the official client reads a whole answer with calls, usage and the block", async () => {
  const body = openaiChatClient.writeReply(
    {
      choices: [
        {
          index: 0,
          finish: "tool_calls",
          parts: [
            { type: "reasoning", text: "Let me see" },
            { type: "text", text: "Wait — é🌦" },
            { type: "tool_call", id: "call_a", name: "weather", arguments: '{"city":"Tromsø"}' },
            { type: "tool_call", id: "call_b", name: "now", arguments: "" },
          ],
        },
      ],
    },
    summary,
  );
  const answer = await clientThatHears(body, "application/json").chat.completions.create(ask);
  expect(answer.object).toBe("chat.completion");
  const [choice] = answer.choices;
  expect(choice?.finish_reason).toBe("tool_calls");
  expect(choice?.message.content).toBe("Wait — é🌦");
  expect(choice?.message.tool_calls).toEqual([
    {
      id: "call_a",
      type: "function",
      function: { name: "weather", arguments: '{"city":"Tromsø"}' },
    },
    { id: "call_b", type: "function", function: { name: "now", arguments: "{}" } },
  ]);
  expect(answer.usage).toMatchObject({
    prompt_tokens: 18,
    completion_tokens: 26,
    total_tokens: 44,
    prompt_tokens_details: { cached_tokens: 5, cache_write_tokens: 2 },
    completion_tokens_details: { reasoning_tokens: 6 },
    cost: 0.000132,
    is_byok: false,
  });
  expect(answer).toMatchObject({ lowrouter: summary.block });
  expect(Object.keys(eco)).toHaveLength(5);
});

test("the official accumulator puts a written stream together, and keeps the block", async () => {
  const client = clientThatHears(written(calls, true), "text/event-stream");
  const stream = client.chat.completions.stream({
    ...ask,
    stream_options: { include_usage: true },
  });
  const answer = await stream.finalChatCompletion();
  const [choice] = answer.choices;
  expect(answer.id).toBe("chatcmpl-1");
  expect(answer.object).toBe("chat.completion");
  expect(choice?.finish_reason).toBe("tool_calls");
  expect(choice?.message.content).toBe("Wait — é🌦");
  expect(choice?.message.tool_calls).toMatchObject([
    { id: "call_a", function: { name: "weather", arguments: '{"city":"Tromsø"}' } },
    { id: "call_b", function: { name: "now", arguments: "{}" } },
  ]);
  expect(answer.usage).toMatchObject({ prompt_tokens: 18, completion_tokens: 26, cost: 0.000132 });
  expect(answer).toMatchObject({ lowrouter: summary.block });
});

test("a reader who takes choices[0].delta of every chunk comes through a written stream", async () => {
  const stream = await clientThatHears(
    written(calls, false),
    "text/event-stream",
  ).chat.completions.create({ ...ask, stream: true });
  let text = "";
  const objects: string[] = [];
  for await (const chunk of stream) {
    const [first] = chunk.choices;
    if (first === undefined) throw new Error("an unguarded reader would break here");
    text += first.delta.content ?? "";
    objects.push(chunk.object);
    expect(chunk.usage).toBeUndefined();
    expect(chunk.id).toBe("chatcmpl-1");
  }
  expect(text).toBe("Wait — é🌦");
  expect(objects.map(String).at(-1)).toBe("lowrouter.summary");
});

test("the usage chunk comes once, between the finish and the summary, and only when asked for", async () => {
  for (const includeUsage of [true, false]) {
    const client = clientThatHears(written(calls, includeUsage), "text/event-stream");
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    const chunks = await Array.fromAsync(stream);
    const told = chunks.filter((chunk) => chunk.usage !== undefined && chunk.usage !== null);
    expect(told).toHaveLength(includeUsage ? 1 : 0);
    const [only] = told;
    if (only !== undefined) expect(chunks.indexOf(only)).toBe(chunks.length - 2);
    expect(only?.choices ?? []).toEqual([]);
  }
});

test("the official client throws on an honest ending, and a raw reader finds no figures in it", async () => {
  const failure = new AppError("upstream_error", "upstream request failed");
  for (const fail of [
    () => openaiChatClient.writeStream(head).fail(failure, summary),
    () => openaiChatSplice.relayStream(head).fail(failure, summary),
  ]) {
    const writer = openaiChatClient.writeStream(head);
    const text = writer.steps([{ type: "text", choice: 0, text: "Once" }]) + fail();
    const stream = await clientThatHears(text, "text/event-stream").chat.completions.create({
      ...ask,
      stream: true,
    });
    let heard = "";
    const read = async () => {
      for await (const chunk of stream) heard += chunk.choices[0]?.delta.content ?? "";
    };
    await expect(read()).rejects.toThrow("upstream request failed");
    expect(heard).toBe("Once");
    expect(text).not.toContain("energy_wh");
    expect(text).toContain('"lowrouter.summary"');
    expect(text).toContain('"finish_reason":"error"');
    expect(text).toEndWith("data: [DONE]\n\n");
  }
});

test("the official client reads our errors with status, code and parameter", async () => {
  const { status, body } = openaiChatClient.writeError(
    new AppError("invalid_value", "Cannot use this", { param: "messages[0].role" }),
  );
  const client = clientThatHears(body, "application/json");
  expect(status).toBe(400);
  const refused = client.withOptions({
    fetch: async () =>
      new Response(body, { status, headers: { "content-type": "application/json" } }),
  });
  const asked = async () => await refused.chat.completions.create(ask);
  await expect(asked()).rejects.toMatchObject({
    status: 400,
    code: "invalid_value",
    type: "invalid_request_error",
    param: "messages[0].role",
  });
});

const upstream = [
  '{"id":"up-1","object":"chat.completion.chunk","created":1767225600,"model":"gpt-4o-mini-2024","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}',
  '{"id":"up-1","object":"chat.completion.chunk","created":1767225600,"model":"gpt-4o-mini-2024","choices":[{"index":0,"delta":{"content":"é"},"finish_reason":null}],"usage":null}',
  '{"id":"up-1","object":"chat.completion.chunk","created":1767225600,"model":"gpt-4o-mini-2024","choices":[{"index":0,"delta":{"content":"🌦"},"finish_reason":null}],"usage":null}',
  '{"id":"up-1","object":"chat.completion.chunk","created":1767225600,"model":"gpt-4o-mini-2024","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}',
  '{"id":"up-1","object":"chat.completion.chunk","created":1767225600,"model":"gpt-4o-mini-2024","choices":[],"usage":{"prompt_tokens":18,"completion_tokens":26,"total_tokens":44}}',
  "[DONE]",
];

test("the official accumulator puts a relayed stream together, with the resolved model and the block", async () => {
  for (const includeUsage of [true, false]) {
    const relay = openaiChatSplice.relayStream({ ...head, includeUsage });
    const bytes = [...encode(upstream.map((data) => `data: ${data}\n\n`).join(""))];
    const out = bytes
      .map((byte) => relay.push(Uint8Array.of(byte)))
      .concat(relay.finish())
      .map((part) => (typeof part === "string" ? encode(part) : part));
    expect(relay.ended).toBe(true);
    const end = relay.end({ ...summary, completionId: relay.id ?? "" });
    const text = decode(Buffer.concat(out)) + end;
    const client = clientThatHears(text, "text/event-stream");
    const answer = await client.chat.completions.stream(ask).finalChatCompletion();
    expect(answer.choices[0]?.message.content).toBe("é🌦");
    expect(answer.model).toBe("openai/gpt-4o-mini");
    expect(answer.id).toBe("up-1");
    expect(answer.usage?.total_tokens).toBe(includeUsage ? 44 : undefined);
    expect(answer).toMatchObject({ lowrouter: summary.block });
  }
});

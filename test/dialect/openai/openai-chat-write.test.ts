import { encode } from "#src/lib/bytes.ts";
import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import {
  openaiChatClient,
  openaiChatSplice,
  openaiChatUpstream,
} from "#src/dialect/openai/openai-chat.ts";
import type { AssistantPart, Reply, StreamStep } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { decode } from "#test/dialect/payload.ts";
import { block, eventsOf, headOf, relayed, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { fixture } from "#test/dialect/upstream-kit.ts";

const head = headOf({ completionId: "chatcmpl-up1" });
const messages = [{ role: "user" as const, content: "Hi" }];
const request = { model: "openai/gpt-x", messages, stream: true as const };

/** The official client, answered with these bytes. */
function sdk(body: string, type = "text/event-stream"): OpenAI {
  const answer = async () => new Response(body, { headers: { "content-type": type } });
  const fetch = Object.assign(answer, { preconnect: () => {} });
  return new OpenAI({ apiKey: "k", baseURL: "http://gateway/v1", maxRetries: 0, fetch });
}

const steps: StreamStep[] = [
  { type: "reasoning", choice: 0, text: "Hm." },
  { type: "text", choice: 0, text: "Zürich" },
  { type: "text", choice: 0, text: " 🌦" },
  { type: "tool_start", choice: 0, index: 0, id: "call_a", name: "weather" },
  { type: "tool_arguments", choice: 0, index: 0, text: '{"station":' },
  { type: "tool_start", choice: 0, index: 1, id: "call_b", name: "clock" },
  { type: "tool_arguments", choice: 0, index: 0, text: "12345678901234567890}" },
  { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "tool_use" },
];

function written(includeUsage = true): string {
  const writer = openaiChatClient.writeStream({ ...head, includeUsage });
  return steps.map((step) => writer.steps([step])).join("") + writer.end(summaryOf());
}

test("the official client puts our stream together, with the block and the usage", async () => {
  const stream = sdk(written()).chat.completions.stream({
    ...request,
    stream_options: { include_usage: true },
  });
  const final = await stream.finalChatCompletion();
  expect(final).toMatchObject({
    id: "chatcmpl-up1",
    object: "chat.completion",
    model: "openai/gpt-x",
    usage: { prompt_tokens: 12, completion_tokens: 9, total_tokens: 21, cost: 0.000132 },
    lowrouter: block,
  });
  expect(final.choices).toHaveLength(1);
  expect(final.choices[0]).toMatchObject({
    finish_reason: "tool_calls",
    message: {
      role: "assistant",
      content: "Zürich 🌦",
      reasoning: "Hm.",
      tool_calls: [
        {
          id: "call_a",
          type: "function",
          function: { name: "weather", arguments: '{"station":12345678901234567890}' },
        },
        { id: "call_b", type: "function", function: { name: "clock", arguments: "{}" } },
      ],
    },
  });
});

test.each(["stream-text", "stream-tools", "stream-deepseek"])(
  "the official client puts the relayed %s together",
  async (name) => {
    const flow = openaiChatSplice.relayStream(headOf());
    const { text } = relayed(flow, [await fixture(`openai-chat/${name}.sse`)]);
    const ended = flow.end(summaryOf({ completionId: flow.id ?? "", usage: flow.usage }));
    const final = await sdk(text + ended)
      .chat.completions.stream(request)
      .finalChatCompletion();
    expect(final).toMatchObject({ id: flow.id, model: "openai/gpt-x", lowrouter: block });
    expect(final.choices[0]?.finish_reason).toBeTruthy();
  },
);

test("a loop that reads choices[0].delta without a guard survives", async () => {
  let text = "";
  for await (const chunk of await sdk(written(false)).chat.completions.create(request)) {
    const [choice] = chunk.choices;
    if (choice === undefined) throw new Error("a chunk has no choice");
    text += choice.delta.content ?? "";
  }
  expect(text).toBe("Zürich 🌦");
});

test("chunks come in order: role once, one finish, usage only where asked, summary, terminal event", () => {
  const chunks = eventsOf(written());
  const last = chunks.length - 1;
  const told = chunks.map((chunk) =>
    typeof chunk === "string" ? chunk : JSON.stringify(chunk.choices),
  );
  expect(told.filter((choices) => choices.includes('"role"'))).toHaveLength(1);
  expect(told[0]).toBe(
    '[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]',
  );
  expect(told.findIndex((choices) => choices.includes('"finish_reason":"tool_calls"'))).toBe(
    last - 3,
  );
  expect(told[last - 2]).toBe("[]");
  expect(chunks[last - 1]).toHaveProperty("object", "lowrouter.summary");
  expect(chunks[last - 1]).not.toHaveProperty("usage");
  expect(told[last]).toBe("[DONE]");
  expect(eventsOf(written(false))).toHaveLength(chunks.length - 1);
});

describe("to a client that offers functions, not tools,", () => {
  const asked = { functions: [{ name: "weather" }, { name: "clock" }] };
  const call = { name: "weather", arguments: '{"station":12345678901234567890}' };

  test("a stream tells the first call in its words, and no other", async () => {
    const writer = openaiChatClient.writeStream({ ...head, asked });
    const text = steps.map((step) => writer.steps([step])).join("") + writer.end(summaryOf());
    expect(text).not.toContain("tool_calls");
    expect(text).not.toContain("clock");
    const final = await sdk(text).chat.completions.stream(request).finalChatCompletion();
    expect(final.choices[0]).toMatchObject({
      finish_reason: "function_call",
      message: { content: "Zürich 🌦", function_call: call },
    });
  });

  test("a call without arguments gets an empty object, and nothing else ends as a call", () => {
    const writer = openaiChatClient.writeStream({ ...head, asked });
    const text = writer.steps([
      { type: "tool_start", choice: 0, index: 0, id: "call_a", name: "weather" },
      { type: "tool_start", choice: 0, index: 1, id: "call_b", name: "clock" },
      { type: "finish", choice: 0, finish: "length" },
    ]);
    expect(text.match(/"arguments":"{}"/g)).toHaveLength(1);
    expect(text).toContain('"finish_reason":"length"');
  });

  test.each([
    [asked, "function_call", { function_call: call }],
    [{ ...asked, tools: [] }, "function_call", { function_call: call }],
    [{ ...asked, tools: [{ type: "function" }] }, "tool_calls", { tool_calls: [{ id: "a" }, {}] }],
    [{ functions: [] }, "tool_calls", { tool_calls: [{ id: "a" }, {}] }],
  ])("a whole answer to %j ends with %s", (members, finish, message) => {
    const parts: AssistantPart[] = [
      { type: "tool_call", id: "a", ...call },
      { type: "tool_call", id: "b", name: "clock", arguments: "" },
    ];
    const reply: Reply = {
      id: "up",
      choices: [{ index: 0, parts, finish: "tool_calls" }],
    };
    const answer = openaiChatClient.writeReply(reply, summaryOf({ asked: members }));
    const { choices } = JSON.parse(decode(answer));
    expect(choices).toMatchObject([
      { finish_reason: finish, message: { content: null, ...message } },
    ]);
  });
});

test("several choices each get their role and their finish, and nothing after it", () => {
  const writer = openaiChatClient.writeStream(head);
  const said = [1, 0, 1].map((choice): StreamStep => ({ type: "text", choice, text: "x" }));
  const ends = [0, 1, 1].map((choice): StreamStep => ({ type: "finish", choice, finish: "stop" }));
  const late: StreamStep = { type: "text", choice: 0, text: "late" };
  const text = writer.steps([...said, ...ends, late]);
  expect(text.match(/"role"/g)).toHaveLength(2);
  expect(text.match(/"finish_reason":"stop"/g)).toHaveLength(2);
  expect(text).not.toContain("late");
});

test("an error after the first byte makes the official client throw", async () => {
  const writer = openaiChatClient.writeStream(head);
  const error = new AppError("upstream_error", "upstream request failed");
  const text = writer.steps(steps.slice(0, 2)) + writer.fail(error, summaryOf());
  const events = eventsOf(text);
  expect(events.at(-3)).toMatchObject({
    provider: "acme",
    error: { code: "upstream_error", type: "server_error", message: "upstream request failed" },
    choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
  });
  expect(events.at(-2)).toHaveProperty("lowrouter", {
    generation_id: "gen_1",
    provider: "acme",
    region: "eu-west",
  });
  expect(events.at(-1)).toBe("[DONE]");
  const read = async () => {
    for await (const _chunk of await sdk(text).chat.completions.create(request));
  };
  await expect(read()).rejects.toThrow("upstream request failed");
});

describe("whole answers", () => {
  const reply: Reply = {
    choices: [
      {
        index: 0,
        finish: "tool_calls",
        nativeFinish: "tool_use",
        parts: [
          { type: "reasoning", text: "Hm." },
          { type: "tool_call", id: "call_a", name: "clock", arguments: "" },
        ],
      },
      {
        index: 1,
        finish: "stop",
        parts: [
          { type: "text", text: "A " },
          { type: "text", text: "é" },
        ],
      },
    ],
  };

  test("are written with usage, cost and block", () => {
    const body = JSON.parse(decode(openaiChatClient.writeReply(reply, summaryOf())));
    expect(body).toEqual({
      id: "chatcmpl-up1",
      object: "chat.completion",
      created: 1_780_000_000,
      model: "openai/gpt-x",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: null,
            refusal: null,
            reasoning: "Hm.",
            tool_calls: [
              { id: "call_a", type: "function", function: { name: "clock", arguments: "{}" } },
            ],
          },
          logprobs: null,
          finish_reason: "tool_calls",
          native_finish_reason: "tool_use",
        },
        {
          index: 1,
          message: { role: "assistant", content: "A é", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: {
        prompt_tokens: 12,
        completion_tokens: 9,
        total_tokens: 21,
        prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
        cost: 0.000132,
        is_byok: false,
        cost_details: {
          upstream_inference_cost: 0.000132,
          upstream_inference_prompt_cost: 0.00003,
          upstream_inference_completions_cost: 0.000102,
        },
      },
      lowrouter: block,
    });
  });

  test("have no usage where it is unknown", () => {
    const body = JSON.parse(
      decode(openaiChatClient.writeReply(reply, summaryOf({ usage: undefined }))),
    );
    expect(body).not.toHaveProperty("usage");
  });

  test("are read back as they were written", () => {
    const { id, reply: read } = {
      id: 0,
      ...openaiChatUpstream.readReply(
        encode(decode(openaiChatClient.writeReply(reply, summaryOf()))),
      ),
    };
    expect(id).toBe(0);
    expect(read.choices[1]?.parts).toEqual([{ type: "text", text: "A é" }]);
    expect(read.choices[0]?.parts).toEqual([
      { type: "reasoning", text: "Hm." },
      { type: "tool_call", id: "call_a", name: "clock", arguments: "{}" },
    ]);
  });
});

test("what a stream's writer says, the reader hears", () => {
  const reader = openaiChatUpstream.readStream();
  const heard = reader.push(new TextEncoder().encode(written()));
  const said = steps.filter((step) => step.type !== "tool_arguments" && step.type !== "finish");
  expect(heard.filter((step) => step.type !== "tool_arguments" && step.type !== "finish")).toEqual(
    said,
  );
  expect(reader.ended).toBe(true);
});

test("citations are annotations, log probabilities go with their text, whole and streamed", async () => {
  const citations = [
    { url: "https://a/1", start: 0, end: 3 },
    { url: "https://b/2", title: "B", start: 1, end: 2 },
  ];
  const logprobs = {
    content: [{ token: "Wet", logprob: -1, bytes: null, top_logprobs: [] }],
    refusal: null,
  };
  const annotations = [
    {
      type: "url_citation",
      url_citation: { url: "https://a/1", title: "https://a/1", start_index: 0, end_index: 3 },
    },
    {
      type: "url_citation",
      url_citation: { url: "https://b/2", title: "B", start_index: 1, end_index: 2 },
    },
  ];
  const part = { type: "text" as const, text: "Wet", citations };
  const told: Reply = { choices: [{ index: 0, parts: [part], finish: "stop", logprobs }] };
  const whole = JSON.parse(decode(openaiChatClient.writeReply(told, summaryOf())));
  expect(whole.choices[0]).toMatchObject({ message: { content: "Wet", annotations }, logprobs });
  const again = openaiChatUpstream.readReply(encode(JSON.stringify(whole))).reply.choices[0];
  expect(again?.parts).toMatchObject([
    {
      type: "text",
      text: "Wet",
      citations: [{ url: "https://a/1", start: 0, end: 3 }, citations[1]],
    },
  ]);

  const writer = openaiChatClient.writeStream(head);
  const text = writer.steps([
    { type: "text", choice: 0, text: "Wet", logprobs },
    { type: "text", choice: 0, text: "", citations },
    { type: "finish", choice: 0, finish: "stop" },
  ]);
  const stream = text + writer.end(summaryOf());
  const final = await sdk(stream).chat.completions.stream(request).finalChatCompletion();
  expect(final.choices[0]).toMatchObject({ message: { content: "Wet" }, logprobs });
  const heard = relayedSteps(stream);
  expect(heard).toMatchObject([
    { type: "text", text: "Wet", logprobs },
    { type: "text", text: "", citations: [{ url: "https://a/1" }, citations[1]] },
    { type: "finish" },
  ]);
});

function relayedSteps(stream: string): StreamStep[] {
  return openaiChatUpstream.readStream().push(encode(stream));
}

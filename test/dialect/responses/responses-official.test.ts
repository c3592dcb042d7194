import { expect, test } from "bun:test";
import {
  responsesClient,
  responsesSplice,
  responsesUpstream,
} from "#src/dialect/responses/openai-responses.ts";
import type { AssistantPart, FinishReason, StreamStep } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { clientThatHears, head, summary } from "#test/dialect/openai/openai-official.ts";
import { decode } from "#test/dialect/payload.ts";
import { fixture, hear } from "#test/dialect/upstream-kit.ts";

const ask = { model: "openai/gpt-4o-mini", input: "Hi" };

/** Everything that a stream can say, calls taking turns. */
const said: StreamStep[] = [
  { type: "reasoning", choice: 0, text: "Let me" },
  { type: "reasoning", choice: 0, text: " see" },
  { type: "reasoning", choice: 0, text: "", redacted: "gAAA" },
  { type: "reasoning", choice: 0, text: "Again" },
  { type: "text", choice: 0, text: "Wait — " },
  { type: "text", choice: 0, text: "é🌦" },
  { type: "refusal", choice: 0, text: "No." },
  { type: "tool_start", choice: 0, index: 0, id: "call_a", name: "weather" },
  { type: "tool_arguments", choice: 0, index: 0, text: '{"city":' },
  { type: "tool_start", choice: 0, index: 1, id: "call_b", name: "now" },
  { type: "tool_arguments", choice: 0, index: 0, text: '"Tromsø"}' },
  { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "tool_use" },
];
const output = [
  {
    type: "reasoning",
    summary: [{ type: "summary_text", text: "Let me see" }],
    encrypted_content: "gAAA",
  },
  { type: "reasoning", summary: [{ type: "summary_text", text: "Again" }] },
  {
    type: "message",
    role: "assistant",
    status: "completed",
    content: [
      { type: "output_text", text: "Wait — é🌦", annotations: [] },
      { type: "refusal", refusal: "No." },
    ],
  },
  {
    type: "function_call",
    status: "completed",
    call_id: "call_a",
    name: "weather",
    arguments: '{"city":"Tromsø"}',
  },
  { type: "function_call", status: "completed", call_id: "call_b", name: "now", arguments: "{}" },
];
const parts: AssistantPart[] = [
  { type: "reasoning", text: "Let me see", redacted: "gAAA" },
  { type: "reasoning", text: "Again" },
  { type: "text", text: "Wait — é🌦" },
  { type: "refusal", text: "No." },
  { type: "tool_call", id: "call_a", name: "weather", arguments: '{"city":"Tromsø"}' },
  { type: "tool_call", id: "call_b", name: "now", arguments: "" },
];
const usage = {
  input_tokens: 18,
  input_tokens_details: { cached_tokens: 5, cache_write_tokens: 2 },
  output_tokens: 26,
  output_tokens_details: { reasoning_tokens: 6 },
  total_tokens: 44,
  cost: 0.000132,
  is_byok: false,
  cost_details: {
    upstream_inference_cost: 0.000132,
    upstream_inference_prompt_cost: 0.00003,
    upstream_inference_completions_cost: 0.000102,
  },
};

function written(steps: StreamStep[]): string {
  const writer = responsesClient.writeStream(head);
  return steps.map((step) => writer.steps([step])).join("") + writer.end(summary);
}

function accumulated(text: string) {
  const client = clientThatHears(text, "text/event-stream");
  return client.responses.stream(ask).finalResponse();
}

test("the official client reads a whole answer with everything in it", async () => {
  const body = responsesClient.writeReply(
    { choices: [{ index: 0, finish: "tool_calls", parts }] },
    summary,
  );
  const response = await clientThatHears(decode(body), "application/json").responses.create(ask);
  expect(response).toMatchObject({ status: "completed", output, lowrouter: summary.block });
  expect(response.output_text).toBe("Wait — é🌦");
  expect(JSON.parse(JSON.stringify(response.usage))).toEqual(usage);
});

test("the official accumulator puts a written stream together, item by item", async () => {
  const response = await accumulated(written(said));
  expect(response).toMatchObject({ status: "completed", output, lowrouter: summary.block });
  expect(JSON.parse(JSON.stringify(response.usage))).toEqual(usage);
});

test("a stream and a whole answer say the same, ids included", async () => {
  const body = responsesClient.writeReply(
    { choices: [{ index: 0, finish: "tool_calls", parts }] },
    summary,
  );
  const last = written(said).split("data: ").at(-1) ?? "";
  expect(JSON.parse(last).response).toEqual(JSON.parse(decode(body)));
});

test("what the accumulator has before the last event is what the last event says", async () => {
  const text = written(said);
  const client = clientThatHears(text, "text/event-stream");
  const stream = client.responses.stream(ask);
  const done: unknown[] = [];
  stream.on("response.output_item.done", ({ item, output_index }) => (done[output_index] = item));
  const response = await stream.finalResponse();
  const plain: unknown = JSON.parse(JSON.stringify(done));
  expect(plain).toEqual(JSON.parse(text.split("data: ").at(-1) ?? "").response.output);
  expect(plain).toMatchObject(output);
  expect(response.output).toHaveLength(5);
});

test("a written stream is read again as the steps that it was written from", () => {
  const {
    steps,
    failure,
    usage: counted,
    id,
    ended,
  } = hear(responsesUpstream.readStream(), [encode(written(said))]);
  expect(failure).toBeUndefined();
  const bare: StreamStep = { type: "tool_arguments", choice: 0, index: 1, text: "{}" };
  const finish: StreamStep = {
    type: "finish",
    choice: 0,
    finish: "tool_calls",
    nativeFinish: "completed",
  };
  expect(steps).toEqual([...said.slice(0, -1), bare, finish]);
  expect(counted).toMatchObject({
    input: { cacheRead: 5, cacheWrite5m: 2 },
    output: { reasoning: 6 },
  });
  expect([id, ended]).toEqual([head.completionId, true]);
});

const endings: [FinishReason, object][] = [
  ["stop", { status: "completed", incomplete_details: null }],
  ["length", { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }],
  ["content_filter", { status: "incomplete", incomplete_details: { reason: "content_filter" } }],
  ["error", { status: "failed", error: { code: "server_error" } }],
];
test.each(endings)(
  "an answer that ended by %s says so, streamed and whole",
  async (finish, ended) => {
    const steps: StreamStep[] = [
      { type: "text", choice: 0, text: "Hi" },
      { type: "finish", choice: 0, finish },
      { type: "text", choice: 0, text: "too late" },
    ];
    const response = await accumulated(written(steps));
    expect(response).toMatchObject({
      ...ended,
      output_text: "Hi",
      output: [{ status: finish === "stop" ? "completed" : "incomplete" }],
    });
    const choice = { index: 0, finish, parts: [{ type: "text" as const, text: "Hi" }] };
    const whole = responsesClient.writeReply({ choices: [choice] }, summary);
    expect(JSON.parse(decode(whole))).toMatchObject(ended);
  },
);

test("an answer that says nothing is a whole stream too", async () => {
  const response = await accumulated(written([{ type: "finish", choice: 0, finish: "stop" }]));
  expect(response).toMatchObject({ status: "completed", output: [], output_text: "" });
});

test("a stream that breaks ends in a failed response, without figures, and with what was done", async () => {
  const writer = responsesClient.writeStream(head);
  const text =
    writer.steps(said.slice(0, 3)) +
    writer.steps(said.slice(4, 6)) +
    writer.fail(new AppError("upstream_error", "upstream request failed"), {
      ...summary,
      usage: undefined,
    });
  const response = await accumulated(text);
  const { eco: _eco, ...block } = summary.block;
  expect(response).toMatchObject({
    status: "failed",
    error: { code: "upstream_error", message: "upstream request failed" },
    usage: null,
    lowrouter: block,
  });
  expect(at(response)).not.toHaveProperty("eco");
  expect(response.output).toMatchObject([{ type: "reasoning" }]);
});

function at(response: object): object {
  return "lowrouter" in response && response.lowrouter instanceof Object ? response.lowrouter : {};
}

test("unknown usage is null, and an unknown price is null in the cost", () => {
  const choice = { index: 0, finish: "stop" as const, parts: [] };
  const parsed = (changes: object) =>
    JSON.parse(
      decode(responsesClient.writeReply({ choices: [choice] }, { ...summary, ...changes })),
    );
  expect(parsed({ usage: undefined }).usage).toBeNull();
  expect(parsed({ cost: undefined }).usage.cost).toBeNull();
});

test("encrypted reasoning of another wire is not shown as if it were of this one", () => {
  const redacted = (carry?: object) => ({
    type: "reasoning" as const,
    text: "Hm",
    redacted: "secret",
    ...(carry ? { carry: { ...carry } } : {}),
  });
  const write = (part: AssistantPart) =>
    decode(
      responsesClient.writeReply(
        { choices: [{ index: 0, finish: "stop", parts: [part] }] },
        summary,
      ),
    );
  expect(write(redacted({ "anthropic-messages": {} }))).not.toContain("secret");
  expect(write(redacted({ "openai-responses": {} }))).toContain("secret");
});

test("the official accumulator puts a relayed stream together", async () => {
  for (const name of ["tools", "refusal"]) {
    const relay = responsesSplice.relayStream(head);
    const bytes = relay.push(await fixture(`openai-responses/stream-${name}.sse`));
    const response = await accumulated(
      decode(bytes) + relay.end({ ...summary, usage: relay.usage }),
    );
    expect(response).toMatchObject({
      id: "resp_up1",
      model: head.model,
      lowrouter: summary.block,
      usage: { input_tokens: 12, cost: 0.000132 },
    });
  }
});

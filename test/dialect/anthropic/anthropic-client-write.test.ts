import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { anthropicClient, anthropicSplice } from "#src/dialect/anthropic/anthropic-client.ts";
import type { AssistantPart, FinishReason, StreamStep } from "#src/dialect/turn.ts";
import { AppError, type ErrorCode, errorCodes } from "#src/lib/error.ts";
import {
  assembled,
  clientThatHears,
  eventsOf,
  hello,
} from "#test/dialect/anthropic/anthropic-official.ts";
import { block, headOf, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";

const usage = {
  input: { fresh: 11, cacheRead: 5, cacheWrite5m: 2, cacheWrite1h: 1 },
  output: { visible: 20, reasoning: 6 },
  raw: null,
};
const told = {
  input_tokens: 11,
  cache_creation_input_tokens: 3,
  cache_read_input_tokens: 5,
  cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 1 },
  output_tokens: 26,
  output_tokens_details: { thinking_tokens: 6 },
};
const summary = summaryOf({ completionId: "msg_1", usage });
const head = headOf({ completionId: "msg_1" });

const write = (parts: AssistantPart[], finish: FinishReason = "stop") =>
  decode(anthropicClient.writeReply({ choices: [{ index: 0, parts, finish }] }, summary));

test("a whole answer has every block in order, the usage and the block of ours", async () => {
  const text = write(
    [
      { type: "reasoning", text: "hm", signature: "s" },
      { type: "reasoning", text: "", redacted: "d" },
      { type: "reasoning", text: "unsigned" },
      { type: "text", text: "é🌦" },
      { type: "tool_call", id: "call_1", name: "f", arguments: '{"n": 12345678901234567890}' },
      { type: "tool_call", id: "call_2", name: "g", arguments: "" },
      { type: "refusal", text: "but no more" },
    ],
    "tool_calls",
  );
  expect(text).toContain('"input":{"n":12345678901234567890}');
  const message = await clientThatHears(text, "application/json").messages.create(hello);
  expect(JSON.parse(JSON.stringify(message))).toEqual({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "openai/gpt-x",
    content: [
      { type: "thinking", thinking: "hm", signature: "s" },
      { type: "redacted_thinking", data: "d" },
      { type: "thinking", thinking: "unsigned", signature: "" },
      { type: "text", text: "é🌦" },
      { type: "tool_use", id: "call_1", name: "f", input: { n: Number("12345678901234567890") } },
      { type: "tool_use", id: "call_2", name: "g", input: {} },
      { type: "text", text: "but no more" },
    ],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: told,
    lowrouter: block,
  });
});

test.each<[FinishReason, string]>([
  ["stop", "end_turn"],
  ["length", "max_tokens"],
  ["tool_calls", "tool_use"],
  ["content_filter", "refusal"],
])("%s is %s, whole and streamed", async (finish, reason) => {
  expect(JSON.parse(write([], finish)).stop_reason).toBe(reason);
  const message = await assembled(streamed([{ type: "finish", choice: 0, finish }]));
  expect(message.stop_reason).toBe(reason as typeof message.stop_reason);
});

test("arguments that are no object become an empty one", () => {
  for (const words of ['{"a":', "[1]", "null", "7"]) {
    const part = { type: "tool_call" as const, id: "a", name: "f", arguments: words };
    expect(JSON.parse(write([part])).content[0].input).toEqual({});
  }
});

test("an ending that the upstream calls an error is one, not a stop", () => {
  expect(() => write([], "error")).toThrow(AppError);
  const writer = anthropicClient.writeStream(head);
  expect(() => writer.steps([{ type: "finish", choice: 0, finish: "error" }])).toThrow(AppError);
});

function streamed(steps: StreamStep[]): string {
  const writer = anthropicClient.writeStream(head);
  return steps.map((step) => writer.steps([step])).join("") + writer.end(summary);
}

const finish = (reason: FinishReason = "tool_calls"): StreamStep => ({
  type: "finish",
  choice: 0,
  finish: reason,
});
const start = (index: number, id = `call_${index}`): StreamStep => ({
  type: "tool_start",
  choice: 0,
  index,
  id,
  name: `f${index}`,
});
const words = (index: number, text: string): StreamStep => ({
  type: "tool_arguments",
  choice: 0,
  index,
  text,
});
const say = (text: string): StreamStep => ({ type: "text", choice: 0, text });
const think = (text: string, signature?: string): StreamStep => ({
  type: "reasoning",
  choice: 0,
  text,
  ...(signature === undefined ? {} : { signature }),
});

/** Indices are dense, one block is open at a time, and the frame is whole. */
function checkFrame(text: string): void {
  const events = eventsOf(text);
  expect(events[0]?.type).toBe("message_start");
  expect(events.slice(-2).map(({ type }) => type)).toEqual(["message_delta", "message_stop"]);
  let begun = 0;
  let open = false;
  for (const { type, index } of events.slice(1, -2)) {
    if (type === "content_block_start") {
      expect([open, index]).toEqual([false, begun]);
      begun++;
      open = true;
    } else {
      expect([open, index]).toEqual([true, begun - 1]);
      if (type === "content_block_stop") open = false;
    }
  }
  expect(open).toBe(false);
}

describe("a written stream", () => {
  test("is put together by the official accumulator, with usage, and tells the block at its end", async () => {
    const text = streamed([
      think("Let me "),
      think("see"),
      think("", "sig"),
      think("again"),
      { type: "reasoning", choice: 0, text: "", redacted: "d" },
      say("Wait — "),
      say("é🌦"),
      start(0),
      words(0, '{"city":'),
      words(0, '"Tromsø"}'),
      start(1),
      { type: "refusal", choice: 0, text: "no" },
      finish(),
    ]);
    checkFrame(text);
    const message = await assembled(text);
    expect(JSON.parse(JSON.stringify(message))).toMatchObject({
      id: "msg_1",
      model: "openai/gpt-x",
      role: "assistant",
      stop_reason: "tool_use",
      stop_sequence: null,
      content: [
        { type: "thinking", thinking: "Let me see", signature: "sig" },
        { type: "thinking", thinking: "again", signature: "" },
        { type: "redacted_thinking", data: "d" },
        { type: "text", text: "Wait — é🌦" },
        { type: "tool_use", id: "call_0", name: "f0", input: { city: "Tromsø" } },
        { type: "tool_use", id: "call_1", name: "f1", input: {} },
        { type: "text", text: "no" },
      ],
      usage: { input_tokens: 11, cache_read_input_tokens: 5, output_tokens: 26 },
    });
    const [ending, stop] = eventsOf(text).slice(-2);
    expect(ending?.usage).toEqual(told);
    expect(stop).toEqual({ type: "message_stop", lowrouter: block });
  });

  test("lets a call begin as soon as the one before it is whole, and holds it back until then", () => {
    const writer = anthropicClient.writeStream(head);
    writer.steps([start(0), start(1), words(1, '{"b":1}')]);
    const half = writer.steps([words(0, '{"a":{}')]);
    expect(eventsOf(half).map(({ type }) => type)).toEqual(["content_block_delta"]);
    expect(eventsOf(writer.steps([words(0, "}")])).map(({ type, index }) => [type, index])).toEqual(
      [
        ["content_block_delta", 0],
        ["content_block_stop", 0],
        ["content_block_start", 1],
        ["content_block_delta", 1],
      ],
    );
    const next = eventsOf(writer.steps([start(2)]));
    expect(next.map(({ type }) => type)).toEqual(["content_block_stop", "content_block_start"]);
  });

  test("keeps every call's arguments apart, however they interleave", async () => {
    const calls = fc.array(
      fc.record({
        input: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })),
        pieces: fc.nat(5),
      }),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(calls, fc.array(fc.nat(3)), fc.boolean(), async (made, order, talks) => {
        const queues = made.map(({ input, pieces }, index) => {
          const text = JSON.stringify(input);
          const size = Math.ceil(text.length / (pieces + 1));
          const cuts = Array.from({ length: pieces + 1 }, (_, at) =>
            text.slice(at * size, (at + 1) * size),
          );
          return cuts.map((piece) => words(index, piece));
        });
        const steps: StreamStep[] = made.map((_, index) => start(index));
        for (const at of order) {
          const step = queues[at % queues.length]?.shift();
          if (step) steps.push(step);
          if (talks && order.length % 2 === 0) steps.push(say("x"));
        }
        steps.push(...queues.flat(), finish());
        const text = streamed(steps);
        checkFrame(text);
        const message = await assembled(text);
        const inputs = message.content.flatMap((one) =>
          one.type === "tool_use" ? [one.input] : [],
        );
        expect(JSON.stringify(inputs)).toBe(JSON.stringify(made.map(({ input }) => input)));
      }),
      { numRuns: 100 },
    );
  });

  test("says nothing after its finish", () => {
    const writer = anthropicClient.writeStream(head);
    writer.steps([say("x"), finish("stop")]);
    expect(writer.steps([say("y"), finish("length")])).toBe("");
    expect(writer.end(summary)).toContain('"end_turn"');
  });
});

test("a broken stream ends with the error, without figures, and the official client throws", async () => {
  const failure = new AppError("upstream_timeout", "took too long");
  for (const fail of [
    () => anthropicClient.writeStream(head).fail(failure, summary),
    () => anthropicSplice.relayStream(head).fail(failure, summary),
  ]) {
    const text = anthropicClient.writeStream(head).steps([say("Once")]) + fail();
    const { eco: _figures, ...rest } = block;
    expect(eventsOf(text).at(-1)).toEqual({
      type: "error",
      error: { type: "timeout_error", message: "took too long" },
      lowrouter: rest,
    });
    const stream = clientThatHears(text, "text/event-stream").messages.stream(hello);
    let heard = "";
    stream.on("text", (piece) => void (heard += piece));
    await expect(stream.finalMessage()).rejects.toMatchObject({
      type: "timeout_error",
      apiMessage: "took too long",
    });
    expect(heard).toBe("Once");
  }
});

const types: Partial<Record<ErrorCode, string>> = {
  invalid_api_key: "authentication_error",
  missing_api_key: "authentication_error",
  insufficient_credits: "billing_error",
  key_limit_exceeded: "billing_error",
  carbon_budget_reached: "billing_error",
  provider_not_allowed: "permission_error",
  model_not_allowed: "permission_error",
  wrong_key_type: "permission_error",
  region_not_allowed: "permission_error",
  not_meterable: "permission_error",
  model_not_found: "not_found_error",
  generation_not_found: "not_found_error",
  key_not_found: "not_found_error",
  not_found: "not_found_error",
  not_available: "not_found_error",
  rate_limit_exceeded: "rate_limit_error",
  service_unavailable: "overloaded_error",
  upstream_timeout: "timeout_error",
  upstream_error: "api_error",
  internal_error: "api_error",
};

test.each(errorCodes.map((code) => [code, types[code] ?? "invalid_request_error"] as const))(
  "%s is told as %s",
  async (code, type) => {
    const error = new AppError(code, "what happened", { metadata: { secret: 1 } });
    const { status, body } = anthropicClient.writeError(error);
    expect(JSON.parse(decode(body))).toEqual({
      type: "error",
      error: { type, message: "what happened" },
    });
    const client = clientThatHears(body, "application/json", status);
    const asked = async () => await client.messages.create(hello);
    await expect(asked()).rejects.toMatchObject({ status, type });
  },
);

import { expect, test } from "bun:test";
import { cohereUpstream } from "#src/dialect/cohere/cohere.ts";
import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { fixture } from "#test/dialect/upstream-kit.ts";

const read = (value: JsonObject) => cohereUpstream.readReply(encode(JSON.stringify(value)));
const load = async (name: string) => cohereUpstream.readReply(await fixture(`cohere-v2/${name}`));
const said = (finish_reason: string, rest: JsonObject = {}) => ({
  id: "1",
  finish_reason,
  message: { role: "assistant", content: [{ type: "text", text: "Hi" }] },
  ...rest,
});

test("thinking and text are read, and the counts are those of the bill", async () => {
  const { reply, usage } = await load("reply.json");
  expect(reply).toEqual({
    id: "c14c80c3-18eb-4519-9460-6c92edd8cfb4",
    choices: [
      {
        index: 0,
        parts: [
          { type: "reasoning", text: "A greeting.", carry: { "cohere-v2": {} } },
          { type: "text", text: "Hello!" },
        ],
        finish: "stop",
        nativeFinish: "COMPLETE",
      },
    ],
  });
  expect(usage).toMatchObject({
    input: { fresh: 3, cacheRead: 2, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 18, reasoning: 0 },
    raw: { tokens: { input_tokens: 71, output_tokens: 418 } },
  });
});

test("the plan is text ahead of the calls, whose arguments stay the text they are", async () => {
  const { reply } = await load("reply-tools.json");
  expect(reply.choices[0]).toEqual({
    index: 0,
    parts: [
      { type: "text", text: "I will look it up." },
      {
        type: "tool_call",
        id: "weather_1",
        name: "weather",
        arguments: '{"station": 12345678901234567890}',
      },
      { type: "tool_call", id: "clock_2", name: "clock", arguments: "{}" },
    ],
    finish: "tool_calls",
    nativeFinish: "TOOL_CALL",
  });
});

test("without a bill the processed tokens count, and without either nothing is told", () => {
  const tokens = { input_tokens: 7, output_tokens: 3 };
  expect(read(said("COMPLETE", { usage: { tokens } })).usage).toMatchObject({
    input: { fresh: 7 },
    output: { visible: 3 },
  });
  expect(read(said("COMPLETE", { usage: { billed_units: { search_units: 1 } } })).usage).toBe(
    undefined,
  );
  expect(read(said("COMPLETE")).usage).toBeUndefined();
});

test.each([
  ["COMPLETE", "stop"],
  ["STOP_SEQUENCE", "stop"],
  ["MAX_TOKENS", "length"],
  ["SOMETHING_NEW", "stop"],
] as const)("the finish reason %s is the finish %s", (reason, finish) => {
  expect(read(said(reason)).reply.choices[0]).toMatchObject({ finish, nativeFinish: reason });
});

test.each(["ERROR", "TIMEOUT"])("an answer that ends in %s is a failure", (reason) => {
  expect(() => read(said(reason))).toThrow(`The provider ended its answer with "${reason}"`);
});

test("log probabilities of several tokens of one text are told for all of them together", () => {
  const logprobs = [
    { text: "Hi", token_ids: [1], logprobs: [-0.5] },
    { text: " you", token_ids: [2, 3], logprobs: [-0.25, -0.5] },
  ];
  expect(read(said("COMPLETE", { logprobs })).reply.choices[0]?.logprobs).toEqual({
    content: [
      { token: "Hi", logprob: -0.5, bytes: null, top_logprobs: [] },
      { token: " you", logprob: -0.75, bytes: null, top_logprobs: [] },
    ],
    refusal: null,
  });
});

test("a body that is no message is refused without quoting it", () => {
  for (const body of ["secret", "[]", '{"message":"secret"}']) {
    const call = () => cohereUpstream.readReply(encode(body));
    expect(call).toThrow(/^The provider answered with something that is/);
    expect(call).not.toThrow(/secret/);
  }
});

test("an error is its message, at the provider's own statuses too", async () => {
  const body = await fixture("cohere-v2/error.json");
  const message = "invalid request: message must be at least 1 token long";
  for (const status of [400, 498, 499]) {
    expect(cohereUpstream.readError(status, body)).toEqual({ status, message });
  }
});

test("an ending that every object knows as a member is an ending that nobody knows", () => {
  expect(read(said("constructor")).reply.choices[0]?.finish).toBe("stop");
});

import { expect, test } from "bun:test";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { geminiClient } from "#src/dialect/gemini/gemini-client.ts";
import type { AssistantPart, FinishReason, Reply, StreamStep } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import { AppError, errorCodes } from "#src/lib/error.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { eventsIn } from "#test/dialect/gemini/gemini-client-kit.ts";
import { block, headOf, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { byteByByte, fixture, hear } from "#test/dialect/upstream-kit.ts";

const usage = {
  input: { fresh: 11, cacheRead: 5, cacheWrite5m: 2, cacheWrite1h: 0 },
  output: { visible: 20, reasoning: 6 },
  raw: null,
};
const summary = summaryOf({ usage });

function replyOf(parts: AssistantPart[], finish: FinishReason = "stop"): Reply {
  return { choices: [{ index: 0, parts, finish }] };
}

function written(reply: Reply): JsonObject {
  return JSON.parse(decode(geminiClient.writeReply(reply, summary)));
}

const call = (args: string): AssistantPart => ({
  type: "tool_call",
  id: "c1",
  name: "f",
  arguments: args,
});

test("an answer is written with its usage, names and block", () => {
  const reply = replyOf(
    [
      { type: "reasoning", text: "Hm" },
      { type: "text", text: "Voilà" },
      { type: "refusal", text: "No" },
      call('{"n":12345678901234567890}'),
      call(""),
    ],
    "tool_calls",
  );
  expect(written(reply)).toEqual({
    candidates: [
      {
        content: {
          role: "model",
          parts: [
            { text: "Hm", thought: true },
            { text: "Voilà" },
            { text: "No" },
            { functionCall: { id: "c1", name: "f", args: { n: 12345678901234567890 } } },
            { functionCall: { id: "c1", name: "f", args: {} } },
          ],
        },
        finishReason: "STOP",
        index: 0,
      },
    ],
    usageMetadata: {
      promptTokenCount: 18,
      cachedContentTokenCount: 5,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 6,
      totalTokenCount: 44,
    },
    modelVersion: "openai/gpt-x",
    responseId: "chatcmpl-up1",
    lowrouter: block,
  });
  expect(decode(geminiClient.writeReply(reply, summary))).toContain('"n":12345678901234567890');
});

test("without usage none is told", () => {
  const text = decode(
    geminiClient.writeReply(
      replyOf([{ type: "text", text: "Hi" }]),
      summaryOf({ usage: undefined }),
    ),
  );
  expect(text).not.toContain("usageMetadata");
});

test.each<[FinishReason, string]>([
  ["stop", "STOP"],
  ["tool_calls", "STOP"],
  ["length", "MAX_TOKENS"],
  ["content_filter", "SAFETY"],
  ["error", "OTHER"],
])("the ending %s is %s", (finish, finishReason) => {
  expect(written(replyOf([], finish))).toMatchObject({
    candidates: [{ finishReason, content: { role: "model", parts: [{ text: "" }] } }],
  });
});

test.each<[string, FinishReason, string]>([
  ['{"a":', "tool_calls", "MALFORMED_FUNCTION_CALL"],
  ["[1]", "tool_calls", "MALFORMED_FUNCTION_CALL"],
  ['{"a":', "length", "MAX_TOKENS"],
])("a call with the arguments %s is not invented: %s ends as %s", (args, finish, finishReason) => {
  const expected = { candidates: [{ finishReason, content: { parts: [{ text: "" }] } }] };
  expect(written(replyOf([call(args)], finish))).toMatchObject(expected);
  const [last] = streamed([
    { type: "tool_start", choice: 0, index: 0, id: "c1", name: "f" },
    { type: "tool_arguments", choice: 0, index: 0, text: args },
    { type: "finish", choice: 0, finish },
  ]);
  expect(last).toMatchObject(expected);
});

test("log probabilities and citations are told in Google's members, by bytes, and read again", () => {
  const token = { token: "Vo", logprob: -0.1, bytes: null };
  const citations = [{ url: "https://x", title: "X", start: 0, end: 5 }];
  const reply: Reply = {
    choices: [
      {
        index: 0,
        parts: [{ type: "text", text: "Voilà!", citations }],
        finish: "stop",
        logprobs: { content: [{ ...token, top_logprobs: [token] }], refusal: null },
      },
    ],
  };
  const expected = { token: "Vo", logProbability: -0.1 };
  const groundingMetadata = {
    groundingChunks: [{ web: { uri: "https://x", title: "X" } }],
    groundingSupports: [
      { segment: { startIndex: 0, endIndex: 6, text: "Voilà" }, groundingChunkIndices: [0] },
    ],
  };
  expect(written(reply)).toMatchObject({
    candidates: [
      {
        logprobsResult: {
          chosenCandidates: [expected],
          topCandidates: [{ candidates: [expected] }],
        },
        groundingMetadata,
      },
    ],
  });
  const events = streamed([
    { type: "text", choice: 0, text: "Voilà!" },
    { type: "text", choice: 0, text: "", citations },
    { type: "finish", choice: 0, finish: "stop" },
  ]);
  expect(events).toHaveLength(2);
  expect(events.at(-1)).toMatchObject({ candidates: [{ groundingMetadata }] });
  const again = geminiUpstream.readReply(encode(decode(geminiClient.writeReply(reply, summary))));
  expect(again.reply.choices).toMatchObject(reply.choices);
});

function streamText(steps: StreamStep[]): string {
  const writer = geminiClient.writeStream(headOf());
  return steps.map((step) => writer.steps([step])).join("") + writer.end(summary);
}

function streamed(steps: StreamStep[]): JsonObject[] {
  return eventsIn(streamText(steps));
}

const steps: StreamStep[] = [
  { type: "reasoning", choice: 0, text: "Let me see" },
  { type: "reasoning", choice: 0, text: "" },
  { type: "text", choice: 0, text: "Wait — é🌦" },
  { type: "tool_start", choice: 0, index: 0, id: "call_a", name: "weather" },
  { type: "tool_arguments", choice: 0, index: 0, text: '{"city":' },
  {
    type: "tool_start",
    choice: 0,
    index: 1,
    id: "call_b",
    name: "now",
    carry: { gemini: { thoughtSignature: "cw==" } },
  },
  { type: "tool_arguments", choice: 0, index: 0, text: '"Tromsø"}' },
  { type: "finish", choice: 0, finish: "tool_calls" },
];

test("a stream tells calls whole, and the ending, usage and block last", () => {
  const names = { modelVersion: "openai/gpt-x", responseId: "chatcmpl-ours" };
  const say = (...parts: JsonObject[]) => ({
    candidates: [{ content: { role: "model", parts }, index: 0 }],
    ...names,
  });
  expect(streamed(steps)).toEqual([
    say({ text: "Let me see", thought: true }),
    say({ text: "Wait — é🌦" }),
    say(
      { functionCall: { id: "call_a", name: "weather", args: { city: "Tromsø" } } },
      { functionCall: { id: "call_b", name: "now", args: {} }, thoughtSignature: "cw==" },
    ),
    {
      candidates: [
        { content: { role: "model", parts: [{ text: "" }] }, finishReason: "STOP", index: 0 },
      ],
      usageMetadata: {
        promptTokenCount: 18,
        cachedContentTokenCount: 5,
        candidatesTokenCount: 20,
        thoughtsTokenCount: 6,
        totalTokenCount: 44,
      },
      ...names,
      lowrouter: block,
    },
  ]);
  const text = streamText(steps);
  expect(text.split("\r\n\r\n")).toHaveLength(5);
  expect(text).not.toContain("[DONE]");
});

test("every choice has its ending in the last event, once", () => {
  const events = streamed([
    { type: "text", choice: 1, text: "b" },
    { type: "finish", choice: 1, finish: "length" },
    { type: "text", choice: 0, text: "a" },
    { type: "finish", choice: 0, finish: "stop" },
    { type: "text", choice: 0, text: "late" },
    { type: "finish", choice: 0, finish: "length" },
  ]);
  expect(JSON.stringify(events)).not.toContain("late");
  expect(events.at(-1)).toMatchObject({
    candidates: [
      { index: 0, finishReason: "STOP" },
      { index: 1, finishReason: "MAX_TOKENS" },
    ],
  });
  expect(JSON.stringify(events).match(/finishReason/g)).toHaveLength(2);
});

test("the upstream half of this wire reads the written stream, byte by byte, as it was", () => {
  const heard = hear(geminiUpstream.readStream(), byteByByte(encode(streamText(steps))));
  expect(heard).toMatchObject({
    failure: undefined,
    ended: true,
    id: "chatcmpl-ours",
    usage: { input: { fresh: 13, cacheRead: 5 }, output: usage.output },
  });
  expect(heard.steps).toMatchObject([
    steps[0],
    steps[2],
    { type: "tool_start", index: 0, id: "call_a", name: "weather" },
    { type: "tool_arguments", text: '{"city":"Tromsø"}' },
    { type: "tool_start", index: 1, id: "call_b", carry: { gemini: { thoughtSignature: "cw==" } } },
    { type: "tool_arguments", text: "{}" },
    { type: "finish", finish: "tool_calls" },
  ]);
});

test("an answer of the upstream half is the same again when it is written and read", async () => {
  const { reply } = geminiUpstream.readReply(await fixture("gemini/reply.json"));
  const again = geminiUpstream.readReply(encode(decode(geminiClient.writeReply(reply, summary))));
  const strip = ({ choices }: Reply) =>
    choices.map(({ parts, ...choice }) => ({
      ...choice,
      parts: parts.map((part) => {
        if (part.type !== "tool_call") return part;
        // Ids that were made are the upstream's own when they come back.
        const signature = part.carry?.gemini?.thoughtSignature;
        return { ...part, carry: signature };
      }),
    }));
  expect(strip(again.reply)).toEqual(strip(reply));
});

test("a broken stream ends with Google's error and a block without figures", () => {
  const writer = geminiClient.writeStream(headOf());
  const before = writer.steps([{ type: "text", choice: 0, text: "Half" }]);
  const error = new AppError("upstream_error", "upstream request failed");
  const [, failed] = eventsIn(before + writer.fail(error, summary));
  const { eco: _figures, ...bare } = block;
  expect(failed).toEqual({
    error: {
      code: 502,
      message: "upstream request failed",
      status: "UNAVAILABLE",
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: "UPSTREAM_ERROR",
          domain: "lowrouter",
        },
      ],
    },
    lowrouter: bare,
  });
});

test("errors have Google's names, our code and the wait", () => {
  const error = new AppError("model_not_found", 'Cannot find the model "x"', { param: "model" });
  const { status, body } = geminiClient.writeError(error);
  expect(status).toBe(404);
  expect(JSON.parse(decode(body))).toMatchObject({
    error: {
      code: 404,
      message: 'Cannot find the model "x"',
      status: "NOT_FOUND",
      details: [{ reason: "MODEL_NOT_FOUND", metadata: { param: "model" } }],
    },
  });
  const limited = new AppError("rate_limit_exceeded", "rate limit exceeded", {
    retryAfterSeconds: 35,
  });
  expect(geminiUpstream.readError(429, geminiClient.writeError(limited).body)).toMatchObject({
    type: "RESOURCE_EXHAUSTED",
    code: "RATE_LIMIT_EXCEEDED",
    retryAfterSeconds: 35,
  });
});

test.each(errorCodes.map((code) => [code]))("%s has one of Google's canonical names", (code) => {
  const { status, body } = geminiClient.writeError(new AppError(code, "x"));
  const { error } = JSON.parse(decode(body));
  expect(error.code).toBe(status);
  const names = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
  };
  expect(error.status).toBe(Object.entries(names).find(([one]) => Number(one) === status)?.[1]);
});

import { describe, expect, test } from "bun:test";
import { UpstreamStreamError } from "#src/dialect/dialect.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { inputTokens, outputTokens } from "#src/dialect/usage.ts";
import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { fixture } from "#test/dialect/upstream-kit.ts";

const { readReply, readError } = geminiUpstream;
const readJson = (body: JsonObject) => readReply(encode(JSON.stringify(body)));
const said = (parts: JsonObject[], more: JsonObject = {}) =>
  readJson({ candidates: [{ content: { role: "model", parts }, ...more }] }).reply.choices[0];

test("readReply() keeps thoughts, text and calls with their integers and signatures", async () => {
  const { reply } = readReply(await fixture("gemini/reply.json"));
  const made = expect.stringMatching(/^call_[0-9a-f]{24}$/);
  expect(reply).toEqual({
    id: "r1",
    choices: [
      {
        index: 0,
        finish: "tool_calls",
        nativeFinish: "STOP",
        parts: [
          { type: "reasoning", text: "checking" },
          { type: "text", text: "Let me look." },
          {
            type: "tool_call",
            id: made,
            name: "weather",
            arguments: '{"station":12345678901234567890,"days":2}',
            carry: { gemini: { thoughtSignature: "c2lnbmVk" } },
          },
          { type: "tool_call", id: made, name: "weather", arguments: "{}" },
          {
            type: "tool_call",
            id: "fc_7",
            name: "clock",
            arguments: "{}",
            carry: { gemini: { id: "fc_7" } },
          },
        ],
      },
    ],
  });
});

test("made ids are the same each time and differ between calls of one name", async () => {
  const ids = async () => {
    const { reply } = readReply(await fixture("gemini/reply.json"));
    const parts = reply.choices[0]?.parts ?? [];
    return parts.flatMap((part) => (part.type === "tool_call" ? [part.id] : []));
  };
  expect(await ids()).toEqual(await ids());
  expect(new Set(await ids()).size).toBe(3);
});

test("usage: tool prompts are input, the cache is inside the prompt, thoughts are beside the answer", async () => {
  const { usage } = readReply(await fixture("gemini/reply.json"));
  expect(usage).toMatchObject({
    input: { fresh: 11, cacheRead: 12, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 7, reasoning: 15 },
    raw: { totalTokenCount: 45 },
  });
  if (!usage) throw new Error("no usage");
  expect(inputTokens(usage)).toBe(23);
  expect(outputTokens(usage)).toBe(22);
  expect(readJson({ candidates: [{}] }).usage).toBeUndefined();
  expect(readJson({ candidates: [{}], usageMetadata: {} }).usage).toBeUndefined();
});

describe("finish reasons", () => {
  const rows = [
    ["STOP", "stop"],
    ["MAX_TOKENS", "length"],
    ["SAFETY", "content_filter"],
    ["RECITATION", "content_filter"],
    ["BLOCKLIST", "content_filter"],
    ["PROHIBITED_CONTENT", "content_filter"],
    ["SPII", "content_filter"],
    ["IMAGE_SAFETY", "content_filter"],
    ["IMAGE_PROHIBITED_CONTENT", "content_filter"],
    ["IMAGE_RECITATION", "content_filter"],
    ["IMAGE_OTHER", "content_filter"],
    ["LANGUAGE", "stop"],
    ["OTHER", "stop"],
    ["FINISH_REASON_UNSPECIFIED", "stop"],
    ["SOMETHING_NEW", "stop"],
  ] as const;
  for (const [native, finish] of rows) {
    test(`${native} reads as ${finish}`, () => {
      const choice = said([{ text: "Hi" }], { finishReason: native });
      expect(choice).toMatchObject({ finish, nativeFinish: native });
    });
  }
  for (const native of ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"]) {
    test(`${native} alone is no answer, beside another choice it is a broken one`, () => {
      const broken = { finishReason: native };
      expect(() => readJson({ candidates: [broken] })).toThrow(native);
      const { reply } = readJson({ candidates: [broken, { index: 1, finishReason: "STOP" }] });
      expect(reply.choices.map(({ finish }) => finish)).toEqual(["error", "stop"]);
    });
  }
  test("STOP with a call reads as tool_calls, MAX_TOKENS with a call as length", () => {
    const parts = [{ functionCall: { name: "f" } }];
    expect(said(parts, { finishReason: "STOP" })?.finish).toBe("tool_calls");
    expect(said(parts, { finishReason: "MAX_TOKENS" })?.finish).toBe("length");
  });
});

test("a blocked prompt is an empty choice with content_filter, and its tokens count", async () => {
  const { reply, usage } = readReply(await fixture("gemini/blocked.json"));
  expect(reply.choices).toEqual([
    { index: 0, parts: [], finish: "content_filter", nativeFinish: "PROHIBITED_CONTENT" },
  ]);
  expect(usage).toMatchObject({ input: { fresh: 9 }, output: { visible: 0, reasoning: 0 } });
});

test("a candidate without content is an empty answer", () => {
  const [choice] = readJson({ candidates: [{ finishReason: "MAX_TOKENS" }] }).reply.choices;
  expect(choice).toEqual({ index: 0, parts: [], finish: "length", nativeFinish: "MAX_TOKENS" });
});

test("several candidates are several choices", () => {
  const { reply } = readJson({ candidates: [{ index: 0 }, { index: 1 }, {}] });
  expect(reply.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
});

test("integers given as 1.0 are integers in arguments", () => {
  const bytes = encode(
    '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"n":1.0}}}]}}]}',
  );
  const [part] = readReply(bytes).reply.choices[0]?.parts ?? [];
  expect(part).toMatchObject({ arguments: '{"n":1}' });
});

test("log probabilities are shown as the chat wire shows them", () => {
  const logprobsResult = {
    chosenCandidates: [{ token: "Hi", tokenId: 5, logProbability: -0.25 }],
    topCandidates: [{ candidates: [{ token: "Yo", logProbability: -1.5 }] }],
  };
  expect(said([{ text: "Hi" }], { logprobsResult })?.logprobs).toEqual({
    content: [
      {
        token: "Hi",
        logprob: -0.25,
        bytes: null,
        top_logprobs: [{ token: "Yo", logprob: -1.5, bytes: null }],
      },
    ],
    refusal: null,
  });
});

test("readReply() throws on garbage and on an error body under 200, quoting neither", () => {
  const bodies = [
    "<html>secret</html>",
    '"secret"',
    '{"answer":"secret"}',
    "",
    "[]",
    '{"error":{"code":500,"message":"secret","status":"INTERNAL"}}',
    '[{"error":{"message":"secret"}}]',
  ];
  for (const body of bodies) {
    expect(() => readReply(encode(body))).toThrow(UpstreamStreamError);
    expect(() => readReply(encode(body))).not.toThrow(/secret/);
  }
});

test("readError() gives Google's status, reason and wait, in an array or not", async () => {
  const fault = {
    status: 429,
    message: "Quota exceeded for requests per minute",
    type: "RESOURCE_EXHAUSTED",
    code: "RATE_LIMIT_EXCEEDED",
    retryAfterSeconds: 35,
  };
  const body = await Bun.file(`${import.meta.dir}/../../fixtures/gemini/error.json`).text();
  expect(readError(429, encode(body))).toEqual(fault);
  expect(readError(429, encode(`[${body}]`))).toEqual(fault);
  expect(readError(502, encode("Bad gateway"))).toEqual({ status: 502, message: "Bad gateway" });
});

test("pages that an answer leans on are told with their places, which are in bytes here", () => {
  const web = (uri: string, title?: string) => ({ web: { uri, title } });
  const parts = [{ text: "Zürich" }, { text: " is wet. Bern is not." }];
  const groundingMetadata = {
    groundingChunks: [
      web("https://a/1", "A"),
      { retrievedContext: { uri: "x" } },
      web("https://b/2"),
    ],
    groundingSupports: [
      { segment: { endIndex: 15, text: "Zürich is wet." }, groundingChunkIndices: [0, 1, 2, 9] },
      { segment: { startIndex: 1, endIndex: 4, text: "Bern" }, groundingChunkIndices: [0] },
    ],
  };
  const choice = said(parts, { groundingMetadata });
  expect(choice?.parts).toEqual([
    { type: "text", text: "Zürich" },
    {
      ...{ type: "text", text: " is wet. Bern is not." },
      citations: [
        { url: "https://a/1", title: "A", start: 0, end: 14 },
        { url: "https://b/2", start: 0, end: 14 },
        { url: "https://a/1", title: "A", start: 15, end: 19 },
      ],
    },
  ]);
});

test("an ending that every object knows as a member is an ending that nobody knows", () => {
  expect(said([{ text: "Hi" }], { finishReason: "constructor" })?.finish).toBe("stop");
});

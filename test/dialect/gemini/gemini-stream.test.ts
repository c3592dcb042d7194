import { expect, test } from "bun:test";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { encode, sha256Hex } from "#src/lib/bytes.ts";
import { sameHoweverCut } from "#test/dialect/splits.ts";
import { byteByByte, fixture, hear, sse } from "#test/dialect/upstream-kit.ts";

const read = (chunks: Uint8Array[]) => hear(geminiUpstream.readStream(), chunks);
const load = (name: string) => fixture(`gemini/${name}.sse`);
const madeId = (...place: [string, number, number, string]) =>
  `call_${sha256Hex(JSON.stringify(place)).slice(0, 24)}`;

test("a stream of thoughts, text and parallel calls becomes steps with ids made for the calls", async () => {
  const heard = read([await load("stream-tools")]);
  const weather = madeId("r3", 0, 0, "weather");
  const clock = madeId("r3", 0, 1, "clock");
  expect(heard.steps).toEqual([
    { type: "reasoning", choice: 0, text: "Two calls." },
    { type: "text", choice: 0, text: "Voilà 🌦 in Zürich." },
    {
      type: "tool_start",
      choice: 0,
      index: 0,
      id: weather,
      name: "weather",
      carry: { gemini: { thoughtSignature: "c2lnbmVk" } },
    },
    { type: "tool_arguments", choice: 0, index: 0, text: '{"station":12345678901234567890}' },
    { type: "tool_start", choice: 0, index: 1, id: clock, name: "clock" },
    { type: "tool_arguments", choice: 0, index: 1, text: "{}" },
    { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "STOP" },
  ]);
  expect(heard).toMatchObject({ id: "r3", ended: true, failure: undefined });
});

test("the last usage replaces the ones before", async () => {
  expect(read([await load("stream-tools")]).usage).toMatchObject({
    input: { fresh: 16, cacheRead: 4 },
    output: { visible: 12, reasoning: 9 },
  });
});

test("two candidates interleave and the stream has ended when both finished", async () => {
  const bytes = await load("stream-two");
  expect(read([bytes]).steps).toEqual([
    { type: "text", choice: 0, text: "a" },
    { type: "text", choice: 1, text: "b" },
    { type: "text", choice: 0, text: "A" },
    { type: "finish", choice: 0, finish: "stop", nativeFinish: "STOP" },
    { type: "text", choice: 1, text: "B" },
    { type: "finish", choice: 1, finish: "length", nativeFinish: "MAX_TOKENS" },
  ]);
  expect(read([bytes]).ended).toBe(true);
  expect(read([bytes.subarray(0, bytes.length - 200)]).ended).toBe(false);
});

test("a blocked prompt finishes as content_filter with its usage", async () => {
  const heard = read([await load("stream-blocked")]);
  expect(heard.steps).toEqual([
    { type: "finish", choice: 0, finish: "content_filter", nativeFinish: "SAFETY" },
  ]);
  expect(heard).toMatchObject({ ended: true, usage: { input: { fresh: 9 } } });
});

test("an error in an array fails without quoting the answer, after the text before it", async () => {
  const heard = read([await load("stream-error")]);
  expect(heard.steps).toEqual([{ type: "text", choice: 0, text: "Half an ans" }]);
  expect(heard.failure).toBe(
    'UpstreamStreamError: The provider ended its answer with "UNAVAILABLE"',
  );
  expect(heard.ended).toBe(false);
});

for (const name of ["stream-tools", "stream-two", "stream-blocked", "stream-error"] as const) {
  sameHoweverCut(name, () => load(name), read);
}

test("a last event without its blank line is read", async () => {
  const bytes = await load("stream-tools");
  const heard = read([bytes.subarray(0, bytes.length - 4)]);
  expect(heard).toEqual(read([bytes]));
});

test("a bare JSON body in place of events fails, garbage in an event too, quoting neither", () => {
  const bodies = ['{"error":{"message":"secret"}}', '\n[{"error":{"message":"secret"}}]'];
  for (const body of bodies) {
    const { failure } = read(byteByByte(encode(body)));
    expect(failure).toContain("plain JSON");
    expect(failure).not.toContain("secret");
  }
  for (const garbage of ["<b>secret", '"secret"', "[1]"]) {
    const { failure } = read([encode(`data: ${garbage}\n\n`)]);
    expect(failure).toStartWith("UpstreamStreamError: The provider sent an event that is no");
    expect(failure).not.toContain("secret");
  }
});

test("a signature alone after the finish adds nothing", () => {
  const heard = read([
    sse(
      { candidates: [{ index: 0, content: { parts: [{ text: "A" }] }, finishReason: "STOP" }] },
      { candidates: [{ index: 0, content: { parts: [{ text: "", thoughtSignature: "x" }] } }] },
    ),
  ]);
  expect(heard.steps.map((step) => step.type)).toEqual(["text", "finish"]);
});

test("a block after text has begun finishes what had begun", () => {
  const heard = read([
    sse(
      { candidates: [{ index: 0, content: { parts: [{ text: "A" }] } }] },
      { promptFeedback: { blockReason: "SAFETY" } },
    ),
  ]);
  expect(heard.steps.at(-1)).toMatchObject({ finish: "content_filter", nativeFinish: "SAFETY" });
  expect(heard.ended).toBe(true);
});

test("calls of answers without an id get different ids in different answers", () => {
  const ids = ["Paris", "Rome"].map((city) => {
    const parts = [{ functionCall: { name: "f", args: { city } } }];
    const [start] = read([
      sse({ candidates: [{ content: { parts }, finishReason: "STOP" }] }),
    ]).steps;
    return start?.type === "tool_start" ? start.id : undefined;
  });
  expect(new Set(ids).size).toBe(2);
});

test("a call that came out broken breaks the stream", () => {
  const heard = read([
    sse(
      { candidates: [{ content: { parts: [{ text: "A" }] } }] },
      {
        candidates: [{ finishReason: "MALFORMED_FUNCTION_CALL" }],
        usageMetadata: { promptTokenCount: 3 },
      },
    ),
  ]);
  expect(heard.steps).toEqual([{ type: "text", choice: 0, text: "A" }]);
  expect(heard.failure).toContain("MALFORMED_FUNCTION_CALL");
  expect(heard).toMatchObject({ ended: false, usage: { input: { fresh: 3 } } });
});

test("log probabilities go with the text that they are of, citations with their place in all of it", () => {
  const chosenCandidates = [{ token: "B", logProbability: -0.5 }];
  const content = [{ token: "B", logprob: -0.5, bytes: null, top_logprobs: [] }];
  const groundingMetadata = {
    groundingChunks: [{ web: { uri: "https://a/1" } }],
    groundingSupports: [{ segment: { startIndex: 2, endIndex: 3 }, groundingChunkIndices: [0] }],
  };
  const heard = read([
    sse(
      { candidates: [{ content: { parts: [{ text: "é" }] } }] },
      {
        candidates: [{ content: { parts: [{ text: "B" }] }, logprobsResult: { chosenCandidates } }],
      },
      { candidates: [{ finishReason: "STOP", groundingMetadata }] },
    ),
  ]);
  expect(heard.steps).toEqual([
    { type: "text", choice: 0, text: "é" },
    { type: "text", choice: 0, text: "B", logprobs: { content, refusal: null } },
    { type: "text", choice: 0, text: "", citations: [{ url: "https://a/1", start: 1, end: 2 }] },
    { type: "finish", choice: 0, finish: "stop", nativeFinish: "STOP" },
  ]);
});

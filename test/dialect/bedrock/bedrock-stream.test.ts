import { expect, test } from "bun:test";
import { bedrockUpstream } from "#src/dialect/bedrock/bedrock-converse.ts";
import { encode } from "#src/lib/bytes.ts";
import { eventFrame, exceptionFrame, frame, framed } from "#test/dialect/bedrock/bedrock-frames.ts";
import { sameHoweverCut } from "#test/dialect/splits.ts";
import { byteByByte, hear } from "#test/dialect/upstream-kit.ts";

const read = (chunks: Uint8Array[]) => hear(bedrockUpstream.readStream(), chunks);
const names = ["stream-tools", "stream-exception", "stream-answer"] as const;
const load = (name: string) => framed(`${name}.events`);
const stop = (stopReason: string) => eventFrame("messageStop", { stopReason });

test("a stream of reasoning, text and parallel calls becomes steps with calls counted from 0", async () => {
  const heard = read([await load("stream-tools")]);
  expect(heard.steps).toEqual([
    { type: "reasoning", choice: 0, text: "Two " },
    { type: "reasoning", choice: 0, text: "calls." },
    { type: "reasoning", choice: 0, text: "", signature: "c2lnbmVk" },
    { type: "reasoning", choice: 0, text: "", redacted: "b3BhcXVl" },
    { type: "text", choice: 0, text: "Voilà 🌦 " },
    { type: "text", choice: 0, text: "in Zürich." },
    { type: "tool_start", choice: 0, index: 0, id: "tooluse_1", name: "weather" },
    { type: "tool_arguments", choice: 0, index: 0, text: '{"station": 1234567890' },
    { type: "tool_arguments", choice: 0, index: 0, text: "1234567890}" },
    { type: "tool_start", choice: 0, index: 1, id: "tooluse_2", name: "clock" },
    { type: "tool_arguments", choice: 0, index: 1, text: "{}" },
    { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "tool_use" },
  ]);
  expect(heard).toMatchObject({ id: undefined, ended: true, failure: undefined });
});

test("usage comes after the ending, and its three input counts lie beside each other", async () => {
  expect(read([await load("stream-tools")]).usage).toMatchObject({
    input: { fresh: 120, cacheRead: 7, cacheWrite5m: 10, cacheWrite1h: 30 },
    output: { visible: 31, reasoning: 0 },
    raw: { totalTokens: 198 },
  });
});

test("the stand-in tool becomes text with finish stop", async () => {
  expect(read([await load("stream-answer")]).steps).toEqual([
    { type: "text", choice: 0, text: '{"city":' },
    { type: "text", choice: 0, text: '"Paris"}' },
    { type: "finish", choice: 0, finish: "stop", nativeFinish: "tool_use" },
  ]);
});

test("an exception frame fails by its type and without its message, after the text before it", async () => {
  const heard = read([await load("stream-exception")]);
  expect(heard.steps).toEqual([{ type: "text", choice: 0, text: "Half an ans" }]);
  expect(heard.failure).toBe(
    'UpstreamStreamError: The provider ended its answer with "throttlingException"',
  );
  expect(heard.ended).toBe(false);
});

test.each([
  "internalServerException",
  "modelStreamErrorException",
  "serviceUnavailableException",
  "validationException",
])("%s is a failure that names itself", (type) => {
  expect(read([exceptionFrame(type, "secret")]).failure).toContain(`"${type}"`);
});

test("an error frame and one of no known kind are failures", () => {
  const error = { ":message-type": "error", ":error-code": "InternalError" };
  expect(read([frame({ ...error, ":error-message": "secret" }, "")]).failure).toBe(
    'UpstreamStreamError: The provider ended its answer with "InternalError"',
  );
  expect(read([frame({}, "{}")]).failure).toBe(
    "UpstreamStreamError: The provider ended its answer with an error",
  );
});

for (const name of names) {
  sameHoweverCut(name, () => load(name), read);
}

test("a stream that is cut before messageStop has not ended and tells no finish", async () => {
  const bytes = await load("stream-exception");
  const heard = read([bytes.subarray(0, 200)]);
  expect(heard).toMatchObject({ ended: false, failure: undefined });
  expect(heard.steps.some((step) => step.type === "finish")).toBe(false);
});

test("a checksum that does not hold breaks the stream after what came before", async () => {
  const bytes = await load("stream-answer");
  const last = bytes.length - 1;
  const broken = bytes.with(last, (bytes[last] ?? 0) ^ 0xff);
  const whole = read([broken]);
  expect(whole.steps.at(-1)?.type).toBe("finish");
  expect(whole.failure).toBe(
    "UpstreamStreamError: The provider sent a frame with a wrong checksum",
  );
  expect(read(byteByByte(broken))).toEqual(whole);
});

test("of two failures the first one counts, however the bytes are cut", () => {
  const text = eventFrame("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hi" } });
  const fine = Buffer.concat([text, exceptionFrame("throttlingException", "secret")]);
  const broken = stop("end_turn").with(20, 0);
  const whole = read([new Uint8Array(Buffer.concat([fine, broken]))]);
  expect(whole.failure).toContain("throttlingException");
  expect(read([new Uint8Array(fine), broken])).toEqual(whole);
});

test("plain JSON or HTML in place of frames fails without quoting it", () => {
  for (const garbage of ['{"message":"secret"}', "<html>secret</html>"]) {
    const { failure } = read([encode(garbage)]);
    expect(failure).toStartWith("UpstreamStreamError: The provider sent a frame");
    expect(failure).not.toContain("secret");
  }
});

test("an event that is not JSON fails without quoting it", () => {
  const headers = { ":message-type": "event", ":event-type": "contentBlockDelta" };
  expect(read([frame(headers, "<secret>")]).failure).toBe(
    "UpstreamStreamError: The provider sent an event that is not JSON",
  );
});

test.each([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["guardrail_intervened", "content_filter"],
  ["content_filtered", "content_filter"],
  ["something_new", "stop"],
])("the stop reason %s is the finish %s", (stopReason, finish) => {
  expect(read([stop(stopReason)]).steps).toMatchObject([{ finish, nativeFinish: stopReason }]);
});

test("a model that broke its own answer gives none, which may be tried elsewhere", () => {
  for (const reason of ["malformed_tool_use", "malformed_model_output"])
    expect(read([stop(reason)])).toMatchObject({
      ended: false,
      failure: `UpstreamStreamError: The provider ended its answer with "${reason}"`,
    });
});

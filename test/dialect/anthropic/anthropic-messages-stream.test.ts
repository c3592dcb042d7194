import { expect, test } from "bun:test";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { sameHoweverCut } from "#test/dialect/splits.ts";
import { byteByByte, fixture, hear, sse } from "#test/dialect/upstream-kit.ts";

const read = (chunks: Uint8Array[]) => hear(anthropicMessagesUpstream.readStream(), chunks);
const names = ["stream-tools", "stream-error", "stream-answer"] as const;
const load = (name: string) => fixture(`anthropic-messages/${name}.sse`);

test("a stream of thinking, text and parallel calls becomes steps with calls counted from 0", async () => {
  const heard = read([await load("stream-tools")]);
  expect(heard.steps).toEqual([
    { type: "reasoning", choice: 0, text: "Two calls." },
    { type: "reasoning", choice: 0, text: "", signature: "c2lnbmVk" },
    { type: "reasoning", choice: 0, text: "", redacted: "b3BhcXVl" },
    { type: "text", choice: 0, text: "Voilà 🌦 " },
    { type: "text", choice: 0, text: "in Zürich." },
    { type: "tool_start", choice: 0, index: 0, id: "toolu_1", name: "weather" },
    { type: "tool_arguments", choice: 0, index: 0, text: '{"station": 1234567890' },
    { type: "tool_arguments", choice: 0, index: 0, text: "1234567890}" },
    { type: "tool_start", choice: 0, index: 1, id: "toolu_2", name: "clock" },
    { type: "tool_arguments", choice: 0, index: 1, text: "{}" },
    { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "tool_use" },
  ]);
  expect(heard).toMatchObject({ id: "msg_02B", ended: true, failure: undefined });
});

test("message_delta replaces the usage of message_start, and its nulls say nothing", async () => {
  const heard = read([await load("stream-tools")]);
  expect(heard.usage).toMatchObject({
    input: { fresh: 120, cacheRead: 7, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 22, reasoning: 9 },
  });
});

test("the stand-in tool becomes text with finish stop", async () => {
  expect(read([await load("stream-answer")]).steps).toEqual([
    { type: "text", choice: 0, text: '{"city":' },
    { type: "text", choice: 0, text: '"Paris"}' },
    { type: "finish", choice: 0, finish: "stop", nativeFinish: "tool_use" },
  ]);
});

test("an error event after the 200 fails without quoting the answer, after the text before it", async () => {
  const heard = read([await load("stream-error")]);
  expect(heard.steps).toEqual([{ type: "text", choice: 0, text: "Half an ans" }]);
  expect(heard.failure).toBe(
    'UpstreamStreamError: The provider ended its answer with "overloaded_error"',
  );
  expect(heard.ended).toBe(false);
  expect(heard.usage).toMatchObject({ input: { fresh: 20 } });
});

for (const name of names) {
  sameHoweverCut(name, () => load(name), read);
}

test("a stream that is cut before message_stop has not ended and tells no finish", async () => {
  const bytes = await load("stream-tools");
  const heard = read([bytes.subarray(0, bytes.length - 60)]);
  expect(heard.ended).toBe(false);
  expect(heard.steps.some((step) => step.type === "finish")).toBe(false);
});

test("CRLF, comments, a BOM, [DONE] and a last event without its blank line are read", () => {
  const text =
    '\uFEFF: hello\r\n\r\nevent: x\r\ndata: {"type":"content_block_delta","index":0,\r\ndata: "delta":{"type":"text_delta","text":"é"}}\r\n\r\ndata: [DONE]\r\n\r\ndata: {"type":"message_stop"}';
  const heard = read(byteByByte(encode(text)));
  expect(heard.steps.map((step) => step.type)).toEqual(["text", "finish"]);
  expect(heard.ended).toBe(true);
});

test("an event that is not JSON fails without quoting it", () => {
  for (const garbage of ["<html>secret</html>", '"secret"', "[1]"]) {
    const { failure } = read([encode(`data: ${garbage}\n\n`)]);
    expect(failure).toBe("UpstreamStreamError: The provider sent an event that is not JSON");
  }
});

test("a compatible front may give a call's whole input at its start", () => {
  const heard = read([
    sse(
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "tool_use", id: "t", name: "f", input: { a: 1 } },
      },
      { type: "content_block_stop", index: 0 },
    ),
  ]);
  expect(heard.steps[1]).toEqual({ type: "tool_arguments", choice: 0, index: 0, text: '{"a":1}' });
});

test("calls make the finish tool_calls even when the provider says end_turn", () => {
  const heard = read([
    sse(
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "tool_use", id: "t", name: "f", input: {} },
      },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" } },
      { type: "message_stop" },
    ),
  ]);
  expect(heard.steps.at(-1)).toMatchObject({ finish: "tool_calls", nativeFinish: "end_turn" });
  expect(heard.usage).toBeUndefined();
});

test("a refusal streams its explanation and ends as content_filter", () => {
  const delta = {
    stop_reason: "refusal",
    stop_details: { type: "refusal", category: "cyber", explanation: "No." },
  };
  const heard = read([sse({ type: "message_delta", delta }, { type: "message_stop" })]);
  expect(heard.steps).toEqual([
    { type: "refusal", choice: 0, text: "No." },
    { type: "finish", choice: 0, finish: "content_filter", nativeFinish: "refusal" },
  ]);
});

test("pages of the web that a text leans on are told at its end, with their place in all text", () => {
  const found = { type: "web_search_result_location", url: "https://a/1", title: "A" };
  const own = { type: "char_location", document_index: 0, cited_text: "x" };
  const say = (index: number, text: string, ...citations: JsonObject[]) => [
    { type: "content_block_start", index, content_block: { type: "text", text: "" } },
    ...citations.map((citation) => ({
      ...{ type: "content_block_delta", index },
      delta: { type: "citations_delta", citation },
    })),
    { type: "content_block_delta", index, delta: { type: "text_delta", text } },
    { type: "content_block_stop", index },
  ];
  const heard = read([
    sse(...say(0, "So. "), ...say(1, "Wet.", found, own), { type: "message_stop" }),
  ]);
  expect(heard.steps.slice(1, -1)).toEqual([
    { type: "text", choice: 0, text: "Wet." },
    {
      ...{ type: "text" as const, choice: 0, text: "" },
      citations: [{ url: "https://a/1", title: "A", start: 4, end: 8 }],
    },
  ]);
});

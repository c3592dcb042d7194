import { expect, test } from "bun:test";
import fc from "fast-check";
import { anthropicSplice } from "#src/dialect/anthropic/anthropic-client.ts";
import { encode } from "#src/lib/bytes.ts";
import { assembled, eventsOf } from "#test/dialect/anthropic/anthropic-official.ts";
import { block, headOf, relayed, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { byteByByte, cut, fixture } from "#test/dialect/upstream-kit.ts";

const load = (name: string) => fixture(`anthropic-messages/${name}.sse`);
const relay = () => anthropicSplice.relayStream(headOf({ completionId: "msg_1" }));
const names = ["stream-answer", "stream-tools", "stream-odd", "stream-error"];

test.each(names)("%s is relayed the same whole, byte by byte and cut anywhere", async (name) => {
  const bytes = await load(name);
  const whole = relay();
  const expected = relayed(whole, [bytes]);
  const single = relay();
  expect(relayed(single, byteByByte(bytes))).toEqual(expected);
  expect([single.id, single.usage, single.ended, single.outputBytes]).toEqual([
    whole.id,
    whole.usage,
    whole.ended,
    whole.outputBytes,
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length)), (places) => {
      expect(relayed(relay(), cut(bytes, places))).toEqual(expected);
    }),
    { numRuns: 50 },
  );
  const crlf = encode(decode(bytes).replaceAll("\n", "\r\n"));
  expect(relayed(relay(), [crlf])).toEqual(expected);
});

test("only id and model change; the terminal event waits for the block", async () => {
  const text = decode(await load("stream-tools"));
  const flow = relay();
  const out = relayed(flow, [encode(text)]);
  const [before = ""] = text.split("event: message_stop");
  expect(out.text).toBe(
    before.replace('"msg_02B"', '"msg_1"').replace('"claude-x"', '"openai/gpt-x"'),
  );
  expect([flow.id, flow.ended, out.failure]).toEqual(["msg_02B", true, undefined]);
  expect(flow.usage).toMatchObject({
    input: { fresh: 120, cacheRead: 7 },
    output: { visible: 22, reasoning: 9 },
  });
  expect(flow.end(summaryOf())).toBe(
    `event: message_stop\ndata: {"type":"message_stop","lowrouter":${JSON.stringify(block)}}\n\n`,
  );
});

test("members, events and words that nobody knows stay as they came", async () => {
  const text = decode(await load("stream-odd"));
  const flow = relay();
  const out = relayed(flow, [encode(text)]);
  const [before = ""] = text.split("event: message_stop");
  expect(out.text).toBe(
    before
      .replace(": a comment\n\n", "")
      .replace('"msg_02C"', '"msg_1"')
      .replace('"claude-x"', '"openai/gpt-x"')
      // Official clients skip an event without a name.
      .replace(
        'data: {"type":"content_block_start","index":1',
        (data) => `event: content_block_start\n${data}`,
      ),
  );
  expect(flow.usage).toMatchObject({ input: { fresh: 20, cacheRead: 5 }, output: { visible: 31 } });
  expect(flow.usage?.raw).toMatchObject({
    service_tier: "élan",
    server_tool_use: { web_search_requests: 1 },
  });
  expect(flow.outputBytes).toBe(encode('{"model":"fake"} voilà 🌦!').length);
  const end = flow.end(summaryOf());
  expect(end).toContain('"kept": 12345678901234567890,"lowrouter":{');
  expect(eventsOf(end)).toMatchObject([{ type: "message_stop", lowrouter: block }]);
});

test("the official accumulator makes the same of a relayed stream as of the upstream's own", async () => {
  for (const name of ["stream-answer", "stream-tools"]) {
    const bytes = await load(name);
    const flow = relay();
    const { text } = relayed(flow, byteByByte(bytes));
    const ours = await assembled(text + flow.end(summaryOf()));
    const theirs = await assembled(decode(bytes));
    expect(JSON.stringify(ours)).toBe(
      JSON.stringify({ ...theirs, id: "msg_1", model: "openai/gpt-x" }),
    );
  }
});

test("a stream without its terminal event has not ended, and a last blank line may be missing", async () => {
  const text = decode(await load("stream-tools"));
  const cutOff = relay();
  relayed(cutOff, [encode(text.slice(0, text.indexOf("event: message_stop")))]);
  expect(cutOff.ended).toBe(false);
  const bare = relay();
  relayed(bare, [encode(text.trimEnd())]);
  expect(bare.ended).toBe(true);
});

test("nothing passes after the terminal event, a second one or an error neither", async () => {
  const text = decode(await load("stream-tools"));
  const flow = relay();
  const out = relayed(flow, [encode(`${text}event: error\ndata: {"type":"error"}\n\n${text}`)]);
  expect(out.failure).toBeUndefined();
  expect(out.text.split("message_start")).toHaveLength(3);
});

const deep = `${"[".repeat(300)}${"]".repeat(300)}`;
const start = 'event: message_start\ndata: {"type":"message_start","message":{"id":"a"}}\n\n';

test.each([
  'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"secret"}}\n\n',
  'event: error\ndata: {"secret":1}\n\n',
  'data: {"error":{"message":"secret"}}\n\n',
  "data: <html>secret</html>\n\n",
  "data: [1]\n\n",
  `event: message_start\ndata: {"type":"message_start","message":{"x":${deep}}}\n\n`,
  `event: message_stop\ndata: {"type":"message_stop","x":${deep}}\n\n`,
])("what was good is delivered, then %s throws and quotes nothing", (bad) => {
  for (const chunks of [[encode(start + bad)], byteByByte(encode(start + bad))]) {
    const out = relayed(relay(), chunks);
    expect(out.text).toContain("message_start");
    expect(out.failure).toStartWith("UpstreamStreamError");
    expect(out.failure).not.toContain("secret");
  }
});

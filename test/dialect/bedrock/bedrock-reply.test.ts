import { expect, test } from "bun:test";
import { bedrockUpstream } from "#src/dialect/bedrock/bedrock-converse.ts";
import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { fixture, targetOf } from "#test/dialect/upstream-kit.ts";

const carry = { "bedrock-converse": {} };
const read = (value: JsonObject) => bedrockUpstream.readReply(encode(JSON.stringify(value)));
const message = (...content: JsonObject[]) => ({
  output: { message: { role: "assistant", content } },
  stopReason: "end_turn",
});

test("an answer of reasoning, text and calls is read; big integers in arguments survive", async () => {
  const { reply, usage } = bedrockUpstream.readReply(await fixture("bedrock-converse/reply.json"));
  expect(reply).toEqual({
    choices: [
      {
        index: 0,
        parts: [
          { type: "reasoning", text: "Look it up.", signature: "c2lnbmVk", carry },
          { type: "reasoning", text: "", redacted: "b3BhcXVl", carry },
          { type: "text", text: "Let me look." },
          {
            type: "tool_call",
            id: "tooluse_1",
            name: "weather",
            arguments: '{"station":12345678901234567890}',
          },
          { type: "tool_call", id: "tooluse_2", name: "clock", arguments: "{}" },
        ],
        finish: "tool_calls",
        nativeFinish: "tool_use",
      },
    ],
  });
  expect(usage).toMatchObject({
    input: { fresh: 120, cacheRead: 7, cacheWrite5m: 40, cacheWrite1h: 0 },
    output: { visible: 31, reasoning: 0 },
    raw: { totalTokens: 198 },
  });
});

test("the stand-in tool's input is the text, other text goes, and the finish is stop", () => {
  const answer = { name: "lowrouter_json_answer", toolUseId: "t", input: { a: 1 } };
  const { reply } = read({
    ...message({ text: "Here:" }, { toolUse: answer }),
    stopReason: "tool_use",
  });
  expect(reply.choices[0]).toMatchObject({
    parts: [{ type: "text", text: '{"a":1}' }],
    finish: "stop",
  });
});

test("a body that is no message is refused without quoting it", () => {
  for (const body of ["secret", "[]", '{"message":"secret"}', '{"output":{"message":{}}}']) {
    const call = () => bedrockUpstream.readReply(encode(body));
    expect(call).toThrow(/^The provider answered with something that is/);
    expect(call).not.toThrow(/secret/);
  }
});

test("unknown blocks and empty texts are left out, and an answer without usage has none", () => {
  const { reply, usage } = read(message({ video: {} }, { text: "" }, { text: "Hi" }));
  expect(reply.choices[0]?.parts).toEqual([{ type: "text", text: "Hi" }]);
  expect(usage).toBeUndefined();
});

test("an error is its message, whichever letter it begins with, and its type where it is told", async () => {
  const told = bedrockUpstream.readError(400, await fixture("bedrock-converse/error.json"));
  expect(told).toEqual({
    status: 400,
    message: "1 validation error detected: Value at 'modelId' failed to satisfy constraint",
  });
  const front = { Message: "Denied", __type: "com.amazon.coral.service#AccessDeniedException" };
  expect(bedrockUpstream.readError(403, encode(JSON.stringify(front)))).toEqual({
    status: 403,
    message: "Denied",
    type: "AccessDeniedException",
  });
  const long = encode('{"message":"Input is too long for requested model."}');
  expect(bedrockUpstream.readError(400, long).code).toBe("context_length_exceeded");
  expect(bedrockUpstream.readError(503, encode("<html>"))).toMatchObject({ message: "<html>" });
});

test("the gateway is asked to fetch what a client gives by address", () => {
  const picture = { kind: "image" as const, url: "https://a.example/b.png" };
  expect(bedrockUpstream.needsBytes?.(picture, targetOf())).toBe(true);
});

test("an ending that every object knows as a member is an ending that nobody knows", () => {
  const { reply } = read({ ...message({ text: "Hi" }), stopReason: "constructor" });
  expect(reply.choices[0]?.finish).toBe("stop");
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseExact } from "#src/dialect/exact-json.ts";
import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import { encode } from "#src/lib/bytes.ts";
import { decode } from "#test/dialect/payload.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { eco, summary } from "#test/dialect/openai/openai-official.ts";
import { targetOf } from "#test/dialect/upstream-kit.ts";

const url = "http://gateway/v1/chat/completions";

function objectOf(text: string): JsonObject {
  const value = parseExact(text);
  if (!isObject(value)) throw new Error("this is no object");
  return value;
}

const sorted = (object: JsonObject) =>
  JSON.stringify(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));

const requestMembers = [
  ' "temperature": 1.0',
  '"seed":7',
  '"x_big" : 12345678901234567890',
  '"x_float":1.0e-7',
  '"route":{"region":"eu-west"}',
  '"provider" :{"only":["openai"]} ',
  '"models":["a/b"]',
  '"plugins":[]',
  '"sub":{"model":"inner","route":1,"stream_options":{}}',
  '"text":"\\"model\\":\\"x\\", {[ é🌦"',
  '"max_tokens":5',
];
const streaming = fc.constantFrom(
  [],
  ['"stream":false'],
  ['"stream":true'],
  ['"stream":true', '"stream_options":null'],
  ['"stream":true', '"stream_options":{ }'],
  ['"stream":true', '"stream_options" : {"include_usage":false, "x":98765432109876543210}'],
  ['"stream":true', '"stream_options":{"x":{"include_usage":false},"include_usage":true}'],
);
const model = fc.constantFrom('"model":"openai/gpt-4o-mini"', '"mod\\u0065l" : "auto"', "");

/** A chat request as text: members in any order, with any spacing. */
const requests = fc
  .tuple(fc.subarray(requestMembers), streaming, model, fc.constantFrom(",", " , ", ",\n\t"))
  .chain(([members, stream, named, comma]) => {
    const messages = '"messages":[{"role":"user","content":"Hi","x":11111111111111111111}]';
    const all = [messages, ...members, ...stream, named].filter((member) => member !== "");
    return fc
      .shuffledSubarray(all, { minLength: all.length })
      .map((order) => `{${order.join(comma)}}`);
  });

test("retarget() changes the model, the routing and the wish for usage, and no other value of any request", () => {
  fc.assert(
    fc.property(requests, fc.boolean(), (text, override) => {
      const body = encode(text);
      const ask = openaiChatClient.peek(body, url);
      const overrides = override ? { service_tier: "flex", sub: { model: "put" } } : undefined;
      const target = targetOf({ model: "up/ström", overrides });
      const request = openaiChatSplice.retarget(body, ask, target);
      const { ...wanted } = objectOf(text);
      for (const name of ["route", "provider", "models", "plugins"]) delete wanted[name];
      wanted.model = "up/ström";
      if (wanted.stream === true) {
        const options = isObject(wanted.stream_options) ? wanted.stream_options : {};
        wanted.stream_options = { ...options, include_usage: true };
      }
      if (override) {
        wanted.service_tier = "flex";
        wanted.sub = { ...(isObject(wanted.sub) ? wanted.sub : {}), model: "put" };
      }
      expect(sorted(objectOf(decode(request.body)))).toBe(sorted(wanted));
      expect(request.path).toBe("/chat/completions");
      expect(request.dropped).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("retarget() leaves a body that needs nothing byte for byte as it came", () => {
  const text = '{ "model" : "up" ,\n "messages":[{"role":"user","content":"\\u00e9"}], "x":1.0 }';
  const body = encode(text);
  const ask = openaiChatClient.peek(body, url);
  const request = openaiChatSplice.retarget(body, ask, targetOf({ model: "up" }));
  expect(decode(request.body)).toBe(text);
});

test("retarget() names what it took out for a model without sampling parameters", () => {
  const text =
    '{"model":"m","temperature":0.5,"top_p":0.5,"messages":[{"role":"user","content":"x"}]}';
  const body = encode(text);
  const ask = openaiChatClient.peek(body, url);
  const request = openaiChatSplice.retarget(body, ask, targetOf({ samplingParams: false }));
  expect(request.dropped.toSorted()).toEqual(["temperature", "top_p"]);
  const sent = objectOf(decode(request.body));
  expect(Object.keys(sent).toSorted()).toEqual(["messages", "model"]);
});

const usages = fc.constantFrom(
  '{"prompt_tokens":18,"completion_tokens":26,"total_tokens":44}',
  '{ "prompt_tokens":18 ,"x_big":12345678901234567890,"completion_tokens":26,"cost":"theirs"}',
  '{"prompt_tokens":18,"completion_tokens":26,"prompt_tokens_details":{"cached_tokens":5,"audio_tokens":3},"completion_tokens_details":null}',
);
const replyMembers = [
  '"object":"chat.completion"',
  '"created":5',
  '"system_fingerprint":"fp"',
  '"x_big" : 98765432109876543210',
  '"lowrouter":{"forged":true}',
  '"service_tier":"default"',
];
const ids = fc.constantFrom('"id":"up-1"', '"id":""', '"id":null', "");

test("attach() puts model, id, cost and block into any answer, and changes no other value", () => {
  const choices =
    '"choices":[{"index":0,"message":{"role":"assistant","content":"é \\"model\\":1"},"finish_reason":"stop"}]';
  const name = fc.constantFrom('"model":"up"', "");
  fc.assert(
    fc.property(fc.subarray(replyMembers), usages, ids, name, (members, told, id, named) => {
      const all = [...members, id, named, choices, `"usage" :${told}`];
      const text = `{ ${all.filter((member) => member !== "").join(", ")} }`;
      const body = encode(text);
      const metered = openaiChatSplice.meterReply(body);
      expect(metered.usage).toMatchObject({ input: { cacheWrite1h: 0 } });
      const total = metered.usage;
      if (total === undefined) throw new Error("usage was told");
      expect(total.input.fresh + total.input.cacheRead).toBe(18);
      expect(total.output).toEqual({ visible: 26, reasoning: 0 });
      expect(metered.id).toBe(id.includes("up-1") ? "up-1" : undefined);

      const summed = { ...summary, usage: total };
      const attached = objectOf(decode(metered.attach(summed)));
      const { usage: ours, ...rest } = attached;
      const { usage: theirs, ...before } = objectOf(text);
      const wanted: JsonObject = { ...before, model: summary.model, id: summary.completionId };
      const { lowrouter, ...others } = rest;
      const { lowrouter: _forged, ...wantedOthers } = wanted;
      expect(sorted(others)).toBe(sorted(wantedOthers));
      expect(lowrouter).toEqual({ ...summary.block, eco: { ...eco } });
      if (!isObject(ours) || !isObject(theirs)) throw new Error("usage is no object");
      expect(JSON.stringify(ours.x_big)).toBe(JSON.stringify(theirs.x_big));
      expect(ours).toMatchObject({
        prompt_tokens: 18,
        completion_tokens: 26,
        cost: 0.000132,
        is_byok: false,
        prompt_tokens_details: { cached_tokens: total.input.cacheRead },
        completion_tokens_details: { reasoning_tokens: 0 },
      });
    }),
    { numRuns: 300 },
  );
});

test.each([
  "",
  "<html>",
  "[]",
  "null",
  '{"choices":[]}',
  '{"choices":"x"}',
  '{"error":{"message":"secret"}}',
  '{"error":"secret","choices":[{}]}',
  '{"choices":[{"finish_reason":"error"}]}',
  '{"choices":[{"message":{"content":"secret',
])("meterReply() refuses %p, and quotes nothing of it", (text) => {
  let thrown: unknown;
  try {
    openaiChatSplice.meterReply(encode(text));
  } catch (failure) {
    thrown = failure;
  }
  expect(String(thrown)).toStartWith("UpstreamStreamError");
  expect(String(thrown)).not.toContain("secret");
});

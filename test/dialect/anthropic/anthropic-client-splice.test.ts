import { describe, expect, test } from "bun:test";
import { anthropicClient, anthropicSplice } from "#src/dialect/anthropic/anthropic-client.ts";
import { peekCount } from "#src/dialect/anthropic/anthropic-client-peek.ts";
import { retargetCount } from "#src/dialect/anthropic/anthropic-client-splice.ts";
import { UpstreamStreamError, type Target } from "#src/dialect/dialect.ts";
import { encode } from "#src/lib/bytes.ts";
import { block, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { fixture, targetOf } from "#test/dialect/upstream-kit.ts";

function retarget(text: string, changes: Partial<Target> = {}) {
  const body = encode(text);
  const ask = anthropicClient.peek(body, "http://gateway/v1/messages");
  const out = anthropicSplice.retarget(body, ask, targetOf(changes));
  return { ...out, text: decode(out.body) };
}
const rest = '"max_tokens":9,"messages":[{"role":"user","content":"é"}]';

describe("retarget()", () => {
  test("changes the model and nothing else", async () => {
    const text = decode(await fixture("anthropic-messages/request.json"));
    const out = retarget(text, { reasoning: { budget: {} } });
    expect(out.text).toBe(text.replace('"claude-sonnet-4-5"', '"model-x"'));
    expect([out.path, out.dropped]).toEqual(["/messages", []]);
  });

  test("takes out what is for the gateway", () => {
    const { text, dropped } = retarget(
      `{"provider":{"only":["anthropic"]},"model":"a", "route":"fallback", ${rest},"models":["b"],"plugins":[],"user":"u","lowrouter":1,"x":12345678901234567890}`,
    );
    expect(text).toBe(`{"model":"model-x", ${rest},"x":12345678901234567890}`);
    expect(dropped).toEqual([]);
  });

  test("adds the model where the choice was ours", () => {
    expect(retarget(`{${rest}}`).text).toBe(`{${rest},"model":"model-x"}`);
  });

  test("leaves sampling out for models that refuse it, and names what mattered", () => {
    const body = `{"model":"a","temperature":0.5,"top_p":1,"top_k":1,${rest}}`;
    const out = retarget(body, { samplingParams: false });
    expect(out.text).toBe(`{"model":"model-x",${rest}}`);
    expect(out.dropped).toEqual(["temperature", "top_k"]);
    expect(retarget(body).text).toContain('"temperature":0.5,"top_p":1,"top_k":1');
  });

  test("puts what the endpoint always takes, into an object that is there too", () => {
    const overrides = { inference_geo: "eu", metadata: { tag: "é" } };
    const { text } = retarget(`{"model":"a","metadata":{"user_id":"u"},${rest}}`, { overrides });
    expect(JSON.parse(text)).toMatchObject({
      inference_geo: "eu",
      metadata: { user_id: "u", tag: "é" },
    });
  });

  test("takes out thinking that no Claude signed, and what it leaves empty", () => {
    const thinking = '{"type":"thinking","thinking":"é","signature":""}';
    const kept = '{"type":"thinking", "thinking":"x","signature":"s"}';
    const { text } = retarget(
      `{"model":"a","max_tokens":9,"messages":[{"role":"user","content":"a"}, {"role":"assistant","content":[${thinking}, ${kept},${thinking},{"type":"text","text":"é"}]},{"role":"assistant","content":[${thinking}]}]}`,
    );
    expect(text).toBe(
      `{"model":"model-x","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[${kept},{"type":"text","text":"é"}]}]}`,
    );
  });
});

test("a question for the count has what is counted and nothing else", () => {
  const body = encode(
    `{"model":"a","stream":true,"temperature":1,"route":"fallback","system":"s","metadata":{},"tools":[],"thinking":{"type":"disabled"},"stop_sequences":["x"],"top_p":1,"service_tier":"auto",${rest}}`,
  );
  const target = targetOf({ overrides: { inference_geo: "eu" } });
  const out = retargetCount(body, peekCount(body), target);
  expect(out.path).toBe("/messages/count_tokens");
  expect(decode(out.body)).toBe(
    '{"model":"model-x","system":"s","tools":[],"thinking":{"type":"disabled"},"messages":[{"role":"user","content":"é"}]}',
  );
});

describe("meterReply()", () => {
  const { meterReply } = anthropicSplice;

  test("reads id and usage, and puts in no more than model, id and block", async () => {
    const body = await fixture("anthropic-messages/reply.json");
    const metered = meterReply(body);
    expect(metered.id).toBe("msg_01A");
    expect(metered.usage).toMatchObject({
      input: { fresh: 20, cacheRead: 400, cacheWrite5m: 10, cacheWrite1h: 20 },
      output: { visible: 20, reasoning: 11 },
    });
    const summary = summaryOf({ completionId: "msg_1", usage: metered.usage });
    const expected = decode(body)
      .replace('"msg_01A"', '"msg_1"')
      .replace('"claude-x"', '"openai/gpt-x"')
      .replace(/\n\}\n$/, `,"lowrouter":${JSON.stringify(block)}\n}\n`);
    expect(decode(metered.attach(summary))).toBe(expected);
  });

  test("bytes beyond ASCII stay, and our own count stands in for usage that never came", () => {
    const metered = meterReply(encode('{"id":"a","content":[{"type":"text","text":"é🌦"}]}'));
    expect(metered.usage).toBeUndefined();
    const text = decode(metered.attach(summaryOf({ completionId: "msg_1" })));
    expect(text).toContain('"text":"é🌦"');
    expect(JSON.parse(text)).toMatchObject({
      id: "msg_1",
      usage: { input_tokens: 12, output_tokens: 9 },
      lowrouter: block,
    });
  });

  test("throws on what is no answer, quoting none of it", async () => {
    const deep = `{"content":[],"x":${"[".repeat(300)}${"]".repeat(300)}}`;
    const error = decode(await fixture("anthropic-messages/error.json"));
    for (const text of [
      ...["", "secret", "[]", '{"id":"secret"}', deep, error],
      '{"type":"error","error":{"type":"secret error","message":"secret"}}',
      '{"error":{"message":"secret"},"content":[]}',
    ]) {
      expect(() => meterReply(encode(text))).toThrow(UpstreamStreamError);
      expect(() => meterReply(encode(text))).not.toThrow(/secret/);
    }
  });
});

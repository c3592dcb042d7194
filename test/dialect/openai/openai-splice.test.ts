import { describe, expect, test } from "bun:test";
import { type Summary, type Target, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { openaiChatClient, openaiChatSplice } from "#src/dialect/openai/openai-chat.ts";
import {
  openaiCompletionsClient,
  openaiCompletionsSplice,
} from "#src/dialect/openai/openai-completions.ts";
import { encode } from "#src/lib/bytes.ts";
import { decode } from "#test/dialect/payload.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { block, peeked, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { bodyOf, fixture, targetOf } from "#test/dialect/upstream-kit.ts";

const { meterReply } = openaiChatSplice;
const attach = (body: Uint8Array, summary: Summary) => meterReply(body).attach(summary);

function retargeted(body: JsonObject | string, changes: Partial<Target> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const ask = peeked(openaiChatClient, text);
  return openaiChatSplice.retarget(encode(text), ask, targetOf({ model: "up-1", ...changes }));
}
const hi = { messages: [{ role: "user", content: "Hi" }] };

describe("retarget()", () => {
  test("changes the model, removes the gateway's members, and leaves every other byte", () => {
    const text =
      '{ "model" : "openai/gpt-x",\n "route":{"region":"eu-west"}, "messages":[ {"role":"user","content":"\\u00e9 🌦 \\"model\\":1"} ],\n  "seed":12345678901234567890, "future":{"model":"keep", "x":1.0},"models":[],"provider":{},"plugins":[] ,"lowrouter":1}';
    const { path, body, dropped } = retargeted(text);
    expect(decode(body)).toBe(
      '{ "model" : "up-1", "messages":[ {"role":"user","content":"\\u00e9 🌦 \\"model\\":1"} ],\n  "seed":12345678901234567890, "future":{"model":"keep", "x":1.0}}',
    );
    expect([path, dropped]).toEqual(["/chat/completions", []]);
  });

  test("adds a model where the caller left the choice to us", () => {
    expect(bodyOf(retargeted(hi))).toEqual({ ...hi, model: "up-1" });
  });

  test("asks for usage in a stream, and keeps the other stream options", () => {
    const asked = retargeted({
      ...hi,
      stream: true,
      stream_options: { include_obfuscation: false },
    });
    expect(bodyOf(asked).stream_options).toEqual({
      include_obfuscation: false,
      include_usage: true,
    });
    for (const stream_options of [undefined, null, { include_usage: false }]) {
      const body = bodyOf(retargeted({ ...hi, stream: true, stream_options }));
      expect(body.stream_options).toEqual({ include_usage: true });
    }
    expect(bodyOf(retargeted(hi)).stream_options).toBeUndefined();
  });

  test("adds what the endpoint always takes, into an object that is there", () => {
    const overrides = { inference_geo: "us", metadata: { b: 2 } };
    const body = bodyOf(retargeted({ ...hi, metadata: { a: 1 } }, { overrides }));
    expect(body).toMatchObject({ inference_geo: "us", metadata: { a: 1, b: 2 } });
  });

  test("drops sampling by name where the model takes none", () => {
    const request = retargeted({ ...hi, temperature: 0.5, top_p: null }, { samplingParams: false });
    expect(bodyOf(request)).toEqual({ ...hi, model: "up-1" });
    expect(request.dropped).toEqual(["temperature"]);
  });

  test("names the output limit as the target does, and not otherwise", () => {
    const limited = { ...hi, max_tokens: 50 };
    expect(bodyOf(retargeted(limited)).max_tokens).toBe(50);
    const o = { provider: "openai", reasoning: {} };
    expect(bodyOf(retargeted(limited, o))).toEqual({
      ...hi,
      model: "up-1",
      max_completion_tokens: 50,
    });
    const both = { ...hi, max_tokens: 50, max_completion_tokens: 60 };
    expect(bodyOf(retargeted(both, o))).toEqual({
      ...hi,
      model: "up-1",
      max_completion_tokens: 60,
    });
    expect(bodyOf(retargeted(both, { provider: "mistral" }))).toEqual({
      ...hi,
      model: "up-1",
      max_tokens: 60,
    });
  });

  test("says reasoning in the target's word", () => {
    const wish = { ...hi, reasoning: { effort: "xhigh", exclude: true } };
    const clamped = retargeted(wish, { reasoning: { efforts: ["low", "high"] } });
    expect(bodyOf(clamped)).toEqual({ ...hi, model: "up-1", reasoning_effort: "high" });
    expect(clamped.dropped).toEqual(["reasoning.exclude"]);
    const kept = retargeted(wish, { provider: "openrouter", reasoning: {} });
    expect(bodyOf(kept).reasoning).toEqual(wish.reasoning);
  });

  test("a developer is a system where the provider knows no developer", () => {
    const messages = [{ role: "developer", content: "Be é." }, ...hi.messages];
    expect(bodyOf(retargeted({ messages }, { provider: "openai" })).messages).toEqual(messages);
    expect(bodyOf(retargeted({ messages })).messages).toEqual([
      { role: "system", content: "Be é." },
      ...hi.messages,
    ]);
  });

  test("text completions go to their own path", () => {
    const text = '{"model":"a/b","prompt":[1,2],"max_tokens":7}';
    const ask = peeked(openaiCompletionsClient, text);
    const request = openaiCompletionsSplice.retarget(encode(text), ask, targetOf({ model: "m" }));
    expect(request.path).toBe("/completions");
    expect(decode(request.body)).toBe('{"model":"m","prompt":[1,2],"max_tokens":7}');
  });
});

describe("attach()", () => {
  test("puts model, cost, missing details and block, and leaves every other byte", async () => {
    const body = await fixture("openai-chat/reply.json");
    const { id, usage } = meterReply(body);
    expect(id).toBe("chatcmpl-up1");
    expect(usage).toMatchObject({
      input: { fresh: 8, cacheRead: 4 },
      output: { visible: 6, reasoning: 3 },
    });
    const summary = summaryOf({ usage });
    const expected = decode(body)
      .replace('"gpt-x-2026-01-01"', '"openai/gpt-x"')
      .replace('"audio_tokens": 0}', '"audio_tokens": 0,"cache_write_tokens":0}')
      .replace(
        "12345678901234567890},",
        '12345678901234567890,"cost":0.000132,"is_byok":false,"cost_details":{"upstream_inference_cost":0.000132,"upstream_inference_prompt_cost":0.00003,"upstream_inference_completions_cost":0.000102}},',
      )
      .replace('"nested"}\n}', `"nested"},"lowrouter":${JSON.stringify(block)}\n}`);
    expect(decode(attach(body, summary))).toBe(expected);
  });

  test("a missing id is added, and a cost that is unknown is null", () => {
    const body = encode(
      '{"choices":[{"index":0,"message":{"content":"x"}}],"id":null,"usage":{"prompt_tokens":1,"cost":9}}',
    );
    const { usage } = meterReply(body);
    const told = JSON.parse(decode(attach(body, summaryOf({ usage, cost: undefined }))));
    expect(told).toMatchObject({
      id: "chatcmpl-up1",
      model: "openai/gpt-x",
      usage: { cost: null, prompt_tokens: 1 },
    });
  });

  test("our own count stands in for usage that never came", () => {
    const body = encode('{"id":"a","choices":[{"message":{"content":"x"}}],"usage":null}');
    expect(meterReply(body).usage).toBeUndefined();
    const told = JSON.parse(decode(attach(body, summaryOf())));
    expect(told.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 9, total_tokens: 21 });
  });

  test("a block that came from elsewhere is replaced", () => {
    const body = encode('{"lowrouter":{"fake":1},"id":"a","choices":[{}]}');
    expect(JSON.parse(decode(attach(body, summaryOf()))).lowrouter).toEqual(block);
  });
});

test("meterReply() throws on what is no answer, quoting none of it", () => {
  const deep = `{"id":"a","choices":[{}],"x":${"[".repeat(300)}${"]".repeat(300)}}`;
  for (const text of [
    "",
    "secret",
    "[]",
    '{"id":"a"}',
    '{"choices":[]}',
    '{"error":{"message":"secret","type":"overloaded"}}',
    '{"error":"secret","choices":[{}]}',
    '{"choices":[{"finish_reason":"error","message":{"content":"secret"}}]}',
    deep,
  ]) {
    expect(() => meterReply(encode(text))).toThrow(UpstreamStreamError);
    expect(() => meterReply(encode(text))).not.toThrow(/secret/);
  }
});

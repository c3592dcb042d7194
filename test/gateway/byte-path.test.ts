import { afterEach, beforeEach, expect, test } from "bun:test";
import { at, eventsOf, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let received: string;
let answer: { body: string; type: string };
beforeEach(async () => {
  upstream = scriptedUpstream(async (request) => {
    received = await request.text();
    return new Response(answer.body, { headers: { "content-type": answer.type } });
  });
  gateway = await startGateway({
    config: (config) => (config.providers.openai = { base_urls: { "us-east": upstream.url } }),
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

/** What a parser of numbers and a writer of JSON would change. */
const exact =
  '"big":98765432109876543210,"float":1.0,"huge":1e400,"text":"\\u00e9\\/","twice":{"a":-0}';
const usage = '"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}';

test("what nobody knows of a request reaches an OpenAI upstream byte for byte", async () => {
  answer = {
    type: "application/json",
    body: `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],${usage}}`,
  };
  const content = 'Grüße \\ud83d\\ude00 \\"quoted\\"';
  const reply = await gateway.ask("/v1/chat/completions", {
    body: `{ "tomorrow" : {${exact}}, "model":"openai/gpt-4o-mini","models":["openai/gpt-4o-mini"],"route":{"region":"us-east"},"provider":{"zdr":false},"messages":[{"role":"user","content":"${content}","later":[${exact.slice(6, 26)}]}]}`,
  });
  expect(reply.status).toBe(200);
  expect(received).toContain(`"tomorrow" : {${exact}}`);
  expect(received).toContain(`"content":"${content}"`);
  expect(at(JSON.parse(received), "model")).toBe("gpt-4o-mini");
  for (const own of ["route", "models", "provider"])
    expect(at(JSON.parse(received), own)).toBeUndefined();
});

test("what nobody knows of an answer reaches the client byte for byte", async () => {
  answer = {
    type: "application/json",
    body: `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m",${exact},"choices":[{"index":0,"message":{"role":"assistant","content":"Hi",${exact}},"finish_reason":"stop"}],${usage}}`,
  };
  const { text, json } = await gateway.chat();
  expect(text.split(exact)).toHaveLength(3);
  expect(at(json, "model")).toBe("openai/gpt-4o-mini");
  expect(at(json, "lowrouter.eco.methodology_version")).toBe("v0.4-2026-01");
});

test.each([{ asked: true }, { asked: false }])(
  "what nobody knows of an event reaches the client, and usage only who asked: $asked",
  async ({ asked }) => {
    const event = (choices: string, rest = "") =>
      `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[${choices}]${rest}}\n\n`;
    answer = {
      type: "text/event-stream",
      body: [
        event(`{"index":0,"delta":{"content":"Hi",${exact}},"finish_reason":null}`, `,${exact}`),
        event('{"index":0,"delta":{},"finish_reason":"stop"}'),
        event("", `,${usage}`),
        "data: [DONE]\n\n",
      ].join(""),
    };
    const { text } = await gateway.chat({
      stream: true,
      ...(asked ? { stream_options: { include_usage: true } } : {}),
    });
    expect(text.split(exact)).toHaveLength(3);
    expect(at(JSON.parse(received), "stream_options.include_usage")).toBe(true);
    const events = eventsOf(text);
    expect(events.some((one) => at(one, "usage.total_tokens") === 15)).toBe(asked);
    expect(at(events.at(-1), "object")).toBe("lowrouter.summary");
    expect(Object.keys(Object(events.at(-1)))).not.toContain("usage");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(new Set(events.map((one) => at(one, "id"))).size).toBe(1);
    expect(new Set(events.map((one) => at(one, "model")))).toEqual(new Set(["openai/gpt-4o-mini"]));
  },
);

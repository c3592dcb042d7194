import { afterEach, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream | undefined;
afterEach(async () => {
  await gateway.close();
  await upstream?.stop();
  upstream = undefined;
});

/** Bytes that no other part of the system makes. */
function newCanary(): string {
  return `canary${crypto.randomUUID().replaceAll("-", "")}`;
}

/** Files of the data folder and the log that hold the text. */
function leaks(text: string): string[] {
  const files = readdirSync(gateway.folder).filter((name) =>
    readFileSync(join(gateway.folder, name)).includes(text),
  );
  return gateway.logged().includes(text) ? [...files, "log"] : files;
}

const say = (content: string) => [{ role: "user", content }];

test.each(["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-2.5-flash"])(
  "a prompt to %s and its echo are in no file, log line or header, whole and streamed",
  async (model) => {
    const canary = newCanary();
    gateway = await startGateway();
    for (const stream of [false, true]) {
      const { text, headers } = await gateway.chat({
        model,
        stream,
        messages: say(`echo: ${canary}`),
      });
      expect(text).toContain(canary);
      expect(JSON.stringify([...headers])).not.toContain(canary);
    }
    await gateway.until(async () => (await gateway.rows()).length === 2);
    expect(leaks(canary)).toEqual([]);
    expect(leaks(gateway.accountId)).not.toEqual([]);
  },
);

/** Upstreams that quote the prompt back in what goes wrong. */
const scripts: [string, (canary: string) => Response][] = [
  [
    "a 400",
    (canary) =>
      Response.json({ error: { message: `bad ${canary}`, code: canary } }, { status: 400 }),
  ],
  ["a 429", (canary) => Response.json({ error: { message: canary } }, { status: 429 })],
  ["a 500", (canary) => Response.json({ error: { message: canary } }, { status: 500 })],
  [
    "text that is no JSON",
    (canary) => new Response(canary, { headers: { "content-type": "application/json" } }),
  ],
  ["a body cut in a word", (canary) => new Response(`{"id":"${canary}`)],
  [
    "usage that is no numbers",
    (canary) => Response.json({ choices: [], usage: { prompt_tokens: canary } }),
  ],
  [
    "a stream event that is no JSON",
    (canary) =>
      new Response(`data: ${canary}\n\n`, { headers: { "content-type": "text/event-stream" } }),
  ],
  [
    "an error event",
    (canary) =>
      new Response(`data: {"error":{"message":"${canary}"}}\n\n`, {
        headers: { "content-type": "text/event-stream" },
      }),
  ],
];

test.each(scripts)(
  "an upstream that fails with %s quoting the prompt leaks nothing",
  async (_, script) => {
    const canary = newCanary();
    const scripted = scriptedUpstream(() => script(canary));
    upstream = scripted;
    gateway = await startGateway({
      config: (config) => (config.providers.openai = { base_urls: { "us-east": scripted.url } }),
    });
    for (const stream of [false, true]) {
      const { headers } = await gateway.chat({ stream, messages: say(canary) });
      expect(JSON.stringify([...headers])).not.toContain(canary);
    }
    await gateway.until(() => true);
    expect(await gateway.rows()).toHaveLength(2);
    expect(leaks(canary)).toEqual([]);
  },
);

test("a usage record holds numbers, and no text that an upstream put beside them", async () => {
  const canary = newCanary();
  const scripted = scriptedUpstream(() =>
    Response.json({
      id: "chatcmpl-1",
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, note: canary },
    }),
  );
  upstream = scripted;
  gateway = await startGateway({
    config: (config) => (config.providers.openai = { base_urls: { "us-east": scripted.url } }),
  });
  expect((await gateway.chat()).status).toBe(200);
  await gateway.until(() => true);
  expect(leaks(canary)).toEqual([]);
});

test("a refused body is quoted neither in the log nor in the answer", async () => {
  const canary = newCanary();
  gateway = await startGateway();
  const bodies = [
    `{"model": "${canary}`,
    { messages: [{ role: canary, content: "x" }] },
    { messages: say(canary), temperature: 9 },
    { messages: [{ role: "user", content: [{ type: "text", text: 7, also: canary }] }] },
    `{"messages":[{"role":"user","content":"${canary}"}],}`,
  ];
  const texts = [];
  for (const body of bodies) texts.push(await gateway.ask("/v1/chat/completions", { body }));
  expect(texts.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
  expect(
    texts.filter((_, index) => index !== 1).filter(({ text }) => text.includes(canary)),
  ).toEqual([]);
  expect(leaks(canary)).toEqual([]);
});

test("a key is in no file and no log line, however it was carried", async () => {
  gateway = await startGateway();
  const { key } = gateway;
  for (const carrier of ["x-api-key", "x-goog-api-key", "x-other"])
    await gateway.ask(`/v1/key?key=${key}`, { key: null, headers: { [carrier]: key } });
  await gateway.chat();
  await gateway.ask(`/v1/nothing?key=${key}`, { key: null });
  const made = await gateway.manage("/api/v1/keys", { body: { name: "shown once" } });
  await gateway.chatAs(String(at(made.json, "key")));
  await gateway.until(() => true);
  expect(leaks(key)).toEqual([]);
  expect(leaks(String(at(made.json, "key")))).toEqual([]);
});

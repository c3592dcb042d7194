import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import { refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/* A provider that fails is left alone for longer each time; Retry-After tells how long it still is. */

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let status = 500;
let ahead = 0;
const clock: Clock = {
  now: () => systemClock.now() + ahead,
  monotonic: () => systemClock.monotonic() + ahead,
};
const model = "openai/gpt-4o-mini";
const messages = [{ role: "user", content: "Hello" }];

beforeEach(async () => {
  ahead = 0;
  upstream = scriptedUpstream(() => Response.json({ error: { message: "no" } }, { status }));
  gateway = await startGateway({
    clock,
    config(config) {
      config.providers = { openai: { base_urls: { "us-east": upstream.url } } };
    },
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

/** Lets its one place fail until it is left alone for a minute: the first probe failed. */
async function openTwice(): Promise<void> {
  for (let time = 0; time < 3; time++) await gateway.chat();
  ahead += 30_000;
  await gateway.chat();
}

test("a last resort that fails tells how long the place is still left alone, however long", async () => {
  status = 500;
  await openTwice();
  // After a second's rest it is probed, and is no better.
  ahead += 2000;
  const before = upstream.requests();
  const reply = await gateway.chat();
  expect(refusal(reply)).toEqual([503, "service_unavailable"]);
  expect(upstream.requests()).toBe(before + 1);
  const wait = Number(reply.headers.get("retry-after"));
  expect(wait).toBeGreaterThan(50);
  expect(wait).toBeLessThanOrEqual(58);
});

test.each<[string, object]>([
  ["/v1/chat/completions", { model, messages }],
  ["/v1/messages", { model, messages, max_tokens: 5 }],
  ["/v1/responses", { model, input: "Hello" }],
  [`/v1beta/models/${model}:generateContent`, { contents: [{ parts: [{ text: "Hello" }] }] }],
  ["/openai/v1/chat/completions", { model: "gpt-4o-mini", messages, max_tokens: 5 }],
  [
    "/v1/chat/completions",
    {
      model: "lowrouter/auto",
      messages,
      plugins: [{ id: "auto-router", allowed_models: [model] }],
    },
  ],
])("%s tells by Retry-After when a place that refuses us is asked again", async (path, body) => {
  // One that refuses our credential is no last resort: it is left alone for all of the time.
  status = 401;
  await openTwice();
  const reply = await gateway.ask(path, { body });
  expect(reply.status).toBe(503);
  const wait = Number(reply.headers.get("retry-after"));
  expect(wait).toBeGreaterThan(50);
  expect(wait).toBeLessThanOrEqual(60);
});

import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Config } from "#src/config/load.ts";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import type { Deadline } from "#src/lib/deadline.ts";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import {
  completion,
  scriptedUpstream,
  type ScriptedUpstream,
  silence,
} from "#test/lib/upstream.ts";

/*
 * What a request leaves behind: places at providers, timers, probes, holds. Whatever became of it, nothing.
 */

type Script = (request: Request) => Response | Promise<Response>;
const works: Script = () => completion("Hi");
const fails: Script = () => Response.json({ error: { message: "no" } }, { status: 500 });

let gateway: TestGateway;
let first: ScriptedUpstream;
let second: ScriptedUpstream;
let scripts: { first: Script; second: Script };
/** Milliseconds by which the gateway's clock is ahead. */
let ahead = 0;
const clock: Clock = {
  now: () => systemClock.now() + ahead,
  monotonic: () => systemClock.monotonic() + ahead,
};

beforeEach(() => {
  ahead = 0;
  scripts = { first: works, second: works };
  first = scriptedUpstream((request) => scripts.first(request));
  second = scriptedUpstream((request) => scripts.second(request));
});
afterEach(async () => {
  await gateway.close();
  await first.stop();
  await second.stop();
});

async function start(change: (config: Config) => void = () => {}): Promise<void> {
  gateway = await startGateway({
    clock,
    config(config) {
      config.providers = {
        openai: { base_urls: { "us-east": first.url, "eu-west": second.url }, max_in_flight: 20 },
      };
      change(config);
    },
  });
}
const body = { max_tokens: 20, provider: { order: ["openai/us-east", "openai/eu-west"] } };
const hello = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] };
async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 3000;
  while (!condition()) {
    if (performance.now() > end) throw new Error("The condition did not come to hold");
    await Bun.sleep(1);
  }
}

test.each(["chat", "proxy"])(
  "the total time holds for a place at a provider too: %s",
  async (way) => {
    await start((config) => {
      config.timeouts.totalMs = 200;
      config.timeouts.firstByteMs = 3000;
      config.providers.openai = { base_urls: { "us-east": first.url }, max_in_flight: 1 };
    });
    const seat = gateway.app.inFlight.take("openai");
    const began = performance.now();
    const reply =
      way === "chat"
        ? await gateway.chat()
        : await gateway.ask("/openai/v1/chat/completions", { body: hello });
    expect(performance.now() - began).toBeLessThan(1500);
    if (way === "chat") expect(at(reply.json, "error.metadata.timer")).toBe("total");
    else expect(refusal(reply)).toEqual([503, "service_unavailable"]);
    expect(gateway.app.inFlight.crowd("openai")).toMatchObject({ inFlight: 1, waiting: 0 });
    seat?.leave();
    expect(gateway.app.inFlight.crowd("openai").inFlight).toBe(0);
    // Settled once, and nothing charged.
    expect(await gateway.rows()).toMatchObject([{ status: "upstream_error", cost: 0 }]);
    expect(await gateway.imbalances()).toBe(0);
  },
);

test("a client that leaves while a credential's limit is asked for sends nothing any more", async () => {
  await start((config) => {
    const { secret } = config;
    config.secret = (name) => (name.startsWith("OPENAI_API_KEY") ? "sk" : secret(name));
    config.providers.openai = {
      base_urls: { "us-east": first.url },
      keys: [{ env: "OPENAI_API_KEY", rpm: 100 }],
    };
  });
  const { allowances } = gateway.app;
  const { reserve } = allowances;
  let isAsked = false;
  const go = Promise.withResolvers<void>();
  allowances.reserve = (demands) => {
    if (!demands.some(({ kind }) => kind === "provider_minute")) return reserve(demands);
    isAsked = true;
    return go.promise.then(() => reserve(demands));
  };
  const leave = new AbortController();
  const call = gateway.open({}, leave.signal).catch(() => undefined);
  await until(() => isAsked);
  leave.abort();
  await call;
  await Bun.sleep(20);
  go.resolve();
  await gateway.until(async () => (await gateway.rows()).length === 1);
  expect(first.requests()).toBe(0);
  expect(await gateway.rows()).toMatchObject([{ status: "client_cancelled", cost: 0 }]);
});

const clients: [string, (signal: AbortSignal) => Promise<unknown>][] = [
  ["chat", (signal) => gateway.open({}, signal)],
  ["stream", (signal) => gateway.open({ stream: true }, signal)],
  ["proxy", (signal) => gateway.ask("/openai/v1/chat/completions", { body: hello, signal })],
];
test.each(clients)(
  "a client that hangs up amid the probe lets another probe go at once: %s",
  async (_, probe) => {
    await start((config) => {
      config.providers.openai = { base_urls: { "us-east": first.url } };
    });
    scripts.first = fails;
    for (let time = 0; time < 3; time++) await gateway.chat();
    expect(refusal(await gateway.chat())[0]).toBe(503);
    ahead += 31_000;
    scripts.first = silence;
    const leave = new AbortController();
    const before = first.requests();
    const call = probe(leave.signal).catch(() => undefined);
    await until(() => first.requests() > before);
    // One at a time.
    expect(refusal(await gateway.chat())[0]).toBe(503);
    expect(first.requests()).toBe(before + 1);
    leave.abort();
    await call;
    await until(() => first.aborted() > 0);
    await gateway.until(() => true);
    scripts.first = works;
    expect((await gateway.chat()).status).toBe(200);
  },
);

test.each([{ stream: false }, { stream: true }])(
  "a probe that the total time ends lets another go at once, and makes nobody ill: proxy, streamed: $stream",
  async ({ stream }) => {
    await start((config) => {
      config.providers.openai = { base_urls: { "us-east": first.url } };
      config.timeouts.totalMs = 150;
    });
    scripts.first = fails;
    for (let time = 0; time < 3; time++) await gateway.chat();
    ahead += 31_000;
    scripts.first = silence;
    const asked = {
      body: { ...hello, stream, stream_options: stream ? { include_usage: true } : undefined },
    };
    expect((await gateway.ask("/openai/v1/chat/completions", asked)).status).toBe(504);
    scripts.first = works;
    expect((await gateway.chat()).status).toBe(200);
  },
);

test("one probe goes at a time for each model, and no model waits for another's", async () => {
  await start((config) => {
    config.providers.openai = { base_urls: { "us-east": first.url } };
  });
  const models = ["openai/gpt-4o-mini", "openai/gpt-4o", "openai/gpt-4.1-mini"];
  scripts.first = fails;
  for (const model of models) for (let time = 0; time < 3; time++) await gateway.chat({ model });
  ahead += 31_000;
  const seen: unknown[] = [];
  const go = Promise.withResolvers<void>();
  scripts.first = async (request) => {
    seen.push(at(await request.json(), "model"));
    await go.promise;
    return completion("Hi");
  };
  const calls = models.flatMap((model) =>
    Array.from({ length: 10 }, () => gateway.chat({ model, models: [model] })),
  );
  await until(() => seen.length === 3);
  const refused = await Promise.race([Promise.all(calls), Bun.sleep(100)]);
  expect(refused).toBeUndefined();
  expect(new Set(seen).size).toBe(3);
  go.resolve();
  const replies = await Promise.all(calls);
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(3);
  expect(replies.filter(({ status }) => status === 503)).toHaveLength(27);
});

test("two streams that begin in the same moment leave one place behind, not two", async () => {
  await start();
  const key = await gateway.mint({ hedge: true });
  for (let time = 0; time < 5; time++) await gateway.chatAs(key, body);
  const stream = () =>
    new Response(
      'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
      { headers: { "content-type": "text/event-stream" } },
    );
  let inside: (() => void)[] = [];
  const together: Script = () => new Promise((resolve) => inside.push(() => resolve(stream())));
  scripts = { first: together, second: together };
  for (let time = 0; time < 10; time++) {
    inside = [];
    const call = gateway.chatAs(key, { ...body, stream: true });
    await until(() => inside.length === 2);
    for (const answer of inside) answer();
    expect((await call).status).toBe(200);
  }
  await gateway.until(() => true);
  await until(() => gateway.app.inFlight.crowd("openai").inFlight === 0);
});

test("a hundred hedged requests at once spend no more than there is, and each its winner alone", async () => {
  await start((config) => {
    config.providers.openai = { base_urls: { "us-east": first.url, "eu-west": second.url } };
  });
  const warm = await gateway.mint({ hedge: true });
  for (let time = 0; time < 5; time++) await gateway.chatAs(warm, body);
  let turn = 0;
  const mixed: Script = async () => {
    await Bun.sleep([0, 20, 40][turn++ % 3] ?? 0);
    return turn % 7 === 0 ? fails(new Request("http://x")) : completion("Hi");
  };
  scripts = { first: mixed, second: mixed };
  const key = await gateway.mint({ hedge: true });
  const before = await gateway.balance();
  const rowsBefore = (await gateway.rows()).length;
  const replies = await Promise.all(Array.from({ length: 100 }, () => gateway.chatAs(key, body)));
  await gateway.until(() => true);
  const rows = (await gateway.rows()).slice(rowsBefore);
  const answered = replies.filter(({ status }) => status === 200);
  const each = Number(rows.find(({ status }) => status === "ok")?.["cost"]);
  expect(each).toBeGreaterThan(0);
  expect(rows).toHaveLength(100);
  expect(before - (await gateway.balance())).toBe(each * answered.length);
  expect(first.requests() + second.requests()).toBeGreaterThan(110);
  expect(await gateway.imbalances()).toBe(0);
});

test("whatever becomes of requests, no place, no timer and no open request is left", async () => {
  await start((config) => {
    config.timeouts.firstByteMs = 150;
    config.timeouts.idleMs = 150;
    config.timeouts.totalMs = 400;
    config.providers.openai = {
      base_urls: { "us-east": first.url, "eu-west": second.url },
      max_in_flight: 3,
    };
  });
  // Every deadline that is set has to be cancelled, or to strike.
  const alive = new Set<Deadline>();
  const { deadlines } = gateway.app;
  const { after } = deadlines;
  deadlines.after = (milliseconds, expire) => {
    const deadline = after(milliseconds, () => {
      alive.delete(told);
      expire();
    });
    const told: Deadline = {
      extend: () => deadline.extend(),
      cancel() {
        alive.delete(told);
        deadline.cancel();
      },
    };
    if (milliseconds > 0) alive.add(told);
    return told;
  };
  let state = 7;
  const drawn = (many: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor(((state >>> 8) / 2 ** 24) * many);
  };
  const piece =
    'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n';
  const opened = (text: string, ends: boolean) =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(text));
          if (ends) controller.close();
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  const faults: Script[] = [
    works,
    works,
    fails,
    silence,
    () => opened(`${piece}data: [DONE]\n\n`, true),
    () => opened(`${piece}data: [DONE]\n\n`, false),
    () => opened(piece, true),
    () => opened(piece, false),
    () => new Response("<html>", { headers: { "content-type": "text/html" } }),
    () =>
      Response.json({ error: { message: "no" } }, { status: 429, headers: { "retry-after": "0" } }),
    () => Response.json({ error: { message: "no" } }, { status: 400 }),
    async () => {
      await Bun.sleep(40);
      return completion("Hi");
    },
  ];
  const any: Script = (request) => (faults[drawn(faults.length)] ?? works)(request);
  scripts = { first: any, second: any };
  const keys = [await gateway.mint({ hedge: true }), await gateway.mint({})];
  for (let round = 0; round < 12; round++) {
    // Circuits are not what is looked for.
    ahead += 700_000;
    const calls = Array.from({ length: 20 }, async () => {
      const key = keys[drawn(2)] ?? "";
      const leave = new AbortController();
      if (drawn(4) === 0) setTimeout(() => leave.abort(), drawn(60));
      const stream = drawn(2) === 0;
      const path = drawn(4) === 0 ? "/openai/v1/chat/completions" : "/v1/chat/completions";
      const include = stream ? { stream_options: { include_usage: true } } : {};
      const asked = path.startsWith("/openai") ? { ...hello } : { ...hello, ...body };
      const request = { key, body: { ...asked, stream, ...include }, signal: leave.signal };
      await gateway.ask(path, request).catch(() => undefined);
    });
    await Promise.all(calls);
  }
  await gateway.until(() => true);
  const crowd = gateway.app.inFlight.crowd("openai");
  await until(() => crowd.inFlight === 0 && alive.size === 0);
  expect(crowd).toMatchObject({ inFlight: 0, waiting: 0 });
  expect(gateway.app.open.size).toBe(0);
  expect(await gateway.imbalances()).toBe(0);
  expect((await gateway.rows()).length).toBeGreaterThan(100);
}, 30_000);

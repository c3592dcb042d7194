import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Config } from "#src/config/load.ts";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/*
 * The cap of one provider. Its upstream answers when it is told, so that the tests decide what is in flight.
 */

let gateway: TestGateway;
let narrow: ScriptedUpstream;
let other: ScriptedUpstream;
let inside: (() => void)[];
let busiest: number;
let isStreaming: boolean;
const begun =
  'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n';
beforeEach(async () => {
  isStreaming = false;
  inside = [];
  busiest = 0;
  narrow = scriptedUpstream(
    (request) =>
      new Promise((resolve, reject) => {
        if (isStreaming) {
          const start = (controller: ReadableStreamDefaultController) =>
            controller.enqueue(new TextEncoder().encode(begun));
          const headers = { "content-type": "text/event-stream" };
          return resolve(new Response(new ReadableStream({ start }), { headers }));
        }
        const leave = () => {
          inside = inside.filter((one) => one !== answer);
        };
        const answer = () => {
          leave();
          resolve(completion("Hi"));
        };
        inside.push(answer);
        busiest = Math.max(busiest, inside.length);
        request.signal.addEventListener("abort", () => {
          leave();
          reject(new Error("The client hung up"));
        });
      }),
  );
  other = scriptedUpstream(() => completion("Hi"));
  await start();
});
afterEach(async () => {
  await gateway.close();
  await narrow.stop();
  await other.stop();
});

async function start(change: (config: Config) => void = () => {}): Promise<void> {
  gateway = await startGateway({
    config(config) {
      config.providers = {
        openai: { base_urls: { "us-east": narrow.url }, max_in_flight: 2 },
        mistral: { base_urls: { "eu-west": other.url } },
      };
      change(config);
    },
  });
}
const alone = { provider: { only: ["openai"] } };
const hello = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] };
const proxied = () => gateway.ask("/openai/v1/chat/completions", { body: hello });
const crowd = async () => {
  const { json } = await gateway.ask("/v1/providers");
  return at(
    listAt(json, "data").find((one) => at(one, "id") === "openai"),
    "in_flight",
  );
};
const until = (condition: () => boolean | Promise<boolean>) => reach(condition);
async function reach(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 3000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error("The condition did not come to hold");
    await Bun.sleep(1);
  }
}
const waiting = async (many: number) => until(async () => at(await crowd(), "waiting") === many);

test("no more than its cap are at a provider; the others wait their turn, and all are served", async () => {
  const calls = Array.from({ length: 6 }, (_, index) =>
    index % 2 === 0 ? gateway.chat(alone) : proxied(),
  );
  await waiting(4);
  expect(await crowd()).toMatchObject({ now: 2, limit: 2, waiting: 4, waited: 4, refused: 0 });
  for (let left = 6; left > 0; left--) {
    await until(() => inside.length > 0);
    inside[0]?.();
  }
  expect((await Promise.all(calls)).map((reply) => reply.status)).toEqual(Array(6).fill(200));
  expect(busiest).toBe(2);
  expect(await crowd()).toMatchObject({ now: 0, waiting: 0 });
});

test("a full provider is passed over where another can serve, and the trace says so", async () => {
  const first = [gateway.chat(alone), gateway.chat(alone)];
  await until(() => inside.length === 2);
  const reply = await gateway.chat({ models: ["mistral/mistral-small-3.2"] });
  expect([reply.status, at(reply.json, "lowrouter.provider")]).toEqual([200, "mistral"]);
  const id = String(at(reply.json, "lowrouter.generation_id"));
  const trace = listAt((await gateway.ask(`/v1/generation/${id}`)).json, "routing_trace");
  expect(trace.map((one) => at(one, "reason"))).toContain("provider_full");
  for (const answer of [...inside]) answer();
  await Promise.all(first);
});

test("one that waited says how long", async () => {
  const first = [gateway.chat(alone), gateway.chat(alone)];
  await until(() => inside.length === 2);
  const third = gateway.chat(alone);
  await waiting(1);
  for (const answer of [...inside]) answer();
  await until(() => inside.length === 1);
  inside[0]?.();
  const reply = await third;
  const id = String(at(reply.json, "lowrouter.generation_id"));
  const trace = listAt((await gateway.ask(`/v1/generation/${id}`)).json, "routing_trace");
  const waited = trace.find((one) => at(one, "reason") === "waited_for_place");
  expect(Number(at(waited, "ms"))).toBeGreaterThanOrEqual(0);
  await Promise.all(first);
});

test.each(["chat", "proxy"])(
  "a wait as long as for a first byte ends in 503 with Retry-After, and charges nothing: %s",
  async (route) => {
    await gateway.close();
    await start((config) => (config.timeouts.firstByteMs = 150));
    // Streams that have begun keep their places for longer than a first byte is waited for.
    isStreaming = true;
    const leave = new AbortController();
    const held = [
      await gateway.open({ ...alone, stream: true }, leave.signal),
      await gateway.open({ ...alone, stream: true }, leave.signal),
    ];
    const reply = await (route === "chat" ? gateway.chat(alone) : proxied());
    expect(refusal(reply)).toEqual([503, "service_unavailable"]);
    expect(reply.headers.get("retry-after")).toBe("1");
    expect(reply.text).toContain("max_in_flight");
    expect(await crowd()).toMatchObject({ now: 2, waiting: 0, refused: 1 });
    // An answer that nobody holds would be collected, and its connection closed.
    expect(held.map(({ status }) => status)).toEqual([200, 200]);
    leave.abort();
    await until(async () => at(await crowd(), "now") === 0);
    await gateway.until(() => true);
    const row = (await gateway.rows()).find(({ status }) => status === "upstream_error");
    expect(row).toMatchObject({ cost: 0 });
  },
);

test.each([{ stream: false }, { stream: true }])(
  "clients that hang up give their place and their turn back, streamed: $stream",
  async ({ stream }) => {
    const leaves = Array.from({ length: 4 }, () => new AbortController());
    const calls = leaves.map((leave, index) =>
      (index % 2 === 0
        ? gateway.open({ ...alone, stream }, leave.signal)
        : gateway
            .ask("/openai/v1/chat/completions", {
              body: { ...hello, stream },
              signal: leave.signal,
            })
            .then(() => new Response())
      ).catch(() => undefined),
    );
    await waiting(2);
    for (const leave of leaves) leave.abort();
    await Promise.all(calls);
    await until(async () => at(await crowd(), "now") === 0);
    expect(await crowd()).toMatchObject({ now: 0, waiting: 0, refused: 0 });
    // One that was let in just before its client's leaving was noticed may still stand at the upstream.
    let isServed = false;
    const after = gateway.chat(alone).finally(() => (isServed = true));
    await until(() => {
      for (const answer of [...inside]) answer();
      return isServed;
    });
    expect((await after).status).toBe(200);
    await gateway.until(() => true);
    const states = (await gateway.rows()).map((row) => row.status);
    expect(states.filter((status) => status === "client_cancelled")).toHaveLength(4);
  },
);

test("failures of every kind give the place back", async () => {
  await gateway.close();
  const kinds: (() => Response)[] = [
    () => Response.json({ error: { message: "no" } }, { status: 400 }),
    () => Response.json({ error: { message: "no" } }, { status: 500 }),
    () => new Response("<html>"),
    () => new Response("data: {}\n\n", { headers: { "content-type": "text/event-stream" } }),
    () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/" } }),
  ];
  let kind = kinds[0] ?? (() => new Response());
  const broken = scriptedUpstream(() => kind());
  await start((config) => {
    config.providers.openai = { base_urls: { "us-east": broken.url }, max_in_flight: 2 };
  });
  for (const next of kinds) {
    kind = next;
    await Promise.all([gateway.chat(alone), gateway.chat({ ...alone, stream: true })]);
    await proxied();
    await gateway.until(() => true);
    expect(await crowd()).toMatchObject({ now: 0, waiting: 0 });
  }
  await broken.stop();
});

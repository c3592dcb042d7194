import { afterEach, beforeEach, expect, test } from "bun:test";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import {
  completion,
  scriptedUpstream,
  type ScriptedUpstream,
  silence,
} from "#test/lib/upstream.ts";
import { millisecondsUntil } from "#test/lib/milliseconds-until.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let script: (request: Request) => Response | Promise<Response>;
beforeEach(async () => {
  script = silence;
  upstream = scriptedUpstream((request) => script(request));
  gateway = await startGateway({
    balance: 1,
    config: (config) => (config.providers.openai = { base_urls: { "us-east": upstream.url } }),
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

const event = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** Sends its first events, then nothing more. */
function stall(first: string) {
  return (request: Request) => {
    const stream = new ReadableStream({
      start(controller) {
        if (first !== "") controller.enqueue(new TextEncoder().encode(first));
        request.signal.addEventListener("abort", () => controller.error(new Error("gone")));
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  };
}

/** Milliseconds from hanging up to the upstream noticing it. */
async function untilAborted(leave: AbortController): Promise<number> {
  leave.abort();
  return millisecondsUntil(() => upstream.aborted() > 0);
}

async function expectOneCancelledRow() {
  await gateway.until(async () => (await gateway.rows()).length > 0);
  const rows = await gateway.rows();
  expect(rows.map((row) => row.status)).toEqual(["client_cancelled"]);
  expect(await gateway.imbalances()).toBe(0);
  return rows[0];
}

/** Nothing stays held: the refusal of a request beyond the balance names all of it as free. */
async function expectHoldsReleased() {
  const refused = await gateway.chat({ n: 128, max_tokens: 16_384 });
  expect([refused.status, at(refused.json, "error.metadata.free")]).toEqual([
    402,
    (await gateway.balance()) / 1e9,
  ]);
}

test("a client that leaves a whole answer stops the upstream within 100 ms, and pays nothing", async () => {
  const before = await gateway.balance();
  const leave = new AbortController();
  const call = gateway.open({}, leave.signal).catch(() => undefined);
  while (upstream.requests() === 0) await Bun.sleep(1);
  expect(await untilAborted(leave)).toBeLessThan(100);
  await call;
  expect(await expectOneCancelledRow()).toMatchObject({ cost: 0, carbon_g: null });
  expect(await gateway.balance()).toBe(before);
  await expectHoldsReleased();
});

test("a client that leaves a stream before its headers stops the upstream within 100 ms", async () => {
  const leave = new AbortController();
  const call = gateway.open({ stream: true }, leave.signal).catch(() => undefined);
  while (upstream.requests() === 0) await Bun.sleep(1);
  expect(await untilAborted(leave)).toBeLessThan(100);
  await call;
  expect(await expectOneCancelledRow()).toMatchObject({ cost: 0 });
  await expectHoldsReleased();
});

test("a client that leaves between headers and first token stops the upstream within 100 ms", async () => {
  script = stall("");
  const leave = new AbortController();
  const call = gateway.open({ stream: true }, leave.signal).then(
    (response) => response.text(),
    () => "",
  );
  while (upstream.requests() === 0) await Bun.sleep(1);
  await Bun.sleep(20); // The upstream's headers have to arrive; nothing tells when.
  expect(await untilAborted(leave)).toBeLessThan(100);
  await call.catch(() => "");
  expect(await expectOneCancelledRow()).toMatchObject({ cost: 0 });
  await expectHoldsReleased();
});

test("a client that leaves mid-stream pays for what it saw, once, and without eco", async () => {
  script = stall(event({ role: "assistant", content: "" }) + event({ content: "Some words " }));
  const before = await gateway.balance();
  const leave = new AbortController();
  const response = await gateway.open({ stream: true }, leave.signal);
  await response.body?.getReader().read();
  expect(await untilAborted(leave)).toBeLessThan(100);
  const row = await expectOneCancelledRow();
  expect(row).toMatchObject({ settlement: "estimated", carbon_g: null });
  expect(Number(row?.cost)).toBeGreaterThan(0);
  expect(await gateway.balance()).toBe(before - Number(row?.cost));
  await expectHoldsReleased();
});

test.each([{ stream: false }, { stream: true }])(
  "clients that leave at any moment, streamed: $stream, leave one row each and nothing held",
  async ({ stream }) => {
    script = () =>
      stream
        ? new Response(`${event({ content: "Some " })}${event({}, "stop")}data: [DONE]\n\n`, {
            headers: { "content-type": "text/event-stream" },
          })
        : completion("Some words");
    const key = await gateway.mint({ rateLimit: { maxInFlight: 1000 } });
    let sent = 0;
    for (let round = 0; round < 30; round++) {
      const calls = Array.from({ length: 10 }, async (_, index) => {
        const leave = new AbortController();
        sent++;
        const call = fetch(`${gateway.url}/v1/chat/completions`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}` },
          body: JSON.stringify({
            model: "openai/gpt-4o-mini",
            stream,
            messages: [{ role: "user", content: "Hello" }],
          }),
          signal: leave.signal,
        }).then((response) => response.text());
        setTimeout(() => leave.abort(), (round * 10 + index) / 40);
        await call.catch(() => "");
      });
      await Promise.all(calls);
    }
    await gateway.until(() => true);
    const rows = await gateway.rows();
    // One that left before its request was read never happened.
    expect(rows.length).toBeLessThanOrEqual(sent);
    expect(rows.length).toBeGreaterThanOrEqual(upstream.requests());
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
    expect(await gateway.imbalances()).toBe(0);
    await expectHoldsReleased();
    script = () => completion("Hi");
    const after = await gateway.chatAs(key);
    expect(after.headers.get("x-ratelimit-remaining")).toBe("1000");
  },
  20_000,
);

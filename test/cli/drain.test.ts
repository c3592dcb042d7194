import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { said } from "#src/web/docs/settings.ts";
import { until } from "#test/bin/executable.ts";
import { chat, chatBody, startOpenai } from "#test/bin/provider.ts";
import { endServing, type Serving, startServing } from "#test/lib/serving.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { openLine } from "#test/workers/client.ts";
import { customer } from "#test/workers/kit.ts";

const folder = temporaryFolder();
const upstream = startOpenai();
let secret: string;
beforeAll(async () => ({ secret } = await customer(folder.path)));
afterEach(endServing);
afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

const start = (drainSeconds: number) =>
  startServing({
    args: ["--data-dir", join(folder.path, "state")],
    env: { ...upstream.env, LOWROUTER_DRAIN_S: String(drainSeconds) },
  });

/** A stream that is under way, of so many milliseconds. */
async function stream({ url }: Serving, ms: number): Promise<Response> {
  const told = `simulate:perTokenMs=${ms / 50},answerTokens=50`;
  return chat(url, secret, told, { stream: true });
}

async function asksToEnd(serving: Serving): Promise<void> {
  serving.signal("SIGTERM");
  await until("it drains", () => serving.err().includes("draining"));
}

test("what comes on a kept connection while a stream ends is answered, as the last on it", async () => {
  const serving = await start(30);
  const kept = await openLine(serving.port, secret, "");
  if (kept === undefined) throw new Error("Nobody listens");
  expect((await kept.ask(chatBody("Hello"))).status).toBe(200);
  expect(kept.isOpen()).toBe(true);
  const slow = await stream(serving, 1500);
  await asksToEnd(serving);
  const last = await kept.ask(chatBody("Hello"));
  expect([last.status, kept.isOpen()]).toEqual([200, false]);
  expect((await fetch(`${serving.url}/readyz`)).status).toBe(503);
  expect(await slow.text()).toEndWith("data: [DONE]\n\n");
  expect(await serving.ended).toBe(0);
}, 30_000);

test("what comes in the second half of that time is a 503 that says so, and the stream ends whole", async () => {
  const serving = await start(4);
  const slow = await stream(serving, 3200);
  const whole = slow.text();
  await asksToEnd(serving);
  const statuses = new Set<number>();
  let last: Response;
  do {
    last = await chat(serving.url, secret);
    statuses.add(last.status);
    await last.text();
  } while (last.status === 200);
  expect([...statuses]).toEqual([200, 503]);
  expect(said["timeouts.leave_s"]?.about).toContain("for half of `timeouts.drain_s` at most");
  expect([last.headers.get("retry-after"), last.headers.get("connection")]).toEqual(["1", "close"]);
  expect(await whole).toEndWith("data: [DONE]\n\n");
  expect(await serving.ended).toBe(0);
}, 30_000);

test("with nothing under way it ends at once", async () => {
  const serving = await start(30);
  const from = performance.now();
  serving.signal("SIGTERM");
  expect(await serving.ended).toBe(0);
  expect(performance.now() - from).toBeLessThan(10_000);
}, 30_000);

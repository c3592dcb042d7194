import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { deleteKey } from "#src/account/keys.ts";
import { findGeneration } from "#src/ledger/generations.ts";
import { checkBalances } from "#src/ledger/transactions.ts";
import { systemClock } from "#src/lib/clock.ts";
import { numberIn } from "#src/store/store.ts";
import { command } from "#test/workers/command.ts";
import { chat, chatBody, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { askOn, askOnce, type Asked } from "#test/workers/client.ts";
import {
  customer,
  endFleets,
  type Fleet,
  isRunning,
  startFleet,
  storeIn,
  until,
} from "#test/workers/kit.ts";

const upstream = startOpenai();
const { env } = upstream;
afterEach(endFleets);
afterAll(() => upstream.stop());

/** Lets clients ask until something is done, half of them on connections that they keep. */
async function underLoad(
  { port }: Fleet,
  secret: string,
  work: () => Promise<void>,
  clients = 8,
): Promise<Asked[]> {
  let isOver = false;
  const asking = Array.from({ length: clients }, (_, index) =>
    askOn(port, secret, {
      kept: index % 2 === 0,
      isOver: () => isOver,
      body: (turn) => chatBody("Hello", { stream: turn % 2 === 0, max_tokens: 20 }),
    }),
  );
  try {
    await work();
  } finally {
    isOver = true;
  }
  return (await Promise.all(asking)).flat();
}

/** Every complete answer has its row, sums agree, every chain verifies. */
async function expectSound(folder: string, asked: readonly Asked[]): Promise<{ chains: number }> {
  const store = await storeIn(folder);
  try {
    const missing: string[] = [];
    for (const { id, status } of asked)
      if (status === 200 && (await findGeneration(store, undefined, id ?? "")) === undefined)
        missing.push(id ?? "no id");
    expect(missing).toEqual([]);
    expect(await checkBalances(store)).toEqual([]);
    const [row] = await store.read(
      "SELECT count(DISTINCT chain) AS chains FROM generation_record",
      [],
    );
    const audited = await command(folder, "audit", "verify", "--json");
    expect(JSON.parse(audited.out)).toMatchObject({ data: { ok: true } });
    return { chains: numberIn(row, "chains") ?? 0 };
  } finally {
    store.close();
  }
}

const notOk = (asked: readonly Asked[]) => asked.filter(({ status }) => status !== 200);

describe("serve --workers 4", () => {
  test("is four processes that all answer, on one ledger; SIGTERM ends them all with 0", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, { workers: 4, env });
    const workers = fleet.workers();
    expect(workers).toHaveLength(4);
    const asked = await Promise.all(Array.from({ length: 60 }, () => askOnce(fleet.port, secret)));
    expect(notOk(asked)).toEqual([]);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
    expect(workers.filter(isRunning)).toEqual([]);
    expect((await expectSound(folder.path, asked)).chains).toBe(4);
  }, 60_000);

  test("200 requests at once on credit for 10 are never more than 10 answers", async () => {
    using folder = temporaryFolder();
    const fleet = await startFleet(folder.path, { workers: 4, env });
    const one = await costOfOne(folder.path, fleet);
    const { secret } = await customer(folder.path, { credit: one * 10 });
    const asked = await Promise.all(
      Array.from({ length: 200 }, () => askOnce(fleet.port, secret, boundedBody)),
    );
    const answered = asked.filter(({ status }) => status === 200);
    expect(answered.length).toBeLessThanOrEqual(10);
    expect(answered.length).toBeGreaterThan(0);
    expect(asked.filter(({ status }) => status !== 200 && status !== 402)).toEqual([]);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
    await expectSound(folder.path, asked);
  }, 60_000);

  test("a rate of 20 a minute is 20, not 20 for each", async () => {
    using folder = temporaryFolder();
    const fleet = await startFleet(folder.path, { workers: 4, env });
    const { secret } = await customer(folder.path, { rateLimit: { requestsPerMinute: 20 } });
    // A minute that ends in between would bring twenty more.
    if (new Date().getUTCSeconds() > 50) await Bun.sleep(11_000);
    const asked = await Promise.all(Array.from({ length: 100 }, () => askOnce(fleet.port, secret)));
    expect(asked.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(asked.filter(({ status }) => status === 429)).toHaveLength(80);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
  }, 60_000);

  test("a revoked key is refused by all of them within two seconds", async () => {
    using folder = temporaryFolder();
    const { secret, hash } = await customer(folder.path);
    const fleet = await startFleet(folder.path, { workers: 4, env });
    const warm = await Promise.all(Array.from({ length: 40 }, () => askOnce(fleet.port, secret)));
    expect(notOk(warm)).toEqual([]);
    const store = await storeIn(folder.path);
    await deleteKey(store, systemClock, undefined, hash);
    store.close();
    await Bun.sleep(2000);
    const asked = await Promise.all(Array.from({ length: 60 }, () => askOnce(fleet.port, secret)));
    expect(asked.filter(({ status }) => status !== 401)).toEqual([]);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
  }, 60_000);

  test("a worker that is killed under load is started again, and the ledger is right", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path, { credit: 1000 });
    const fleet = await startFleet(folder.path, { workers: 4, env });
    const asked = await underLoad(fleet, secret, async () => {
      for (let round = 0; round < 3; round++) {
        const before = fleet.workers();
        const [victim = 0] = before;
        await Bun.sleep(150);
        process.kill(victim, "SIGKILL");
        await until("there are four again", () => {
          const now = fleet.workers().filter(isRunning);
          const again = fleet.err().split('"worker_restarted"').length - 1;
          return now.length === 4 && !now.includes(victim) && again === round + 1;
        });
      }
    });
    expect(asked.filter(({ status }) => status === 200).length).toBeGreaterThan(50);
    expect(asked.filter(({ status }) => status !== undefined && status !== 200)).toEqual([]);
    expect(fleet.err()).toContain('"worker_died"');
    expect(fleet.err()).toContain('"signal":"SIGKILL"');
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
    await expectSound(folder.path, asked);
  }, 90_000);

  test("SIGTERM under load cuts no answer that has begun", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, { workers: 4, env });
    const slow = Array.from({ length: 8 }, () =>
      askOnce(
        fleet.port,
        secret,
        chatBody("simulate:perTokenMs=30,answerTokens=30", { stream: true }),
      ),
    );
    await until("they are under way", () => upstream.stats.inFlight >= 8);
    const asked = await underLoad(fleet, secret, async () => {
      await Bun.sleep(300);
      fleet.signal("SIGTERM");
      expect(await fleet.ended).toBe(0);
    });
    const streams = await Promise.all(slow);
    expect(notOk(streams)).toEqual([]);
    // Who comes later is told so, or meets nobody; an answer that began is whole.
    const halves = asked.filter(({ cut }) => cut !== undefined && cut.includes("HTTP/1.1"));
    expect(halves).toEqual([]);
    expect(asked.filter(({ status }) => ![200, 503, undefined].includes(status))).toEqual([]);
    await expectSound(folder.path, [...streams, ...asked]);
  }, 60_000);

  test("a second SIGTERM does not wait", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, { workers: 2, env });
    const slow = chat(fleet.url, secret, "simulate:perTokenMs=100,answerTokens=200", {
      stream: true,
    })
      .then((response) => response.text())
      .catch(() => "cut");
    await until("it is under way", () => upstream.stats.inFlight > 0);
    fleet.signal("SIGTERM");
    await until("it drains", () => fleet.err().includes("draining"));
    const from = performance.now();
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
    expect(performance.now() - from).toBeLessThan(8000);
    await slow;
    await expectSound(folder.path, []);
  }, 60_000);

  test("one whose supervisor is killed drains and goes", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, { workers: 3, env });
    const workers = fleet.workers();
    const slow = askOnce(
      fleet.port,
      secret,
      chatBody("simulate:perTokenMs=20,answerTokens=30", { stream: true }),
    );
    await until("it is under way", () => upstream.stats.inFlight > 0);
    fleet.signal("SIGKILL");
    expect(await fleet.ended).toBeNull();
    expect((await slow).status).toBe(200);
    await until("nobody is left", () => !workers.some(isRunning));
    await expectSound(folder.path, [await slow]);
  }, 60_000);

  test("an address that is in use is found at the start", async () => {
    using folder = temporaryFolder();
    using other = temporaryFolder();
    const fleet = await startFleet(folder.path, { workers: 2, env });
    const second = await command(
      other.path,
      ...["serve", "--workers", "2", "--listen", `127.0.0.1:${fleet.port}`],
    );
    expect(second.code).toBe(1);
    expect(second.err).toContain("the address is in use");
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
  }, 60_000);

  test("what one worker is asked for metrics, all answer", async () => {
    using folder = temporaryFolder();
    const { secret } = await customer(folder.path);
    const fleet = await startFleet(folder.path, {
      workers: 3,
      env: { ...env, LOWROUTER_METRICS: "true" },
    });
    const asked = await Promise.all(Array.from({ length: 60 }, () => askOnce(fleet.port, secret)));
    expect(notOk(asked)).toEqual([]);
    const text = await (await fetch(`${fleet.url}/metrics`)).text();
    const counted = [
      ...text.matchAll(/^lowrouter_requests_total\{worker="(\d)",.*status="ok"\} (\d+)$/gm),
    ];
    expect(counted.map(([, worker]) => worker)).toEqual(["1", "2", "3"]);
    expect(counted.reduce((sum, [, , count]) => sum + Number(count), 0)).toBe(60);
    expect(text.match(/^# TYPE lowrouter_requests_total /gm)).toHaveLength(1);
    fleet.signal("SIGTERM");
    expect(await fleet.ended).toBe(0);
  }, 60_000);
});

const boundedBody = chatBody("Hello", { max_tokens: 20 });

/** What one request costs, in the currency; held amounts are what is bounded, so credit is counted in those. */
async function costOfOne(folder: string, fleet: Fleet): Promise<number> {
  const { secret } = await customer(folder, { name: "price" });
  const { id } = await askOnce(fleet.port, secret, boundedBody);
  const store = await storeIn(folder);
  const generation = await findGeneration(store, undefined, id ?? "");
  store.close();
  return Number(generation?.cost ?? 0) / 1e9;
}

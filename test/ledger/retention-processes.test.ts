import { expect, test } from "bun:test";
import { join } from "node:path";
import { headVerifier } from "#src/account/head-signer.ts";
import { auditLedger, isSound } from "#src/ledger/audit.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { checkIntegrity } from "#src/store/backup.ts";
import type { Store } from "#src/store/store.ts";
import { type Ask, dayMs, firstDay, type House, openHouse } from "./retention-kit.ts";
import { sampleGeneration } from "./sample.ts";

/** Fills a ledger with rows of five days, some hundred of them in each commit. */
async function fill({ store, clock, accounts, heads }: House, rows: number, chains: number) {
  const ledgers = Array.from({ length: chains }, (_, at) =>
    createLedger({ store, clock, processId: `prc_${at}` }),
  );
  for (let at = 0; at < rows; at += 200) {
    const size = Math.min(200, rows - at);
    const made = Array.from({ length: size }, (_, one) => ({
      ledger: ledgers[(at + one) % chains],
      generation: sampleGeneration({
        accountId: accounts[one % 2] ?? "",
        createdAt: firstDay + Math.floor(((at + one) / rows) * 5 * dayMs),
        rawUsage: "x".repeat(400),
      }),
    }));
    await Promise.all(
      made.map(({ ledger, generation }) => ledger?.record({ generation, movements: [] })),
    );
  }
  await heads.publish();
}

function remover(house: House, processId: string, now: number) {
  return Bun.spawn(
    [
      process.execPath,
      join(import.meta.dir, "remover.ts"),
      ...[house.path, house.dataDir, processId, String(now)],
    ],
    { stdout: "pipe", stderr: "inherit" },
  );
}

async function rowsIn(store: Store): Promise<number> {
  const [row] = await store.read("SELECT count(*) AS found FROM generation_record", []);
  return Number(row?.["found"]);
}

test("killed with -9 wherever it was, it has removed whole batches with what they came to, and the next one goes on", async () => {
  using house = await openHouse();
  await fill(house, 3000, 2);
  const money = await Promise.all(house.accounts.map(house.money));
  for (let round = 0; round < 4; round++) {
    // Whoever died has the lock for two minutes.
    const now = firstDay + 60 * dayMs + round * 600_000;
    const process = remover(house, `prc_${round}`, now);
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of process.stdout) {
      text += decoder.decode(bytes, { stream: true });
      if (text.split("\n").length > 3 + round) process.kill("SIGKILL");
    }
    await process.exited;
    expect(text).toStartWith("batch\n");
    expect(text).not.toContain("removed");
    const { removed } = await house.audit();
    expect(await house.findings()).toEqual([]);
    expect(removed.rows + (await rowsIn(house.store))).toBe(3000);
    expect(await Promise.all(house.accounts.map(house.money))).toEqual(money);
    await checkIntegrity(house.store);
  }
  house.clock.set(firstDay + 61 * dayMs);
  const left = await rowsIn(house.store);
  expect(left).toBeLessThan(2500);
  expect(await house.retention().run()).toBe(left);
  // What the killed ones removed is noted with it.
  expect(house.runs).toMatchObject([{ rows: 3000 }]);
  expect(await house.findings()).toEqual([]);
}, 60_000);

test("of processes that begin at once, one removes, and the others leave it to that one", async () => {
  using house = await openHouse();
  await fill(house, 1500, 3);
  const now = firstDay + 60 * dayMs;
  const told = await Promise.all(
    ["prc_0", "prc_1", "prc_2"].map(async (id) => {
      const process = remover(house, id, now);
      return (await new Response(process.stdout).text()).trim().split("\n").at(-1);
    }),
  );
  expect(told.toSorted()).toEqual(["removed 0", "removed 0", "removed 1500"]);
  expect(await house.findings()).toEqual([]);
}, 60_000);

test("while another process holds the lock nothing is removed, until two minutes after that one was last heard of", async () => {
  using house = await openHouse();
  await fill(house, 500, 1);
  const now = firstDay + 60 * dayMs;
  house.clock.set(now);
  let isFirst = true;
  const inside: number[] = [];
  const slow: Store = {
    ...house.store,
    async write(statements) {
      if (
        statements.some(({ sql }) => sql.startsWith("DELETE FROM generation_record")) &&
        isFirst
      ) {
        isFirst = false;
        inside.push(await house.retention(32, "prc_2").run());
        throw new Error("the process is as good as dead");
      }
      // It does not let go, either.
      if (!isFirst && statements.some(({ sql }) => sql.startsWith("DELETE FROM setting")))
        return [];
      return house.store.write(statements);
    },
  };
  await expect(house.retention(32, "prc_1", slow).run()).rejects.toThrow("as good as dead");
  house.clock.advance(119_000);
  inside.push(await house.retention(32, "prc_2").run());
  house.clock.advance(2_000);
  inside.push(await house.retention(32, "prc_2").run());
  expect(inside).toEqual([0, 0, 500]);
});

test("processes that remove the same rows at once, as if there were no lock, remove each once", async () => {
  using house = await openHouse();
  await fill(house, 1500, 3);
  house.clock.set(firstDay + 60 * dayMs);
  const { store } = house;
  const unlocked: Store = {
    ...store,
    async write(statements) {
      if (statements.some(({ sql }) => sql.includes("retention_lock"))) return [[{ value: "" }]];
      // Each reads before the other has written.
      await new Promise((resolve) => setImmediate(resolve));
      return store.write(statements);
    },
  };
  let removed = 0;
  for (let tries = 0; tries < 40 && (await rowsIn(store)) > 0; tries++) {
    const both = [1, 2].map((at) => house.retention(32, `prc_${at}`, unlocked).run());
    for (const rows of await Promise.all(both)) removed += rows;
    expect(await house.findings()).toEqual([]);
  }
  expect([removed, await rowsIn(store)]).toEqual([1500, 0]);
}, 60_000);

test("twenty thousand rows go while requests are kept, and none of these waits for more than a batch", async () => {
  using house = await openHouse();
  await fill(house, 20_000, 8);
  house.clock.set(firstDay + 60 * dayMs);
  const { store, clock } = house;
  const batches: number[] = [];
  const timed: Store = {
    ...store,
    write(statements) {
      const from = performance.now();
      const written = store.write(statements);
      if (statements.some(({ sql }) => sql.startsWith("DELETE FROM generation_record")))
        batches.push(performance.now() - from);
      return written;
    },
  };
  const ledger = createLedger({ store, clock, processId: "prc_9" });
  const waits: number[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const from = performance.now();
      const generation = sampleGeneration({ createdAt: clock.now() });
      await ledger.record({ generation, movements: [] });
      waits.push(performance.now() - from);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  expect(await house.retention(32, "prc_0", timed).run()).toBe(20_000);
  isOver = true;
  await asking;
  const share = (times: number[], part: number): number =>
    times.toSorted((a, b) => a - b)[Math.floor(times.length * part)] ?? Infinity;
  expect(batches.length).toBe(200);
  expect(waits.length).toBeGreaterThan(200);
  // Ten times what was measured, as the machine that runs this may have other things to do.
  expect(share(batches, 0.5)).toBeLessThan(5);
  expect(share(waits, 0.9)).toBeLessThan(50);
  expect(Math.max(...waits)).toBeLessThan(1000);
  expect(await house.findings()).toEqual([]);
}, 120_000);

test("rows that are removed while the ledger is audited are no fault", async () => {
  using house = await openHouse();
  await fill(house, 1500, 2);
  house.clock.set(firstDay + 34 * dayMs + 1);
  const { store } = house;
  let pages = 0;
  const busy: Store = {
    ...store,
    async read(sql, args) {
      if (pages++ === 0) await house.retention().run();
      return store.read(sql, args);
    },
  };
  const audit = await auditLedger(busy, { log: "", isOwnLog: false, verifier: headVerifier });
  expect(pages).toBeGreaterThan(1);
  expect(audit.removed.rows).toBeGreaterThan(500);
  expect([isSound(audit), audit.rows + audit.removed.rows]).toEqual([true, 1500]);
});

const ask = (day: number): Ask => ({ chain: 0, day, account: 0, ms: 5, cost: 1, milligrams: 1 });

test("0 days keep all, and a row goes when its day is so many whole days over, not before", async () => {
  using house = await openHouse();
  await house.record([ask(0), ask(1)]);
  const end = firstDay + 33 * dayMs;
  house.clock.set(end - 1);
  expect(await house.retention().run()).toBe(0);
  house.clock.set(end);
  expect(await house.retention(0).run()).toBe(0);
  expect(await house.retention(33).run()).toBe(0);
  expect(await house.retention().run()).toBe(1);
  expect(house.runs).toEqual([{ rows: 1, until: firstDay + 5 }]);
  expect(await house.retention().run()).toBe(0);
  expect(house.runs).toHaveLength(1);
});

test("it looks a minute after the start and then once an hour", async () => {
  using house = await openHouse();
  await house.record([ask(0), ask(1)]);
  house.clock.set(firstDay + 33 * dayMs);
  const retention = house.retention();
  await retention.tick();
  expect(house.runs).toEqual([]);
  house.clock.advance(60_000);
  await retention.tick();
  expect(house.runs).toHaveLength(1);
  house.clock.set(firstDay + 34 * dayMs);
  await retention.tick();
  expect(house.runs).toHaveLength(1);
  house.clock.advance(3_600_000);
  await retention.tick();
  expect(house.runs).toEqual([0, 1].map((day) => ({ rows: 1, until: firstDay + day * dayMs + 5 })));
  await retention.close();
});

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Demand, Hold, Movement, Refusal } from "#src/allowance/allowance.ts";
import { createAllowances, type LeasedAllowances } from "#src/allowance/allowances.ts";
import { databaseNow } from "#src/allowance/lease.ts";
import { writeMovements } from "#src/ledger/movement.ts";
import type { Clock } from "#src/lib/clock.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { aBeginning, aLook, aLease, aReturn, stalling } from "#test/lib/stalling.ts";
import { temporaryStore } from "#test/store/temporary.ts";

const credit = (amount: number): Demand => ({
  kind: "credit",
  owner: "acc_1",
  windowStart: 0,
  amount,
});
const keyLimit = (amount: number, limit: number): Demand => ({
  kind: "key_limit",
  owner: "key_1",
  windowStart: 0,
  amount,
  limit,
});

function grant(store: Store, amount: number): void {
  const sql = `INSERT INTO allowance (kind, owner, window_start, granted) VALUES ('credit', 'acc_1', 0, ?)
    ON CONFLICT DO UPDATE SET granted = coalesce(granted, 0) + excluded.granted`;
  store.write([{ sql, args: [amount] }]);
}

function commit(store: Store, movements: Movement[], processId: string): void {
  if (movements.length > 0) store.write(writeMovements(movements, processId));
}

async function row(store: Store, kind = "credit"): Promise<unknown> {
  return (await store.read("SELECT used, leased FROM allowance WHERE kind = ?", [kind]))[0];
}

function isHold(answer: Hold | Refusal): answer is Hold {
  return "settle" in answer;
}

async function admitted(allowances: LeasedAllowances, demands: Demand[]): Promise<Hold[]> {
  return [await allowances.reserve(demands)].filter(isHold);
}

/** The same store, answering later, as a remote one does, whose clock shows what ours shows. */
function delayed(store: Store, clock: Clock): Store {
  const timed = (sql: string) => sql.replaceAll(databaseNow, String(clock.now()));
  return {
    ...store,
    kind: "remote",
    write: (statements) =>
      new Promise((done) => setImmediate(done)).then(() =>
        store.write(statements.map(({ sql, args }) => ({ sql: timed(sql), args }))),
      ),
    read: (sql, args) =>
      new Promise((done) => setImmediate(done)).then(() => store.read(timed(sql), args)),
  };
}

for (const place of ["file", "remote"] as const) {
  test(`reserve() admits exactly 10 of 200 parallel requests for the credit of 10 (${place})`, async () => {
    using kept = await temporaryStore();
    grant(kept.store, 10_000);
    const clock = createFakeClock();
    const store = place === "file" ? kept.store : delayed(kept.store, clock);
    const allowances = createAllowances({ store, clock, processId: "p1" });
    await allowances.start();
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => allowances.reserve([credit(1000)])),
    );
    expect(answers.filter(isHold)).toHaveLength(10);
    expect(answers.findIndex((answer) => !isHold(answer))).toBe(10);
    const refusal = answers[199];
    expect(refusal).toMatchObject({ standing: { limit: 10_000, used: 0, remaining: 0 } });
  });

  test(`two processes on one store never exceed the limit together (${place})`, async () => {
    using kept = await temporaryStore();
    grant(kept.store, 100);
    const clock = createFakeClock();
    const store = place === "file" ? kept.store : delayed(kept.store, clock);
    const both = ["p1", "p2"].map((processId) => createAllowances({ store, clock, processId }));
    for (const one of both) await one.start();
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, at) => both[at % 2]?.reserve([credit(1)])),
    );
    expect(answers.filter((answer) => answer !== undefined && isHold(answer))).toHaveLength(100);
    expect(await row(kept.store)).toEqual({ used: 0, leased: 100 });
  });

  test(`random interleavings never overspend and end with used equal to the sum (${place})`, async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant("reserve" as const),
        who: fc.nat(1),
        amount: fc.integer({ min: 1, max: 40 }),
      }),
      fc.record({
        do: fc.constant("settle" as const),
        at: fc.nat(30),
        part: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      fc.record({ do: fc.constant("crash" as const), who: fc.nat(1) }),
      fc.record({ do: fc.constant("tick" as const), who: fc.nat(1) }),
      fc.record({ do: fc.constant("pause" as const) }),
      fc.record({ do: fc.constant("nap" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        using kept = await temporaryStore();
        grant(kept.store, 200);
        const clock = createFakeClock();
        const store = place === "file" ? kept.store : delayed(kept.store, clock);
        let born = 0;
        const spawn = async (): Promise<{ id: string; allowances: LeasedAllowances }> => {
          const id = `p${born++}`;
          const allowances = createAllowances({
            store,
            clock,
            processId: id,
            pid: born,
            isAlive: () => true,
          });
          await allowances.start();
          return { id, allowances };
        };
        const processes = [await spawn(), await spawn()];
        let open: { id: string; hold: Hold; amount: number }[] = [];
        let spent = 0;
        const naps = steps.filter((other) => other.do === "nap").length;
        for (const one of steps) {
          if (one.do === "reserve") {
            const process = processes[one.who];
            if (process === undefined) continue;
            const holds = await admitted(process.allowances, [
              credit(one.amount),
              keyLimit(one.amount, 150),
            ]);
            for (const hold of holds) open.push({ id: process.id, hold, amount: one.amount });
          }
          if (one.do === "settle") {
            const [chosen] = open.splice(one.at % Math.max(1, open.length), 1);
            if (chosen === undefined) continue;
            const used = Math.round(chosen.amount * one.part);
            commit(kept.store, chosen.hold.settle([used, used]), chosen.id);
            expect(chosen.hold.settle([used, used])).toEqual([]);
            spent += used;
          }
          if (one.do === "crash") {
            const gone = processes[one.who]?.id;
            open = open.filter(({ id }) => id !== gone);
            processes[one.who] = await spawn();
          }
          if (one.do === "tick") await processes[one.who]?.allowances.tick();
          if (one.do === "pause") clock.advance(301_000);
          // Longer than a process takes from its leases, shorter than others leave them alone.
          if (one.do === "nap") clock.advance(61_000);
          const promised = open.reduce((sum, { amount }) => sum + amount, 0);
          // A pause voids the leases of requests that still run, and only then may promises exceed.
          if (naps < 4 && !steps.some((other) => other.do === "pause")) {
            expect(spent + promised).toBeLessThanOrEqual(150);
          }
        }
        for (const { id, hold, amount } of open) {
          const used = Math.max(0, Math.min(amount, 150 - spent));
          commit(kept.store, hold.settle([used, used]), id);
          spent += used;
        }
        clock.advance(301_000);
        const last = await spawn();
        await last.allowances.tick();
        expect(await row(kept.store)).toEqual({ used: spent, leased: 0 });
        expect(await kept.store.read("SELECT * FROM lease WHERE amount > 0", [])).toEqual([]);
      }),
      { numRuns: 40 },
    );
    // Some of it is a second of work, on a machine that may have other things to do.
  }, 60_000);
}

test("reserve() is synchronous while the leased chunk suffices, and takes all demands or none", async () => {
  using kept = await temporaryStore();
  const clock = createFakeClock();
  grant(kept.store, 100_000);
  const allowances = createAllowances({
    store: delayed(kept.store, clock),
    clock,
    processId: "p1",
  });
  await allowances.start();
  await allowances.reserve([credit(10), keyLimit(10, 20)]);
  expect(allowances.reserve([credit(10)])).not.toBeInstanceOf(Promise);
  const before = allowances.standing(credit(0));
  await allowances.reserve([credit(10), keyLimit(10, 20)]);
  const refused = await allowances.reserve([credit(10), keyLimit(10, 20)]);
  expect(refused).toMatchObject({ refused: { kind: "key_limit" }, standing: { remaining: 0 } });
  expect(allowances.standing(credit(0))?.remaining).toBe((before?.remaining ?? 0) - 10);
});

test("a crash gives the leases back: when they expire, or at once when the process of this host is gone", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const { store } = kept;
  const clock = createFakeClock();
  const crashed = createAllowances({ store, clock, processId: "p1", pid: 11, host: "here" });
  await crashed.start();
  const [hold] = await admitted(crashed, [credit(100)]);
  commit(store, hold?.settle([30]) ?? [], "p1");
  await admitted(crashed, [credit(70)]);

  const other = createAllowances({
    store,
    clock,
    processId: "p2",
    pid: 12,
    host: "there",
    isAlive: () => false,
  });
  await other.start();
  expect(await admitted(other, [credit(1)])).toHaveLength(0);
  clock.advance(300_001);
  await other.tick();
  expect(await admitted(other, [credit(71)])).toHaveLength(0);
  expect(await admitted(other, [credit(70)])).toHaveLength(1);

  const next = createAllowances({
    store,
    clock,
    processId: "p3",
    pid: 13,
    host: "there",
    isAlive: () => false,
  });
  await next.start();
  expect(await row(store)).toEqual({ used: 30, leased: 0 });
});

test("a process that slept through its leases does not spend them again", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clock = createFakeClock();
  const sleeper = createAllowances({ store: kept.store, clock, processId: "p1" });
  const other = createAllowances({
    store: kept.store,
    clock,
    processId: "p2",
    isAlive: () => true,
  });
  await sleeper.start();
  await admitted(sleeper, [credit(20)]);
  clock.advance(301_000);
  await other.start();
  expect(await admitted(other, [credit(100)])).toHaveLength(1);
  expect(await admitted(sleeper, [credit(1)])).toHaveLength(0);
});

test("what was used beyond the hold is counted", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const allowances = createAllowances({
    store: kept.store,
    clock: createFakeClock(),
    processId: "p1",
  });
  await allowances.start();
  const [hold] = await admitted(allowances, [credit(90)]);
  commit(kept.store, hold?.settle([130]) ?? [], "p1");
  expect(await row(kept.store)).toEqual({ used: 130, leased: 0 });
  expect(allowances.standing(credit(0))).toEqual({ limit: 100, used: 130, remaining: 0 });
  expect(await admitted(allowances, [credit(1)])).toHaveLength(0);
});

test("a limit that is lowered or raised counts from the next reserve", async () => {
  using kept = await temporaryStore();
  const allowances = createAllowances({
    store: kept.store,
    clock: createFakeClock(),
    processId: "p1",
  });
  await allowances.start();
  expect(await admitted(allowances, [keyLimit(10, 1000)])).toHaveLength(1);
  expect(await admitted(allowances, [keyLimit(10, 15)])).toHaveLength(0);
  expect(await admitted(allowances, [keyLimit(10, 20)])).toHaveLength(1);
});

test("refresh() makes a grant and its withdrawal count", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 1000);
  const allowances = createAllowances({
    store: kept.store,
    clock: createFakeClock(),
    processId: "p1",
  });
  await allowances.start();
  await admitted(allowances, [credit(10)]);
  grant(kept.store, -985);
  allowances.refresh("acc_1");
  expect(await admitted(allowances, [credit(6)])).toHaveLength(0);
  expect(await admitted(allowances, [credit(5)])).toHaveLength(1);
  grant(kept.store, 100);
  expect(await admitted(allowances, [credit(100)])).toHaveLength(1);
});

test("an unlimited demand is counted and never refused", async () => {
  using kept = await temporaryStore();
  const allowances = createAllowances({
    store: kept.store,
    clock: createFakeClock(),
    processId: "p1",
  });
  await allowances.start();
  const [hold] = await admitted(allowances, [{ ...credit(1000), unlimited: true }]);
  commit(kept.store, hold?.settle([700]) ?? [], "p1");
  expect(await row(kept.store)).toEqual({ used: 700, leased: 0 });
  expect(allowances.standing(credit(0))?.used).toBe(700);
});

test("requests in flight come back when settled with nothing used", async () => {
  using kept = await temporaryStore();
  const allowances = createAllowances({
    store: kept.store,
    clock: createFakeClock(),
    processId: "p1",
  });
  await allowances.start();
  const slot: Demand = { kind: "in_flight", owner: "key_1", windowStart: 0, amount: 1, limit: 3 };
  const [first] = await admitted(allowances, [slot]);
  expect(await admitted(allowances, [slot])).toHaveLength(1);
  expect(await admitted(allowances, [slot])).toHaveLength(1);
  expect(await admitted(allowances, [slot])).toHaveLength(0);
  expect(first?.settle([0])).toEqual([]);
  expect(await admitted(allowances, [slot])).toHaveLength(1);
});

test("tick() gives idle chunks to others, and forgets windows that are over", async () => {
  using kept = await temporaryStore();
  const clock = createFakeClock();
  const allowances = createAllowances({ store: kept.store, clock, processId: "p1" });
  await allowances.start();
  const minute: Demand = {
    kind: "requests_minute",
    owner: "key_1",
    windowStart: clock.now(),
    windowEnd: clock.now() + 60_000,
    amount: 1,
    limit: 100,
  };
  const [hold] = await admitted(allowances, [minute]);
  commit(kept.store, hold?.settle([1]) ?? [], "p1");
  await allowances.tick();
  await allowances.tick();
  expect(await row(kept.store, "requests_minute")).toEqual({ used: 1, leased: 0 });
  clock.advance(59_999);
  await allowances.tick();
  clock.advance(2);
  await allowances.tick();
  expect(allowances.standing(minute)).toBeUndefined();
  expect(await kept.store.read("SELECT * FROM lease", [])).toEqual([]);
});

test("tick() forgets a limit without an end that nobody asked for in two minutes, and knows it again when asked", async () => {
  using kept = await temporaryStore();
  const clock = createFakeClock();
  const { store } = kept;
  grant(store, 1000);
  const allowances = createAllowances({ store, clock, processId: "proc_1" });
  await allowances.start();
  const demands = [credit(10), keyLimit(10, 25)];
  const minutes = async (count: number) => {
    for (let tick = 0; tick < 6 * count; tick++) {
      clock.advance(10_000);
      await allowances.tick();
    }
  };
  const [first] = await admitted(allowances, demands);
  await minutes(3);
  // It runs, so it holds what it took.
  expect(allowances.standing(keyLimit(0, 25))).toMatchObject({ used: 0, remaining: 15 });
  commit(store, first?.settle([10, 10]) ?? [], "proc_1");
  await minutes(1);
  expect(allowances.standing(keyLimit(0, 25))).toMatchObject({ used: 10, remaining: 15 });
  await minutes(2);
  expect(allowances.standing(keyLimit(0, 25))).toBeUndefined();
  expect(allowances.standing(credit(0))).toMatchObject({ limit: 1000, used: 10 });
  const [second] = await admitted(allowances, demands);
  commit(store, second?.settle([10, 10]) ?? [], "proc_1");
  expect(await allowances.reserve(demands)).toMatchObject({ refused: { kind: "key_limit" } });
  expect(await row(store, "key_limit")).toMatchObject({ used: 20 });
});

test("giveBack() returns everything that is not held", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 10_000);
  const allowances = createAllowances({
    store: kept.store,
    clock: createFakeClock(),
    processId: "p1",
  });
  await allowances.start();
  await admitted(allowances, [credit(10)]);
  await allowances.giveBack();
  expect(await row(kept.store)).toEqual({ used: 0, leased: 10 });
  expect(allowances.standing(credit(0))).toEqual({ limit: 10_000, used: 0, remaining: 9990 });
});

test("what is lost while the leases are renewed comes back all the same", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clock = createFakeClock();
  const store = delayed(kept.store, clock);
  const allowances = createAllowances({ store, clock, processId: "p1" });
  await allowances.start();
  const [hold] = await admitted(allowances, [credit(60)]);
  const movements = hold?.settle([60]) ?? [];
  const renewal = allowances.tick();
  allowances.lost();
  allowances.written(movements);
  await renewal;
  expect(await admitted(allowances, [credit(100)])).toHaveLength(1);
});

test("what is lost while leases are taken anew comes back all the same", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clock = createFakeClock();
  const store = delayed(kept.store, clock);
  const allowances = createAllowances({ store, clock, processId: "p1" });
  await allowances.start();
  const [hold] = await admitted(allowances, [credit(60)]);
  const movements = hold?.settle([60]) ?? [];
  clock.advance(61_000);
  const anew = admitted(allowances, [credit(1)]);
  allowances.lost();
  allowances.written(movements);
  expect(await anew).toHaveLength(1);
  expect(await admitted(allowances, [credit(99)])).toHaveLength(1);
});

test("a machine whose clock is hours ahead does not remove the windows of the others", async () => {
  using kept = await temporaryStore();
  const clock = createFakeClock();
  const store = delayed(kept.store, clock);
  const ahead = createFakeClock(clock.now() + 7_200_000);
  const early = createAllowances({ store, clock: ahead, processId: "p1" });
  const right = createAllowances({ store, clock, processId: "p2", isAlive: () => true });
  await early.start();
  await right.start();
  const minute: Demand = {
    kind: "requests_minute",
    owner: "key_1",
    windowStart: clock.now(),
    windowEnd: clock.now() + 60_000,
    amount: 1,
    limit: 1,
  };
  const [hold] = await admitted(right, [minute]);
  commit(kept.store, hold?.settle([1]) ?? [], "p2");
  await early.tick();
  expect(await row(kept.store, "requests_minute")).toEqual({ used: 1, leased: 0 });
});

test("a process that comes back while others take back what it had leased keeps what it leases then", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clock = createFakeClock();
  const store = delayed(kept.store, clock);
  const gone = createAllowances({ store, clock, processId: "p1" });
  await gone.start();
  await admitted(gone, [credit(1)]);
  const other = createAllowances({
    store: {
      ...store,
      async read(sql, args) {
        const rows = await store.read(sql, args);
        // Found to be gone by now, and not taken back yet.
        if (sql.includes("is_over") && rows.length > 0) await admitted(gone, [credit(50)]);
        return rows;
      },
    },
    clock,
    processId: "p2",
  });
  clock.advance(301_000);
  await other.start();
  expect(await row(kept.store)).toEqual({ used: 0, leased: 51 });
  expect(await admitted(other, [credit(50)])).toHaveLength(0);
});

for (const [what, happens] of [
  [
    "whose clock was set back while it could not renew them",
    (clock: FakeClock) => {
      clock.set(clock.now() - 600_000);
      clock.advance(301_000);
    },
  ],
  [
    "that slept, with its steady clock standing still",
    (clock: FakeClock) => clock.set(clock.now() + 301_000),
  ],
] as const)
  test(`a machine ${what} takes nothing more from its leases`, async () => {
    using kept = await temporaryStore();
    grant(kept.store, 100);
    const clocks = { right: createFakeClock(), its: createFakeClock() };
    const gone = createAllowances({
      store: delayed(kept.store, clocks.right),
      clock: clocks.its,
      processId: "p1",
    });
    const other = createAllowances({
      store: delayed(kept.store, clocks.right),
      clock: clocks.right,
      processId: "p2",
    });
    await gone.start();
    await admitted(gone, [credit(20)]).then(([hold]) => hold?.settle([0]));
    happens(clocks.its);
    clocks.right.advance(301_000);
    await other.start();
    expect(await admitted(other, [credit(100)])).toHaveLength(1);
    expect(await admitted(gone, [credit(1)])).toHaveLength(0);
  });

test("what is on its way back is not asked for before it is there", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clock = createFakeClock();
  const store = delayed(kept.store, clock);
  const arrived = Promise.withResolvers<void>();
  const allowances = createAllowances({
    store: {
      ...store,
      async write(statements) {
        if (statements.length === 2) await arrived.promise;
        return store.write(statements);
      },
    },
    clock,
    processId: "p1",
  });
  await allowances.start();
  const [hold] = await admitted(allowances, [credit(100)]);
  hold?.settle([0]);
  const returned = allowances.giveBack();
  const again = admitted(allowances, [credit(100)]);
  for (let turns = 0; turns < 5; turns++) await new Promise((done) => setImmediate(done));
  arrived.resolve();
  await returned;
  expect(await again).toHaveLength(1);
});

test("leases are not taken anew while the answer about another is on its way", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clock = createFakeClock();
  const store = delayed(kept.store, clock);
  const answered = Promise.withResolvers<void>();
  const late = createAllowances({
    store: {
      ...store,
      async write(statements) {
        const rows = await store.write(statements);
        if (statements[0]?.sql.startsWith("INSERT INTO allowance")) await answered.promise;
        return rows;
      },
    },
    clock,
    processId: "p1",
  });
  const other = createAllowances({ store, clock, processId: "p2" });
  await late.start();
  const turns = async () => {
    for (let turn = 0; turn < 6; turn++) await new Promise((done) => setImmediate(done));
  };
  const first = admitted(late, [credit(1)]);
  await turns();
  clock.advance(61_000);
  const second = admitted(late, [credit(1)]);
  await turns();
  await other.start();
  let taken = 0;
  while ((await admitted(other, [credit(1)])).length > 0) taken++;
  answered.resolve();
  taken += (await first).length + (await second).length;
  while ((await admitted(late, [credit(1)])).length > 0) taken++;
  expect(taken).toBe(100);
});

test("a process whose leases were over by the clock of the database begins anew with its next tick", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clocks = { right: createFakeClock(), its: createFakeClock() };
  const store = delayed(kept.store, clocks.right);
  const behind = createAllowances({ store, clock: clocks.its, processId: "p1" });
  const other = createAllowances({ store, clock: clocks.right, processId: "p2" });
  await behind.start();
  await admitted(behind, [credit(20)]).then(([hold]) => hold?.settle([0]));
  clocks.right.advance(301_000);
  await other.start();
  expect(await admitted(other, [credit(100)])).toHaveLength(1);
  await behind.tick();
  expect(await admitted(behind, [credit(1)])).toHaveLength(0);
});

test("what was kept for a row that the store had by then is returned, and not spent again", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clock = createFakeClock();
  const allowances = createAllowances({
    store: delayed(kept.store, clock),
    clock,
    processId: "p1",
  });
  await allowances.start();
  const [hold] = await admitted(allowances, [credit(100)]);
  const movements = hold?.settle([100]) ?? [];
  commit(kept.store, movements, "p1");
  // Written, but this process does not know it yet.
  clock.advance(61_000);
  expect(await admitted(allowances, [credit(1)])).toHaveLength(0);
  allowances.written(movements);
  await allowances.tick();
  expect(await admitted(allowances, [credit(1)])).toHaveLength(0);
  expect(await row(kept.store)).toEqual({ used: 100, leased: 0 });
});

describe("over a network, what is carried out long after its sender gave up on it does nothing:", () => {
  async function house(credit: number) {
    const kept = await temporaryStore();
    grant(kept.store, credit);
    const clock = createFakeClock();
    const store = stalling(delayed(kept.store, clock));
    const options = { clock, isAlive: () => true };
    const late = createAllowances({ ...options, store, processId: "p1" });
    const other = createAllowances({
      ...options,
      store: delayed(kept.store, clock),
      processId: "p2",
    });
    await late.start();
    await other.start();
    return { kept, clock, store, late, other };
  }

  test("a return, once its sender found that it had not come", async () => {
    const { kept, store, late, other } = await house(100);
    using _ = kept;
    const [hold] = await admitted(late, [credit(60)]);
    hold?.settle([0]);
    store.hold(aReturn);
    await late.giveBack().catch(() => {});
    await late.tick();
    expect(await row(kept.store)).toEqual({ used: 0, leased: 0 });
    expect(await admitted(late, [credit(60)])).toHaveLength(1);
    await store.deliver();
    expect(await row(kept.store)).toEqual({ used: 0, leased: 60 });
    expect(await admitted(other, [credit(41)])).toHaveLength(0);
    expect(await admitted(other, [credit(40)])).toHaveLength(1);
  });

  test("a lease, once its sender found that it had none", async () => {
    const { kept, store, late, other } = await house(100);
    using _ = kept;
    store.hold(aLease);
    await expect(Promise.resolve(late.reserve([credit(60)]))).rejects.toThrow("Cannot reach");
    await late.tick();
    await store.deliver();
    expect(await row(kept.store)).toEqual({ used: 0, leased: 0 });
    expect(await admitted(other, [credit(100)])).toHaveLength(1);
  });

  test("a beginning, once its sender began anew", async () => {
    const { kept, clock, store, late, other } = await house(100);
    using _ = kept;
    clock.advance(61_000);
    store.hold(aBeginning);
    await expect(Promise.resolve(late.reserve([credit(60)]))).rejects.toThrow("Cannot reach");
    expect(await admitted(late, [credit(60)])).toHaveLength(1);
    await store.deliver();
    expect(await row(kept.store)).toEqual({ used: 0, leased: 60 });
    expect(await admitted(other, [credit(41)])).toHaveLength(0);
  });

  test("but a lease that comes just after that is asked for again, and not refused", async () => {
    const { kept, store, late } = await house(100);
    using _ = kept;
    await admitted(late, [credit(1)]);
    store.hold(aReturn);
    await late.giveBack().catch(() => {});
    const asked: Promise<Hold[]>[] = [];
    store.tell(aLook, () => asked.push(admitted(late, [credit(50)])));
    await late.tick();
    expect(asked).toHaveLength(1);
    expect(await asked[0]).toHaveLength(1);
  });

  test("a store that was put back to before its sender began is begun anew with, instead of refused by", async () => {
    const { kept, late } = await house(100);
    using _ = kept;
    kept.store.write([{ sql: "DELETE FROM process", args: [] }]);
    expect(await admitted(late, [credit(60)])).toHaveLength(1);
    expect(await row(kept.store)).toEqual({ used: 0, leased: 60 });
  });
});

test("who hears that its leases are over takes none before it began anew, though the first attempt fails", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clocks = { right: createFakeClock(), its: createFakeClock() };
  const store = stalling(delayed(kept.store, clocks.right));
  const behind = createAllowances({ store, clock: clocks.its, processId: "p1" });
  const other = createAllowances({ store, clock: clocks.right, processId: "p2" });
  await behind.start();
  clocks.right.advance(301_000);
  await other.start();
  store.hold(aBeginning);
  await expect(behind.tick()).rejects.toThrow("Cannot reach");
  expect(await admitted(behind, [credit(60)])).toHaveLength(1);
  await other.tick();
  expect(await row(kept.store)).toEqual({ used: 0, leased: 60 });
});

test("a process of the version before, which knows no epochs, leases beside one that does", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const clock = createFakeClock();
  const store = delayed(kept.store, clock);
  const place = ["credit", "acc_1", 0] as const;
  // What it sends, word for word.
  await store.write([
    {
      sql: `INSERT INTO process (id, pid, host, started_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?6 + ?5)
ON CONFLICT DO UPDATE SET pid = ?2, host = ?3, expires_at = excluded.expires_at`,
      args: ["p0", 1, "old", clock.now(), 300_000, clock.now()],
    },
    {
      sql: `UPDATE allowance SET leased = leased + ?4 WHERE kind = ?1 AND owner = ?2 AND window_start = ?3
AND used + leased + ?4 <= coalesce(?5, granted, 0)`,
      args: [...place, 60, null],
    },
    {
      sql: `INSERT INTO lease (process, kind, owner, window_start, amount)
SELECT ?1, ?2, ?3, ?4, ?5 WHERE changes() = 1
ON CONFLICT DO UPDATE SET amount = amount + excluded.amount RETURNING amount`,
      args: ["p0", ...place, 60],
    },
  ]);
  const beside = createAllowances({ store, clock, processId: "p1" });
  await beside.start();
  expect(await admitted(beside, [credit(41)])).toHaveLength(0);
  const [hold] = await admitted(beside, [credit(40)]);
  expect(hold?.settle([0])).toEqual([]);
  clock.advance(301_000);
  await beside.tick();
  expect(await admitted(beside, [credit(100)])).toHaveLength(1);
});

test("on a file a lease costs what it cost before: no statement asks for the epoch", async () => {
  using kept = await temporaryStore();
  grant(kept.store, 100);
  const asked: string[] = [];
  const store: Store = {
    ...kept.store,
    write(statements) {
      asked.push(...statements.map(({ sql }) => sql));
      return kept.store.write(statements);
    },
  };
  const allowances = createAllowances({ store, clock: createFakeClock(), processId: "p1" });
  await allowances.start();
  asked.length = 0;
  await admitted(allowances, [credit(60)]).then(([hold]) => hold?.settle([0]));
  await allowances.giveBack();
  expect(asked).toHaveLength(6);
  expect(asked.filter((sql) => sql.includes("epoch"))).toEqual([]);
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Movement } from "#src/allowance/allowance.ts";
import { createAllowances, type LeasedAllowances } from "#src/allowance/allowances.ts";
import { verifyChain } from "#src/ledger/chain.ts";
import { openLeftSpools } from "#src/ledger/spool-left.ts";
import { entryOf, lineOf } from "#src/ledger/spool-line.ts";
import { openSpool, type Spool } from "#src/ledger/spool.ts";
import { nano } from "#src/ledger/money.ts";
import { addCredit, balanceOf, checkBalances } from "#src/ledger/transactions.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { StoreError } from "#src/store/error.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { numberIn, type Statement, type Store, textOf } from "#src/store/store.ts";
import { until } from "#test/bin/executable.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { startHrana } from "#test/lib/hrana.ts";
import { startRelay } from "#test/lib/relay.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";

const clock = createFakeClock();
const cost = nano(4_200_000);
const nothing = { rows: 0, bytes: 0, oldest: undefined };
let folder: ReturnType<typeof temporaryFolder>;
let kept: Awaited<ReturnType<typeof temporaryStore>>;
let told: string[];
beforeEach(async () => {
  folder = temporaryFolder();
  kept = await temporaryStore();
  told = [];
});
afterEach(() => {
  kept[Symbol.dispose]();
  folder[Symbol.dispose]();
});

/** What a test may do to a database over the network. */
interface Line {
  store: Store;
  /** Instead of writing; undefined writes. */
  write: ((statements: readonly Statement[], go: () => void) => void) | undefined;
}

/** The file, as if it were elsewhere. */
function elsewhere(): Line {
  const line: Line = {
    write: undefined,
    store: {
      ...kept.store,
      kind: "remote",
      async write(statements) {
        await new Promise((done) => setImmediate(done));
        if (line.write === undefined) return kept.store.write(statements);
        line.write(statements, () => kept.store.write(statements));
        return [];
      },
      async read(sql, args) {
        await new Promise((done) => setImmediate(done));
        return kept.store.read(sql, args);
      },
    },
  };
  return line;
}

const away = () => {
  throw new StoreError("unavailable", "away");
};

function open(store: Store, options: Partial<Parameters<typeof openSpool>[0]> = {}): Spool {
  void kept.store.write([
    { sql: "INSERT OR IGNORE INTO process (id, started_at) VALUES ('proc_1', 0)", args: [] },
  ]);
  return openSpool({
    store,
    clock,
    processId: "proc_1",
    dataDir: folder.path,
    synchronous: "normal",
    onTrouble: (event, rows) => void told.push(`${event} ${rows}`),
    ...options,
  });
}

function entry(id?: string) {
  const generation = sampleGeneration(id === undefined ? {} : { id });
  const movements: Movement[] = [{ kind: "credit", owner: "acc_1", windowStart: 0, used: cost }];
  return { generation, movements };
}

const ids = async () =>
  (await kept.store.read("SELECT id FROM generation_record ORDER BY position", [])).map((row) =>
    textOf(row, "id"),
  );
const spooled = () => readdirSync(join(folder.path, "spool"));
const used = async () => (await balanceOf(kept.store, "acc_1")).used;

/** Makes the files those of a process that is gone. */
function orphan(): void {
  for (const name of spooled()) {
    const dead = name.replace(/^\d+-\d+/, "4194304-1");
    renameSync(join(folder.path, "spool", name), join(folder.path, "spool", dead));
  }
}

const left = (store: Store) =>
  openLeftSpools({
    store,
    clock,
    dataDir: folder.path,
    onTrouble: (event, rows) => void told.push(`${event} ${rows}`),
    onSent: (processId, rows) => void told.push(`sent ${rows} of ${processId}`),
  });

describe("a row that is recorded while the database is away", () => {
  test("is kept, found, and sent when it is back: in order, once, in one chain", async () => {
    const line = elsewhere();
    line.write = away;
    const spool = open(line.store);
    const entries = Array.from({ length: 1200 }, () => entry());
    await Promise.all(entries.map((one) => spool.record(one)));
    const some = entries[7]?.generation;
    expect(spool.find("acc_1", some?.id ?? "")).toBe(some);
    expect(spool.find("acc_1", some?.completionId ?? "")).toBe(some);
    expect(spool.find("acc_2", some?.id ?? "")).toBeUndefined();
    expect([await ids(), spool.waiting().rows]).toEqual([[], 1200]);
    line.write = undefined;
    await spool.flush();
    expect(await ids()).toEqual(entries.map(({ generation }) => generation.id));
    expect(spool.find("acc_1", some?.id ?? "")).toBeUndefined();
    expect([await used(), spool.waiting()]).toEqual([
      nano(1200 * cost),
      expect.objectContaining(nothing),
    ]);
    expect(await verifyChain(kept.store)).toMatchObject({ faults: [], rows: 1200 });
    await spool.close();
    expect([spooled(), told]).toEqual([[], []]);
  });

  test("is sent once where the database took it and could not say so", async () => {
    const line = elsewhere();
    const spool = open(line.store);
    line.write = (_, go) => {
      go();
      line.write = undefined;
      away();
    };
    const one = entry();
    await spool.record(one);
    await spool.record(entry());
    await spool.flush();
    expect(await ids()).toHaveLength(2);
    expect(await used()).toBe(nano(2 * cost));
    expect((await verifyChain(kept.store)).faults).toEqual([]);
    await spool.close();
  });

  test("stays for the next start where the process ends before", async () => {
    const line = elsewhere();
    line.write = away;
    const spool = open(line.store);
    await kept.store.write([
      { sql: "INSERT INTO lease VALUES ('proc_1', 'credit', 'acc_1', 0, 7)", args: [] },
      {
        sql: "INSERT INTO allowance (kind, owner, window_start, leased) VALUES ('credit', 'acc_1', 0, 7)",
        args: [],
      },
    ]);
    const entries = Array.from({ length: 5 }, () => entry());
    await Promise.all(entries.map((one) => spool.record(one)));
    // Who lives is left alone.
    const names = spooled();
    await left(line.store).send();
    expect([spooled(), await ids()]).toEqual([names, []]);
    // What has ended is not, though its process goes on: another gateway took its place there.
    await spool.close();
    expect(told).toEqual(["rows_left_in_spool 5"]);
    line.write = undefined;
    const spools = left(line.store);
    expect(spools.isOwed("proc_1")).toBe(true);
    await Promise.all([spools.send(), left(line.store).send()]);
    expect(await ids()).toEqual(entries.map(({ generation }) => generation.id));
    expect([spools.isOwed("proc_1"), spooled()]).toEqual([false, []]);
    expect((await verifyChain(kept.store)).faults).toEqual([]);
    expect(told.slice(1)).toEqual(["sent 5 of proc_1"]);
    expect(await kept.store.read("SELECT * FROM lease", [])).toEqual([]);
    expect(await kept.store.read("SELECT leased FROM allowance", [])).toEqual([{ leased: 0 }]);
  });

  test("is not one too many: beyond the bound nothing is admitted, and nothing is lost", async () => {
    const line = elsewhere();
    line.write = away;
    const spool = open(line.store, { mostBytes: 3000, fileBytes: 1000 });
    expect(spool.isFull()).toBe(false);
    for (let row = 0; row < 4; row++) await spool.record(entry());
    expect(spool.isFull()).toBe(true);
    expect(spooled().length).toBeGreaterThan(1);
    const allowances = createAllowances({
      store: kept.store,
      clock,
      processId: "p",
      isFull: spool.isFull,
    });
    await allowances.start();
    const demand = {
      kind: "credit",
      owner: "m",
      windowStart: 0,
      amount: 1,
      unlimited: true,
    } as const;
    expect(() => allowances.reserve([demand])).toThrow(StoreError);
    line.write = undefined;
    await spool.flush();
    expect(spool.isFull()).toBe(false);
    expect(await allowances.reserve([demand])).toHaveProperty("settle");
    // Of several files, those that are not needed are gone.
    expect(spooled().length).toBeLessThanOrEqual(1);
    await spool.close();
  });
});

test("where the disk does not take a row, its answer waits for the database, or fails with it", async () => {
  const line = elsewhere();
  const spool = open(line.store);
  rmSync(join(folder.path, "spool"), { recursive: true });
  await spool.record(entry());
  expect(await ids()).toHaveLength(1);
  line.write = away;
  const failing = spool.record(entry());
  expect(await failing.catch((thrown: unknown) => thrown)).toMatchObject({ fault: "unavailable" });
  line.write = undefined;
  await spool.record(entry());
  await spool.flush();
  // In place of the one that failed is a request that failed, and is free.
  expect(await kept.store.read("SELECT settlement FROM generation ORDER BY position", [])).toEqual([
    { settlement: "final" },
    { settlement: "waived" },
    { settlement: "final" },
  ]);
  expect(told).toEqual(["spool_failed 1", "spool_failed 1", "spool_failed 1"]);
  await spool.close();
});

describe("a row that the database refuses", () => {
  test("for its own sake is set aside, and the others go on without a gap in the chain", async () => {
    const line = elsewhere();
    const spool = open(line.store);
    const twice = entry();
    await spool.record(twice);
    await spool.flush();
    const entries = [entry(), twice, entry()];
    await Promise.all(entries.map((one) => spool.record(one)));
    await spool.flush();
    expect(await ids()).toHaveLength(3);
    expect((await verifyChain(kept.store)).faults).toEqual([]);
    expect(told).toEqual(["row_refused 1"]);
    const aside = readFileSync(join(folder.path, "spool/refused.jsonl"), "utf8");
    expect(aside).toContain(twice.generation.id);
    await spool.close();
  });

  test("with all others stays: it is the database that has to be mended", async () => {
    const line = elsewhere();
    let refused = 0;
    line.write = () => {
      refused++;
      throw new StoreError("other", "no such table");
    };
    const spool = open(line.store);
    await Promise.all([spool.record(entry()), spool.record(entry())]);
    await until("it was refused often", () => refused > 18);
    expect([spool.waiting().rows, told]).toEqual([2, []]);
    line.write = undefined;
    await spool.flush();
    expect([(await ids()).length, told]).toEqual([2, []]);
    await spool.close();
  }, 20_000);
});

describe("what a dead process left", () => {
  async function leave(rows: number): Promise<string[]> {
    const line = elsewhere();
    line.write = away;
    const spool = open(line.store);
    const entries = Array.from({ length: rows }, () => entry());
    await Promise.all(entries.map((one) => spool.record(one)));
    await spool.close();
    told = [];
    orphan();
    return entries.map(({ generation }) => generation.id);
  }
  const file = () => join(folder.path, "spool", spooled()[0] ?? "");

  test("is read without the line that a crash cut short, and what is no row is set aside", async () => {
    const rows = await leave(2);
    appendFileSync(file(), "no row\n");
    appendFileSync(file(), lineOf(entry()).slice(0, 100));
    await left(elsewhere().store).send();
    expect(await ids()).toEqual(rows);
    expect(told).toEqual(["row_refused 1", "sent 2 of proc_1"]);
  });

  test("waits while the database is away, and of what was sent before nothing is sent again", async () => {
    const rows = await leave(1100);
    const line = elsewhere();
    const spools = left(line.store);
    let writes = 0;
    line.write = (_, go) => {
      if (++writes > 1) away();
      go();
    };
    expect(await spools.send().catch((thrown: unknown) => thrown)).toBeInstanceOf(StoreError);
    const sent = (await ids()).length;
    expect([sent > 0 && sent < 1100, spools.isOwed("proc_1")]).toEqual([true, true]);
    line.write = undefined;
    await spools.send();
    expect(told).toEqual([`sent ${1100 - sent} of proc_1`]);
    expect(await ids()).toEqual(rows);
    expect(await used()).toBe(nano(1100 * cost));
    expect(await verifyChain(kept.store)).toMatchObject({ faults: [], rows: 1100 });
  });

  test("is left to others where whoever took it upon himself ends before it is sent", async () => {
    const rows = await leave(3);
    const line = elsewhere();
    line.write = away;
    const spools = left(line.store);
    expect(await spools.send().catch((thrown: unknown) => thrown)).toBeInstanceOf(StoreError);
    line.write = undefined;
    await left(line.store).send();
    expect(await ids()).toEqual([]);
    await spools.close();
    await left(line.store).send();
    expect([await ids(), spooled()]).toEqual([rows, []]);
  });

  test("stays while the database takes no row at all, and is no fault of theirs", async () => {
    const rows = await leave(3);
    const line = elsewhere();
    const spools = left(line.store);
    line.write = () => {
      throw new StoreError("other", "no such table");
    };
    await spools.send();
    expect([told, spools.isOwed("proc_1")]).toEqual([["spool_not_taken 3"], true]);
    line.write = undefined;
    await spools.send();
    expect([await ids(), told.slice(1)]).toEqual([rows, ["sent 3 of proc_1"]]);
    expect((await verifyChain(kept.store)).faults).toEqual([]);
  });

  test("of another database is left for the day when that one is used again", async () => {
    await leave(1);
    await kept.store.write([{ sql: "DELETE FROM process", args: [] }]);
    const spools = left(elsewhere().store);
    await spools.send();
    await spools.send();
    expect([await ids(), spooled().length, told]).toEqual([[], 1, ["spool_of_another_database 0"]]);
  });

  test("where we cannot see whether its process lives is left until its leases are over", async () => {
    await leave(1);
    const name = spooled()[0] ?? "";
    const elsewhereName = name.replace(/-\d+\./, "-1.");
    renameSync(file(), join(folder.path, "spool", elsewhereName));
    const expires = (at: number) =>
      kept.store.write([{ sql: "UPDATE process SET expires_at = ?", args: [at] }]);
    // By the clock of the database.
    await expires(systemClock.now() + 60_000);
    const spools = left(elsewhere().store);
    await spools.send();
    expect(await ids()).toEqual([]);
    await expires(systemClock.now() - 60_000);
    await spools.send();
    expect(await ids()).toHaveLength(1);
  });
});

test("a row comes out of its line as it went in", () => {
  const before = {
    ...entry(),
    movements: [{ kind: "carbon", owner: "k", windowStart: 5, used: 2, fromLease: 1 } as const],
  };
  const after = entryOf(lineOf(before).trimEnd());
  expect(after).toEqual(before);
  expect(after && lineOf(after)).toBe(lineOf(before));
});

test("a node that was away for longer than its leases spends nothing of them before its rows are written", async () => {
  const store = elsewhere().store;
  await kept.store.write([
    {
      sql: "INSERT INTO allowance (kind, owner, window_start, granted) VALUES ('credit', 'acc_1', 0, 100)",
      args: [],
    },
  ]);
  const demand = { kind: "credit", owner: "acc_1", windowStart: 0, amount: 5 } as const;
  const clocks = createFakeClock();
  let settled = Promise.resolve();
  const make = (processId: string, more = {}) =>
    createAllowances({ store, clock: clocks, processId, isAlive: () => true, ...more });
  const gone = make("p1", { settled: () => settled });
  const other = make("p2");
  await gone.start();
  await other.start();
  const all = async (from: LeasedAllowances): Promise<number> => {
    let taken = 0;
    for (;;) {
      const hold = await from.reserve([demand]);
      if ("refused" in hold) return taken;
      taken += 5;
    }
  };
  const hold = await gone.reserve([demand]);
  if (!("settle" in hold)) throw new Error("There was room");
  const movements = hold.settle([5]);
  settled = Promise.reject(new StoreError("unavailable", "rows wait"));
  settled.catch(() => {});
  clocks.advance(61_000);
  const refused = await Promise.resolve(gone.reserve([demand])).catch((thrown: unknown) => thrown);
  expect(refused).toBeInstanceOf(StoreError);
  const took = await all(other);
  // Its row comes: the five that it spent are spent, and only what it did not spend comes back.
  settled = Promise.resolve();
  const { writeMovements } = await import("#src/ledger/movement.ts");
  await kept.store.write(writeMovements(movements, "p1"));
  gone.written(movements);
  const rest = await all(gone);
  expect(took + rest + 5).toBe(100);
});

test("what a dead process had leased is not free while rows of it wait in this directory", async () => {
  const sql = "INSERT INTO allowance (kind, owner, window_start, granted) VALUES (?, ?, 0, 100)";
  await kept.store.write([{ sql, args: ["credit", "acc_1"] }]);
  const demand = { kind: "credit", owner: "acc_1", windowStart: 0, amount: 60 } as const;
  const dead = createAllowances({ store: kept.store, clock, processId: "p1", pid: 11 });
  await dead.start();
  await dead.reserve([demand]);
  const owed = new Set(["p1"]);
  const isOwed = (processId: string) => owed.has(processId);
  const next = createAllowances({
    store: kept.store,
    clock,
    processId: "p2",
    isAlive: () => false,
    isOwed,
  });
  await next.start();
  expect(await next.reserve([demand])).toHaveProperty("refused");
  owed.clear();
  await next.tick();
  expect(await next.reserve([demand])).toHaveProperty("settle");
});

test("after kill -9 and cuts of the wire, every row that was acknowledged is in the database once", async () => {
  const server = startHrana({ path: join(folder.path, "remote.db") });
  const store = await openStore({ url: server.url });
  await migrate(store, systemClock);
  await addCredit(
    store,
    { clock: systemClock, ids: createIds(systemClock) },
    { accountId: "acc_1", type: "credit", amount: nano(1e12), description: "Top-up", by: "test" },
  );
  const relay = await startRelay({ host: "127.0.0.1", port: Number(new URL(server.url).port) });
  const url = `http://127.0.0.1:${relay.port}`;
  const spools = openLeftSpools({
    store,
    clock: systemClock,
    dataDir: folder.path,
    onTrouble: (event) => void told.push(event),
    onSent() {},
  });
  const printed: string[] = [];
  for (let round = 0; round < 5; round++) {
    const script = join(import.meta.dir, "spool-writer.ts");
    const writer = Bun.spawn([process.execPath, script, url, folder.path], {
      stdout: "pipe",
      stderr: "inherit",
    });
    let text = "";
    let isCut = false;
    const decoder = new TextDecoder();
    for await (const bytes of writer.stdout) {
      text += decoder.decode(bytes, { stream: true });
      const lines = text.split("\n").length;
      if (!isCut && lines > 60 + round * 20) {
        isCut = true;
        await relay.cut("refuse");
      }
      if (lines > 200 + round * 50) writer.kill("SIGKILL");
    }
    await writer.exited;
    printed.push(...text.split("\n").slice(0, -1));
    await relay.mend();
    await spools.send();
  }
  const found = await store.read("SELECT id FROM generation_record", []);
  const has = new Set(found.map((row) => textOf(row, "id")));
  expect(printed.length).toBeGreaterThan(1000);
  expect(printed.filter((id) => !has.has(id))).toEqual([]);
  expect(found).toHaveLength(has.size);
  expect(await checkBalances(store)).toEqual([]);
  const [row] = await store.read("SELECT used FROM allowance WHERE kind = 'credit'", []);
  expect(numberIn(row, "used")).toBe(has.size * cost);
  expect((await verifyChain(store)).faults).toEqual([]);
  expect([spooled(), told]).toEqual([[], []]);
  store.close();
  await relay.stop();
  await server.stop();
}, 60_000);

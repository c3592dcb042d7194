import { expect, test } from "bun:test";
import { getViewSelectedFields } from "drizzle-orm";
import { recordMembers } from "#db/record.ts";
import { generation as generationView } from "#db/schema.ts";
import { createIds } from "#src/lib/id.ts";
import { linkHash, verifyChain } from "#src/ledger/chain.ts";
import { createLedger, type Ledger } from "#src/ledger/commit.ts";
import { findGeneration } from "#src/ledger/generations.ts";
import { nano } from "#src/ledger/money.ts";
import { activity, hourly, timeseries, totals } from "#src/ledger/rollups.ts";
import { recordOf } from "#src/ledger/row.ts";
import { addCredit, balanceOf, checkBalances, listTransactions } from "#src/ledger/transactions.ts";
import { StoreError } from "#src/store/error.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryStore } from "#test/store/temporary.ts";
import { sampleGeneration } from "./sample.ts";

const clock = createFakeClock();

function ledgerOn(store: Store, processId = "prc_1"): Ledger {
  return createLedger({ store, clock, processId, retryMilliseconds: [0, 0] });
}

async function recordMany(store: Store, count: number): Promise<string[]> {
  const ledger = ledgerOn(store);
  const made = Array.from({ length: count }, () => sampleGeneration());
  await Promise.all(made.map((generation) => ledger.record({ generation, movements: [] })));
  return made.map(({ id }) => id);
}

async function faultsAfter(...tampering: string[]): Promise<unknown[]> {
  using kept = await temporaryStore();
  await recordMany(kept.store, 5);
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 5, faults: [] });
  await kept.store.write(tampering.map((sql) => ({ sql, args: [] })));
  return (await verifyChain(kept.store)).faults.map(({ fault, sequence }) => [fault, sequence]);
}

/** Puts a value into a record without its hash. */
const tamper = (sequence: number): string =>
  `UPDATE generation_record SET record = json_set(record, '$[${recordMembers.indexOf("cost")}]', 1) WHERE sequence = ${sequence}`;

test("every member of a record can be read by SQL under its name", async () => {
  using kept = await temporaryStore();
  const names = Object.values(getViewSelectedFields(generationView)).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining([...recordMembers]));
  const made = sampleGeneration();
  await ledgerOn(kept.store).record({ generation: made, movements: [] });
  const [row] = await kept.store.read("SELECT * FROM generation", []);
  expect(recordMembers.map((name) => row?.[name] ?? null)).toEqual(JSON.parse(recordOf(made)));
});

test("a generation comes back as it was recorded, full and bare, with odd text", async () => {
  using kept = await temporaryStore();
  const ledger = ledgerOn(kept.store);
  const full = sampleGeneration({
    user: "zoë 🌍 ' \" \\ \u2028",
    app: "https://a.example",
    isByok: true,
  });
  const bare = sampleGeneration({
    completionId: undefined,
    user: undefined,
    model: undefined,
    provider: undefined,
    region: undefined,
    tokens: undefined,
    rawUsage: undefined,
    cost: undefined,
    costPrompt: undefined,
    costCompletion: undefined,
    upstreamCost: undefined,
    energyWh: 5,
    carbonG: undefined,
    carbonPer1kG: undefined,
    accuracy: undefined,
    methodology: undefined,
    gridGPerKwh: undefined,
    gridZone: undefined,
    measured: undefined,
    trace: [],
    status: "client_error",
    errorCode: "model_not_found",
  });
  const odd = sampleGeneration({ user: "a\0b\ud800c", energyWh: -0, latencyMs: 12 });
  await Promise.all(
    [full, bare, odd].map((generation) => ledger.record({ generation, movements: [] })),
  );
  expect(await findGeneration(kept.store, "acc_1", full.id)).toEqual(full);
  expect(await findGeneration(kept.store, undefined, bare.id)).toEqual(bare);
  expect((await findGeneration(kept.store, "acc_1", odd.id))?.user).toBe("a\ufffdb\ufffdc");
  expect(await findGeneration(kept.store, "acc_1", full.completionId ?? "")).toEqual(full);
  expect(await findGeneration(kept.store, "acc_2", full.id)).toBeUndefined();
  expect((await verifyChain(kept.store)).faults).toEqual([]);
});

test("everything recorded in one turn is one commit", async () => {
  using kept = await temporaryStore();
  const groups: number[] = [];
  const ledger = createLedger({
    store: kept.store,
    clock,
    processId: "prc_1",
    onCommit: (rows) => groups.push(rows),
  });
  for (let turn = 0; turn < 3; turn++) {
    await Promise.all(
      Array.from({ length: 10 }, () =>
        ledger.record({ generation: sampleGeneration(), movements: [] }),
      ),
    );
  }
  expect(groups).toEqual([10, 10, 10]);
  await ledger.close();
  await expect(ledger.record({ generation: sampleGeneration(), movements: [] })).rejects.toThrow(
    "closed",
  );
});

test("the sum of transactions is the balance, after credits, requests, failures and refunds", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const ids = createIds(clock);
  const by = "cli";
  const grant = {
    accountId: "acc_1",
    type: "credit",
    amount: nano(50_000_000_000),
    description: "Top-up",
    by,
  } as const;
  await addCredit(store, { clock, ids }, grant);
  await recordMany(store, 7);
  const ledger = ledgerOn(store, "prc_2");
  await ledger.record({
    generation: sampleGeneration({ cost: nano(10) }),
    movements: [{ kind: "credit", owner: "acc_1", windowStart: 0, used: 10 }],
  });
  // A movement that does not say what the row says: the row counts.
  await ledger.record({
    generation: sampleGeneration({ cost: nano(20) }),
    movements: [{ kind: "credit", owner: "acc_1", windowStart: 0, used: 99 }],
  });
  await ledger.record({ generation: sampleGeneration({ cost: undefined }), movements: [] });
  await addCredit(
    store,
    { clock, ids },
    { ...grant, type: "refund", amount: nano(-1000), description: "Back" },
  );
  expect(await balanceOf(store, "acc_1")).toEqual({
    granted: nano(49_999_999_000),
    used: nano(7 * 4_200_000 + 30),
    balance: nano(49_999_999_000 - 7 * 4_200_000 - 30),
  });
  expect(await checkBalances(store)).toEqual([]);
  const { items } = await listTransactions(store, "acc_1", { pageSize: 100 });
  expect(items.reduce((sum, { amount }) => sum + amount, 0)).toBe(
    49_999_999_000 - 7 * 4_200_000 - 30,
  );
  expect(items.map(({ id }) => id)).toEqual(
    items
      .map(({ id }) => id)
      .sort()
      .reverse(),
  );
  expect(items.find(({ type }) => type === "usage")).toMatchObject({
    description: "openai/gpt-5.4 - 500 input tokens, 200 output tokens",
  });
  await store.write([{ sql: "UPDATE allowance SET used = used + 1", args: [] }]);
  expect(await checkBalances(store)).toHaveLength(1);
});

test("pages of transactions join without gap or repeat", async () => {
  using kept = await temporaryStore();
  const made = await recordMany(kept.store, 7);
  const seen: string[] = [];
  let pageToken: string | undefined;
  do {
    const page = await listTransactions(kept.store, "acc_1", { pageSize: 3, pageToken });
    seen.push(...page.items.map(({ generationId }) => generationId ?? ""));
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  expect(seen).toEqual(made.toReversed());
  await expect(
    listTransactions(kept.store, "acc_1", { pageSize: 3, pageToken: "nonsense" }),
  ).rejects.toThrow("page_token");
});

test("verifyChain() finds and names each tampering", async () => {
  const swap = [
    "UPDATE generation_record SET sequence = 99 WHERE sequence = 2",
    "UPDATE generation_record SET sequence = 2 WHERE sequence = 3",
    "UPDATE generation_record SET sequence = 3 WHERE sequence = 99",
  ];
  const forge = (sequence: number, chain: string): string =>
    `INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
     SELECT 'gen_forged', account_id, record, '${chain}', ${sequence}, previous, hash FROM generation_record WHERE sequence = 1`;
  expect(await faultsAfter(tamper(3))).toEqual([["changed", 3]]);
  expect(await faultsAfter("DELETE FROM generation_record WHERE sequence = 3")).toEqual([
    ["removed", 3],
  ]);
  expect(await faultsAfter("DELETE FROM generation_record WHERE sequence = 5")).toEqual([
    ["removed", 5],
  ]);
  expect(await faultsAfter("DELETE FROM generation_record WHERE sequence = 1")).toEqual([
    ["removed", 1],
  ]);
  expect(await faultsAfter(...swap)).toContainEqual(["reordered", 2]);
  expect(await faultsAfter(forge(6, "prc_1"))).toEqual([["inserted", 6]]);
  expect(await faultsAfter(forge(1, "prc_other"))).toEqual([["inserted", 1]]);
});

test("verifyChain() finds a changed row whose own hash was made to fit", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  await recordMany(store, 5);
  await store.write([{ sql: tamper(3), args: [] }]);
  const [row] = await store.read("SELECT * FROM generation_record WHERE sequence = 3", []);
  const hash = linkHash(String(row?.["previous"]), String(row?.["record"]));
  await store.write([
    { sql: "UPDATE generation_record SET hash = ? WHERE sequence = 3", args: [hash] },
  ]);
  expect((await verifyChain(store)).faults).toMatchObject([{ sequence: 4 }]);
  await store.write([
    { sql: "UPDATE generation_record SET previous = ? WHERE sequence = 4", args: [hash] },
  ]);
  expect((await verifyChain(store)).faults).toMatchObject([{ fault: "changed", sequence: 4 }]);
});

test("a row rewritten at the end of the chain does not fit its recorded end", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  await recordMany(store, 2);
  await store.write([{ sql: tamper(2), args: [] }]);
  const [row] = await store.read("SELECT * FROM generation_record WHERE sequence = 2", []);
  const hash = linkHash(String(row?.["previous"]), String(row?.["record"]));
  await store.write([
    { sql: "UPDATE generation_record SET hash = ? WHERE sequence = 2", args: [hash] },
  ]);
  expect((await verifyChain(store)).faults).toMatchObject([{ fault: "changed", sequence: 2 }]);
});

test("record() is not done before the row is there", async () => {
  using kept = await temporaryStore();
  const commit = Promise.withResolvers<void>();
  const store: Store = {
    ...kept.store,
    write: (statements) => commit.promise.then(() => kept.store.write(statements)),
  };
  let isDone = false;
  const recorded = ledgerOn(store)
    .record({ generation: sampleGeneration(), movements: [] })
    .then(() => {
      isDone = true;
    });
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isDone).toBe(false);
  commit.resolve();
  await recorded;
});

test("a busy database is waited for, and rows keep their order", async () => {
  using kept = await temporaryStore();
  const faults: number[] = [];
  let refusals = 2;
  const store: Store = {
    ...kept.store,
    write(statements) {
      if (refusals-- > 0) throw new StoreError("busy", "busy");
      return kept.store.write(statements);
    },
  };
  const ledger = createLedger({
    store,
    clock,
    processId: "prc_1",
    retryMilliseconds: [0, 0],
    onFault: (_, attempt) => faults.push(attempt),
  });
  const first = ledger.record({ generation: sampleGeneration(), movements: [] });
  const second = ledger.record({ generation: sampleGeneration(), movements: [] });
  await Promise.all([first, second]);
  expect(faults).toEqual([1, 2]);
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 2, faults: [] });
});

test("a database that stays away rejects, and the chain goes on without a gap", async () => {
  using kept = await temporaryStore();
  let isAway = true;
  const store: Store = {
    ...kept.store,
    write(statements) {
      if (isAway) throw new StoreError("unavailable", "away");
      return kept.store.write(statements);
    },
  };
  const ledger = ledgerOn(store);
  await expect(ledger.record({ generation: sampleGeneration(), movements: [] })).rejects.toThrow(
    "away",
  );
  isAway = false;
  await ledger.record({ generation: sampleGeneration(), movements: [] });
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 1, faults: [] });
});

test("a commit whose answer was lost is not done twice", async () => {
  using kept = await temporaryStore();
  let isLost = true;
  const store: Store = {
    ...kept.store,
    async write(statements) {
      const rows = await kept.store.write(statements);
      if (isLost) {
        isLost = false;
        throw new StoreError("unavailable", "lost");
      }
      return rows;
    },
  };
  const ledger = ledgerOn(store);
  await ledger.record({ generation: sampleGeneration({ cost: nano(7) }), movements: [] });
  await ledger.record({ generation: sampleGeneration({ cost: nano(7) }), movements: [] });
  expect((await balanceOf(kept.store, "acc_1")).used).toBe(nano(14));
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 2, faults: [] });
});

test("one bad row does not take its group with it", async () => {
  using kept = await temporaryStore();
  const ledger = ledgerOn(kept.store);
  const good = sampleGeneration();
  const again = sampleGeneration({ id: good.id, model: "other/model" });
  const last = sampleGeneration();
  const outcomes = await Promise.allSettled(
    [good, again, last].map((generation) => ledger.record({ generation, movements: [] })),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await verifyChain(kept.store)).toEqual({ chains: 1, rows: 2, faults: [] });
});

test("the daily totals are the sum of the rows, by any dimension", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const ledger = ledgerOn(store);
  const day = Date.UTC(2026, 0, 3, 23, 59, 59, 999);
  const rows = [
    sampleGeneration({ createdAt: day }),
    sampleGeneration({ createdAt: day + 1, model: "mistral/small", status: "upstream_error" }),
    sampleGeneration({
      createdAt: day + 1,
      carbonG: undefined,
      energyWh: undefined,
      user: undefined,
    }),
    sampleGeneration({ createdAt: day + 2, isByok: true, accountId: "acc_2" }),
  ];
  await Promise.all(rows.map((generation) => ledger.record({ generation, movements: [] })));
  expect(await totals(store, { account: "acc_1" })).toMatchObject({
    requests: 3,
    inputTokens: 1500,
    outputTokens: 600,
    cost: 3 * 4_200_000,
    withoutEco: 1,
    errors: 1,
    byokCost: 0,
  });
  expect(await totals(store, { account: "acc_9" })).toMatchObject({ requests: 0, cost: 0 });
  expect(
    await activity(store, { account: "acc_1", fromDay: "2026-01-04" }, ["day", "model", "user"]),
  ).toMatchObject([
    { day: "2026-01-04", model: "mistral/small", user: "customer_abc123", requests: 1 },
    { day: "2026-01-04", model: "openai/gpt-5.4", user: "", requests: 1 },
  ]);
  expect(
    await activity(store, {}, ["account", "key", "provider", "region", "methodology"]),
  ).toMatchObject([
    { account: "acc_1", key: "f01d52", provider: "openai", region: "eu-west", requests: 3 },
    { account: "acc_2", byokCost: 4_000_000 },
  ]);
  expect(await timeseries(store, {}, "daily")).toMatchObject([
    { start: Date.UTC(2026, 0, 3), requests: 1 },
    { start: Date.UTC(2026, 0, 4), requests: 3 },
  ]);
  expect(await timeseries(store, {}, "monthly")).toMatchObject([
    { start: Date.UTC(2026, 0), requests: 4 },
  ]);
  expect(await hourly(store, { account: "acc_1" }, day, day + 2)).toMatchObject([
    { start: Date.UTC(2026, 0, 3, 23), requests: 1 },
    { start: Date.UTC(2026, 0, 4), requests: 2, errors: 1, withoutEco: 1 },
  ]);
});

import { expect, spyOn, test } from "bun:test";
import type { Generation } from "#src/ledger/generation.ts";
import { type GenerationSearch, searchGenerations, type Stride } from "#src/ledger/generations.ts";
import { timeOfId, ulidStart } from "#src/lib/id.ts";
import type { Store } from "#src/store/store.ts";
import { temporaryStore } from "#test/store/temporary.ts";
import { keep } from "#test/web/dashboard-requests-kit.ts";

const day = 86_400_000;
const start = Date.UTC(2026, 0, 1);
const year = { accountId: "acc_1", from: start, to: start + 365 * day };

/** Every step of a search. */
async function strides(
  store: Store,
  search: GenerationSearch,
  rows = 10,
  before?: string,
): Promise<Stride[]> {
  return Array.fromAsync(searchGenerations(store, search, { before, rows }));
}

const idsOf = (found: readonly Stride[]) => found.flatMap(({ items }) => items.map(({ id }) => id));

/** One request every hour of a hundred days. */
function hourly(parts: (at: number) => Partial<Generation> = () => ({})) {
  return Array.from({ length: 2400 }, (_, at) => ({
    accountId: "acc_1",
    createdAt: start + at * 3_600_000,
    ...parts(at),
  }));
}

test("a search finds what a scan finds, whatever the step, and goes on from any of its rows", async () => {
  using kept = await temporaryStore();
  const rows = hourly((at) => ({
    keyId: `k${at % 7}`,
    user: at % 5 === 0 ? "ada" : undefined,
    provider: at % 3 === 0 ? "mistral" : "openai",
    status: at % 11 === 0 ? "upstream_error" : "ok",
    ...(at % 11 === 0 ? { model: undefined, requestedModel: "openai/gone" } : {}),
    accountId: at % 2 === 0 ? "acc_1" : "acc_2",
  }));
  const ids = await keep(kept.store, rows);
  const scan = (fits: (row: (typeof rows)[number]) => boolean) =>
    ids.filter((_, at) => rows[at]?.accountId === "acc_1" && fits(rows[at])).toReversed();
  const searches: [Partial<GenerationSearch>, (row: (typeof rows)[number]) => boolean][] = [
    [{}, () => true],
    [{ user: "ada" }, ({ user }) => user === "ada"],
    [{ keyIds: ["k1", "k4"] }, ({ keyId }) => keyId === "k1" || keyId === "k4"],
    [{ keyIds: [] }, () => false],
    [
      { provider: "mistral", status: "ok" },
      (row) => row.provider === "mistral" && row.status === "ok",
    ],
    [{ status: "upstream_error" }, ({ status }) => status === "upstream_error"],
    [{ model: "openai/gone" }, ({ requestedModel }) => requestedModel === "openai/gone"],
    [{ model: "openai/gpt-5.4" }, ({ requestedModel }) => requestedModel !== "openai/gone"],
    [{ region: "nowhere" }, () => false],
    [
      { from: start + 10 * day, to: start + 20 * day },
      ({ createdAt }) => createdAt >= start + 10 * day && createdAt < start + 20 * day,
    ],
  ];
  for (const [search, fits] of searches) {
    const expected = scan(fits);
    for (const step of [1, 7, 500]) {
      if (step === 1 && expected.length > 300) continue;
      const found = idsOf(await strides(kept.store, { ...year, ...search }, step));
      expect([search, step, found]).toEqual([search, step, expected]);
    }
    const middle = expected[Math.floor(expected.length / 2)];
    if (middle === undefined) continue;
    const rest = idsOf(await strides(kept.store, { ...year, ...search }, 50, middle));
    expect(rest).toEqual(expected.slice(Math.floor(expected.length / 2) + 1));
  }
});

test("on the thread that answers nothing but an index is read: the requests themselves are read aside", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  await keep(
    store,
    hourly((at) => ({ user: at % 5 === 0 ? "ada" : undefined })),
  );
  using reads = spyOn(store, "read");
  using snapshots = spyOn(store, "snapshot");
  for (const search of [{}, { user: "ada" }]) {
    const found = idsOf(await strides(store, { ...year, ...search }, 100));
    expect(found.length).toBeGreaterThan(400);
  }
  const asked = reads.mock.calls.filter(([sql]) => sql.includes("generation"));
  expect(asked.length).toBeGreaterThan(20);
  for (const [sql, args] of asked.slice(0, 20)) {
    const plan = await store.read(`EXPLAIN QUERY PLAN ${sql}`, args);
    const tables = plan
      .map(({ detail }) => String(detail))
      .filter((line) => / generation/.test(line));
    expect(tables.length).toBeGreaterThan(0);
    for (const line of tables) expect(line).toMatch(/^SEARCH \w+ USING COVERING INDEX /);
  }
  expect(snapshots.mock.calls.length).toBeGreaterThan(20);
}, 30_000);

test("a request that came in before midnight and got its id after is of the day before", async () => {
  using kept = await temporaryStore();
  const [id = ""] = await keep(kept.store, [
    { accountId: "acc_1", createdAt: start + day - 1, user: "ada" },
    { accountId: "acc_1", createdAt: start + day + 3_600_000, user: "max" },
  ]);
  expect(timeOfId(id)).toBe(start + day + 2);
  const first = { accountId: "acc_1", from: start, to: start + day };
  expect(idsOf(await strides(kept.store, first))).toEqual([id]);
  expect(
    idsOf(await strides(kept.store, { ...first, from: start + day, to: start + 2 * day })).includes(
      id,
    ),
  ).toBe(false);
  // The totals of the second day know no ada: it is passed over, but not its first minutes.
  expect(idsOf(await strides(kept.store, { ...year, user: "ada" }))).toEqual([id]);
});

test("days without a match are passed over by their totals: a rare key costs few rows", async () => {
  using kept = await temporaryStore();
  const ids = await keep(
    kept.store,
    // Not at midnight: the first minutes of a day are looked at in any case.
    hourly((at) => ({
      keyId: at === 100 ? "rare" : "busy",
      createdAt: start + (at + 0.5) * 3_600_000,
    })),
  );
  const found = await strides(kept.store, { ...year, keyIds: ["rare"] }, 24);
  expect(idsOf(found)).toEqual([ids[100] ?? ""]);
  const looked = found.reduce((sum, { rows }) => sum + rows, 0);
  expect(looked).toBeLessThan(30);
  const nothing = await strides(kept.store, { ...year, provider: "nobody" }, 24);
  expect(nothing.reduce((sum, { rows }) => sum + rows, 0)).toBe(0);
});

test("every step reads a bounded part of the index of account and id", async () => {
  using kept = await temporaryStore();
  await keep(kept.store, hourly());
  const read: { sql: string; args: readonly (string | number | null)[] }[] = [];
  const watched: Store = {
    ...kept.store,
    read(sql, args) {
      read.push({ sql, args });
      return kept.store.read(sql, args);
    },
  };
  // Some of each day fit by the totals, none by the rows: the most that a search can have to do.
  await strides(
    watched,
    { ...year, model: "openai/gpt-5.4", status: "ok", user: "customer_abc123" },
    100,
  );
  for (const { sql, args } of read.slice(0, 6)) {
    const plan = await kept.store.read(`EXPLAIN QUERY PLAN ${sql}`, args);
    const text = plan.map(({ detail }) => String(detail)).join("; ");
    expect([sql, text]).toEqual([
      sql,
      expect.stringMatching(
        /SEARCH .*USING (COVERING )?INDEX (generation_account|sqlite_autoindex_rollup_1)/,
      ),
    ]);
    expect(text).not.toContain("TEMP B-TREE");
  }
});

test("the start of a time sorts before every id that is made then, and after all before", () => {
  expect(ulidStart(start)).toHaveLength(26);
  expect(timeOfId(`gen_${ulidStart(start)}`)).toBe(start);
  expect(ulidStart(start + 1) > ulidStart(start)).toBe(true);
});

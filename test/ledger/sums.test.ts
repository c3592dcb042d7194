import { expect, test } from "bun:test";
import { createLedger } from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { nano } from "#src/ledger/money.ts";
import { activity, type Dimension, type Totals, totals } from "#src/ledger/rollups.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryStore } from "#test/store/temporary.ts";
import { sampleGeneration } from "./sample.ts";

const dayMs = 86_400_000;

function energyOf(at: number): number | undefined {
  return at % 6 === 0 ? undefined : 2 ** -(at % 8);
}

function boundsOf(energyWh: number | undefined): Generation["energyBounds"] {
  return energyWh === undefined ? undefined : { low: energyWh / 2, high: energyWh * 2 };
}

/** Rows of two or three values in each dimension, so that many share a total, no two alike in what they sum. */
const rows: Generation[] = Array.from({ length: 60 }, (_, at) =>
  sampleGeneration({
    createdAt: Date.UTC(2026, 0, 30, 12) + (at % 3) * dayMs,
    accountId: `acc_${at % 2}`,
    keyId: `key_${at % 3}`,
    user: at % 4 === 0 ? undefined : `user_${at % 2}`,
    model: at % 5 === 0 ? "mistral/small" : "openai/gpt-5.4",
    provider: at % 5 === 0 ? "mistral" : "openai",
    region: at % 2 === 0 ? "eu-west" : "us-east",
    status: at % 7 === 0 ? "upstream_error" : "ok",
    isByok: at % 11 === 0,
    tokens: {
      inputFresh: at,
      cacheRead: 2 * at,
      cacheWrite5m: 3 * at,
      cacheWrite1h: 5 * at,
      outputVisible: 7 * at,
      reasoning: 11 * at,
    },
    cost: nano(1000 + at),
    upstreamCost: nano(500 + at),
    // Sums of powers of two are exact in any order.
    energyWh: energyOf(at),
    carbonG: at % 6 === 0 ? undefined : 2 ** -(at % 9),
    gridGPerKwh: 1000,
    energyBounds: at % 4 === 1 ? undefined : boundsOf(energyOf(at)),
  }),
);

/** What a row adds to each total. */
function partOf(row: Generation): Totals {
  const { tokens, status, cost = 0, upstreamCost = 0 } = row;
  const of = (name: keyof NonNullable<Generation["tokens"]>) => tokens?.[name] ?? 0;
  return {
    requests: 1,
    inputFresh: of("inputFresh"),
    cacheRead: of("cacheRead"),
    cacheWrite5m: of("cacheWrite5m"),
    cacheWrite1h: of("cacheWrite1h"),
    outputVisible: of("outputVisible"),
    reasoning: of("reasoning"),
    inputTokens: of("inputFresh") + of("cacheRead") + of("cacheWrite5m") + of("cacheWrite1h"),
    outputTokens: of("outputVisible") + of("reasoning"),
    cost,
    upstreamCost,
    byokCost: row.isByok ? upstreamCost : 0,
    energyWh: row.energyWh ?? 0,
    carbonG: row.carbonG ?? 0,
    energyWhLow: row.energyBounds?.low ?? 0,
    energyWhHigh: row.energyBounds?.high ?? 0,
    carbonGLow: row.energyBounds?.low ?? 0,
    carbonGHigh: row.energyBounds?.high ?? 0,
    withoutBounds: row.carbonG !== undefined && row.energyBounds === undefined ? 1 : 0,
    withoutEco: row.carbonG === undefined ? 1 : 0,
    errors: status === "ok" ? 0 : 1,
  };
}

function sumOf(some: readonly Generation[]): Totals {
  const [first, ...rest] = some.map(partOf);
  if (first === undefined) throw new Error("there is no row to sum");
  return rest.reduce((sum, part) => {
    const added = Object.entries(sum).map(([name, value]) => [
      name,
      value + Number(Reflect.get(part, name)),
    ]);
    return { ...sum, ...Object.fromEntries(added) };
  }, first);
}

const valueOf: Record<Dimension, (row: Generation) => string> = {
  day: ({ createdAt }) => new Date(createdAt).toISOString().slice(0, 10),
  account: ({ accountId }) => accountId,
  key: ({ keyId }) => keyId,
  user: ({ user = "" }) => user,
  model: ({ model = "" }) => model,
  creator: ({ model = "" }) => model.slice(0, Math.max(0, model.indexOf("/"))),
  provider: ({ provider = "" }) => provider,
  region: ({ region = "" }) => region,
  methodology: ({ methodology = "" }) => methodology,
};

test("rollups are the sum of the rows: of one commit and of many, by every dimension and pair of them", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const clock = createFakeClock();
  const ledger = createLedger({ store, clock, processId: "prc_1" });
  const together = rows.slice(0, 40);
  await Promise.all(together.map((generation) => ledger.record({ generation, movements: [] })));
  for (const generation of rows.slice(40)) await ledger.record({ generation, movements: [] });

  expect(await totals(store, {})).toEqual(sumOf(rows));
  const dimensions: Dimension[] = [
    ...(["day", "account", "key", "user"] as const),
    ...(["model", "creator", "provider", "region"] as const),
  ];
  const groupings = dimensions.flatMap((one, at) => [
    [one],
    ...dimensions.slice(at + 1).map((other): Dimension[] => [one, other]),
  ]);
  for (const grouping of groupings) {
    const placeOf = (row: Generation) => grouping.map((dimension) => valueOf[dimension](row));
    const groups = Map.groupBy(rows, (row) => placeOf(row).join());
    const expected = [...groups.values()].map((some) => sumOf(some));
    const found = await activity(store, {}, grouping);
    const summed = found.map((row) => {
      const part = groups.get(grouping.map((dimension) => row[dimension]).join()) ?? [];
      return { told: { ...row }, should: { ...row, ...sumOf(part) } };
    });
    expect([grouping, found.length]).toEqual([grouping, expected.length]);
    for (const { told, should } of summed) expect(told).toEqual(should);
  }
});

test("a filter leaves out what it names, and nothing else", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const ledger = createLedger({ store, clock: createFakeClock(), processId: "prc_1" });
  await Promise.all(rows.map((generation) => ledger.record({ generation, movements: [] })));
  const picked: [filter: object, isIn: (row: Generation) => boolean][] = [
    [{ account: "acc_1" }, (row) => row.accountId === "acc_1"],
    [{ key: "key_2" }, (row) => row.keyId === "key_2"],
    [{ user: "user_1" }, (row) => row.user === "user_1"],
    [{ model: "mistral/small" }, (row) => row.model === "mistral/small"],
    [{ provider: "openai" }, (row) => row.provider === "openai"],
    [{ region: "eu-west" }, (row) => row.region === "eu-west"],
    [{ fromDay: "2026-01-31" }, (row) => valueOf.day(row) >= "2026-01-31"],
    [{ toDay: "2026-01-31" }, (row) => valueOf.day(row) <= "2026-01-31"],
  ];
  for (const [filter, isIn] of picked)
    expect([filter, await totals(store, filter)]).toEqual([filter, sumOf(rows.filter(isIn))]);
});

import { expect, test } from "bun:test";
import { migrations } from "#db/migrations.ts";
import { recordMembers } from "#db/record.ts";
import { chainStart, verifyChain } from "#src/ledger/chain.ts";
import { findGeneration } from "#src/ledger/generations.ts";
import { writeRollups } from "#src/ledger/rollup.ts";
import { recordOf } from "#src/ledger/row.ts";
import { checkBalances, listTransactions } from "#src/ledger/transactions.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Statement, Value } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { sampleGeneration } from "./sample.ts";

const clock = createFakeClock();
const columns = recordMembers.slice(0, recordMembers.indexOf("upstream_id"));

/** A row as it was when each member had its own column, and its hash as it was made then. */
function oldRow(values: Value[], sequence: number, previous: string): [Statement, string] {
  const hash = sha256Hex(previous + JSON.stringify(values));
  const places = Array.from({ length: columns.length + 4 }, () => "?").join(", ");
  const sql = `INSERT INTO generation (${columns.join(", ")}, chain, sequence, previous, hash) VALUES (${places})`;
  return [{ sql, args: [...values, "prc_old", sequence, previous, hash] }, hash];
}

test("rows of the first schema keep their ids, members, sums and hashes through an upgrade", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ url: `file:${folder.path}/old.db` });
  await migrate(store, clock, migrations.slice(0, 1));
  const made = [
    sampleGeneration({ upstreamId: undefined, energyBounds: undefined }),
    sampleGeneration({
      upstreamId: undefined,
      energyBounds: undefined,
      tokens: undefined,
      user: "zoë \u2028",
      latencyMs: 3,
    }),
  ];
  let hash = chainStart("prc_old");
  for (const [at, generation] of made.entries()) {
    const values: Value[] = JSON.parse(recordOf(generation)).slice(0, columns.length);
    const [statement, next] = oldRow(values, at + 1, hash);
    hash = next;
    await store.write([statement]);
  }
  const spent = made.reduce((sum, { cost = 0 }) => sum + cost, 0);
  await store.write([
    {
      sql: "INSERT INTO process (id, started_at, sequence, head) VALUES ('prc_old', 0, 2, ?)",
      args: [hash],
    },
    {
      sql: "INSERT INTO allowance (kind, owner, window_start, used) VALUES ('credit', 'acc_1', 0, ?)",
      args: [spent],
    },
  ]);
  expect(await migrate(store, clock)).toMatchObject({ from: 1, to: migrations.length });
  expect(await verifyChain(store)).toEqual({ chains: 1, rows: 2, faults: [] });
  for (const generation of made)
    expect(await findGeneration(store, "acc_1", generation.id)).toEqual(generation);
  // As they were written with the rows.
  await store.write(writeRollups(made));
  expect((await listTransactions(store, "acc_1", { pageSize: 5 })).items).toHaveLength(2);
  expect(await checkBalances(store)).toEqual([]);
  store.close();
});

/** What the rows before the seventh step of the schema say of energy, in the order in which they were added up. */
const energies = [0.1, 0.2, 0.3, 7.123456789012345, 1e-13];

test("sums that were added up in floating point become those of their rows, and bounds stay unknown", async () => {
  using folder = temporaryFolder();
  const store = await openStore({ url: `file:${folder.path}/old.db` });
  await migrate(store, clock, migrations.slice(0, 6));
  const made = energies.map((energyWh) =>
    sampleGeneration({ energyWh, carbonG: energyWh / 3, energyBounds: undefined }),
  );
  const sumOf = (amounts: readonly number[]) => amounts.reduce((sum, amount) => sum + amount, 0);
  const place = "account, day, key, user, model, provider, region, methodology";
  const counts =
    "input_fresh, cache_read, cache_write_5m, cache_write_1h, output_visible, reasoning, cost, upstream_cost, byok_cost";
  const oldRollup = `INSERT INTO rollup (${place}, requests, ${counts}, energy_wh, carbon_g, without_eco, errors)
    VALUES (?, '2026-01-15', 'f01d52', 'customer_abc123', 'openai/gpt-5.4', 'openai', 'eu-west', 'v0.4-2026-01',
    ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?, ?, 1, 0)`;
  await store.write([
    ...made.map((row, at) => ({
      sql: `INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
        VALUES (?, 'acc_1', ?, 'prc_old', ?, '', '')`,
      args: [row.id, recordOf(row), at + 1],
    })),
    { sql: oldRollup, args: ["acc_1", energies.length, sumOf(energies), sumOf(energies) / 3] },
    // Whose rows are gone, so that the sum is all there is.
    { sql: oldRollup, args: ["acc_gone", 2, 0.1 + 0.2, 0.5] },
  ]);
  await migrate(store, clock);
  const whole = energies.map((energy) => BigInt(Math.round(energy * 1e12)));
  const rows = await store.read(
    "SELECT account, energy_pwh, carbon_pg, energy_low_pwh, without_bounds FROM rollup ORDER BY account",
    [],
  );
  expect(rows).toEqual([
    {
      account: "acc_1",
      energy_pwh: Number(whole.reduce((sum, one) => sum + one, 0n)),
      carbon_pg: energies.reduce((sum, energy) => sum + Math.round((energy / 3) * 1e12), 0),
      energy_low_pwh: 0,
      without_bounds: energies.length - 1,
    },
    {
      account: "acc_gone",
      energy_pwh: 300_000_000_000,
      carbon_pg: 500_000_000_000,
      energy_low_pwh: 0,
      without_bounds: 1,
    },
  ]);
  store.close();
});

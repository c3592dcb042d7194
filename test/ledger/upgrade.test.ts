import { expect, test } from "bun:test";
import { migrations } from "#db/migrations.ts";
import { recordMembers } from "#db/record.ts";
import { chainStart, verifyChain } from "#src/ledger/chain.ts";
import { findGeneration } from "#src/ledger/generations.ts";
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
    sampleGeneration({ upstreamId: undefined }),
    sampleGeneration({
      upstreamId: undefined,
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
  expect((await listTransactions(store, "acc_1", { pageSize: 5 })).items).toHaveLength(2);
  expect(await checkBalances(store)).toEqual([]);
  store.close();
});

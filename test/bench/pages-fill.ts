/** A store with a year of an account's requests in it, written in bulk, rollups the same as the ledger would have them. */
import { usageOfFill } from "#test/bench/pages-sample.ts";
import { chainStart, linkHash } from "#src/ledger/chain.ts";
import { recordOf } from "#src/ledger/row.ts";
import { createIds } from "#src/lib/id.ts";
import type { Statement, Store } from "#src/store/store.ts";

export interface Fill {
  accountId: string;
  /** Hashes of its keys. */
  keys: readonly string[];
  models: readonly string[];
  generations: number;
  days: number;
  /** The last moment of it, Unix milliseconds. */
  now: number;
}

const chain = "bench";
const insertRow = `INSERT INTO generation_record (id, account_id, record, chain, sequence, previous, hash)
VALUES (?, ?, ?, '${chain}', ?, ?, ?)`;
const rowsAtOnce = 20_000;
const dayMs = 86_400_000;

/** Writes the requests, oldest first, then the totals from them. The end of the chain is left out: nothing here checks it. */
export async function fillStore(store: Store, fill: Fill): Promise<void> {
  const { accountId, generations, days, now } = fill;
  let time = now - days * dayMs;
  const step = (days * dayMs) / generations;
  const ids = createIds({ now: () => Math.floor(time), monotonic: () => 0 });
  const sample = usageOfFill(fill);
  let previous = chainStart(chain);
  for (let done = 0; done < generations;) {
    const statements: Statement[] = [];
    for (; statements.length < rowsAtOnce && done < generations; done++) {
      const id = ids.next("gen");
      const record = recordOf(sample(id, Math.floor(time)));
      const hash = linkHash(previous, record);
      statements.push({ sql: insertRow, args: [id, accountId, record, done + 1, previous, hash] });
      previous = hash;
      time += step;
    }
    await store.write(statements);
  }
  await store.write([
    { sql: sumUp, args: [accountId] },
    { sql: moveCredit, args: [accountId, accountId] },
  ]);
}

const sumUp = `INSERT INTO rollup SELECT date(created_at / 1000, 'unixepoch') AS day, account_id, key_id,
coalesce(user, ''), coalesce(model, ''), coalesce(provider, ''), coalesce(region, ''), coalesce(methodology, ''),
count(*), sum(coalesce(input_fresh, 0)), sum(coalesce(cache_read, 0)), sum(coalesce(cache_write_5m, 0)),
sum(coalesce(cache_write_1h, 0)), sum(coalesce(output_visible, 0)), sum(coalesce(reasoning, 0)),
sum(coalesce(cost, 0)), sum(coalesce(upstream_cost, 0)),
sum(CASE WHEN is_byok THEN coalesce(upstream_cost, 0) ELSE 0 END), sum(carbon_g IS NULL), sum(status <> 'ok'),
sum(CAST(round(coalesce(energy_wh, 0) * 1e12) AS INTEGER)), sum(CAST(round(coalesce(carbon_g, 0) * 1e12) AS INTEGER)),
0, 0, 0, 0, sum(carbon_g IS NOT NULL)
FROM generation WHERE account_id = ? GROUP BY 1, 2, 3, 4, 5, 6, 7, 8`;
const moveCredit = `INSERT INTO allowance (kind, owner, window_start, used)
SELECT 'credit', ?, 0, coalesce(sum(cost), 0) FROM rollup WHERE account = ?
ON CONFLICT DO UPDATE SET used = used + excluded.used`;

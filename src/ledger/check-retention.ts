import { retentionState } from "#src/ledger/retention.ts";
import type { Check } from "#src/lib/check.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { numberIn, type Store } from "#src/store/store.ts";

const dayMs = 86_400_000;
/** For how long usage is kept, when some was last removed, and what is still to be removed. Never at fault: the chain's check is. */
export async function checkRetention(store: Store, usageDays: number, now: number): Promise<Check> {
  const { rows, until, lastAt } = await retentionState(store);
  const removed =
    until === undefined || lastAt === undefined
      ? "nothing was removed yet"
      : `${rows} rows until ${rfc3339(until)} were removed, the last on ${rfc3339(lastAt)}`;
  if (usageDays === 0) return { name: "old usage", ok: true, found: `kept for ever; ${removed}` };
  const [oldest] = await store.read(
    "SELECT created_at FROM generation ORDER BY position LIMIT 1",
    [],
  );
  const since = numberIn(oldest, "created_at");
  const isDue = since !== undefined && since < now - (now % dayMs) - usageDays * dayMs;
  const due = isDue
    ? `; rows from ${rfc3339(since)} on are due, and go while the gateway runs`
    : "";
  return {
    name: "old usage",
    ok: true,
    found: `kept for ${usageDays} days; ${removed}${due}`,
  };
}

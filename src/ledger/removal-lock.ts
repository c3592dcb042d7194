import type { Clock } from "#src/lib/clock.ts";
import type { Store } from "#src/store/store.ts";

/** Lets one process at a time remove rows. Two that do it all the same harm nothing: the second one's first batch fails. */
export interface RemovalLock {
  /** False where another process has it. */
  take(): Promise<boolean>;
  /** False where it was lost meanwhile. */
  renew(): Promise<boolean>;
  letGo(): Promise<void>;
}

const setting = "retention_lock";
const take = `INSERT INTO setting (key, value) VALUES ('${setting}', ?1)
ON CONFLICT DO UPDATE SET value = ?1 WHERE CAST(value AS INTEGER) < ?2 RETURNING value`;
const renew = `UPDATE setting SET value = ?1 WHERE key = '${setting}' AND value = ?2 RETURNING value`;
const letGo = `DELETE FROM setting WHERE key = '${setting}' AND value = ?`;
/** How long a process that died while it removed holds the others up. */
const lockMs = 120_000;

/** A lock that this process does not hold yet. */
export function createRemovalLock({
  store,
  clock,
  processId,
}: {
  store: Store;
  clock: Clock;
  processId: string;
}): RemovalLock {
  let mark = "";
  let renewedAt = 0;
  const next = (): string => `${clock.now() + lockMs} ${processId}`;
  return {
    async take() {
      const wanted = next();
      const [taken = []] = await store.write([{ sql: take, args: [wanted, clock.now()] }]);
      if (taken.length === 0) return false;
      mark = wanted;
      renewedAt = clock.monotonic();
      return true;
    },
    async renew() {
      if (clock.monotonic() - renewedAt < lockMs / 4) return true;
      const wanted = next();
      const [kept = []] = await store.write([{ sql: renew, args: [wanted, mark] }]);
      if (kept.length === 0) return false;
      mark = wanted;
      renewedAt = clock.monotonic();
      return true;
    },
    async letGo() {
      await store.write([{ sql: letGo, args: [mark] }]);
    },
  };
}

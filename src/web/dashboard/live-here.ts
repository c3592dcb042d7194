import type { App } from "#src/gateway/context.ts";
import type { Job } from "#src/gateway/settle.ts";
import type { Generation } from "#src/ledger/generation.ts";
import type { Watch } from "#src/ledger/watch.ts";
import { type LiveRow, openRow } from "#src/web/dashboard/live-rows.ts";

/** Which requests somebody may see. */
export interface Sight {
  accountId: string;
  /** Hashes of keys; undefined: every request of the account. */
  only: ReadonlySet<string> | undefined;
}

/** Rows of each kind in one event. */
export const mostRows = 50;

/** Requests under way: the newest `mostRows`, newest first, and how many there are in all. */
export interface Open {
  rows: LiveRow[];
  total: number;
}

/** Somebody who wants to know what ends. */
export interface Onlooker {
  sight: Sight;
  /** Told of each row in sight: quick, and never throwing. */
  tell(generation: Generation): void;
}

/** The requests of this process. With nobody looking on, it does nothing at all. */
export interface Here {
  open(sight: Sight): Open;
  enter(onlooker: Onlooker): void;
  leave(onlooker: Onlooker): void;
}

/** Looks at the requests of one process. */
export function createHere(app: Pick<App, "clock"> & { open: Iterable<Job> }, watch: Watch): Here {
  const onlookers = new Set<Onlooker>();

  function tell(generation: Generation): void {
    for (const onlooker of onlookers)
      if (isSeen(onlooker.sight, generation.accountId, generation.keyId)) onlooker.tell(generation);
  }

  return {
    open(sight) {
      const seen: Job[] = [];
      for (const job of app.open) {
        const { account, key } = job.caller;
        if (isSeen(sight, account.id, key.hash)) seen.push(job);
      }
      const now = app.clock.monotonic();
      // Ids sort by when they were made.
      seen.sort((one, other) => (one.generationId < other.generationId ? 1 : -1));
      const newest = seen.slice(0, mostRows);
      return { rows: newest.map((job) => openRow(job, now)), total: seen.length };
    },
    enter(onlooker) {
      onlookers.add(onlooker);
      watch.listeners.add(tell);
    },
    leave(onlooker) {
      onlookers.delete(onlooker);
      if (onlookers.size === 0) watch.listeners.delete(tell);
    },
  };
}

function isSeen({ accountId, only }: Sight, account: string, key: string): boolean {
  return account === accountId && (only === undefined || only.has(key));
}

import type { Clock } from "#src/lib/clock.ts";
import type { Ids } from "#src/lib/id.ts";
import { StoreError } from "#src/store/error.ts";
import type { Store } from "#src/store/store.ts";

/** What every change of people needs. */
export interface Kit {
  store: Store;
  clock: Clock;
  ids: Ids;
}

/** Fails, and with it its transaction, unless the condition holds: SQLite refuses a text that is no JSON. */
export function unless(condition: string): string {
  return `SELECT json(iif(${condition}, '1', 'refused'))`;
}

/** Whether a transaction failed by such a condition, or by what has to be unique; not because the database is busy. */
export function isRefused(thrown: unknown): boolean {
  if (!(thrown instanceof StoreError)) return false;
  return thrown.fault === "conflict" || thrown.message.includes("malformed JSON");
}

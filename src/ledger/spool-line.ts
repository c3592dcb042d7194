import * as v from "valibot";
import type { AllowanceKind } from "#src/allowance/allowance.ts";
import type { Entry } from "#src/ledger/commit.ts";
import { generationOf, recordOf } from "#src/ledger/row.ts";

/** Each kind by name, so that one that is added is not forgotten here. */
const kinds: Record<AllowanceKind, AllowanceKind> = {
  credit: "credit",
  key_limit: "key_limit",
  key_daily: "key_daily",
  key_monthly: "key_monthly",
  requests_minute: "requests_minute",
  requests_day: "requests_day",
  tokens_minute: "tokens_minute",
  in_flight: "in_flight",
  free_minute: "free_minute",
  free_day: "free_day",
  carbon: "carbon",
  provider_minute: "provider_minute",
  provider_daily: "provider_daily",
  provider_monthly: "provider_monthly",
  byok_free: "byok_free",
};
const lineSchema = v.tuple([
  v.string(),
  v.array(
    v.object({
      kind: v.enum(kinds),
      owner: v.string(),
      windowStart: v.number(),
      used: v.number(),
      fromLease: v.optional(v.number()),
    }),
  ),
]);

/** What ended, as a line of a spool: the record as the database will have it, and what it took. */
export function lineOf({ generation, movements }: Entry): string {
  return `${JSON.stringify([recordOf(generation), movements])}\n`;
}

/** What a line says. Undefined where it is none. */
export function entryOf(line: string): Entry | undefined {
  try {
    const [record, movements] = v.parse(lineSchema, JSON.parse(line));
    return { generation: generationOf(record), movements };
  } catch {
    // Whoever reads a spool has to go on with the next line, and tells of this one.
    return undefined;
  }
}

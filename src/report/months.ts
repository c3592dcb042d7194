import type { RollupQuestion, Totals, UsageRow } from "#src/ledger/rollups.ts";
import { sumOf } from "#src/report/totals.ts";
import { dayAt, type UsageReader } from "#src/report/usage.ts";

/** Totals of one month of an account. */
export interface Month extends Totals {
  /** UTC, `2026-01` */
  month: string;
  /** Versions of the methodologies behind its estimates; none where nothing has one. */
  methodologies: string[];
}

/** Days of a century, each with several methodologies. */
const mostRows = 200_000;

/** Before all requests. */
const firstDay = "1970-01-01";

/** Months up to today, UTC, in which an account, or all of them together, made requests, newest first. */
export async function monthsOf(
  reader: UsageReader,
  accountId: string | undefined,
  today: string,
): Promise<Month[]> {
  const question: RollupQuestion = {
    groupBy: ["day", "methodology"],
    order: "place",
    limit: mostRows,
  };
  // A clock may have been set back since: what was noted for tomorrow counts all the same.
  const period = { fromDay: firstDay, toDay: dayAt(today, 1) };
  const [found] = await reader.ask({ account: accountId, ...period }, [question]);
  const months = Map.groupBy(found?.rows ?? [], monthOf);
  return [...months]
    .map(([month, days]) => ({
      month,
      methodologies: [
        ...new Set(days.flatMap(({ methodology = "" }) => methodology || [])),
      ].toSorted(),
      ...sumOf(days),
    }))
    .toSorted((a, b) => (a.month < b.month ? 1 : -1));
}

function monthOf({ day = "" }: UsageRow): string {
  return day.slice(0, 7);
}

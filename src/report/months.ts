import {
  rollupAnswer,
  type RollupQuestion,
  rollupStatement,
  type Totals,
  type UsageRow,
} from "#src/ledger/rollups.ts";
import { sumOf } from "#src/report/totals.ts";
import type { Store } from "#src/store/store.ts";

/** Totals of one month of an account. */
export interface Month extends Totals {
  /** UTC, `2026-01` */
  month: string;
  /** Versions of the methodologies behind its estimates; none where nothing has one. */
  methodologies: string[];
}

/** Days of a century, each with several methodologies. */
const mostRows = 200_000;

/** Months in which an account, or all of them together, made requests, newest first. */
export async function monthsOf(
  store: Pick<Store, "snapshot">,
  accountId: string | undefined,
): Promise<Month[]> {
  const question: RollupQuestion = {
    groupBy: ["day", "methodology"],
    order: "place",
    limit: mostRows,
  };
  const [rows = []] = await store.snapshot([rollupStatement({ account: accountId }, question)]);
  const months = Map.groupBy(rollupAnswer(rows, question.groupBy).rows, monthOf);
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

import { nano, type NanoUnits } from "#src/ledger/money.ts";
import type { Balance } from "#src/ledger/transactions.ts";
import { dayOf } from "#src/lib/clock.ts";
import { timeOfId, ulidStart } from "#src/lib/id.ts";
import { numberIn, textOf, type Row, type Statement, type Store } from "#src/store/store.ts";

/** What moved a balance: a credit, refund or adjustment, or all usage of a day. */
export type Move =
  | {
      kind: "credit" | "refund" | "adjustment";
      /** `txn_…` */
      id: string;
      at: number;
      /** Positive adds to the balance. */
      amount: NanoUnits;
      description: string;
      /** Who did it: a person, a key, `cli` or another part of the gateway. */
      by: string;
    }
  | {
      kind: "usage";
      /** UTC, `2026-01-31`; also its place in the list, behind everything else of that day. */
      day: string;
      amount: NanoUnits;
      /** All of the day, also those that cost nothing. */
      requests: number;
    };

/** Moves, newest first, and the balance that all of them add up to, of one moment. */
export interface Moves extends Balance {
  items: Move[];
  /** Place of the last one where there are more: `before` goes on from there. */
  next: string | undefined;
}

const dayMs = 86_400_000;
const entries = `SELECT id, type, amount, description, created_at, by FROM ledger_entry
WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT ?`;
// Put in order once more: the thread that reads goes as far as the first row, and would leave the sums of the others to this one.
const days = `SELECT * FROM (SELECT "day", sum(cost) AS cost, sum(requests) AS requests FROM rollup
WHERE account = ? AND "day" < ? GROUP BY "day" HAVING sum(cost) <> 0 ORDER BY "day" DESC LIMIT ?) ORDER BY cost`;
const credit = `SELECT granted, used FROM allowance WHERE kind = 'credit' AND owner = ? AND window_start = 0`;

/** What moved an account's balance, `most` of it. The sum of all is the balance, to the nano-unit. */
export async function listMoves(
  store: Pick<Store, "snapshot">,
  accountId: string,
  { before, most }: { before: string | undefined; most: number },
): Promise<Moves> {
  const place = placeOf(before);
  const statements: Statement[] = [
    { sql: credit, args: [accountId] },
    { sql: entries, args: [accountId, place.id, most + 1] },
    { sql: days, args: [accountId, place.day, most + 1] },
  ];
  const [[allowance] = [], entryRows = [], dayRows = []] = await store.snapshot(statements);
  const all = [...entryRows.map(entryOf), ...dayRows.map(usageOf)].toSorted(newestFirst);
  const items = all.slice(0, most);
  const last = items.at(-1);
  const granted = nano(numberIn(allowance, "granted") ?? 0);
  const used = nano(numberIn(allowance, "used") ?? 0);
  return {
    items,
    next: all.length > most && last !== undefined ? nameOf(last) : undefined,
    granted,
    used,
    balance: nano(granted - used),
  };
}

/** Whether a text is a place in the list. */
export function isPlace(text: string): boolean {
  if (text.startsWith("txn_")) return /^txn_[0-9A-HJKMNP-TV-Z]{26}$/.test(text);
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  // Before 1970 there is no id; and a day that no month has would be another.
  return time >= 0 && dayOf(time) === text;
}

/** Where entries and days go on, after a place. */
function placeOf(before: string | undefined): { id: string; day: string } {
  if (before === undefined) return { id: "txn_~", day: "~" };
  // The usage of a day stands above what else happened on it: after an entry, the day before it is next.
  if (before.startsWith("txn_")) return { id: before, day: dayOf(timeOfId(before)) };
  return { id: `txn_${ulidStart(Date.parse(before) + dayMs)}`, day: before };
}

function nameOf(move: Move): string {
  return move.kind === "usage" ? move.day : move.id;
}

/** By the time of the id, as the pages go on. */
function newestFirst(a: Move, b: Move): number {
  return orderOf(a) < orderOf(b) ? 1 : -1;
}

function orderOf(move: Move): string {
  return move.kind === "usage" ? `${move.day}~` : `${dayOf(timeOfId(move.id))} ${move.id}`;
}

function entryOf(row: Row): Move {
  const type = textOf(row, "type");
  return {
    kind: type === "refund" || type === "adjustment" ? type : "credit",
    id: textOf(row, "id") ?? "",
    at: numberIn(row, "created_at") ?? 0,
    amount: nano(numberIn(row, "amount") ?? 0),
    description: textOf(row, "description") ?? "",
    by: textOf(row, "by") ?? "",
  };
}

function usageOf(row: Row): Move {
  return {
    kind: "usage",
    day: textOf(row, "day") ?? "",
    amount: nano(-(numberIn(row, "cost") ?? 0)),
    requests: numberIn(row, "requests") ?? 0,
  };
}

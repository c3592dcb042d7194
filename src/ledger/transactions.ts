import { removedColumns, usageColumns } from "#db/schema.ts";
import { type Ids, timeOfId, ulidStart } from "#src/lib/id.ts";
import { type Clock, dayOf } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { fromUnits, mostUnits, nano, type NanoUnits, toUnits } from "#src/ledger/money.ts";
import { numberIn, textOf, type Row, type Statement, type Store } from "#src/store/store.ts";

/** One thing that moved an account's balance; usage is negative. */
export interface Transaction {
  id: string;
  type: "credit" | "refund" | "adjustment" | "usage";
  amount: NanoUnits;
  description: string;
  createdAt: number;
  /** Of usage only, and not of that which was brought forward when old rows were removed. */
  generationId: string | undefined;
}

/** Money that moves without a request. */
export interface CreditEntry {
  accountId: string;
  type: "credit" | "refund" | "adjustment";
  /** Positive adds to the balance. */
  amount: NanoUnits;
  description: string;
  /** Who did it: a person, a key or `cli`. */
  by: string;
}

export interface Balance {
  granted: NanoUnits;
  used: NanoUnits;
  /** Granted less used; below zero for a metered account without credit. */
  balance: NanoUnits;
}

/** A page of things, newest first. The token asks for the next one. */
export interface Page<T> {
  items: T[];
  nextPageToken: string | undefined;
}

export interface PageRequest {
  /** 1 to 1000. */
  pageSize: number;
  pageToken?: string;
}

const insertEntry = `INSERT INTO ledger_entry (id, account_id, type, amount, description, created_at, by)
VALUES (?, ?, ?, ?, ?, ?, ?)`;
const addGranted = `INSERT INTO allowance (kind, owner, window_start, granted) VALUES ('credit', ?, 0, ?)
ON CONFLICT DO UPDATE SET granted = coalesce(granted, 0) + excluded.granted`;
/** Fails, and with it its transaction, where that was too much: two may be granted at the same moment. */
const countedStill = `SELECT json(iif((?1 > 0 AND granted > ?2) OR (?1 < 0 AND granted < -?2), 'too much', '1'))
FROM allowance WHERE kind = 'credit' AND owner = ?3 AND window_start = 0`;

/**
 * Whether an account that was granted so much may be granted this besides, or less where it is negative. Beyond `mostUnits` it
 * would be kept, and nothing could read the account any more.
 */
export function isCountable(granted: number, amount: number): boolean {
  return (granted + amount) * Math.sign(amount) <= fromUnits(mostUnits);
}

/** Refuses a credit by which an account would have been granted more than can be counted. Throws `invalid_value`. */
export async function refuseUncountable(store: Store, accountId: string, amount: number) {
  const { granted } = await balanceOf(store, accountId);
  if (isCountable(granted, amount)) return;
  throw new AppError(
    "invalid_value",
    `Cannot move ${toUnits(amount)}: an account is granted at most ${mostUnits} in all, and this one was granted ${toUnits(granted)}`,
    { param: "amount" },
  );
}

/**
 * Moves money and says so in the ledger, together, and writes `beside` with it. Then `Allowances.refresh(accountId)`.
 * Throws `invalid_value` where it would be too much to count.
 */
export async function addCredit(
  store: Store,
  kit: { clock: Clock; ids: Ids },
  entry: CreditEntry,
  beside: readonly Statement[] = [],
): Promise<Transaction> {
  const { id, createdAt, statements } = creditOf(kit, entry);
  const { type, amount, description } = entry;
  await writeCredit(store, entry, [...statements, ...beside]);
  return { id, type, amount, description, createdAt, generationId: undefined };
}

/** Writes the statements of a credit and what goes with it. Throws `invalid_value` where it would be too much to count. */
export async function writeCredit(
  store: Store,
  { accountId, amount }: Pick<CreditEntry, "accountId" | "amount">,
  statements: readonly Statement[],
): Promise<void> {
  try {
    await store.write(statements);
  } catch (thrown) {
    await refuseUncountable(store, accountId, amount);
    throw thrown;
  }
}

/** The statements of `addCredit`, for the transaction of what the credit comes with. It fails where that is too much to count. */
export function creditStatements(kit: { clock: Clock; ids: Ids }, entry: CreditEntry): Statement[] {
  return creditOf(kit, entry).statements;
}

function creditOf({ clock, ids }: { clock: Clock; ids: Ids }, entry: CreditEntry) {
  const { accountId, type, amount, description, by } = entry;
  const id = ids.next("txn");
  const createdAt = clock.now();
  const statements: Statement[] = [
    { sql: insertEntry, args: [id, accountId, type, nano(amount), description, createdAt, by] },
    { sql: addGranted, args: [accountId, amount] },
    { sql: countedStill, args: [amount, fromUnits(mostUnits), accountId] },
  ];
  return { id, createdAt, statements };
}

/** What an account was granted, used and has left. */
export async function balanceOf(store: Store, accountId: string): Promise<Balance> {
  const rows = await store.read(
    "SELECT granted, used FROM allowance WHERE kind = 'credit' AND owner = ? AND window_start = 0",
    [accountId],
  );
  const granted = nano(numberIn(rows[0], "granted") ?? 0);
  const used = nano(numberIn(rows[0], "used") ?? 0);
  return { granted, used, balance: nano(granted - used) };
}

const columns = "id, account_id, type, amount, description, created_at";
const usagePage = `WITH page (${columns}, generation_id) AS (SELECT ${usageColumns}, id FROM generation
WHERE account_id = ? AND id < ? AND id >= ? AND cost <> 0 ORDER BY generation.id DESC LIMIT ?) SELECT * FROM page`;
/** Put in order once more, so that the thread that reads finds them all before it hands over the first. */
const paidDays = `SELECT "day" FROM (SELECT "day" FROM rollup WHERE account = ? AND "day" <= ?
GROUP BY "day" HAVING sum(cost) <> 0 ORDER BY "day" DESC LIMIT ?) ORDER BY "day"`;
/** The last of four digits of a year, UTC. */
const endOfTime = Date.UTC(10_000, 0);
/** Of the days that are found, those that may hold nothing: where the page begins, and the one before, of which ids reach over midnight. */
const halfDays = 2;
/** One at most: what was removed because it was old. */
const removedPage = `WITH page (${columns}) AS (SELECT ${removedColumns} FROM removed_usage
WHERE account_id = ? AND last_id < ? AND cost <> 0) SELECT *, NULL AS generation_id FROM page`;

/**
 * An account's transactions, newest first. Only the days are read in which something was paid: there may be a million requests that
 * cost nothing between two that did.
 */
export async function listTransactions(
  store: Pick<Store, "snapshot">,
  accountId: string,
  { pageSize, pageToken }: PageRequest,
): Promise<Page<Transaction>> {
  const before = pageToken === undefined ? "~" : ulidOf(pageToken, "txn_");
  const args = [accountId, lastDayOf(pageToken), pageSize + 1 + halfDays];
  const [[first] = []] = await store.snapshot([{ sql: paidDays, args }]);
  const floor = first && `gen_${ulidStart(Date.parse(textOf(first, "day") ?? ""))}`;
  // Not the view, which would read every row of the account: each side by its own index.
  const sides = await store.snapshot([
    {
      sql: `SELECT ${columns}, NULL AS generation_id FROM ledger_entry WHERE account_id = ? AND id < ?
       ORDER BY id DESC LIMIT ?`,
      args: [accountId, `txn_${before}`, pageSize + 1],
    },
    { sql: removedPage, args: [accountId, `gen_${before}`] },
    ...(floor === undefined
      ? []
      : [{ sql: usagePage, args: [accountId, `gen_${before}`, floor, pageSize + 1] }]),
  ]);
  const rows = sides.flat().map(transactionOf).sort(newestFirst);
  return pageOf(rows, pageSize);
}

/** The last day of which a page can have something, UTC. */
function lastDayOf(pageToken: string | undefined): string {
  const time = pageToken === undefined ? Number.NaN : timeOfId(pageToken);
  return time >= 0 && time < endOfTime ? dayOf(time) : dayOf(endOfTime - 1);
}

/** An account whose balance is not the sum of its transactions; there must be none. */
export interface Imbalance {
  accountId: string;
  balance: number;
  sum: number;
}

/** Compares every balance with the sum of its transactions, and every leased amount with its leases. */
export async function checkBalances(store: Store): Promise<Imbalance[]> {
  const rows = await store.read(
    `WITH sums AS (SELECT account_id, sum(amount) AS total FROM account_transaction GROUP BY account_id),
     balances AS (SELECT owner, coalesce(granted, 0) - used AS balance FROM allowance WHERE kind = 'credit'),
     owners AS (SELECT owner FROM balances UNION SELECT account_id FROM sums)
     SELECT owners.owner AS account, coalesce(balance, 0) AS balance, coalesce(total, 0) AS total FROM owners
     LEFT JOIN balances ON balances.owner = owners.owner LEFT JOIN sums ON sums.account_id = owners.owner
     WHERE coalesce(balance, 0) <> coalesce(total, 0)`,
    [],
  );
  return rows.map((row) => ({
    accountId: textOf(row, "account") ?? "",
    balance: numberIn(row, "balance") ?? 0,
    sum: numberIn(row, "total") ?? 0,
  }));
}

/** The first `size` items, and a token when there are more. */
export function pageOf<T extends { id: string }>(items: readonly T[], size: number): Page<T> {
  const page = items.slice(0, size);
  return { items: page, nextPageToken: items.length > size ? page.at(-1)?.id : undefined };
}

/** The part of a page token after its prefix. */
function ulidOf(pageToken: string, prefix: string): string {
  if (!pageToken.startsWith(prefix)) {
    throw new AppError(
      "invalid_value",
      `Cannot continue from page_token "${pageToken}": use the one of the page before`,
      {
        param: "page_token",
      },
    );
  }
  return pageToken.slice(prefix.length);
}

function newestFirst(a: Transaction, b: Transaction): number {
  return a.id < b.id ? 1 : -1;
}

function transactionOf(row: Row): Transaction {
  return {
    id: textOf(row, "id") ?? "",
    type: typeOf(textOf(row, "type")),
    amount: nano(numberIn(row, "amount") ?? 0),
    description: textOf(row, "description") ?? "",
    createdAt: numberIn(row, "created_at") ?? 0,
    generationId: textOf(row, "generation_id"),
  };
}

function typeOf(text: string | undefined): Transaction["type"] {
  return text === "credit" || text === "refund" || text === "adjustment" ? text : "usage";
}

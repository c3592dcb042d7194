import { nano, type NanoUnits } from "#src/ledger/money.ts";
import { nanoOf } from "#src/payment/minor.ts";
import { numberIn, textOf, type Row, type Store } from "#src/store/store.ts";

export const purchaseStates = [
  "open",
  "paid",
  "refunded",
  "disputed",
  "failed",
  "expired",
  "held",
] as const;
/**
 * `open` until it is known whether it is paid; `failed` and `expired` were not paid; `held` was, and its credit would be more than
 * the account can be granted: it was not given.
 */
export type PurchaseState = (typeof purchaseStates)[number];

/** Credit that somebody buys. */
export interface Purchase {
  /** `pur_…` */
  id: string;
  accountId: string;
  personId: string | undefined;
  /** The credit. */
  amount: NanoUnits;
  /** What is paid for it, in the smallest unit of the currency. */
  price: number;
  currency: string;
  /** Ids at Stripe. */
  sessionId: string | undefined;
  paymentId: string | undefined;
  state: PurchaseState;
  /** Of the credit, what was taken back. */
  returned: NanoUnits;
  createdAt: number;
  updatedAt: number | undefined;
}

/** A purchase of an account, or of any; undefined where there is none. */
export async function findPurchase(
  store: Store,
  by: { id: string; accountId?: string },
): Promise<Purchase | undefined> {
  const [row] = await store.read(
    "SELECT * FROM purchase WHERE id = ? AND account_id = coalesce(?, account_id)",
    [by.id, by.accountId ?? null],
  );
  return row && purchaseOf(row);
}

/** Purchases of an account that gave no credit, newest first: begun and not paid yet, failed, those whose time is over, and those held. */
export async function listUnpaid(
  store: Store,
  accountId: string,
  { most }: { most: number },
): Promise<Purchase[]> {
  const rows = await store.read(
    `SELECT * FROM purchase WHERE account_id = ? AND state IN ('open', 'failed', 'expired', 'held')
      ORDER BY id DESC LIMIT ?`,
    [accountId, most],
  );
  return rows.map(purchaseOf);
}

/** What of the price does not become credit. */
export function feeOf({ price, currency, amount }: Quote): NanoUnits {
  return nano(nanoOf(price, currency) - amount);
}

/** What a purchase would be. */
export type Quote = Pick<Purchase, "amount" | "price" | "currency">;

/** Whether the credit of a purchase was given. */
export function wasPaid({ state }: Pick<Purchase, "state">): boolean {
  return state === "paid" || state === "refunded" || state === "disputed";
}

/** A purchase from its row. */
export function purchaseOf(row: Row): Purchase {
  const state = textOf(row, "state");
  return {
    id: textOf(row, "id") ?? "",
    accountId: textOf(row, "account_id") ?? "",
    personId: textOf(row, "person_id"),
    amount: nano(numberIn(row, "amount_nano") ?? 0),
    price: numberIn(row, "price_minor") ?? 0,
    currency: textOf(row, "currency") ?? "",
    sessionId: textOf(row, "session_id"),
    paymentId: textOf(row, "payment_id"),
    state: purchaseStates.find((one) => one === state) ?? "open",
    returned: nano(numberIn(row, "returned_nano") ?? 0),
    createdAt: numberIn(row, "created_at") ?? 0,
    updatedAt: numberIn(row, "updated_at"),
  };
}

import { type AuditEntry, auditing } from "#src/account/people/audit.ts";
import { isRefused, type Kit, unless } from "#src/account/people/kit.ts";
import {
  balanceOf,
  type CreditEntry,
  creditStatements,
  isCountable,
} from "#src/ledger/transactions.ts";
import { nano, toUnits } from "#src/ledger/money.ts";
import { AppError } from "#src/lib/error.ts";
import type { PaymentEvent } from "#src/payment/event.ts";
import { feeOf, type Purchase, purchaseOf, wasPaid } from "#src/payment/purchase.ts";
import { type Fact, standingOf } from "#src/payment/standing.ts";
import { numberIn, textOf, type Row, type Statement } from "#src/store/store.ts";

/**
 * What became of an event. `mismatch` is refused; everything else needs not be sent again. What it moves is `held` where that is
 * more than the account can be granted: the event and the payment are kept, and the credit is not given.
 */
export type Taken =
  | { outcome: "taken"; purchase: Purchase | undefined; isMoved: boolean }
  | { outcome: "held"; purchase: Purchase }
  | { outcome: "known" | "foreign" | "ignored" }
  | { outcome: "mismatch"; purchase: Purchase; why: string };

/** Who did it, in the ledger and the audit log. */
export const stripe = "stripe";

/** Tries to write beside others who take events of the same payment in. */
const mostTries = 50;

const selectSeen = "SELECT 1 AS seen FROM payment_event WHERE id = ?";
const selectFacts =
  "SELECT dispute_id, refund_id, amount_minor, currency, told_at FROM payment_event WHERE payment_id = ?";
const insertEvent = `INSERT INTO payment_event (id, type, at, payment_id, dispute_id, amount_minor, currency, refund_id, told_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
/** What must not have changed since it was read: the purchase, which payment it is, and what is told of that. */
const asRead = unless(
  `(SELECT json_array(id, state, returned_nano, payment_id, session_id) FROM purchase WHERE id = ?1) IS ?2
AND (SELECT id FROM purchase WHERE payment_id = ?3) IS ?4
AND (SELECT count(*) FROM payment_event WHERE payment_id = ?3) = ?5`,
);
const updatePurchase = `UPDATE purchase SET state = ?2, returned_nano = ?3, payment_id = ?4, session_id = ?5, updated_at = ?6
WHERE id = ?1`;

/**
 * Takes an event in: once, whoever else takes it in at the same moment, with what it moves in one transaction. Then
 * `Allowances.refresh(purchase.accountId)`. Throws `service_unavailable` where others were faster again and again.
 */
export async function takeEvent(kit: Kit, event: PaymentEvent): Promise<Taken> {
  if (event.about === "other") return { outcome: "ignored" };
  const { store } = kit;
  for (let tries = 0; tries < mostTries; tries++) {
    const isSeen = (await store.read(selectSeen, [event.id])).length > 0;
    const purchase = await purchaseAbout(kit, event);
    // What is held is tried anew when Stripe is asked to tell it again.
    if (isSeen && !(purchase?.state === "held" && isPaying(event))) return { outcome: "known" };
    if (event.about === "session" && purchase === undefined) return { outcome: "foreign" };
    const why = purchase && mismatchOf(event, purchase);
    if (purchase !== undefined && why !== undefined) return { outcome: "mismatch", purchase, why };
    const paymentId =
      event.about === "payment"
        ? event.paymentId
        : (event.session.paymentId ?? purchase?.paymentId);
    const facts =
      paymentId === undefined ? [] : (await store.read(selectFacts, [paymentId])).map(factOf);
    const told = event.about === "payment" ? [...facts, event] : facts;
    const due = purchase && purchaseAfter(event, purchase, paymentId, told);
    const entries = purchase && due ? movements(event, purchase, due) : [];
    const after =
      purchase && due && !(await hasRoom(kit, purchase, entries)) ? heldOf(purchase, due) : due;
    const isHeld = after !== due;
    if (isSeen && isHeld && after) return { outcome: "held", purchase: after };
    try {
      await store.write([
        unchanged(purchase, paymentId, facts.length),
        ...(isSeen ? [] : [noting(kit, event)]),
        ...(purchase && after ? changing(kit, event, purchase, { after, isHeld }) : []),
        ...(isHeld ? [] : entries.flatMap((entry) => creditStatements(kit, entry))),
      ]);
      if (isHeld && after) return { outcome: "held", purchase: after };
      return { outcome: "taken", purchase: after, isMoved: entries.length > 0 };
    } catch (thrown) {
      // Taken in by somebody else, or the purchase is another by now: the next round sees which.
      if (!isRefused(thrown)) throw thrown;
    }
  }
  throw new AppError("service_unavailable", "Cannot take this event now: send it again");
}

async function purchaseAbout({ store }: Kit, event: PaymentEvent): Promise<Purchase | undefined> {
  if (event.about === "other") return undefined;
  const [column, id] =
    event.about === "session"
      ? ["id", event.session.purchaseId ?? ""]
      : ["payment_id", event.paymentId];
  const [row] = await store.read(`SELECT * FROM purchase WHERE ${column} = ?`, [id]);
  return row && purchaseOf(row);
}

/** Why an event cannot be about this purchase. */
function mismatchOf(event: PaymentEvent, purchase: Purchase): string | undefined {
  const { price, currency } = purchase;
  if (event.about === "payment") {
    if (event.currency !== currency) return "currency";
    return event.price === undefined || event.price === price ? undefined : "amount";
  }
  if (event.about !== "session") return undefined;
  const { session } = event;
  if (purchase.sessionId !== undefined && purchase.sessionId !== session.id) return "session";
  if (!isPaying(event)) return undefined;
  if (session.currency !== currency) return "currency";
  if (session.minor !== price) return "amount";
  if (session.paymentId === undefined) return "payment";
  return purchase.paymentId === undefined || purchase.paymentId === session.paymentId
    ? undefined
    : "payment";
}

/** Whether it says that something was paid; a session is also completed where the money is only on its way. */
function isPaying(event: PaymentEvent): boolean {
  return event.about === "session" && event.what === "completed" && event.session.isPaid;
}

/** The purchase as it is after an event. */
function purchaseAfter(
  event: PaymentEvent,
  purchase: Purchase,
  paymentId: string | undefined,
  told: readonly Fact[],
): Purchase {
  const sessionId = event.about === "session" ? event.session.id : purchase.sessionId;
  const after = { ...purchase, paymentId, sessionId };
  const standing = standingOf(purchase, told);
  if (wasPaid(purchase) || isPaying(event)) return { ...after, ...standing };
  if (purchase.state === "held") return { ...after, returned: standing.returned };
  if (event.about !== "session" || event.what === "completed") return after;
  return purchase.state === "open" ? { ...after, state: event.what } : after;
}

/** The purchase where what it would move is not moved. */
function heldOf(before: Purchase, due: Purchase): Purchase {
  if (!wasPaid(before)) return { ...due, state: "held" };
  return { ...due, state: before.state, returned: before.returned };
}

/** Whether all of it leaves the account with what can be counted. */
async function hasRoom(
  { store }: Kit,
  { accountId }: Purchase,
  entries: readonly CreditEntry[],
): Promise<boolean> {
  if (entries.length === 0) return true;
  let { granted } = await balanceOf(store, accountId);
  for (const { amount } of entries) {
    if (!isCountable(granted, amount)) return false;
    granted = nano(granted + amount);
  }
  return true;
}

/** What moves on the account, as transactions. */
function movements(
  event: PaymentEvent,
  before: Purchase,
  { returned, state }: Purchase,
): CreditEntry[] {
  const { id, accountId, amount } = before;
  if (!wasPaid({ state })) return [];
  const entries: Pick<CreditEntry, "type" | "amount" | "description">[] = [];
  if (!wasPaid(before))
    entries.push({ type: "credit", amount, description: `Credit bought, ${id}${feeNote(before)}` });
  // Of credit that was not given, nothing was taken back yet.
  const more = nano((wasPaid(before) ? before.returned : 0) - returned);
  if (more !== 0) {
    const isDispute = event.about === "payment" && event.disputeId !== undefined;
    entries.push({
      type: isDispute || more > 0 ? "adjustment" : "refund",
      amount: more,
      description: `${isDispute ? ofDispute(more) : ofRefund(more)}, ${id}`,
    });
  }
  return entries.map((entry) => ({ accountId, by: stripe, ...entry }));
}

/** Says what was paid besides the credit. */
function feeNote(purchase: Purchase): string {
  const fee = feeOf(purchase);
  if (fee === 0) return "";
  return `; a fee of ${toUnits(fee)} ${purchase.currency} was paid besides`;
}

function ofDispute(more: number): string {
  return more < 0 ? "Disputed payment" : "Dispute won";
}

function ofRefund(more: number): string {
  return more < 0 ? "Refund" : "Refund failed";
}

function changing(
  kit: Kit,
  event: PaymentEvent,
  before: Purchase,
  { after, isHeld }: { after: Purchase; isHeld: boolean },
): Statement[] {
  const { id, state, returned, paymentId, sessionId } = after;
  const isSaid = isHeld || state !== before.state || returned !== before.returned;
  return [
    {
      sql: updatePurchase,
      args: [id, state, returned, paymentId ?? null, sessionId ?? null, kit.clock.now()],
    },
    ...(isSaid ? [auditing(kit, saying(event, before, { after, isHeld }))] : []),
  ];
}

function saying(
  event: PaymentEvent,
  before: Purchase,
  { after, isHeld }: { after: Purchase; isHeld: boolean },
): AuditEntry {
  const { id, accountId, amount, returned, state } = after;
  const isBack = returned < before.returned;
  const back = event.about === "payment" && event.failedRefundId ? "refund_failed" : "dispute_won";
  const moved = isBack ? back : state === before.state ? "refunded" : state;
  const what = isHeld ? "held" : moved;
  return {
    action: `purchase.${what}`,
    actor: stripe,
    target: id,
    accountId,
    detail: { event: event.id, amount_nano: amount, returned_nano: returned },
  };
}

function noting({ clock }: Kit, event: PaymentEvent): Statement {
  const told = event.about === "payment" ? event : undefined;
  return {
    sql: insertEvent,
    args: [
      event.id,
      event.type,
      clock.now(),
      told?.paymentId ?? null,
      told?.disputeId ?? null,
      told?.minor ?? null,
      told?.currency ?? null,
      told?.failedRefundId ?? null,
      event.toldAt ?? null,
    ],
  };
}

/** Fails, and with it its transaction, where somebody wrote since this was read. */
function unchanged(
  purchase: Purchase | undefined,
  paymentId: string | undefined,
  facts: number,
): Statement {
  const isLinked = paymentId !== undefined && purchase?.paymentId === paymentId;
  return {
    sql: asRead,
    args: [
      purchase?.id ?? "",
      purchase === undefined ? null : JSON.stringify(membersOf(purchase)),
      paymentId ?? "",
      isLinked ? purchase.id : null,
      facts,
    ],
  };
}

function membersOf({ id, state, returned, paymentId, sessionId }: Purchase) {
  return [id, state, returned, paymentId ?? null, sessionId ?? null];
}

function factOf(row: Row): Fact {
  return {
    disputeId: textOf(row, "dispute_id"),
    failedRefundId: textOf(row, "refund_id"),
    toldAt: numberIn(row, "told_at"),
    minor: numberIn(row, "amount_minor"),
    currency: textOf(row, "currency") ?? "",
  };
}

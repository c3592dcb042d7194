import * as v from "valibot";

/*
 * What Stripe tells us, as far as it matters here. Only the members that are used are read, so that their other changes,
 * by the version of its interface that the operator's endpoint speaks, do not.
 */

/** Something that Stripe tells of. */
export type PaymentEvent = { id: string; type: string; toldAt: number | undefined } & (
  | { about: "session"; session: Session; what: "completed" | "failed" | "expired" }
  | ({ about: "payment" } & Told)
  | { about: "other" }
);

/** The visit to Stripe's page where something is paid. */
export interface Session {
  id: string;
  /** The purchase that it was made for, by our own id; somebody else's may have none. */
  purchaseId: string | undefined;
  paymentId: string | undefined;
  isPaid: boolean;
  /** What was to be paid, in the currency's smallest unit. */
  minor: number | undefined;
  currency: string | undefined;
}

/** What is told about a payment after it was made. */
export interface Told {
  paymentId: string;
  /** Absent for a refund. */
  disputeId: string | undefined;
  /** The refund that failed; absent for one that went out. */
  failedRefundId: string | undefined;
  /**
   * Of a refund: all that was refunded so far; of one that failed: that one. Of a dispute: what is held back for it, 0 once it
   * came back. Absent: nothing.
   */
  minor: number | undefined;
  currency: string;
  /** What was paid, where it is told. */
  price: number | undefined;
}

const minor = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const reference = v.nullish(v.union([v.string(), v.looseObject({ id: v.string() })]));

const envelope = v.looseObject({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  type: v.string(),
  /** Unix seconds. */
  created: v.nullish(v.pipe(v.number(), v.safeInteger())),
  data: v.looseObject({ object: v.looseObject({}) }),
});
const session = v.looseObject({
  id: v.string(),
  client_reference_id: v.nullish(v.string()),
  payment_intent: reference,
  payment_status: v.string(),
  amount_total: v.nullish(minor),
  currency: v.nullish(v.string()),
});
const charge = v.looseObject({
  payment_intent: reference,
  amount: minor,
  amount_refunded: minor,
  currency: v.string(),
});
const dispute = v.looseObject({
  id: v.string(),
  payment_intent: reference,
  amount: minor,
  currency: v.string(),
  status: v.string(),
});

const refund = v.looseObject({
  id: v.string(),
  payment_intent: reference,
  amount: minor,
  currency: v.string(),
  status: v.nullish(v.string()),
});

const sessions: Readonly<Record<string, "completed" | "failed" | "expired">> = {
  "checkout.session.completed": "completed",
  "checkout.session.async_payment_succeeded": "completed",
  "checkout.session.async_payment_failed": "failed",
  "checkout.session.expired": "expired",
};
const disputes = new Set([
  "charge.dispute.created",
  "charge.dispute.closed",
  "charge.dispute.funds_withdrawn",
  "charge.dispute.funds_reinstated",
]);

/** What Stripe says of one refund: by the version of its interface, one or another of them, or several. */
const refunds = new Set(["refund.updated", "refund.failed", "charge.refund.updated"]);

/** An event from its JSON; undefined where it is none. */
export function eventOf(text: string): PaymentEvent | undefined {
  const read = v.safeParse(envelope, parsed(text));
  if (!read.success) return undefined;
  const { id, type, data } = read.output;
  const facts = { id, type, toldAt: read.output.created ?? undefined };
  const other: PaymentEvent = { ...facts, about: "other" };
  const what = Object.hasOwn(sessions, type) ? sessions[type] : undefined;
  if (what !== undefined) {
    const found = v.safeParse(session, data.object);
    if (!found.success) return undefined;
    return { ...facts, about: "session", what, session: sessionOf(found.output) };
  }
  const told = toldOf(type, data.object);
  if (told === undefined) return undefined;
  return told === "other" ? other : { ...facts, about: "payment", ...told };
}

/** What is told of a payment; `other` where it moves nothing here, or is without a payment, of a kind that we do not ask for. */
function toldOf(type: string, object: object): Told | "other" | undefined {
  if (type === "charge.refunded") return refundOf(object);
  if (refunds.has(type)) return failedRefundOf(object);
  return disputes.has(type) ? disputeOf(type, object) : "other";
}

function sessionOf(found: v.InferOutput<typeof session>): Session {
  return {
    id: found.id,
    purchaseId: found.client_reference_id ?? undefined,
    paymentId: idOf(found.payment_intent),
    isPaid: found.payment_status === "paid",
    minor: found.amount_total ?? undefined,
    currency: found.currency?.toUpperCase(),
  };
}

function refundOf(object: object): Told | "other" | undefined {
  const found = v.safeParse(charge, object);
  if (!found.success) return undefined;
  const { payment_intent, amount, amount_refunded, currency } = found.output;
  const paymentId = idOf(payment_intent);
  if (paymentId === undefined) return "other";
  return {
    paymentId,
    disputeId: undefined,
    failedRefundId: undefined,
    minor: amount_refunded,
    currency: currency.toUpperCase(),
    price: amount,
  };
}

/** A refund that the bank sent back, or that was called off: what it took back is the buyer's again. */
function failedRefundOf(object: object): Told | "other" | undefined {
  const found = v.safeParse(refund, object);
  if (!found.success) return undefined;
  const { id, payment_intent, amount, currency, status } = found.output;
  const paymentId = idOf(payment_intent);
  if (paymentId === undefined || (status !== "failed" && status !== "canceled")) return "other";
  return {
    paymentId,
    disputeId: undefined,
    failedRefundId: id,
    minor: amount,
    currency: currency.toUpperCase(),
    price: undefined,
  };
}

function disputeOf(type: string, object: object): Told | "other" | undefined {
  const found = v.safeParse(dispute, object);
  if (!found.success) return undefined;
  const { id, payment_intent, amount, currency, status } = found.output;
  const paymentId = idOf(payment_intent);
  if (paymentId === undefined) return "other";
  const isBack = type.endsWith("reinstated") || (type.endsWith("closed") && status === "won");
  // A question of the bank moves no money, until it becomes a dispute.
  const isQuestion = status.startsWith("warning_") && !type.endsWith("withdrawn");
  return {
    paymentId,
    disputeId: id,
    failedRefundId: undefined,
    minor: isBack ? 0 : isQuestion ? undefined : amount,
    currency: currency.toUpperCase(),
    price: undefined,
  };
}

function idOf(found: v.InferOutput<typeof reference>): string | undefined {
  return typeof found === "string" ? found : found?.id;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

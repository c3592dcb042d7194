import * as v from "valibot";

/*
 * What Stripe tells us, as far as it matters here. Only the members that are used are read, so that their other changes,
 * by the version of its interface that the operator's endpoint speaks, do not.
 */

/** Something that Stripe tells of. */
export type PaymentEvent = { id: string; type: string } & (
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
  /** Of a refund: all that was refunded so far. Of a dispute: what is held back for it, 0 once it came back. Absent: nothing. */
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

/** An event from its JSON; undefined where it is none. */
export function eventOf(text: string): PaymentEvent | undefined {
  const read = v.safeParse(envelope, parsed(text));
  if (!read.success) return undefined;
  const { id, type, data } = read.output;
  const other: PaymentEvent = { id, type, about: "other" };
  const what = sessions[type];
  if (what !== undefined) {
    const found = v.safeParse(session, data.object);
    if (!found.success) return undefined;
    return { id, type, about: "session", what, session: sessionOf(found.output) };
  }
  if (type !== "charge.refunded" && !disputes.has(type)) return other;
  const told = type === "charge.refunded" ? refundOf(data.object) : disputeOf(type, data.object);
  if (told === undefined) return undefined;
  // Without a payment it is of a kind that we do not ask for.
  return told === "without_payment" ? other : { id, type, about: "payment", ...told };
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

function refundOf(object: object): Told | "without_payment" | undefined {
  const found = v.safeParse(charge, object);
  if (!found.success) return undefined;
  const { payment_intent, amount, amount_refunded, currency } = found.output;
  const paymentId = idOf(payment_intent);
  if (paymentId === undefined) return "without_payment";
  return {
    paymentId,
    disputeId: undefined,
    minor: amount_refunded,
    currency: currency.toUpperCase(),
    price: amount,
  };
}

function disputeOf(type: string, object: object): Told | "without_payment" | undefined {
  const found = v.safeParse(dispute, object);
  if (!found.success) return undefined;
  const { id, payment_intent, amount, currency, status } = found.output;
  const paymentId = idOf(payment_intent);
  if (paymentId === undefined) return "without_payment";
  const isBack = type.endsWith("reinstated") || (type.endsWith("closed") && status === "won");
  // A question of the bank moves no money, until it becomes a dispute.
  const isQuestion = status.startsWith("warning_") && !type.endsWith("withdrawn");
  return {
    paymentId,
    disputeId: id,
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

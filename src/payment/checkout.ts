import * as v from "valibot";
import type { StripeConfig, StripeSecrets } from "#src/config/stripe.ts";
import { auditing } from "#src/account/people/audit.ts";
import type { Kit } from "#src/account/people/kit.ts";
import { fromUnits, nano, toUnits } from "#src/ledger/money.ts";
import { refuseUncountable } from "#src/ledger/transactions.ts";
import { boundedText } from "#src/lib/bounded-text.ts";
import { AppError } from "#src/lib/error.ts";
import type { Log } from "#src/observe/log.ts";
import { creditOf, minorOf } from "#src/payment/minor.ts";
import { findPurchase, type Purchase } from "#src/payment/purchase.ts";

/** Somebody who wants to buy credit. */
export interface Buyer {
  accountId: string;
  personId: string;
  email: string;
  /** Network address, for the audit log. */
  address: string;
}

export interface Till extends Kit {
  log: Log;
  stripe: StripeConfig;
  currency: string;
  /** Percent of what is paid that does not become credit. */
  feePct: number;
}

/** The version of Stripe's interface that is spoken, whatever the operator's account is set to. */
const stripeVersion = "2024-06-20";
const answerMs = 20_000;
/** No answer of Stripe is as long. */
const maxBytes = 1_048_576;

const created = v.looseObject({ id: v.string(), url: v.string() });
const refused = v.looseObject({
  error: v.looseObject({ type: v.nullish(v.string()), code: v.nullish(v.string()) }),
});

/** What a purchase of an amount would be. Throws `invalid_value`. */
export function quote(
  { stripe, currency, feePct }: Pick<Till, "stripe" | "currency" | "feePct">,
  text: string,
): Pick<Purchase, "amount" | "price" | "currency"> {
  const { minAmount, maxAmount } = stripe;
  const units = /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(units >= minAmount && units <= maxAmount))
    throw invalid(`Cannot buy for this: give an amount from ${minAmount} to ${maxAmount}`);
  const paid = fromUnits(units);
  const price = minorOf(paid, currency);
  if (price === undefined)
    throw invalid(`Cannot pay ${text} ${currency}: it has more decimals than can be paid`);
  const amount = creditOf(paid, feePct);
  if (amount <= 0) throw invalid("Cannot buy for this: the fee leaves no credit of it");
  return { amount, price, currency };
}

/**
 * Begins a purchase: Stripe makes a page where it can be paid. Credit is given by what Stripe tells us later, and by nothing
 * that a browser brings back. Throws `invalid_value` for the amount, `upstream_error` where Stripe makes no page.
 */
export async function buy(
  till: Till,
  secrets: StripeSecrets,
  buyer: Buyer,
  amount: string,
  /** Where Stripe leads afterwards, by the id of the purchase. */
  ways: (id: string) => { paid: string; cancelled: string },
): Promise<{ purchase: Purchase; url: string }> {
  const { store, clock, ids } = till;
  const quoted = quote(till, amount);
  const id = ids.next("pur");
  const now = clock.now();
  const { accountId, personId, address } = buyer;
  await refuseUncountable(store, accountId, quoted.amount);
  await store.write([
    {
      sql: `INSERT INTO purchase (id, account_id, person_id, amount_nano, price_minor, currency, state, created_at)
        VALUES (?, ?, ?, ?, ?, ?, 'open', ?)`,
      args: [id, accountId, personId, quoted.amount, quoted.price, quoted.currency, now],
    },
    auditing(till, {
      action: "purchase.begun",
      actor: personId,
      target: id,
      accountId,
      address,
      detail: { amount_nano: quoted.amount, price_minor: quoted.price },
    }),
  ]);
  let session: v.InferOutput<typeof created>;
  try {
    const sold = { id, ...quoted };
    session = await createSession(till, secrets, sessionForm(sold, buyer.email, ways(id)), id);
  } catch (thrown) {
    await store.write([
      {
        sql: "UPDATE purchase SET state = 'failed', updated_at = ? WHERE id = ? AND state = 'open'",
        args: [clock.now(), id],
      },
    ]);
    throw thrown;
  }
  await store.write([
    {
      // What Stripe tells may have come before.
      sql: "UPDATE purchase SET session_id = ? WHERE id = ? AND session_id IS NULL",
      args: [session.id, id],
    },
  ]);
  const purchase = await findPurchase(store, { id });
  if (purchase === undefined) throw new AppError("internal_error", "The purchase is not there");
  return { purchase, url: session.url };
}

/** What Stripe is told of a purchase, as the fields of its form. */
function sessionForm(
  { id, amount, price, currency }: Pick<Purchase, "id" | "amount" | "price" | "currency">,
  email: string,
  { paid, cancelled }: { paid: string; cancelled: string },
): URLSearchParams {
  return new URLSearchParams({
    mode: "payment",
    client_reference_id: id,
    customer_email: email,
    success_url: paid,
    cancel_url: cancelled,
    "metadata[purchase]": id,
    "payment_intent_data[metadata][purchase]": id,
    "payment_intent_data[description]": `Credit, ${id}`,
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": currency.toLowerCase(),
    "line_items[0][price_data][unit_amount]": String(price),
    "line_items[0][price_data][product_data][name]": `Credit of ${toUnits(nano(amount))} ${currency}`,
  });
}

async function createSession(
  { stripe, log }: Pick<Till, "stripe" | "log">,
  { key }: StripeSecrets,
  form: URLSearchParams,
  id: string,
): Promise<v.InferOutput<typeof created>> {
  const failed = (cause?: unknown) =>
    new AppError("upstream_error", "Cannot begin the payment: Stripe does not take it now", {
      cause,
    });
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${stripe.apiBase}/v1/checkout/sessions`, {
      method: "POST",
      redirect: "error",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/x-www-form-urlencoded",
        // The same purchase is the same page, however often it is asked for.
        "idempotency-key": id,
        "stripe-version": stripeVersion,
      },
      body: form.toString(),
      signal: AbortSignal.timeout(answerMs),
    });
    text = await boundedText(response, maxBytes);
  } catch (cause) {
    log.write("error", "stripe_unreachable", { purchase: id }, cause);
    throw failed(cause);
  }
  const read = v.safeParse(created, parsed(text));
  if (response.ok && read.success && isPage(read.output.url, stripe.apiBase)) return read.output;
  const why = v.safeParse(refused, parsed(text));
  log.write("error", "stripe_refused", {
    purchase: id,
    status: response.status,
    type: why.success ? (why.output.error.type ?? undefined) : undefined,
    code: why.success ? (why.output.error.code ?? undefined) : undefined,
    request: response.headers.get("request-id") ?? undefined,
  });
  throw failed();
}

/** Whether an address can be the page: of Stripe or of the operator's own name there, over TLS. */
function isPage(url: string, apiBase: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, origin } = new URL(url);
  return protocol === "https:" || origin === new URL(apiBase).origin;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function invalid(message: string): AppError {
  return new AppError("invalid_value", message, { param: "amount" });
}

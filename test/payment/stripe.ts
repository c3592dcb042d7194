import { createHmac } from "node:crypto";

export const webhookSecret = "whsec_of_a_test";
export const secretKey = "sk_test_of_a_test";

/** A request for a page of payment, as Stripe got it. */
export interface Asked {
  headers: Headers;
  form: URLSearchParams;
}

/** A stand-in for Stripe's API. */
export interface StripeDouble extends AsyncDisposable {
  url: string;
  asked: Asked[];
  /** Answers so from now on, instead of with a page. */
  answer(script: ((asked: Asked) => Response | Promise<Response>) | undefined): void;
}

/** Starts one on loopback. The same idempotency key gets the same page. */
export function startStripe(): StripeDouble {
  const asked: Asked[] = [];
  let script: ((asked: Asked) => Response | Promise<Response>) | undefined;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (request.method !== "POST" || pathname !== "/v1/checkout/sessions")
        return Response.json({ error: { type: "invalid_request_error" } }, { status: 404 });
      const one = { headers: request.headers, form: new URLSearchParams(await request.text()) };
      asked.push(one);
      if (script !== undefined) return script(one);
      if (request.headers.get("authorization") !== `Bearer ${secretKey}`)
        return Response.json({ error: { type: "invalid_request_error" } }, { status: 401 });
      const id = sessionOf(one.headers.get("idempotency-key") ?? "");
      return Response.json({ id, url: `https://checkout.stripe.com/c/pay/${id}` });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    answer: (next) => void (script = next),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

/** Ids as Stripe would give them for a purchase. */
export const sessionOf = (purchaseId: string) => `cs_test_${purchaseId}`;
export const paymentOf = (purchaseId: string) => `pi_${purchaseId}`;

/** A body and the header that Stripe would sign it with, worked out here and not by the gateway. `at`: Unix milliseconds. */
export function signed(
  event: unknown,
  { at, secret = webhookSecret }: { at: number; secret?: string },
): { body: string; signature: string } {
  const body = typeof event === "string" ? event : JSON.stringify(event);
  const time = Math.floor(at / 1000);
  const hex = createHmac("sha256", secret).update(`${time}.${body}`).digest("hex");
  return { body, signature: `t=${time},v1=${hex}` };
}

let count = 0;
const eventOf = (type: string, object: object, id?: string, created?: number) => ({
  id: id ?? `evt_${count++}`,
  object: "event",
  ...(created === undefined ? {} : { created }),
  api_version: "2024-06-20",
  livemode: false,
  type,
  data: { object },
});

/** Events of a purchase, as Stripe writes them. Amounts in cents. */
export function eventsOf(purchaseId: string, price: number, currency = "usd") {
  const session = (type: string, change: object, id?: string) =>
    eventOf(
      `checkout.session.${type}`,
      {
        id: sessionOf(purchaseId),
        object: "checkout.session",
        client_reference_id: purchaseId,
        payment_intent: paymentOf(purchaseId),
        payment_status: "paid",
        amount_total: price,
        currency,
        ...change,
      },
      id,
    );
  const dispute = (type: string, status: string, id: string, amount: number) =>
    eventOf(`charge.dispute.${type}`, {
      id,
      object: "dispute",
      charge: `ch_${purchaseId}`,
      payment_intent: paymentOf(purchaseId),
      amount,
      currency,
      status,
    });
  return {
    completed: (change: object = {}, id?: string) => session("completed", change, id),
    onItsWay: () => session("completed", { payment_status: "unpaid" }),
    succeeded: () => session("async_payment_succeeded", {}),
    failed: () => session("async_payment_failed", { payment_status: "unpaid" }),
    expired: () => session("expired", { payment_status: "unpaid", payment_intent: null }),
    /** `refunded`: all of it so far. `created`: Unix seconds. */
    refunded: (refunded: number, change: object = {}, created?: number) =>
      eventOf(
        "charge.refunded",
        {
          id: `ch_${purchaseId}`,
          object: "charge",
          payment_intent: paymentOf(purchaseId),
          amount: price,
          amount_refunded: refunded,
          currency,
          ...change,
        },
        undefined,
        created,
      ),
    /** What is told of one refund, by any of the three events. */
    refund: (
      id: string,
      amount: number,
      told: { status?: string; type?: string; created?: number } = {},
    ) =>
      eventOf(
        told.type ?? "refund.failed",
        {
          id,
          object: "refund",
          charge: `ch_${purchaseId}`,
          payment_intent: paymentOf(purchaseId),
          amount,
          currency,
          status: told.status ?? "failed",
        },
        undefined,
        told.created,
      ),
    disputed: (amount = price, id = "dp_1") => dispute("created", "needs_response", id, amount),
    questioned: () => dispute("created", "warning_needs_response", "dp_1", price),
    withdrawn: (amount = price, id = "dp_1") =>
      dispute("funds_withdrawn", "needs_response", id, amount),
    won: (amount = price, id = "dp_1") => dispute("closed", "won", id, amount),
    lost: (amount = price, id = "dp_1") => dispute("closed", "lost", id, amount),
  };
}

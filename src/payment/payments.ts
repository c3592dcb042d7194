import type { Kit } from "#src/account/people/kit.ts";
import type { Config } from "#src/config/load.ts";
import { mostUnits, toUnits } from "#src/ledger/money.ts";
import { AppError } from "#src/lib/error.ts";
import type { Log } from "#src/observe/log.ts";
import { buy, type Buyer, quote } from "#src/payment/checkout.ts";
import { eventOf } from "#src/payment/event.ts";
import type { Purchase } from "#src/payment/purchase.ts";
import { signatureFault } from "#src/payment/signature.ts";
import { takeEvent } from "#src/payment/take.ts";

/** Where credit is bought. */
export interface Payments {
  /** What may be paid at a time, in the currency, and the percent of it that does not become credit. */
  readonly terms: { minAmount: number; maxAmount: number; feePct: number; currency: string };
  /** Begins a purchase; see buy() for what it throws. */
  buy(
    buyer: Buyer,
    amount: string,
    ways: (id: string) => { paid: string; cancelled: string },
  ): Promise<{ purchase: Purchase; url: string }>;
  /** What a purchase would be. Throws `invalid_value`. */
  quote(amount: string): Pick<Purchase, "amount" | "price" | "currency">;
  /**
   * Takes in what Stripe sent, by the bytes that came. Throws `invalid_value` for what is not Stripe's and for what is not
   * what was bought.
   */
  told(body: Uint8Array<ArrayBuffer>, signature: string | null): Promise<void>;
}

export interface PaymentOptions extends Kit {
  log: Log;
  config: Pick<Config, "stripe" | "billing">;
  /** Credit of an account changed: the next request has to see it. */
  onChange(accountId: string): void;
}

/** A stranger who sends us bodies does not fill the log. */
const quietMs = 60_000;

/** Where credit is bought; undefined where no key is set. */
export function createPayments(options: PaymentOptions): Payments | undefined {
  const { store, clock, ids, log, config, onChange } = options;
  const { secrets } = config.stripe;
  if (secrets === undefined) return undefined;
  const { currency, topupFeePct: feePct } = config.billing;
  const { minAmount } = config.stripe;
  const maxAmount = Math.min(config.stripe.maxAmount, mostUnits);
  const stripe = { ...config.stripe, maxAmount };
  const till = { store, clock, ids, log, stripe, currency, feePct };
  let saidAt = Number.NEGATIVE_INFINITY;

  function refuse(fault: string): AppError {
    if (clock.monotonic() - saidAt >= quietMs) {
      saidAt = clock.monotonic();
      log.write("warn", "stripe_event_refused", { fault });
    }
    return new AppError(
      "invalid_value",
      "Cannot take this for Stripe's: its signature does not fit the secret of this endpoint, or is too old",
      { param: "stripe-signature" },
    );
  }

  return {
    terms: { minAmount, maxAmount, feePct, currency },
    quote: (amount) => quote(till, amount),
    buy: (buyer, amount, ways) => buy(till, secrets, buyer, amount, ways),
    async told(body, signature) {
      const fault = signatureFault(body, signature, secrets.webhook, clock.now());
      if (fault !== undefined) throw refuse(fault);
      const event = eventOf(new TextDecoder().decode(body));
      if (event === undefined) {
        log.write("error", "stripe_event_unread");
        throw new AppError("invalid_value", "Cannot read this event: it has not the shape of one");
      }
      const taken = await takeEvent(till, event);
      const facts = { id: event.id, type: event.type };
      if (taken.outcome === "taken") {
        if (taken.purchase !== undefined && taken.isMoved) onChange(taken.purchase.accountId);
        log.write("info", "stripe_event", { ...facts, purchase: taken.purchase?.id });
        return;
      }
      if (taken.outcome === "held") {
        const { id, accountId, amount } = taken.purchase;
        const held = { purchase: id, account: accountId, amount: toUnits(amount) };
        log.write("error", "stripe_payment_held", { ...facts, ...held });
        return;
      }
      if (taken.outcome !== "mismatch") {
        // Known: another process may have given the credit, and this one not seen it yet.
        log.write("debug", "stripe_event_passed", { ...facts, outcome: taken.outcome });
        return;
      }
      const { purchase, why } = taken;
      log.write("error", "stripe_event_mismatch", { ...facts, purchase: purchase.id, why });
      throw new AppError(
        "invalid_value",
        `Cannot take this event: its ${why} is not that of the purchase`,
      );
    },
  };
}

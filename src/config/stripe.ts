import { ConfigError } from "#src/config/error.ts";
import type { Picker } from "#src/config/pick.ts";
import type { FileConfig } from "#src/config/schema.ts";

/** How credit is bought. */
export interface StripeConfig {
  /** What may be paid at a time, in the currency. */
  minAmount: number;
  maxAmount: number;
  /** Where Stripe is, without a slash at its end. */
  apiBase: string;
  /** Absent where nothing is bought. */
  secrets: StripeSecrets | undefined;
}

/** By what we prove ourselves to Stripe, and by what Stripe signs what it tells us. */
export interface StripeSecrets {
  key: string;
  webhook: string;
}

/** Stripe of a configuration. Throws ConfigError. */
export function stripeOf(
  file: FileConfig["stripe"],
  {
    pick,
    number,
    secret,
  }: Pick<Picker, "pick" | "number"> & {
    secret(name: string): string | undefined;
  },
): StripeConfig {
  const minAmount = number("stripe.min_amount", "STRIPE_MIN_AMOUNT", file?.min_amount, 5);
  const maxAmount = number("stripe.max_amount", "STRIPE_MAX_AMOUNT", file?.max_amount, 1000);
  const address = pick(
    "stripe.api_base",
    "STRIPE_API_BASE",
    file?.api_base,
    "https://api.stripe.com",
  );
  if (minAmount > maxAmount)
    throw new ConfigError(
      `Cannot take payments from ${minAmount} to ${maxAmount}: stripe.min_amount has to be not above stripe.max_amount`,
    );
  const base = URL.canParse(address) ? new URL(address) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol))
    throw new ConfigError(
      `Cannot use "${address}" for stripe.api_base: an address such as https://api.stripe.com is needed`,
    );
  const apiBase = base.href.replace(/\/$/, "");
  return { minAmount, maxAmount, apiBase, secrets: secretsOf(secret) };
}

function secretsOf(secret: (name: string) => string | undefined): StripeSecrets | undefined {
  const [key, webhook] = [secret("STRIPE_SECRET_KEY"), secret("STRIPE_WEBHOOK_SECRET")];
  if (key !== undefined && webhook !== undefined) return { key, webhook };
  if (key === undefined && webhook === undefined) return undefined;
  if (key === undefined)
    throw new ConfigError(
      "Cannot take payments: STRIPE_WEBHOOK_SECRET is set and STRIPE_SECRET_KEY is not. Set it to a secret or restricted key of the same Stripe account, or unset the webhook secret",
    );
  // Who paid would never get the credit.
  throw new ConfigError(
    "Cannot take payments: STRIPE_SECRET_KEY is set and STRIPE_WEBHOOK_SECRET is not. Set it to the signing secret of the endpoint, or unset the key",
  );
}

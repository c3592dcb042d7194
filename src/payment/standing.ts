import { nano, type NanoUnits } from "#src/ledger/money.ts";
import type { Told } from "#src/payment/event.ts";
import type { Purchase, PurchaseState } from "#src/payment/purchase.ts";

/*
 * How a purchase stands follows from everything that was told of it, not from the order in which it was told: events come
 * late, twice and the other way round.
 */

/** What was told of a payment, as it is kept. */
export type Fact = Pick<Told, "disputeId" | "failedRefundId" | "minor" | "currency"> & {
  /** When, by Stripe's clock, Unix seconds. */
  toldAt: number | undefined;
};

/** How a purchase that was paid stands, and what of its credit is taken back. */
export function standingOf(
  { amount, price, currency }: Pick<Purchase, "amount" | "price" | "currency">,
  told: readonly Fact[],
): { state: PurchaseState; returned: NanoUnits } {
  const facts = told.filter((fact) => fact.currency === currency);
  const refunded = refundedOf(facts.filter(({ disputeId }) => disputeId === undefined));
  const byDispute = Map.groupBy(
    facts.filter(({ disputeId }) => disputeId !== undefined),
    ({ disputeId }) => disputeId,
  );
  let disputed = 0;
  for (const some of byDispute.values())
    if (!some.some(({ minor }) => minor === 0)) disputed += most(some);
  // A dispute may be about more than was paid, where currencies moved.
  const share = Math.min(1, (refunded + disputed) / price);
  const returned = nano(Math.round(amount * share));
  if (disputed > 0) return { state: "disputed", returned };
  return { state: share === 1 ? "refunded" : "paid", returned };
}

/**
 * What is refunded: the last sum that was told, less the refunds that failed since. One that failed before is not in that sum
 * any more. Within one second the larger sum is the later one, and a failure comes after it.
 */
function refundedOf(facts: readonly Fact[]): number {
  const timeOf = ({ toldAt = 0 }: Fact) => toldAt;
  const sums = facts.filter(({ failedRefundId }) => failedRefundId === undefined);
  const last = Math.max(0, ...sums.map(timeOf));
  const failures = Map.groupBy(
    facts.filter(({ failedRefundId }) => failedRefundId !== undefined),
    ({ failedRefundId }) => failedRefundId,
  );
  let failed = 0;
  // One that failed is told of again and again: the first time counts.
  for (const some of failures.values())
    if (Math.min(...some.map(timeOf)) >= last) failed += most(some);
  return Math.max(0, most(sums.filter((sum) => timeOf(sum) === last)) - failed);
}

function most(facts: readonly Fact[]): number {
  return Math.max(0, ...facts.map(({ minor }) => minor ?? 0));
}

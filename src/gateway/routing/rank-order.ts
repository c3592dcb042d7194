import { balance } from "#src/gateway/routing/rank-policy.ts";
import type { Ranked, Ranking } from "#src/gateway/routing/ranked.ts";
import { type Slug, slugAt } from "#src/gateway/routing/slug.ts";

/** Scores by the caller's own order; what it does not name comes after, and what one name means goes by balance. */
export function scoreByOrder(ranked: Ranked[], order: readonly Slug[], ranking: Ranking): void {
  balance(ranked, ranking);
  for (const one of ranked) {
    const place = slugAt(order, one.route.deployment);
    one.why = place < 0 ? "after_provider_order" : "provider_order";
    // The balance is at most 1.
    one.score += 2 * (place < 0 ? order.length : place);
  }
}

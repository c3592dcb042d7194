import type { Caller } from "#src/account/account.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { gramsLeft, needsFootprint } from "#src/gateway/carbon.ts";
import type { App } from "#src/gateway/context.ts";
import { uncounted } from "#src/gateway/routing/explain-none.ts";
import { AppError } from "#src/lib/error.ts";

/** What the catalogue does not know has no footprint: a carbon budget that refuses could not count it. */
export function refuseUncounted(ask: Ask, provider: string, caller: Caller, app: App): void {
  const what = ask.model === undefined ? "this call" : `"${ask.model}"`;
  if (needsFootprint(ask, caller))
    throw new AppError("not_meterable", uncounted(`${what} at ${provider}`), {
      metadata: { provider },
    });
  if (gramsLeft(ask, caller, app) !== undefined)
    throw new AppError(
      "carbon_budget_reached",
      `Cannot pass on ${what} to ${provider}: the carbon budget is used up, and its footprint is not known`,
      { metadata: { provider } },
    );
}

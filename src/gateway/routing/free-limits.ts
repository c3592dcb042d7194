import type { Caller } from "#src/account/account.ts";
import type { Demand } from "#src/allowance/allowance.ts";
import type { App } from "#src/gateway/context.ts";
import { fromUnits } from "#src/ledger/money.ts";
import type { Route } from "#src/provider/deployment.ts";

/** Requests for `:free` that an account may make. Source: the HTTP contract, section 8. */
export const perMinute = 20;
export const perDay = 50;
export const perDayOnceBought = 1000;
/** Credit in USD that an account has to have been given, or to have bought, for the larger number. */
export const boughtUsd = 5;

/** What a request for `:free` needs besides; of the account, for a second key is no second day. */
export function freeDemands(routes: readonly Route[], caller: Caller, app: App): Demand[] {
  if (!routes.some(({ variant }) => variant === "free")) return [];
  const owner = caller.account.id;
  const windowStart = app.windowStart("daily");
  const isBuyer = hasBought(caller, app);
  const left = app.allowances.standing({ kind: "free_day", owner, windowStart })?.remaining;
  // What is free never runs short of credit, so what was bought elsewhere would not be heard of.
  if (!isBuyer && left !== undefined && left < 1) app.allowances.refresh(owner);
  return [
    {
      kind: "free_minute",
      owner,
      windowStart: app.windowStart("minute"),
      windowEnd: app.windowEnd("minute"),
      limit: perMinute,
      amount: 1,
    },
    {
      kind: "free_day",
      owner,
      windowStart,
      windowEnd: app.windowEnd("daily"),
      limit: isBuyer ? perDayOnceBought : perDay,
      amount: 1,
    },
  ];
}

/** Who pays afterwards counts as having bought. */
function hasBought({ account }: Caller, app: App): boolean {
  if (account.plan === "metered") return true;
  const credit = app.allowances.standing({ kind: "credit", owner: account.id, windowStart: 0 });
  return (credit?.limit ?? 0) >= fromUnits(boughtUsd * app.config.billing.usdRate);
}

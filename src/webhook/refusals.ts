import type { Caller } from "#src/account/account.ts";
import type { Refusal } from "#src/allowance/allowance.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import type { Notice, Once } from "#src/webhook/events.ts";

/** What there is to tell of a refusal, once in its window; undefined where there is nothing, as for a minute's limit. */
export function noticeOfRefusal(
  { key, account }: Caller,
  { refused, standing }: Refusal,
  currency: string,
): { notice: Notice; once: Once } | undefined {
  const { kind, windowStart, windowEnd, limit, amount } = refused;
  const about = { accountId: account.id, keyHash: key.hash };
  const of = { key_id: key.hash, key_name: key.name };
  const resets = { resets_at: windowEnd === undefined ? null : rfc3339(windowEnd) };
  // A limit that is changed within its window may be reached anew.
  const once = (event: Notice["type"]): Once => ({
    kind: event,
    owner: `${key.hash} ${kind} ${limit ?? ""}`,
    windowStart,
  });
  switch (kind) {
    case "credit": {
      const granted = standing.limit ?? 0;
      const data = {
        balance: toUnits(granted - standing.used),
        free: toUnits(Math.max(0, standing.remaining ?? 0)),
        may_cost: toUnits(amount),
        currency,
      };
      const notice: Notice = { type: "credits.exhausted", accountId: account.id, data };
      // Credit that is added begins anew.
      return {
        notice,
        once: { kind: notice.type, owner: account.id, windowStart: granted },
      };
    }
    case "key_limit":
    case "key_daily":
    case "key_monthly": {
      const name = { key_limit: "limit", key_daily: "daily", key_monthly: "monthly" }[kind];
      const data = {
        ...of,
        limit: name,
        amount: toUnits(limit ?? 0),
        used: toUnits(standing.used),
        currency,
        ...resets,
      };
      const type = "key.limit_reached";
      return { notice: { ...about, type, data }, once: once(type) };
    }
    case "requests_day": {
      const data = {
        ...of,
        limit: "requests_per_day",
        amount: limit ?? 0,
        used: standing.used,
        ...resets,
      };
      const type = "key.limit_reached";
      return { notice: { ...about, type, data }, once: once(type) };
    }
    case "carbon": {
      const whose: Budgeted =
        refused.owner === account.id
          ? { accountId: account.id }
          : { accountId: account.id, key: { hash: key.hash, name: key.name } };
      const budget = limit ?? 0;
      return {
        notice: carbonNotice(whose, { budget, used: standing.used, percent: 100, windowEnd }),
        once: carbonOnce(whose, { budget, percent: 100, windowStart }),
      };
    }
    default:
      return undefined;
  }
}

/** Whose a carbon budget is: an account's, or that of one of its keys. */
export interface Budgeted {
  accountId: string;
  key?: { hash: string; name: string };
}

/** A carbon budget of which so much is used, or that a request did not fit into any more. Amounts in micrograms of CO2e. */
export function carbonNotice(
  { accountId, key }: Budgeted,
  of: { budget: number; used: number; percent: number; windowEnd: number | undefined },
): Notice {
  return {
    type: "carbon_budget.reached",
    accountId,
    keyHash: key?.hash,
    data: {
      budget_of: key === undefined ? "account" : "key",
      key_id: key?.hash ?? null,
      key_name: key?.name ?? null,
      share: of.percent / 100,
      budget_g: of.budget / 1e6,
      used_g: of.used / 1e6,
      resets_at: of.windowEnd === undefined ? null : rfc3339(of.windowEnd),
    },
  };
}

/** Once for a share of a budget and its window; a budget that is changed may be reached anew. */
export function carbonOnce(
  { accountId, key }: Budgeted,
  { budget, percent, windowStart }: { budget: number; percent: number; windowStart: number },
): Once {
  const share = percent === 100 ? "" : ` ${percent}`;
  const owner = `${key?.hash ?? accountId} ${budget}${share}`;
  return { kind: "carbon_budget.reached", owner, windowStart };
}

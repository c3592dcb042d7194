import { windowOf } from "#src/allowance/window.ts";
import { fromUnits, toUnits } from "#src/ledger/money.ts";
import { type Clock, rfc3339 } from "#src/lib/clock.ts";
import type { Standing } from "#src/provider/health.ts";
import { numberIn, type Store, textOf } from "#src/store/store.ts";
import type { Events, Notice, Once } from "#src/webhook/events.ts";
import { type Budgeted, carbonNotice, carbonOnce } from "#src/webhook/refusals.ts";

/*
 * What no request tells of: credit that runs low, carbon budgets that only change the route, providers that come and go.
 * Looked for every few seconds, aside of every request, and only where somebody wants to hear of it.
 */

export interface WatchOptions {
  store: Store;
  clock: Clock;
  events: Events;
  /** In the currency. */
  lowBalance: number;
  currency: string;
  /** Percent of a carbon budget that are told. */
  carbonAlerts: readonly number[];
  /** Every slot of this process. */
  standings(): readonly Standing[];
}

const lowKind = "credits.low";
const downKind = "provider.unavailable";
/** At a time: what is left follows with the next look. */
const someRows = 100;
const among = "(?2 IS NULL OR %owner IN (SELECT value FROM json_each(?2)))";

const fillUp = `SELECT notice.owner FROM notice JOIN allowance ON allowance.kind = 'credit'
AND allowance.owner = notice.owner AND allowance.window_start = 0
WHERE notice.kind = '${lowKind}' AND coalesce(granted, 0) - used >= ? LIMIT ${someRows}`;
const low = `SELECT allowance.owner, granted, used FROM allowance JOIN account ON account.id = allowance.owner
WHERE allowance.kind = 'credit' AND window_start = 0 AND plan = 'prepaid' AND disabled = 0 AND granted > 0
AND granted - used < ?1 AND ${among.replace("%owner", "allowance.owner")}
AND NOT EXISTS (SELECT 1 FROM notice WHERE notice.kind = '${lowKind}' AND notice.owner = allowance.owner)
LIMIT ${someRows}`;
// Budgets of keys and of accounts, each with every share of it that is used and was not told.
const overBudget = `WITH budget (owner, account, name, micrograms, reset) AS (
SELECT hash, account_id, name, CAST(round(carbon_budget_g * 1000000) AS INTEGER), coalesce(carbon_budget_reset, 'monthly')
FROM api_key WHERE carbon_budget_g IS NOT NULL
UNION ALL SELECT account.id, account.id, NULL, CAST(round(value ->> 'grams' * 1000000) AS INTEGER), value ->> 'reset'
FROM setting JOIN account ON setting.key = 'carbon:' || account.id)
SELECT budget.owner, account, name, micrograms, reset, used, share.value AS percent FROM budget
JOIN allowance ON allowance.kind = 'carbon' AND allowance.owner = budget.owner
AND window_start = iif(reset = 'daily', ?1, ?3)
JOIN json_each(?4) AS share ON used > 0 AND used * 100 >= micrograms * share.value
WHERE ${among.replace("%owner", "account")}
AND NOT EXISTS (SELECT 1 FROM notice WHERE notice.kind = 'carbon_budget.reached'
AND notice.owner = budget.owner || ' ' || micrograms || iif(share.value = 100, '', ' ' || share.value)
AND notice.window_start = allowance.window_start) ORDER BY share.value LIMIT ${someRows}`;

/** Looks for what is to be told, and tells it. */
export async function watch(options: WatchOptions): Promise<void> {
  await watchCredit(options);
  await watchCarbon(options);
  await watchProviders(options);
}

async function watchCredit({ store, events, lowBalance, currency }: WatchOptions): Promise<void> {
  const hearers = events.hearers(lowKind);
  if (hearers?.length === 0 || lowBalance === 0) return;
  const threshold = fromUnits(lowBalance);
  for (const row of await store.read(fillUp, [threshold])) {
    const args = [textOf(row, "owner") ?? "", threshold];
    // Judged again: it may have been spent since.
    await store.write([
      {
        sql: `DELETE FROM notice WHERE kind = '${lowKind}' AND owner = ?1 AND EXISTS (SELECT 1 FROM allowance
          WHERE kind = 'credit' AND owner = ?1 AND window_start = 0 AND coalesce(granted, 0) - used >= ?2)`,
        args,
      },
    ]);
  }
  for (const row of await store.read(low, [threshold, jsonOf(hearers)])) {
    const owner = textOf(row, "owner") ?? "";
    const balance = (numberIn(row, "granted") ?? 0) - (numberIn(row, "used") ?? 0);
    await events.announce(
      {
        type: lowKind,
        accountId: owner,
        data: { balance: toUnits(balance), threshold: lowBalance, currency },
      },
      { kind: lowKind, owner, windowStart: 0 },
    );
  }
}

async function watchCarbon({ store, events, clock, carbonAlerts }: WatchOptions): Promise<void> {
  const hearers = events.hearers("carbon_budget.reached");
  if (hearers?.length === 0 || carbonAlerts.length === 0) return;
  const now = clock.now();
  const [daily, monthly] = [windowOf("daily", now), windowOf("monthly", now)];
  const alerts = JSON.stringify(carbonAlerts);
  const args = [daily.windowStart, jsonOf(hearers), monthly.windowStart, alerts];
  for (const row of await store.read(overBudget, args)) {
    const { windowStart, windowEnd } = textOf(row, "reset") === "daily" ? daily : monthly;
    const [budget, used] = [numberIn(row, "micrograms") ?? 0, numberIn(row, "used") ?? 0];
    const percent = numberIn(row, "percent") ?? 100;
    const name = textOf(row, "name");
    const whose: Budgeted = {
      accountId: textOf(row, "account") ?? "",
      ...(name === undefined ? {} : { key: { hash: textOf(row, "owner") ?? "", name } }),
    };
    await events.announce(
      carbonNotice(whose, { budget, used, percent, windowEnd }),
      carbonOnce(whose, { budget, percent, windowStart }),
    );
  }
}

/** How long a slot that this process saw answering may still be unaware of what another process saw, ms. */
const hearsayMs = 60_000;

async function watchProviders({ store, clock, events, standings }: WatchOptions): Promise<void> {
  const isWanted =
    events.isHeard({ type: downKind }) || events.isHeard({ type: "provider.recovered" });
  if (!isWanted) return;
  const rows = await store.read("SELECT owner, at FROM notice WHERE kind = ?", [downKind]);
  const down = new Map(rows.map((row) => [textOf(row, "owner") ?? "", numberIn(row, "at") ?? 0]));
  for (const one of standings()) {
    const once: Once = { kind: downKind, owner: slotOf(one), windowStart: 0 };
    const at = down.get(once.owner);
    if (at === undefined && isDown(one)) await events.announce(noticeOf(one, downKind), once);
    if (at !== undefined && isBack(one, at, clock.now()))
      await events.retract(noticeOf(one, "provider.recovered"), once);
  }
}

function slotOf({ provider, region, model }: Standing): string {
  return `${provider} ${region} ${model}`;
}

function noticeOf(
  { provider, region, model, reason, since }: Standing,
  type: "provider.unavailable" | "provider.recovered",
): Notice {
  return {
    type,
    data: {
      provider,
      region,
      model,
      ...(type === downKind ? { reason: reason ?? null } : {}),
      since: since === undefined ? null : rfc3339(since),
    },
  };
}

/** Left alone because it failed or refuses us; not because it asked for a pause. */
function isDown({ state, reason }: Standing): boolean {
  return state === "unavailable" && reason !== "cooling";
}

/** Asked since it was told as unavailable, and answering. Who never asked it knows nothing. */
function isBack({ state, reason, since, latency }: Standing, toldAt: number, now: number): boolean {
  const works = state === "ok" || (state === "degraded" && reason === "failing");
  if (!works) return false;
  return (since ?? 0) > toldAt || (latency !== undefined && now - toldAt > hearsayMs);
}

function jsonOf(owners: readonly string[] | undefined): string | null {
  return owners === undefined ? null : JSON.stringify(owners);
}

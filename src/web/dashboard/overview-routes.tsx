import type { AnyElysia } from "elysia";
import { listKeys } from "#src/account/keys.ts";
import { isAtLeast } from "#src/account/people/person.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { searchGenerations } from "#src/ledger/generations.ts";
import type { UsageRow } from "#src/ledger/rollups.ts";
import { balanceOf } from "#src/ledger/transactions.ts";
import { dayOf } from "#src/lib/clock.ts";
import { burnOf } from "#src/report/burn.ts";
import { baselineOf } from "#src/report/eco-share.ts";
import { grouped, inOrder, sumOf } from "#src/report/totals.ts";
import { dayAt, type UsageFilter, type UsageReader } from "#src/report/usage.ts";
import { formatOf } from "#src/web/dashboard/file.ts";
import { overviewAnswer } from "#src/web/dashboard/overview-file.ts";
import { type Overview, OverviewPage } from "#src/web/dashboard/overview.tsx";
import { reachOf } from "#src/web/dashboard/requests-filter.ts";
import { createRoom, type Guest, type Outcome } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";

/** The window of the overview, today included. */
const windowDays = 30;
const dayMs = 86_400_000;
const shownRequests = 10;
/** Rows that are looked at for the last requests of a member, in steps. */
const steps = 4;
const stepRows = 250;
/** More combinations than there can be. */
const mostRows = 4000;

/** The first page behind the sign-in: `/dashboard`. */
export function overviewRoom(desk: Desk, reader: UsageReader): AnyElysia {
  const room = createRoom(desk, "overview", "member");
  room.get("/dashboard", (guest, outcome) => overview(desk, reader, guest, outcome), "Overview");
  return room.routes;
}

async function overview(
  desk: Desk,
  reader: UsageReader,
  guest: Guest,
  outcome: Outcome,
): Promise<Response> {
  const format = formatOf(guest.url.searchParams);
  const view = await viewOf(desk, reader, guest, format !== undefined);
  if (format === undefined)
    return page(<OverviewPage guest={guest} outcome={outcome} view={view} />, { personal: true });
  const { id, name } = guest.visitor.account;
  return overviewAnswer(view, { id, name }, format);
}

async function viewOf(
  desk: Desk,
  reader: UsageReader,
  guest: Guest,
  isFile: boolean,
): Promise<Overview> {
  const { app, services } = desk;
  const { visitor, url } = guest;
  const { account, person, role } = visitor;
  const now = app.clock.now();
  const today = dayOf(now);
  const fromDay = dayAt(today, 1 - windowDays);
  const seesAll = isAtLeast(role, "admin");
  const filter: UsageFilter = {
    account: account.id,
    ...(seesAll ? {} : { maker: person.id }),
    fromDay,
    toDay: today,
  };
  // Which methodologies made them, only files tell.
  const told = isFile ? { methodologies: true as const } : {};
  const [[days, models], [todays], [month], keys] = await Promise.all([
    reader.ask(filter, [
      { groupBy: ["day"], order: "place", limit: windowDays, ...told },
      { groupBy: ["model", "methodology"], order: "place", limit: mostRows },
    ]),
    reader.ask({ ...filter, fromDay: today }, [
      { groupBy: ["model"], order: "cost", limit: mostRows, ...told },
    ]),
    reader.ask({ ...filter, fromDay: `${today.slice(0, 7)}-01` }, [
      { groupBy: ["day"], order: "place", limit: 31 },
    ]),
    listKeys(services.store, {
      accountId: account.id,
      createdBy: seesAll ? undefined : person.id,
      includeDisabled: true,
      pageSize: 1000,
    }),
  ]);
  const byDay = new Map(days?.rows.map((row) => [row.day, row]));
  const estimates = models?.rows ?? [];
  const compared = (url.searchParams.get("baseline") ?? "").slice(0, 200);
  const balance = seesAll ? await balanceOf(services.store, account.id) : undefined;
  const mine = seesAll ? undefined : (await reachOf(services.store, visitor)).only;
  const isQuiet = estimates.length === 0;
  return {
    money: balance && {
      balance,
      plan: account.plan,
      spentThisMonth: sumOf(month?.rows ?? []).cost,
      burn: burnOf(days?.rows ?? [], balance.balance, now),
    },
    days: Array.from({ length: windowDays }, (_, at) => {
      const day = dayAt(fromDay, at);
      return { day, row: byDay.get(day) };
    }),
    today: todays?.rows ?? [],
    top: byModel(estimates),
    estimates,
    compared,
    baseline: baselineOf(services.tables, app.config.eco.methodology, compared, estimates),
    baselines: [...services.tables.parameters.keys()].sort(),
    methodology: app.config.eco.methodology,
    requests: isQuiet ? [] : await lastRequests(desk, account.id, mine, now),
    hasKey: keys.length > 0,
    canServe: app.routes.anyProvider,
    currency: app.config.billing.currency,
  };
}

/** One row for each model, the dearest first. */
function byModel(rows: readonly UsageRow[]): UsageRow[] {
  return inOrder(grouped(rows, ["model"]), ["model"], "cost");
}

/** The last requests; of a member's keys, those among the last thousand of the account. */
async function lastRequests(
  { services }: Desk,
  accountId: string,
  keyIds: readonly string[] | undefined,
  now: number,
): Promise<Generation[]> {
  const search = {
    accountId,
    ...(keyIds === undefined ? {} : { keyIds }),
    from: Date.parse(dayAt(dayOf(now), 1 - windowDays)),
    to: now + dayMs,
  };
  const found: Generation[] = [];
  let taken = 0;
  const rows = keyIds === undefined ? shownRequests : stepRows;
  for await (const { items } of searchGenerations(services.store, search, { rows })) {
    found.push(...items);
    taken++;
    if (found.length >= shownRequests || taken === steps) break;
  }
  return found.slice(0, shownRequests);
}

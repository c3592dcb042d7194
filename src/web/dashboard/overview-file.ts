import { json } from "#src/http/respond.ts";
import { toUnits } from "#src/ledger/money.ts";
import type { UsageRow } from "#src/ledger/rollups.ts";
import { activityColumns, activityRecord, toCsv } from "#src/report/activity.ts";
import { gramsPer1k } from "#src/report/eco-share.ts";
import { methodologiesOf, noTotals, sumOf } from "#src/report/totals.ts";
import type { Overview } from "#src/web/dashboard/overview.tsx";
import { requestColumns } from "#src/web/dashboard/requests-sheet.tsx";

/** The overview for programs: what the page shows, in the members of the activity export. */
export function overviewAnswer(
  view: Overview,
  account: { id: string; name: string },
  format: "json" | "csv",
): Response {
  return format === "json" ? json(overviewRecord(view, account)) : csvOf(view);
}

/** Money in the currency, energy in Wh, carbon in g CO2e; `money` is there only for who may see billing. */
function overviewRecord(view: Overview, account: { id: string; name: string }) {
  const all = view.days.flatMap(({ row }) => row ?? []);
  const columns = requestColumns(view.currency);
  return {
    object: "overview",
    account,
    currency: view.currency,
    from: view.days[0]?.day ?? null,
    to: view.days.at(-1)?.day ?? null,
    ...(view.money === undefined ? {} : { money: moneyRecord(view.money) }),
    totals: {
      ...activityRecord({ ...sumOf(all), methodologies: methodologiesOf(all) }, []),
      carbon_per_1k_tokens_g: gramsPer1k(view.estimates) ?? null,
    },
    baseline: baselineRecord(view),
    days: view.days.map(dayRecord),
    models: modelsOf(view).map((row) => activityRecord(row, ["model"])),
    models_today: view.today.map((row) => activityRecord(row, ["model"])),
    requests: view.requests.map((row) =>
      Object.fromEntries(columns.map(({ name, value }) => [name, value(row)])),
    ),
  };
}

/** Of a day without a request it is known that nothing was emitted. */
function dayRecord({ day, row }: Overview["days"][number]) {
  const record = activityRecord({ ...(row ?? noTotals), day }, ["day"]);
  if (row !== undefined) return record;
  const bounds = { energy_wh_low: 0, energy_wh_high: 0, carbon_g_low: 0, carbon_g_high: 0 };
  return { ...record, energy_wh: 0, carbon_g: 0, ...bounds };
}

function moneyRecord({ balance, plan, spentThisMonth, burn }: NonNullable<Overview["money"]>) {
  return {
    balance: toUnits(balance.balance),
    plan,
    spent_this_month: toUnits(spentThisMonth),
    burn_per_day: toUnits(Math.round(burn.perDay)),
    days_left: burn.daysLeft ?? null,
    band: burn.band,
  };
}

/** The same tokens on the model that was asked for; null where none was, or nothing is known of it. */
function baselineRecord({ baseline, methodology }: Overview) {
  if (baseline === undefined) return null;
  const { model, used, energyWh, carbonG } = baseline;
  return {
    model,
    methodology_version: methodology,
    energy_wh: energyWh.mid,
    energy_wh_low: energyWh.low,
    energy_wh_high: energyWh.high,
    carbon_g: carbonG.mid,
    carbon_g_low: carbonG.low,
    carbon_g_high: carbonG.high,
    used_energy_wh: used.energyWh,
    used_carbon_g: used.carbonG,
  };
}

/** By model, with the methodologies that made the estimates of each. */
function modelsOf({ top, estimates }: Overview): UsageRow[] {
  return top.map((row) => {
    const versions = estimates.flatMap(({ model, methodology = "" }) =>
      model === row.model && methodology !== "" ? [methodology] : [],
    );
    return { ...row, methodologies: versions.toSorted() };
  });
}

/** The three tables in one, told apart by their first column. */
function csvOf(view: Overview): Response {
  const columns = ["table", "date", "model", ...activityColumns([])];
  const records = [
    ...view.days.map((one) => ({ table: "days", ...dayRecord(one) })),
    ...modelsOf(view).map((row) => ({ table: "models", ...activityRecord(row, ["model"]) })),
    ...view.today.map((row) => ({ table: "models_today", ...activityRecord(row, ["model"]) })),
  ];
  return new Response(toCsv(records, columns), {
    headers: {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": 'attachment; filename="overview.csv"',
    },
  });
}

import { type AnyElysia, Elysia } from "elysia";
import type { App } from "#src/gateway/context.ts";
import { type ForCaller, requireManagement } from "#src/http/account.ts";
import { dayOf, timeOf } from "#src/http/query.ts";
import { json, jsonHeaders } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { toUnits } from "#src/ledger/money.ts";
import { removedUntil } from "#src/ledger/removed-usage.ts";
import {
  activity,
  type Dimension,
  hourly,
  type Point,
  timeseries,
  totals,
  type Totals,
  versionedActivity,
} from "#src/ledger/rollups.ts";
import { createBreath, mapInPieces } from "#src/lib/breath.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import {
  activityColumns,
  activityRecord,
  boundsOf,
  csvLine,
  dimensionNames,
  dimensionOf,
  toCsv,
} from "#src/report/activity.ts";

const monthMs = 30 * 86_400_000;

/** Usage by any grouping, as JSON and CSV, and the totals that client libraries ask for. */
export function activityRoutes(app: App, { store }: Services, forCaller: ForCaller): AnyElysia {
  const listing = (request: Request) =>
    forCaller(request, async (caller, { searchParams: query }) => {
      requireManagement(caller);
      const groupBy = groupOf(query.get("group_by") ?? "day,model,provider,region,key,user");
      const format = query.get("format") ?? "json";
      if (format !== "json" && format !== "csv")
        throw new AppError(
          "invalid_value",
          `Cannot export as "${format.slice(0, 20)}": json or csv is needed`,
          { param: "format" },
        );
      const rows = await versionedActivity(
        store,
        { account: caller.account.id, fromDay: dayOf(query, "start"), toDay: dayOf(query, "end") },
        groupBy,
      );
      const columns = activityColumns(groupBy);
      const lines = await mapInPieces(rows, createBreath(), (row) => {
        const record = activityRecord(row, groupBy);
        return format === "json" ? JSON.stringify(record) : csvLine(record, columns);
      });
      if (format === "json")
        return new Response(`{"data":[${lines.join(",")}]}`, { headers: jsonHeaders });
      return new Response(toCsv([], columns) + lines.join(""), {
        headers: {
          "content-type": "text/csv; charset=utf-8",
          "x-content-type-options": "nosniff",
          "content-disposition": 'attachment; filename="activity.csv"',
        },
      });
    });

  const filterOf = (account: string, query: URLSearchParams) => ({
    account,
    provider: query.get("provider_id") ?? undefined,
    model: query.get("model") ?? undefined,
    key: query.get("key_id") ?? undefined,
    fromDay: dayOf(query, "start_time"),
    toDay: dayOf(query, "end_time"),
  });
  const summary = (request: Request) =>
    forCaller(request, async ({ account }, { searchParams: query }) => {
      const filter = filterOf(account.id, query);
      const [all, byProvider, byModel] = await Promise.all([
        totals(store, filter),
        activity(store, filter, ["provider"]),
        activity(store, filter, ["provider", "model"]),
      ]);
      return json({
        total_requests: all.requests,
        total_input_tokens: all.inputTokens,
        total_output_tokens: all.outputTokens,
        total_tokens: all.inputTokens + all.outputTokens,
        estimated_cost_usd: toUnits(all.cost),
        by_provider: byProvider.map((row) => ({ provider_id: row.provider ?? "", ...point(row) })),
        by_model: byModel.map((row) => ({
          provider_id: row.provider ?? "",
          model: row.model ?? "",
          ...point(row),
        })),
      });
    });
  const series = (request: Request) =>
    forCaller(request, async ({ account }, { searchParams: query }) => {
      const granularity = query.get("granularity") ?? "daily";
      const { fromDay, toDay, ...filter } = filterOf(account.id, query);
      const now = app.clock.now();
      let points: Point[];
      if (granularity === "hourly") {
        const start = timeOf(query, "start_time") ?? now - monthMs;
        const gone = await removedUntil(store, account.id);
        if (gone !== undefined && start <= gone)
          throw new AppError(
            "invalid_value",
            `Cannot give hours from ${rfc3339(start)} on: requests until ${rfc3339(gone)} are not kept one by one any more. Begin after that, or ask for daily`,
            { param: "start_time" },
          );
        const end = timeOf(query, "end_time") ?? now + 1;
        points = await hourly(store, filter, start, end, request.signal);
      } else if (granularity === "daily" || granularity === "monthly") {
        points = await timeseries(store, { ...filter, fromDay, toDay }, granularity);
      } else {
        throw new AppError(
          "invalid_value",
          `Cannot group by "${granularity.slice(0, 20)}": hourly, daily or monthly is needed`,
          { param: "granularity" },
        );
      }
      return json({
        data_points: points.map((one) => ({ timestamp: rfc3339(one.start), ...point(one) })),
      });
    });

  return new Elysia({ name: "activity" })
    .get("/api/v1/activity", ({ request }) => listing(request))
    .get("/v1/activity", ({ request }) => listing(request))
    .get("/api/usage/summary", ({ request }) => summary(request))
    .get("/api/usage/timeseries", ({ request }) => series(request));
}

/** The fields named `…_usd` carry the configured currency. */
function point(row: Totals) {
  return {
    requests: row.requests,
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    estimated_cost_usd: toUnits(row.cost),
    energy_wh: row.requests > row.withoutEco ? row.energyWh : null,
    carbon_g: row.requests > row.withoutEco ? row.carbonG : null,
    ...boundsOf(row),
  };
}

function groupOf(text: string): Dimension[] {
  const words = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const found = words.map((word) => {
    const dimension = dimensionOf(word);
    if (dimension === undefined || dimension === "account") {
      throw new AppError(
        "invalid_value",
        `Cannot group by "${word.slice(0, 40)}": known are ${dimensionNames.filter((name) => name !== "account").join(", ")}`,
        { param: "group_by" },
      );
    }
    return dimension;
  });
  return [...new Set(found)];
}

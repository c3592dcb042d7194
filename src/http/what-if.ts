import type { App } from "#src/gateway/context.ts";
import { type AnyElysia, Elysia } from "elysia";
import type { ForCaller } from "#src/http/account.ts";
import { dayOf } from "#src/http/query.ts";
import { json } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { whatIfKit } from "#src/http/what-if-places.ts";
import { dayOf as dayOfTime } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { toCsv } from "#src/report/activity.ts";
import { createUsageReader, dayAt, type UsageFilter } from "#src/report/usage.ts";
import {
  whatIfColumns,
  whatIfLines,
  whatIfRecord,
  whatIfReport,
  type WhatIfReport,
} from "#src/report/what-if-report.ts";

const standardDays = 30;
const mostDays = 366;
const dayMs = 86_400_000;
const filters = ["model", "provider", "region", "key", "user"] as const;

/** What the recorded traffic would have been elsewhere: for any key, over its own account. */
export function whatIfRoutes(app: App, services: Services, forCaller: ForCaller): AnyElysia {
  const { store } = services;
  const reader = createUsageReader({ store, clock: app.clock });
  return new Elysia({ name: "what-if" }).get("/api/v1/usage/what-if", ({ request }) =>
    forCaller(request, async ({ account }, { searchParams: query }) => {
      const format = query.get("format") ?? "json";
      if (format !== "json" && format !== "csv")
        throw new AppError(
          "invalid_value",
          `Cannot export as "${format.slice(0, 20)}": json or csv is needed`,
          { param: "format" },
        );
      const filter = filterOf(account.id, query, app.clock.now());
      const kit = await whatIfKit(app, services, account);
      return whatIfAnswer(await whatIfReport(reader, filter, kit), filter, format);
    }),
  );
}

/** The report for programs. */
export function whatIfAnswer(
  report: WhatIfReport,
  { fromDay, toDay }: Pick<UsageFilter, "fromDay" | "toDay">,
  format: "json" | "csv",
): Response {
  const lines = whatIfLines(report);
  if (format === "json")
    return json(
      { object: "what_if", start: fromDay, end: toDay, ...whatIfRecord(report), data: lines },
      { headers: { "cache-control": "no-store" } },
    );
  return new Response(toCsv(lines, whatIfColumns), {
    headers: {
      "content-type": "text/csv; charset=utf-8",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
      "content-disposition": 'attachment; filename="what-if.csv"',
    },
  });
}

function filterOf(account: string, query: URLSearchParams, now: number): UsageFilter {
  const toDay = dayOf(query, "end") ?? dayOfTime(now);
  const fromDay = dayOf(query, "start") ?? dayAt(toDay, 1 - standardDays);
  const days = (Date.parse(toDay) - Date.parse(fromDay)) / dayMs + 1;
  if (days < 1 || days > mostDays)
    throw new AppError(
      "invalid_value",
      `Cannot report from ${fromDay} to ${toDay}: 1 to ${mostDays} days are needed`,
      { param: "start" },
    );
  const picked = filters.flatMap((name): [string, string][] => {
    const value = query.get(name);
    return value === null || value === "" ? [] : [[name, value]];
  });
  return { account, fromDay, toDay, ...Object.fromEntries(picked) };
}

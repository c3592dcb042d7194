import type { AnyElysia } from "elysia";
import { isAtLeast, type Visitor } from "#src/account/people/person.ts";
import type { RollupAnswer } from "#src/ledger/rollups.ts";
import { AppError } from "#src/lib/error.ts";
import { activityRecord, toCsv } from "#src/report/activity.ts";
import { bandsOf } from "#src/report/eco-share.ts";
import { methodologiesOf, sumOf } from "#src/report/totals.ts";
import type { UsageReader } from "#src/report/usage.ts";
import { createRoom, type Guest } from "#src/web/dashboard/room.ts";
import { filterOf, type UsageAsk, usageAskOf } from "#src/web/dashboard/usage-ask.ts";
import { mostExported, UsagePage } from "#src/web/dashboard/usage.tsx";
import type { Choices } from "#src/web/dashboard/usage-filters.tsx";
import { exportColumns, exportRecord } from "#src/web/dashboard/usage-sheet.tsx";
import type { Names } from "#src/web/dashboard/usage-words.tsx";
import { namesOf } from "#src/web/dashboard/usage-names.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";

/** Rows of the table on a page; the rest is one row. */
const shownRows = 50;
/** Every day of the longest report. */
const mostDays = 366;
/** More combinations of model and methodology than there can be. */
const mostModels = 4000;
const exportedAtOnce = 1000;

/** What was used, by any grouping: `/dashboard/usage`, with JSON and CSV at the same address. */
export function usageRoom(desk: Desk, reader: UsageReader): AnyElysia {
  const room = createRoom(desk, "usage", "member");
  room.get("/dashboard/usage", (guest) => usage(desk, reader, guest), "Usage");
  return room.routes;
}

async function usage(desk: Desk, reader: UsageReader, guest: Guest): Promise<Response> {
  const { visitor, url } = guest;
  const { app, services } = desk;
  const ask = usageAskOf(url.searchParams, visitor, app.clock.now());
  const format = url.searchParams.get("format");
  const names = await namesOf(services.store, visitor);
  if (format === "json" || format === "csv") return exported(reader, ask, names, format);
  if (format !== null)
    throw new AppError(
      "invalid_value",
      `Cannot export as "${format.slice(0, 20)}": json or csv is needed`,
      { param: "format" },
    );
  const isByDay = ask.groupBy.length === 1 && ask.groupBy[0] === "day";
  const limit = isByDay ? mostDays : shownRows;
  const [groups, days, models] = await reader.ask(filterOf(ask), [
    { groupBy: ask.groupBy, order: ask.order, limit },
    { groupBy: ["day"], order: "place", limit: mostDays },
    { groupBy: ["model", "methodology"], order: "place", limit: mostModels },
  ]);
  return page(
    <UsagePage
      guest={guest}
      ask={ask}
      groups={groups ?? { rows: [], count: 0 }}
      days={days?.rows ?? []}
      bands={bandsOf(services.tables, models?.rows ?? [])}
      names={names}
      choices={choicesOf(desk, visitor, names)}
      currency={app.config.billing.currency}
    />,
    { personal: true },
  );
}

/** Keys and people to choose from in a form; each of the others is chosen in the table. */
const mostChoices = 200;

/** What the catalogue and the account have; what only the past has is chosen in the table. */
export function choicesOf({ app, services }: Desk, visitor: Visitor, names: Names): Choices {
  return {
    model: services.models.map(({ id }) => id),
    provider: services.providers.map(({ id }) => id),
    region: [...app.routes.regions].sort(),
    key: [...names.keys.keys()].slice(0, mostChoices),
    maker: isAtLeast(visitor.role, "admin") ? [...names.people.keys()].slice(0, mostChoices) : [],
  };
}

/** All rows, written as they are sent: fifty thousand at once would keep others waiting. */
async function exported(
  reader: UsageReader,
  ask: UsageAsk,
  names: Names,
  format: "json" | "csv",
): Promise<Response> {
  const [groups = { rows: [], count: 0 }, days] = await reader.ask(filterOf(ask), [
    { groupBy: ask.groupBy, order: ask.order, limit: mostExported, methodologies: true },
    { groupBy: ["day"], order: "place", limit: mostDays, methodologies: true },
  ]);
  const isCut = groups.count > groups.rows.length;
  const all = days?.rows ?? [];
  const totals = activityRecord({ ...sumOf(all), methodologies: methodologiesOf(all) }, []);
  const name = isCut ? `usage-first-${groups.rows.length}-of-${groups.count}` : "usage";
  const body =
    format === "csv"
      ? csvOf(ask, groups, names)
      : jsonOf(ask, groups, names, { totals, rows: groups.count, is_cut: isCut });
  return new Response(streamOf(body), {
    headers: {
      "content-type": format === "csv" ? "text/csv; charset=utf-8" : "application/json",
      "cache-control": "no-store",
      ...(format === "csv" ? { "content-disposition": `attachment; filename="${name}.csv"` } : {}),
    },
  });
}

function* csvOf({ groupBy }: UsageAsk, { rows }: RollupAnswer, names: Names): Generator<string> {
  const columns = exportColumns(groupBy);
  yield toCsv([], columns);
  const head = toCsv([], columns).length;
  for (let at = 0; at < rows.length; at += exportedAtOnce) {
    const some = rows.slice(at, at + exportedAtOnce);
    yield toCsv(
      some.map((row) => exportRecord(row, groupBy, names)),
      columns,
    ).slice(head);
  }
}

function* jsonOf(
  { groupBy }: UsageAsk,
  { rows }: RollupAnswer,
  names: Names,
  facts: object,
): Generator<string> {
  yield `${JSON.stringify({ object: "list", ...facts }).slice(0, -1)},"data":[`;
  for (let at = 0; at < rows.length; at += exportedAtOnce) {
    const some = rows.slice(at, at + exportedAtOnce);
    const texts = some.map((row) => JSON.stringify(exportRecord(row, groupBy, names)));
    yield `${at === 0 ? "" : ","}${texts.join(",")}`;
  }
  yield "]}";
}

function streamOf(parts: Generator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = parts.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
}

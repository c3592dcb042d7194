import type { AnyElysia } from "elysia";
import { json } from "#src/http/respond.ts";
import { findRequest } from "#src/http/unsent.ts";
import { AppError } from "#src/lib/error.ts";
import { explainGeneration, gridVersionOf } from "#src/report/explain-generation.ts";
import { RequestPage, requestRecord } from "#src/web/dashboard/request-page.tsx";
import { RequestsPage } from "#src/web/dashboard/requests.tsx";
import { filterOf, reachOf, searchOf } from "#src/web/dashboard/requests-filter.ts";
import { exportRequests, findRequests } from "#src/web/dashboard/requests-find.ts";
import { requestColumns } from "#src/web/dashboard/requests-sheet.tsx";
import { createRoom, type Guest } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";

/** The requests of an account: the list with its filters, and a page for each. */
export function requestsRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const { store } = services;
  const { currency } = app.config.billing;
  const columns = requestColumns(currency);
  const models = services.models.map(({ id }) => id).toSorted();
  const providers = services.providers.map(({ id }) => id).toSorted();
  const regions = [...app.routes.regions].toSorted();
  /** People whose file is being made: it may be large, so each gets one at a time. */
  const exporting = new Set<string>();

  async function list(guest: Guest): Promise<Response> {
    const { visitor, url, request } = guest;
    const filter = filterOf(url.searchParams, app.clock.now());
    const reach = await reachOf(store, visitor);
    const search = searchOf(filter, visitor.account.id, reach);
    const { before } = filter;
    const format = url.searchParams.get("format");
    if (format === "csv" || format === "json")
      return oneAtATime(exporting, visitor.person.id, () =>
        exportRequests({ store, search, before, columns, format, request }),
      );
    const found = await findRequests(store, search, before);
    return page(
      <RequestsPage
        guest={guest}
        filter={filter}
        choices={{ models, providers, regions, keys: reach.keys, deleted: reach.deleted }}
        found={found}
        columns={columns}
        isOwnOnly={reach.only !== undefined}
      />,
      { personal: true },
    );
  }

  async function one(guest: Guest): Promise<Response> {
    const { visitor, url, params } = guest;
    const id = params["id"] ?? "";
    const found = await findRequest(services, visitor.account.id, id);
    const { only, keys } = await reachOf(store, visitor);
    if (found === undefined || only?.includes(found.row.keyId) === false) throw noRequest();
    const { row, waits } = found;
    const grid = services.gridOf(
      row.provider ?? "",
      row.region ?? "",
      gridVersionOf(row, app.config.eco.methodology),
    );
    const explained = explainGeneration(row, services.tables, grid, app.config.eco.methodology);
    if (url.searchParams.get("format") === "json")
      return json(requestRecord(found, explained), {
        headers: { "cache-control": "no-store", "x-content-type-options": "nosniff" },
      });
    return page(
      <RequestPage
        guest={guest}
        row={row}
        explained={explained}
        currency={currency}
        hasKey={keys.some(({ hash }) => hash === row.keyId)}
        waits={waits}
      />,
      {
        personal: true,
      },
    );
  }

  return createRoom(desk, "requests", "member")
    .get("/dashboard/transactions", list)
    .get("/dashboard/transactions/:id", one).routes;
}

async function oneAtATime(
  busy: Set<string>,
  personId: string,
  make: () => Promise<Response>,
): Promise<Response> {
  if (busy.has(personId))
    throw new AppError(
      "rate_limit_exceeded",
      "Cannot make two files at once: the one that you asked for before is not done yet",
      { retryAfterSeconds: 5 },
    );
  busy.add(personId);
  try {
    return await make();
  } finally {
    busy.delete(personId);
  }
}

function noRequest(): AppError {
  return new AppError(
    "generation_not_found",
    "Cannot find this request: /dashboard/transactions lists those that you may see",
  );
}

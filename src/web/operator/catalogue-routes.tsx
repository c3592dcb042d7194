import type { AnyElysia } from "elysia";
import { dayOf } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { createRoom } from "#src/web/dashboard/room.ts";
import { CatalogueModelPage } from "#src/web/operator/catalogue-model.tsx";
import { type CatalogueFilters, catalogueRows } from "#src/web/operator/catalogue-facts.ts";
import { CataloguePage, catalogueSheet } from "#src/web/operator/catalogue.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { field } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";

const perPage = 50;
const path = "/operator/catalogue";

/** Models with their prices, the days of these, and what will change. */
export function catalogueRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  return createRoom(desk, "operator catalogue", "operator")
    .get(path, (guest) => {
      const query = guest.url.searchParams;
      const filters = filtersOf(query);
      const found = catalogueRows({ app, services }, filters);
      const file = sheetAnswer(catalogueSheet(found), query);
      if (file !== undefined) return file;
      const after = query.get("after") ?? "";
      const left = found.filter(({ model }) => model.id > after);
      const rows = left.slice(0, perPage);
      return page(
        <CataloguePage
          guest={guest}
          filters={filters}
          rows={rows}
          total={found.length}
          next={left.length > perPage ? rows.at(-1)?.model.id : undefined}
          providers={services.providers.map(({ id }) => id).toSorted()}
          tables={services.tables}
          methodology={app.config.eco.methodology}
        />,
        { personal: true },
      );
    })
    .get(`${path}/*`, (guest) => {
      const id = decoded(guest.params["*"] ?? "");
      const model = services.models.find((one) => one.id === id);
      if (model === undefined)
        throw new AppError("not_found", `Cannot find this model: ${path} lists them`);
      return page(
        <CatalogueModelPage
          guest={guest}
          model={model}
          routes={app.routes.of(model)}
          day={dayOf(app.clock.now())}
        />,
        { personal: true },
      );
    }).routes;
}

function filtersOf(query: URLSearchParams): CatalogueFilters {
  return {
    text: field(query, "q", 100),
    provider: field(query, "provider", 100),
    routable: query.get("routable") === "1",
    changing: query.get("changing") === "1",
  };
}

/** What an address stands for; itself where it is none. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray percent sign: no model has that name.
    return text;
  }
}

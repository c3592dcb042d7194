import { Elysia } from "elysia";
import { besides } from "#src/eco/grid-table.ts";
import type { EcoTables } from "#src/eco/load.ts";
import type { App } from "#src/gateway/context.ts";
import { forEveryone } from "#src/http/catalog.ts";
import type { Services } from "#src/http/services.ts";
import { AppError } from "#src/lib/error.ts";
import { AccuracyPage, accuracySheet } from "#src/web/public/comparison-accuracy.tsx";
import { HomePage, numbersOf } from "#src/web/public/home.tsx";
import { laboratorySheet } from "#src/web/public/laboratory.tsx";
import {
  isTableName,
  MethodologyPage,
  tablePages,
  TablePage,
} from "#src/web/public/methodology.tsx";
import { ModelPage } from "#src/web/public/model.tsx";
import { factsOf } from "#src/web/public/model-facts.ts";
import { filtersOf, rowsOf } from "#src/web/public/model-filters.ts";
import { moneyOf } from "#src/web/public/money.ts";
import { modelSheet } from "#src/web/public/model-sheet.tsx";
import { ModelsPage } from "#src/web/public/models.tsx";
import type { Source } from "#src/web/public/offers.ts";
import { ProviderPage } from "#src/web/public/provider.tsx";
import { providerSheet, ProvidersPage } from "#src/web/public/providers.tsx";
import { statusSheet, StatusPage } from "#src/web/public/status.tsx";
import {
  gridSheet,
  measurementSheet,
  parameterSheet,
  placeSheet,
  regionFacts,
  regionSheet,
} from "#src/web/public/tables.tsx";
import { zoneSheet } from "#src/web/public/zones.tsx";
import { GridNote } from "#src/web/public/words.tsx";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";
import { visitOf } from "#src/web/visit.ts";

/** Pages that anyone may see. */
export function publicRoutes(app: App, services: Services) {
  const source: Source = { app, services: forEveryone(services) };
  const money = moneyOf(app.config.billing);
  const note = <GridNote tables={services.tables} />;
  const queryOf = (request: Request) => new URL(request.url).searchParams;
  return new Elysia({ name: "public-pages" })
    .get("/", ({ request }) =>
      page(<HomePage visit={visitOf(request, app)} numbers={numbersOf(source)} />),
    )
    .get("/models", ({ request }) => {
      const query = queryOf(request);
      const filters = filtersOf(query);
      const rows = rowsOf(source, filters);
      return (
        sheetAnswer(modelSheet(rows, filters, money), query) ??
        page(
          <ModelsPage
            visit={visitOf(request, app)}
            rows={rows}
            filters={filters}
            regions={[...app.routes.regions].sort()}
            providers={services.providers.map(({ id }) => id).sort()}
            money={money}
            note={note}
          />,
        )
      );
    })
    .get("/models/*", ({ request, params }) => {
      const facts = factsOf(decoded(params["*"]), source);
      if (facts === undefined)
        throw new AppError("not_found", "There is no such model: /models lists them all");
      return page(<ModelPage visit={visitOf(request, app)} facts={facts} note={note} />);
    })
    .get("/providers", ({ request }) => {
      const sheet = providerSheet(source);
      return (
        sheetAnswer(sheet, queryOf(request)) ??
        page(<ProvidersPage visit={visitOf(request, app)} sheet={sheet} note={note} />)
      );
    })
    .get("/providers/:id", ({ request, params }) => {
      const provider = services.providers.find(({ id }) => id === params.id);
      if (provider === undefined)
        throw new AppError("not_found", "There is no such provider: /providers lists them all");
      return page(
        <ProviderPage
          visit={visitOf(request, app)}
          provider={provider}
          gateway={source}
          note={note}
        />,
      );
    })
    .get("/methodology", ({ request }) =>
      page(
        <MethodologyPage
          visit={visitOf(request, app)}
          methodologies={besides(services.tables, app.config.eco.methodology)}
          tables={services.tables}
          used={app.config.eco.methodology}
          regions={regionFacts(services.tables)}
          note={note}
        />,
      ),
    )
    .get("/methodology/accuracy", ({ request }) => {
      const { tables } = services;
      return (
        sheetAnswer(accuracySheet(tables), queryOf(request)) ??
        page(
          <AccuracyPage
            visit={visitOf(request, app)}
            tables={tables}
            used={app.config.eco.methodology}
          />,
        )
      );
    })
    .get("/methodology/:table", ({ request, params }) => {
      const { table } = params;
      if (!isTableName(table))
        throw new AppError(
          "not_found",
          `There is no such table: there are ${[...Object.keys(tablePages), "accuracy"].join(", ")}`,
        );
      return tableAnswers[table](request, app, services);
    })
    .get("/status", ({ request }) => {
      const sheet = statusSheet(source);
      return (
        sheetAnswer(sheet, queryOf(request)) ??
        page(
          <StatusPage
            visit={visitOf(request, app)}
            sheet={sheet}
            live={app.liveGrid?.states() ?? []}
            now={app.clock.now()}
          />,
        )
      );
    });
}

type TableAnswer = (request: Request, app: App, services: Services) => Response;

/** A table as a page, JSON or CSV. */
function table<T>(
  name: keyof typeof tablePages,
  sheetOf: (
    tables: EcoTables,
    services: Services,
    app: App,
  ) => Parameters<typeof sheetAnswer<T>>[0],
): TableAnswer {
  return (request, app, services) => {
    const sheet = sheetOf(services.tables, services, app);
    return (
      sheetAnswer(sheet, new URL(request.url).searchParams) ??
      page(
        <TablePage visit={visitOf(request, app)} name={name} sheet={sheet}>
          {name === "regions" || name === "zones" ? <GridNote tables={services.tables} /> : null}
        </TablePage>,
      )
    );
  };
}

const tableAnswers: Record<keyof typeof tablePages, TableAnswer> = {
  parameters: table("parameters", parameterSheet),
  grid: table("grid", gridSheet),
  regions: table("regions", regionSheet),
  zones: table("zones", (_, services, app) => zoneSheet(forEveryone(services), app.routes)),
  places: table("places", placeSheet),
  measurements: table("measurements", measurementSheet),
  laboratory: table("laboratory", laboratorySheet),
};

/** A path's rest as text; a broken escape names nothing. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return "";
  }
}

import type { AnyElysia } from "elysia";
import { getSetting } from "#src/account/settings.ts";
import { catalogueDate } from "#src/catalog/date.ts";
import { withoutSecrets } from "#src/config/show.ts";
import { listProcesses } from "#src/ledger/processes.ts";
import { lastBackup } from "#src/store/backup.ts";
import { freeBytes } from "#src/store/machine.ts";
import { schemaVersion } from "#src/store/migrate.ts";
import { sqliteVersion } from "#src/store/sqlite-version.ts";
import { createRoom, type Guest, type Outcome } from "#src/web/dashboard/room.ts";
import { ConfigurationPage, settingSheet } from "#src/web/operator/configuration.tsx";
import {
  cheapFindings,
  databaseBytes,
  dearFindings,
  type Finding,
} from "#src/web/operator/findings.ts";
import { SystemPage, type SystemView } from "#src/web/operator/system.tsx";
import { readWorkers, workerState } from "#src/web/operator/workers.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";

const shownProcesses = 30;

/** What the gateway runs with, and how it is. */
export function systemRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const { store } = services;
  services.siblings?.answer("state", () => workerState({ app, services }));
  /** Who presses the button twice waits for the first. */
  let checking: Promise<Finding[]> | undefined;

  async function view(dear: readonly Finding[] | undefined): Promise<SystemView> {
    const spool = await services.unsent?.stateOfAll();
    const [processes, schema, backedUp, findings, workers] = await Promise.all([
      listProcesses(store, shownProcesses),
      schemaVersion(store),
      getSetting(store, lastBackup),
      cheapFindings({ app, services }, spool),
      services.siblings?.ask("state"),
    ]);
    const { rss, heapUsed } = process.memoryUsage();
    return {
      sqlite: sqliteVersion(),
      methodologies: services.tables.methodologies.map((record) => record.version),
      catalogue: catalogueDate(),
      database: {
        kind: store.kind,
        at: store.path ?? withoutSecrets(app.config.database.url),
        bytes: databaseBytes(store),
        schema,
      },
      spool,
      processId: services.processId,
      processes,
      workers: workers && readWorkers(workers),
      inFlight: app.open.size,
      memory: { rss, heap: heapUsed },
      freeBytes: freeBytes(app.config.dataDir),
      lastBackup: backedUp === undefined ? undefined : Number(backedUp),
      now: app.clock.now(),
      findings: [...findings, ...(dear ?? [])],
      isComplete: dear !== undefined,
    };
  }

  async function show(guest: Guest, outcome: Outcome, dear?: Finding[]): Promise<Response> {
    return page(<SystemPage guest={guest} outcome={outcome} view={await view(dear)} />, {
      status: outcome.status ?? 200,
      personal: true,
    });
  }

  return createRoom(desk, "operator system", "operator")
    .get("/operator/configuration", (guest) => {
      const { config } = app;
      return (
        sheetAnswer(settingSheet(config), guest.url.searchParams) ??
        page(<ConfigurationPage guest={guest} config={config} providers={services.providers} />, {
          personal: true,
        })
      );
    })
    .get("/operator/system", show)
    .post(
      "/operator/system/check",
      async (sender) => {
        checking ??= dearFindings({ app, services }).finally(() => {
          checking = undefined;
        });
        return show(sender, {}, await checking);
      },
      show,
    ).routes;
}

import type { AnyElysia } from "elysia";
import { listProviderKeys } from "#src/account/provider-keys.ts";
import { lastFaults } from "#src/ledger/last-faults.ts";
import { AppError } from "#src/lib/error.ts";
import { distinctPlaces } from "#src/provider/deployment.ts";
import { probe } from "#src/provider/probe.ts";
import { createRoom, type Guest, type Outcome, type Sender } from "#src/web/dashboard/room.ts";
import { OperatorProviderPage, type Tried } from "#src/web/operator/provider.tsx";
import { type ProviderFacts, providerFacts } from "#src/web/operator/provider-facts.ts";
import { ProvidersPage, providersSheet } from "#src/web/operator/providers.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";

const path = "/operator/providers";

/** Providers with their credentials, health and circuits, and a test that really asks. */
export function providersRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const { store } = services;

  async function facts(): Promise<ProviderFacts[]> {
    const [keys, faults] = await Promise.all([
      listProviderKeys(store, "operator"),
      lastFaults(store),
    ]);
    return providerFacts({ app, services }, keys, faults);
  }

  function placesAt(id: string) {
    return distinctPlaces(app.routes.deployments.filter(({ provider }) => provider.id === id));
  }

  async function list(guest: Guest, outcome: Outcome): Promise<Response> {
    const rows = await facts();
    const now = app.clock.now();
    return (
      sheetAnswer(providersSheet(rows, now), guest.url.searchParams) ??
      page(<ProvidersPage guest={guest} outcome={outcome} rows={rows} now={now} />, {
        status: outcome.status ?? 200,
        personal: true,
      })
    );
  }

  async function show(guest: Guest, outcome: Outcome, tried?: Tried[]): Promise<Response> {
    const found = (await facts()).find(({ provider }) => provider.id === guest.params.id);
    if (found === undefined)
      throw new AppError("not_found", `Cannot find this provider: ${path} lists them`);
    return page(
      <OperatorProviderPage
        guest={guest}
        outcome={outcome}
        facts={found}
        places={placesAt(found.provider.id)}
        tried={tried}
        file={app.config.file}
        now={app.clock.now()}
      />,
      { status: outcome.status ?? 200, personal: true },
    );
  }

  async function test(sender: Sender): Promise<Response> {
    const found = (await facts()).find(({ provider }) => provider.id === sender.params.id);
    if (found?.missing !== undefined)
      throw new AppError(
        "invalid_value",
        `Cannot test "${found.provider.id}": it has no credential. Set ${found.missing}, and start again`,
      );
    const { connectMs } = app.config.timeouts;
    const tried = await Promise.all(
      placesAt(sender.params.id ?? "").map(async (place): Promise<Tried> => {
        const from = app.clock.monotonic();
        const answer = await probe(place, connectMs);
        return { ...answer, milliseconds: app.clock.monotonic() - from };
      }),
    );
    return show(sender, {}, tried);
  }

  return createRoom(desk, "operator providers", "operator")
    .get(path, list)
    .get(`${path}/:id`, show)
    .post(`${path}/:id/test`, test, show).routes;
}

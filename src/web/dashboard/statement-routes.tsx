import type { AnyElysia } from "elysia";
import { createShelf, type StatementShelf } from "#src/statement/open.ts";
import { createRoom } from "#src/web/dashboard/room.ts";
import { statementAnswer } from "#src/web/dashboard/statement-page.tsx";
import type { Desk } from "#src/web/people/desk.ts";

const path = "/dashboard/statements";

/** Statements of the gateway, kept for a moment. */
export function shelfOf({ app, services }: Desk): StatementShelf {
  return createShelf({
    store: services.store,
    tables: services.tables,
    hasGrid: (provider, region) => services.gridOf(provider, region) !== undefined,
    place: services.providerKeys.place,
    clock: app.clock,
    origin: app.config.publicUrl,
  });
}

/** The footprint statement of one month of an account. */
export function statementRoom(desk: Desk): AnyElysia {
  const shelf = shelfOf(desk);
  return createRoom(desk, "statement", "admin").get(`${path}/:month`, (guest) =>
    statementAnswer(guest, {
      account: guest.visitor.account,
      path,
      shelf,
      now: desk.app.clock.now(),
    }),
  ).routes;
}

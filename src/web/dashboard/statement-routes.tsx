import type { AnyElysia } from "elysia";
import { createRoom } from "#src/web/dashboard/room.ts";
import { statementAnswer } from "#src/web/dashboard/statement-page.tsx";
import type { Desk } from "#src/web/people/desk.ts";

const path = "/dashboard/statements";

/** The footprint statement of one month of an account. */
export function statementRoom(desk: Desk): AnyElysia {
  return createRoom(desk, "statement", "admin").get(`${path}/:month`, (guest) =>
    statementAnswer(guest, {
      account: guest.visitor.account,
      path,
      shelf: desk.services.statements,
      now: desk.app.clock.now(),
    }),
  ).routes;
}

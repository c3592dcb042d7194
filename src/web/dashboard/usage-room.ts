import { type AnyElysia, Elysia } from "elysia";
import { createUsageReader } from "#src/report/usage.ts";
import { overviewRoom } from "#src/web/dashboard/overview-routes.tsx";
import { usageRoom } from "#src/web/dashboard/usage-routes.tsx";
import { whatIfRoom } from "#src/web/dashboard/what-if-routes.tsx";
import type { Desk } from "#src/web/people/desk.ts";

/** The overview and the usage, which read the same totals. */
export function usageRooms(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const reader = createUsageReader({ store: services.store, clock: app.clock });
  return new Elysia({ name: "usage rooms" })
    .use(overviewRoom(desk, reader))
    .use(usageRoom(desk, reader))
    .use(whatIfRoom(desk, reader));
}

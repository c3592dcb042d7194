import { type AnyElysia, Elysia } from "elysia";
import type { Desk } from "#src/web/people/desk.ts";

/** The dashboard: what an account did, what it costs, and who may do what. A line for each room. */
export function dashboardRoutes(_desk: Desk): AnyElysia {
  return new Elysia({ name: "dashboard" });
}

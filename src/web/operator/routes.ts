import { type AnyElysia, Elysia } from "elysia";
import type { Desk } from "#src/web/people/desk.ts";

/** Pages for who runs the gateway. A line for each room. */
export function operatorRoutes(_desk: Desk): AnyElysia {
  return new Elysia({ name: "operator" });
}

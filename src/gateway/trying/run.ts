import type { Leash, Tried } from "#src/gateway/trying/try-route.ts";
import type { Admission } from "#src/provider/circuit.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { Seat } from "#src/provider/in-flight.ts";

/** Why an exchange ended whose client is gone. */
export class ClientLeft extends Error {
  override readonly name = "ClientLeft";
}

/** Why an exchange ended that another was faster than. */
export class Outrun extends Error {
  override readonly name = "Outrun";
}

/** A route that may be tried now: it lets a request in and has a place for it. */
export interface Stop {
  route: Route;
  seat: Seat;
  admission: Admission;
}

/** A try on its way. */
export interface Run {
  route: Route;
  /** Monotonic milliseconds. */
  startedAt: number;
  leash: Leash;
  answer: Promise<Tried>;
}

import type { Clock } from "#src/lib/clock.ts";
import type { Route } from "#src/provider/deployment.ts";
import {
  createHealth,
  type Health,
  slotKey,
  slotKeyOf,
  type Standing,
  worstOf,
} from "#src/provider/health.ts";

/** Health for reading, of slots that others told of. */
export function healthAsTold(standings: readonly Standing[], clock: Clock): Health {
  const told = new Map(standings.map((standing) => [slotKeyOf(standing), standing]));
  const fresh = createHealth(clock);
  const standing = (route: Route) => told.get(slotKey(route)) ?? fresh.standing(route);
  return {
    ...fresh,
    all: () => [...standings],
    standing,
    state: (route) => standing(route).state,
    regionState: (provider, region) =>
      worstOf(
        standings.flatMap((one) =>
          one.provider === provider && one.region === region ? [one.state] : [],
        ),
      ),
  };
}

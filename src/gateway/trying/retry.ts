import type { Fault } from "#src/gateway/fault.ts";
import type { Random } from "#src/lib/id.ts";

/** Where a request stands among its routes. */
interface Standing {
  /** No other route is left. */
  isLast: boolean;
  /** One was asked twice already. */
  hasRetried: boolean;
}

const leastMs = 50;
const spreadMs = 100;

/**
 * Milliseconds before the same route is asked once more; undefined where it must not be. Only where not a byte was sent,
 * for what was sent may have been run and billed, and only where no other route is left. The spread keeps those whom one
 * restart cut off from coming back together. (A kept connection that closes before any answer is replaced by the pool,
 * at once: that is no failure of the upstream.)
 */
export function pauseBefore(fault: Fault, standing: Standing, random: Random): number | undefined {
  if (!fault.unsent || !standing.isLast || standing.hasRetried) return undefined;
  return leastMs + random() * spreadMs;
}

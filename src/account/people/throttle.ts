import type { Clock } from "#src/lib/clock.ts";

/** Counts tries by name within a window, in memory. */
export interface Throttle {
  /** Counts a try. Seconds to wait where there were too many, else 0. */
  take(name: string): number;
  /** Forgets the tries of a name: the last one was right. */
  forgive(name: string): void;
}

interface Tries {
  count: number;
  until: number;
}

/** A throttle that keeps at most `size` names; the one that came first goes first. */
export function createThrottle(options: {
  clock: Clock;
  /** Tries that are let through in a window. */
  most: number;
  windowSeconds: number;
  size?: number;
}): Throttle {
  const { clock, most, windowSeconds, size = 10_000 } = options;
  const names = new Map<string, Tries>();
  return {
    take(name) {
      const now = clock.monotonic();
      const known = names.get(name);
      if (known === undefined || known.until <= now) {
        names.delete(name);
        const oldest = names.size >= size ? names.keys().next().value : undefined;
        if (oldest !== undefined) names.delete(oldest);
        names.set(name, { count: 1, until: now + windowSeconds * 1000 });
        return 0;
      }
      // Counted before it is judged, so that tries at the same moment do not slip through.
      known.count++;
      return known.count <= most ? 0 : Math.max(1, Math.ceil((known.until - now) / 1000));
    },
    forgive: (name) => void names.delete(name),
  };
}

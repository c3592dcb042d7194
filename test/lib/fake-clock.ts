import type { Clock } from "#src/lib/clock.ts";

/** A clock that stands still until told. */
export interface FakeClock extends Clock {
  advance(milliseconds: number): void;
  set(now: number): void;
}

/** A clock at 2026-01-15 10:30 UTC, a Thursday, unless another start is given. */
export function createFakeClock(start = Date.UTC(2026, 0, 15, 10, 30)): FakeClock {
  let now = start;
  let passed = 0;
  return {
    now: () => now,
    monotonic: () => passed,
    advance(milliseconds) {
      now += milliseconds;
      passed += milliseconds;
    },
    set(time) {
      now = time;
    },
  };
}

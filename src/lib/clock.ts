/** Time as a value that can be handed in. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. */
  now(): number;
  /** Milliseconds from an arbitrary start, never going back. */
  monotonic(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

const dayMilliseconds = 86_400_000;
let lastDay = -1;
let lastDayText = "";

/** The UTC day of a time, `2026-01-31`. */
export function dayOf(time: number): string {
  const day = Math.floor(time / dayMilliseconds);
  if (day !== lastDay) {
    lastDay = day;
    lastDayText = new Date(day * dayMilliseconds).toISOString().slice(0, 10);
  }
  return lastDayText;
}

/** RFC 3339 UTC with milliseconds. */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

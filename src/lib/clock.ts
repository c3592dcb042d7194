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

/** Whether a text is a day that there is, as `2026-01-31`. Read as a time, the 31st of June would be another. */
export function isDay(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(time) && dayOf(time) === text;
}

/** RFC 3339 UTC with milliseconds. */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

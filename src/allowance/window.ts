/** How often an allowance starts anew; `never` for one over the whole life of its owner. */
export type Reset = "minute" | "daily" | "weekly" | "monthly" | "never";

/** A span of time: start included, end excluded, Unix milliseconds. */
export interface Window {
  windowStart: number;
  /** Absent when it never ends. */
  windowEnd?: number;
}

const minute = 60_000;
const day = 86_400_000;
/** The epoch was a Thursday; weeks start on Monday. */
const firstMonday = 4 * day;

/** The UTC window that a time falls in. */
export function windowOf(reset: Reset, now: number): Window {
  switch (reset) {
    case "minute":
      return span(now - (now % minute), minute);
    case "daily":
      return span(now - (now % day), day);
    case "weekly":
      return span(now - ((now - firstMonday) % (7 * day)), 7 * day);
    case "monthly":
      return month(new Date(now));
    case "never":
      return { windowStart: 0 };
  }
}

function span(windowStart: number, length: number): Window {
  return { windowStart, windowEnd: windowStart + length };
}

function month(date: Date): Window {
  const year = date.getUTCFullYear();
  const number = date.getUTCMonth();
  return { windowStart: Date.UTC(year, number), windowEnd: Date.UTC(year, number + 1) };
}

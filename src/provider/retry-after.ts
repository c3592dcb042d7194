import type { Head } from "#src/provider/exchange.ts";

/** Seconds to wait, from `retry-after-ms`, or `retry-after` in seconds or as a date; undefined when absent or unreadable. */
export function retryAfter(head: Head): number | undefined {
  const milliseconds = Number(head.header("retry-after-ms") || Number.NaN);
  if (milliseconds >= 0) return Math.ceil(milliseconds / 1000);
  const text = head.header("retry-after");
  if (text === undefined || text === "") return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return seconds >= 0 ? Math.ceil(seconds) : undefined;
  const [until, now] = [Date.parse(text), Date.parse(head.header("date") ?? "")];
  // Both by the upstream's own clock.
  return until > now ? Math.ceil((until - now) / 1000) : undefined;
}

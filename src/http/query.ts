import { isDay } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";

/** A whole number of the query in a range, or its default. Throws `invalid_value`. */
export function integerOf(
  query: URLSearchParams,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const text = query.get(name);
  if (text === null || text === "") return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new AppError(
    "invalid_value",
    `Cannot use "${text.slice(0, 40)}" for ${name}: a whole number from ${least} to ${most} is needed`,
    { param: name },
  );
}

/** A day of the query as YYYY-MM-DD; a full time is cut to its day. Throws `invalid_value`. */
export function dayOf(query: URLSearchParams, name: string): string | undefined {
  const time = timeOf(query, name);
  return time === undefined ? undefined : new Date(time).toISOString().slice(0, 10);
}

/** A time of the query, Unix milliseconds: RFC 3339, a day, or Unix seconds. Throws `invalid_value`. */
export function timeOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const time = /^\d{9,11}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  const [day] = /^\d{4}-\d{2}-\d{2}/.exec(text) ?? [];
  if (!Number.isNaN(time) && (day === undefined || isDay(day))) return time;
  throw new AppError(
    "invalid_value",
    `Cannot use "${text.slice(0, 40)}" for ${name}: a day such as 2026-01-31 or a time in RFC 3339 is needed`,
    { param: name },
  );
}

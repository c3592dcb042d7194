import { AppError } from "#src/lib/error.ts";

/** A calendar month, UTC. Times in Unix milliseconds, end excluded. */
export interface Month {
  /** `2026-10` */
  name: string;
  from: number;
  to: number;
}

/** The month of a name, or undefined for what is none. */
export function monthOf(name: string): Month | undefined {
  const [, year, number] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(name) ?? [];
  if (year === undefined || number === undefined) return undefined;
  return { name, from: Date.UTC(+year, +number - 1, 1), to: Date.UTC(+year, +number, 1) };
}

/** Whether no request of a month was removed, so that its statement can be made; `until` is when the newest removed one came in. */
export function isKept(month: Pick<Month, "from">, until: number | undefined): boolean {
  return until === undefined || until < month.from;
}

/**
 * Whether a month is not over. Throws `invalid_value` for one that has not begun, and for one that is not over where that
 * was not asked for.
 */
export function isPartial({ name, from, to }: Month, now: number, allowed: boolean): boolean {
  if (now < from)
    throw new AppError("invalid_value", `Cannot make a statement of ${name}: it has not begun`, {
      param: "month",
    });
  if (now >= to) return false;
  if (allowed) return true;
  throw new AppError(
    "invalid_value",
    `Cannot make the statement of ${name}: the month ends on ${new Date(to).toISOString()}. A statement of what there is so far has to be asked for, and says that it is partial`,
    { param: "month" },
  );
}

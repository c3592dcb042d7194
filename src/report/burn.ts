import type { UsageRow } from "#src/ledger/rollups.ts";
import { dayOf } from "#src/lib/clock.ts";
import { dayAt } from "#src/report/usage.ts";

/** How fast credit is used, and how long it lasts at that. Money in nano-units. */
export interface Burn {
  perDay: number;
  /** Days that the balance lasts; undefined where nothing was spent. */
  daysLeft: number | undefined;
  band: "green" | "amber";
}

/** Whole days before today that the rate is made of, with what has passed of today. */
const rateDays = 7;
/** A balance that lasts as long as this is well. */
export const greenDays = 14;
const dayMs = 86_400_000;

/** The rate of the last seven days and of today until now, from totals by day. */
export function burnOf(days: readonly UsageRow[], balance: number, now: number): Burn {
  const today = dayOf(now);
  const first = dayAt(today, -rateDays);
  const spent = days
    .filter(({ day = "" }) => day >= first && day <= today)
    .reduce((sum, { cost }) => sum + cost, 0);
  const perDay = spent / (rateDays + (now % dayMs) / dayMs);
  const daysLeft = perDay > 0 ? Math.max(0, balance) / perDay : undefined;
  const isGreen = balance > 0 && (daysLeft === undefined || daysLeft >= greenDays);
  return { perDay, daysLeft, band: isGreen ? "green" : "amber" };
}

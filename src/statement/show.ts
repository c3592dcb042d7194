import type { AmountRecord, Part, Section, Statement } from "#src/statement/statement.ts";

// Kept: making one for every figure costs more than all else.
const figures = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 5 });
const large = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A figure for people: five significant digits, all of those before the point. An em dash for what is not known. */
export function figureOf(decimal: string | undefined): string {
  if (decimal === undefined) return "—";
  const value = Number(decimal);
  return value >= 100_000 ? large.format(value) : figures.format(value);
}

/** A count with its thousands set apart. */
export function countOf(count: number): string {
  return large.format(count);
}

/** A share in percent; never rounded to nothing or to all. */
export function shareText(share: number | null): string {
  if (share === null) return "—";
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return "< 0.1 %";
  if (percent < 100 && percent > 99.9) return "> 99.9 %";
  return `${Number(percent.toFixed(1))} %`;
}

/** Both ends of an interval, for people. */
export function energyEnds({ energy }: Pick<AmountRecord, "energy">): string {
  if (energy === null) return "no estimate";
  return `${figureOf(energy.low_wh)} to ${figureOf(energy.high_wh)}`;
}

/** The same of carbon. */
export function carbonEnds({ carbon }: Pick<AmountRecord, "carbon">): string {
  if (carbon === null) return "no estimate";
  return `${figureOf(carbon.low_g)} to ${figureOf(carbon.high_g)}`;
}

/** What a statement is called. */
export function titleOf({ scope, month }: Statement): string {
  const whose = scope.kind === "account" ? scope.name : "the whole gateway";
  return `Footprint statement ${month}, ${whose}`;
}

/** A place of a breakdown for people. */
export function partName(by: keyof Section["by"], { name, account_name: called }: Part): string {
  if (called !== undefined) return `${called} (${name})`;
  if (name === null) return by === "accuracy" ? "not rated" : "none chosen";
  if (by !== "accuracy") return name;
  return Object.hasOwn(bands, name) ? `${name}: ${bands[name]}` : name;
}

const bands: Readonly<Record<string, string>> = {
  measured: "by the operator",
  accurate: "the size is published",
  medium: "the size is estimated from what is known",
  gross: "the size is a guess",
};

/** Headings of the breakdowns. */
export const byWords = {
  account: "Account",
  model: "Model",
  provider: "Provider",
  region: "Region",
  accuracy: "Accuracy band",
} as const;
export const breakdowns = ["model", "provider", "region", "accuracy"] as const;

/** Token classes for people. */
export const tokenWords = {
  input_fresh: "Input, fresh",
  cache_read: "Input, read from the cache",
  cache_write_5m: "Input, written to the cache for 5 minutes",
  cache_write_1h: "Input, written to the cache for 1 hour",
  output_visible: "Output, visible",
  reasoning: "Output, reasoning",
} as const;

/** A coefficient with its name. */
export function coefficientLines(values: Readonly<Record<string, number>>): string[] {
  return Object.entries(values).map(([name, value]) => `${name} = ${value}`);
}

/** Both ends of a count of parameters. */
export function rangeText({ min, max }: { min: number; max: number }): string {
  return min === max ? String(min) : `${min} to ${max}`;
}

/** A grid intensity; a mean of several has digits that nobody reads. */
export function intensityText(gPerKwh: number): string {
  return String(Number(gPerKwh.toPrecision(7)));
}

/** A time of RFC 3339 as people read it. */
export function timeText(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}

/** Whether the rows come to what the ledger counts by day, and what is to be done where they do not. */
export function ledgerText({ ledger, totals }: Statement): string {
  const { rows, daily_totals: daily } = ledger;
  const rest = (a: string, b: string) => {
    const apart = BigInt(a) - BigInt(b);
    return apart < 0n ? -apart : apart;
  };
  // A row of before the totals were whole numbers may have come to the one beside.
  const isEqual =
    rows === daily.requests &&
    rest(totals.energy?.pwh ?? "0", daily.energy_pwh) <= BigInt(rows) &&
    rest(totals.carbon?.pg ?? "0", daily.carbon_pg) <= BigInt(rows);
  return isEqual
    ? `${countOf(rows)} rows. The daily totals of the ledger, which are kept apart from them, come to the same.`
    : `${countOf(rows)} rows. The daily totals of the ledger come to something else: ${countOf(daily.requests)} requests, ${daily.energy_pwh} pWh, ${daily.carbon_pg} pg. Run "lowrouter audit verify" on it.`;
}

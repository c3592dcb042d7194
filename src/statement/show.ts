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
export function partName(by: keyof Section["by"], { name }: Part): string {
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

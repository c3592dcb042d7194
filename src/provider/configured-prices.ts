import { decimal, one } from "#src/catalog/decimal.ts";
import type { PriceRow, TokenPrices } from "#src/catalog/model.ts";
import type { ModelConfig } from "#src/config/schema.ts";

/** Where a value of the operator's own is from. */
export const operatorOrigin = { source: "operator configuration", read: "" };

/** Prices that an entry says; absent where it says none. */
type Said = Partial<Pick<TokenPrices, "input" | "output" | "cacheRead" | "cacheWrite">>;

/** The prices of an entry alone: none unless it says both that of input and that of output. */
export function ownPrices(entry: ModelConfig): PriceRow[] {
  const { input, output, ...cached } = saidIn(entry);
  if (input === undefined || output === undefined) return [];
  return [{ input, output, ...cached, ...operatorOrigin }];
}

/**
 * The bundled prices of an endpoint with what an entry says in their place, on every day and for prompts of every length.
 * What it leaves open stays as bundled, and falls in proportion where the input or output that it is part of costs less.
 */
export function pricesAsSaid(bundled: readonly PriceRow[], entry: ModelConfig): PriceRow[] {
  const said = saidIn(entry);
  if (Object.keys(said).length === 0) return [...bundled];
  if (bundled.length === 0) return ownPrices(entry);
  const rows = bundled.map((row) => rowAsSaid(row, said));
  return rows.filter((row, at) => {
    const before = rows[at - 1];
    return before === undefined || pricesIn(row) !== pricesIn(before);
  });
}

function saidIn(entry: ModelConfig): Said {
  const members = {
    input: entry.input_per_million,
    output: entry.output_per_million,
    cacheRead: entry.cache_read_per_million,
    cacheWrite: entry.cache_write_per_million,
  };
  const said = Object.entries(members).flatMap(([name, price]) =>
    price === undefined ? [] : [[name, String(price)] as const],
  );
  return Object.fromEntries(said);
}

function rowAsSaid(row: PriceRow, said: Said): PriceRow {
  const { tiers: bundled = [], from, source, read, ...classes } = row;
  const made = classesAsSaid(classes, said);
  const tiers = bundled
    .map((tier) => ({ ...tier, ...classesAsSaid(tier, said) }))
    .filter((tier) => pricesIn(tier) !== pricesIn(made));
  const isWhole = tiers.length === 0 && Object.keys(made).every((name) => name in said);
  return {
    ...made,
    ...(from === undefined ? {} : { from }),
    ...(tiers.length === 0 ? {} : { tiers }),
    ...operatorOrigin,
    ...(isWhole ? {} : { source: `${operatorOrigin.source}; else ${source}, read ${read}` }),
  };
}

/** Classes that are part of a whole, and have its price where they have none of their own. */
const parts = [
  ["input", ["cacheRead", "cacheWrite", "cacheWrite1h"]],
  ["output", ["reasoning"]],
] as const;

function classesAsSaid(row: TokenPrices, said: Said): TokenPrices {
  const made: TokenPrices = { ...row, ...said };
  if (said.cacheWrite !== undefined) delete made.cacheWrite1h;
  for (const [whole, classes] of parts) {
    for (const name of classes) {
      const price = made[name];
      if (price !== undefined && !(name in said))
        made[name] = inProportion(price, row[whole], made[whole]);
    }
  }
  return made;
}

/** A price of a part where its whole costs less than before; the same where it does not. */
function inProportion(price: string, before: string, now: string): string {
  const [old, made] = [decimal(before), decimal(now)];
  return made < old ? textOf((decimal(price) * made) / old) : price;
}

/** An exact amount, as decimal() reads it, as text. */
function textOf(amount: bigint): string {
  const fraction = String(amount % one).padStart(String(one).length - 1, "0");
  return `${amount / one}.${fraction}`.replace(/\.?0+$/, "");
}

/** What tells one price from another, as text. */
function pricesIn(row: Partial<PriceRow> & { aboveInputTokens?: number }): string {
  const { from: _, source: __, read: ___, aboveInputTokens: ____, ...prices } = row;
  return JSON.stringify(prices);
}

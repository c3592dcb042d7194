// Kept: `toLocaleString` with options makes one for every number, which is most of the time of a page with a thousand.
const significant = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4 });

/** A figure as a reader can take it in: four significant digits, no exponent. An em dash where it is not known. */
export function figure(value: number | undefined | null): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return "—";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-US");
  return significant.format(Number(value.toPrecision(size < 0.001 ? 2 : 4)));
}

/** A count of tokens, short: 128K, 1.05M. */
export function tokens(count: number | undefined | null): string {
  if (count === undefined || count === null) return "—";
  if (count >= 1_000_000) return `${Number((count / 1_000_000).toFixed(2))}M`;
  return count >= 1000 ? `${Math.round(count / 1000)}K` : String(count);
}

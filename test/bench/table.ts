/** One table of the report, cells already written. */
export interface Table {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** Markdown of a table: the first column is text, the others are numbers. */
export function markdown({ columns, rows }: Table): string {
  const rule = columns.map((_, index) => (index === 0 ? "---" : "---:"));
  return [columns, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A number with a fixed number of decimals, or an em dash when it is unknown. */
export function number(value: number | undefined, decimals = 0): string {
  if (value === undefined) return "—";
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** Failures by kind, such as `429: 12`; `0` when there were none. */
export function failures(all: readonly Record<string, number>[]): string {
  const sums = new Map<string, number>();
  for (const [kind, count] of all.flatMap((one) => Object.entries(one))) {
    sums.set(kind, (sums.get(kind) ?? 0) + count);
  }
  if (sums.size === 0) return "0";
  return [...sums].map(([kind, count]) => `${kind}: ${number(count)}`).join(", ");
}

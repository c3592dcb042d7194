/** Least room of a column whose texts are broken into lines. */
const leastWidth = 16;
/** Between two columns. */
const gap = 2;

/**
 * Rows under headings, columns aligned; numbers to the right. Where that is wider than what is there, in columns of a terminal,
 * long texts go on below, but for those of the first column, by which a row is called for; where that is too narrow as well,
 * each row is a list of its own.
 */
export function tableText(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  room = Number.POSITIVE_INFINITY,
): string {
  const natural = headings.map((heading, column) =>
    Math.max(Bun.stringWidth(heading), ...rows.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  const numeric = headings.map(
    (_, column) =>
      rows.length > 0 && rows.every((row) => /^[-+]?[\d.,]+%?$|^—?$/.test(row[column] ?? "")),
  );
  const widths = narrowed(natural, numeric, headings, room);
  if (widths === undefined) return listed(headings, rows);
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const rest = " ".repeat(Math.max(0, (widths[column] ?? 0) - Bun.stringWidth(cell)));
        return numeric[column] ? rest + cell : cell + rest;
      })
      .join(" ".repeat(gap))
      .trimEnd();
  const broken = (row: readonly string[]) => {
    const cells = row.map((cell, column) => brokenTo(cell, widths[column] ?? 0));
    const height = Math.max(...cells.map((parts) => parts.length));
    return Array.from({ length: height }, (_, at) => line(cells.map((parts) => parts[at] ?? "")));
  };
  const rule = line(widths.map((width) => "─".repeat(width)));
  return [line(headings), rule, ...rows.flatMap(broken), ""].join("\n");
}

/** Widths of columns with which a table fits, the widest texts made narrower first; undefined where there are none. */
function narrowed(
  natural: readonly number[],
  numeric: readonly boolean[],
  headings: readonly string[],
  room: number,
): number[] | undefined {
  const widths = [...natural];
  const least = natural.map((width, column) =>
    column === 0 || numeric[column]
      ? width
      : Math.min(width, Math.max(leastWidth, Bun.stringWidth(headings[column] ?? ""))),
  );
  let excess = widths.reduce((all, width) => all + width + gap, -gap) - room;
  for (; excess > 0; excess--) {
    const spare = widths.map((width, column) => (width > (least[column] ?? 0) ? width : 0));
    const widest = Math.max(...spare);
    if (widest === 0) return undefined;
    widths[spare.indexOf(widest)] = widest - 1;
  }
  return widths;
}

function brokenTo(cell: string, width: number): string[] {
  if (Bun.stringWidth(cell) <= width) return [cell];
  return Bun.wrapAnsi(cell, width, { hard: true }).split("\n");
}

/** Each row with its headings beside it. */
function listed(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = Math.max(...headings.map((heading) => Bun.stringWidth(heading)));
  const line = (heading: string, cell: string) =>
    `${heading}${" ".repeat(width - Bun.stringWidth(heading) + gap)}${cell}`.trimEnd();
  const blocks = rows.map((row) =>
    headings.map((heading, column) => line(heading, row[column] ?? "")).join("\n"),
  );
  return `${blocks.join("\n\n")}\n`;
}

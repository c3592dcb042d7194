import { amountOf, amountRecord, sumOf } from "#src/statement/amount.ts";
import { mostRows, type Paper } from "#src/statement/pdf-paper.ts";
import {
  breakdowns,
  byWords,
  carbonEnds,
  coefficientLines,
  countOf,
  figureOf,
  intensityText,
  partName,
  rangeText,
} from "#src/statement/show.ts";
import type { AmountRecord, Part, Section } from "#src/statement/statement.ts";

/** The figures of one methodology, with all that they were made from. */
export async function writeSection(paper: Paper, section: Section): Promise<void> {
  const { methodology, methodology_version: version } = section;
  paper.heading(`By methodology ${version}`);
  paper.text(section.interval);
  for (const by of breakdowns) {
    paper.subheading(`By ${byWords[by].toLowerCase()}`);
    await writeParts(paper, by, section.by[by], section.totals);
  }
  if (section.parameters.length > 0) await sizes(paper, section);
  if (section.measurements.length > 0) {
    paper.subheading("What was measured");
    await paper.table({
      columns: [
        { title: "Model", width: 0.4 },
        { title: "Provider", width: 0.2 },
        { title: "Wh for 1,000 tokens", width: 0.18, isFigure: true },
        { title: "PUE", width: 0.1, isFigure: true },
        { title: "Requests", width: 0.12, isFigure: true },
      ],
      rows: section.measurements.map((one) => [
        one.model ?? "none chosen",
        one.provider ?? "none chosen",
        String(one.wh_per_1k_tokens),
        String(one.pue),
        countOf(one.requests),
      ]),
    });
  }
  paper.subheading("Grid rows used");
  await paper.table({
    columns: [
      { title: "Zone", width: 0.12 },
      { title: "g CO2e/kWh", width: 0.12, isFigure: true },
      { title: "Requests", width: 0.1, isFigure: true },
      { title: "Year, basis, source and licence", width: 0.66 },
    ],
    rows: section.grid.map((grid) => [
      grid.zone,
      intensityText(grid.g_per_kwh),
      countOf(grid.requests),
      grid.note ?? grid.rows.map((row) => gridText(row, grid.rows.length)).join("\n"),
    ]),
  });
  paper.subheading("The methodology");
  if (methodology === null) return paper.text("Its record is not bundled with this version.");
  paper.text(
    `${methodology.title}. Source: ${methodology.source}, ${methodology.licence}, read ${methodology.read}.`,
  );
  paper.code(methodology.formula);
  const coefficients = coefficientLines(methodology.coefficients);
  if (coefficients.length > 0) paper.code([coefficients.join(", ")]);
  paper.text(`Units: ${methodology.units}.`);
  const weights = coefficientLines(methodology.weights);
  if (weights.length > 0)
    paper.text(`Weights of the tokens that are counted: ${weights.join(", ")}.`);
  paper.text(
    `Includes ${methodology.includes.join(", ")}. Excludes ${methodology.excludes.join(", ")}.`,
  );
}

async function sizes(paper: Paper, { parameters }: Section): Promise<void> {
  paper.subheading("Sizes of the models");
  await paper.table({
    columns: [
      { title: "Model", width: 0.26 },
      { title: "Active, billions", width: 0.15, isFigure: true },
      { title: "Total, billions", width: 0.15, isFigure: true },
      { title: "Band, source and licence", width: 0.44 },
    ],
    rows: parameters.map((one) => [
      one.model,
      rangeText(one.active_b),
      rangeText(one.total_b),
      `${one.accuracy}; ${one.source}, ${one.licence}`,
    ]),
  });
}

function gridText(row: Section["grid"][number]["rows"][number], count: number): string {
  const share = count > 1 ? `${(row.weight * 100).toFixed(1)} % ` : "";
  return `${share}${row.name} (${row.zone}) ${row.g_per_kwh}, ${row.year}, ${row.basis}, ${row.scope}; ${row.source}, ${row.licence}`;
}

/** A breakdown and its sum. */
export async function writeParts(
  paper: Paper,
  by: keyof Section["by"],
  parts: readonly Part[],
  totals: AmountRecord,
): Promise<void> {
  const rest = parts.slice(mostParts);
  const others =
    rest.length === 0 ? [] : [partRow(`${countOf(rest.length)} others`, sumRecord(rest))];
  const rows = parts.slice(0, mostParts).map((part) => partRow(partName(by, part), part));
  await paper.table({
    columns: partColumns(by),
    rows: [...rows, ...others],
    total: partRow("Total", totals),
  });
}

/** Parts in a row each; the others are one. */
const mostParts = mostRows - 1;

function sumRecord(parts: readonly Part[]): AmountRecord {
  return amountRecord(sumOf(parts.map(amountOf)));
}

function partColumns(by: keyof Section["by"]) {
  return [
    { title: byWords[by], width: 0.28 },
    { title: "Requests", width: 0.1, isFigure: true },
    { title: "Tokens", width: 0.12, isFigure: true },
    { title: "Energy, Wh", width: 0.12, isFigure: true },
    { title: "Carbon, g CO2e", width: 0.15, isFigure: true },
    { title: "Low to high, g CO2e", width: 0.23, isFigure: true },
  ];
}

function partRow(name: string, amount: AmountRecord): string[] {
  return [
    name,
    countOf(amount.requests),
    countOf(amount.tokens.total),
    figureOf(amount.energy?.wh),
    figureOf(amount.carbon?.g),
    carbonEnds(amount),
  ];
}

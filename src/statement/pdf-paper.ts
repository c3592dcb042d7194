import {
  lineTo,
  moveTo,
  type PDFDocument,
  type PDFOperator,
  type PDFPage,
  popGraphicsState,
  pushGraphicsState,
  rectangle,
  fill,
  setFillingRgbColor,
  setLineWidth,
  setStrokingRgbColor,
  stroke,
} from "pdf-lib";
import type { Breath } from "#src/lib/breath.ts";
import type { Weight } from "#src/statement/fonts.ts";
import { countOf } from "#src/statement/show.ts";
import { fillPage } from "#src/statement/pdf-stream.ts";
import { createTags, type Element, type Kind } from "#src/statement/pdf-tags.ts";
import { createType } from "#src/statement/pdf-type.ts";
import { wrap } from "#src/statement/pdf-wrap.ts";

/** Text on pages of A4 that break where they are full, with its structure. Lengths in points. */
export interface Paper {
  title(text: string): void;
  heading(text: string): void;
  subheading(text: string): void;
  text(text: string, options?: { size?: number; indent?: number }): void;
  /** In type of one width, for formulas and hashes. */
  code(lines: readonly string[]): void;
  list(items: readonly string[]): void;
  table(table: Table): Promise<void>;
  /** Whether a text has letters that are drawn as their code points. */
  lacks(text: string): boolean;
  /** Writes the foot of every page, and says how many there are. */
  finish(foot: string): Promise<number>;
}

/** Rows of a table on paper: who wants more than these wants the attached JSON. */
export const mostRows = 100;

/** A table that repeats its head on every page. The first cell of a row is the head of it. */
export interface Table {
  columns: readonly Column[];
  rows: readonly (readonly string[])[];
  /** A last row that stands out. */
  total?: readonly string[] | undefined;
}

interface Column {
  title: string;
  /** Share of the width. */
  width: number;
  isFigure?: boolean;
}

type Colour = readonly [number, number, number];

const width = 595.28;
const height = 841.89;
const margin = 54;
const foot = 48;
const inner = width - 2 * margin;
const ink: Colour = [0.1, 0.1, 0.12];
const soft: Colour = [0.35, 0.35, 0.4];
const line: Colour = [0.75, 0.75, 0.78];
const shade: Colour = [0.945, 0.945, 0.955];
const lead = 1.35;

/** Paper with type of its own, so that it reads the same everywhere. */
export async function createPaper(doc: PDFDocument, breathe: Breath): Promise<Paper> {
  const type = await createType(doc);
  const tags = createTags(doc);
  const drawings = new Map<PDFPage, PDFOperator[]>();
  let page = newPage();
  let y = height - margin;

  function newPage(): PDFPage {
    const added = doc.addPage([width, height]);
    drawings.set(added, []);
    return added;
  }

  function draw(operators: readonly PDFOperator[]): void {
    drawings.get(page)?.push(...operators);
  }

  function need(space: number): boolean {
    if (y - space >= foot + 18) return false;
    page = newPage();
    y = height - margin;
    return true;
  }

  /** A line of text for each that fits, and the space below the last. */
  function write(text: string, element: Element, style: Writing): void {
    const { weight = "regular", size, indent = 0, colour = ink, after = 6 } = style;
    const drawn = type.drawable(text);
    if (drawn !== text.normalize("NFC")) element.actualText = text;
    for (const one of wrap(drawn, type, { size, weight }, inner - indent)) {
      need(size * lead);
      const at = { x: margin + indent, y: y - size, size, weight, colour };
      draw(tags.mark(page, element, type.line(page, one, at)));
      y -= size * lead;
    }
    y -= after;
  }

  const block = (kind: Kind): Element => tags.add(tags.root, kind);

  /** A row; `parent` is undefined for a head that is repeated. */
  function row(
    cells: readonly string[],
    columns: readonly Column[],
    parent: Element | undefined,
    style: RowStyle,
  ): void {
    const { weight, size, isHead } = style;
    let x = margin;
    const laid = columns.map((column, at) => {
      const space = column.width * inner;
      const text = cells[at] ?? "";
      const drawn = type.drawable(text);
      const lines = wrap(drawn, type, style, space - 8);
      const actualText = drawn === text.normalize("NFC") ? undefined : text;
      const cell = { x, space, lines, actualText, isFigure: column.isFigure === true };
      x += space;
      return cell;
    });
    const tall = Math.max(...laid.map(({ lines }) => lines.length)) * size * lead + 5;
    if (need(tall + (style.keep ?? 0))) style.onBreak?.();
    if (isHead) draw(tags.artifact(shaded(y - tall, tall)));
    const tagged = parent && tags.add(parent, "TR");
    for (const [at, { x: left, space, lines, actualText, isFigure }] of laid.entries()) {
      const drawn = lines.flatMap((text, number) => {
        if (text === "") return [];
        const end = left + space - 4 - type.widthOf(text.trimEnd(), size, weight);
        return type.line(page, text, {
          x: isFigure ? end : left + 4,
          y: y - size - 2 - number * size * lead,
          size,
          weight,
          colour: ink,
        });
      });
      const scope = isHead ? "Column" : at === 0 ? "Row" : undefined;
      const cell =
        tagged && tags.add(tagged, scope === undefined ? "TD" : "TH", { scope, actualText });
      if (drawn.length === 0) continue;
      draw(cell === undefined ? tags.artifact(drawn) : tags.mark(page, cell, drawn));
    }
    y -= tall;
    draw(tags.artifact(ruled(y)));
  }

  return {
    title: (text) => write(text, block("H1"), { weight: "bold", size: 18, after: 8 }),
    heading(text) {
      y -= 8;
      // With something below it: a heading alone at the foot of a page says nothing.
      need(90);
      write(text, block("H2"), { weight: "bold", size: 13, after: 4 });
    },
    subheading(text) {
      need(95);
      write(text, block("H3"), { weight: "bold", size: 10, after: 2 });
    },
    text: (text, { size = 9.5, indent = 0 } = {}) => write(text, block("P"), { size, indent }),
    code(lines) {
      const parent = block("P");
      for (const one of lines)
        write(one, tags.add(parent, "Code"), { weight: "mono", size: 8, indent: 10, after: 0 });
      y -= 6;
    },
    list(items) {
      const parent = block("L");
      for (const item of items) {
        const entry = tags.add(parent, "LI");
        need(9.5 * lead);
        const at = { x: margin, y: y - 9.5, size: 9.5, weight: "regular", colour: soft } as const;
        const label = tags.add(entry, "Lbl");
        draw(tags.mark(page, label, type.line(page, "•", at)));
        write(item, tags.add(entry, "LBody"), { size: 9.5, indent: 12, after: 3 });
      }
      y -= 4;
    },
    async table({ columns, rows: all, total }) {
      const rows = all.slice(0, mostRows);
      const parent = block("Table");
      const head = (under: Element | undefined) =>
        row(
          columns.map(({ title }) => title),
          columns,
          under,
          { weight: "bold", size: 8, isHead: true },
        );
      need(60);
      head(tags.add(parent, "THead"));
      const body = tags.add(parent, "TBody");
      const onBreak = () => head(undefined);
      for (const [at, cells] of rows.entries()) {
        await breathe();
        // A total alone under a head says nothing.
        const keep = total !== undefined && at === rows.length - 1 ? 18 : 0;
        row(cells, columns, body, { weight: "regular", size: 8, onBreak, keep });
      }
      if (total !== undefined) row(total, columns, body, { weight: "bold", size: 8, onBreak });
      y -= 10;
      if (all.length > mostRows)
        write(
          `The first ${countOf(mostRows)} of ${countOf(all.length)}; the attached JSON has all.`,
          block("P"),
          { size: 8 },
        );
    },
    lacks: (text) => type.drawable(text) !== text.normalize("NFC"),
    async finish(text) {
      const pages = doc.getPages();
      const style = { y: foot - 14, size: 8, weight: "regular", colour: soft } as const;
      for (const [at, one] of pages.entries()) {
        const number = `Page ${at + 1} of ${pages.length}`;
        const end = width - margin - type.widthOf(number, 8, "regular");
        const left = wrap(type.drawable(text), type, style, inner - 90)[0] ?? "";
        const below = tags.artifact([
          ...ruled(foot),
          ...type.line(one, left, { x: margin, ...style }),
          ...type.line(one, number, { x: end, ...style }),
        ]);
        await fillPage(doc, one, [...(drawings.get(one) ?? []), ...below]);
        await breathe();
      }
      await tags.finish(breathe);
      await type.embed(breathe);
      return pages.length;
    },
  };
}

interface Writing {
  weight?: Weight;
  size: number;
  indent?: number;
  colour?: Colour;
  after?: number;
}

interface RowStyle {
  weight: Weight;
  size: number;
  isHead?: boolean;
  /** Room that has to be left below it. */
  keep?: number;
  /** What is written first on a new page. */
  onBreak?: () => void;
}

/** A rule over the width. */
function ruled(y: number): PDFOperator[] {
  return [
    pushGraphicsState(),
    setStrokingRgbColor(...line),
    setLineWidth(0.5),
    moveTo(margin, y),
    lineTo(margin + inner, y),
    stroke(),
    popGraphicsState(),
  ];
}

/** A ground over the width. */
function shaded(y: number, tall: number): PDFOperator[] {
  return [
    pushGraphicsState(),
    setFillingRgbColor(...shade),
    rectangle(margin, y, inner, tall),
    fill(),
    popGraphicsState(),
  ];
}

import { type PDFDocument, type PDFFont, type PDFPage, rgb, StandardFonts } from "pdf-lib";

/** Text on pages of A4 that break where they are full. Lengths in points. */
export interface Paper {
  title(text: string): void;
  heading(text: string): void;
  subheading(text: string): void;
  text(text: string, options?: { size?: number; indent?: number }): void;
  /** In type of one width, for formulas and hashes. */
  code(lines: readonly string[]): void;
  list(items: readonly string[]): void;
  table(table: Table): void;
  /** Writes the foot of every page, and says how many there are. */
  finish(foot: string): number;
}

/** A table that repeats its head on every page. */
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

const width = 595.28;
const height = 841.89;
const margin = 54;
const foot = 48;
const inner = width - 2 * margin;
const ink = rgb(0.1, 0.1, 0.12);
const soft = rgb(0.35, 0.35, 0.4);
const line = rgb(0.75, 0.75, 0.78);
const shade = rgb(0.945, 0.945, 0.955);
const lead = 1.35;

/** Paper with the fonts that every reader has: no file is read. */
export async function createPaper(doc: PDFDocument): Promise<Paper> {
  const [regular, bold, mono] = await Promise.all(
    [StandardFonts.Helvetica, StandardFonts.HelveticaBold, StandardFonts.Courier].map((name) =>
      doc.embedFont(name),
    ),
  );
  if (regular === undefined || bold === undefined || mono === undefined)
    throw new Error("Cannot write a PDF without its fonts");
  const drawn = new Set(regular.getCharacterSet());
  /** What the fonts cannot draw becomes a question mark. */
  const plain = (text: string): string =>
    Array.from(text.normalize("NFC"), (letter) =>
      letter === "\n" || drawn.has(letter.codePointAt(0) ?? 0) ? letter : "?",
    ).join("");
  let page: PDFPage = doc.addPage([width, height]);
  let y = height - margin;

  function need(space: number): boolean {
    if (y - space >= foot + 18) return false;
    page = doc.addPage([width, height]);
    y = height - margin;
    return true;
  }

  function draw(text: string, x: number, size: number, font: PDFFont, color = ink): void {
    page.drawText(text, { x, y: y - size, size, font, color });
  }

  /** A line of text for each that fits, and the space below the last. */
  function write(text: string, { font, size, indent = 0, color = ink, after = 6 }: Writing): void {
    for (const one of wrap(plain(text), font, size, inner - indent)) {
      need(size * lead);
      draw(one, margin + indent, size, font, color);
      y -= size * lead;
    }
    y -= after;
  }

  function row(cells: readonly string[], columns: readonly Column[], style: RowStyle): void {
    const { font, size } = style;
    let x = margin;
    const laid = columns.map((column, at) => {
      const space = column.width * inner;
      const lines = wrap(plain(cells[at] ?? ""), font, size, space - 8);
      const cell = { x, space, lines, isFigure: column.isFigure === true };
      x += space;
      return cell;
    });
    const tall = Math.max(...laid.map(({ lines }) => lines.length)) * size * lead + 5;
    if (need(tall + (style.keep ?? 0))) style.onBreak?.();
    if (style.isShaded)
      page.drawRectangle({ x: margin, y: y - tall, width: inner, height: tall, color: shade });
    for (const { x: left, space, lines, isFigure } of laid) {
      lines.forEach((text, at) => {
        const end = left + space - 4 - font.widthOfTextAtSize(text, size);
        page.drawText(text, {
          x: isFigure ? end : left + 4,
          y: y - size - 2 - at * size * lead,
          size,
          font,
          color: ink,
        });
      });
    }
    y -= tall;
    page.drawLine({
      start: { x: margin, y },
      end: { x: margin + inner, y },
      thickness: 0.5,
      color: line,
    });
  }

  return {
    title: (text) => write(text, { font: bold, size: 18, after: 8 }),
    heading(text) {
      y -= 8;
      // With something below it: a heading alone at the foot of a page says nothing.
      need(90);
      write(text, { font: bold, size: 13, after: 4 });
    },
    subheading(text) {
      need(95);
      write(text, { font: bold, size: 10, after: 2 });
    },
    text: (text, { size = 9.5, indent = 0 } = {}) => write(text, { font: regular, size, indent }),
    code(lines) {
      for (const one of lines) write(one, { font: mono, size: 8, indent: 10, after: 0 });
      y -= 6;
    },
    list(items) {
      for (const item of items) {
        need(9.5 * lead);
        draw("•", margin, 9.5, regular, soft);
        write(item, { font: regular, size: 9.5, indent: 12, after: 3 });
      }
      y -= 4;
    },
    table({ columns, rows, total }) {
      const head = () =>
        row(
          columns.map(({ title }) => title),
          columns,
          { font: bold, size: 8, isShaded: true },
        );
      need(60);
      head();
      const onBreak = head;
      for (const [at, cells] of rows.entries()) {
        // A total alone under a head says nothing.
        const keep = total !== undefined && at === rows.length - 1 ? 18 : 0;
        row(cells, columns, { font: regular, size: 8, onBreak, keep });
      }
      if (total !== undefined) row(total, columns, { font: bold, size: 8, onBreak });
      y -= 10;
    },
    finish(text) {
      const pages = doc.getPages();
      pages.forEach((one, at) => {
        const number = `Page ${at + 1} of ${pages.length}`;
        const end = width - margin - regular.widthOfTextAtSize(number, 8);
        const left = wrap(plain(text), regular, 8, inner - 90)[0] ?? "";
        one.drawLine({
          start: { x: margin, y: foot },
          end: { x: width - margin, y: foot },
          thickness: 0.5,
          color: line,
        });
        one.drawText(left, { x: margin, y: foot - 14, size: 8, font: regular, color: soft });
        one.drawText(number, { x: end, y: foot - 14, size: 8, font: regular, color: soft });
      });
      return pages.length;
    },
  };
}

interface Writing {
  font: PDFFont;
  size: number;
  indent?: number;
  color?: typeof ink;
  after?: number;
}

interface RowStyle {
  font: PDFFont;
  size: number;
  isShaded?: boolean;
  /** Room that has to be left below it. */
  keep?: number;
  /** What is written first on a new page. */
  onBreak?: () => void;
}

/** Lines of at most a width; a word that is longer is broken where it ends. */
function wrap(text: string, font: PDFFont, size: number, most: number): string[] {
  const fits = (part: string) => font.widthOfTextAtSize(part, size) <= most;
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let now = "";
    for (const word of paragraph.split(" ")) {
      const next = now === "" ? word : `${now} ${word}`;
      if (fits(next)) {
        now = next;
        continue;
      }
      if (now !== "") lines.push(now);
      now = word;
      while (!fits(now)) {
        let end = now.length - 1;
        while (end > 1 && !fits(now.slice(0, end))) end--;
        lines.push(now.slice(0, end));
        now = now.slice(end);
      }
    }
    lines.push(now);
  }
  return lines;
}

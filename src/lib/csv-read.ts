/** A line of a CSV file: its cells, and the number of the line that it begins on, from 1. */
export interface CsvLine {
  line: number;
  cells: string[];
}

/** The lines of a CSV file, RFC 4180; empty ones are left out. Throws a SyntaxError for a quote that nothing closes. */
export function readCsv(text: string): CsvLine[] {
  const lines: CsvLine[] = [];
  let cells: string[] = [];
  let cell = "";
  let line = 1;
  let begunOn = 1;
  let isQuoted = false;
  const endCell = () => {
    cells.push(cell);
    cell = "";
  };
  const endLine = () => {
    endCell();
    if (cells.some((one) => one.trim() !== "")) lines.push({ line: begunOn, cells });
    cells = [];
  };
  // A byte-order mark is no part of the first heading.
  const body = text.startsWith("\ufeff") ? text.slice(1) : text;
  for (let at = 0; at < body.length; at++) {
    const character = body[at];
    if (character === "\n") line++;
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (body[at + 1] === '"') {
        cell += '"';
        at++;
      } else isQuoted = false;
    } else if (character === '"' && cell.trim() === "") {
      isQuoted = true;
      cell = "";
    } else if (character === ",") endCell();
    else if (character === "\n") {
      endLine();
      begunOn = line;
    } else if (character !== "\r") cell += character;
  }
  if (isQuoted) throw new SyntaxError(`the quote that begins on line ${begunOn} has no end`);
  if (cell !== "" || cells.length > 0) endLine();
  return lines;
}

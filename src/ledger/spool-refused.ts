import { appendFileSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const name = "refused.jsonl";

/** Keeps a row that the database will never take, for whoever has to find out why. Its answer was given. */
export function refuseRow(folder: string, line: string, cause: unknown): void {
  const why = cause instanceof Error ? cause.message : String(cause);
  const kept = `${JSON.stringify({ why, row: line.trimEnd() })}\n`;
  appendFileSync(join(folder, name), kept, { mode: 0o600 });
}

/** Rows that were set aside in a folder and nobody took away, and the file that they stand in. */
export function refusedIn(folder: string): { rows: number; path: string } {
  const path = join(folder, name);
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return { rows: 0, path };
  return { rows: readFileSync(path, "utf8").split("\n").length - 1, path };
}

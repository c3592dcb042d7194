import { appendFileSync } from "node:fs";
import { join } from "node:path";

/** Keeps a row that the database will never take, for whoever has to find out why. Its answer was given. */
export function refuseRow(folder: string, line: string, cause: unknown): void {
  const why = cause instanceof Error ? cause.message : String(cause);
  const kept = `${JSON.stringify({ why, row: line.trimEnd() })}\n`;
  appendFileSync(join(folder, "refused.jsonl"), kept, { mode: 0o600 });
}

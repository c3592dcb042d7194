import { existsSync } from "node:fs";
import { join } from "node:path";
import { rfc3339 } from "#src/lib/clock.ts";
import type { Check } from "#src/lib/check.ts";
import { type FiledRow, openFiledRows, processesIn } from "#src/ledger/spool-filed.ts";
import { filesIn } from "#src/ledger/spool-file.ts";
import { refusedIn } from "#src/ledger/spool-refused.ts";
import type { Waiting } from "#src/ledger/spool.ts";
import type { Store } from "#src/store/store.ts";

/** What went wrong since the start of the process. */
export interface SpoolTrouble {
  /** Rows that were set aside, because the database refuses them for good. */
  refused: number;
  /** Writes to the spool that the disk did not take. */
  faults: number;
}

/** What waits in a data directory, as one process sees it. */
export interface SpoolState extends Waiting, SpoolTrouble {
  /** In files of processes that ended, as far as no other process sends them. */
  leftBytes: number;
}

const name = "spool";
const longestWayMs = 60_000;

/** What the gateway itself can say without reading a file through. */
export function checkWaiting(state: SpoolState, dataDir: string, now: number): Check {
  const { rows, bytes, mostBytes, oldest, leftBytes } = state;
  const refused = refusedIn(join(dataDir, name));
  const found = [
    ...(rows > 0 ? [`rows that wait for the database: ${rows}${since(oldest)}`] : []),
    ...(leftBytes > 0 ? [`bytes of processes that ended, not sent: ${leftBytes}`] : []),
    ...refusedWords(refused),
  ];
  const fixes = [
    ...(isStuck(oldest, now)
      ? [`${seeLog}; beyond ${mostBytes} bytes, of which ${bytes} are used, requests get 503`]
      : []),
    ...(leftBytes > 0
      ? ["what is left is sent once the database answers; lowrouter doctor says more"]
      : []),
    ...refusedFix(refused),
  ];
  return checkOf(found, fixes);
}

/**
 * What lies in a data directory, for `doctor`, which is a process of its own. Undefined where there is nothing to say: the
 * database is a file and there is no spool. Without a store, rows that were sent are not told from those that were not.
 * Throws StoreError where the store does not answer.
 */
export async function checkSpool(
  { dataDir, isRemote, now }: { dataDir: string; isRemote: boolean; now: number },
  store: Store | undefined,
): Promise<Check | undefined> {
  const folder = join(dataDir, name);
  const files = existsSync(folder) ? filesIn(folder) : [];
  const refused = refusedIn(folder);
  if (!isRemote && files.length === 0 && refused.rows === 0) return undefined;
  const asked = isRemote ? store : undefined;
  const rows = await openFiledRows(dataDir, asked).missing(new Set());
  const known = asked && (await processesIn(asked, files));
  const strange = files.filter(({ processId }) => known?.has(processId) === false);
  const left = rows.filter(({ file }) => file.writer === undefined);
  const kept = rows.filter(({ file }) => file.writer !== undefined);
  const upTo = asked === undefined ? "up to " : "";
  const said = (of: readonly FiledRow[]) => `${upTo}${of.length}${since(oldestOf(of))}`;
  const found = [
    ...(left.length > 0 ? [`rows of processes that ended, not sent: ${said(left)}`] : []),
    ...(kept.length > 0 ? [`rows of processes that run, not sent yet: ${said(kept)}`] : []),
    ...(strange.length > 0 ? [`files of another database: ${strange.length}`] : []),
    ...refusedWords(refused),
  ];
  const fixes = [
    ...(left.length > 0 ? [isRemote ? sendLeft : useRemote] : []),
    ...(asked !== undefined && isStuck(oldestOf(kept), now) ? [seeLog] : []),
    ...(strange.length > 0 ? [useOther] : []),
    ...refusedFix(refused),
  ];
  return checkOf(found, fixes);
}

const sendLeft =
  "start the gateway on this data directory while the database answers: it sends them before it listens. Keep the directory until then";
const useRemote =
  "they are of a remote database: start a gateway on this data directory with database.url as it was";
const useOther = "use this data directory with the database that it was used with before";
const seeLog = "see commit_failed in the log for why the database takes no rows";

function checkOf(found: readonly string[], fixes: readonly string[]): Check {
  if (found.length === 0) return { name, ok: true, found: "nothing waits for the database" };
  return { name, ok: fixes.length === 0, found: found.join("; "), fix: fixes.join("; ") };
}

/** Rows that wait for longer do not merely travel. */
function isStuck(oldest: number | undefined, now: number): boolean {
  return oldest !== undefined && now - oldest > longestWayMs;
}

function oldestOf(rows: readonly FiledRow[]): number | undefined {
  return rows.reduce<number | undefined>(
    (oldest, { completedAt }) => Math.min(oldest ?? completedAt, completedAt),
    undefined,
  );
}

function since(oldest: number | undefined): string {
  return oldest === undefined ? "" : `, the oldest of ${rfc3339(oldest)}`;
}

function refusedWords({ rows }: { rows: number }): string[] {
  return rows === 0 ? [] : [`rows that the database refused: ${rows}`];
}

function refusedFix({ rows, path }: { rows: number; path: string }): string[] {
  if (rows === 0) return [];
  return [`each line of ${path} says why; take the file away once that is dealt with`];
}

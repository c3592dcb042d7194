import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Movement } from "#src/allowance/allowance.ts";
import type { AllowanceOptions } from "#src/allowance/allowances.ts";
import type { Config } from "#src/config/load.ts";
import { createLedger, type Ledger, type LedgerOptions } from "#src/ledger/commit.ts";
import type { SpoolState, SpoolTrouble } from "#src/ledger/spool-check.ts";
import { type FiledRows, openFiledRows } from "#src/ledger/spool-filed.ts";
import { filesIn, spoolFolder } from "#src/ledger/spool-file.ts";
import { openLeftSpools } from "#src/ledger/spool-left.ts";
import { openSpool, type Spool } from "#src/ledger/spool.ts";
import type { Ids } from "#src/lib/id.ts";
import type { Log } from "#src/observe/log.ts";
import { StoreError } from "#src/store/error.ts";

/** The ledger of a gateway, and what stands between it and a database elsewhere. */
export interface KeptLedger {
  ledger: Ledger;
  /** Where rows are kept until the database has them, and what is to be said of it; absent where it is a file. */
  spool: KeptSpool | undefined;
  /** Sends what dead processes of this data directory left. Throws StoreError while the database is away. */
  sendLeft(): Promise<void>;
  /** Leaves to others what could not be sent of that. */
  closeLeft(): Promise<void>;
  /** What allowances have to know of it. */
  allowances: Pick<AllowanceOptions, "host" | "isFull" | "settled" | "isOwed">;
}

/** A spool, with what others left beside it. */
export interface KeptSpool {
  spool: Spool;
  filed: FiledRows;
  state(): SpoolState;
}

/** How long whoever asks waits for what was spent before to reach the database. */
const settleWithinMs = 3000;

/** Opens the ledger: on a file as it is, over a network behind a spool in the data directory. Throws StoreError where that cannot be written. */
export function keepLedger(options: {
  config: Config;
  ids: Ids;
  log: Log;
  ledger: LedgerOptions;
  /** Counted on, here and by whoever else has it. */
  trouble: SpoolTrouble;
  /** Whether an id is that of a gateway of this process. */
  isKin(processId: string): boolean;
  onWritten(movements: readonly Movement[]): void;
}): KeptLedger {
  const { config, ids, log, ledger, trouble, isKin, onWritten } = options;
  if (ledger.store.kind === "file")
    return {
      ledger: createLedger(ledger),
      spool: undefined,
      sendLeft: () => Promise.resolve(),
      closeLeft: () => Promise.resolve(),
      allowances: {},
    };
  const { dataDir } = config;
  const host = `${hostname()}/${nodeIn(dataDir, ids)}`;
  const onTrouble = (event: string, rows: number, cause: unknown) => {
    if (event === "row_refused") trouble.refused += rows;
    if (event === "spool_failed") trouble.faults++;
    log.write(event === "rows_left_in_spool" ? "warn" : "error", event, { rows }, cause);
  };
  const { synchronous } = config.database;
  const spool = openSpool({ ...ledger, dataDir, synchronous, onTrouble, onWritten });
  const left = openLeftSpools({
    ...ledger,
    dataDir,
    onTrouble,
    onSent: (process, rows) => log.write("info", "spool_sent", { process, rows }),
  });
  async function settled(): Promise<void> {
    const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), settleWithinMs));
    if ((await Promise.race([spool.flush(), late])) !== false) return;
    const rows = spool.waiting().rows;
    throw new StoreError("unavailable", `Cannot lease: ${rows} rows wait for the database`);
  }
  return {
    ledger: spool,
    spool: {
      spool,
      filed: openFiledRows(dataDir, ledger.store),
      state: () => ({
        ...spool.waiting(),
        ...trouble,
        leftBytes: leftBytes(spoolFolder(dataDir), isKin),
      }),
    },
    sendLeft: left.send,
    closeLeft: left.close,
    allowances: { host, isFull: spool.isFull, settled, isOwed: left.isOwed },
  };
}

/** Bytes in files that nobody writes, those included that this process has taken upon itself to send. */
function leftBytes(folder: string, isKin: (processId: string) => boolean): number {
  const left = filesIn(folder).filter(
    ({ writer, processId }) =>
      writer === undefined || (writer === process.pid && !isKin(processId)),
  );
  return left.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The name of a data directory, so that machines of one name are not taken for one another. */
function nodeIn(dataDir: string, ids: Ids): string {
  const file = join(dataDir, "node");
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const made = ids.next("node");
    try {
      writeFileSync(file, made, { flag: "wx", mode: 0o600 });
      return made;
    } catch (thrown) {
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) throw thrown;
      return readFileSync(file, "utf8").trim();
    }
  } catch (thrown) {
    throw new StoreError(
      "refused",
      `Cannot write in ${dataDir}: with a remote database, rows are kept there until it has them; give a directory that can be written with --data-dir or LOWROUTER_DATA_DIR`,
      thrown,
    );
  }
}

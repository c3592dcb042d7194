import AsideDatabase from "libsql/promise";

/** Copies the write-ahead log into the database on a thread of its own, so that no commit has to. */
export interface Checkpointer {
  /** Something was committed. */
  note(): void;
  stop(): void;
}

const everyMilliseconds = 200;
const busyMilliseconds = 1000;

/**
 * Pages of the log at which a commit copies them after all: about 64 MB, which the log reaches under load only,
 * since it begins again only after a copy that no commit overtook.
 */
export const commitCheckpointPages = 16_000;

/** Copying takes milliseconds and waits for the disk: within a commit it was most of the slowest percentile. */
export function startCheckpointer(path: string): Checkpointer {
  let connection: AsideDatabase | undefined;
  let isDirty = false;
  let isRunning = false;
  let isStopped = false;

  async function copy(): Promise<void> {
    if (!isDirty || isRunning || isStopped) return;
    isDirty = false;
    isRunning = true;
    try {
      connection ??= new AsideDatabase(path, { timeout: busyMilliseconds });
      await connection.exec("PRAGMA wal_checkpoint(PASSIVE)");
    } catch {
      // Nothing is lost: what was not copied now is copied with what comes next, at the latest by a commit.
      isDirty = true;
    } finally {
      isRunning = false;
      if (isStopped) connection?.close();
    }
  }

  const timer = setInterval(() => void copy(), everyMilliseconds);
  timer.unref();
  return {
    note() {
      isDirty = true;
    },
    stop() {
      isStopped = true;
      clearInterval(timer);
      if (!isRunning) connection?.close();
    },
  };
}

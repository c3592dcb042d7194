import AsideDatabase from "libsql/promise";
import { toStoreError } from "#src/store/error.ts";
import type { Row, Statement } from "#src/store/store.ts";

/** Reads of a file on threads of their own, so that a large report keeps no request waiting. */
export interface AsideReader {
  /** Rows of each statement, all of the same moment. */
  snapshot(statements: readonly Statement[]): Promise<Row[][]>;
  stop(): void;
}

/** Reports that run at once; more wait. One that takes seconds must not hold up all others. */
const laneCount = 2;

interface Lane {
  connection: AsideDatabase;
  waiting: number;
  last: Promise<unknown>;
}

/** Opens nothing before the first report. */
export function createAsideReader(path: string, busyMilliseconds: number): AsideReader {
  const lanes: Lane[] = [];
  let isStopped = false;

  function free(): Lane {
    const idle = lanes.find(({ waiting }) => waiting === 0);
    if (idle !== undefined) return idle;
    if (lanes.length < laneCount) {
      const connection = new AsideDatabase(path, { timeout: busyMilliseconds });
      const lane = { connection, waiting: 0, last: Promise.resolve() };
      lanes.push(lane);
      return lane;
    }
    return lanes.reduce((least, lane) => (lane.waiting < least.waiting ? lane : least));
  }

  return {
    async snapshot(statements) {
      if (isStopped) throw toStoreError(new Error("the database is closed"));
      const lane = free();
      lane.waiting++;
      const turn = lane.last.then(() => readAll(lane.connection, statements));
      // A report that failed has told its own reader; the next one is not its business.
      lane.last = turn.catch(() => {});
      try {
        return await turn;
      } catch (error) {
        throw toStoreError(error);
      } finally {
        lane.waiting--;
        if (isStopped && lane.waiting === 0) lane.connection.close();
      }
    },
    stop() {
      isStopped = true;
      for (const { connection, waiting } of lanes) if (waiting === 0) connection.close();
    },
  };
}

async function readAll(
  connection: AsideDatabase,
  statements: readonly Statement[],
): Promise<Row[][]> {
  await connection.exec("BEGIN");
  try {
    const found: Row[][] = [];
    for (const { sql, args } of statements) {
      const statement = await connection.prepare(sql);
      const rows: unknown[] = await statement.all([...args]);
      found.push(rows.filter((row): row is Row => typeof row === "object" && row !== null));
    }
    return found;
  } finally {
    await connection.exec("COMMIT");
  }
}

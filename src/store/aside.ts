import AsideDatabase from "libsql/promise";
import { toStoreError } from "#src/store/error.ts";
import type { Row, Statement, Value } from "#src/store/store.ts";

/** Reads of a file on threads of their own, so that a large report keeps no request waiting. */
export interface AsideReader {
  /** Rows of each statement, all of the same moment. */
  snapshot(statements: readonly Statement[]): Promise<Row[][]>;
  stop(): void;
}

/** Reports that run at once; more wait. One that takes seconds must not hold up all others. */
const laneCount = 2;

/** Rows that are taken over in one go, as many as the driver hands over: a hundred take up to 9 ms, and are taken over on this thread. */
const rowsAtOnce = 100;

/** A statement of the driver. */
interface Reading {
  iterate(args: readonly Value[]): Promise<Iterable<unknown>>;
}

/** Statements that a connection keeps; then it is left for a new one. */
const mostStatements = 200;

interface Lane {
  connection: AsideDatabase;
  /**
   * By their text. The collector ends a statement that nobody holds, and waits on this thread for its connection to be free:
   * for as long as the first row of a report there takes.
   */
  readings: Map<string, Reading>;
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
      const lane = { connection: open(), readings: new Map(), waiting: 0, last: Promise.resolve() };
      lanes.push(lane);
      return lane;
    }
    return lanes.reduce((least, lane) => (lane.waiting < least.waiting ? lane : least));
  }

  function open(): AsideDatabase {
    return new AsideDatabase(path, { timeout: busyMilliseconds });
  }

  async function read(lane: Lane, statements: readonly Statement[]): Promise<Row[][]> {
    if (lane.readings.size > mostStatements) {
      lane.connection.close();
      lane.connection = open();
      lane.readings = new Map();
    }
    return readAll(lane, statements);
  }

  return {
    async snapshot(statements) {
      if (isStopped) throw toStoreError(new Error("the database is closed"));
      const lane = free();
      lane.waiting++;
      const turn = lane.last.then(() => read(lane, statements));
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
  { connection, readings }: Pick<Lane, "connection" | "readings">,
  statements: readonly Statement[],
): Promise<Row[][]> {
  await connection.exec("BEGIN");
  try {
    const found: Row[][] = [];
    for (const { sql, args } of statements) {
      const reading: Reading = readings.get(sql) ?? (await connection.prepare(sql));
      readings.set(sql, reading);
      const rows: Row[] = [];
      for (const row of await reading.iterate([...args])) {
        if (isRow(row)) rows.push(row);
        if (rows.length % rowsAtOnce === 0) await new Promise((next) => setImmediate(next));
      }
      found.push(rows);
    }
    return found;
  } finally {
    await connection.exec("COMMIT");
  }
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null;
}

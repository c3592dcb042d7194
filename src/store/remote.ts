import type { InValue, ResultSet } from "@libsql/client/web";
import * as schema from "#db/schema.ts";
import { createDrizzleClient } from "#src/store/drizzle-client.ts";
import { StoreError, toStoreError } from "#src/store/error.ts";
import { createLine, type RemoteFetch } from "#src/store/line.ts";
import type { Row, Store, Value } from "#src/store/store.ts";

interface RemoteOptions {
  url: string;
  authToken?: string;
  /** How long an answer is waited for; reports and changes of the schema have longer. */
  answerMilliseconds?: number;
}

/** One that takes longer is as good as away: a connection that was cut says nothing for minutes. */
const answerWithinMs = 10_000;
/** For what reads or moves many rows. */
const longWithinMs = 600_000;
const changesSchema = /^\s*(CREATE|ALTER|DROP)\b/i;

/** Opens a database over the network: libSQL server or Turso. Loaded only when asked for. */
export async function openRemote(options: RemoteOptions): Promise<Store> {
  const { url, authToken, answerMilliseconds = answerWithinMs } = options;
  try {
    const [{ createClient }, { drizzle }] = await Promise.all([
      import("@libsql/client/web"),
      import("drizzle-orm/libsql/web"),
    ]);
    const line = createLine(() => probe.execute("SELECT 1"));
    const over = (fetch: RemoteFetch) => createClient({ url, authToken, fetch });
    const client = over(line.within(answerMilliseconds));
    const patient = over(line.within(longWithinMs));
    const probe = over(line.anyway(answerMilliseconds));
    const asking = createDrizzleClient("http", (statement, args) =>
      typeof statement === "string" ? client.execute(statement, args) : client.execute(statement),
    );
    return {
      kind: "remote",
      path: undefined,
      client,
      db: drizzle(asking, { schema }),
      async write(statements) {
        try {
          const sent = statements.map(({ sql, args }) => ({ sql, args: bound(args) }));
          const isLong = statements.some(({ sql }) => changesSchema.test(sql));
          return (await (isLong ? patient : client).batch(sent, "write")).map(rowsOf);
        } catch (error) {
          throw toStoreError(error);
        }
      },
      async read(sql, args) {
        try {
          return rowsOf(await client.execute({ sql, args: bound(args) }));
        } catch (error) {
          throw toStoreError(error);
        }
      },
      async snapshot(statements) {
        try {
          const sent = statements.map(({ sql, args }) => ({ sql, args: bound(args) }));
          return (await patient.batch(sent, "read")).map(rowsOf);
        } catch (error) {
          throw toStoreError(error);
        }
      },
      close() {
        line.close();
        for (const one of [client, patient, probe]) one.close();
      },
    };
  } catch (error) {
    throw new StoreError("unavailable", `Cannot open the database at ${hostOf(url)}`, error);
  }
}

function bound(args: readonly Value[]): InValue[] {
  return [...args];
}

function rowsOf({ columns, rows }: ResultSet): Row[] {
  return rows.map((row) =>
    Object.fromEntries(columns.map((column, at) => [column, plain(row[at])])),
  );
}

function plain(value: unknown): Value {
  if (typeof value === "string" || typeof value === "number") return value;
  return typeof value === "bigint" ? Number(value) : null;
}

/** The address without user, password and query, which may be secret. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "an address that is no URL";
}

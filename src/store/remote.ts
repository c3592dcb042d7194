import type { InValue, ResultSet } from "@libsql/client/web";
import * as schema from "#db/schema.ts";
import { StoreError, toStoreError } from "#src/store/error.ts";
import type { Row, Store, Value } from "#src/store/store.ts";

interface RemoteOptions {
  url: string;
  authToken?: string;
}

/** Opens a database over the network: libSQL server or Turso. Loaded only when asked for. */
export async function openRemote({ url, authToken }: RemoteOptions): Promise<Store> {
  try {
    const [{ createClient }, { drizzle }] = await Promise.all([
      import("@libsql/client/web"),
      import("drizzle-orm/libsql/web"),
    ]);
    const client = createClient({ url, authToken });
    return {
      kind: "remote",
      path: undefined,
      client,
      db: drizzle(client, { schema }),
      async write(statements) {
        try {
          const sent = statements.map(({ sql, args }) => ({ sql, args: bound(args) }));
          return (await client.batch(sent, "write")).map(rowsOf);
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
          return (await client.batch(sent, "read")).map(rowsOf);
        } catch (error) {
          throw toStoreError(error);
        }
      },
      close: () => client.close(),
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

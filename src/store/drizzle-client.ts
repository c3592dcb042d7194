import type { Client, InArgs, InStatement, ResultSet } from "@libsql/client/web";
import { StoreError, toStoreError } from "#src/store/error.ts";

/** Runs one statement. */
export type Execute = (statement: InStatement, args?: InArgs) => Promise<ResultSet>;

/**
 * What drizzle, and through it the sign-in library, asks a database with: one statement at a time. Rejects with StoreError.
 * Nothing that takes several: others write on the same connection in the turns of the event loop between them.
 */
export function createDrizzleClient(protocol: "file" | "http", execute: Execute): Client {
  return {
    async execute(statement: InStatement, args?: InArgs) {
      try {
        return await execute(statement, args);
      } catch (thrown) {
        throw toStoreError(thrown);
      }
    },
    transaction: () => refused("an open transaction"),
    batch: () => refused("a batch"),
    migrate: () => refused("a batch"),
    executeMultiple: () => refused("several statements in one text"),
    sync: () => refused("a replica"),
    reconnect() {},
    // Whoever opened the store closes it.
    close() {},
    closed: false,
    protocol,
  };
}

function refused(what: string): Promise<never> {
  const message = `Cannot use ${what} here: give all statements at once to write()`;
  return Promise.reject(new StoreError("other", message));
}

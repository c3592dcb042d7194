import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dir, "upgrades");

/** The key under which the databases below sealed their secrets, and nothing else was. */
export const masterKey = "bG93cm91dGVyLXRlc3QtbWFzdGVyLWtleS0wMDAwMDE=";

/** A database that the program of an earlier commit wrote, with a row in every table. */
export interface Earlier {
  /** Steps of the schema that it had had, and the commit. */
  version: number;
  commit: string;
  /** A key of its account, which asked six times; its process was killed. */
  key: string;
  sql: string;
}

/** One for each commit that changed the schema, from oldest to newest. */
export const earlier: readonly Earlier[] = readdirSync(folder)
  .map((name) => {
    const [, version, commit = ""] = /^v(\d+)-(\w+)\.sql$/.exec(name) ?? [];
    const sql = readFileSync(join(folder, name), "utf8");
    return { version: Number(version), commit, key: /^-- key (\S+)/.exec(sql)?.[1] ?? "", sql };
  })
  .toSorted((one, other) => one.version - other.version || (one.commit < other.commit ? -1 : 1));

import { describe, expect, spyOn, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import Database from "libsql";
import { migrations } from "#db/migrations.ts";
import { migrate, schemaVersion } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { inspect } from "#test/chaos/check.ts";
import { type House, openHouse } from "#test/chaos/house.ts";
import { fromSources } from "#test/chaos/program.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { counts, load } from "#test/store/dump.ts";
import { temporaryStore } from "#test/store/temporary.ts";
import { earlier, masterKey } from "#test/store/upgrades.ts";

/** Tables that a later step took the place of. */
const renamed: Readonly<Record<string, string>> = { generation: "generation_record" };

async function houseOf({ key, sql }: { key: string; sql: string }): Promise<House> {
  const house = await openHouse({
    program: fromSources(),
    env: { LOWROUTER_MASTER_KEY: masterKey },
    furnished: { keys: [key] },
  });
  mkdirSync(house.dataDir);
  load(house.database, sql);
  return house;
}

/** Tables and views with their columns, and what each index is of; not in which order columns came. */
function tablesOf(path: string): unknown {
  const database = new Database(path);
  try {
    const found = (sql: string): unknown[] => database.prepare(sql).raw().all([]);
    return {
      columns: found(
        `SELECT m.type, m.name, c.name, c.type, c."notnull", c.pk FROM sqlite_master AS m, pragma_table_info(m.name) AS c
         WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%' ORDER BY 1, 2, 3`,
      ),
      indexes: found(
        `SELECT l.name, l."unique", m.name, i.seqno, i.name FROM sqlite_master AS m, pragma_index_list(m.name) AS l,
         pragma_index_info(l.name) AS i WHERE m.type = 'table' AND l.origin = 'c' ORDER BY 1, 4`,
      ),
    };
  } finally {
    database.close();
  }
}

async function freshTables(): Promise<unknown> {
  using fresh = await temporaryStore();
  return tablesOf(fresh.path);
}

describe("upgrades", () => {
  test.each(earlier.map((one) => ({ ...one, name: `version ${one.version}, of ${one.commit}` })))(
    "a database of $name is copied, brought up to date, adds up, and serves",
    async (one) => {
      await using house = await houseOf(one);
      const before = counts(house.database);
      expect((await house.command(["account", "list"])).code).toBe(0);
      const after = counts(house.database);
      for (const [table, rows] of Object.entries(before)) {
        const kept = { table, rows: after[renamed[table] ?? table] };
        expect(kept).toEqual({
          table,
          rows: table === "schema_migration" ? migrations.length : rows,
        });
      }
      expect(tablesOf(house.database)).toEqual(await freshTables());

      const gateway = await house.serve();
      expect(await house.answers(gateway.url)).toEqual([]);
      gateway.kill("SIGTERM");
      expect((await gateway.ended).code).toBe(0);
      expect(await house.check({ alive: [] })).toEqual([]);

      if (one.version === migrations.length) return;
      const [copy = "", ...more] = readdirSync(house.dataDir).filter((name) =>
        name.startsWith("lowrouter.db.before-upgrade"),
      );
      expect(more).toEqual([]);
      // What was there before the upgrade, to the row.
      expect(counts(join(house.dataDir, copy))).toEqual(before);
    },
    30_000,
  );

  test("the copy that an upgrade made is of the schema before, and can be restored and upgraded again", async () => {
    const [first] = earlier;
    if (first === undefined) throw new Error("there are databases of earlier schemas");
    await using house = await houseOf(first);
    await (
      await house.command(["account", "list"])
    ).code;
    const [copy = ""] = readdirSync(house.dataDir).filter((name) =>
      name.includes("before-upgrade"),
    );
    await rename(house.dataDir, `${house.dataDir}-moved`);
    const old = await openStore({ url: `file:${house.dataDir}-moved/${copy}` });
    expect(await schemaVersion(old)).toBe(first.version);
    old.close();
    const { code, err } = await house.command(["restore", join(`${house.dataDir}-moved`, copy)]);
    expect([code, err]).toEqual([0, ""]);
    expect((await house.command(["account", "list"])).code).toBe(0);
    expect(await house.check({})).toEqual([]);
  });

  test("two processes that upgrade one database at the same time upgrade it once", async () => {
    const one = earlier.find(({ version }) => version === 5);
    if (one === undefined) throw new Error("there is a database of the fifth version");
    await using house = await houseOf(one);
    const ended = await Promise.all([1, 2, 3].map(() => house.command(["account", "list"])));
    expect(ended.map(({ code, err }) => [code, err])).toEqual([
      [0, ""],
      [0, ""],
      [0, ""],
    ]);
    const store = await openStore({ url: `file:${house.database}` });
    expect(await inspect(store, { complete: [] })).toEqual([]);
    store.close();
  });

  test("two processes that begin to upgrade in one millisecond make a copy each, and neither fails", async () => {
    const one = earlier.find(({ version }) => version === 5);
    if (one === undefined) throw new Error("there is a database of the fifth version");
    await using house = await houseOf(one);
    const clock = createFakeClock();
    const stores = await Promise.all(
      [1, 2].map(() => openStore({ url: `file:${house.database}` })),
    );
    try {
      const done = await Promise.all(stores.map((store) => migrate(store, clock)));
      expect(new Set(done.map(({ backup }) => backup)).size).toBe(2);
      expect(done.map(({ to }) => to)).toEqual([migrations.length, migrations.length]);
    } finally {
      for (const store of stores) store.close();
    }
  });

  test("a copy that another process's upgrade came before is none of the schema before, and is not kept", async () => {
    const one = earlier.find(({ version }) => version === 5);
    if (one === undefined) throw new Error("there is a database of the fifth version");
    await using house = await houseOf(one);
    const [slow, fast] = [
      await openStore({ url: `file:${house.database}` }),
      await openStore({ url: `file:${house.database}` }),
    ];
    try {
      const { client } = slow;
      const execute = client.execute.bind(client);
      const late = spyOn(client, "execute").mockImplementation(async (statement) => {
        await migrate(fast, createFakeClock(1));
        return execute(statement);
      });
      const done = await migrate(slow, createFakeClock(2));
      expect(late).toHaveBeenCalledTimes(1);
      expect(done).toEqual({ from: one.version, to: migrations.length, backup: undefined });
    } finally {
      slow.close();
      fast.close();
    }
    const copies = readdirSync(house.dataDir).filter((name) => name.includes("before-upgrade"));
    expect(copies).toHaveLength(1);
    const kept = await openStore({ url: `file:${house.dataDir}/${copies[0]}` });
    expect(await schemaVersion(kept)).toBe(one.version);
    kept.close();
  });

  test.each(["serve", "account list", "backup copy.db", "audit verify"])(
    "%s on a database of a newer program ends with 1, says both versions and what to do, and changes nothing",
    async (words) => {
      const newest = earlier.at(-1);
      if (newest === undefined) throw new Error("there are databases of earlier schemas");
      await using house = await houseOf(newest);
      expect((await house.command(["account", "list"])).code).toBe(0);
      const database = new Database(house.database);
      database.exec(`INSERT INTO schema_migration VALUES (${migrations.length}, 'of_tomorrow', 0)`);
      database.close();
      const before = counts(house.database);
      const { code, err } = await house.command(words.split(" "));
      expect(code).toBe(1);
      expect(err).toContain(
        `its schema is version ${migrations.length + 1} and this program knows up to ${migrations.length}`,
      );
      expect(err).toContain(
        "Run the newer LowRouter, or restore the backup made before the upgrade",
      );
      expect(counts(house.database)).toEqual(before);
    },
    30_000,
  );
});

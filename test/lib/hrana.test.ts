import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Client, createClient } from "@libsql/client/http";
import { type HranaServer, startHrana } from "#test/lib/hrana.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/* The official client is the judge of the server. */

let folder: ReturnType<typeof temporaryFolder>;
let server: HranaServer;
let client: Client;
afterEach(async () => {
  client.close();
  await server.stop();
  folder[Symbol.dispose]();
});

describe.each([2, 3] as const)("Hrana %i over HTTP", (version) => {
  beforeEach(async () => {
    folder = temporaryFolder();
    server = startHrana({ path: `${folder.path}/remote.db`, version, authToken: "secret" });
    client = createClient({ url: server.url, authToken: "secret", intMode: "bigint" });
    await client.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a ANY, b ANY)");
  });

  test("keeps every kind of value as it is", async () => {
    const blob = new Uint8Array([0, 255, 7]);
    const values = [null, 9_007_199_254_740_993n, 1.5, "é \"'", blob];
    for (const value of values)
      await client.execute({ sql: "INSERT INTO t (a, b) VALUES (?, ?)", args: [value, "x"] });
    const { rows, columns } = await client.execute(
      "SELECT a, typeof(a) AS kind FROM t ORDER BY id",
    );
    expect(columns).toEqual(["a", "kind"]);
    expect(rows.map((row) => row["kind"])).toEqual(["null", "integer", "real", "text", "blob"]);
    expect(rows.slice(0, 4).map((row): unknown => row["a"])).toEqual(values.slice(0, 4));
    const bytes = rows[4]?.["a"];
    expect(bytes instanceof ArrayBuffer && [...new Uint8Array(bytes)]).toEqual([0, 255, 7]);
  });

  test("tells what was changed, and the last id, also of statements that answer", async () => {
    const one = await client.execute("INSERT INTO t (a) VALUES (1), (2)");
    expect([one.rowsAffected, one.lastInsertRowid]).toEqual([2, 2n]);
    const two = await client.execute("UPDATE t SET b = 3 RETURNING id");
    expect([two.rowsAffected, two.rows.map((row) => row["id"])]).toEqual([2, [1n, 2n]]);
    expect((await client.execute("SELECT 1")).rowsAffected).toBe(0);
  });

  test("binds by name", async () => {
    const { rows } = await client.execute({
      sql: "SELECT :a AS a, $b AS b, @c AS c",
      args: { a: "x", b: 1n, c: null },
    });
    expect(rows.map((row) => [row["a"], row["b"], row["c"]])).toEqual([["x", 1n, null]]);
  });

  test("keeps all of a batch or nothing", async () => {
    const insert = (id: number) => ({ sql: "INSERT INTO t (id) VALUES (?)", args: [id] });
    await client.batch([insert(1), insert(2)], "write");
    const error = await client.batch([insert(3), insert(1)], "write").catch((one: unknown) => one);
    expect(String(error)).toContain("SQLITE_CONSTRAINT");
    const all = await client.batch(["SELECT count(*) AS n FROM t", "SELECT 5 AS n"], "read");
    expect(all.map(({ rows }) => rows[0]?.["n"])).toEqual([2n, 5n]);
  });

  test("keeps a transaction over several requests, and lets others wait for its end", async () => {
    const first = await client.transaction("write");
    await first.execute("INSERT INTO t (id, a) VALUES (1, 'first')");
    const order: string[] = [];
    const second = client
      .execute("INSERT INTO t (id, a) VALUES (2, (SELECT count(*) FROM t))")
      .then(() => order.push("second"));
    await first.execute("INSERT INTO t (id, a) VALUES (3, 'first')");
    order.push("commit");
    await first.commit();
    await second;
    expect(order).toEqual(["commit", "second"]);
    const { rows } = await client.execute("SELECT a FROM t WHERE id = 2");
    expect(rows[0]?.["a"]).toBe(2n);
  });

  test("undoes a transaction that is rolled back, or left", async () => {
    for (const end of ["rollback", "close"] as const) {
      const one = await client.transaction("write");
      await one.execute("INSERT INTO t (id) VALUES (1)");
      if (end === "rollback") await one.rollback();
      else one.close();
      expect((await client.execute("SELECT count(*) AS n FROM t")).rows[0]?.["n"]).toBe(0n);
    }
  });

  test("runs several statements of one text", async () => {
    await client.executeMultiple("INSERT INTO t (a) VALUES (1); INSERT INTO t (a) VALUES (2);");
    expect((await client.execute("SELECT sum(a) AS n FROM t")).rows[0]?.["n"]).toBe(3n);
  });

  test("says what is wrong with a statement, and takes the next", async () => {
    const error = await client.execute("SELEC 1").catch((one: unknown) => one);
    expect(String(error)).toContain("syntax error");
    expect((await client.execute("SELECT 1 AS n")).rows[0]?.["n"]).toBe(1n);
  });

  test("leaves no connection behind", async () => {
    for (let time = 0; time < 20; time++) await client.execute("SELECT 1");
    await Promise.all(Array.from({ length: 20 }, () => client.batch(["SELECT 1"], "write")));
    const end = performance.now() + 2000;
    while (server.streams() > 0 && performance.now() < end) await Bun.sleep(1);
    expect(server.streams()).toBe(0);
  });

  test("refuses who has no token, and everybody while it is out", async () => {
    const stranger = createClient({ url: server.url, authToken: "other" });
    expect(String(await stranger.execute("SELECT 1").catch((one: unknown) => one))).toContain(
      "401",
    );
    stranger.close();
    server.before(() => {
      throw new Error("out");
    });
    expect(String(await client.execute("SELECT 1").catch((one: unknown) => one))).toContain("503");
    server.before(undefined);
    expect((await client.execute("SELECT 1 AS n")).rows[0]?.["n"]).toBe(1n);
  });
});

test("the requests that the client never makes are answered as the protocol has it", async () => {
  folder = temporaryFolder();
  server = startHrana({ path: `${folder.path}/remote.db` });
  client = createClient({ url: server.url });
  await client.execute("CREATE TABLE t (a INTEGER)");
  const post = async (body: object): Promise<unknown> =>
    (
      await fetch(`${server.url}/v3/pipeline`, { method: "POST", body: JSON.stringify(body) })
    ).json();
  const step = (sql: string, condition?: object) => ({ stmt: { sql }, condition });
  const not = (cond: object) => ({ type: "not", cond });
  const answer = await post({
    requests: [
      { type: "store_sql", sql_id: 1, sql: "SELECT a FROM t WHERE a > ?" },
      { type: "describe", sql_id: 1 },
      { type: "close_sql", sql_id: 1 },
      { type: "execute", stmt: { sql_id: 1 } },
      { type: "get_autocommit" },
      {
        type: "batch",
        batch: {
          steps: [
            step("BEGIN"),
            step("NONSENSE"),
            step("SELECT 1", { type: "error", step: 1 }),
            step("SELECT 2", {
              type: "and",
              conds: [
                { type: "ok", step: 0 },
                { type: "ok", step: 1 },
              ],
            }),
            step("SELECT 3", {
              type: "or",
              conds: [
                { type: "ok", step: 0 },
                { type: "ok", step: 1 },
              ],
            }),
            step("SELECT 4", not({ type: "is_autocommit" })),
            step("ROLLBACK", not({ type: "is_autocommit" })),
          ],
        },
      },
      { type: "close" },
    ],
  });
  expect(answer).toMatchObject({
    baton: null,
    results: [
      { type: "ok", response: { type: "store_sql" } },
      {
        response: {
          result: { params: [{ name: null }], cols: [{ name: "a" }], is_readonly: true },
        },
      },
      { type: "ok", response: { type: "close_sql" } },
      { type: "error" },
      { response: { is_autocommit: true } },
      {
        response: {
          result: {
            step_errors: [null, { code: "SQLITE_ERROR" }, null, null, null, null, null],
            step_results: [
              {},
              null,
              { rows: [[{ type: "integer", value: "1" }]] },
              null,
              { rows: [[{ value: "3" }]] },
              { rows: [[{ value: "4" }]] },
              {},
            ],
          },
        },
      },
      { type: "ok", response: { type: "close" } },
    ],
  });
  const stale = await fetch(`${server.url}/v3/pipeline`, {
    method: "POST",
    body: JSON.stringify({ baton: "baton-0", requests: [] }),
  });
  expect(stale.status).toBe(400);
});

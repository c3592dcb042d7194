import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Client, createClient } from "@libsql/client/web";
import { startTurso, type TursoServer, tursoProgram } from "#test/lib/turso.ts";

const program = tursoProgram();

/* What the other engine keeps of what we build on, by the official client. */
describe.skipIf(program === undefined)("the second engine", () => {
  let server: TursoServer;
  let client: Client;
  beforeAll(async () => {
    server = await startTurso(program ?? "");
    client = createClient({ url: server.url });
    await client.batch(
      [
        "CREATE TABLE pot (id INTEGER PRIMARY KEY, used INTEGER NOT NULL)",
        "INSERT INTO pot VALUES (1, 0)",
      ],
      "write",
    );
  });
  afterAll(async () => {
    client.close();
    await server.stop();
  });

  test("grants a conditional update 33 times of 33, raced a hundred ways", async () => {
    const sql = "UPDATE pot SET used = used + 1 WHERE id = 1 AND used + 1 <= 33 RETURNING used";
    const granted = await Promise.all(Array.from({ length: 100 }, () => client.execute(sql)));
    expect(granted.filter(({ rows }) => rows.length === 1)).toHaveLength(33);
  });

  test("keeps nothing of a batch that fails", async () => {
    const failing = client.batch(
      ["UPDATE pot SET used = 1000", "INSERT INTO pot VALUES (1, 5)"],
      "write",
    );
    expect(await failing.catch((thrown: unknown) => String(thrown))).toContain("UNIQUE");
    const { rows } = await client.execute("SELECT used FROM pot");
    expect(rows[0]?.["used"]).toBe(33);
  });

  test("reads lists that come as JSON, and what a statement before changed", async () => {
    const listed = await client.execute({
      sql: "SELECT value FROM json_each(?)",
      args: [JSON.stringify(["a", "b"])],
    });
    expect(listed.rows.map((row) => row["value"])).toEqual(["a", "b"]);
    const [, noted] = await client.batch(
      [
        "UPDATE pot SET used = 0 WHERE id = 1",
        "INSERT INTO pot SELECT 2, 7 WHERE changes() = 1 RETURNING id",
      ],
      "write",
    );
    expect(noted?.rows).toHaveLength(1);
    const [, none] = await client.batch(
      [
        "UPDATE pot SET used = 0 WHERE id = 99",
        "INSERT INTO pot SELECT 3, 7 WHERE changes() = 1 RETURNING id",
      ],
      "write",
    );
    expect(none?.rows).toHaveLength(0);
  });
});

import { expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { setting } from "#db/schema.ts";
import { temporaryStore } from "./temporary.ts";

test("rows come by position and by name, the first where two share one, and as they are shown", async () => {
  using kept = await temporaryStore();
  const { client } = kept.store;
  const sql = "SELECT ? AS a, ? AS b, 'second' AS a";
  const { columns, rows } = await client.execute({ sql, args: [true, new Date(7)] });
  expect(columns).toEqual(["a", "b", "a"]);
  const [row] = rows;
  expect([row?.[0], row?.[1], row?.[2], row?.length]).toEqual([1, 7, "second", 3]);
  expect({ ...row }).toEqual({ a: 1, b: 7 });
});

test("a write says how many rows it changed, and gives back what it returns", async () => {
  using kept = await temporaryStore();
  const { db, client } = kept.store;
  for (const key of ["a", "b", "c"])
    expect(await db.insert(setting).values({ key, value: "1" })).toMatchObject({ rowsAffected: 1 });
  const { rowsAffected } = await client.execute("UPDATE setting SET value = '2' WHERE key < 'c'");
  expect(rowsAffected).toBe(2);
  const gone = await db.delete(setting).where(eq(setting.key, "a")).returning();
  expect(gone).toEqual([{ key: "a", value: "2" }]);
  expect(await db.select().from(setting).orderBy(setting.key)).toEqual([
    { key: "b", value: "2" },
    { key: "c", value: "1" },
  ]);
});

test("a write that fails leaves nothing open", async () => {
  using kept = await temporaryStore();
  const { client, write, read } = kept.store;
  const sql = "INSERT INTO setting VALUES ('a', 'b'), ('a', 'c')";
  await expect(client.execute(sql)).rejects.toMatchObject({ fault: "conflict" });
  await write([{ sql: "INSERT INTO setting VALUES ('b', 'd')", args: [] }]);
  expect(await read("SELECT key FROM setting", [])).toEqual([{ key: "b" }]);
});

test("what takes several statements is refused, with what can", async () => {
  using kept = await temporaryStore();
  const { client } = kept.store;
  for (const tried of [
    client.transaction("write"),
    client.batch([]),
    client.migrate([]),
    client.executeMultiple(""),
    client.sync(),
  ])
    await expect(tried).rejects.toThrow("here: give all statements at once");
  await expect(client.execute({ sql: "SELECT :a", args: { a: 1 } })).rejects.toThrow(
    "Cannot bind arguments by name: give them as a list, for ? in the statement",
  );
});

import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { openStore } from "#src/store/open.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

test("what is committed reaches the database file aside of the commits", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "test.db");
  const store = await openStore({ url: `file:${path}` });
  await store.write([{ sql: "CREATE TABLE kept (text TEXT)", args: [] }]);
  const text = "x".repeat(3000);
  for (let at = 0; at < 100; at++)
    await store.write([{ sql: "INSERT INTO kept VALUES (?)", args: [text] }]);
  // Far fewer pages than those at which a commit would copy them itself.
  for (let waited = 0; statSync(path).size < 100 * text.length; waited++) {
    if (waited > 500) throw new Error("Nothing was copied within 5 s");
    await Bun.sleep(10);
  }
  expect((await store.read("SELECT count(*) AS rows FROM kept", []))[0]).toEqual({ rows: 100 });
  store.close();
});

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "#src/store/open.ts";
import { runToEnd } from "#test/lib/serving.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** Runs a command in a process of its own: what a database leaves beside it is told by the end of the process. */
async function command(...words: string[]): Promise<number> {
  return (await runToEnd(words)).code;
}

test("restore leaves the database alone in its directory, and nothing beside the copy", async () => {
  using folder = temporaryFolder();
  const place = (name: string) => join(folder.path, name);
  expect(await command("account", "create", "--name", "a", "--data-dir", place("one"))).toBe(0);
  expect(await command("backup", place("copy.db"), "--data-dir", place("one"))).toBe(0);
  expect(await command("restore", place("copy.db"), "--data-dir", place("two"))).toBe(0);
  expect(readdirSync(place("two"))).toEqual(["lowrouter.db"]);
  expect(readdirSync(folder.path).filter((name) => name.startsWith("copy"))).toEqual(["copy.db"]);
});

test("restore keeps what is in the log beside a database that it copies", async () => {
  using folder = temporaryFolder();
  const place = (name: string) => join(folder.path, name);
  expect(await command("account", "create", "--name", "a", "--data-dir", place("one"))).toBe(0);
  const source = join(place("one"), "lowrouter.db");
  const before = readdirSync(place("one"));
  expect(before).toContain("lowrouter.db-wal");
  expect(await command("restore", source, "--data-dir", place("two"))).toBe(0);
  expect(readdirSync(place("one"))).toEqual(before);
  const store = await openStore({ url: `file:${join(place("two"), "lowrouter.db")}` });
  expect(await store.read("SELECT name FROM account", [])).toMatchObject([{ name: "a" }]);
  store.close();
});

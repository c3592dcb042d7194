import { expect, test } from "bun:test";
import { join } from "node:path";
import { Glob } from "bun";

const tests = join(import.meta.dir, "..");
const page = await Bun.file(join(tests, "../src/web/content/operating/threat-model.md")).text();
/** A test as the page names it: its file, and its name or that of the group it stands in. */
const named = [...page.matchAll(/`([\w/-]+\.test\.tsx?)`: "([^"]+)"/g)].map(
  ([, file = "", name = ""]): [string, string] => [file, name],
);

test("every test that the threat model names is there, under that very name", async () => {
  expect(named.length).toBeGreaterThan(40);
  const missing: string[] = [];
  for (const [file, name] of named) {
    const text = await Bun.file(join(tests, file))
      .text()
      .catch(() => "");
    if (!text.includes(`"${name}"`)) missing.push(`${file}: ${name}`);
  }
  expect(missing).toEqual([]);
});

test("every line of it has such a test, and every test of this folder stands there", async () => {
  const lines = page
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (Threat|---)/.test(line));
  expect(lines.length).toBeGreaterThan(35);
  expect(lines.filter((line) => !/\.test\.tsx?`: "[^"]+"[^|]*\|$/.test(line))).toEqual([]);
  const files = await Array.fromAsync(new Glob("*.test.ts").scan(import.meta.dir));
  const told = new Set(named.map(([file]) => file));
  const untold = files.filter((file) => !told.has(`security/${file}`));
  expect(untold).toEqual(["threat-model.test.ts"]);
});

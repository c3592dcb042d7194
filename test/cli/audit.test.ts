import { expect, test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createGateway } from "#src/app.ts";
import { run } from "#src/cli/program.ts";
import { loadConfig } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import { backup } from "#src/store/backup.ts";
import { openStore } from "#src/store/open.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** A folder in which a gateway kept three rows and ended. */
async function folderOf(path: string): Promise<void> {
  const config = loadConfig({ dataDir: path }, {});
  const store = await openStore({ url: config.database.url });
  const log = createLog({ clock: systemClock, level: "warn", format: "json", write: () => {} });
  const gateway = await createGateway({ config, store, log });
  for (let row = 0; row < 3; row++)
    await gateway.app.ledger.record({ generation: sampleGeneration(), movements: [] });
  await gateway.close();
  store.close();
}

async function command(path: string, ...words: string[]) {
  let [out, err] = ["", ""];
  const code = await run([...words, "--data-dir", path], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
  });
  return { code, out, err };
}

/** Names of all members, at any depth. */
function namesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const below = Object.values(value).flatMap(namesIn);
  return Array.isArray(value) ? below : [...Object.keys(value), ...below];
}

const verify = (path: string, ...words: string[]) => command(path, "audit", "verify", ...words);

test("audit verify checks the heads that a gateway published, against a key that was noted", async () => {
  using folder = temporaryFolder();
  await folderOf(folder.path);
  const told = await command(folder.path, "audit", "key", "--json");
  const key = String(at(JSON.parse(told.out), "data.0.public_key"));
  const whole = await verify(folder.path, "--key", key);
  expect([whole.code, whole.err]).toEqual([0, ""]);
  expect(whole.out).toContain("3 rows in ");
  expect(whole.out).toContain(`signed by ${key}, the key that was given`);
  expect(whole.out).toContain("0 newer rows are in none yet");
  const other = await verify(folder.path, "--key", key.replace(/^./, key[0] === "A" ? "B" : "A"));
  expect([other.code, other.out]).toEqual([1, expect.stringContaining("is not the one given")]);
});

test("audit verify finds a copied database whose end was cut off by the log that was kept, and says when there is none", async () => {
  using folder = temporaryFolder();
  await folderOf(folder.path);
  const copy = join(folder.path, "copy");
  mkdirSync(copy);
  const database = join(copy, "lowrouter.db");
  const store = await openStore({ url: `file:${join(folder.path, "lowrouter.db")}` });
  await backup(store, database);
  store.close();
  const tampered = await openStore({ url: `file:${database}` });
  const run = async (sql: string) => void (await tampered.write([{ sql, args: [] }]));
  await run("DELETE FROM generation_record WHERE sequence = 3");
  await run(
    "UPDATE process SET sequence = 2, head = (SELECT hash FROM generation_record WHERE sequence = 2) WHERE sequence = 3",
  );
  // Whoever cuts the end off makes the sums fit as well.
  await run("UPDATE rollup SET requests = requests * 2 / 3, cost = cost * 2 / 3");
  tampered.close();
  const log = join(folder.path, "ledger-heads.log");
  const found = await verify(copy, "--json", "--heads", log);
  const report: unknown = JSON.parse(found.out);
  expect([found.code, at(report, "data.ok")]).toEqual([1, false]);
  expect(listAt(report, "data.faults")).toMatchObject([{ fault: "removed", sequence: 3 }]);
  const sums = listAt(report, "data.mismatches").map((one) => at(one, "place.sum"));
  expect(sums).toContain("energy_pwh");
  expect(sums).not.toContain("requests");
  const named = namesIn(report);
  expect(named).toContain("generation_id");
  expect(named).toContain("head_faults");
  expect(named).toContain("public_key");
  expect(named.filter((name) => name !== name.toLowerCase())).toEqual([]);
  const without = await verify(copy);
  expect([without.code, without.out]).toEqual([
    1,
    expect.stringContaining("published: The log of published heads is missing: 2 lines were"),
  ]);
  expect(without.err).toContain("No published heads in ");
  expect(without.err).toContain("give a copy of it with --heads");
  const missing = await verify(copy, "--heads", join(copy, "none.log"));
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining("Cannot read ")]);
});

test("audit verify tells a log that was written to by somebody else", async () => {
  using folder = temporaryFolder();
  await folderOf(folder.path);
  const log = join(folder.path, "ledger-heads.log");
  const kept = join(folder.path, "kept.log");
  copyFileSync(log, kept);
  appendFileSync(log, '{"time":"2026-01-01T00:00:00.000Z"}\n');
  const changed = await verify(folder.path);
  expect([changed.code, changed.out]).toEqual([1, expect.stringContaining("published: Line 3 ")]);
  expect((await verify(folder.path, "--heads", kept)).code).toBe(0);
  const [first = ""] = readFileSync(kept, "utf8").split("\n");
  writeFileSync(log, `${first}\n`);
  const cut = await verify(folder.path);
  expect([cut.code, cut.out]).toEqual([
    1,
    expect.stringContaining("was cut off: it has 1 lines, and 2 were written"),
  ]);
  rmSync(log);
  const gone = await verify(folder.path);
  expect([gone.code, gone.out]).toEqual([
    1,
    expect.stringContaining("is missing: 2 lines were written to it"),
  ]);
  const asked = await verify(folder.path, "--without-heads");
  expect([asked.code, asked.err]).toEqual([
    0,
    expect.stringContaining("The published heads were left out: nothing tells whether"),
  ]);
  expect((await verify(folder.path, "--without-heads", "--heads", kept)).code).toBe(2);
});

test("a backup that is restored without the log verifies, and says that there is none", async () => {
  using folder = temporaryFolder();
  await folderOf(folder.path);
  const file = join(folder.path, "copy.db");
  const other = join(folder.path, "other");
  expect((await command(folder.path, "backup", file)).code).toBe(0);
  expect((await command(other, "restore", file)).code).toBe(0);
  const found = await verify(other);
  expect([found.code, found.err]).toEqual([0, expect.stringContaining("No published heads in ")]);
});

test("audit key --rotate makes a key for which the old one vouches", async () => {
  using folder = temporaryFolder();
  await folderOf(folder.path);
  expect((await command(folder.path, "audit", "key", "--rotate")).code).toBe(0);
  const { out } = await command(folder.path, "audit", "key", "--json");
  const keys = listAt(JSON.parse(out), "data");
  expect(keys).toHaveLength(2);
  expect(namesIn(keys).filter((name) => name !== name.toLowerCase())).toEqual([]);
  expect(at(keys[1], "endorsement.key_id")).toBe(at(keys[0], "id"));
  await folderOf(folder.path);
  expect((await verify(folder.path)).code).toBe(0);
});

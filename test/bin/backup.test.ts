import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { findGeneration } from "#src/ledger/generations.ts";
import { openStore } from "#src/store/open.ts";
import { command, executable, json, start } from "#test/bin/executable.ts";
import { chat, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const upstream = startOpenai();
const data = (name: string) => join(folder.path, name);
const at = ["--data-dir", data("state")];

beforeAll(async () => void (await executable()), 60_000);
afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

const rounds = 4;

test("a backup under load is of one moment: what was answered before is in it, and it verifies", async () => {
  const created = v.looseObject({ key: v.string() });
  await json(["account", "create", "--name", "acme", "--balance", "1000", ...at]);
  const made = await json(["key", "create", "--account", "acme", "--name", "k", ...at]);
  const { key } = v.parse(created, made);
  const serving = await start(["serve", ...at], { env: upstream.env });
  const answered: string[] = [];
  let isOver = false;
  const load = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      const answer = await chat(serving.url, key);
      await answer.text();
      expect(answer.status).toBe(200);
      answered.push(answer.headers.get("x-lowrouter-generation-id") ?? "");
    }
  });
  for (let round = 0; round < rounds; round++) {
    const before = [...answered];
    const copy = data(`copy${round}.db`);
    await json(["backup", copy, ...at]);
    expect(answered.length).toBeGreaterThan(before.length);
    expect(statSync(copy).mode & 0o077).toBe(0);
    const restored = ["--data-dir", data(`restored${round}`)];
    await json(["restore", copy, ...restored]);
    const verdict = await json(["audit", "verify", ...restored]);
    expect(verdict).toMatchObject({ data: { ok: true, faults: [], imbalances: [] } });
    const store = await openStore({ url: `file:${data(`restored${round}`)}/lowrouter.db` });
    const missing: string[] = [];
    for (const id of before)
      if ((await findGeneration(store, undefined, id)) === undefined) missing.push(id);
    store.close();
    expect(missing).toEqual([]);
  }
  isOver = true;
  await Promise.all(load);
  expect(await serving.stop()).toBe(0);
}, 60_000);

test("neither backup nor restore writes over a file, and both leave it as it was", async () => {
  await json(["account", "create", "--name", "kept", ...at]);
  const copy = data("kept.db");
  await json(["backup", copy, ...at]);
  for (const name of ["lowrouter.db", "lowrouter.db-wal"]) {
    const there = data(`there-${name}`);
    mkdirSync(there);
    writeFileSync(join(there, name), "precious");
    const { code, err } = await command(["restore", copy, "--data-dir", there]);
    expect([name, code]).toEqual([name, 1]);
    expect(err).toContain("it exists");
    expect(readFileSync(join(there, name), "utf8")).toBe("precious");
  }
  writeFileSync(data("precious.db"), "precious");
  const { code, err } = await command(["backup", data("precious.db"), ...at]);
  expect(code).toBe(1);
  expect(err).toContain("it exists");
  expect(readFileSync(data("precious.db"), "utf8")).toBe("precious");
});

test("a damaged backup is not restored, and leaves nothing behind", async () => {
  const copy = data("damaged.db");
  await json(["backup", copy, ...at]);
  const bytes = readFileSync(copy);
  bytes.fill(0x55, 4096 + 100, 4096 * 3);
  writeFileSync(copy, bytes);
  const { code, err } = await command(["restore", copy, "--data-dir", data("fresh")]);
  expect(code).toBe(1);
  expect(err).toStartWith("lowrouter: ");
  expect(existsSync(join(data("fresh"), "lowrouter.db"))).toBe(false);
});

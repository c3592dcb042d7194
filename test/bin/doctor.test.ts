import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { openStore } from "#src/store/open.ts";
import {
  cleanEnvironment,
  executable,
  json,
  start,
  unwritable,
  until,
} from "#test/bin/executable.ts";
import { chat, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const upstream = startOpenai();
const data = (name: string) => join(folder.path, name);
const state = data("state");

const report = v.object({
  ok: v.boolean(),
  data: v.array(
    v.object({
      name: v.string(),
      ok: v.boolean(),
      found: v.string(),
      fix: v.optional(v.string()),
    }),
  ),
});

beforeAll(async () => {
  await executable();
  const serving = await start(["serve", "--data-dir", state], { env: upstream.env });
  await until("it shows the first key", () => /lr_live_\w{20}/.test(serving.err()));
  const key = /lr_live_\w+/.exec(serving.err())?.[0] ?? "";
  await (await chat(serving.url, key)).text();
  await serving.stop();
}, 60_000);
afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

/** What doctor says, for people and for programs, where `before` was done in its shell. */
async function examine(
  options: { dataDir?: string; env?: Record<string, string>; before?: string } = {},
) {
  const { dataDir = state, env = {}, before = "true" } = options;
  const ask = async (...more: string[]) => {
    const words = [await executable(), "doctor", "--data-dir", dataDir, ...more];
    const child = Bun.spawn(["sh", "-c", `${before} && exec "$@"`, "sh", ...words], {
      cwd: unwritable,
      env: cleanEnvironment({ ...upstream.env, ...env }),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      child.exited,
    ]);
    return { out, err, code };
  };
  const [people, programs] = [await ask(), await ask("--json")];
  const { data: checks, ok } = v.parse(report, JSON.parse(programs.out));
  expect([people.code, programs.code]).toEqual(ok ? [0, 0] : [1, 1]);
  return { checks, ok, bad: checks.filter((check) => !check.ok), ...people };
}

test("a sound installation is found sound, in each thing that is looked at", async () => {
  const { checks, ok, out, err } = await examine();
  expect({ ok, err }).toEqual({ ok: true, err: "" });
  expect(checks.map(({ name }) => name)).toEqual([
    "configuration",
    "clock",
    "temporary directory",
    "open files",
    "data directory",
    "disk",
    "database",
    "provider keys",
    "provider openai in eu-west",
    "catalogue",
  ]);
  expect(out).toMatch(/^ok {4}database: whole; 1 ledger rows verify$/m);
  expect(out).toMatch(/^ok {4}catalogue: of \d{4}-\d\d-\d\d, \d+ days old/m);
  expect(out).not.toContain("FIX");
});

test("a data directory that is still to be made is sound too, and is measured where it will be", async () => {
  const { ok, checks } = await examine({ dataDir: data("to/be/made") });
  expect(ok).toBe(true);
  expect(checks.find(({ name }) => name === "disk")?.found).not.toStartWith("0 MB");
});

interface Fault {
  what: string;
  plant: Parameters<typeof examine>[0];
  /** Done before and undone after. */
  spoil?: () => Promise<void>;
  names: string[];
  found: string;
  fix: string;
}

const faults: Fault[] = [
  {
    what: "no provider",
    plant: { env: { OPENAI_API_KEY: "", OPENAI_BASE_URL: "" } },
    names: ["providers"],
    found: "none is configured",
    fix: "OPENAI_API_KEY",
  },
  {
    what: "a provider that cannot be reached",
    plant: { env: { OPENAI_BASE_URL: "http://127.0.0.1:1/v1" } },
    names: ["provider openai in eu-west"],
    found: "no connection",
    fix: "http://127.0.0.1:1/v1",
  },
  {
    what: "a wrong credential",
    plant: { env: { OPENAI_API_KEY: "sk-wrong-secret" } },
    names: ["provider openai in eu-west"],
    found: "refused (401)",
    fix: "check its key",
  },
  {
    what: "a data directory that cannot be written",
    plant: { dataDir: "/proc/none" },
    names: ["data directory", "database"],
    found: "/proc/none cannot be written",
    fix: "--data-dir",
  },
  {
    what: "a temporary directory that cannot be written",
    plant: { env: { TMPDIR: "/proc/none" } },
    names: ["temporary directory", "database"],
    found: "/proc/none cannot be written",
    fix: "set TMPDIR",
  },
  {
    what: "a low limit on open files",
    plant: { before: "ulimit -n 1024" },
    names: ["open files"],
    found: "1024",
    fix: "LimitNOFILE=65536",
  },
  {
    what: "a database that is none",
    plant: { dataDir: data("garbage") },
    spoil: async () => {
      mkdirSync(data("garbage"));
      writeFileSync(
        data("garbage/lowrouter.db"),
        "no database, though as long as one ".repeat(200),
      );
    },
    names: ["database"],
    found: "not a database",
    fix: "lowrouter restore",
  },
  {
    what: "a row that was changed",
    plant: { dataDir: data("changed") },
    spoil: () =>
      tamper("changed", "UPDATE generation_record SET record = replace(record, 'ok', 'no')"),
    names: ["database"],
    found: "1 chain faults,",
    fix: "lowrouter audit verify",
  },
  {
    what: "a balance that is not the sum of its transactions",
    plant: { dataDir: data("moved") },
    spoil: () => tamper("moved", "UPDATE allowance SET used = used + 1 WHERE kind = 'credit'"),
    names: ["database"],
    found: "0 chain faults, 1 wrong sums",
    fix: "lowrouter audit verify",
  },
];

/** A copy of the state with something done to its database. */
async function tamper(name: string, sql: string): Promise<void> {
  await json(["backup", data(`${name}.db`), "--data-dir", state]);
  await json(["restore", data(`${name}.db`), "--data-dir", data(name)]);
  const store = await openStore({ url: `file:${data(name)}/lowrouter.db` });
  await store.write([{ sql, args: [] }]);
  store.close();
}

test.each(faults)("$what is found, named, and told how to fix", async (fault) => {
  await fault.spoil?.();
  const { bad, out, err } = await examine(fault.plant);
  expect(bad.map(({ name }) => name)).toEqual(
    // Nothing can be said of the disk that is under /proc.
    bad.some(({ name }) => name === "disk")
      ? [fault.names[0] ?? "", "disk", ...fault.names.slice(1)]
      : fault.names,
  );
  expect(bad[0]?.found).toContain(fault.found);
  expect(bad[0]?.fix).toContain(fault.fix);
  expect(out).toContain(`FIX   ${fault.names[0]}: `);
  expect(out).toContain(fault.fix);
  expect(err).toContain(fault.names[0] ?? "");
  expect(`${out}${err}`).not.toContain("sk-");
});

test("without a temporary directory any other command says what to run, and doctor then runs", async () => {
  const child = Bun.spawn([await executable(), "account", "list", "--data-dir", state], {
    env: cleanEnvironment({ TMPDIR: "/proc/none" }),
    stdout: "ignore",
    stderr: "pipe",
  });
  expect(await child.stderr.text()).toContain('Run "lowrouter doctor"');
  expect(await child.exited).toBe(1);
});

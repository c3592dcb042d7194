import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import * as v from "valibot";
import { catalogueDate, checkCatalogue } from "#src/catalog/date.ts";
import { systemClock } from "#src/lib/clock.ts";
import { checkMachine } from "#src/store/machine.ts";
import { openStore } from "#src/store/open.ts";
import { freePort } from "#test/lib/port.ts";
import {
  cleanEnvironment,
  command,
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
/** A port on which something listens that is no LowRouter. */
const occupied = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: () => new Response("", { status: 404 }),
});
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
  await occupied.stop(true);
  await upstream.stop();
  folder[Symbol.dispose]();
});

interface Circumstances {
  dataDir?: string;
  env?: Record<string, string>;
  /** Done in its shell before it starts. */
  before?: string;
  /** Mounts of its own, which end with it. */
  mounts?: boolean;
}

/** Whether a disk of our own can be mounted. */
const mounts = Bun.spawnSync(["unshare", "-m", "true"]).exitCode === 0;

/** What doctor says, for people and for programs. */
async function examine(options: Circumstances = {}) {
  const { dataDir = state, env = {}, before = "true" } = options;
  // One that nobody listens on: the usual one may be in use on this machine.
  const listen = { LOWROUTER_LISTEN: `127.0.0.1:${freePort()}` };
  const ask = async (...more: string[]) => {
    const words = [await executable(), "doctor", "--data-dir", dataDir, ...more];
    const shell = ["sh", "-c", `${before} && exec "$@"`, "sh"];
    const child = Bun.spawn([...(options.mounts ? ["unshare", "-m"] : []), ...shell, ...words], {
      cwd: unwritable,
      env: cleanEnvironment({ ...upstream.env, ...listen, ...env }),
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
    "settings",
    "clock",
    "temporary directory",
    "open files",
    "data directory",
    "disk",
    "address",
    "database",
    "provider keys",
    "signing key",
    "old usage",
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
  plant: Circumstances;
  /** Done before; what it returns, if anything, is disposed of after. */
  spoil?: () => Promise<Disposable | void>;
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
  {
    what: "a database that another program holds",
    plant: { dataDir: data("held") },
    spoil: async () => {
      await copy("held");
      const holder = new Database(`${data("held")}/lowrouter.db`);
      holder.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE held (a)");
      return { [Symbol.dispose]: () => holder.close() };
    },
    names: ["database"],
    found: "database is locked",
    fix: "another program holds it",
  },
  {
    what: "a database of a newer release",
    plant: { dataDir: data("newer") },
    spoil: () =>
      tamper(
        "newer",
        "INSERT INTO schema_migration SELECT position + 1000, tag, applied_at FROM schema_migration",
      ),
    names: ["database"],
    found: "Run the newer LowRouter",
    fix: "then run this again",
  },
  {
    what: "a master key that did not seal the kept keys",
    plant: {
      dataDir: data("sealed"),
      env: { LOWROUTER_MASTER_KEY: Buffer.alloc(32, 7).toString("base64") },
    },
    spoil: async () => {
      await copy("sealed");
      const keeping = Bun.spawn(
        [await executable(), "provider", "key", "openai", "--data-dir", data("sealed")],
        {
          env: cleanEnvironment(),
          stdin: new Blob(["sk-kept-0123456789abcdef\n"]),
          stderr: "pipe",
        },
      );
      expect([await keeping.exited, await keeping.stderr.text()]).toEqual([
        0,
        expect.stringContaining("is kept"),
      ]);
    },
    names: ["provider keys", "signing key"],
    found: "Set LOWROUTER_MASTER_KEY to the key that sealed them",
    fix: "then run this again",
  },
  {
    what: "an address on which another program listens",
    plant: { env: { LOWROUTER_LISTEN: `127.0.0.1:${occupied.port}` } },
    names: ["address"],
    found: "is in use by another program",
    fix: "--listen",
  },
  {
    what: "an address that is not this machine's",
    plant: { env: { LOWROUTER_LISTEN: "192.0.2.1:4000" } },
    names: ["address"],
    found: "192.0.2.1:4000 cannot be listened on",
    fix: "an address of this machine",
  },
];

/** A disk of 8 MB in memory at a folder, with the state on it. */
function ownDisk(name: string, options: string): string {
  mkdirSync(data(name), { recursive: true });
  return `mount -t tmpfs -o size=8m,${options} tmpfs ${data(name)} && cp -a ${state}/. ${data(name)}`;
}

const ownFaults: Fault[] = [
  {
    what: "a full disk",
    plant: {
      mounts: true,
      dataDir: data("full"),
      before: `${ownDisk("full", "rw")} && ! dd if=/dev/zero of=${data("full")}/rest bs=64k status=none 2>/dev/null`,
    },
    names: ["disk"],
    found: "0 MB free",
    fix: "free some space",
  },
  {
    what: "a disk that is mounted read-only",
    plant: {
      mounts: true,
      dataDir: data("fixed"),
      before: `${ownDisk("fixed", "rw")} && mount -o remount,ro ${data("fixed")}`,
    },
    names: ["data directory", "disk"],
    found: "cannot be written",
    fix: "--data-dir",
  },
  {
    what: "a temporary directory from which nothing may be loaded",
    plant: {
      mounts: true,
      env: { TMPDIR: data("noexec") },
      before: ownDisk("noexec", "noexec"),
    },
    names: ["temporary directory", "database"],
    found: data("noexec"),
    fix: "is mounted noexec: set TMPDIR",
  },
];

/** A copy of the state. */
async function copy(name: string): Promise<void> {
  await json(["backup", data(`${name}.db`), "--data-dir", state]);
  await json(["restore", data(`${name}.db`), "--data-dir", data(name)]);
}

/** A copy of the state with something done to its database. */
async function tamper(name: string, sql: string): Promise<void> {
  await copy(name);
  const store = await openStore({ url: `file:${data(name)}/lowrouter.db` });
  await store.write([{ sql, args: [] }]);
  store.close();
}

async function holds(fault: Fault): Promise<void> {
  using _spoilt = (await fault.spoil?.()) ?? undefined;
  const { bad, out, err } = await examine(fault.plant);
  const isPlanted = (name: string) => fault.names.includes(name);
  // Nothing can be said of the disk that is under /proc.
  const isUnknown = (name: string) => name === "disk" && fault.plant.dataDir === "/proc/none";
  expect(bad.map(({ name }) => name).filter((name) => !isUnknown(name))).toEqual(fault.names);
  const [first] = bad.filter(({ name }) => isPlanted(name));
  expect(first?.found).toContain(fault.found);
  expect(first?.fix).toContain(fault.fix);
  expect(out).toContain(`FIX   ${fault.names[0]}: `);
  expect(out).toContain(fault.fix);
  expect(err).toContain(fault.names[0] ?? "");
  expect(`${out}${err}`).not.toContain("sk-");
}

test.each(faults)("$what is found, named, and told how to fix", holds, 60_000);

test.skipIf(!mounts).each(ownFaults)("$what is found, named, and told how to fix", holds, 60_000);

test("a configuration that cannot be read is a finding, with the place that is wrong", async () => {
  const file = data("wrong.toml");
  writeFileSync(file, '[billing]\ncurrency = "EUR"\ncurency = "USD"\n');
  const { out, err, code } = await command(["doctor", "--config", file, "--data-dir", state]);
  expect(code).toBe(1);
  expect(out).toMatch(/^FIX {3}configuration: .*wrong\.toml.*billing\.curency/m);
  expect(out).toContain("were not looked at");
  expect(err).toContain("checks need fixing: configuration");
});

test("an address on which a LowRouter listens already is sound", async () => {
  const serving = await start(["serve", "--data-dir", data("beside")], { env: upstream.env });
  try {
    const { ok, checks } = await examine({
      env: { LOWROUTER_LISTEN: `127.0.0.1:${serving.port}` },
    });
    expect(checks.find(({ name }) => name === "address")?.found).toContain(
      "is in use by a LowRouter that answers",
    );
    expect(ok).toBe(true);
  } finally {
    await serving.stop();
  }
});

test("a clock that shows a time before the first release is found", () => {
  const place = { dataDir: state, database: { url: `file:${state}/lowrouter.db` } };
  const clockAt = (now: number) =>
    checkMachine(place, { ...systemClock, now: () => now }).find(({ name }) => name === "clock");
  expect(clockAt(Date.UTC(1970, 0, 1))).toEqual({
    name: "clock",
    ok: false,
    found: "1970-01-01T00:00:00.000Z",
    fix: expect.stringContaining("timedatectl set-ntp true"),
  });
  expect(clockAt(Date.UTC(2026, 10, 1))?.ok).toBe(true);
});

test("a catalogue that grew old is told, with what would be newer", () => {
  const day = 86_400_000;
  const read = Date.parse(catalogueDate());
  expect(checkCatalogue(read + day).found).not.toContain("a newer release has newer prices");
  expect(checkCatalogue(read + 400 * day).found).toContain(
    "400 days old; a newer release has newer prices",
  );
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

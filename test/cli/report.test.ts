import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "#src/cli/program.ts";
import { loadConfig } from "#src/config/load.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { openStore } from "#src/store/open.ts";
import { at } from "#test/lib/gateway.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { busyMonth, generationOf, monthBefore } from "#test/statement/kit.ts";
import { sumCsv } from "#test/statement/recount.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
/** Another machine: nothing is there. */
const elsewhere = temporaryFolder();
const month = monthBefore(systemClock.now());
const running = monthBefore(systemClock.now(), 0);
let account = "";

afterAll(() => {
  folder[Symbol.dispose]();
  elsewhere[Symbol.dispose]();
});

async function command(dataDir: string, words: readonly string[]) {
  let [out, err] = ["", ""];
  const code = await run([...words, "--data-dir", dataDir], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
  });
  return { code, out, err };
}
const here = (...words: string[]) => command(folder.path, words);
const there = (...words: string[]) => command(join(elsewhere.path, "none"), words);
const path = (name: string) => join(folder.path, name);

beforeAll(async () => {
  const made = await here("account", "create", "--name", "acme", "--json");
  account = String(at(JSON.parse(made.out), "data.id"));
  await here("account", "create", "--name", "other");
  await here("account", "create", "--name", "nothing asked");
  const config = loadConfig({ dataDir: folder.path }, {});
  const store = await openStore({ url: config.database.url });
  const past = createFakeClock(0);
  const ids = createIds(past);
  const ledger = createLedger({ store, clock: past, processId: "proc_cli" });
  const asks = [...busyMonth(account, "acc_other", month), { at: running.from, account }];
  for (const ask of asks) {
    past.set(ask.at + 3);
    void ledger.record({ generation: generationOf(ask, ids.next("gen")), movements: [] });
  }
  await ledger.close();
  store.close();
}, 20_000);

const footprint = (out: string, ...more: string[]) =>
  here("report", "footprint", "--month", month.name, "--account", "acme", "--out", out, ...more);

test.each(["json", "csv", "pdf", "html"])(
  "report footprint writes a .%s that verifies on another machine, and not once a byte was changed",
  async (kind) => {
    const out = path(`s.${kind}`);
    const wrote = await footprint(out);
    expect([wrote.code, wrote.err]).toEqual([0, expect.stringContaining("audit verify")]);
    expect(wrote.out).toContain(`${month.name}: 250 requests`);
    const copy = join(elsewhere.path, `s.${kind}`);
    copyFileSync(out, copy);
    if (kind === "csv") copyFileSync(`${out}.sig`, `${copy}.sig`);
    else expect(existsSync(`${out}.sig`)).toBe(false);
    const verified = await there("audit", "verify", copy);
    expect(verified.code).toBe(0);
    expect(verified.out).toContain("verifies");
    expect(verified.out).toContain("The key was read in the file itself");
    const [, key = ""] = /key [0-9a-f]{16}: ([\w-]{43})/.exec(verified.out) ?? [];
    const given = await there("audit", "verify", copy, "--key", key);
    expect(given.out).toContain("That is the key that you gave");
    const bytes = readFileSync(copy);
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
    writeFileSync(copy, bytes);
    const changed = await there("audit", "verify", copy);
    expect([changed.code, changed.out]).toEqual([1, ""]);
    expect(changed.err).toContain("does not verify");
    // Nothing but the file was looked at.
    expect(existsSync(join(elsewhere.path, "none"))).toBe(false);
  },
);

test("a key that did not sign is refused, and one in a file is read", async () => {
  const out = path("k.json");
  await footprint(out);
  const stranger = "A".repeat(43);
  const refused = await here("audit", "verify", out, "--key", stranger);
  expect([refused.code, refused.err]).toEqual([
    1,
    expect.stringContaining("not the one that was given"),
  ]);
  expect((await here("audit", "verify", out, "--key", "nonsense")).code).toBe(2);
  const key = at(JSON.parse((await footprint(out, "--json")).out), "data.public_key");
  const keyFile = path("key.txt");
  writeFileSync(keyFile, `${String(key)}\n`);
  const told = await here("audit", "verify", out, "--key", keyFile, "--json");
  expect(at(JSON.parse(told.out), "data")).toMatchObject({
    ok: true,
    kind: "json",
    key_from: "given",
  });
});

test("audit verify --ledger finds the rows in the ledger that they are of, and in no other", async () => {
  const out = path("l.json");
  await footprint(out);
  const own = await here("audit", "verify", out, "--ledger");
  expect([own.code, own.out]).toEqual([0, expect.stringContaining("has every head")]);
  const other = temporaryFolder();
  await command(other.path, ["account", "create", "--name", "x"]);
  const foreign = await command(other.path, ["audit", "verify", out, "--ledger"]);
  expect([foreign.code, foreign.err]).toEqual([1, expect.stringContaining("proc_cli 253")]);
  other[Symbol.dispose]();
});

test("the CSV sums to what the JSON says, and the gateway's holds every account", async () => {
  const [csv, json] = [path("g.csv"), path("g.json")];
  await here("report", "footprint", "--month", month.name, "--out", csv);
  await here("report", "footprint", "--month", month.name, "--out", json);
  const totals = at(JSON.parse(readFileSync(json, "utf8")), "statement.totals");
  const sums = sumCsv(readFileSync(csv, "utf8"));
  expect(sums["requests"]).toBe(251n);
  expect(String(sums["carbon_pg"])).toBe(String(at(totals, "carbon.pg")));
  expect(String(sums["energy_high_pwh"])).toBe(String(at(totals, "energy.high_pwh")));
});

test("a month that is not over is refused, and made with --partial, which says so", async () => {
  const out = path("p.json");
  const words = [
    "report",
    "footprint",
    "--month",
    running.name,
    "--account",
    account,
    "--out",
    out,
  ];
  const refused = await here(...words);
  expect([refused.code, refused.out]).toEqual([2, ""]);
  expect(refused.err).toContain("is not over before");
  expect(refused.err).toContain("--partial");
  expect(existsSync(out)).toBe(false);
  const made = await here(...words, "--partial");
  expect([made.code, made.out]).toEqual([0, expect.stringContaining("partial")]);
  expect(at(JSON.parse(readFileSync(out, "utf8")), "statement.partial")).toBe(true);
});

test("a month without requests has no shares", async () => {
  const { code, out } = await here(
    ...["report", "footprint", "--month", month.name, "--account", "nothing asked"],
    ...["--out", path("empty.json")],
  );
  expect([code, out]).toEqual([0, expect.stringContaining(`${month.name}: 0 requests, 0 tokens`)]);
  expect(out).not.toContain("no estimate for");
  expect((await footprint(path("busy.json"))).out).toContain("no estimate for");
});

test("what cannot be done says what would work", async () => {
  const cases: [words: string[], code: number, told: string][] = [
    [["--month", month.name, "--out", path("x.xlsx")], 2, ".pdf, .html, .json, .csv"],
    [["--month", "October", "--out", path("x.pdf")], 2, "such as 2026-10"],
    [["--month", "2926-01", "--out", path("x.pdf")], 2, "it has not begun"],
    [["--month", "2926-01", "--partial", "--out", path("x.pdf")], 2, "it has not begun"],
    [
      ["--month", month.name, "--account", "nobody", "--out", path("x.pdf")],
      1,
      "Cannot find the account",
    ],
    [["--month", month.name, "--out", path("none/x.json")], 1, "Cannot write"],
    [["--out", path("x.json")], 2, "--month"],
  ];
  for (const [words, code, told] of cases) {
    const { code: found, err } = await here("report", "footprint", ...words);
    expect([words, found, err]).toEqual([words, code, expect.stringContaining(told)]);
  }
  const missing = await here("audit", "verify", path("nothing.json"));
  expect([missing.code, missing.err]).toEqual([1, expect.stringContaining("Cannot read")]);
  expect(statSync(path("master.key")).mode & 0o777).toBe(0o600);
});

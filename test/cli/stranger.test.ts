import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { run } from "#src/cli/program.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

async function command(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await run(words, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
  });
  return { code, out, err };
}

test("help says which options are required, and a default as one would type it", async () => {
  const estimate = (await command("eco", "estimate", "--help")).out;
  expect(estimate).toMatch(/--model <model> .*\(required\)/);
  expect(estimate).not.toMatch(/--region <region> .*\(required\)/);
  expect((await command("usage", "--help")).out).toContain("(default: day)");
  expect((await command("key", "create", "--help")).out).toContain("(default: regular)");
});

test.each([[["audit", "verify"]], [["backup", "copy.db"]]])(
  "%j refuses a directory that holds no database, and makes none",
  async (words) => {
    const missing = join(folder.path, "mistyped");
    const refused = await command(...words, "--data-dir", missing);
    expect([refused.code, refused.out]).toEqual([1, ""]);
    expect(refused.err).toContain(`Cannot find a database at ${missing}/lowrouter.db`);
    expect(existsSync(missing)).toBe(false);
  },
);

test("usage refuses a period that ends before it begins", async () => {
  const dir = join(folder.path, "usage");
  const wrong = ["usage", "--from", "2026-12-01", "--to", "2026-11-01", "--data-dir", dir];
  const refused = await command(...wrong);
  expect([refused.code, refused.out]).toEqual([2, ""]);
  expect(refused.err).toContain("let --from be the earlier day");
});

test("a second account of one name is made, and it is said that names no longer tell them apart", async () => {
  const dir = join(folder.path, "names");
  const create = () => command("account", "create", "--name", "acme", "--data-dir", dir);
  expect((await create()).err).toBe("");
  const second = await create();
  expect(second.code).toBe(0);
  expect(second.err).toContain('Another account is called "acme" too');
});

test("a statement that is not there is said so, without the words of the runtime", async () => {
  const refused = await command("audit", "verify", join(folder.path, "none.json"));
  expect([refused.code, refused.err]).toEqual([
    1,
    `lowrouter: Cannot read ${join(folder.path, "none.json")}: no such file\n`,
  ]);
});

test("demo ends with 1 where its address is in use", async () => {
  using taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
  const demo = Bun.spawn(
    [process.execPath, "src/main.ts", "demo", "--listen", `127.0.0.1:${taken.port}`],
    { cwd: join(import.meta.dir, "../.."), stdout: "pipe", stderr: "pipe", timeout: 20_000 },
  );
  expect(await demo.exited).toBe(1);
  expect(await new Response(demo.stderr).text()).toContain("the address is in use");
  expect(await new Response(demo.stdout).text()).toBe("");
}, 30_000);

test("doctor says that statements cannot be signed after a restore without the master key", async () => {
  const [first, restored] = [join(folder.path, "signed"), join(folder.path, "restored")];
  const copy = join(folder.path, "signed.db");
  await command("init", "--data-dir", first);
  expect((await doctor(first)).signing).toEqual({ ok: true, found: "none was made yet" });
  await command("audit", "key", "--data-dir", first);
  expect((await doctor(first)).signing?.found).toMatch(/^[0-9a-f]{16} opens$/);
  await command("backup", copy, "--data-dir", first);
  await command("restore", copy, "--data-dir", restored);
  const { signing } = await doctor(restored);
  expect(signing?.ok).toBe(false);
  expect(signing?.found).toContain("put its file master.key back into the data directory");
});

const report = v.object({
  data: v.array(v.object({ name: v.string(), ok: v.boolean(), found: v.string() })),
});

async function doctor(dataDir: string) {
  const { out } = await command("doctor", "--json", "--data-dir", dataDir);
  const found = v.parse(report, JSON.parse(out)).data.find(({ name }) => name === "signing key");
  return { signing: found && { ok: found.ok, found: found.found } };
}

test("a file that is no database is not restored, and it is said which file", async () => {
  const copy = join(folder.path, "notes.txt");
  await Bun.write(copy, "not a database");
  const dir = join(folder.path, "unmade");
  const refused = await command("restore", copy, "--data-dir", dir);
  expect([refused.code, refused.err]).toEqual([
    1,
    `lowrouter: Cannot restore from ${copy}: it is no database\n`,
  ]);
});

test("provider list tells a grid that is assumed from one that is known", async () => {
  const { out } = await command("provider", "list", "--all", "--data-dir", folder.path);
  expect(out).toMatch(/^anthropic +Anthropic +global +\d+ +\d{4} +assumed /m);
  expect(out).toMatch(/^mistral +Mistral AI +eu-west +[\d.]+ +\d{4} +known /m);
});

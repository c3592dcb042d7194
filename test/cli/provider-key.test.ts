import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mintMasterKey } from "#src/account/vault.ts";
import { run } from "#src/cli/program.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const secret = "sk-canary-of-the-command-line-WxYz";

/** Nobody listens there: "doctor" asks every provider that it knows a key of. */
const nowhere = "http://127.0.0.1:9/v1";

let temporary: ReturnType<typeof temporaryFolder>;
let folder: string;
beforeEach(() => {
  temporary = temporaryFolder();
  folder = join(temporary.path, "data");
});
afterEach(() => temporary[Symbol.dispose]());

/** Runs a command on the test's data directory; `input` is what stands on its standard input. */
async function lowrouter(args: string, input?: string) {
  let out = "";
  let err = "";
  const words = args.split(" ");
  const code = await run([...words, "--data-dir", folder], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
    secret: () => Promise.resolve(input ?? ""),
  });
  const json = (): unknown => JSON.parse(out);
  return { code, out, err, json };
}

const listed = async () => listAt((await lowrouter("provider key list --json")).json(), "data");

test("a key is read from the input, kept sealed, and shown by its ends alone", async () => {
  const made = await lowrouter("provider key openai --label first --weight 3 --rpm 60", secret);
  expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^pk_\w+\n$/)]);
  expect(made.err).toContain("sk-...WxYz");
  const [key] = await listed();
  expect(key).toMatchObject({
    provider: "openai",
    name: "first",
    label: "sk-...WxYz",
    weight: 3,
    rpm_limit: 60,
    account: null,
    kind: "key",
  });
  expect((await lowrouter("provider list")).out).toContain("OpenAI");
});

test("the secret is in no file, backup or output", async () => {
  const outputs = [];
  outputs.push(await lowrouter("provider key openai --json", secret));
  outputs.push(await lowrouter("provider key mistral", `  ${secret}\n`));
  outputs.push(await lowrouter("provider key list"), await lowrouter("provider key list --json"));
  outputs.push(await lowrouter(`backup ${join(folder, "copy.db")}`));
  outputs.push(await lowrouter("config show"), await lowrouter("provider rotate"));
  outputs.push(await lowrouter("provider key anthropic", `{"key": "${secret}"`));
  outputs.push(await lowrouter(`provider key ${secret}`, secret));
  outputs.push(await lowrouter("provider key vertex", secret));
  const told = outputs.map(({ out, err }) => out + err).join("");
  expect(told).not.toContain(secret);
  const names = readdirSync(folder);
  expect(names).toContain("copy.db");
  for (const name of names)
    expect([name, readFileSync(join(folder, name)).includes(secret)]).toEqual([name, false]);
});

test("a key as an argument is refused and not repeated, and so is nothing", async () => {
  const told = await lowrouter(`provider key openai ${secret}`, "");
  expect([told.code, told.err.includes("stdin"), told.err.includes(secret)]).toEqual([
    2,
    true,
    false,
  ]);
  expect((await lowrouter("provider key openai", " \n")).code).toBe(2);
  expect((await lowrouter("provider key", secret)).code).toBe(2);
  expect((await lowrouter("provider key nowhere", secret)).code).toBe(1);
  expect((await lowrouter("provider key openai --always-use", secret)).code).toBe(2);
  expect((await lowrouter("provider key openai --region atlantis", secret)).code).toBe(1);
  expect(await listed()).toEqual([]);
});

test("a key is disabled, enabled and removed by its id", async () => {
  const id = (await lowrouter("provider key openai", secret)).out.trim();
  const state = async () => at(await listed(), "0.disabled");
  expect((await lowrouter(`provider key disable ${id}`)).code).toBe(0);
  expect(await state()).toBe(true);
  expect(at((await lowrouter(`provider key enable ${id} --json`)).json(), "data.disabled")).toBe(
    false,
  );
  expect((await lowrouter("provider key remove pk_unknown")).code).toBe(1);
  expect((await lowrouter(`provider key remove ${id}`)).code).toBe(0);
  expect(await listed()).toEqual([]);
});

test("an account's own key is its own", async () => {
  await lowrouter("account create --name acme");
  const made = await lowrouter("provider key openai --account acme --always-use --json", secret);
  expect(at(made.json(), "data.always_use")).toBe(true);
  expect(String(at(made.json(), "data.account"))).toStartWith("acc_");
  expect((await lowrouter("provider key list --account acme")).out).toContain("sk-...WxYz");
});

test("a rotation makes a new master key, and every key still opens", async () => {
  await lowrouter(`provider key openai --base-url ${nowhere}`, secret);
  const before = readFileSync(join(folder, "master.key"), "utf8");
  const { code, out } = await lowrouter("provider rotate");
  expect([code, out]).toEqual([0, expect.stringContaining("1 key is sealed anew")]);
  expect(readFileSync(join(folder, "master.key"), "utf8")).not.toBe(before);
  const checks = await lowrouter("doctor --json");
  const found = listAt(checks.json(), "data").find((one) => at(one, "name") === "provider keys");
  expect(at(found, "ok")).toBe(true);
});

test("a wrong master key ends the start with 78 and says what to set; doctor tells it too", async () => {
  await lowrouter(`provider key openai --base-url ${nowhere}`, secret);
  const wrong = mintMasterKey();
  writeFileSync(join(folder, "master.key"), wrong);
  const started = await lowrouter("serve --listen 127.0.0.1:0");
  expect([started.code, started.err.includes("LOWROUTER_MASTER_KEY")]).toEqual([78, true]);
  expect(started.err).not.toContain(wrong);
  const checks = await lowrouter("doctor --json");
  const found = listAt(checks.json(), "data").find((one) => at(one, "name") === "provider keys");
  expect(at(found, "ok")).toBe(false);
  // What cannot be opened can still be removed.
  const [key] = await listed();
  expect((await lowrouter(`provider key remove ${String(at(key, "id"))}`)).code).toBe(0);
});

test("doctor tells of a master key that others can read", async () => {
  await lowrouter(`provider key openai --base-url ${nowhere}`, secret);
  chmodSync(join(folder, "master.key"), 0o644);
  const found = listAt((await lowrouter("doctor --json")).json(), "data").find(
    (one) => at(one, "name") === "provider keys",
  );
  expect([at(found, "ok"), at(found, "fix")]).toEqual([
    false,
    expect.stringContaining("chmod 600"),
  ]);
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { updateKey } from "#src/account/keys.ts";
import { run } from "#src/cli/program.ts";
import { withStore } from "#src/cli/runtime.ts";
import { systemClock } from "#src/lib/clock.ts";
import { at } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
beforeAll(() => command("account", "create", "--name", "acme"));

async function command(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await run([...words, "--data-dir", folder.path], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
  });
  return { code, out, err };
}
const create = (...words: string[]) =>
  command("key", "create", "--account", "acme", "--name", "one", ...words);
const shown = async (hash: string) =>
  at(JSON.parse((await command("key", "show", hash)).out), "data");

async function made(...words: string[]): Promise<string> {
  return String(at(JSON.parse((await create("--json", ...words)).out), "data.hash"));
}

test("none lifts every limit that key create takes", async () => {
  const free = await shown(await made());
  const hash = await made(
    ...["--limit", "2", "--limit-reset", "weekly", "--allowed-models", "openai/gpt-4o-mini"],
    ...["--allowed-providers", "openai", "--region", "us-east", "--policy", "prefer-cheapest"],
    ...["--rpm", "7", "--carbon-budget-g", "5", "--expires-at", "2099-12-31T23:59:59Z"],
  );
  expect(await shown(hash)).toMatchObject({
    limit: 2,
    region: "us-east",
    rate_limit: { requests_per_minute: 7 },
    carbon_budget_g: 5,
  });
  const lifted = await command(
    ...["key", "update", hash, "--limit", "none", "--limit-reset", "none"],
    ...["--allowed-models", "none", "--allowed-providers", "none", "--region", "none"],
    ...["--policy", "none", "--rpm", "none", "--carbon-budget-g", "none", "--expires-at", "none"],
  );
  expect([lifted.code, lifted.err]).toEqual([0, ""]);
  const after = await shown(hash);
  for (const limit of [
    ...["limit", "limit_reset", "allowed_models", "allowed_providers", "region", "policy"],
    ...["rate_limit", "carbon_budget_g", "expires_at"],
  ])
    expect([limit, at(after, limit)]).toEqual([limit, at(free, limit)]);
});

test("--rpm leaves a key's other rates, which there is no option for", async () => {
  const hash = await made("--rpm", "7");
  await withStore({ dataDir: folder.path }, (store) =>
    updateKey(store, systemClock, undefined, hash, {
      rateLimit: { requestsPerMinute: 7, requestsPerDay: 50 },
    }),
  );
  await command("key", "update", hash, "--rpm", "9");
  expect(at(await shown(hash), "rate_limit")).toMatchObject({
    requests_per_minute: 9,
    requests_per_day: 50,
  });
  await command("key", "update", hash, "--rpm", "none");
  expect(at(await shown(hash), "rate_limit")).toMatchObject({
    requests_per_minute: null,
    requests_per_day: 50,
  });
});

test.each([
  [["--rpm", "0"], "A whole number from 1, or none, is needed"],
  [["--name", " "], "Cannot use an empty --name"],
  [["--expires-at", "2020-01-01T00:00:00Z"], "expired at 2020-01-01T00:00:00Z"],
])("a key is not made with %j, which it would seem to have", async (words, said) => {
  const before = JSON.parse((await command("key", "list", "--json")).out);
  const refused = await create(...words);
  expect([refused.code, refused.out]).toEqual([2, ""]);
  expect(refused.err).toContain(said);
  expect(JSON.parse((await command("key", "list", "--json")).out)).toEqual(before);
});

test("a key that exists can be ended by a time that is over", async () => {
  const hash = await made();
  expect((await command("key", "update", hash, "--expires-at", "2020-01-01T00:00:00Z")).code).toBe(
    0,
  );
  expect(at(await shown(hash), "expires_at")).toBe("2020-01-01T00:00:00.000Z");
});

test("key list says in which currency limits and use are", async () => {
  await made("--limit", "2");
  expect((await command("key", "list")).out).toMatch(/limit USD +used USD/);
});

test("a model that nothing means is refused as usage, with the one that is near", async () => {
  const { code, err } = await create("--allowed-models", "openai/gpt-4o,gpt-4o-mni");
  expect(code).toBe(2);
  expect(err).toContain('Cannot allow "gpt-4o-mni"');
  expect(err).toContain('the nearest is "openai/gpt-4o-mini"');
  const hash = await made();
  expect((await command("key", "update", hash, "--allowed-models", "gpt-4o-mni")).code).toBe(2);
  expect((await command("key", "update", hash, "--allowed-models", "openai/*")).code).toBe(0);
});

test("a provider that nobody knows is refused as usage: a key that may ask it alone would never be answered", async () => {
  const { code, err } = await create("--allowed-providers", "openai,mistrall");
  expect([code, err]).toEqual([2, expect.stringContaining('Cannot use the provider "mistrall"')]);
  const hash = await made("--allowed-providers", "OpenAI,mistral");
  expect(at(await shown(hash), "allowed_providers")).toEqual(["openai", "mistral"]);
  expect((await command("key", "update", hash, "--allowed-providers", "mistrall")).code).toBe(2);
});

test("a name does nothing to the terminal that it is listed on, and is one line of its table", async () => {
  const named = "a\u001b[2J\u009b31m\rb\nc\u202ed";
  const hash = await made();
  const said = [
    await command("key", "update", hash, "--name", named),
    await command("key", "list"),
    await command("key", "list", "--json"),
    await command("key", "revoke", hash),
  ];
  for (const { out, err } of said) expect(out + err).not.toMatch(/[\u001b\u009b\u202e]/);
  expect(said[1]?.out).toContain("a\\u001b[2J\\u009b31m\\u000db\\u000ac\\u202ed");
  expect(said[2]?.out).toContain(JSON.stringify(named).slice(0, 8));
});

test("an account has a name", async () => {
  const { code, err } = await command("account", "create", "--name", " ");
  expect([code, err]).toEqual([2, expect.stringContaining("Cannot use an empty --name")]);
});

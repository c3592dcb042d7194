import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { run } from "#src/cli/program.ts";
import { at } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** Runs a command line on the folder's state. */
async function command(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const code = await run([...words, "--data-dir", folder.path], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    colour: false,
  });
  return { code, out, err };
}
const update = (...words: string[]) => command("account", "update", "acme", ...words);
const shown = async () =>
  at(JSON.parse((await command("account", "show", "acme", "--json")).out), "data.routing");

beforeAll(() => command("account", "create", "--name", "acme"));
beforeEach(() =>
  update(
    ...["--policy", "none", "--region", "none", "--allowed-providers", "none"],
    ...["--ignore-providers", "none", "--data-collection", "allow", "--no-zdr"],
    "--no-prefer-low-carbon",
  ),
);

const nothing = {
  policy: null,
  region: null,
  allowed_providers: [],
  ignored_providers: [],
  data_collection: "allow",
  zdr: false,
  prefer_low_carbon: false,
};

test("account update keeps every wish for routing, and account show tells them", async () => {
  expect(await shown()).toEqual(nothing);
  const changed = await update(
    ...["--policy", "prefer-region:eu-west", "--region", "country:FR", "--zdr"],
    ...["--allowed-providers", "Mistral,scaleway", "--ignore-providers", "openai/us-east"],
    ...["--data-collection", "deny", "--prefer-low-carbon"],
  );
  expect([changed.code, changed.err]).toEqual([0, ""]);
  expect(await shown()).toEqual({
    policy: "prefer-region:eu-west",
    region: "country:FR",
    allowed_providers: ["mistral", "scaleway"],
    ignored_providers: ["openai/us-east"],
    data_collection: "deny",
    zdr: true,
    prefer_low_carbon: true,
  });
  const { out } = await command("account", "show", "acme");
  for (const line of [
    "policy   prefer-region:eu-west",
    "region   country:FR",
    "only     mistral, scaleway",
    "ignored  openai/us-east",
    "zdr      only endpoints that retain nothing",
  ])
    expect(out).toContain(`${line}\n`);
});

test("account update changes what is given and leaves the rest; none and --no lift it", async () => {
  await update("--region", "eu", "--zdr", "--policy", "prefer-region");
  expect(await shown()).toEqual({
    ...nothing,
    region: "eu",
    zdr: true,
    policy: "prefer-region:eu",
  });
  await update("--no-zdr", "--policy", "none");
  expect(await shown()).toEqual({ ...nothing, region: "eu" });
  await update("--region", "none");
  expect(await shown()).toEqual(nothing);
});

test.each<[string[], string]>([
  [[], "Cannot change nothing"],
  [["--region", "mars"], 'Cannot pin to the region "mars"'],
  [["--region", "country:ZZ"], 'Cannot pin to the region "country:ZZ"'],
  [["--policy", "prefer-region"], 'Cannot use the policy "prefer-region"'],
  [["--policy", "fixed-provider:nobody"], "Cannot use the policy"],
  [["--ignore-providers", "openai,nobody"], 'Cannot use the provider "nobody"'],
  [["--allowed-providers", "nobody"], 'Cannot use the provider "nobody"'],
  [["--data-collection", "maybe"], "Cannot use"],
])("account update %j is refused and changes nothing", async (words, why) => {
  const refused = await update(...words);
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining(why)]);
  expect(await shown()).toEqual(nothing);
});

test("key create refuses a policy that is about nothing, and takes the key's own region for it", async () => {
  const create = (...words: string[]) =>
    command("key", "create", "--account", "acme", "--name", "k", "--json", ...words);
  const refused = await create("--policy", "prefer-region");
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("prefer-region")]);
  const made = await create("--policy", "prefer-region", "--region", "eu-west");
  expect(at(JSON.parse(made.out), "data.policy")).toBe("prefer-region:eu-west");
});

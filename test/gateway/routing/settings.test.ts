import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { getAccountRouting, setAccountRouting } from "#src/account/account-routing.ts";
import { ConfigError } from "#src/config/error.ts";
import { loadConfig } from "#src/config/load.ts";
import { AppError } from "#src/lib/error.ts";
import { openStore } from "#src/store/open.ts";
import { migrate } from "#src/store/migrate.ts";
import { askFor } from "#test/gateway/routing/market.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder[Symbol.dispose]());

async function routingOf(text: string, env: Record<string, string> = {}) {
  const file = join(folder.path, "lowrouter.toml");
  await Bun.write(file, text);
  return loadConfig({ config: file, dataDir: folder.path }, env).routing;
}

test("routing is balanced and leaves nobody out, unless it is configured otherwise", async () => {
  expect(await routingOf("")).toMatchObject({
    policy: "balanced",
    strategy: "combined",
    euOnly: false,
    allowAssumedRegions: false,
    highCarbonGPerKwh: 500,
  });
  const text =
    '[routing]\npolicy = "prefer-region:eu-west"\nstrategy = "price"\neu_only = true\nallow_assumed_regions = true\n';
  expect(await routingOf(text)).toMatchObject({
    policy: "prefer-region:eu-west",
    strategy: "price",
    euOnly: true,
    allowAssumedRegions: true,
  });
  const env = { DEFAULT_STRATEGY: "combined", LOWROUTER_EU_ONLY: "false" };
  expect(await routingOf(text, env)).toMatchObject({ strategy: "combined", euOnly: false });
});

test.each([
  'policy = "best"',
  'policy = "prefer-region"',
  'policy = "fixed-provider"',
  'policy = "balanced:eu-west"',
  'strategy = "cheap"',
  'eu_only = "yes"',
])("%s stops the start", (line) => {
  expect(routingOf(`[routing]\n${line}\n`)).rejects.toBeInstanceOf(ConfigError);
});

test.each<[object, string]>([
  [{ policy: "best" }, "route.policy"],
  [{ policy: "prefer-region" }, "route.region"],
  [{ policy: "fixed-provider" }, "route.provider"],
  [{ policy: "prefer-region:" }, "route.policy"],
  [{ country: 1 }, "route.country"],
  [{ grid_zone: ["FR"] }, "route.grid_zone"],
  [{ mode: "balance" }, "route.mode"],
])("the route %p is refused, and %s is named", (route, param) => {
  let thrown: unknown;
  try {
    askFor({ route });
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof AppError)) throw new Error("Nothing was refused");
  expect([thrown.status, thrown.detail.param]).toEqual([400, param]);
});

test("an account's wishes are kept as they were given, and are gone when they are lifted", async () => {
  const store = await openStore({ url: `file:${join(folder.path, "wishes.db")}` });
  await migrate(store, createFakeClock());
  const wishes = {
    policy: "prefer-region:eu-west",
    preferLowCarbon: true,
    region: "eu",
    allowedProviders: ["mistral"],
    ignoredProviders: ["openai/us-east"],
    dataCollection: "deny" as const,
    zdr: true,
  };
  await setAccountRouting(store, "acc_1", wishes);
  expect(await getAccountRouting(store, "acc_1")).toEqual(wishes);
  expect(await getAccountRouting(store, "acc_2")).toBeUndefined();
  await setAccountRouting(store, "acc_1", undefined);
  expect(await getAccountRouting(store, "acc_1")).toBeUndefined();
  store.close();
});

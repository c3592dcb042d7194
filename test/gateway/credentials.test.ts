import { expect, test } from "bun:test";
import { loadConfig } from "#src/config/load.ts";
import { createCatalogue } from "#src/catalogue.ts";
import { keysInLine } from "#src/gateway/keys/credentials.ts";
import { createKeyring } from "#src/gateway/keys/keyring.ts";
import { createHealth } from "#src/provider/health.ts";
import type { Route } from "#src/provider/deployment.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGateway } from "#src/app.ts";
import type { App } from "#src/gateway/context.ts";
import { createLog } from "#src/observe/log.ts";
import { openStore } from "#src/store/open.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const clock = createFakeClock();

/** Numbers that look drawn and are the same each time (Park and Miller's). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

const file = `
[[providers.openai.keys]]
env = "KEY_2"
weight = 2
rpm = 100

[[providers.openai.keys]]
env = "KEY_3"
weight = 7

[[providers.openai.keys]]
env = "KEY_THAT_IS_NOT_SET"
`;

/** A gateway's insides with three keys of one provider. */
async function withKeys(work: (app: App, place: Route) => void): Promise<void> {
  using folder = temporaryFolder();
  const path = join(folder.path, "lowrouter.toml");
  writeFileSync(path, file);
  const variables = { OPENAI_API_KEY: "sk-1", KEY_2: "sk-2", KEY_3: "sk-3" };
  const config = loadConfig({ config: path, dataDir: folder.path }, variables);
  const store = await openStore({ url: config.database.url });
  const log = createLog({ clock, level: "error", format: "json", write() {} });
  const gateway = await createGateway({ config, store, log, clock });
  try {
    const model = gateway.app.routes.find("openai/gpt-4o-mini")?.model;
    const place = model && gateway.app.routes.of(model)[0];
    if (place === undefined) throw new Error("no route");
    work(gateway.app, place);
  } finally {
    await gateway.close();
    store.close();
  }
}

const keyOf = ({ deployment }: Route) => deployment.headers["Authorization"]?.slice(-4);

test("a place stands once, with every key of the file that is set, its weight and its rate", () =>
  withKeys((app, place) => {
    const { model } = place;
    const places = app.routes.of(model).map(({ deployment }) => deployment.region);
    expect(new Set(places).size).toBe(places.length);
    expect(place.keys?.map(({ deployment }) => deployment.key)).toEqual([
      { id: "env_1", weight: 1, rpm: undefined, isFallback: false },
      { id: "env_2", weight: 2, rpm: 100, isFallback: false },
      { id: "env_3", weight: 7, rpm: undefined, isFallback: false },
    ]);
  }));

test("keys are drawn by weight, also for the second place", () =>
  withKeys((app, place) => {
    const drawn = { ...app, random: seeded(7) };
    const counts = new Map<string, number>();
    const seconds = new Map<string, number>();
    for (let count = 0; count < 10_000; count++) {
      const [first, second] = keysInLine(place, drawn).map((route) => keyOf(route) ?? "");
      counts.set(first ?? "", (counts.get(first ?? "") ?? 0) + 1);
      if (first === "sk-3") seconds.set(second ?? "", (seconds.get(second ?? "") ?? 0) + 1);
    }
    const share = (key: string) => (counts.get(key) ?? 0) / 10_000;
    expect(share("sk-1")).toBeCloseTo(0.1, 1);
    expect(share("sk-2")).toBeCloseTo(0.2, 1);
    expect(share("sk-3")).toBeCloseTo(0.7, 1);
    const [one = 0, two = 0] = [seconds.get("sk-1"), seconds.get("sk-2")];
    expect(two / one).toBeCloseTo(2, 0);
  }));

test("a key that is ill comes last, and the place is well as long as one key is", () =>
  withKeys((app, place) => {
    const heavy = place.keys?.[2];
    if (heavy === undefined) throw new Error("no third key");
    for (let count = 0; count < 3; count++) app.health.failed(heavy, "credential_refused");
    expect([app.health.state(heavy), app.health.state(place)]).toEqual(["unavailable", "ok"]);
    for (let count = 0; count < 50; count++)
      expect(keysInLine(place, app).map(keyOf).at(-1)).toBe("sk-3");
    for (const route of place.keys ?? [])
      for (let count = 0; count < 3; count++) app.health.failed(route);
    expect(app.health.state(place)).toBe("unavailable");
  }));

test("with one key a place is what it was", () => {
  const config = loadConfig({}, { OPENAI_API_KEY: "sk-1" });
  const catalogue = createCatalogue(config, clock);
  const { operators } = createKeyring({
    providers: catalogue.services.providers,
    config,
    clock,
    places: catalogue.places,
    tableOver: catalogue.tableOver,
    onUnusable() {},
  });
  const model = operators.find("openai/gpt-4o-mini")?.model;
  const [route] = model === undefined ? [] : operators.of(model);
  expect([route?.keys, route?.deployment.key]).toEqual([undefined, undefined]);
  if (route === undefined) throw new Error("no route");
  const health = createHealth(clock);
  for (let count = 0; count < 3; count++) health.failed(route);
  expect(health.state(route)).toBe("unavailable");
});

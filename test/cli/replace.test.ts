import { afterEach, beforeEach, expect, test } from "bun:test";
import { listen, type Serving } from "#src/cli/listen.ts";
import { inTurn } from "#src/cli/reload.ts";
import { type Config, loadConfig } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const turns = 20;

let folder: ReturnType<typeof temporaryFolder>;
let store: Store;
let config: Config;
let serving: Serving;
beforeEach(async () => {
  folder = temporaryFolder();
  config = loadConfig(
    { dataDir: folder.path, listen: "127.0.0.1:0" },
    { LOWROUTER_LOG_LEVEL: "error", LOWROUTER_METRICS: "true", OPENAI_API_KEY: "sk-nothing" },
  );
  store = await openStore({ url: `file:${folder.path}/lowrouter.db` });
  await migrate(store, systemClock);
  serving = await listen(config, store, { demo: false });
});
afterEach(() => folder[Symbol.dispose]());

test("a gateway whose place was taken is forgotten, with all that it had", async () => {
  let forgotten = 0;
  const registry = new FinalizationRegistry(() => void forgotten++);
  const { url } = serving;
  for (let turn = 0; turn < turns; turn++) {
    watch(registry, serving, String(turn));
    expect(await serving.replace({ ...config, routing: { ...config.routing } })).toBe(true);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/v1/chat/completions`, { method: "POST" })).status).toBe(401);
  }
  const due = 3 * (turns - 2);
  // The collector is not told when to look at everything: it is asked until it did.
  for (let tries = 0; forgotten < due && tries < 50; tries++) {
    Bun.gc(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(forgotten).toBeGreaterThanOrEqual(due);
  await serving.stop();
}, 60_000);

/** In a function of its own, so that nothing else holds it. */
function watch(
  registry: FinalizationRegistry<string>,
  { gateway }: Serving,
  conversation: string,
): void {
  const { app } = gateway;
  const [route] = app.routes.models.flatMap((model) => app.routes.of(model));
  if (route === undefined) throw new Error("Nothing to serve");
  app.sticky.served(conversation, route);
  registry.register(gateway, "gateway");
  registry.register(app, "app");
  registry.register(route.deployment, "deployment");
}

test("none takes a place once it stops, not even one that was being built; and none is left open", async () => {
  const first = serving.gateway;
  const replacing = serving.replace(config);
  const stopping = serving.stop();
  expect(await replacing).toBe(false);
  await stopping;
  expect(serving.gateway).toBe(first);
  expect(await serving.replace(config)).toBe(false);
  expect(first.legacy().kin.living.size).toBe(0);
});

test("the end waits for one whose place was taken, and not for a request of it that never ends", async () => {
  const former = serving.gateway;
  const { open } = former.app;
  // Nothing of a request counts here but that it is there.
  Reflect.apply(open.add, open, [{ place: -1 }]);
  expect(await serving.replace(config)).toBe(true);
  expect(serving.gateway).not.toBe(former);
  expect(former.legacy().kin.living.size).toBe(2);
  await serving.stop();
  expect(former.legacy().kin.living.size).toBe(0);
}, 30_000);

test("changes are made one at a time, and all that are asked for meanwhile are one", async () => {
  const begun: PromiseWithResolvers<string>[] = [];
  const change = inTurn(() => {
    const next = Promise.withResolvers<string>();
    begun.push(next);
    return next.promise;
  });
  const first = change();
  await Promise.resolve();
  const [second, third] = [change(), change()];
  expect(begun).toHaveLength(1);
  begun[0]?.resolve("first");
  expect(await first).toBe("first");
  await Promise.resolve();
  expect(begun).toHaveLength(2);
  begun[1]?.resolve("second");
  expect([await second, await third]).toEqual(["second", "second"]);
  await serving.stop();
});

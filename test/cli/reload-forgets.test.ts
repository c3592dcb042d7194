import { expect, test } from "bun:test";
import { listen, type Serving } from "#src/cli/listen.ts";
import { loadConfig } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const turns = 20;

test("a gateway whose place was taken is forgotten, with all that it had", async () => {
  using folder = temporaryFolder();
  const config = loadConfig(
    { dataDir: folder.path, listen: "127.0.0.1:0" },
    { LOWROUTER_LOG_LEVEL: "error", LOWROUTER_METRICS: "true", OPENAI_API_KEY: "sk-nothing" },
  );
  const store = await openStore({ url: `file:${folder.path}/lowrouter.db` });
  await migrate(store, systemClock);
  const serving = await listen(config, store, { demo: false });
  let forgotten = 0;
  const registry = new FinalizationRegistry(() => void forgotten++);
  const { url } = serving;
  for (let turn = 0; turn < turns; turn++) {
    watch(registry, serving);
    expect(await serving.replace({ ...config, routing: { ...config.routing } })).toBe(true);
    expect((await fetch(`${serving.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${serving.url}/v1/chat/completions`, { method: "POST" })).status).toBe(
      401,
    );
  }
  expect(serving.url).toBe(url);
  // The collector is not told when to look at everything: it is asked until it did.
  for (let tries = 0; forgotten < 2 * (turns - 2) && tries < 50; tries++) {
    Bun.gc(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(forgotten).toBeGreaterThanOrEqual(2 * (turns - 2));
  await serving.stop();
  expect(await serving.replace(config)).toBe(false);
}, 60_000);

/** In a function of its own, so that nothing else holds it. */
function watch(registry: FinalizationRegistry<string>, { gateway }: Serving): void {
  registry.register(gateway, "gateway");
  registry.register(gateway.app, "app");
}

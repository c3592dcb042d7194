import { afterAll, afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findGeneration } from "#src/ledger/generations.ts";
import { startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { askOnce } from "#test/workers/client.ts";
import { signUp } from "#test/workers/sign-up.ts";
import { customer, endFleets, startFleet, storeIn, until } from "#test/workers/kit.ts";

/** What is done once for all workers, and what one of them shows of all. */

const upstream = startOpenai();
const { env } = upstream;
afterEach(endFleets);
afterAll(() => upstream.stop());

test("live grid data is asked for once, and every worker has it", async () => {
  using folder = temporaryFolder();
  let asked = 0;
  const source = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      asked++;
      const zone = new URL(request.url).searchParams.get("zone");
      const at = new Date(Date.now() - 600_000).toISOString();
      return Response.json({
        zone,
        carbonIntensity: 42,
        datetime: at,
        updatedAt: at,
        createdAt: at,
        emissionFactorType: "lifecycle",
        isEstimated: false,
        estimationMethod: null,
      });
    },
  });
  const { secret } = await customer(folder.path);
  const file = join(folder.path, "lowrouter.toml");
  writeFileSync(
    file,
    `[providers.mine]
protocol = "openai-chat"
base_url = "${env.OPENAI_BASE_URL}"
api_key_env = "MINE"
country = "FR"

[[models]]
id = "openai/gpt-4o-mini"
provider = "mine"
`,
  );
  const fleet = await startFleet(folder.path, {
    workers: 3,
    args: ["--config", file],
    env: {
      MINE: env.OPENAI_API_KEY ?? "",
      LOWROUTER_LIVE_GRID: "electricity-maps",
      LOWROUTER_LIVE_GRID_URL: `http://127.0.0.1:${source.port}`,
      ELECTRICITY_MAPS_TOKEN: "a-token",
    },
  });
  // Only the first has to have it for the others to be told.
  await until("the source was asked", () => asked > 0);
  await Bun.sleep(200);
  const answers = await Promise.all(Array.from({ length: 40 }, () => askOnce(fleet.port, secret)));
  const store = await storeIn(folder.path);
  const chains = new Set<unknown>();
  for (const { id = "" } of answers) {
    const generation = await findGeneration(store, undefined, id);
    const told = generation?.trace.find(({ decision }) => decision === "selected")?.live_grid;
    expect(told?.g_per_kwh).toBe(42);
  }
  for (const row of await store.read("SELECT DISTINCT chain FROM generation_record", []))
    chains.add(row["chain"]);
  store.close();
  expect(chains.size).toBe(3);
  expect(asked).toBe(1);
  fleet.signal("SIGTERM");
  expect(await fleet.ended).toBe(0);
  await source.stop(true);
}, 60_000);

test("the operator sees every worker on the system page, whichever shows it", async () => {
  using folder = temporaryFolder();
  const fleet = await startFleet(folder.path, { workers: 3, env });
  const { get } = await signUp(fleet);
  for (let turn = 0; turn < 4; turn++) {
    const page = await (await get("/operator/system")).text();
    expect(page).toContain("The 3 workers of this gateway on this machine");
    for (const pid of fleet.workers()) expect(page).toContain(`>${pid}<`);
  }
  fleet.signal("SIGTERM");
  expect(await fleet.ended).toBe(0);
}, 60_000);

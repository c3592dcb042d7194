import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { at, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/*
 * France counted direct by a table of the operator's, Germany with its life cycle by the bundled one: a smaller figure says
 * less there than it seems to.
 */

const folder = temporaryFolder();
const table = join(folder.path, "grid.csv");
let gateway: TestGateway;
let upstream: ScriptedUpstream;

beforeAll(async () => {
  writeFileSync(
    table,
    "zone,year,g_per_kwh,scope,basis,source,licence,url\nFRA,2025,30,consumption,direct,House,own,https://example.com\n",
  );
  upstream = scriptedUpstream(() => completion("Hi"));
  gateway = await startGateway({
    config(config) {
      config.eco.gridFile = table;
      const place = (region: string, country: string) => ({
        protocol: "openai-chat" as const,
        base_url: upstream.url,
        region,
        country,
      });
      config.providers.paris = place("eu-west", "FR");
      config.providers.berlin = place("eu-central", "DE");
      config.providers.warsaw = place("eu-central", "PL");
      config.models = ["paris", "berlin", "warsaw"].map((provider, at_) => ({
        id: "meta-llama/llama-3.1-8b-instruct",
        provider,
        input_per_million: at_ + 1,
        output_per_million: at_ + 1,
      }));
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
  folder[Symbol.dispose]();
});

/** Provider, reason and what its grid counts, of each entry of a request's trace. */
async function traceOf(body: Record<string, unknown>) {
  const reply = await gateway.chat({ model: "meta-llama/llama-3.1-8b-instruct", ...body });
  expect(reply.status).toBe(200);
  const id = reply.headers.get("x-lowrouter-generation-id");
  const { json } = await gateway.ask(`/v1/generation/${id}`);
  return listAt(json, "routing_trace").map((entry) => [
    at(entry, "provider"),
    at(entry, "reason"),
    at(entry, "grid"),
  ]);
}

const low = { policy: "prefer-low-carbon" };
const lifecycle = { basis: "lifecycle", scope: "production" };

test("where carbon decides between grids that are counted unlike, the trace says what each counts", async () => {
  const only = ["paris", "berlin", "warsaw"];
  expect(await traceOf({ route: low, provider: { only } })).toEqual([
    ["paris", "lowest_carbon", { basis: "direct", scope: "consumption" }],
    ["berlin", "lowest_carbon", lifecycle],
    ["warsaw", "lowest_carbon", lifecycle],
  ]);
});

test("where they are counted alike, or something else decides, there is nothing to say", async () => {
  const alike = await traceOf({ route: low, provider: { only: ["berlin", "warsaw"] } });
  expect(alike).toEqual([
    ["paris", "provider_only", undefined],
    ["berlin", "lowest_carbon", undefined],
    ["warsaw", "lowest_carbon", undefined],
  ]);
  for (const [, , grid] of await traceOf({ route: { policy: "prefer-cheapest" } }))
    expect(grid).toBeUndefined();
});

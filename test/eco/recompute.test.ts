import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { run } from "#src/cli/program.ts";
import { estimate } from "#src/eco/estimate.ts";
import { gridFor } from "#src/eco/grid.ts";
import type { Measured } from "#src/eco/measured.ts";
import { loadCatalog } from "#src/catalog/load.ts";
import { createLedger } from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { createIds } from "#src/lib/id.ts";
import { at, number, recompute } from "#test/eco/recompute.ts";
import { known, relative, tables, versions } from "#test/eco/sample.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";

const { models, providers } = loadCatalog();
const tokens = {
  inputFresh: 1201,
  cacheRead: 317,
  cacheWrite5m: 41,
  cacheWrite1h: 7,
  outputVisible: 613,
  reasoning: 89,
};
const usage = {
  input: { fresh: 1201, cacheRead: 317, cacheWrite5m: 41, cacheWrite1h: 7 },
  output: { visible: 613, reasoning: 89 },
  raw: null,
};
const measured: Measured = { whPer1kTokens: 0.37, pue: 1.17 };

/** A model at a place of its catalogue, with what computes there. */
interface Case {
  model: string;
  provider: string;
  region: string;
  version: string;
  measured?: Measured;
}

const places = models.flatMap(({ id, endpoints }) =>
  endpoints.flatMap(({ provider, regions }) =>
    regions.map((region) => ({ model: id, provider, region })),
  ),
);
const cases: Case[] = [
  ...versions.flatMap((version) => places.map((place) => ({ ...place, version }))),
  ...places.map((place) => ({ ...place, version: known(versions[0]), measured })),
];

let gateway: TestGateway;
let ids: string[] = [];

beforeAll(async () => {
  gateway = await startGateway();
  const next = createIds(createFakeClock());
  const ledger = createLedger({
    store: gateway.store,
    clock: createFakeClock(),
    processId: "prc_recompute",
  });
  const rows = cases.map((one) => rowOf(one, next.next("gen")));
  await Promise.all(rows.map((generation) => ledger.record({ generation, movements: [] })));
  ids = rows.map(({ id }) => id);
}, 60_000);
afterAll(() => gateway.close());

/** What the gateway would have recorded there. */
function rowOf(one: Case, id: string): Generation {
  const { model, provider, region, version } = one;
  const found = providers
    .find(({ id: name }) => name === provider)
    ?.regions.find(({ id: name }) => name === region);
  const grid = gridFor(tables, {
    provider,
    region,
    country: found?.country,
    zone: found?.gridZone,
  });
  const made =
    grid && estimate(tables, version, { model, usage, grid, provider, measured: one.measured });
  return sampleGeneration({
    ...{ id, model, provider, region, tokens, accountId: gateway.accountId },
    energyWh: made?.block.energy_wh,
    carbonG: made?.block.carbon_g,
    carbonPer1kG: made?.block.carbon_per_1k_tokens_g,
    accuracy: made?.block.accuracy,
    methodology: made?.block.methodology_version,
    energyBounds: made?.energyWh,
    gridGPerKwh: made && grid?.gPerKwh,
    gridZone: made && grid?.zone,
    measured: made && one.measured,
  });
}

/** What the answer says, each beside what its reader comes to. */
function pairsOf(answer: unknown): [name: string, told: number, computed: number][] {
  const again = recompute(at(answer, "explanation"));
  const told = (name: string) => number(answer, name);
  const both = (name: string, computed: number): [string, number, number][] => [
    [name, told(`explanation.result.${name}`), computed],
    [name, told(`recorded.${name}`), computed],
  ];
  const ends = (name: string, low: number, high: number) =>
    ["explanation.interval", "recorded_interval"].flatMap((where): [string, number, number][] => [
      [`${where}.${name}.low`, told(`${where}.${name}.low`), low],
      [`${where}.${name}.high`, told(`${where}.${name}.high`), high],
    ]);
  return [
    ...both("energy_wh", again.energy),
    ...both("carbon_g", again.carbon),
    ...both("carbon_per_1k_tokens_g", again.per1k),
    ...ends("energy_wh", again.energyLow, again.energyHigh),
    ...ends("carbon_g", again.carbonLow, again.carbonHigh),
  ];
}

describe("the explain answer of the HTTP API", () => {
  test("is enough to compute energy and carbon again, for every model, region and methodology", async () => {
    let checked = 0;
    const without = new Set<string>();
    for (const [index, one] of cases.entries()) {
      const { status, json } = await gateway.ask(`/v1/generation/${ids[index]}/eco`);
      const name = `${one.model} at ${one.provider} in ${one.region}, ${one.version}${one.measured ? " measured" : ""}`;
      expect([name, status]).toEqual([name, 200]);
      if (at(json, "recorded") === null) {
        expect([name, at(json, "reason")]).toEqual([name, expect.stringContaining("not known")]);
        without.add(`${one.model} ${one.region}`);
        continue;
      }
      for (const [what, told, computed] of pairsOf(json))
        if (!(relative(told, computed) <= 1e-9))
          throw new Error(`${name}: ${what} is ${told}, and the answer comes to ${computed}`);
      expect(number(json, "explanation.interval.energy_wh.low")).toBeLessThanOrEqual(
        number(json, "explanation.result.energy_wh") * (1 + 1e-12),
      );
      expect(number(json, "explanation.interval.energy_wh.high")).toBeGreaterThanOrEqual(
        number(json, "explanation.result.energy_wh") * (1 - 1e-12),
      );
      checked++;
    }
    expect(checked).toBeGreaterThan(1000);
    expect(without.size).toBeGreaterThan(0);
  }, 120_000);

  test("says the same on the command line", async () => {
    const seen = new Set<string>();
    for (const [index, one] of cases.entries()) {
      const kind = `${one.version} ${one.measured === undefined}`;
      if (seen.has(kind) || !tables.parameters.has(one.model)) continue;
      seen.add(kind);
      const id = known(ids[index]);
      const { json } = await gateway.ask(`/v1/generation/${id}/eco`);
      let out = "";
      const code = await run(["eco", "explain", id, "--data-dir", gateway.folder], {
        out: (text) => void (out += text),
        err: () => {},
        colour: false,
      });
      expect([code, JSON.parse(out)]).toEqual([0, json]);
    }
    expect(seen.size).toBe(versions.length + 1);
  });
});

test("eco estimate on the command line can be computed again from what it prints", async () => {
  for (const model of ["openai/gpt-4o", "mistral/mistral-small-3.2"]) {
    let out = "";
    const words = ["eco", "estimate", "--model", model, "--tokens", "1000", "--json"];
    const code = await run([...words, "--data-dir", gateway.folder], {
      out: (text) => void (out += text),
      err: () => {},
      colour: false,
    });
    expect(code).toBe(0);
    const told: unknown = JSON.parse(out);
    const again = recompute(at(told, "data.explanation"));
    expect(relative(number(told, "data.eco.energy_wh"), again.energy)).toBeLessThan(1e-9);
    expect(relative(number(told, "data.eco.carbon_g"), again.carbon)).toBeLessThan(1e-9);
  }
});

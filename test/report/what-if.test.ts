import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import parametersFile from "#data/parameters.json" with { type: "json" };
import ecologits from "#data/ecologits/parameters.json" with { type: "json" };
import { deleteKey, hashOf } from "#src/account/keys.ts";
import { setAccountRouting } from "#src/account/account-routing.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { dayOf } from "#src/lib/clock.ts";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";

/*
 * The report is worked out from daily totals. Here it is worked out again from every single row, by code that shares
 * nothing with it: the places, sizes and rules are told by hand or read from the public API and the data files.
 */

const dayMs = 86_400_000;
const nowhere = "http://127.0.0.1:9/v1";
const regions = ["eu-west", "eu-north", "us-east"];
const llama = "meta-llama/llama-3.1-8b-instruct";
const scout = "meta-llama/llama-4-scout";
const large = "meta-llama/llama-3.3-70b-instruct";
const nano = "nvidia/nemotron-3-nano-30b-a3b";
const superb = "nvidia/nemotron-3-super-120b-a12b";

/** Who serves what here, by hand. */
const hosts: Record<string, readonly string[]> = {
  [llama]: ["groq"],
  [scout]: ["groq"],
  [large]: ["groq", "nebius"],
  [nano]: ["nebius"],
  [superb]: ["nebius"],
};
/** The next smaller of the family at each host, by hand. */
const below: Record<string, Record<string, string>> = {
  [large]: { groq: scout },
  [scout]: { groq: llama },
  [superb]: { nebius: nano },
};

const sizes = new Map(
  [...parametersFile.parameters, ...ecologits.parameters].map(({ model, activeB, totalB }) => [
    model,
    { active: (activeB.min + activeB.max) / 2, total: (totalB.min + totalB.max) / 2 },
  ]),
);

/** Wh of a token, written down once more; both models are known to the point. */
function whOf(model: string, version: string): number {
  const { active, total } = sizes.get(model) ?? { active: Number.NaN, total: Number.NaN };
  if (version.startsWith("v0.4")) return 8.91e-5 * active + 1.43e-3;
  const gpus = 2 ** Math.ceil(Math.log2(Math.ceil((1.2 * total * 16) / 8 / 80)));
  const gpu =
    1.1665273170451914e-6 * Math.exp(-0.011205921025579175 * 64) * active + 4.052928146734005e-5;
  const seconds =
    0.0006785088094353663 * active + 0.0003119310311688259 * 64 + 0.019473717579473387;
  return 1.2 * (((seconds / 3600) * 1200 * (gpus / 8)) / 64 + gpus * gpu);
}

interface Rule {
  hash: string;
  allows(provider: string, region: string, model: string): boolean;
  isGone?: boolean;
}

let gateway: TestGateway;
let rules: Record<string, Rule>;
/** g CO2e per kWh of `provider/region`, as the API tells. */
const grids = new Map<string, number>();

beforeAll(async () => {
  gateway = await startGateway({
    plan: "metered",
    config: (config) => {
      for (const id of ["groq", "nebius"])
        config.providers[id] = {
          base_urls: Object.fromEntries(regions.map((one) => [one, nowhere])),
        };
    },
  });
  const rule = async (policy: Parameters<typeof gateway.mint>[0], allows: Rule["allows"]) => ({
    hash: hashOf(await gateway.mint(policy)),
    allows,
  });
  rules = {
    free: await rule({}, () => true),
    pinned: await rule({ region: "eu-west" }, (_, region) => region === "eu-west"),
    nebius: await rule({ allowedProviders: ["nebius"] }, (provider) => provider === "nebius"),
    models: await rule({ allowedModels: [large, superb] }, (_p, _r, model) =>
      [large, superb].includes(model),
    ),
    gone: { ...(await rule({}, () => true)), isGone: true },
  };
  await deleteKey(gateway.store, gateway.app.clock, gateway.accountId, rules["gone"]?.hash ?? "");
  for (const model of [llama, large, superb]) {
    const told = await gateway.ask(`/v1/models/${model}/endpoints`);
    const { data } = v.parse(endpoints, told.json);
    for (const one of data.endpoints)
      grids.set(`${one.provider_id}/${one.region}`, one.grid_g_per_kwh);
  }
  await Promise.all(
    fc
      .sample(combination, 800)
      .map((one) => gateway.app.ledger.record({ generation: generationOf(one), movements: [] })),
  );
});
afterAll(() => gateway.close());

const endpoints = v.looseObject({
  data: v.looseObject({
    endpoints: v.array(
      v.looseObject({ provider_id: v.string(), region: v.string(), grid_g_per_kwh: v.number() }),
    ),
  }),
});
const footprint = v.strictObject({
  energy_wh: v.nullable(v.number()),
  carbon_g: v.nullable(v.number()),
});
const answer = v.looseObject({
  object: v.literal("what_if"),
  is_estimate: v.literal(true),
  requests: v.number(),
  scenarios: v.array(
    v.looseObject({
      scenario: v.string(),
      requests_covered: v.number(),
      requests_changed: v.number(),
      requests_left_out: v.number(),
      recorded: footprint,
      estimate: footprint,
      left_out: v.array(v.looseObject({ reason: v.string(), requests: v.number() })),
    }),
  ),
  data: v.array(v.looseObject({ scenario: v.string(), requests: v.number() })),
});

/** The row as the ledger has it. */
interface Seen {
  key: string;
  model: string;
  provider: string;
  region: string;
  version: string;
  energy: number;
  carbon: number;
  cacheRead: number;
  cacheWritten: number;
}

async function seen(fromDay: string): Promise<Seen[]> {
  const rows = await gateway.store.read(
    "SELECT * FROM generation WHERE account_id = ? AND created_at >= ?",
    [gateway.accountId, Date.parse(fromDay)],
  );
  return rows.map((row) => ({
    key: String(row["key_id"]),
    model: String(row["model"]),
    provider: String(row["provider"]),
    region: String(row["region"]),
    version: row["methodology"] === null ? "" : String(row["methodology"]),
    energy: Number(row["energy_wh"]),
    carbon: Number(row["carbon_g"]),
    cacheRead: Number(row["cache_read"]),
    cacheWritten: Number(row["cache_write_5m"]) + Number(row["cache_write_1h"]),
  }));
}

/** What a row becomes: a reason, or its energy and carbon with whether it moved. */
type Fate = string | { energy: number; carbon: number; moved: boolean };

function placeOf({ key, model, provider, region, version }: Seen): string {
  return [key, model, provider, region, version].join();
}

function ruleOf({ key }: Seen): Rule | undefined {
  return Object.values(rules).find(({ hash }) => hash === key);
}

function placesFor(row: Seen, model: string): { provider: string; region: string }[] {
  return (hosts[model] ?? []).flatMap((provider) =>
    regions
      .filter((region) => ruleOf(row)?.allows(provider, region, model))
      .map((region) => ({ provider, region })),
  );
}

function withoutReason(row: Seen): string | undefined {
  if (row.version === "") return "no_estimate";
  if (row.version.endsWith("+measured")) return "measured";
  return row.version === "v0.1" ? "methodology_gone" : undefined;
}

const fates: Record<string, (row: Seen, rows: readonly Seen[]) => Fate> = {
  cleanest_region(row) {
    const without = withoutReason(row);
    // Where it went does not matter for how its energy was found.
    if (without !== undefined && without !== "methodology_gone") return without;
    if (ruleOf(row)?.isGone) return "key_gone";
    const places = placesFor(row, row.model);
    if (places.length === 0) return "no_route";
    const least = Math.min(
      ...places.map(({ provider, region }) => grids.get(`${provider}/${region}`) ?? Number.NaN),
    );
    const carbon = (row.energy * least) / 1000;
    const isHere = grids.get(`${row.provider}/${row.region}`) === least;
    return !isHere && carbon < row.carbon
      ? { energy: row.energy, carbon, moved: true }
      : { energy: row.energy, carbon: row.carbon, moved: false };
  },
  smaller_sibling(row) {
    const without = withoutReason(row);
    if (without !== undefined) return without;
    if (row.model === llama || row.model === nano) return "smallest";
    if (ruleOf(row)?.isGone) return "key_gone";
    let next = below[row.model]?.[row.provider];
    while (next !== undefined) {
      const there = placesFor(row, next);
      if (there.some((one) => one.provider === row.provider && one.region === row.region)) break;
      next = below[next]?.[row.provider];
    }
    if (next === undefined) return "not_served_there";
    const ratio = whOf(next, row.version) / whOf(row.model, row.version);
    return { energy: row.energy * ratio, carbon: row.carbon * ratio, moved: true };
  },
  prompt_cache(row, rows) {
    const without = withoutReason(row);
    if (without !== undefined) return without;
    // Totals tell of alike requests together.
    const isCached = rows.some(
      (one) => one.cacheRead + one.cacheWritten > 0 && placeOf(one) === placeOf(row),
    );
    if (!isCached) return "no_cache_tokens";
    // Both methodologies weigh a cached token of a prompt as they weigh a fresh one.
    return "cache_not_weighed";
  },
};

const combination = fc.record({
  rule: fc.constantFrom("free", "pinned", "nebius", "models", "gone"),
  place: fc.constantFrom(
    ...Object.entries(hosts).flatMap(([model, some]) =>
      some.flatMap((provider) => regions.map((region) => ({ model, provider, region }))),
    ),
  ),
  version: fc.constantFrom(
    "v0.4-2026-01",
    "v0.4-2026-01",
    "v0.11-2026-10",
    "",
    "v0.4-2026-01+measured",
    "v0.1",
  ),
  fresh: fc.integer({ min: 0, max: 5000 }),
  cached: fc.constantFrom(0, 0, 700),
  output: fc.integer({ min: 1, max: 900 }),
  days: fc.integer({ min: 0, max: 4 }),
});

const filter = fc.record(
  {
    model: fc.constantFrom(...Object.keys(hosts)),
    provider: fc.constantFrom("groq", "nebius"),
    region: fc.constantFrom(...regions),
  },
  { requiredKeys: [] },
);
type Combination = typeof combination extends fc.Arbitrary<infer T> ? T : never;

function generationOf(one: Combination): Generation {
  const { place, version, fresh, cached, output, days, rule } = one;
  const isKnown = version !== "";
  const perToken = whOf(place.model, version.startsWith("v0.11") ? version : "v0.4");
  const energy = perToken * (version.startsWith("v0.11") ? output : fresh + cached + output);
  const carbon = (energy * (grids.get(`${place.provider}/${place.region}`) ?? Number.NaN)) / 1000;
  return sampleGeneration({
    ...place,
    id: gateway.app.ids.next("gen"),
    accountId: gateway.accountId,
    keyId: rules[rule]?.hash ?? "",
    createdAt: gateway.app.clock.now() - days * dayMs,
    tokens: {
      inputFresh: fresh,
      cacheRead: cached,
      cacheWrite5m: 0,
      cacheWrite1h: 0,
      outputVisible: output,
      reasoning: 0,
    },
    methodology: isKnown ? version : undefined,
    energyWh: isKnown ? energy : undefined,
    carbonG: isKnown ? carbon : undefined,
    carbonPer1kG: isKnown ? 1 : undefined,
    accuracy: isKnown ? "accurate" : undefined,
  });
}

const refusal = v.looseObject({ error: v.looseObject({ param: v.string() }) });

async function report(query = ""): Promise<v.InferOutput<typeof answer>> {
  return v.parse(answer, (await gateway.ask(`/api/v1/usage/what-if${query}`)).json);
}

describe("GET /api/v1/usage/what-if", () => {
  test("is what every single row gives, for any mix of keys, places, models and methodologies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 4 }), filter, async (days, picked) => {
        const now = gateway.app.clock.now();
        const from = dayOf(now - days * dayMs);
        const query = new URLSearchParams({ start: from, end: dayOf(now), ...picked });
        const told = await report(`?${query}`);
        const rows = (await seen(from)).filter(
          (row) =>
            (picked.model ?? row.model) === row.model &&
            (picked.provider ?? row.provider) === row.provider &&
            (picked.region ?? row.region) === row.region,
        );
        expect(told.requests).toBe(rows.length);
        for (const scenario of told.scenarios) {
          const judged = rows.map((row) => ({
            row,
            fate: fates[scenario.scenario]?.(row, rows) ?? "?",
          }));
          const kept = judged.flatMap(({ row, fate }) =>
            typeof fate === "string" ? [] : [{ row, fate }],
          );
          const left = new Map<string, number>();
          for (const { fate } of judged)
            if (typeof fate === "string") left.set(fate, (left.get(fate) ?? 0) + 1);
          const sum = (of: (one: (typeof kept)[number]) => number) =>
            kept.reduce((total, one) => total + of(one), 0);
          expect([scenario.scenario, scenario.requests_covered]).toEqual([
            scenario.scenario,
            kept.length,
          ]);
          expect(scenario.requests_changed).toBe(kept.filter(({ fate }) => fate.moved).length);
          expect(scenario.requests_left_out).toBe(rows.length - kept.length);
          expect(
            Object.fromEntries(scenario.left_out.map((one) => [one.reason, one.requests])),
          ).toEqual(Object.fromEntries(left));
          close(
            scenario.recorded.energy_wh,
            sum(({ row }) => row.energy),
          );
          close(
            scenario.recorded.carbon_g,
            sum(({ row }) => row.carbon),
          );
          close(
            scenario.estimate.energy_wh,
            sum(({ fate }) => fate.energy),
          );
          close(
            scenario.estimate.carbon_g,
            sum(({ fate }) => fate.carbon),
          );
          const lines = told.data.filter((line) => line.scenario === scenario.scenario);
          expect(lines.reduce((total, { requests }) => total + requests, 0)).toBe(rows.length);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("moves nothing where the account itself forbids it, and says why", async () => {
    const { store, accountId } = gateway;
    await setAccountRouting(store, accountId, { region: "us-east", ignoredProviders: ["nebius"] });
    try {
      const { data } = await report();
      const cleaner = data.filter(
        ({ scenario, covered }) => scenario === "cleanest_region" && covered,
      );
      expect(cleaner.length).toBeGreaterThan(0);
      for (const line of cleaner) {
        expect(line["model"]).not.toStartWith("nvidia/");
        const isMoved =
          line["to_region"] !== line["region"] || line["to_provider"] !== line["provider"];
        if (isMoved) expect([line["to_provider"], line["to_region"]]).toEqual(["groq", "us-east"]);
      }
    } finally {
      await setAccountRouting(store, accountId, undefined);
    }
  });

  test("answers any key for its own account alone, filters, and gives the same lines as CSV", async () => {
    const { data } = await report("?model=" + superb);
    expect(data.length).toBeGreaterThan(0);
    expect(data.every(({ model }) => model === superb)).toBe(true);
    const managed = v.parse(answer, (await gateway.manage("/api/v1/usage/what-if")).json);
    expect(managed.requests).toBeGreaterThan(0);
    const stranger = await gateway.stranger();
    const other = v.parse(
      answer,
      (await gateway.ask("/api/v1/usage/what-if", { key: stranger })).json,
    );
    expect([other.requests, other.data]).toEqual([0, []]);
    expect(other.scenarios.map(({ estimate }) => estimate.carbon_g)).toEqual([null, null, null]);
    const csv = await gateway.ask(`/api/v1/usage/what-if?format=csv&model=${superb}`);
    expect(csv.headers.get("content-type")).toStartWith("text/csv");
    const [head = "", ...lines] = csv.text.trimEnd().split("\r\n");
    expect(lines).toHaveLength(data.length);
    expect(head.split(",")).toContain("estimated_carbon_g");
    expect((await gateway.ask("/api/v1/usage/what-if", { key: null })).status).toBe(401);
  });

  test.each([
    ["format=xml", "format"],
    ["start=2026-13-01", "start"],
    ["start=2026-02-01&end=2026-01-01", "start"],
    ["start=2024-01-01&end=2026-01-01", "start"],
  ])("refuses %s, naming the member", async (query, param) => {
    const refused = await gateway.ask(`/api/v1/usage/what-if?${query}`);
    expect(refused.status).toBe(400);
    expect(v.parse(refusal, refused.json).error.param).toBe(param);
  });
});

function close(told: number | null, is: number): void {
  if (told === null) expect(is).toBe(0);
  else expect(Math.abs(told - is)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(is)));
}

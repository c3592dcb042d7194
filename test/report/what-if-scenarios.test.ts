import { describe, expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { loadEco } from "#src/eco/load.ts";
import type { UsageRow } from "#src/ledger/rollups.ts";
import { noTotals } from "#src/report/totals.ts";
import {
  type Scenario,
  type Tally,
  tallyOf,
  type Way,
  type WhatIf,
  type WhatIfKit,
} from "#src/report/what-if.ts";
import { scenarioTally } from "#src/report/what-if-scenarios.ts";

const allOf = (tally: Tally, rows: readonly UsageRow[]): WhatIf => {
  for (const row of rows) tally.add(row);
  return tally.whole();
};
const scenarioOf = (scenario: Scenario, rows: readonly UsageRow[], kit: WhatIfKit) =>
  allOf(scenarioTally(scenario, kit), rows);

const tables = loadEco();
const { models } = loadCatalog();
const version = "v0.4-2026-01";
const large = "meta-llama/llama-3.3-70b-instruct";

const way = (parts: Partial<Way>): Way => ({
  provider: "groq",
  region: "us-east",
  gPerKwh: 384,
  isKnown: true,
  isMeasured: false,
  ...parts,
});
const row = (parts: Partial<UsageRow>): UsageRow => ({
  ...noTotals,
  key: "k",
  model: large,
  provider: "groq",
  region: "us-east",
  methodology: version,
  requests: 10,
  energyWh: 100,
  carbonG: 38.4,
  ...parts,
});
const kit = (ways: readonly Way[] | undefined, parts: Partial<WhatIfKit> = {}): WhatIfKit => ({
  tables,
  models,
  waysOf: () => ways,
  basisAt: () => "lifecycle",
  ...parts,
});

describe("the cleanest place", () => {
  test.each([
    ["is assumed", { isKnown: false }, "us-east"],
    ["has measured energy of its own", { isMeasured: true }, "us-east"],
    ["has no known grid", { gPerKwh: undefined }, "us-east"],
    ["is known", {}, "eu-north"],
  ])("that %s leads to it only where it may count", (_, parts, region) => {
    const ways = [way({}), way({ region: "eu-north", gPerKwh: 50, ...parts })];
    const { lines } = scenarioOf("cleanest_region", [row({})], kit(ways));
    expect(lines.map(({ to }) => to?.region)).toEqual([region]);
  });

  test("is not one whose grid is counted direct, where the recorded one is counted with its life cycle", () => {
    const direct = way({ region: "us-west", gPerKwh: 60, basis: "direct" });
    const whole = way({ region: "eu-north", gPerKwh: 300, basis: "lifecycle" });
    const to = (ways: Way[], basis?: "direct" | "lifecycle") => {
      const { lines, left } = scenarioOf(
        "cleanest_region",
        [row({})],
        kit(ways, { basisAt: () => basis }),
      );
      return lines[0]?.to?.region ?? left[0]?.reason;
    };
    expect(to([direct, whole], "lifecycle")).toBe("eu-north");
    expect(to([direct], "lifecycle")).toBe("unlike_grids");
    expect(to([direct, whole], "direct")).toBe("us-west");
    // More is counted there, and still it is less.
    expect(to([whole], "direct")).toBe("eu-north");
    expect(to([direct, whole])).toBe("us-west");
  });

  test("of none with a known grid is no place, and the reason is told", () => {
    const { left, covered } = scenarioOf(
      "cleanest_region",
      [row({})],
      kit([way({ isKnown: false })]),
    );
    expect([covered, left[0]?.reason, left[0]?.requests]).toEqual([0, "no_known_grid", 10]);
  });

  test("never makes worse what was cleaner on record", () => {
    const rows = [row({ provider: "gone", carbonG: 1 })];
    const { recorded, after, changed } = scenarioOf("cleanest_region", rows, kit([way({})]));
    expect([after, changed]).toEqual([recorded, 0]);
  });
});

describe("the smaller sibling", () => {
  test("is the next one down that is served at the same place, and what it lacks is told", () => {
    const there = ["meta-llama/llama-4-scout", "meta-llama/llama-3.1-8b-instruct"];
    const served = (ids: readonly string[]) =>
      kit(undefined, {
        waysOf: (_, model) => (model === large || ids.includes(model) ? [way({})] : []),
      });
    const of = (ids: readonly string[]) => scenarioOf("smaller_sibling", [row({})], served(ids));
    expect(of(there).lines[0]?.to?.model).toBe("meta-llama/llama-4-scout");
    expect(of(there.slice(1)).lines[0]?.to?.model).toBe("meta-llama/llama-3.1-8b-instruct");
    expect(of([]).left[0]?.reason).toBe("not_served_there");
    const [line] = of(there.slice(1)).lines;
    const model = models.find(({ id }) => id === large);
    const kin = models.find(({ id }) => id === "meta-llama/llama-3.1-8b-instruct");
    for (const name of ["tools", "vision", "reasoning", "structuredOutputs"] as const)
      expect([name, line?.lacks?.includes(name)]).toEqual([
        name,
        model?.capabilities[name] === true && kin?.capabilities[name] !== true,
      ]);
  });

  test("is nobody where the catalogue names no family", () => {
    const alone = models.map((model) => (model.id === large ? withoutFamily(model) : model));
    const { left } = scenarioOf("smaller_sibling", [row({})], kit([way({})], { models: alone }));
    expect(left.map(({ reason }) => reason)).toEqual(["no_family"]);
  });
});

function withoutFamily({ family: _, ...model }: (typeof models)[number]) {
  return model;
}

describe("without the prompt cache", () => {
  test("a cached token weighs as a fresh one does, exactly, where the methodology tells them apart", () => {
    const [first] = tables.methodologies.filter((one) => one.version === version);
    if (first === undefined) throw new Error("There is no such methodology");
    const weighed = { ...first, weights: { completion: 1, freshPrompt: 0.5, cachedPrompt: 0.1 } };
    const apart = { ...tables, methodologies: [weighed] };
    const rows = [row({ cacheRead: 1000 }), row({ cacheRead: 0, provider: "nebius" })];
    const found = scenarioOf("prompt_cache", rows, kit([], { tables: apart }));
    // 70.6 billion parameters, by hand.
    const more = 0.4 * 1000 * (8.91e-5 * 70.6 + 1.43e-3);
    expect(found.recorded).toEqual({ energyWh: 100, carbonG: 38.4 });
    expect(found.after.energyWh).toBeCloseTo(100 + more, 9);
    expect(found.after.carbonG).toBeCloseTo(38.4 * (1 + more / 100), 9);
    expect([found.covered, found.changed, found.left[0]?.reason]).toEqual([
      10,
      10,
      "no_cache_tokens",
    ]);
  });

  test.each(["v0.4-2026-01", "v0.11-2026-10"])(
    "is not known by %s, which has no weight of its own for cached tokens: no 0 is said",
    (methodology) => {
      const rows = [row({ cacheRead: 1000, methodology })];
      const found = scenarioOf("prompt_cache", rows, kit([]));
      expect([found.covered, found.lines, found.left[0]?.reason]).toEqual([
        0,
        [],
        "cache_not_weighed",
      ]);
    },
  );
});

test("tallyOf() makes one line of what differs in the key alone, and changes no row", () => {
  const rows = [row({ key: "a" }), row({ key: "b", requests: 5, energyWh: 50, carbonG: 19.2 })];
  const before = structuredClone(rows);
  const judge = () => ({ reason: "no_route" as const });
  const { left } = allOf(tallyOf("cleanest_region", judge, kit([])), rows);
  expect(left).toHaveLength(1);
  expect(left[0]).toMatchObject({ requests: 15, recorded: { energyWh: 150 } });
  expect(rows).toEqual(before);
});

import { expect, test } from "bun:test";
import { estimate } from "#src/eco/estimate.ts";
import { publishMethodology } from "#src/eco/publish.ts";
import { known, tables } from "#test/eco/sample.ts";

const versions = tables.methodologies.map(({ version }) => version);

test.each(versions)(
  "the record of %s says its formula, and every number that is in it",
  (version) => {
    const record = known(publishMethodology(tables, version));
    const weights = Object.keys(record.weights).map((name) => `weights.${name}`);
    const coefficients = Object.keys(record.coefficients).map((name) =>
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    );
    const words = new Set(record.steps.flatMap((step) => step.match(/[a-zA-Z_][\w.]*/g) ?? []));
    for (const name of [...weights, ...coefficients])
      expect([name, words.has(name)]).toEqual([name, true]);
  },
);

test("low and high take the overheads as the steps say: of the methodology's own and the provider's", () => {
  const version = "v0.11-2026-10";
  const record = known(publishMethodology(tables, version));
  expect(record.steps.join("\n")).toContain(
    "the least and the most of pue and of what the provider publishes",
  );
  const own = record.formula === "mlenergy" ? record.coefficients.pue : 0;
  const usage = {
    input: { fresh: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 1000, reasoning: 0 },
    raw: null,
  };
  const grid = { gPerKwh: 100, zone: "FRA", year: 2025, basis: "lifecycle" as const, rows: [] };
  // Both below the methodology's own, and on either side of it.
  for (const provider of ["google", "scaleway"]) {
    const site = known(record.datacenters.find((one) => one.provider === provider));
    const { energyWh, block } = known(
      estimate(tables, version, { model: "mistral/mistral-small-3.2", usage, grid, provider }),
    );
    expect(energyWh.low / block.energy_wh).toBeCloseTo(Math.min(own, known(site.pueMin)) / own, 12);
    expect(energyWh.high / block.energy_wh).toBeCloseTo(
      Math.max(own, known(site.pueMax)) / own,
      12,
    );
  }
});

import { expect, test } from "bun:test";
import ecologitsDatacenters from "#data/ecologits/datacenters.json" with { type: "json" };
import ecologitsParameters from "#data/ecologits/parameters.json" with { type: "json" };
import cloudFile from "#data/cloud-regions.json" with { type: "json" };
import datacentersFile from "#data/datacenters.json" with { type: "json" };
import parametersFile from "#data/parameters.json" with { type: "json" };
import { loadCatalog } from "#src/catalog/load.ts";
import { carbonPer1k, ecoOfModel, estimate } from "#src/eco/estimate.ts";
import { explain } from "#src/eco/explain.ts";
import { checkRows, index, rowSchemas } from "#src/eco/load.ts";
import { gridOf, known, relative, tables, usageOf, versions } from "#test/eco/sample.ts";

const kinds = new Map(loadCatalog().models.map((model) => [model.id, model.kind]));

test("an interval whose ends are swapped does not load", () => {
  const swapped = { ...parametersFile.parameters[0], activeB: { min: 2, max: 1 } };
  expect(() => checkRows("f", rowSchemas.parameters, [swapped])).toThrow("an interval");
});

test("index() refuses two rows of one key, of which one would be lost", () => {
  expect(() => index("data/x.json", ["a", "b", "a"], (row) => row)).toThrow(
    'Cannot load data/x.json: "a" has two rows',
  );
});

test("rows of EcoLogits are MPL-2.0 in their own folder, and no other file has any", () => {
  for (const { notice } of [ecologitsParameters, ecologitsDatacenters])
    expect(notice).toContain("https://mozilla.org/MPL/2.0/");
  const inside = [...ecologitsParameters.parameters, ...ecologitsDatacenters.datacenters];
  expect(new Set(inside.map((row) => row.licence))).toEqual(new Set(["MPL-2.0"]));
  const outside = [...parametersFile.parameters, ...datacentersFile.datacenters];
  expect(outside.filter((row) => row.licence.startsWith("MPL"))).toEqual([]);
});

test("every cloud region lies in a grid zone that has a figure", () => {
  for (const { provider, region, gridZone } of cloudFile.regions)
    expect([provider, region, tables.zones.has(gridZone)]).toEqual([provider, region, true]);
});

test("parameters belong to models of the catalogue that make text, never to embeddings", () => {
  for (const model of tables.parameters.keys())
    expect([model, ["chat", "completion"].includes(kinds.get(model) ?? "none")]).toEqual([
      model,
      true,
    ]);
});

test("published figures name models of the catalogue", () => {
  const named = tables.benchmarks.flatMap((row) => row.models ?? []);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((model) => !kinds.has(model))).toEqual([]);
});

test("explain() brings a model's own published figures, not those of a name that begins alike", () => {
  const figures = (model: string) => {
    const input = { model, usage: usageOf(1, 1), grid: gridOf(100) };
    const rows = known(explain(tables, "v0.4-2026-01", input)).published_measurements;
    return [...new Set(rows.map((row) => row.model))].toSorted();
  };
  expect(figures("openai/gpt-4o")).toEqual(["GPT-4o"]);
  expect(figures("openai/gpt-4o-mini")).toEqual(["GPT-4o mini", "GPT-4o mini class (20B)"]);
  expect(figures("openai/gpt-4.1")).toEqual(["GPT-4.1"]);
});

test("ecoOfModel() and carbonPer1k() say what an estimate of 1,000 completion tokens says", () => {
  const grid = gridOf(271.4);
  for (const version of versions)
    for (const model of tables.parameters.keys()) {
      const input = { model, usage: usageOf(0, 1000), grid };
      const { block } = known(estimate(tables, version, input));
      const eco = known(ecoOfModel(tables, version, model));
      expect(relative(eco.energyWhPer1kTokens, block.energy_wh)).toBeLessThan(1e-12);
      const carbon = known(carbonPer1k(tables, version, model, grid));
      expect(relative(carbon, block.carbon_g)).toBeLessThan(1e-12);
      expect(eco.accuracy).toBe(block.accuracy);
    }
  expect(ecoOfModel(tables, "v0.4-2026-01", "no/such")).toBeUndefined();
  expect(carbonPer1k(tables, "v0.4-2026-01", "no/such", grid)).toBeUndefined();
});

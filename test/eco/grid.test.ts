import { expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { gridFor } from "#src/eco/grid.ts";
import { known, relative, tables } from "#test/eco/sample.ts";

const intensity = (zone: string): number => known(tables.zones.get(zone), zone).gPerKwh;

test("gridFor() takes the zone before the country, and the country before the region", () => {
  const place = { provider: "test", region: "eu-west" };
  const zone = known(gridFor(tables, { ...place, country: "DE", zone: "US-CAMX" }));
  expect(zone.zone).toBe("US-CAMX");
  expect(zone.gPerKwh).toBe(intensity("US-CAMX"));
  expect(zone.basis).toBe("direct");
  const country = known(gridFor(tables, { ...place, country: "DE" }));
  expect(country.zone).toBe("DEU");
  expect(country.gPerKwh).toBe(intensity("DEU"));
  expect(country.rows.map(({ weight }) => weight)).toEqual([1]);
  expect(known(gridFor(tables, place)).zone).toBe("eu-west");
});

test("gridFor() gives eu-west the population-weighted mean of France, Germany, the Netherlands and Ireland", () => {
  const members = [
    ["FRA", 66.5],
    ["DEU", 84.6],
    ["NLD", 18.2],
    ["IRL", 5.26],
  ] as const;
  const people = 66.5 + 84.6 + 18.2 + 5.26;
  const mean = members.reduce((sum, [zone, millions]) => sum + intensity(zone) * millions, 0);
  const grid = known(gridFor(tables, { provider: "test", region: "eu-west" }));
  expect(relative(grid.gPerKwh, mean / people)).toBeLessThan(1e-12);
  expect(grid.rows.map(({ row }) => row.zone)).toEqual(members.map(([zone]) => zone));
  expect(grid.rows.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
  expect(grid.assumption).toBeUndefined();
});

test("gridFor() says that a default location is an assumption", () => {
  const grid = known(gridFor(tables, { provider: "openai", region: "global" }));
  expect(grid.zone).toBe("USA");
  expect(grid.gPerKwh).toBe(intensity("USA"));
  expect(grid.assumption).toContain("openai does not disclose where it computes");
  expect(grid.assumption).toContain("USA");
});

test("gridFor() knows nothing of an aggregator, an unknown provider or an unknown region", () => {
  expect(gridFor(tables, { provider: "openrouter", region: "global" })).toBeUndefined();
  expect(gridFor(tables, { provider: "no-such", region: "global" })).toBeUndefined();
  expect(gridFor(tables, { provider: "openai", region: "atlantis" })).toBeUndefined();
  expect(gridFor(tables, { provider: "ollama", region: "local" })).toBeUndefined();
});

test("gridFor() leaves a region out when a country of it has no figure", () => {
  const zones = new Map(tables.zones);
  zones.delete("NLD");
  expect(gridFor({ ...tables, zones }, { provider: "test", region: "eu-west" })).toBeUndefined();
});

test("every region of the data names countries that have a figure", () => {
  for (const { id } of tables.regions.values())
    expect({ id, grid: gridFor(tables, { provider: "test", region: id })?.zone }).toEqual({
      id,
      grid: id,
    });
});

test("every zone and country that the catalogue names has a figure", () => {
  for (const { id, regions } of loadCatalog().providers)
    for (const { gridZone, country } of regions) {
      if (gridZone !== undefined) expect([id, tables.zones.has(gridZone)]).toEqual([id, true]);
      if (country !== undefined)
        expect([id, country, tables.countries.has(country)]).toEqual([id, country, true]);
    }
});

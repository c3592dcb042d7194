import { expect, test } from "bun:test";
import lock from "#data/methodologies.lock.json" with { type: "json" };
import { gridFor } from "#src/eco/grid.ts";
import { baseVersion } from "#src/eco/measured.ts";
import { generationOf } from "#src/ledger/row.ts";
import { explainGeneration } from "#src/report/explain-generation.ts";
import { figuresOf } from "#test/eco/figures.ts";
import { number } from "#test/eco/recompute.ts";
import { known, relative, tables, tablesWith } from "#test/eco/sample.ts";
import shipped from "#test/fixtures/eco/shipped.json" with { type: "json" };

/*
 * Rows as they were kept under every version that was ever shipped, and the figures of each. A version that is new adds its own;
 * what stands here is never edited.
 */
const locked = Object.keys(lock.versions);

test("every version that was shipped has its figures and a row here", () => {
  expect(Object.keys(shipped.figures).toSorted()).toEqual(locked.toSorted());
  const recorded = new Set(shipped.records.map(({ version }) => version));
  for (const version of locked) expect([version, recorded.has(version)]).toEqual([version, true]);
  expect([...recorded].some((version) => baseVersion(version).measured)).toBeTrue();
});

test.each(Object.entries(shipped.figures))(
  "%s gives every model the figures that it was shipped with, whatever code computes them",
  (version, figures) => {
    expect(figuresOf(tables, version)).toBe(figures);
  },
);

test("another coefficient, parameter or overhead gives other figures", () => {
  const version = known(locked[0]);
  const before = figuresOf(tables, version);
  const [first] = tables.parameters.values();
  const { model, activeB, totalB } = known(first);
  const grown = { ...activeB, max: activeB.max * (1 + 1e-9) };
  expect(figuresOf(tablesWith(model, grown, totalB), version)).not.toBe(before);
  const methodologies = tables.methodologies.map((record) =>
    record.formula === "linear"
      ? { ...record, coefficients: { ...record.coefficients, alpha: 8.92e-5 } }
      : record,
  );
  expect(figuresOf({ ...tables, methodologies }, version)).not.toBe(before);
  const datacenters = new Map(tables.datacenters);
  datacenters.set("google", { ...known(datacenters.get("google")), pueMin: 1.08 });
  expect(figuresOf({ ...tables, datacenters }, "v0.11-2026-10")).not.toBe(
    figuresOf(tables, "v0.11-2026-10"),
  );
});

test.each(shipped.records)("a row of $version is explained as it was recorded", ({ record }) => {
  const row = generationOf(JSON.stringify(record));
  const { provider = "", region = "" } = row;
  const grid = gridFor(tables, { provider, region });
  const answer = explainGeneration(row, tables, grid, "no version of today");
  const pairs = [
    ["recorded.energy_wh", "explanation.result.energy_wh"],
    ["recorded.carbon_g", "explanation.result.carbon_g"],
    ["recorded.carbon_per_1k_tokens_g", "explanation.result.carbon_per_1k_tokens_g"],
    ["recorded_interval.energy_wh.low", "explanation.interval.energy_wh.low"],
    ["recorded_interval.energy_wh.high", "explanation.interval.energy_wh.high"],
    ["recorded_interval.carbon_g.low", "explanation.interval.carbon_g.low"],
    ["recorded_interval.carbon_g.high", "explanation.interval.carbon_g.high"],
  ] as const;
  for (const [recorded, again] of pairs)
    expect(relative(number(answer, again), number(answer, recorded))).toBeLessThan(1e-12);
});

test("a row that is older than the interval says that it has none", () => {
  const [first] = shipped.records;
  const old = known(first).record.slice(0, 40);
  const row = generationOf(JSON.stringify(old));
  const grid = gridFor(tables, { provider: "mistral", region: "eu-west" });
  const answer = explainGeneration(row, tables, grid, "no version of today");
  expect(answer.recorded_interval).toBeNull();
  expect(number(answer, "explanation.interval.energy_wh.low")).toBeGreaterThan(0);
});

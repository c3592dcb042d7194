import { expect, test } from "bun:test";
import datacentersFile from "#data/datacenters.json" with { type: "json" };
import ecologitsDatacenters from "#data/ecologits/datacenters.json" with { type: "json" };
import file from "#data/measured-gpus.json" with { type: "json" };
import { loadEco } from "#src/eco/load.ts";
import { loadMeasuredGpus } from "#src/eco/measured-gpus.ts";
import { accuracyOf } from "#src/report/accuracy.ts";

const accuracy = accuracyOf(loadEco(), loadMeasuredGpus());

/** Both formulas written down once more, Wh for an output token; the second with a facility's overhead. */
const formulas = [
  ({ activeB }: { activeB: number }) => 8.91e-5 * activeB + 1.43e-3,
  ({ activeB, totalB }: { activeB: number; totalB: number }, batch = 64, bits = 16) => {
    const gpus = 2 ** Math.ceil(Math.log2(Math.ceil((1.2 * totalB * bits) / 8 / 80)));
    const gpu =
      1.1665273170451914e-6 * Math.exp(-0.011205921025579175 * batch) * activeB +
      4.052928146734005e-5;
    const seconds =
      0.0006785088094353663 * activeB + 0.0003119310311688259 * batch + 0.019473717579473387;
    return 1.2 * (((seconds / 3600) * 1200 * (gpus / 8)) / batch + gpus * gpu);
  },
];

test("accuracyOf() says for each size and precision what every measured row gives by hand", () => {
  const sizes = [0, 10, 40, 100, Infinity];
  const bySize = sizes
    .slice(1)
    .map((most, at) =>
      file.measurements.filter(({ activeB }) => activeB <= most && activeB > (sizes[at] ?? 0)),
    );
  const byPrecision = [...new Set(file.measurements.map(({ precision }) => precision))].map((one) =>
    file.measurements.filter(({ precision }) => precision === one),
  );
  for (const [classes, groups] of [
    [accuracy.bySize, bySize],
    [accuracy.byPrecision, byPrecision],
  ] as const) {
    expect(classes).toHaveLength(groups.length);
    for (const [at, rows] of groups.entries())
      for (const [which, formula] of formulas.entries()) {
        const ratios = rows.map((row) => formula(row) / row.whPerOutputToken);
        const product = ratios.reduce((sum, ratio) => sum * ratio, 1);
        const told = classes[at]?.spreads[which];
        expect(told?.rows).toBe(rows.length);
        expect(told?.mean).toBeCloseTo(product ** (1 / rows.length), 6);
        expect(told?.least).toBeCloseTo(Math.min(...ratios), 6);
        expect(told?.most).toBeCloseTo(Math.max(...ratios), 6);
      }
  }
  expect(accuracy.bySize.reduce((sum, { spreads }) => sum + (spreads[0]?.rows ?? 0), 0)).toBe(
    file.measurements.length,
  );
});

test("accuracyOf() gives the known cases their numbers", () => {
  const [, current] = formulas;
  const small = { activeB: 8, totalB: 8 };
  expect(accuracy.batch?.batch).toBe(64);
  expect(accuracy.batch?.ratio).toBeCloseTo(
    (current?.(small, 1) ?? 0) / (current?.(small) ?? 1),
    9,
  );
  expect(accuracy.bits.map(({ bits, gpus }) => [bits, gpus])).toEqual([
    [16, 32],
    [8, 16],
    [4, 8],
  ]);
  // 10,000 tokens in and 100 out: all of them count alike, or only what is made.
  expect(accuracy.prompt.map(({ ratio }) => ratio)).toEqual([101, 1]);
  const sites = [...datacentersFile.datacenters, ...ecologitsDatacenters.datacenters].flatMap(
    (one) => ("pueMin" in one && "pueMax" in one ? [[one.pueMin, one.pueMax, one] as const] : []),
  );
  // What stands for an operator's own machines nobody published.
  const real = sites.filter(([, , { provider }]) => provider !== "ollama" && provider !== "vllm");
  expect(accuracy.pue).toEqual({
    used: 1.2,
    least: Math.min(...real.map(([least]) => Number(least))),
    most: Math.max(...real.map(([, most]) => Number(most))),
    providers: real.length,
  });
});

test("accuracyOf() compares published figures only where model, tokens and energy are known", () => {
  for (const { name, scope, spreads } of accuracy.published) {
    expect([name, scope.length > 0]).toEqual([name, true]);
    for (const spread of spreads) expect(Number.isFinite(spread?.mean)).toBe(true);
  }
  expect(accuracy.published.some(({ name }) => name.startsWith("Epoch AI"))).toBe(true);
});

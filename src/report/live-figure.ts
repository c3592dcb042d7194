import type { Generation } from "#src/ledger/generation.ts";

/**
 * The second figure of a request: the recorded energy on its grid as it was at the time. Carbon in g; null where no live
 * figure was to be had. Undefined where live grids were not looked at.
 */
export function liveFigureOf({ trace, energyWh }: Generation) {
  const told = trace.find(({ decision }) => decision === "selected")?.live_grid;
  if (told === undefined) return undefined;
  const { g_per_kwh: grams } = told;
  return {
    label: "live grid: beside the recorded figure, and no part of it",
    ...told,
    carbon_g: grams === undefined || energyWh === undefined ? null : (energyWh * grams) / 1000,
    note:
      grams === undefined
        ? "No live figure was to be had: the annual average was used for routing too"
        : "What it counts (basis, scope) may differ from the annual average of the recorded figure: where it does, the two do not compare",
  };
}

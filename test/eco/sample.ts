import type { Usage } from "#src/dialect/usage.ts";
import { loadEco } from "#src/eco/load.ts";
import type { Grid, GridRow } from "#src/eco/methodology.ts";

/** The bundled tables, read once. */
export const tables = loadEco();
export const versions = tables.methodologies.map(({ version }) => version);

/** A usage without caches and reasoning. */
export function usageOf(prompt: number, completion: number): Usage {
  return {
    input: { fresh: prompt, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: completion, reasoning: 0 },
    raw: null,
  };
}

/** A grid of one made-up row. */
export function gridOf(gPerKwh: number): Grid {
  const row: GridRow = {
    zone: "TST",
    name: "Testland",
    gPerKwh,
    year: 2025,
    basis: "lifecycle",
    scope: "production",
    source: "test",
    sourceUrl: "https://example.com/grid",
    licence: "facts",
    read: "2026-11-18",
  };
  return {
    gPerKwh,
    zone: "TST",
    year: 2025,
    basis: "lifecycle",
    rows: [{ row, weight: 1 }],
  };
}

/** The bundled tables with one more model of known parameters. */
export function tablesWith(
  model: string,
  activeB: { min: number; max: number },
  totalB: { min: number; max: number },
) {
  const row = {
    model,
    architecture: "dense" as const,
    activeB,
    totalB,
    accuracy: "medium" as const,
    source: "test",
    licence: "facts",
    read: "2026-11-18",
  };
  return { ...tables, parameters: new Map([...tables.parameters, [model, row]]) };
}

/** How far two numbers are apart, relative to the second. */
export function relative(value: number, wanted: number): number {
  return value === wanted ? 0 : Math.abs(value - wanted) / Math.abs(wanted);
}

/** The value, or a failed test. */
export function known<T>(value: T | undefined, what = "value"): T {
  if (value === undefined) throw new Error(`The ${what} is unknown`);
  return value;
}

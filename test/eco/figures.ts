import type { EcoTables } from "#src/eco/load.ts";
import { estimate } from "#src/eco/estimate.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { gridOf } from "#test/eco/sample.ts";

const usage = {
  input: { fresh: 1201, cacheRead: 317, cacheWrite5m: 41, cacheWrite1h: 7 },
  output: { visible: 613, reasoning: 89 },
  raw: null,
};

/** SHA-256 of what a version gives for every model at every provider that publishes an overhead, to twelve digits. */
export function figuresOf(tables: EcoTables, version: string): string {
  const providers = [undefined, ...[...tables.datacenters.keys()].toSorted()];
  const lines = [...tables.parameters.keys()].toSorted().flatMap((model) =>
    providers.map((provider) => {
      const made = estimate(tables, version, { model, usage, grid: gridOf(321), provider });
      const figures = [
        made?.block.energy_wh,
        made?.block.carbon_g,
        made?.block.carbon_per_1k_tokens_g,
        made?.energyWh.low,
        made?.energyWh.high,
      ];
      return [model, provider, made?.block.accuracy, ...figures.map((one) => one?.toPrecision(12))];
    }),
  );
  return sha256Hex(JSON.stringify(lines));
}

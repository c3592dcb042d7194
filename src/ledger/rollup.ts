import type { Generation } from "#src/ledger/generation.ts";
import { dayOf } from "#src/lib/clock.ts";
import type { Statement } from "#src/store/store.ts";

const dimensions = "day, account, key, user, model, provider, region, methodology";
const sums = [
  "requests",
  "input_fresh",
  "cache_read",
  "cache_write_5m",
  "cache_write_1h",
  "output_visible",
  "reasoning",
  "cost",
  "upstream_cost",
  "byok_cost",
  "energy_wh",
  "carbon_g",
  "without_eco",
  "errors",
] as const;

const addTo = `INSERT INTO rollup (${dimensions}, ${sums.join(", ")})
VALUES (${Array.from({ length: 8 + sums.length }, () => "?").join(", ")})
ON CONFLICT DO UPDATE SET ${sums.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`;

/** Statements that add generations to the daily totals, one for each combination of dimensions. */
export function writeRollups(generations: readonly Generation[]): Statement[] {
  const totals = new Map<string, { place: string[]; sum: number[] }>();
  for (const generation of generations) {
    const place = placeOf(generation);
    const name = place.join("\n");
    const total = totals.get(name);
    const amounts = amountsOf(generation);
    if (total === undefined) totals.set(name, { place, sum: amounts });
    else
      for (let at = 0; at < sums.length; at++)
        total.sum[at] = (total.sum[at] ?? 0) + (amounts[at] ?? 0);
  }
  return [...totals.values()].map(({ place, sum }) => ({ sql: addTo, args: [...place, ...sum] }));
}

function placeOf(row: Generation): string[] {
  return [
    dayOf(row.createdAt),
    row.accountId,
    row.keyId,
    row.user?.toWellFormed().replaceAll("\0", "\ufffd") ?? "",
    row.model ?? "",
    row.provider ?? "",
    row.region ?? "",
    row.methodology ?? "",
  ];
}

/** In the order of `sums`. The cost of a request on the caller's own key is kept apart: it was not paid to us. */
function amountsOf(row: Generation): number[] {
  const { tokens } = row;
  return [
    1,
    tokens?.inputFresh ?? 0,
    tokens?.cacheRead ?? 0,
    tokens?.cacheWrite5m ?? 0,
    tokens?.cacheWrite1h ?? 0,
    tokens?.outputVisible ?? 0,
    tokens?.reasoning ?? 0,
    row.cost ?? 0,
    row.upstreamCost ?? 0,
    row.isByok ? (row.upstreamCost ?? 0) : 0,
    row.energyWh ?? 0,
    row.carbonG ?? 0,
    row.carbonG === undefined ? 1 : 0,
    row.status === "ok" ? 0 : 1,
  ];
}

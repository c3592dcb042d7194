import type { AllowanceKind, Movement } from "#src/allowance/allowance.ts";
import type { Entry } from "#src/ledger/commit.ts";
import { nano } from "#src/ledger/money.ts";

/** What a request counts as, whatever came of it. */
const counting: ReadonlySet<AllowanceKind> = new Set([
  "requests_minute",
  "requests_day",
  "free_minute",
  "free_day",
  "provider_minute",
]);

/**
 * What takes the place of a row that could not be kept in time, whose client was told that the request failed: the same
 * request, free. What was leased for it goes back.
 */
export function withdrawn({ generation, movements }: Entry): Entry {
  return {
    generation: {
      ...generation,
      status: "upstream_error",
      errorCode: "service_unavailable",
      settlement: "waived",
      tokens: undefined,
      rawUsage: undefined,
      cost: nano(0),
      costPrompt: nano(0),
      costCompletion: nano(0),
      upstreamCost: nano(0),
      energyWh: undefined,
      carbonG: undefined,
      carbonPer1kG: undefined,
      energyBounds: undefined,
      accuracy: undefined,
      methodology: undefined,
      gridGPerKwh: undefined,
      gridZone: undefined,
      measured: undefined,
    },
    movements: movements.map((movement): Movement =>
      counting.has(movement.kind) ? movement : { ...movement, used: 0 },
    ),
  };
}

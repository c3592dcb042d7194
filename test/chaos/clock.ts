import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Scenario } from "#test/chaos/scenario.ts";
import { steady } from "#test/chaos/steady.ts";

const hour = 3_600_000;
const jumps = [-24 * hour, -hour, -90_000, -1000, 1000, 90_000, hour, 24 * hour] as const;

/** Somebody sets the clock while requests run. */
export const clockScenario: Scenario = steady({
  name: "clock",
  fault: "the clock jumps by seconds to a day, forward and back",
  cannot: (program) =>
    program.preload === undefined ? "the clock of an executable is not moved" : undefined,
  serve(house, program) {
    const file = join(house.folder, "clock");
    set(file, 0);
    return {
      program: program.preload?.(join(import.meta.dir, "moved-clock.ts")),
      env: { CHAOS_CLOCK: file },
    };
  },
  // A jump may end a minute or a lease; none of it is the client's.
  isAllowed: () => false,
  async strike({ house, chance, more }) {
    const file = join(house.folder, "clock");
    for (let count = 0; count < 4; count++) {
      set(file, chance.pick(jumps));
      await more(Math.floor(chance.between(5, 30)), 5000);
    }
    set(file, 0);
    return [];
  },
});

/** In place, so that whoever has the file mapped sees it. */
function set(path: string, milliseconds: number): void {
  const bytes = new Uint8Array(Float64Array.of(milliseconds).buffer);
  try {
    const file = openSync(path, "r+");
    writeSync(file, bytes, 0, 8, 0);
    closeSync(file);
  } catch {
    writeFileSync(path, bytes);
  }
}

import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "#src/store/open.ts";
import { numberIn } from "#src/store/store.ts";
import type { Scenario } from "#test/chaos/scenario.ts";
import { steady } from "#test/chaos/steady.ts";

const hour = 3_600_000;
const jumps = [-24 * hour, -hour, -90_000, -1000, 1000, 90_000, hour, 24 * hour] as const;

/** Somebody sets the clock while requests run. */
export const clockScenario: Scenario = steady({
  name: "clock",
  fault: "the clock jumps by seconds to a day, forward and back",
  cannot: (program) =>
    program.preload === undefined && (process.platform !== "linux" || Bun.which("cc") === null)
      ? "needs Linux and a C compiler"
      : undefined,
  serve(house, program) {
    const file = join(house.folder, "clock");
    set(file, 0);
    const env = { CHAOS_CLOCK: file };
    if (program.preload === undefined)
      return { env: { ...env, LD_PRELOAD: compiled(house.folder) } };
    return { program: program.preload(join(import.meta.dir, "moved-clock.ts")), env };
  },
  // A jump may end a minute or a lease; none of it is the client's.
  isAllowed: () => false,
  async strike({ house, chance, more }) {
    const file = join(house.folder, "clock");
    let farthest = 0;
    for (let count = 0; count < 4; count++) {
      const jump = chance.pick(jumps);
      farthest = Math.max(farthest, Math.abs(jump));
      set(file, jump);
      // More than were under way before: some begin after it.
      await more(Math.floor(chance.between(20, 45)), 5000);
    }
    set(file, 0);
    return (await farthestRow(house.database)) < farthest / 2 ? ["Its clock did not move"] : [];
  },
});

/** How far from this moment a row of the ledger says that it was made, milliseconds. */
async function farthestRow(database: string): Promise<number> {
  const store = await openStore({ url: `file:${database}` });
  try {
    const sql = "SELECT max(abs(created_at - ?)) AS farthest FROM generation";
    const [row] = await store.read(sql, [Date.now()]);
    return numberIn(row, "farthest") ?? 0;
  } finally {
    store.close();
  }
}

/** The library that moves the clock of an executable. */
function compiled(folder: string): string {
  const library = join(folder, "moved-clock.so");
  const source = join(import.meta.dir, "moved-clock.c");
  const { exitCode, stderr } = Bun.spawnSync(["cc", "-shared", "-fPIC", "-o", library, source]);
  if (exitCode !== 0) throw new Error(`Cannot compile ${source}: ${stderr}`);
  return library;
}

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

import { systemClock } from "#src/lib/clock.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { temporaryStore } from "#test/store/temporary.ts";
import { sampleGeneration } from "./sample.ts";

// Prints what a row costs in the ledger, for groups of 1, 10 and 50: bun test/ledger/measure.ts
for (const size of [1, 10, 50, 1, 10, 50]) {
  using kept = await temporaryStore();
  const ledger = createLedger({ store: kept.store, clock: systemClock, processId: "prc_bench" });
  const groups = Math.floor(20_000 / size);
  const start = performance.now();
  for (let group = 0; group < groups; group++) {
    const done: Promise<void>[] = [];
    for (let row = 0; row < size; row++) {
      const generation = sampleGeneration();
      const used = generation.cost ?? 0;
      done.push(
        ledger.record({
          generation,
          movements: [
            { kind: "credit", owner: "acc_1", windowStart: 0, used, fromLease: used },
            { kind: "key_limit", owner: "f01d52", windowStart: 0, used, fromLease: used },
          ],
        }),
      );
    }
    await Promise.all(done);
  }
  const micros = ((performance.now() - start) * 1000) / (groups * size);
  console.log(`groups of ${size}: ${micros.toFixed(1)} µs per row`);
}

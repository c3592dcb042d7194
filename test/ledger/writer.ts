import { createAllowances } from "#src/allowance/allowances.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { openStore } from "#src/store/open.ts";
import { sampleGeneration } from "./sample.ts";

// Spends and records until it is killed, and prints the id of each row that it believes durable.
const ids = createIds(systemClock);
const store = await openStore({ url: `file:${process.argv[2]}` });
const processId = ids.next("prc");
const allowances = createAllowances({
  store,
  clock: systemClock,
  processId,
  pid: process.pid,
  host: "test",
});
await allowances.start();
const ledger = createLedger({ store, clock: systemClock, processId });

async function request(): Promise<void> {
  const generation = sampleGeneration({ id: ids.next("gen") });
  const cost = generation.cost ?? 0;
  const demand = { kind: "credit", owner: "acc_1", windowStart: 0, amount: 2 * cost } as const;
  const hold = await allowances.reserve([demand]);
  if (!("settle" in hold)) return;
  await ledger.record({ generation, movements: hold.settle([cost]) });
  process.stdout.write(`${generation.id}\n`);
}

while (true) await Promise.all(Array.from({ length: 8 }, request));

import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { openSpool } from "#src/ledger/spool.ts";
import { openStore } from "#src/store/open.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";

// Records until it is killed, and prints the id of each row that it believes kept: URL of the database, data directory.
const ids = createIds(systemClock);
const [, , url = "", dataDir = ""] = process.argv;
const store = await openStore({ url });
const processId = ids.next("proc");
await store.write([
  { sql: "INSERT INTO process (id, started_at) VALUES (?, 0)", args: [processId] },
]);
const spool = openSpool({
  store,
  clock: systemClock,
  processId,
  dataDir,
  synchronous: "normal",
  // Small, so that several are begun and removed.
  fileBytes: 20_000,
  onTrouble: (event, rows, cause) =>
    void process.stderr.write(`${event} ${rows} ${String(cause)}\n`),
});

async function request(): Promise<void> {
  const generation = sampleGeneration({ id: ids.next("gen") });
  const used = generation.cost ?? 0;
  const movements = [{ kind: "credit", owner: "acc_1", windowStart: 0, used } as const];
  await spool.record({ generation, movements });
  process.stdout.write(`${generation.id}\n`);
}

while (true) await Promise.all(Array.from({ length: 8 }, request));

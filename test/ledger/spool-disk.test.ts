import { expect, test } from "bun:test";
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { openSpool } from "#src/ledger/spool.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";

test("where a row that the database refuses cannot be set aside, the others are sent, and it is later", async () => {
  using data = temporaryFolder();
  using kept = await temporaryStore();
  await kept.store.write([
    { sql: "INSERT INTO process (id, started_at) VALUES ('proc_1', 0)", args: [] },
  ]);
  const told: string[] = [];
  const refusedTwice = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<void>();
  const spool = openSpool({
    store: kept.store,
    clock: createFakeClock(),
    processId: "proc_1",
    dataDir: data.path,
    synchronous: "normal",
    onTrouble(event) {
      told.push(event);
      if (told.length === 2) refusedTwice.resolve();
      if (event === "row_refused") refused.resolve();
    },
  });
  // Where rows that are refused go, nothing can be written.
  const aside = join(data.path, "spool", "refused.jsonl");
  mkdirSync(aside);
  const first = sampleGeneration();
  await spool.record({ generation: first, movements: [] });
  await spool.flush();
  await spool.record({ generation: { ...first, user: "another" }, movements: [] });
  await refusedTwice.promise;
  await spool.record({ generation: sampleGeneration(), movements: [] });
  rmdirSync(aside);
  await refused.promise;
  await spool.flush();
  const [row] = await kept.store.read("SELECT count(*) AS n FROM generation_record", []);
  expect(row).toEqual({ n: 2 });
  expect(new Set(told)).toEqual(new Set(["spool_failed", "row_refused"]));
  await spool.close();
});

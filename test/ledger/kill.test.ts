import { expect, test } from "bun:test";
import { join } from "node:path";
import { createAllowances } from "#src/allowance/allowances.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { verifyChain } from "#src/ledger/chain.ts";
import { nano } from "#src/ledger/money.ts";
import { addCredit, balanceOf, checkBalances } from "#src/ledger/transactions.ts";
import { checkIntegrity } from "#src/store/backup.ts";
import { textOf, type Store } from "#src/store/store.ts";
import { temporaryStore } from "#test/store/temporary.ts";

const rounds = 10;

/** The ids that a writer printed before it was killed, each after its row was said to be durable. */
async function writeUntilKilled(path: string, lines: number): Promise<string[]> {
  const writer = Bun.spawn([process.execPath, join(import.meta.dir, "writer.ts"), path], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of writer.stdout) {
    text += decoder.decode(bytes, { stream: true });
    if (text.split("\n").length > lines) writer.kill("SIGKILL");
  }
  await writer.exited;
  return text.split("\n").slice(0, -1);
}

async function idsIn(store: Store): Promise<Set<string>> {
  const rows = await store.read("SELECT id FROM generation", []);
  return new Set(rows.map((row) => textOf(row, "id") ?? ""));
}

test("after kill -9 no acknowledged row is missing, the balance is the sum, and the leases come back", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const ids = createIds(systemClock);
  const amount = nano(1_000_000_000_000);
  const top = {
    accountId: "acc_1",
    type: "credit",
    amount,
    description: "Top-up",
    by: "test",
  } as const;
  await addCredit(store, { clock: systemClock, ids }, top);
  for (let round = 0; round < rounds; round++) {
    const printed = await writeUntilKilled(kept.path, 20 + round * 37);
    const found = await idsIn(store);
    expect(printed.length).toBeGreaterThan(0);
    expect(printed.filter((id) => !found.has(id))).toEqual([]);
    expect(await checkBalances(store)).toEqual([]);
    expect((await balanceOf(store, "acc_1")).used).toBe(nano(found.size * 4_200_000));
  }
  const processId = ids.next("prc");
  const next = createAllowances({
    store,
    clock: systemClock,
    processId,
    pid: process.pid,
    host: "test",
  });
  await next.start();
  expect(await store.read("SELECT sum(leased) AS leased FROM allowance", [])).toEqual([
    { leased: 0 },
  ]);
  expect((await verifyChain(store)).faults).toEqual([]);
  await checkIntegrity(store);
}, 60_000);

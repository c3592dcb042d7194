import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createAccount } from "#src/account/accounts.ts";

import { createKey, type NewKey } from "#src/account/keys.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { endServing, type Serving, startServing } from "#test/lib/serving.ts";

/** A gateway of several processes, and the one that supervises them. */
export interface Fleet extends Serving {
  /** Process ids of the workers that run. */
  workers(): number[];
}

/** Ends what a test that failed left running: workers go with the one that supervises them. */
export const endFleets = endServing;

/** Starts `serve` from the sources and waits until it says that it listens. Without a number, the file or a variable says it. */
export async function startFleet(
  folder: string,
  options: { workers?: number; env?: Record<string, string>; args?: string[]; command?: string[] },
): Promise<Fleet> {
  const { workers, env, command } = options;
  const number = workers === undefined ? [] : ["--workers", String(workers)];
  const args = [...number, "--data-dir", join(folder, "state"), ...(options.args ?? [])];
  const serving = await startServing({ args, env, command });
  return { ...serving, workers: () => childrenOf(serving.pid).filter(isRunning) };
}

/** Processes that one started and that run. */
export function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").split(" ").filter(Boolean).map(Number);
}

/** Whether a process is there and no corpse. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** The database of a fleet. */
export async function storeIn(folder: string): Promise<Store> {
  const store = await openStore({ url: `file:${join(folder, "state/lowrouter.db")}` });
  await migrate(store, systemClock);
  return store;
}

/** An account with a key; prepaid where it gets credit, else metered. */
export async function customer(
  folder: string,
  { credit, ...more }: { credit?: number } & Partial<NewKey> = {},
): Promise<{ accountId: string; secret: string; hash: string }> {
  const store = await storeIn(folder);
  const kit = { clock: systemClock, ids: createIds(systemClock) };
  const plan = credit === undefined ? "metered" : "prepaid";
  const { id: accountId } = await createAccount(store, kit, { name: "acme", plan });
  if (credit !== undefined)
    await addCredit(store, kit, {
      accountId,
      type: "credit",
      amount: fromUnits(credit),
      description: "Credit",
      by: "test",
    });
  const { key, secret } = await createKey(store, systemClock, {
    accountId,
    name: "k",
    type: "regular",
    ...more,
  });
  store.close();
  return { accountId, secret, hash: key.hash };
}

/** Waits until something is so: of other processes that can only be asked for, and a busy machine starts them slowly. */
export async function until(what: string, so: () => boolean): Promise<void> {
  const deadline = performance.now() + 45_000;
  while (!so()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await Bun.sleep(5);
  }
}

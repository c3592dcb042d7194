import { createAccount } from "#src/account/accounts.ts";
import { headSigner, headVerifier } from "#src/account/head-signer.ts";
import { createKey } from "#src/account/keys.ts";
import { publicKeys } from "#src/account/signing-key.ts";
import { windowOf } from "#src/allowance/window.ts";
import { type Audit, auditLedger } from "#src/ledger/audit.ts";
import { createLedger, type Ledger } from "#src/ledger/commit.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { headsFile, headsText, type Heads, publishedHeads, startHeads } from "#src/ledger/heads.ts";
import { nano } from "#src/ledger/money.ts";
import { createRetention, type Retention, type RetentionRun } from "#src/ledger/retention.ts";
import { addCredit, balanceOf, checkBalances, listTransactions } from "#src/ledger/transactions.ts";
import { createIds } from "#src/lib/id.ts";
import type { Row, Store, Value } from "#src/store/store.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";
import { sampleGeneration } from "./sample.ts";

export const dayMs = 86_400_000;
/** The first day of every ledger here. */
export const firstDay = Date.UTC(2026, 0, 1);

/** One request of a ledger that is to be made. */
export interface Ask {
  chain: number;
  account: number;
  /** Days after the first, and milliseconds of that day. */
  day: number;
  ms: number;
  cost: number;
  milligrams: number;
}

/** A ledger of several processes, two accounts with credit, each with a key that has limits, and what removes its old rows. */
export interface House extends Disposable {
  store: Store;
  path: string;
  dataDir: string;
  clock: FakeClock;
  accounts: readonly string[];
  /** Keeps them, each in the chain that it names, and publishes heads. */
  record(asks: readonly Ask[]): Promise<Generation[]>;
  heads: Heads;
  /** Runs that were noted, and chains that it stopped at. */
  runs: RetentionRun[];
  stopped: string[];
  retention(usageDays?: number, processId?: string, through?: Store): Retention;
  audit(): Promise<Audit>;
  /** Everything of an audit that is not in order, in words. */
  findings(): Promise<string[]>;
  /** What all listed transactions of an account come to, and its balance. */
  money(account: string): Promise<{ listed: number; balance: number }>;
  run(sql: string, ...args: Value[]): Promise<Row[]>;
}

/** Makes one. */
export async function openHouse(): Promise<House> {
  const kept = await temporaryStore();
  const folder = temporaryFolder();
  const { store } = kept;
  const clock = createFakeClock(firstDay - dayMs);
  const ids = createIds(clock);
  const place = { dataDir: folder.path, isRemote: false, secret: () => undefined };
  const accounts: string[] = [];
  const keys: string[] = [];
  for (const name of ["a", "b"]) {
    const { id } = await createAccount(store, { clock, ids }, { name, plan: "prepaid" });
    const limits = { dailyLimit: nano(10 ** 12), monthlyLimit: nano(10 ** 12), carbonBudgetG: 10 };
    const { key } = await createKey(store, clock, { accountId: id, name, ...limits });
    const credit = { accountId: id, type: "credit", amount: nano(10 ** 10) } as const;
    await addCredit(store, { clock, ids }, { ...credit, description: "Test", by: "test" });
    accounts.push(id);
    keys.push(key.hash);
  }
  const ledgers = new Map<number, Ledger>();
  const faults: unknown[] = [];
  const heads = startHeads({
    store,
    clock,
    processId: "prc_0",
    file: headsFile(folder.path),
    signer: () => headSigner(store, place, clock),
    onFault: (cause) => faults.push(cause),
  });
  const runs: RetentionRun[] = [];
  const stopped: string[] = [];

  async function recordOne(ask: Ask): Promise<Generation> {
    const { chain, account, cost, milligrams } = ask;
    const createdAt = firstDay + ask.day * dayMs + ask.ms;
    clock.set(Math.max(clock.now(), createdAt));
    let ledger = ledgers.get(chain);
    if (ledger === undefined)
      ledgers.set(chain, (ledger = createLedger({ store, clock, processId: `prc_${chain}` })));
    const keyId = keys[account] ?? "";
    const generation = sampleGeneration({
      accountId: accounts[account] ?? "",
      keyId,
      cost: nano(cost),
      carbonG: milligrams / 1000,
      createdAt,
    });
    const used = (kind: "key_daily" | "key_monthly" | "carbon", reset: "daily" | "monthly") => {
      // One that comes in late may be admitted when the next window has begun, and then counts there.
      const admitted =
        ask.ms % 2 === 1 && ask.ms >= dayMs - 600_000 ? createdAt + 600_000 : createdAt;
      const { windowStart } = windowOf(reset, admitted);
      const amount = kind === "carbon" ? milligrams * 1000 : cost;
      return { kind, owner: keyId, windowStart, used: amount };
    };
    const movements = [
      used("key_daily", "daily"),
      used("key_monthly", "monthly"),
      used("carbon", "monthly"),
    ];
    await ledger.record({ generation, movements });
    return generation;
  }

  async function audit(): Promise<Audit> {
    const log = headsText(headsFile(folder.path));
    const keysNow = await publicKeys(store);
    return auditLedger(store, { log, isOwnLog: true, verifier: headVerifier, keys: keysNow });
  }

  return {
    ...{
      store,
      path: kept.path,
      dataDir: folder.path,
      clock,
      accounts,
      heads,
      runs,
      stopped,
      audit,
    },
    async record(asks) {
      const made: Generation[] = [];
      for (const ask of asks) made.push(await recordOne(ask));
      await heads.publish();
      if (faults.length > 0) throw faults[0];
      return made;
    },
    retention: (usageDays = 32, processId = "prc_0", through = store) =>
      createRetention({
        ...{ store: through, clock, usageDays, processId, pauseMs: 0 },
        signer: () => headSigner(store, place, clock),
        heads: () => publishedHeads(headsFile(folder.path)),
        beside: () => [],
        onRemoved: (run) => runs.push(run),
        onStopped: (message) => stopped.push(message),
      }),
    async findings() {
      const found = await audit();
      return [
        ...[...found.faults, ...found.mismatches].map(({ message }) => message),
        ...found.headFaults,
        ...(await checkBalances(store)).map((one) => JSON.stringify(one)),
      ];
    },
    async money(account) {
      let listed = 0;
      for (let pageToken: string | undefined; ;) {
        const ask = pageToken === undefined ? { pageSize: 7 } : { pageSize: 7, pageToken };
        const page = await listTransactions(store, account, ask);
        for (const { amount } of page.items) listed += amount;
        pageToken = page.nextPageToken;
        if (pageToken === undefined) break;
      }
      return { listed, balance: (await balanceOf(store, account)).balance };
    },
    async run(sql, ...args) {
      const [rows = []] = await store.write([{ sql, args }]);
      return rows;
    },
    [Symbol.dispose]() {
      kept[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

import { expect, test } from "bun:test";
import type { Account, ApiKey } from "#src/account/account.ts";
import { createAccount, findAccount, listAccounts, replacing } from "#src/account/accounts.ts";
import { createKeyCache } from "#src/account/key-cache.ts";
import { usageOf } from "#src/account/key-usage.ts";
import {
  createKey,
  deleteKey,
  getKey,
  hashOf,
  listKeys,
  mintSecret,
  updateKey,
  type NewKey,
} from "#src/account/keys.ts";
import { getSetting, setSetting } from "#src/account/settings.ts";
import { createIds } from "#src/lib/id.ts";
import { createLedger } from "#src/ledger/commit.ts";
import { nano } from "#src/ledger/money.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryStore } from "#test/store/temporary.ts";

const clock = createFakeClock();

async function open(store: Store): Promise<Account> {
  return await createAccount(
    store,
    { clock, ids: createIds(clock) },
    { name: "Ada", plan: "prepaid" },
  );
}

/** Without members that are absent. */
function plain(key: ApiKey | undefined): unknown {
  return JSON.parse(JSON.stringify(key));
}

const everything: Omit<NewKey, "accountId"> = {
  name: "prod",
  type: "regular",
  limit: nano(150),
  limitReset: "monthly",
  dailyLimit: nano(5),
  monthlyLimit: nano(50),
  allowedProviders: ["openai"],
  allowedModels: ["gpt-5.4", "mistral/small"],
  region: "eu-west",
  policy: "green",
  preferLowCarbon: true,
  rateLimit: { requestsPerMinute: 60, maxInFlight: 3 },
  carbonBudgetG: 12.5,
  carbonBudgetReset: "daily",
  carbonBudgetAction: { routeUnderGPer1k: 0.5 },
  expiresAt: 1_800_000_000_000,
};

test("accounts are made, listed, found and changed", async () => {
  using kept = await temporaryStore();
  const account = await open(kept.store);
  expect(account.id).toStartWith("acc_");
  expect(await listAccounts(kept.store)).toEqual([account]);
  await kept.store.write(replacing({ ...account, disabled: true }));
  expect(await findAccount(kept.store, account.id)).toEqual({ ...account, disabled: true });
  expect(await findAccount(kept.store, "acc_none")).toBeUndefined();
});

test("a secret has 43 random characters after its prefix, and the store has only its hash", async () => {
  using kept = await temporaryStore();
  expect(mintSecret("regular")).toMatch(/^lr_live_[0-9A-Za-z]{43}$/);
  expect(mintSecret("management")).toMatch(/^lr_mgmt_[0-9A-Za-z]{43}$/);
  const account = await open(kept.store);
  const { key, secret } = await createKey(kept.store, clock, { accountId: account.id, name: "a" });
  expect(key.hash).toBe(hashOf(secret));
  expect(key.label).toBe(`${secret.slice(0, 12)}…${secret.slice(-4)}`);
  const rows = JSON.stringify(await kept.store.read("SELECT * FROM api_key", []));
  expect(rows).not.toContain(secret.slice(12, -4));
});

test("a key comes back with everything it was given, and changes only where told", async () => {
  using kept = await temporaryStore();
  const account = await open(kept.store);
  const { key } = await createKey(kept.store, clock, { ...everything, accountId: account.id });
  expect(plain(await getKey(kept.store, account.id, key.hash))).toEqual(plain(key));
  expect(await getKey(kept.store, "acc_other", key.hash)).toBeUndefined();
  const changed = await updateKey(kept.store, clock, account.id, key.hash, {
    limit: undefined,
    name: "b",
  });
  expect(plain(changed)).toEqual(
    plain({ ...key, limit: undefined, name: "b", updatedAt: clock.now() }),
  );
  expect(plain(await getKey(kept.store, undefined, key.hash))).toEqual(plain(changed));
  expect(await updateKey(kept.store, clock, "acc_other", key.hash, { name: "c" })).toBeUndefined();
  expect(await deleteKey(kept.store, clock, "acc_other", key.hash)).toBe(false);
  expect(await deleteKey(kept.store, clock, account.id, key.hash)).toBe(true);
  expect(await getKey(kept.store, account.id, key.hash)).toBeUndefined();
});

test("listKeys() pages newest first and leaves out disabled ones when told", async () => {
  using kept = await temporaryStore();
  const { id: accountId } = await open(kept.store);
  const time = createFakeClock();
  for (let at = 0; at < 5; at++) {
    await createKey(kept.store, time, { accountId, name: `k${at}`, disabled: at === 2 });
    if (at !== 3) time.advance(1);
  }
  const names = async (parts: object): Promise<string[]> =>
    (await listKeys(kept.store, { accountId, includeDisabled: true, pageSize: 20, ...parts })).map(
      ({ name }) => name,
    );
  expect((await names({})).slice(2)).toEqual(["k2", "k1", "k0"]);
  expect(await names({ includeDisabled: false })).not.toContain("k2");
  const [, second] = await listKeys(kept.store, { accountId, includeDisabled: true, pageSize: 2 });
  expect(await names({ pageToken: second?.hash })).toEqual(["k2", "k1", "k0"]);
  expect(await names({ offset: 3 })).toEqual(["k1", "k0"]);
  expect(await names({ accountId: "acc_other" })).toEqual([]);
});

test("find() answers from memory, and at once after a change in this process", async () => {
  using kept = await temporaryStore();
  const { store } = kept;
  const account = await open(store);
  const { key, secret } = await createKey(store, clock, { accountId: account.id, name: "a" });
  let reads = 0;
  const counting: Store = {
    ...store,
    read(sql, args) {
      reads++;
      return store.read(sql, args);
    },
  };
  const time = createFakeClock();
  const cache = createKeyCache({ store: counting, clock: time });
  const found = cache.find(secret);
  expect(found).not.toBeInstanceOf(Promise);
  expect(await found).toMatchObject({
    key: { name: "a" },
    account: { id: account.id, name: "Ada", plan: "prepaid" },
  });
  reads = 0;
  await cache.find(secret);
  expect(reads).toBe(0);
  expect(await cache.find("lr_live_unknown")).toBeUndefined();

  await updateKey(store, clock, account.id, key.hash, { disabled: true });
  cache.invalidate(key.hash);
  expect((await cache.find(secret))?.key.disabled).toBe(true);
  await deleteKey(store, clock, account.id, key.hash);
  cache.invalidate(key.hash);
  expect(await cache.find(secret)).toBeUndefined();
});

test("find() notices within 50 ms what another process changed", async () => {
  using kept = await temporaryStore();
  const account = await open(kept.store);
  const { key, secret } = await createKey(kept.store, clock, { accountId: account.id, name: "a" });
  const time = createFakeClock();
  const cache = createKeyCache({ store: kept.store, clock: time });
  await cache.find(secret);
  const other = await openStore({ url: `file:${kept.path}` });
  await updateKey(other, clock, account.id, key.hash, { disabled: true });
  await other.write(replacing({ ...account, plan: "metered" }));
  other.close();
  time.advance(50);
  expect(await cache.find(secret)).toMatchObject({
    key: { disabled: true },
    account: { plan: "metered" },
  });
});

test("tick() writes when a key was last used", async () => {
  using kept = await temporaryStore();
  const account = await open(kept.store);
  const { key, secret } = await createKey(kept.store, clock, { accountId: account.id, name: "a" });
  const cache = createKeyCache({ store: kept.store, clock });
  await cache.find(secret);
  expect((await getKey(kept.store, account.id, key.hash))?.lastUsedAt).toBeUndefined();
  await cache.tick();
  expect((await getKey(kept.store, account.id, key.hash))?.lastUsedAt).toBe(clock.now());
});

test("tick() writes when many keys were used in pieces, and each once", async () => {
  using kept = await temporaryStore();
  const account = await open(kept.store);
  const sizes: number[] = [];
  const store: Store = {
    ...kept.store,
    write(statements) {
      sizes.push(statements.length);
      return kept.store.write(statements);
    },
  };
  const cache = createKeyCache({ store, clock });
  for (let at = 0; at < 450; at++) {
    const { secret } = await createKey(kept.store, clock, { accountId: account.id, name: "a" });
    await cache.find(secret);
  }
  await cache.tick();
  expect(sizes).toEqual([200, 200, 50]);
  const unused = await kept.store.read("SELECT hash FROM api_key WHERE last_used_at IS NULL", []);
  expect(unused).toEqual([]);
  // It keeps nothing of them.
  await cache.tick();
  expect(sizes).toHaveLength(3);
});

test("usageOf() sums by the windows of the day, the week and the month", async () => {
  using kept = await temporaryStore();
  const ledger = createLedger({ store: kept.store, clock, processId: "prc_1" });
  const days = ["2026-01-15", "2026-01-12", "2026-01-11", "2026-01-01", "2025-12-31"];
  const made = days.map((day, at) =>
    sampleGeneration({
      createdAt: Date.parse(day),
      keyId: "k",
      cost: nano(10 ** at),
      isByok: at === 0,
    }),
  );
  await Promise.all(made.map((generation) => ledger.record({ generation, movements: [] })));
  const usage = await usageOf(kept.store, "k", clock.now());
  expect(usage.own).toEqual({
    daily: nano(1),
    weekly: nano(11),
    monthly: nano(1111),
    total: nano(11111),
  });
  expect(usage.byok.total).toBe(nano(4_000_000));
  expect((await usageOf(kept.store, "none", clock.now())).own.total).toBe(nano(0));
});

test("a setting is kept in place of the one before", async () => {
  using kept = await temporaryStore();
  expect(await getSetting(kept.store, "a")).toBeUndefined();
  await setSetting(kept.store, "a", "1");
  await setSetting(kept.store, "a", "2");
  expect(await getSetting(kept.store, "a")).toBe("2");
});

import { expect, test } from "bun:test";
import { createAccount } from "#src/account/accounts.ts";
import { createKeyCache } from "#src/account/key-cache.ts";
import { createKey, deleteKey } from "#src/account/keys.ts";
import { createIds } from "#src/lib/id.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryStore } from "#test/store/temporary.ts";

/** A key that is known, in the cache of a process whose database is elsewhere and answers when it is told to. */
async function known() {
  const kept = await temporaryStore();
  const clock = createFakeClock();
  const { store } = kept;
  const account = await createAccount(
    store,
    { clock, ids: createIds(clock) },
    { name: "Ada", plan: "prepaid" },
  );
  const { key, secret } = await createKey(store, clock, { accountId: account.id, name: "a" });
  let gate: Promise<void> | undefined;
  let reads = 0;
  const remote: Store = {
    ...store,
    kind: "remote",
    async read(sql, args) {
      reads++;
      await gate;
      return await store.read(sql, args);
    },
  };
  const cache = createKeyCache({ store: remote, clock });
  expect(await cache.find(secret)).toBeDefined();
  return {
    clock,
    cache,
    secret,
    revoke: () => deleteKey(store, clock, account.id, key.hash),
    /** Reads wait until what is returned is called; or fail where it is called with a fault. */
    hold(): (fault?: Error) => void {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      promise.catch(() => undefined);
      gate = promise;
      return (fault) => (fault === undefined ? resolve() : reject(fault));
    },
    reads: () => reads,
    [Symbol.dispose]: () => kept[Symbol.dispose](),
  };
}

test("a crowd after a quiet hour waits for what the first of it asks: nobody comes in by a revoked key", async () => {
  using house = await known();
  const { cache, secret, clock } = house;
  await house.revoke();
  clock.advance(3_600_000);
  const open = house.hold();
  const crowd = Array.from({ length: 20 }, () => cache.find(secret));
  open();
  expect((await Promise.all(crowd)).filter((caller) => caller !== undefined)).toEqual([]);
});

test("whoever was asked for within two seconds goes on while the next look is under way", async () => {
  using house = await known();
  const { cache, secret, clock } = house;
  clock.advance(1500);
  const open = house.hold();
  const first = cache.find(secret);
  // From memory, at once.
  expect(cache.find(secret)).not.toBeInstanceOf(Promise);
  open();
  expect(await first).toBeDefined();
});

test("where the database is away one crowd waits for it, and no other", async () => {
  using house = await known();
  const { cache, secret, clock } = house;
  clock.advance(3_600_000);
  const open = house.hold();
  const crowd = Array.from({ length: 20 }, () => cache.find(secret));
  open(new Error("It is away"));
  expect((await Promise.all(crowd)).filter((caller) => caller === undefined)).toEqual([]);
  clock.advance(1000);
  const before = house.reads();
  house.hold();
  const asking = cache.find(secret);
  expect(house.reads()).toBe(before + 1);
  expect(cache.find(secret)).not.toBeInstanceOf(Promise);
  // Nor does the one that asks wait for longer than a moment.
  expect(await asking).toBeDefined();
});

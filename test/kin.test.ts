import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { createAccount } from "#src/account/accounts.ts";
import { createGateway, type Gateway } from "#src/app.ts";
import { type Config, loadConfig } from "#src/config/load.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { silentLog } from "#src/observe/log.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { numberIn, type Store } from "#src/store/store.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/*
 * Gateways of one process, of which one takes the place of another.
 */

const kit = { clock: systemClock, ids: createIds(systemClock) };
let folder: ReturnType<typeof temporaryFolder>;
let store: Store;
let config: Config;
beforeEach(async () => {
  folder = temporaryFolder();
  store = await openStore({ url: `file:${folder.path}/lowrouter.db` });
  await migrate(store, systemClock);
  config = loadConfig({ dataDir: folder.path }, { LOWROUTER_METRICS: "true" });
});
afterEach(() => {
  store.close();
  folder[Symbol.dispose]();
});

const after = (before?: Gateway, changed = config) =>
  createGateway({ config: changed, store, log: silentLog, legacy: before?.legacy() });

const leased = async () => {
  const rows = await store.read("SELECT sum(amount) AS amount FROM lease", []);
  return numberIn(rows[0], "amount") ?? 0;
};

describe("a gateway that takes the place of another", () => {
  test("leaves its leases alone until it is closed; of one that never told, they are taken back", async () => {
    const { id: owner } = await createAccount(store, kit, { name: "acme", plan: "prepaid" });
    await addCredit(store, kit, {
      accountId: owner,
      type: "credit",
      amount: fromUnits(1),
      description: "Credit",
      by: "test",
    });
    const demand = { kind: "credit", owner, windowStart: 0, amount: 1000 } as const;
    const former = await after();
    expect(await former.app.allowances.reserve([demand])).toHaveProperty("settle");
    const before = await leased();
    expect(before).toBeGreaterThan(0);
    const next = await after(former);
    expect(await leased()).toBe(before);
    // As in a container that was started again: the same number, and nobody of that name.
    const stranger = await after();
    expect(await leased()).toBe(0);
    for (const one of [former, next, stranger]) await one.close();
  });

  test("finds what that one leased and does not need", async () => {
    const { id: owner } = await createAccount(store, kit, { name: "acme", plan: "prepaid" });
    const by = { accountId: owner, type: "credit", description: "Credit", by: "test" } as const;
    await addCredit(store, kit, { ...by, amount: fromUnits(1) });
    const demand = { kind: "credit", owner, windowStart: 0, amount: 1000 } as const;
    const former = await after();
    expect(await former.app.allowances.reserve([demand])).toHaveProperty("settle");
    expect(await leased()).toBeGreaterThan(1000);
    await former.spare();
    expect(await leased()).toBe(1000);
    await former.close();
  });

  test("is not told of circuits by that one any more", async () => {
    const former = await after();
    await store.write([
      {
        sql: "INSERT INTO provider_health (process, provider, region, model, state, open_until, updated_at) VALUES (?, 'openai', 'eu', 'm', 'unavailable', ?, ?)",
        args: [former.services.processId, systemClock.now() + 60_000, systemClock.now()],
      },
    ]);
    const next = await after(former);
    await former.spare();
    expect(await store.read("SELECT process FROM provider_health", [])).toEqual([]);
    for (const one of [former, next]) await one.close();
  });

  test("counts on, under the name of the first; sums in another currency begin anew", async () => {
    const former = await after();
    former.app.telemetry?.refused("no_route");
    const next = await after(former);
    former.app.telemetry?.refused("no_route");
    next.app.telemetry?.refused("no_route");
    expect(next.app.telemetry?.counted.meter.refusals.get("no_route")).toBe(3);
    expect(next.app.telemetry?.counted.instance).toBe(former.services.processId);
    const euros = { ...config, billing: { ...config.billing, currency: "EUR" } };
    const other = await after(next, euros);
    expect(other.app.telemetry?.counted.meter.refusals.size).toBe(0);
    for (const one of [former, next, other]) await one.close();
  });

  test("counts on what disk and database did not take of either; no file of theirs is one that was left", async () => {
    // As one on another machine, behind a spool.
    const remote: Store = { ...store, kind: "remote" };
    const behind = (before?: Gateway) =>
      createGateway({ config, store: remote, log: silentLog, legacy: before?.legacy() });
    const record = (one: Gateway, generation = sampleGeneration()) =>
      one.app.ledger.record({ generation, movements: [] });
    const told = ({ services }: Gateway) => {
      const { refused, faults, leftBytes } = services.unsent?.state() ?? {};
      return { refused, faults, leftBytes };
    };
    const former = await behind();
    const twice = sampleGeneration();
    await record(former, twice);
    await former.flush();
    // A row of the same id that says something else is refused for good.
    await record(former, { ...twice, user: "another" });
    await record(former);
    await former.flush();
    expect(told(former)).toEqual({ refused: 1, faults: 0, leftBytes: 0 });
    const next = await behind(former);
    expect(told(next)).toEqual({ refused: 1, faults: 0, leftBytes: 0 });
    const spool = join(folder.path, "spool");
    const aside = join(folder.path, "aside");
    renameSync(spool, aside);
    await record(next);
    await next.flush();
    renameSync(aside, spool);
    expect(told(next)).toEqual({ refused: 1, faults: 1, leftBytes: 0 });
    expect(told(former)).toEqual(told(next));
    for (const one of [former, next]) await one.close();
  }, 30_000);

  test("sees what both have under way, and each what is its own", async () => {
    const former = await after();
    const next = await after(former);
    const job = { place: -1 };
    // Nothing else of a job is looked at.
    Reflect.apply(former.app.open.add, former.app.open, [job]);
    expect([next.app.open.size, next.app.open.own, former.app.open.own]).toEqual([1, 0, 1]);
    Reflect.apply(former.app.open.delete, former.app.open, [job]);
    expect([next.app.open.size, next.app.open.own, former.app.open.own]).toEqual([0, 0, 0]);
    for (const one of [former, next]) await one.close();
  });

  test("where it cannot be built, leaves nothing behind that goes on", async () => {
    const former = await after();
    const kin = former.legacy().kin;
    const living = [...kin.living];
    const broken: Store = {
      ...store,
      write(statements) {
        if (statements.some(({ sql }) => sql.startsWith("INSERT INTO process")))
          throw new Error("no room");
        return store.write(statements);
      },
    };
    const told: string[] = [];
    const log = { write: (_: string, event: string) => void told.push(event) };
    const building = createGateway({ config, store: broken, log, legacy: former.legacy() });
    await expect(building).rejects.toThrow("no room");
    expect([[...kin.living], told]).toEqual([living, []]);
    await former.close();
    expect(kin.living.size).toBe(0);
  });
});

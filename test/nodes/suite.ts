import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";
import type { Allowances, Demand } from "#src/allowance/allowance.ts";
import { createAllowances } from "#src/allowance/allowances.ts";
import { systemClock } from "#src/lib/clock.ts";
import { numberIn, textOf } from "#src/store/store.ts";
import { until } from "#test/bin/executable.ts";
import { aLease, aReturn, stalling } from "#test/lib/stalling.ts";
import { type Cluster, type DatabaseServer, type Node, startCluster } from "#test/nodes/kit.ts";

/* What holds for several gateways on one database over the network, whatever server that is. */

const refusal = v.object({
  error: v.looseObject({
    code: v.string(),
    metadata: v.looseObject({
      may_cost: v.optional(v.number()),
      may_emit_g: v.optional(v.number()),
    }),
  }),
});
/** Processes start slowly where many do. */
const patience = 120_000;

/** Tells the claims of a server. */
export function suite(open: () => Promise<DatabaseServer>): void {
  let cluster: Cluster;
  let one: Node;
  let two: Node;
  beforeAll(async () => {
    cluster = await startCluster(await open());
    // One after the other: the first makes what both need.
    one = await cluster.node("one");
    two = await cluster.node("two");
  }, patience);
  afterAll(() => cluster.close(), patience);
  afterEach(() => Promise.all([one.wire.mend(), two.wire.mend()]), patience);

  /** Asks both at once, so often each; the statuses in the order of the answers. */
  async function hammer(key: string, times: number): Promise<number[]> {
    const answers = Array.from({ length: times }, () => [one.ask(key), two.ask(key)]).flat();
    return (await Promise.all(answers)).map(({ status }) => status);
  }
  const count = (statuses: readonly number[], status: number) =>
    statuses.filter((found) => found === status).length;
  /** Waits until the database has as many rows of an account. */
  async function arrived(account: string, rows: number): Promise<void> {
    await until(`${rows} rows are in the database`, async () => {
      const found = await cluster.rows(account);
      if (found.length > rows) throw new Error(`${found.length} rows instead of ${rows}`);
      return found.length === rows;
    });
  }
  const sound = async () => expect(await cluster.faults()).toEqual({ accounts: 0, rows: [] });
  /** What one of our requests may cost or emit at most, as its refusal says. */
  async function most(key: string) {
    const answer = await one.ask(key);
    expect(answer.status).toBe(402);
    return v.parse(refusal, JSON.parse(answer.text)).error.metadata;
  }

  test(
    "both spend one credit, and never more than there is",
    async () => {
      const poor = await cluster.key(await cluster.account({ credit: 1e-9 }));
      const { may_cost: hold = 0 } = await most(poor.secret);
      const account = await cluster.account({ credit: hold * 5 });
      const { secret } = await cluster.key(account);
      const statuses = await hammer(secret, 60);
      const served = count(statuses, 200);
      expect(count(statuses, 402)).toBe(120 - served);
      // Five fit at their dearest, and more as each costs less.
      expect(served).toBeGreaterThanOrEqual(5);
      expect(served).toBeLessThan(120);
      await arrived(account, served);
      expect(await cluster.balance(account)).toBeGreaterThanOrEqual(0);
      await sound();
    },
    patience,
  );

  test(
    "a limit of ten requests a day is ten on both together",
    async () => {
      const account = await cluster.account({ plan: "metered" });
      const { secret } = await cluster.key(account, { rateLimit: { requestsPerDay: 10 } });
      const statuses = await hammer(secret, 20);
      expect([count(statuses, 200), count(statuses, 429)]).toEqual([10, 30]);
      await arrived(account, 10);
    },
    patience,
  );

  test(
    "a carbon budget holds on both together",
    async () => {
      const account = await cluster.account({ plan: "metered" });
      const budget = (carbonBudgetG: number) =>
        cluster.key(account, { carbonBudgetG, carbonBudgetReset: "daily" });
      const { may_emit_g: grams = 0 } = await most((await budget(1e-6)).secret);
      const { secret, hash } = await budget(grams * 6);
      const statuses = await hammer(secret, 40);
      const served = count(statuses, 200);
      expect(count(statuses, 402)).toBe(80 - served);
      expect(served).toBeGreaterThanOrEqual(6);
      await arrived(account, served);
      const [row] = await cluster.store.read(
        "SELECT sum(carbon_g) AS grams FROM generation WHERE key_id = ?",
        [hash],
      );
      expect(numberIn(row, "grams") ?? 0).toBeGreaterThan(0);
      expect(numberIn(row, "grams") ?? 0).toBeLessThanOrEqual(grams * 6);
    },
    patience,
  );

  test(
    "a key that is revoked on one is refused by the other within two seconds",
    async () => {
      const account = await cluster.account({ plan: "metered" });
      const { secret, hash } = await cluster.key(account);
      const { secret: manager } = await cluster.key(account, { type: "management" });
      expect([(await one.ask(secret)).status, (await two.ask(secret)).status]).toEqual([200, 200]);
      const revoked = await fetch(`${one.url}/v1/keys/${hash}`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${manager}` },
      });
      expect(revoked.status).toBe(200);
      const from = performance.now();
      await until("it is refused", async () => (await two.ask(secret)).status === 401);
      expect(performance.now() - from).toBeLessThan(2000);
    },
    patience,
  );

  test(
    "each writes a chain of its own, and all verify",
    async () => {
      const account = await cluster.account({ plan: "metered" });
      const { secret } = await cluster.key(account);
      await hammer(secret, 10);
      await arrived(account, 20);
      const chains = await cluster.store.read(
        "SELECT chain, count(*) AS rows FROM generation_record WHERE account_id = ? GROUP BY chain",
        [account],
      );
      expect(chains.map((row) => numberIn(row, "rows"))).toEqual([10, 10]);
      await sound();
    },
    patience,
  );

  test.each(["refuse", "hang"] as const)(
    "a node that is cut off (%s) serves whom it knows from what it leased, keeps the rows and sends them when it is back",
    async (how) => {
      const account = await cluster.account({ credit: 10 });
      const { secret } = await cluster.key(account);
      const { secret: unknown } = await cluster.key(account);
      expect((await one.ask(secret)).status).toBe(200);
      await arrived(account, 1);
      await one.wire.cut(how);
      // For longer than it takes a key for granted.
      const cutAt = performance.now();
      const alone = [];
      for (let time = 0; time < 8; time++) {
        alone.push(await one.ask(secret));
        await Bun.sleep(200);
      }
      expect(alone.map(({ status }) => status)).toEqual(Array(8).fill(200));
      expect(performance.now() - cutAt).toBeLessThan(8000);
      // Nobody can say who this is.
      const stranger = await one.ask(unknown);
      expect([stranger.status, stranger.headers.get("retry-after")]).toEqual([503, "2"]);
      // Who waited in vain told the others.
      const from = performance.now();
      expect((await one.ask(unknown)).status).toBe(503);
      expect(performance.now() - from).toBeLessThan(3000);
      expect(await cluster.rows(account)).toHaveLength(1);
      const found = await one.get(`/v1/generation/${alone[3]?.id}`, secret);
      expect([found.status, found.text.includes(alone[3]?.id ?? "none")]).toEqual([200, true]);
      expect((await one.get("/readyz", secret)).status).toBe(503);
      // The other goes on meanwhile.
      expect((await two.ask(secret)).status).toBe(200);
      await one.wire.mend();
      await arrived(account, 10);
      // In the order in which they were answered.
      const ids = alone.map(({ id }) => id);
      expect((await cluster.rows(account)).filter((id) => ids.includes(id))).toEqual(ids);
      await until(
        "it is ready again",
        async () => (await one.get("/readyz", secret)).status === 200,
      );
      expect((await one.ask(unknown)).status).toBe(200);
      await arrived(account, 11);
      await sound();
    },
    patience,
  );

  test(
    "a node that is killed while it is cut off sends its rows when it starts again, under its old chain, and its leases come back",
    async () => {
      const account = await cluster.account({ credit: 1 });
      const { secret } = await cluster.key(account);
      const three = await cluster.node("three");
      await three.ask(secret);
      await arrived(account, 1);
      await three.wire.cut("refuse");
      const answers = await Promise.all(Array.from({ length: 10 }, () => three.ask(secret)));
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
      await three.kill();
      const leased = await leasedBy("three");
      expect(leased).toBeGreaterThan(0);
      await three.wire.mend();
      expect(await cluster.rows(account)).toHaveLength(1);
      // The others leave alone what it may have spent.
      const other = await Promise.all([one.ask(secret), two.ask(secret)]);
      expect(other.map(({ status }) => status)).toEqual([200, 200]);
      expect(await leasedBy("three")).toBe(leased);
      const again = await cluster.again(three);
      await arrived(account, 13);
      const chains = await cluster.store.read(
        "SELECT chain, count(*) AS rows FROM generation_record WHERE account_id = ? GROUP BY chain ORDER BY rows",
        [account],
      );
      expect(chains.map((row) => numberIn(row, "rows"))).toEqual([1, 1, 11]);
      expect(await leasedBy("three")).toBe(0);
      expect((await again.ask(secret)).status).toBe(200);
      expect(await again.stop()).toBe(0);
      await arrived(account, 14);
      await sound();

      async function leasedBy(_name: string): Promise<number> {
        const [row] = await cluster.store.read(
          `SELECT coalesce(sum(amount), 0) AS amount FROM lease WHERE owner = ? AND process IN
           (SELECT chain FROM generation_record WHERE id = ?)`,
          [account, (await cluster.rows(account))[0] ?? ""],
        );
        return numberIn(row, "amount") ?? 0;
      }
    },
    patience,
  );

  test(
    "a node that is cut off ends when it is asked to, and what it kept waits for its next start",
    async () => {
      const account = await cluster.account({ plan: "metered" });
      const { secret } = await cluster.key(account);
      const four = await cluster.node("four");
      expect((await four.ask(secret)).status).toBe(200);
      await arrived(account, 1);
      await four.wire.cut("refuse");
      const answers = await Promise.all(Array.from({ length: 3 }, () => four.ask(secret)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(await four.stop()).toBe(0);
      expect(await cluster.rows(account)).toHaveLength(1);
      await four.wire.mend();
      const again = await cluster.again(four);
      await arrived(account, 4);
      await again.stop();
      await sound();
    },
    patience,
  );

  test(
    "what two nodes spend while one is cut off is never more than there is",
    async () => {
      const poor = await cluster.key(await cluster.account({ credit: 1e-9 }));
      const { may_cost: hold = 0 } = await most(poor.secret);
      const account = await cluster.account({ credit: hold * 40 });
      const { secret } = await cluster.key(account);
      expect(count(await hammer(secret, 2), 200)).toBe(4);
      await one.wire.cut("refuse");
      const statuses: number[] = [];
      for (let time = 0; time < 20; time++) statuses.push(...(await hammer(secret, 10)));
      await one.wire.mend();
      const served = 4 + count(statuses, 200);
      expect(count(statuses, 402)).toBeGreaterThan(0);
      expect(count(statuses, 200)).toBeGreaterThan(10);
      await arrived(account, served);
      expect(await cluster.balance(account)).toBeGreaterThanOrEqual(0);
      await sound();
    },
    patience,
  );

  test(
    "what is carried out after its sender gave up on it, and looked, does nothing",
    async () => {
      const account = await cluster.account({ credit: 1e-7 });
      const demand = (amount: number): Demand[] => [
        { kind: "credit", owner: account, windowStart: 0, amount },
      ];
      const store = stalling(cluster.store);
      const [late, other] = [store, cluster.store].map((its, at) =>
        createAllowances({
          store: its,
          clock: systemClock,
          processId: `proc_late${at}`,
          host: "late",
        }),
      );
      if (late === undefined || other === undefined) throw new Error("there are two");
      const served = async (by: Allowances, amount: number) => {
        const answer = await by.reserve(demand(amount));
        return "settle" in answer ? answer : undefined;
      };
      await late.start();
      await other.start();
      const hold = await served(late, 60);
      hold?.settle([0]);
      store.hold(aReturn);
      await late.giveBack().catch(() => {});
      store.hold(aLease);
      await Promise.resolve(late.reserve(demand(30))).catch(() => {});
      await late.tick();
      const kept = await served(late, 60);
      await store.deliver();
      expect([kept, await served(other, 41)].map((one) => one !== undefined)).toEqual([
        true,
        false,
      ]);
      const rest = await served(other, 40);
      expect(rest).toBeDefined();
      for (const one of [kept, rest]) one?.settle([0]);
      for (const one of [late, other]) await one.giveBack();
    },
    patience,
  );

  test(
    "who stops gives everything back",
    async () => {
      const codes = await Promise.all([one.stop(), two.stop()]);
      expect(codes).toEqual([0, 0]);
      const left = await cluster.store.read(
        "SELECT process, kind, amount FROM lease WHERE amount > 0",
        [],
      );
      expect(left.map((row) => textOf(row, "kind"))).toEqual([]);
      await sound();
    },
    patience,
  );
}

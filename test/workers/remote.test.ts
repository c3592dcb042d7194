import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as v from "valibot";
import { numberIn, textOf } from "#src/store/store.ts";
import { until } from "#test/bin/executable.ts";
import { chatBody } from "#test/bin/provider.ts";
import { startHrana } from "#test/lib/hrana.ts";
import { type Cluster, type Node, startCluster } from "#test/nodes/kit.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { type Asked, askOnce } from "#test/workers/client.ts";
import { childrenOf, isRunning } from "#test/workers/kit.ts";

/* One gateway of two workers whose database is on another machine. */

const refusal = v.object({
  error: v.looseObject({ metadata: v.looseObject({ may_cost: v.number() }) }),
});
/** Processes start slowly where many do. */
const patience = 120_000;
const body = chatBody("Hello", { max_tokens: 20 });

describe.skipIf(process.platform !== "linux")("two workers on a database over the network", () => {
  const folder = temporaryFolder();
  let cluster: Cluster;
  let node: Node;
  beforeAll(async () => {
    cluster = await startCluster(startHrana({ path: `${folder.path}/remote.db` }));
    node = await cluster.node("fleet", {
      prefix: [],
      host: "127.0.0.1",
      wireHost: "127.0.0.1",
      env: { LOWROUTER_WORKERS: "2" },
    });
  }, patience);
  afterAll(async () => {
    await cluster.close();
    folder[Symbol.dispose]();
  }, patience);

  const workers = () => childrenOf(node.pid).filter(isRunning);
  /** Asks so often at once, each on a connection of its own, so that both workers get some. */
  const asks = (secret: string, times: number) =>
    Promise.all(
      Array.from({ length: times }, () => askOnce(Number(new URL(node.url).port), secret, body)),
    );
  const count = (asked: readonly Asked[], status: number) =>
    asked.filter((one) => one.status === status).length;
  async function arrived(account: string, rows: number): Promise<void> {
    await until(`${rows} rows are in the database`, async () => {
      const found = await cluster.rows(account);
      if (found.length > rows) throw new Error(`${found.length} rows instead of ${rows}`);
      return found.length === rows;
    });
  }
  const sound = async () => expect(await cluster.faults()).toEqual({ accounts: 0, rows: [] });
  /** Rows of an account by the process that answered. */
  async function chains(account: string): Promise<Map<string, number>> {
    const rows = await cluster.store.read(
      "SELECT chain, count(*) AS rows FROM generation_record WHERE account_id = ? GROUP BY chain",
      [account],
    );
    return new Map(rows.map((row) => [textOf(row, "chain") ?? "", numberIn(row, "rows") ?? 0]));
  }

  test(
    "spend one credit together, and never more than there is; each writes a chain of its own",
    async () => {
      const poor = await cluster.key(await cluster.account({ credit: 1e-9 }));
      const refused = await node.ask(poor.secret);
      expect(refused.status).toBe(402);
      const hold = v.parse(refusal, JSON.parse(refused.text)).error.metadata.may_cost;
      const account = await cluster.account({ credit: hold * 8 });
      const { secret } = await cluster.key(account);
      const asked = await asks(secret, 120);
      const served = count(asked, 200);
      expect(count(asked, 402)).toBe(120 - served);
      expect(served).toBeGreaterThanOrEqual(4);
      expect(served).toBeLessThan(120);
      await arrived(account, served);
      expect(await cluster.balance(account)).toBeGreaterThanOrEqual(0);
      const rich = await cluster.account({ plan: "metered" });
      const other = await cluster.key(rich);
      expect(count(await asks(other.secret, 40), 200)).toBe(40);
      await arrived(rich, 40);
      expect((await chains(rich)).size).toBe(2);
      await sound();
    },
    patience,
  );

  test(
    "refuse a key that is revoked at one of them within two seconds",
    async () => {
      const account = await cluster.account({ plan: "metered" });
      const { secret, hash } = await cluster.key(account);
      const { secret: manager } = await cluster.key(account, { type: "management" });
      expect(count(await asks(secret, 30), 200)).toBe(30);
      const revoked = await fetch(`${node.url}/v1/keys/${hash}`, {
        method: "DELETE",
        headers: { authorization: `Bearer ${manager}` },
      });
      expect(revoked.status).toBe(200);
      await Bun.sleep(2000);
      expect(count(await asks(secret, 30), 401)).toBe(30);
    },
    patience,
  );

  test(
    "lose no row and no lease where one is killed that could not send: the one in its place comes when the database does",
    async () => {
      const account = await cluster.account({ credit: 5 });
      const { secret } = await cluster.key(account);
      const answered: string[] = [];
      const served = async (times: number) => {
        const asked = await asks(secret, times);
        expect(asked.filter(({ status }) => status !== 200)).toEqual([]);
        answered.push(...asked.map(({ id = "" }) => id));
      };
      await served(20);
      await arrived(account, 20);
      expect((await chains(account)).size).toBe(2);
      const [victim = 0] = workers();
      const [row] = await cluster.store.read("SELECT id FROM process WHERE pid = ?", [victim]);
      const dead = (row && textOf(row, "id")) ?? "";
      const before = (await chains(account)).get(dead) ?? 0;
      expect(before).toBeGreaterThan(0);
      await node.wire.cut("refuse");
      await served(20);
      expect(await cluster.rows(account)).toHaveLength(20);
      process.kill(victim, "SIGKILL");
      await until("it is found", () => node.log().includes('"worker_died"'));
      expect(await leasedBy(dead)).toBeGreaterThan(0);
      // The other goes on from what it leased.
      await served(5);
      await node.wire.mend();
      await until("another is in its place", () => node.log().includes('"worker_restarted"'));
      expect(workers()).toHaveLength(2);
      expect(workers()).not.toContain(victim);
      await arrived(account, 45);
      expect((await chains(account)).get(dead) ?? 0).toBeGreaterThan(before);
      await until("its leases are free", async () => (await leasedBy(dead)) === 0);
      await served(20);
      await arrived(account, 65);
      expect((await cluster.rows(account)).toSorted()).toEqual(answered.toSorted());
      expect((await chains(account)).size).toBe(3);
      await sound();
    },
    patience,
  );

  test(
    "give everything back when they stop",
    async () => {
      expect(await node.stop()).toBe(0);
      const left = await cluster.store.read("SELECT process, kind FROM lease WHERE amount > 0", []);
      expect(left).toEqual([]);
      await sound();
    },
    patience,
  );

  async function leasedBy(processId: string): Promise<number> {
    const [row] = await cluster.store.read(
      "SELECT coalesce(sum(amount), 0) AS amount FROM lease WHERE process = ?",
      [processId],
    );
    return numberIn(row, "amount") ?? 0;
  }
});

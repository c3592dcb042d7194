import { afterAll, beforeAll, expect, test } from "bun:test";
import { until } from "#test/bin/executable.ts";
import { startHrana } from "#test/lib/hrana.ts";
import { type Cluster, type Node, startCluster } from "#test/nodes/kit.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/* One process that reads its configuration anew while its database is on another machine. */

const patience = 60_000;
const folder = temporaryFolder();
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(startHrana({ path: `${folder.path}/remote.db` }));
}, patience);
afterAll(async () => {
  await cluster.close();
  folder[Symbol.dispose]();
}, patience);

const told = (node: Node, event: string) => node.log().split(`"${event}"`).length - 1;

async function reload(node: Node, event: string): Promise<void> {
  const before = told(node, event);
  process.kill(node.pid, "SIGHUP");
  await until(`it tells of ${event}`, () => told(node, event) > before);
}

test(
  "every row comes to the database once, also those that waited while it was away",
  async () => {
    const node = await cluster.node("one");
    const account = await cluster.account({ credit: 20 });
    const { secret } = await cluster.key(account);
    const ids: string[] = [];
    const ask = async () => {
      const { status, id } = await node.ask(secret);
      expect(status).toBe(200);
      ids.push(id);
    };
    let isOver = false;
    const asking = Array.from({ length: 6 }, async () => {
      while (!isOver) await ask();
    });
    for (let turn = 0; turn < 5; turn++) await reload(node, "configuration_read");
    isOver = true;
    await Promise.all(asking);
    // Answered by the last configuration: only what asked it before is answered while the database is away.
    await ask();
    await node.wire.cut("refuse");
    for (let turn = 0; turn < 3; turn++) await ask();
    await reload(node, "configuration_kept");
    expect(node.log()).toContain("the database does not answer");
    await ask();
    await node.wire.mend();
    await reload(node, "configuration_read");
    await ask();
    await until("all are there", async () => (await cluster.rows(account)).length >= ids.length);
    expect(new Set(await cluster.rows(account))).toEqual(new Set(ids));
    expect(await node.stop()).toBe(0);
    expect(await cluster.rows(account)).toHaveLength(ids.length);
    expect(await cluster.leased("credit")).toBe(0);
    expect(await cluster.faults()).toEqual({ accounts: 0, rows: [] });
  },
  patience,
);

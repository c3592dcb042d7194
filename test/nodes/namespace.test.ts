import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { until } from "#test/bin/executable.ts";
import { startHrana } from "#test/lib/hrana.ts";
import { type Relay, startRelay } from "#test/lib/relay.ts";
import { type Cluster, type Node, startCluster } from "#test/nodes/kit.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/*
 * A node in a network of its own, on two cables: one to the database, one to its clients and providers. Needs root and the
 * program `ip`; the suite of nodes cuts wires everywhere.
 */

const space = `lr${process.pid}`;
/** Of the nets of this run, so that two runs do not share one. */
const net = process.pid % 250;
const database = { near: `lrd${process.pid}`, host: `10.251.${net}.1`, node: `10.251.${net}.2` };
const clients = { near: `lrc${process.pid}`, host: `10.252.${net}.1`, node: `10.252.${net}.2` };

function ip(...words: string[]): boolean {
  try {
    return Bun.spawnSync(["ip", ...words], { stderr: "ignore", stdout: "ignore" }).success;
  } catch {
    // No such program.
    return false;
  }
}

/** Makes the network; false where that is not allowed here. */
function lay(): boolean {
  if (!ip("netns", "add", space)) return false;
  const isLaid = [database, clients].every(
    ({ near, host, node }) =>
      ip("link", "add", near, "type", "veth", "peer", "name", `${near}p`) &&
      ip("link", "set", `${near}p`, "netns", space) &&
      ip("addr", "add", `${host}/24`, "dev", near) &&
      ip("link", "set", near, "up") &&
      ip("-n", space, "addr", "add", `${node}/24`, "dev", `${near}p`) &&
      ip("-n", space, "link", "set", `${near}p`, "up"),
  );
  const isUp = isLaid && ip("-n", space, "link", "set", "lo", "up");
  if (!isUp) remove();
  return isUp;
}

function remove(): void {
  for (const { near } of [database, clients]) ip("link", "del", near);
  ip("netns", "del", space);
}

const isPossible = lay();

describe.skipIf(!isPossible)("a node on a cable of its own", () => {
  let cluster: Cluster;
  let toProviders: Relay;
  let near: Node;
  let far: Node;
  beforeAll(async () => {
    const folder = temporaryFolder();
    const server = startHrana({ path: `${folder.path}/remote.db` });
    cluster = await startCluster({
      url: server.url,
      async stop() {
        await server.stop();
        folder[Symbol.dispose]();
      },
    });
    const provider = new URL(cluster.upstream.url);
    toProviders = await startRelay(
      { host: provider.hostname, port: Number(provider.port) },
      { host: clients.host },
    );
    provider.host = `${clients.host}:${toProviders.port}`;
    near = await cluster.node("near");
    far = await cluster.node("far", {
      prefix: ["ip", "netns", "exec", space],
      host: clients.node,
      wireHost: database.host,
      env: { OPENAI_BASE_URL: provider.href },
    });
  }, 60_000);
  afterAll(async () => {
    await cluster.close();
    await toProviders.stop();
    remove();
  });

  test("goes on when the cable to the database is out, and all adds up when it is in again", async () => {
    const account = await cluster.account({ credit: 1 });
    const { secret } = await cluster.key(account);
    expect([(await far.ask(secret)).status, (await near.ask(secret)).status]).toEqual([200, 200]);
    ip("link", "set", database.near, "down");
    const alone = [];
    for (let time = 0; time < 6; time++) alone.push(await far.ask(secret));
    expect(alone.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect((await near.ask(secret)).status).toBe(200);
    const ids = alone.map(({ id }) => id);
    expect((await cluster.rows(account)).filter((id) => ids.includes(id))).toEqual([]);
    ip("link", "set", database.near, "up");
    await until("its rows are there", async () => {
      const rows = await cluster.rows(account);
      return ids.every((id) => rows.includes(id));
    });
    expect(await cluster.rows(account)).toHaveLength(9);
    expect(await cluster.faults()).toEqual({ accounts: 0, rows: [] });
  }, 60_000);
});

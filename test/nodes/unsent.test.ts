import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { freePort } from "#test/lib/port.ts";
import { until } from "#test/bin/executable.ts";
import { chatBody } from "#test/bin/provider.ts";
import { at } from "#test/lib/gateway.ts";
import { startHrana } from "#test/lib/hrana.ts";
import { type Answer, type Cluster, type Node, startCluster } from "#test/nodes/kit.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { askOnce } from "#test/workers/client.ts";
import { childrenOf, isRunning } from "#test/workers/kit.ts";

/* What an account and an operator see while rows wait for a database that can be read and takes none. */

/** Processes start slowly where many do. */
const patience = 120_000;
const place = { prefix: [], host: "127.0.0.1", wireHost: "127.0.0.1" };
const folder = temporaryFolder();
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster(startHrana({ path: `${folder.path}/remote.db` }));
}, patience);
afterAll(async () => {
  await cluster.close();
  folder[Symbol.dispose]();
}, patience);

afterEach(() => unblock());

/** Nobody can write what ended; everything else goes on. */
const block = () =>
  cluster.store.write([
    {
      sql: "CREATE TRIGGER takes_none BEFORE INSERT ON generation_record BEGIN INSERT INTO nowhere VALUES (1); END",
      args: [],
    },
  ]);
const unblock = () => cluster.store.write([{ sql: "DROP TRIGGER IF EXISTS takes_none", args: [] }]);
const arrived = (account: string, rows: number) =>
  until(`${rows} rows came`, async () => (await cluster.rows(account)).length === rows);
const uncounted = ({ headers }: Answer) => headers.get("x-lowrouter-uncounted-requests");
const member = (answer: Answer, path: string) => at(JSON.parse(answer.text), path);

/** What is wrong in the ledger. */
const sound = async () => expect(await cluster.faults()).toEqual({ accounts: 0, rows: [] });

async function metric(node: Node, name: string): Promise<number[]> {
  const { text } = await node.get("/metrics", "");
  return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))].map(([, value]) =>
    Number(value),
  );
}

/** Waits until a gateway knows of the rows that came: the database has them a moment before it is told so. */
const nothingWaits = (node: Node) =>
  until("nothing waits", async () =>
    (await metric(node, "lowrouter_spool_rows")).every((rows) => rows === 0),
  );

/** Runs a command on the data directory of a node. */
async function command({ dataDir, wire }: Node, ...args: string[]) {
  const main = join(import.meta.dir, "../../src/main.ts");
  const child = Bun.spawn([process.execPath, main, ...args, "--json", "--data-dir", dataDir], {
    env: {
      PATH: process.env.PATH,
      ...cluster.upstream.env,
      LOWROUTER_DATABASE_URL: `http://${wire.host}:${wire.port}`,
      LOWROUTER_MASTER_KEY: cluster.master,
      LOWROUTER_LISTEN: `127.0.0.1:${freePort()}`,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { out, err, code };
}

/** What `doctor` says of the spool, and the code that it ends with. */
async function doctor(node: Node): Promise<{ check: unknown; code: number }> {
  const { out, code } = await command(node, "doctor");
  const told: { data: { name: string }[] } = JSON.parse(out);
  return { check: told.data.find(({ name }) => name === "spool"), code };
}

test(
  "a gateway whose rows wait finds them by id, says how many its lists leave out, and counts them for the operator",
  async () => {
    const node = await cluster.node("one", { ...place, env: { LOWROUTER_METRICS: "true" } });
    const account = await cluster.account({ plan: "metered" });
    const { secret } = await cluster.key(account);
    const { secret: manager } = await cluster.key(account, { type: "management" });
    const { secret: stranger } = await cluster.key(await cluster.account({ plan: "metered" }));
    const before = await node.ask(secret);
    await arrived(account, 1);
    await nothingWaits(node);
    const kept = await node.get(`/v1/generation/${before.id}`, secret);
    expect([kept.status, kept.text.includes("waits_for_database")]).toEqual([200, false]);
    const quiet = await node.get("/v1/activity", manager);
    expect([quiet.status, uncounted(quiet)]).toEqual([200, null]);
    expect(await metric(node, "lowrouter_spool_rows")).toEqual([0]);
    expect(await metric(node, "lowrouter_spool_oldest_seconds")).toEqual([0]);

    await block();
    const answers = [await node.ask(secret), await node.ask(secret), await node.ask(secret)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    for (const { id, text } of answers)
      for (const name of [id, String(at(JSON.parse(text), "id"))]) {
        const found = await node.get(`/v1/generation/${name}`, secret);
        expect([found.status, member(found, "id")]).toEqual([200, id]);
        expect(member(found, "waits_for_database")).toBe(true);
        expect((await node.get(`/v1/generation/${name}`, stranger)).status).toBe(404);
      }
    for (const path of ["/v1/activity", "/v1/activity?format=csv", "/v1/balance", "/v1/keys"]) {
      const list = await node.get(path, manager);
      expect([path, list.status, uncounted(list)]).toEqual([path, 200, "3"]);
    }
    const totals = await node.get("/api/usage/summary", secret);
    expect([member(totals, "total_requests"), uncounted(totals)]).toEqual([1, "3"]);
    expect(uncounted(await node.get("/v1/balance", stranger))).toBeNull();

    expect(await metric(node, "lowrouter_spool_rows")).toEqual([3]);
    const [oldest = 0] = await metric(node, "lowrouter_spool_oldest_seconds");
    expect(oldest).toBeGreaterThan(0);
    expect(oldest).toBeLessThan(patience / 1000);
    const [bytes = 0] = await metric(node, "lowrouter_spool_bytes");
    expect(bytes).toBeGreaterThan(1000);
    const ready = await node.get("/readyz", "");
    expect([ready.status, member(ready, "checks.spool")]).toEqual([200, true]);
    expect(await doctor(node)).toMatchObject({
      check: { ok: true, found: expect.stringMatching(/rows of processes that run.*: 3, /) },
    });

    await unblock();
    await arrived(account, 4);
    await until("all are counted", async () => {
      const list = await node.get("/api/usage/summary", secret);
      return member(list, "total_requests") === 4 && uncounted(list) === null;
    });
    const later = await node.get(`/v1/generation/${answers[0]?.id}`, secret);
    expect([later.status, later.text.includes("waits_for_database")]).toEqual([200, false]);
    expect(await metric(node, "lowrouter_spool_rows")).toEqual([0]);
    await node.stop();
  },
  patience,
);

test(
  "what a gateway left that was killed is found, counted and told, by the next one and by doctor, until it is sent",
  async () => {
    const first = await cluster.node("left", { ...place, env: { LOWROUTER_METRICS: "true" } });
    const account = await cluster.account({ plan: "metered" });
    const { secret } = await cluster.key(account);
    await first.ask(secret);
    await arrived(account, 1);
    await nothingWaits(first);
    await block();
    const answers = [await first.ask(secret), await first.ask(secret)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    await first.kill();
    // The row that the database has stands in the file too.
    expect(await doctor(first)).toMatchObject({
      code: 1,
      check: {
        ok: false,
        found: expect.stringMatching(/^rows of processes that ended, not sent: 2, the oldest of 2/),
        fix: expect.stringContaining("start the gateway on this data directory"),
      },
    });

    const used = await command(first, "usage", "--account", account);
    expect(at(JSON.parse(used.out), "data.0.requests")).toBe(1);
    expect(used.err).toBe(
      "2 requests of this machine are not counted yet: the database does not have them\n",
    );
    const shown = await command(first, "generation", "show", answers[0]?.id ?? "");
    expect(JSON.parse(shown.out)).toMatchObject({
      id: answers[0]?.id,
      waits_for_database: true,
    });

    const next = await cluster.again(first);
    const list = await next.get("/api/usage/summary", secret);
    expect([member(list, "total_requests"), uncounted(list)]).toEqual([1, "2"]);
    for (const { id } of answers) {
      const found = await next.get(`/v1/generation/${id}`, secret);
      expect([found.status, member(found, "id")]).toEqual([200, id]);
      expect(member(found, "waits_for_database")).toBe(true);
    }
    expect((await next.get("/v1/generation/gen_00000000000000000000000000", secret)).status).toBe(
      404,
    );
    const ready = await next.get("/readyz", "");
    expect([ready.status, member(ready, "checks.spool")]).toEqual([200, true]);
    await unblock();
    await next.stop();
    const last = await cluster.again(next);
    expect(await cluster.rows(account)).toHaveLength(3);
    const later = await last.get("/api/usage/summary", secret);
    expect([member(later, "total_requests"), uncounted(later)]).toEqual([3, null]);
    expect((await doctor(last)).check).toMatchObject({
      ok: true,
      found: "nothing waits for the database",
    });
    await last.stop();
    await sound();
  },
  patience,
);

describe.skipIf(process.platform !== "linux")("two workers", () => {
  test(
    "find each other's rows, and those of one that was killed; lists say how many all of them keep",
    async () => {
      const fleet = await cluster.node("fleet", {
        ...place,
        env: { LOWROUTER_WORKERS: "2", LOWROUTER_METRICS: "true" },
      });
      const account = await cluster.account({ plan: "metered" });
      const { secret } = await cluster.key(account);
      const body = chatBody("Hello", { max_tokens: 20 });
      const ids: string[] = [];
      async function served(times: number): Promise<void> {
        for (let time = 0; time < times; time++) {
          const asked = await askOnce(Number(new URL(fleet.url).port), secret, body);
          expect(asked.status).toBe(200);
          ids.push(asked.id ?? "");
        }
      }
      await served(20);
      await arrived(account, 20);
      await nothingWaits(fleet);
      await block();
      await served(20);
      const waiting = await metric(fleet, "lowrouter_spool_rows");
      expect(waiting).toHaveLength(2);
      expect(Math.min(...waiting)).toBeGreaterThan(0);
      expect(waiting.reduce((sum, one) => sum + one)).toBe(20);
      /** Each on a connection of its own, so that both are asked. */
      const all = async () => {
        for (const id of ids) {
          const found = await fresh(`/v1/generation/${id}`);
          expect([id, found.status]).toEqual([id, 200]);
        }
        for (let time = 0; time < 6; time++) {
          const list = await fresh("/api/usage/summary");
          const told = list.headers.get("x-lowrouter-uncounted-requests");
          const total = at(await list.json(), "total_requests");
          expect([total, told]).toEqual([20, "20"]);
        }
      };
      const fresh = (path: string) =>
        fetch(fleet.url + path, {
          keepalive: false,
          headers: { authorization: `Bearer ${secret}`, connection: "close" },
        });
      await all();
      const [victim = 0] = childrenOf(fleet.pid).filter(isRunning);
      process.kill(victim, "SIGKILL");
      await until("another is in its place", () => fleet.log().includes('"worker_restarted"'));
      await all();
      expect(Math.max(...(await metric(fleet, "lowrouter_spool_left_bytes")))).toBeGreaterThan(0);
      // Nor does it take a database to find them.
      await fleet.wire.cut("refuse");
      for (const id of ids.slice(20)) {
        const found = await fresh(`/v1/generation/${id}`);
        const row = found.status === 200 ? await found.json() : undefined;
        expect([id, at(row, "waits_for_database")]).toEqual([id, true]);
      }
      // Of those that were sent, one whose commit took long stands in a file too, which does not say that it was sent.
      const sent: number[] = [];
      for (const id of ids.slice(0, 20)) {
        const found = await fresh(`/v1/generation/${id}`);
        if (found.status === 200) expect(at(await found.json(), "waits_for_database")).toBe(true);
        else sent.push(found.status);
      }
      expect(sent.length).toBeGreaterThan(0);
      expect(sent).toEqual(sent.map(() => 503));
      await fleet.wire.mend();
      await unblock();
      await arrived(account, 40);
      await fleet.stop();
      await sound();
    },
    patience,
  );
});

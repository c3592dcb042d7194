import { join } from "node:path";
import { createAccount } from "#src/account/accounts.ts";
import type { ApiKey, Plan } from "#src/account/account.ts";
import { createKey } from "#src/account/keys.ts";
import { mintMasterKey } from "#src/account/vault.ts";
import { verifyChain } from "#src/ledger/chain.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit, balanceOf, checkBalances } from "#src/ledger/transactions.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { numberIn, type Store, textOf } from "#src/store/store.ts";
import { chatBody, startOpenai } from "#test/bin/provider.ts";
import { type Relay, startRelay } from "#test/lib/relay.ts";
import { fromSources, startServing } from "#test/lib/serving.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/* Gateways as processes of their own on one database over the network, each on a wire that can be cut. */

const ids = createIds(systemClock);

/** A database server to be tried. */
export interface DatabaseServer {
  url: string;
  stop(): Promise<void>;
}

/** A gateway process. */
export interface Node {
  name: string;
  url: string;
  pid: number;
  /** Its wire to the database. */
  wire: Relay;
  dataDir: string;
  log(): string;
  ask(key: string, more?: object): Promise<Answer>;
  get(path: string, key: string): Promise<Answer>;
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

/** An answer, read whole. */
export interface Answer {
  status: number;
  id: string;
  text: string;
  headers: Headers;
}

/** A database with what runs on it. */
export interface Cluster {
  store: Store;
  /** What opens the provider keys of all nodes. */
  master: string;
  upstream: ReturnType<typeof startOpenai>;
  node(name: string, place?: Place): Promise<Node>;
  /** Starts one again in the data directory of another that has ended. */
  again(gone: Node): Promise<Node>;
  account(options: { plan?: Plan; credit?: number }): Promise<string>;
  key(accountId: string, policy?: Partial<ApiKey>): Promise<{ secret: string; hash: string }>;
  /** Credit of an account that is granted and not used, nano-units. */
  balance(accountId: string): Promise<number>;
  /** Ids of an account's requests that the database has. */
  rows(accountId: string): Promise<string[]>;
  leased(kind: string): Promise<number>;
  /** What does not add up: accounts, and rows of chains. */
  faults(): Promise<{ accounts: number; rows: unknown[] }>;
  close(): Promise<void>;
}

/** Where a node runs, if not simply beside the test. */
export interface Place {
  /** What its command is put behind. */
  prefix: readonly string[];
  /** Where it listens. */
  host: string;
  /** Where its wire begins. */
  wireHost: string;
  env: Record<string, string>;
}

const here: Place = { prefix: [], host: "127.0.0.1", wireHost: "127.0.0.1", env: {} };

/** Opens an empty database on a server. */
export async function startCluster(server: DatabaseServer): Promise<Cluster> {
  const folder = temporaryFolder();
  const store = await openStore({ url: server.url });
  await migrate(store, systemClock);
  const upstream = startOpenai();
  const master = mintMasterKey();
  const running = new Set<Node>();
  const { hostname: host, port } = new URL(server.url);

  async function start(name: string, wire: Relay, place: Place): Promise<Node> {
    const dataDir = join(folder.path, name);
    const serving = await startServing({
      args: ["--data-dir", dataDir],
      command: [...place.prefix, ...fromSources],
      host: place.host,
      env: {
        ...upstream.env,
        LOWROUTER_DATABASE_URL: `http://${wire.host}:${wire.port}`,
        LOWROUTER_MASTER_KEY: master,
        LOWROUTER_LOG_FORMAT: "json",
        ...place.env,
      },
    });
    const { url, pid } = serving;
    const asked = async (request: Promise<Response>): Promise<Answer> => {
      const response = await request;
      const { status, headers } = response;
      const id = headers.get("x-lowrouter-generation-id") ?? "";
      return { status, id, headers, text: await response.text() };
    };
    const node: Node = {
      name,
      url,
      pid,
      wire,
      dataDir,
      log: serving.err,
      ask: (key, more = {}) =>
        asked(
          fetch(`${url}/v1/chat/completions`, {
            method: "POST",
            headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
            body: chatBody("Hello", { max_tokens: 20, ...more }),
          }),
        ),
      get: (path, key) => asked(fetch(url + path, { headers: { authorization: `Bearer ${key}` } })),
      async kill() {
        running.delete(node);
        serving.signal("SIGKILL");
        await serving.ended;
      },
      async stop() {
        serving.signal("SIGTERM");
        const code = await serving.ended;
        // Only now: one that does not end is killed with the cluster.
        running.delete(node);
        return code;
      },
    };
    running.add(node);
    return node;
  }

  return {
    store,
    master,
    upstream,
    async node(name, place = here) {
      const wire = await startRelay({ host, port: Number(port) }, { host: place.wireHost });
      return start(name, wire, place);
    },
    again: ({ name, wire }) => start(name, wire, here),
    async account({ plan = "prepaid", credit = 0 }) {
      const kit = { clock: systemClock, ids };
      const { id } = await createAccount(store, kit, { name: `test ${ids.next("x")}`, plan });
      if (credit > 0)
        await addCredit(store, kit, {
          accountId: id,
          type: "credit",
          amount: fromUnits(credit),
          description: "Test credit",
          by: "test",
        });
      return id;
    },
    async key(accountId, policy = {}) {
      const { secret, key } = await createKey(store, systemClock, {
        accountId,
        name: "test",
        ...policy,
      });
      return { secret, hash: key.hash };
    },
    balance: async (accountId) => (await balanceOf(store, accountId)).balance,
    async rows(accountId) {
      const found = await store.read(
        "SELECT id FROM generation_record WHERE account_id = ? ORDER BY position",
        [accountId],
      );
      return found.map((row) => textOf(row, "id") ?? "");
    },
    async leased(kind) {
      const [row] = await store.read(
        "SELECT coalesce(sum(leased), 0) AS leased FROM allowance WHERE kind = ?",
        [kind],
      );
      return numberIn(row, "leased") ?? 0;
    },
    async faults() {
      const { faults } = await verifyChain(store);
      return { accounts: (await checkBalances(store)).length, rows: faults };
    },
    async close() {
      await Promise.all([...running].map((node) => node.kill()));
      store.close();
      await upstream.stop();
      await server.stop();
      folder[Symbol.dispose]();
    },
  };
}

import { createAccount } from "#src/account/accounts.ts";
import type { ApiKey, Plan } from "#src/account/account.ts";
import { createKey } from "#src/account/keys.ts";
import { createGateway } from "#src/app.ts";
import { type Config, loadConfig } from "#src/config/load.ts";
import { type Places, startPlaces } from "#src/demo/places.ts";
import type { App } from "#src/gateway/context.ts";
import { surface } from "#src/http/server.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit, balanceOf, checkBalances } from "#src/ledger/transactions.ts";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { createLog } from "#src/observe/log.ts";
import type { RemoteDocuments } from "#src/provider/remote-document.ts";
import { openStore } from "#src/store/open.ts";
import type { Row, Store } from "#src/store/store.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** A gateway on simulated providers, listening on loopback. */
export interface Harness {
  /** What it runs on, for tests that look inside. */
  app: App;
  url: string;
  key: string;
  managementKey: string;
  accountId: string;
  places: Places;
  store: Store;
  folder: string;
  /** Everything that was logged. */
  logged(): string;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  chat(body: Record<string, unknown>, init?: RequestInit): Promise<Response>;
  rows(): Promise<Row[]>;
  /** Waits until nothing is in flight, then until the condition holds; fails after five seconds. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  balance(): Promise<number>;
  imbalances(): Promise<number>;
  mint(policy: Partial<ApiKey>): Promise<string>;
  close(): Promise<void>;
}

export interface HarnessOptions {
  plan?: Plan;
  /** Credit in currency units. */
  balance?: number;
  change?: (config: Config) => void;
  perWordMs?: number;
  /** The gateway's clock. */
  clock?: Clock;
  /** Where documents by address come from, instead of the public internet. */
  remote?: RemoteDocuments;
}

/** Starts one; close() it. */
export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const temporary = temporaryFolder();
  const folder = temporary.path;
  const places = startPlaces({
    clock: systemClock,
    random: () => 0.5,
    firstByteMs: 0,
    perWordMs: options.perWordMs ?? 0,
  });
  const config = loadConfig({ dataDir: folder }, {});
  config.providers = places.providers;
  options.change?.(config);
  const store = await openStore({ url: config.database.url });
  const lines: string[] = [];
  const log = createLog({
    clock: systemClock,
    level: "debug",
    format: "json",
    write: (line) => void lines.push(line),
  });
  const { remote, clock = systemClock } = options;
  const gateway = await createGateway({ config, store, log, clock, ...(remote ? { remote } : {}) });
  const ids = createIds(systemClock);
  const account = await createAccount(
    store,
    { clock: systemClock, ids },
    { name: "test", plan: options.plan ?? "prepaid" },
  );
  const mint = async (policy: Partial<ApiKey>) =>
    (await createKey(store, systemClock, { accountId: account.id, name: "test key", ...policy }))
      .secret;
  const credit = options.balance ?? 100;
  if (credit > 0) {
    await addCredit(
      store,
      { clock: systemClock, ids },
      {
        accountId: account.id,
        type: "credit",
        amount: fromUnits(credit),
        description: "Test credit",
        by: "test",
      },
    );
  }
  const key = await mint({});
  const server = surface({
    app: gateway.app,
    services: gateway.services,
    readiness: {
      accepting: () => true,
      databaseAnswers: () => Promise.resolve(true),
      anyProvider: () => true,
    },
  }).listen({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    maxRequestBodySize: 64 * 1024 * 1024,
  });
  const url = `http://127.0.0.1:${server.server?.port}`;
  /** What the database has once all that ended is in it: over a network that is a moment later. */
  const written = async (sql: string): Promise<Row[]> => {
    await gateway.flush();
    return store.read(sql, []);
  };
  const post: Harness["post"] = (path, body, init = {}) =>
    fetch(url + path, {
      method: "POST",
      ...init,
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        ...init.headers,
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  return {
    app: gateway.app,
    url,
    key,
    managementKey: await mint({ type: "management", name: "management" }),
    accountId: account.id,
    places,
    store,
    folder,
    logged: () => lines.join(""),
    post,
    chat: (body, init) =>
      post(
        "/v1/chat/completions",
        { model: "openai/gpt-4o-mini", messages: [{ role: "user", content: "Hello" }], ...body },
        init,
      ),
    rows: async () =>
      written(
        "SELECT id, status, settlement, cost, carbon_g, model, provider, region FROM generation ORDER BY id",
      ),
    async until(condition) {
      const end = systemClock.monotonic() + 5000;
      while (gateway.app.open.size > 0 || !(await condition())) {
        if (systemClock.monotonic() > end)
          throw new Error("The condition did not come to hold within five seconds");
        await Bun.sleep(2);
      }
    },
    async balance() {
      await gateway.flush();
      return (await balanceOf(store, account.id)).balance;
    },
    async imbalances() {
      await gateway.flush();
      return (await checkBalances(store)).length;
    },
    mint,
    async close() {
      await server.server?.stop(true);
      await gateway.close();
      store.close();
      await places.stop();
      temporary[Symbol.dispose]();
    },
  };
}

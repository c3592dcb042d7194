import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { migrations } from "#db/migrations.ts";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyPlace } from "#src/account/master-key.ts";
import { addProviderKey, openProviderKeys } from "#src/account/provider-keys.ts";
import { rotateMasterKey } from "#src/account/rotate.ts";
import { mintMasterKey, VaultError } from "#src/account/vault.ts";
import { createIds } from "#src/lib/id.ts";
import { createLog } from "#src/observe/log.ts";
import { createHealth } from "#src/provider/health.ts";
import { createInFlight } from "#src/provider/in-flight.ts";
import { shareHealth, toldHealth } from "#src/shared-health.ts";
import { backup } from "#src/store/backup.ts";
import { StoreError, toStoreError } from "#src/store/error.ts";
import { migrate, schemaVersion } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { openRemote } from "#src/store/remote.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { at, eventsOf, listAt, startGateway } from "#test/lib/gateway.ts";
import { type HranaServer, startHrana } from "#test/lib/hrana.ts";
import { completion, scriptedUpstream } from "#test/lib/upstream.ts";
import { routeAt } from "#test/provider/route.ts";
import { password, startPeople, words } from "#test/web/people-kit.ts";
import { temporaryFolder } from "./temporary.ts";

/* What stands on a file elsewhere in the tests, on a database over the network. */

const clock = createFakeClock();
let folder: ReturnType<typeof temporaryFolder>;
let server: HranaServer;
beforeEach(() => {
  folder = temporaryFolder();
  server = startHrana({ path: `${folder.path}/remote.db` });
});
afterEach(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});

async function withStore(use: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore({ url: server.url });
  try {
    await migrate(store, clock);
    await use(store);
  } finally {
    store.close();
  }
}
/** What a call throws, at once or later. */
async function thrown(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a store over the network", () => {
  test("is migrated once, whoever comes", async () => {
    const [one, two] = [await openStore({ url: server.url }), await openStore({ url: server.url })];
    expect(one.kind).toBe("remote");
    expect(await migrate(one, clock)).toMatchObject({ from: 0, to: migrations.length });
    expect(await migrate(two, clock)).toMatchObject({ from: migrations.length });
    expect(await schemaVersion(two)).toBe(migrations.length);
    one.close();
    two.close();
  });

  test("keeps all of a write or nothing, and says that it was a conflict", () =>
    withStore(async (store) => {
      const insert = { sql: "INSERT INTO setting VALUES (?, ?)", args: ["a", "b"] };
      const error = await thrown(() => store.write([insert, insert]));
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ fault: "conflict" });
      expect(await store.read("SELECT * FROM setting", [])).toEqual([]);
      const rows = await store.write([insert, { sql: "SELECT key FROM setting", args: [] }]);
      expect(rows).toEqual([[], [{ key: "a" }]]);
    }));

  test("tells what is wrong with it by kind: away, or refused by its server", () =>
    withStore(async (store) => {
      server.before(() => {
        throw new Error("out");
      });
      const error = await thrown(() => store.read("SELECT 1 AS n", []));
      expect(error).toMatchObject({ fault: "unavailable" });
      server.before(undefined);
      expect(await store.read("SELECT 1 AS n", [])).toEqual([{ n: 1 }]);
      await server.stop();
      expect(await thrown(() => store.read("SELECT 1", []))).toMatchObject({
        fault: "unavailable",
      });
    }));

  test("reads of one moment, keeps whole numbers, and has no file", () =>
    withStore(async (store) => {
      const sql = "SELECT ? + 1 AS n, 'é' AS text, NULL AS none, 1.5 AS part";
      const rows = await store.snapshot([{ sql, args: [2 ** 52] }]);
      expect(rows).toEqual([[{ n: 2 ** 52 + 1, text: "é", none: null, part: 1.5 }]]);
      expect(store.path).toBeUndefined();
      expect(String(await thrown(() => backup(store, `${folder.path}/copy`)))).toContain("remote");
    }));
});

test("a slow answer is waited for by what may read many rows and by changes of tables, by nothing else", async () => {
  const store = await openRemote({ url: server.url, answerMilliseconds: 100 });
  server.before(() => Bun.sleep(300));
  const one = { sql: "SELECT 1 AS n", args: [] };
  expect(await store.snapshot([one])).toEqual([[{ n: 1 }]]);
  expect(await store.write([{ sql: "CREATE TABLE t (a)", args: [] }])).toEqual([[]]);
  for (const ask of [() => store.read(one.sql, []), () => store.write([one])])
    expect(await thrown(ask)).toMatchObject({ fault: "unavailable" });
  // Who asks after somebody waited in vain does not wait.
  expect(String(await thrown(() => store.snapshot([one])))).toContain("did not answer before");
  store.close();
  const page = join(import.meta.dir, "../../src/web/content/operating/machines.md");
  expect(await Bun.file(page).text()).toMatch(
    /may read many rows,[^.]* and a change of the\s+tables have ten minutes/,
  );
});

test("a server's token is sent, and one that is wrong is told without it", async () => {
  await server.stop();
  server = startHrana({ path: `${folder.path}/remote.db`, authToken: "token-of-the-server" });
  const right = await openStore({ url: server.url, authToken: "token-of-the-server" });
  expect(await right.read("SELECT 1 AS n", [])).toEqual([{ n: 1 }]);
  right.close();
  const wrong = await openStore({ url: server.url, authToken: "another-token" });
  const error = await thrown(() => wrong.read("SELECT 1", []));
  expect(error).toBeInstanceOf(StoreError);
  expect(String(error)).not.toContain("another-token");
  wrong.close();
});

test("a redirect is not followed: neither the token nor a statement goes there, and the error says what answered", async () => {
  await using elsewhere = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => Response.redirect(server.url + new URL(url).pathname + "?s=secret", 307),
  });
  const at = `127.0.0.1:${elsewhere.port}`;
  const store = await openStore({ url: `http://${at}`, authToken: "token-of-the-server" });
  const statements = [{ sql: "SELECT 1 AS n", args: [] }];
  const asked = [
    () => store.read("SELECT 1 AS n", []),
    () => store.write(statements),
    () => store.snapshot(statements),
  ];
  for (const ask of asked) {
    const error = await thrown(ask);
    expect(error).toMatchObject({
      fault: "unavailable",
      message: `Cannot use the database at ${at}: it answered 307, a redirect to ${server.url}, which is not followed. Set database.url to where the database itself answers`,
    });
  }
  expect(server.requests()).toBe(0);
  store.close();
});

test("provider keys are sealed under the variable's master key, which a remote database needs, and are sealed anew", () =>
  withStore(async (store) => {
    const variables: Record<string, string> = {};
    const place: KeyPlace = {
      dataDir: folder.path,
      isRemote: true,
      secret: (name) => variables[name],
    };
    const secret = "sk-secret-kept-far-away";
    const add = () =>
      addProviderKey(
        store,
        { clock, ids: createIds(clock), place },
        { provider: "openai", label: "test", secret: { kind: "key", key: secret } },
      );
    const opened = async () =>
      (await openProviderKeys(store, place)).map((one) =>
        one.secret.kind === "key" ? one.secret.key : one.secret.kind,
      );
    expect(String(await thrown(add))).toContain("LOWROUTER_MASTER_KEY");
    const first = mintMasterKey();
    variables["LOWROUTER_MASTER_KEY"] = first;
    await add();
    expect(await opened()).toEqual([secret]);
    expect(readdirSync(folder.path)).not.toContain("master.key");
    variables["LOWROUTER_MASTER_KEY"] = mintMasterKey();
    expect(await thrown(opened)).toBeInstanceOf(VaultError);
    variables["LOWROUTER_MASTER_KEY_PREVIOUS"] = first;
    await rotateMasterKey(store, place);
    delete variables["LOWROUTER_MASTER_KEY_PREVIOUS"];
    expect(await opened()).toEqual([secret]);
    const file = readFileSync(`${folder.path}/remote.db`).toString("latin1");
    expect(file).not.toContain(secret);
  }));

test("processes on one database tell each other what is shut", () =>
  withStore(async (store) => {
    const second = await openStore({ url: server.url });
    const route = routeAt("openai", "eu-west", "openai/gpt-4o-mini");
    const process = (processId: string, kept: Store) => {
      const health = createHealth(clock);
      const inFlight = createInFlight(() => undefined);
      const log = createLog({ clock, level: "error", format: "json", write() {} });
      return {
        health,
        sharing: shareHealth({ store: kept, clock, log, health, inFlight, processId }),
      };
    };
    const [one, two] = [process("one", store), process("two", second)];
    for (let time = 0; time < 3; time++) one.health.failed(route);
    await one.sharing.tick();
    await two.sharing.tick();
    expect(two.health.standing(route)).toMatchObject({
      state: "unavailable",
      reason: "circuit_open",
    });
    const told = await toldHealth(second, clock.now());
    expect(told.standings).toMatchObject([{ state: "unavailable", reason: "circuit_open" }]);
    await one.sharing.close();
    await two.sharing.close();
    expect((await toldHealth(second, clock.now())).standings).toEqual([]);
    second.close();
  }));

test("a setup link makes the first administrator, who signs out and in again", async () => {
  const master = mintMasterKey();
  await using house = await startPeople((config) => {
    config.database.url = server.url;
    config.secret = (name) => (name === "LOWROUTER_MASTER_KEY" ? master : undefined);
  });
  expect(house.store.kind).toBe("remote");
  const browser = house.browser();
  await browser.open(await house.setup());
  const email = "ada@example.org";
  const sent = await browser.post("/register", { name: "Ada", email, "new-password": password });
  expect([sent.status, sent.to]).toEqual([303, "/operator/welcome"]);
  expect(words(await browser.get("/account"))).toContain("Ada, ada@example.org");
  await browser.post("/logout", {});
  expect((await browser.get("/account")).to).toStartWith("/login");
  const wrong = await browser.post("/login", { email, password: "three other words" });
  expect(wrong.status).not.toBe(303);
  expect((await browser.post("/login", { email, password })).status).toBe(303);
  expect((await browser.get("/account")).status).toBe(200);
  const newcomer = await house.somebody("eve");
  expect(words(await newcomer.get("/account"))).toContain("eve@example.org");
}, 20_000);

test("requests are held, answered, charged once and found again", async () => {
  const upstream = scriptedUpstream(() => completion("Hi"));
  const gateway = await startGateway({
    balance: 1,
    config(config) {
      config.database.url = server.url;
      config.providers = { openai: { base_urls: { "us-east": upstream.url } } };
    },
  });
  try {
    expect(gateway.store.kind).toBe("remote");
    const before = await gateway.balance();
    const replies = await Promise.all(
      Array.from({ length: 12 }, () => gateway.chat({ max_tokens: 10 })),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(12).fill(200));
    await gateway.until(() => true);
    const rows = await gateway.rows();
    expect(rows).toHaveLength(12);
    const charged = rows.reduce((sum, { cost }) => sum + Number(cost), 0);
    expect(charged).toBeGreaterThan(0);
    expect(before - (await gateway.balance())).toBe(charged);
    expect(await gateway.imbalances()).toBe(0);
    const id = String(at(replies[0]?.json, "lowrouter.generation_id"));
    const found = await gateway.ask(`/v1/generation/${id}`);
    expect([found.status, at(found.json, "status")]).toEqual([200, "ok"]);
    const { json } = await gateway.ask("/v1/transactions");
    expect(listAt(json, "transactions")).toHaveLength(13);
    const poor = await gateway.chat({ max_tokens: 16_000, model: "openai/gpt-4o-mini", n: 128 });
    expect(poor.status).toBe(402);
  } finally {
    await gateway.close();
    await upstream.stop();
  }
});

test("a stream is committed before its last byte, over the network too", async () => {
  const gateway = await startGateway({
    config(config) {
      config.database.url = server.url;
    },
  });
  try {
    const { status, text } = await gateway.chat({ stream: true });
    expect(status).toBe(200);
    expect(at(eventsOf(text).at(-1), "lowrouter.generation_id")).toBeString();
    expect((await gateway.rows()).map((row) => row.status)).toEqual(["ok"]);
  } finally {
    await gateway.close();
  }
});

test("a database that a plan has blocked is away, so that what is to be written waits for it", () => {
  const blocked = Object.assign(new Error("BLOCKED: Operation was blocked"), { code: "BLOCKED" });
  expect(toStoreError(blocked).fault).toBe("unavailable");
});

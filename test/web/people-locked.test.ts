import { expect, test } from "bun:test";
import Database from "libsql";
import { mintMasterKey } from "#src/account/vault.ts";
import { startHrana } from "#test/lib/hrana.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { lockSessions, type Page, password, startPeople, words } from "#test/web/people-kit.ts";

const credentials = { email: "ada@example.org", password };

test("where the database stays locked, whoever signs in or out is told so and when to come again, and nothing is half done", async () => {
  await using house = await startPeople();
  const ada = await house.somebody("ada");
  const audited = await house.audit();
  const other = new Database(house.store.path ?? "");
  other.exec("BEGIN IMMEDIATE");
  const [told, ...answers]: Page[] = await Promise.all([
    house.browser().post("/login", credentials, { accept: "application/json" }),
    house.browser().post("/login", credentials),
    house.browser().post("/login", { ...credentials, password: "not the password" }),
    house.browser().post("/login/passkey/options", {}),
    ada.post("/logout", {}),
    ada.post("/dashboard/keys", { name: "during" }),
    ada.post("/account/organisations", { name: "during" }),
  ]);
  other.exec("ROLLBACK");
  other.close();
  for (const answer of answers) expect(words(answer)).toContain("ask again in a moment");
  expect(JSON.parse(told?.text ?? "")).toMatchObject({ error: { code: "service_unavailable" } });
  for (const answer of [told, ...answers])
    expect([answer?.status, answer?.headers.get("retry-after")]).toEqual([503, "2"]);
  const logged = house.logged().match(/"event":"service_unavailable","cause":"StoreError/g);
  expect(logged).toHaveLength(answers.length + 1);

  expect(await house.audit()).toEqual(audited);
  expect(await house.store.read("SELECT name FROM api_key", [])).toEqual([]);
  expect((await ada.get("/account")).status).toBe(200);
  expect((await ada.post("/logout", {})).to).toBe("/login?out=1");
  expect(await house.store.read("SELECT id FROM person_session", [])).toEqual([]);
}, 30_000);

test("nobody is told that they are signed out while their session goes on", async () => {
  await using house = await startPeople();
  const ada = await house.somebody("ada");
  await lockSessions(house, "DELETE");
  const { status, headers } = await ada.post("/logout", {});
  expect([status, headers.get("retry-after")]).toEqual([503, "2"]);
  expect((await ada.get("/account")).status).toBe(200);
  expect(await house.audit()).not.toContain("sign_in.ended");
}, 30_000);

test("while a database over the network is away, whoever signs in or out is told so and when to come again", async () => {
  using folder = temporaryFolder();
  const server = startHrana({ path: `${folder.path}/remote.db` });
  await using stopping = new AsyncDisposableStack();
  stopping.defer(() => server.stop());
  const master = mintMasterKey();
  await using house = await startPeople((config) => {
    config.database.url = server.url;
    config.secret = (name) => (name === "LOWROUTER_MASTER_KEY" ? master : undefined);
  });
  const ada = await house.somebody("ada");
  server.before(() => {
    throw new Error("away");
  });
  for (const ask of [
    () => house.browser().post("/login", credentials),
    () => house.browser().post("/login", { ...credentials, password: "not the password" }),
    () => house.browser().post("/login/passkey/options", {}),
    () => ada.post("/logout", {}),
    () => ada.get("/account"),
  ]) {
    const { status, headers } = await ask();
    expect([String(ask), status, headers.get("retry-after")]).toEqual([String(ask), 503, "2"]);
  }
  server.before(undefined);
  expect((await ada.get("/account")).status).toBe(200);
}, 30_000);

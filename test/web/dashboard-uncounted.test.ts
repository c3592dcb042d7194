import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKey } from "#src/account/keys.ts";
import { mintMasterKey } from "#src/account/vault.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { startHrana } from "#test/lib/hrana.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { startPeople, words } from "#test/web/people-kit.ts";

test("pages and files say how many requests they leave out while the database takes no rows, and nothing once it has them", async () => {
  using folder = temporaryFolder();
  const server = startHrana({ path: `${folder.path}/remote.db` });
  const master = mintMasterKey();
  let dataDir = "";
  const house = await startPeople((config) => {
    config.database.url = server.url;
    config.secret = (name) => (name === "LOWROUTER_MASTER_KEY" ? master : undefined);
    dataDir = config.dataDir;
  });
  const { accountId, store } = house;
  const { app, services } = house.gateway;
  const operator = await house.somebody("ada", { operator: true });
  const admin = await house.somebody("bob", { accountId, role: "admin" });
  const member = await house.somebody("cleo", { accountId, role: "member" });
  const [cleo] = await store.read("SELECT id FROM person WHERE name = 'cleo'", []);
  const own = await createKey(store, house.clock, {
    accountId,
    name: "of cleo",
    createdBy: String(cleo?.["id"]),
  });
  const record = async (keyId: string) => {
    const completedAt = house.clock.now() - 90_000;
    const generation = sampleGeneration({ accountId, keyId, createdAt: completedAt, completedAt });
    await app.ledger.record({ generation, movements: [] });
    return generation;
  };
  const path = `?account=${accountId}`;
  const lists = ["", "/transactions", "/usage", "/credits", "/keys"];
  const said = /(\d+ requests?) that this machine answered (?:is|are) not counted yet/;

  await record(own.key.hash);
  await house.gateway.flush();
  for (const list of lists)
    expect(words(await admin.get(`/dashboard${list}${path}`))).not.toMatch(said);
  expect(words(await operator.get("/operator/system"))).toContain(
    "Waits here for the database nothing",
  );

  await store.write([
    {
      sql: "CREATE TRIGGER takes_none BEFORE INSERT ON generation_record BEGIN INSERT INTO nowhere VALUES (1); END",
      args: [],
    },
  ]);
  const theirs = await record(own.key.hash);
  const others = [await record("key_of_bob"), await record("key_of_bob")];
  for (const list of lists) {
    const page = await admin.get(`/dashboard${list}${path}`);
    expect([list, page.status, said.exec(words(page))?.[1]]).toEqual([list, 200, "3 requests"]);
    if (list === "/credits") continue;
    // Of the others' requests a member knows nothing.
    expect([list, said.exec(words(await member.get(`/dashboard${list}${path}`)))?.[1]]).toEqual([
      list,
      "1 request",
    ]);
  }
  const file = await admin.get(`/dashboard/transactions${path}&format=csv`);
  expect(file.headers.get("x-lowrouter-uncounted-requests")).toBe("3");
  const page = await member.get(`/dashboard/transactions/${theirs.id}${path}`);
  expect(words(page)).toContain("it waits on the machine that answered it");
  const one = await member.get(`/dashboard/transactions/${theirs.id}${path}&format=json`);
  expect(JSON.parse(one.text)).toMatchObject({ id: theirs.id, waits_for_database: true });
  expect((await member.get(`/dashboard/transactions/${others[0]?.id}${path}`)).status).toBe(404);

  const system = words(await operator.get("/operator/system"));
  expect(system).toMatch(/Waits here for the database 3 rows, 0 MiB of 64 MiB, the oldest of 20/);
  expect(system).toMatch(/spool Fix rows that wait for the database: 3, the oldest of 20/);
  expect(system).toContain("see commit_failed in the log");
  expect(said.exec(system)?.[1]).toBe("3 requests");

  await store.write([{ sql: "DROP TRIGGER takes_none", args: [] }]);
  await house.gateway.flush();
  for (const list of lists)
    expect(words(await admin.get(`/dashboard${list}${path}`))).not.toMatch(said);
  const later = await member.get(`/dashboard/transactions/${theirs.id}${path}`);
  expect([later.status, words(later).includes("it waits on the machine")]).toEqual([200, false]);

  // What was refused for good stays in view until somebody takes the file away.
  expect(words(await operator.get("/operator/system"))).toContain("spool Well nothing waits");
  writeFileSync(join(dataDir, "spool/refused.jsonl"), '{"why":"x","row":"y"}\n');
  expect(words(await operator.get("/operator/system"))).toContain(
    "spool Fix rows that the database refused: 1",
  );
  expect(services.unsent?.state().rows).toBe(0);
  await house[Symbol.asyncDispose]();
  await server.stop();
}, 60_000);

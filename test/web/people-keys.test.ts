import { describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { migrations } from "#db/migrations.ts";
import { listAudit } from "#src/account/people/audit.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { alertOf, askedWith, makeKey, staff } from "#test/web/dashboard-keys-kit.ts";
import { hostile, keep } from "#test/web/dashboard-requests-kit.ts";
import { password, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const listPath = "/dashboard/transactions";
const memberPath = "/dashboard/members";

function listed(house: PeopleGateway, secret: string): Promise<Response> {
  return fetch(`${house.url}/api/v1/keys`, { headers: { authorization: `Bearer ${secret}` } });
}

describe("a key that a member made and deleted", () => {
  test("still shows its requests to that member, in every view, and to no other member", async () => {
    await using house = await startPeople();
    const { owner, member, admin, ids, accountId } = await staff(house);
    const colleague = await house.somebody("colleague", { accountId, role: "member" });
    await colleague.post("/account/switch", { to: accountId });
    const made = await makeKey(member, { name: hostile, key_type: "regular" });
    const rest = await makeKey(admin, { name: "of the admin", key_type: "regular" });
    const now = house.clock.now();
    const [id] = await keep(house.store, [
      { createdAt: now - 2000, accountId, keyId: made.hash, keyName: hostile, user: "seen-by-me" },
      { createdAt: now - 1000, accountId, keyId: rest.hash, keyName: "other", user: "not-mine" },
    ]);
    expect((await member.post(`/dashboard/keys/${made.hash}/delete`, {})).status).toBe(303);

    for (const path of [listPath, "/dashboard/live", "/dashboard"]) {
      const page = await member.get(path);
      expect([path, page.text.includes(`${listPath}/${id}`)]).toEqual([path, true]);
      expect([path, page.text.includes("not-mine")]).toEqual([path, false]);
      expect([path, page.text.includes("<img src=x")]).toEqual([path, false]);
      expect([path, (await colleague.get(path)).text.includes(`${id}`)]).toEqual([path, false]);
    }
    expect((await member.get(`${listPath}/${id}`)).status).toBe(200);
    expect((await colleague.get(`${listPath}/${id}`)).status).toBe(404);
    // Offered to choose from, by its name.
    expect(words(await member.get(listPath))).toContain("(deleted)");
    const chosen = await member.get(`${listPath}?key=${made.hash}&format=json`);
    expect(JSON.parse(chosen.text).data).toHaveLength(1);

    const usage = async (who: typeof member) =>
      JSON.parse((await who.get("/dashboard/usage?group=key,maker&format=json")).text).data.map(
        (row: Record<string, unknown>) => [row["api_key_name"], row["created_by"]],
      );
    expect(await usage(member)).toEqual([[hostile, ids.member]]);
    expect(await usage(colleague)).toEqual([]);
    expect(await usage(owner)).toContainEqual([hostile, ids.member]);
    const page = await owner.get("/dashboard/usage?group=key,maker");
    expect(page.text).not.toContain("<img src=x");
    expect(words(page)).toContain("(deleted)");
    expect(words(await owner.get("/dashboard/audit"))).toContain(", deleted");
  }, 20_000);

  test("is told by its maker where the API deletes it, and belongs to who made the management key that made it", async () => {
    await using house = await startPeople();
    const { admin, ids, accountId } = await staff(house);
    const manager = await makeKey(admin, { name: "robot", key_type: "management" });
    const headers = { authorization: `Bearer ${manager.secret}` };
    const created = await fetch(`${house.url}/api/v1/keys`, {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "by the robot" }),
    });
    const { data } = JSON.parse(await created.text());
    const gone = await fetch(`${house.url}/api/v1/keys/${data.hash}`, {
      method: "DELETE",
      headers,
    });
    expect(gone.status).toBe(200);
    expect(
      await house.store.read("SELECT account_id, name, created_by FROM deleted_key", []),
    ).toEqual([{ account_id: accountId, name: "by the robot", created_by: ids.admin }]);
  });
});

describe("a management key", () => {
  test("ends with the role of who made it, on the next request, and the members page says so before", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { owner, admin, ids } = await staff(house);
    const manager = await makeKey(admin, { name: "robot", key_type: "management" });
    const plain = await makeKey(admin, { name: "plain", key_type: "regular" });
    const headers = { authorization: `Bearer ${manager.secret}` };
    const second = await fetch(`${house.url}/api/v1/keys`, {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "heir", key_type: "management" }),
    });
    const heir = String(JSON.parse(await second.text()).key);
    expect((await listed(house, manager.secret)).status).toBe(200);
    expect((await listed(house, heir)).status).toBe(200);
    expect(words(await owner.get(memberPath))).toContain(
      "As a member: 2 management keys will stop working",
    );
    expect(words(await owner.get(`${memberPath}/${ids.admin}/remove`))).toContain(
      "2 management keys will stop working",
    );

    await owner.post(`${memberPath}/${ids.admin}/role`, { role: "member" });
    expect((await listed(house, manager.secret)).status).toBe(401);
    expect((await listed(house, heir)).status).toBe(401);
    expect((await askedWith(house, plain.secret)).status).toBe(200);
    const { items } = await listAudit(house.store, { pageSize: 10 });
    expect(items.find(({ action }) => action === "member.management_keys_disabled")).toMatchObject({
      actor: ids.owner,
      target: ids.admin,
      detail: { keys: 2 },
    });
    expect(words(await owner.get(memberPath))).not.toContain("will stop working");

    // Nobody lets it work again while its maker may not manage.
    const again = await owner.post(`/dashboard/keys/${manager.hash}/switch`, { disabled: "false" });
    expect([again.status, alertOf(again)]).toEqual([
      400,
      expect.stringContaining("Cannot let this management key work"),
    ]);
    await owner.post(`${memberPath}/${ids.admin}/role`, { role: "admin" });
    expect((await listed(house, manager.secret)).status).toBe(401);
    await owner.post(`/dashboard/keys/${manager.hash}/switch`, { disabled: "false" });
    expect((await listed(house, manager.secret)).status).toBe(200);
  }, 20_000);

  test.each([
    ["removed", "removed"],
    ["left", "left"],
    ["deleted", "deleted"],
  ] as const)("ends where who made it is %s", async (_, how) => {
    await using house = await startPeople();
    const { owner, admin, ids, accountId } = await staff(house);
    const manager = await makeKey(admin, { name: "robot", key_type: "management" });
    expect((await listed(house, manager.secret)).status).toBe(200);
    const sent =
      how === "removed"
        ? await owner.post(`${memberPath}/${ids.admin}/remove`, {})
        : how === "left"
          ? await admin.post("/account/leave", { leave: accountId })
          : await admin.post("/account/delete", { password });
    expect(sent.status).toBe(303);
    expect((await listed(house, manager.secret)).status).toBe(401);
    expect(await house.audit()).toContain("member.management_keys_disabled");
  });

  test("is not made for somebody whose role ends at the same moment; one of the command line has no maker", async () => {
    await using house = await startPeople();
    const { ids, accountId } = await staff(house);
    const make = (createdBy?: string) =>
      createKey(house.store, house.clock, {
        accountId,
        name: "k",
        type: "management",
        ...(createdBy === undefined ? {} : { createdBy }),
      });
    const failed = await make(ids.member).catch((thrown: unknown) => thrown);
    expect(failed).toMatchObject({ code: "invalid_value" });
    expect((await make()).key.disabled).toBe(false);
    expect((await make(ids.admin)).key.disabled).toBe(false);
  });
});

test("the account that was chosen last is in use at the next sign-in, and the personal one where the membership ended", async () => {
  await using house = await startPeople();
  const { owner, member, ids, accountId } = await staff(house);
  const again = async () => {
    const browser = house.browser();
    await browser.post("/login", { email: "member@example.org", password });
    return words(await browser.get("/dashboard"));
  };
  const signIn = house.browser();
  await signIn.get("/login");
  expect(await again()).toContain("operator, requests of the keys that you made");
  const [row] = await house.store.read("SELECT account_id FROM person WHERE id = ?", [ids.member]);
  await member.post("/account/switch", { to: String(row?.["account_id"]) });
  expect(await again()).not.toContain("operator, requests");
  await member.post("/account/switch", { to: accountId });
  await owner.post(`${memberPath}/${ids.member}/remove`, {});
  const after = await again();
  expect(after).not.toContain("operator, requests");
  expect(after).toContain("member");
});

test("an upgrade keeps who made keys that were deleted, and ends management keys of who may not manage", async () => {
  using folder = temporaryFolder();
  const clock = createFakeClock();
  const store = await openStore({ url: `file:${folder.path}/old.db` });
  const at = migrations.findIndex(({ tag }) => tag === "0008_people");
  await migrate(store, clock, migrations.slice(0, at));
  const event = (id: string, action: string, actor: string, target: string) => ({
    sql: `INSERT INTO audit_event (id, at, actor, action, target, account_id, detail) VALUES (?, 5, ?, ?, ?, 'acc_1', '{"name":"old"}')`,
    args: [id, actor, action, target],
  });
  const key = (hash: string, by: string | null) => ({
    sql: `INSERT INTO api_key (hash, account_id, name, label, type, created_at, created_by) VALUES (?, 'acc_1', '', '', 'management', 0, ?)`,
    args: [hash, by],
  });
  const member = (id: string, role: string) => ({
    sql: "INSERT INTO membership (account_id, person_id, role, created_at) VALUES ('acc_1', ?, ?, 0)",
    args: [id, role],
  });
  await store.write([
    event("evt_1", "key.created", "per_1", "gone"),
    event("evt_2", "key.deleted", "per_2", "gone"),
    event("evt_3", "key.created", "cli", "gone too"),
    event("evt_4", "key.deleted", "per_2", "gone too"),
    event("evt_5", "key.created", "per_1", "there"),
    member("per_1", "member"),
    member("per_2", "admin"),
    key("there", "per_1"),
    key("left", "per_3"),
    key("fine", "per_2"),
    key("cli", null),
  ]);
  await migrate(store, clock);
  expect(
    await store.read("SELECT hash, name, created_by FROM deleted_key ORDER BY hash", []),
  ).toEqual([
    { hash: "gone", name: "old", created_by: "per_1" },
    { hash: "gone too", name: "old", created_by: null },
  ]);
  expect(await store.read("SELECT hash FROM api_key WHERE disabled = 1 ORDER BY hash", [])).toEqual(
    [{ hash: "left" }, { hash: "there" }],
  );
  store.close();
});

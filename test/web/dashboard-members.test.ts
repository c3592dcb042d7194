import { describe, expect, test } from "bun:test";
import { createKey, getKey } from "#src/account/keys.ts";
import { at } from "#test/lib/gateway.ts";
import { alertOf, askedWith, foreignForms, staff } from "#test/web/dashboard-keys-kit.ts";
import { tableOf } from "#test/web/outline.ts";
import { type Browser, type Page, password, startPeople, words } from "#test/web/people-kit.ts";

const path = "/dashboard/members";
const script = `<script>alert(1)</script>"><img src=x onerror=alert(2)>`;

function linkIn({ text }: Page): string {
  return (/<code id="link">[^<]*(\/register\?invite=[\w-]{43})/.exec(text) ?? [])[1] ?? "";
}

function invite(browser: Browser, fields: Record<string, string> = {}): Promise<Page> {
  return browser.post(`${path}/invite`, { email: "", role: "member", days: "7", ...fields });
}

describe("members", () => {
  test("are there for owners and admins; for everyone else the pages and forms are not", async () => {
    await using house = await startPeople();
    const { owner, admin, member, other, nobody, ids } = await staff(house);
    const pages = [path, `${path}/${ids.member}/remove`];
    const forms = [`${path}/invite`, `${path}/revoke`, `${path}/${ids.other}/role`];
    const before = await rolesOf();
    for (const one of pages) {
      const statuses = [owner, admin, member].map(async (who) => (await who.get(one)).status);
      expect([one, await Promise.all(statuses)]).toEqual([one, [200, 200, 404]]);
      expect((await nobody.get(one)).to).toBe(`/login?next=${encodeURIComponent(one)}`);
      // Named on the address, a foreign account is as one that does not exist.
      const foreign = await other.get(`${one}?account=${house.accountId}`);
      const missing = await other.get(`${one}?account=acc_missing`);
      expect([foreign.status, missing.status]).toEqual([404, 404]);
      expect(words(foreign)).toBe(words(missing));
    }
    for (const form of [...forms, `${path}/${ids.member}/remove`]) {
      const fields = { role: "admin", id: "inv_1", email: "", days: "7" };
      expect([form, (await member.post(form, fields)).status]).toEqual([form, 404]);
      const away = await nobody.post(form, fields);
      expect([form, away.to]).toEqual([form, "/login?next=%2Faccount"]);
      for (const headers of foreignForms)
        expect([form, (await owner.post(form, fields, headers)).status]).toEqual([form, 403]);
      const elsewhere = await other.post(`${form}?account=${house.accountId}`, fields);
      expect([form, elsewhere.status]).toEqual([form, 404]);
    }
    expect((await other.post(`${path}/${ids.member}/role`, { role: "admin" })).status).toBe(404);
    expect((await other.get(`${path}/${ids.member}/remove`)).status).toBe(404);
    expect(await rolesOf()).toBe(before);
    expect(await house.store.read("SELECT id FROM one_use_link WHERE used_at IS NULL", [])).toEqual(
      [],
    );

    async function rolesOf(): Promise<string> {
      return JSON.stringify(await house.store.read("SELECT * FROM membership ORDER BY 1, 2", []));
    }
  });

  test("a role is changed within reach, from the next page on, and the last owner stays", async () => {
    await using house = await startPeople();
    const { owner, admin, member, ids } = await staff(house);
    const setRole = (who: Browser, of: string, role: string) =>
      who.post(`${path}/${of}/role`, { role });
    expect((await member.get("/dashboard/credits")).status).toBe(404);
    expect((await setRole(admin, ids.member, "admin")).to).toBe(`${path}?done=role`);
    expect((await member.get(path)).status).toBe(200);

    const refused = [
      [await setRole(admin, ids.admin, "owner"), "Cannot make an owner: only owners do"],
      [await setRole(admin, ids.owner, "member"), "Cannot change an owner: only owners do"],
      [await setRole(owner, ids.owner, "admin"), "Cannot leave an account without an owner"],
      [await setRole(owner, ids.member, "boss"), "choose owner, admin, member"],
      [await owner.post(`${path}/${ids.owner}/remove`, {}), "Cannot leave an account without"],
    ] as const;
    for (const [page, text] of refused) {
      expect(page.status).toBe(400);
      expect(alertOf(page)).toContain(text);
    }
    expect((await setRole(owner, ids.other, "member")).status).toBe(404);
    // An admin is not offered what an admin cannot give.
    expect((await admin.get(path)).text).not.toContain('<option value="owner"');
    expect((await owner.get(path)).text).toContain('<option value="owner"');

    expect((await setRole(owner, ids.admin, "owner")).status).toBe(303);
    expect((await setRole(owner, ids.owner, "member")).to).toBe("/account");
    expect((await owner.get(path)).status).toBe(404);
  });

  test("of two owners who lower each other at the same moment, one is refused", async () => {
    await using house = await startPeople();
    const { owner, admin, ids } = await staff(house);
    await owner.post(`${path}/${ids.admin}/role`, { role: "owner" });
    const sent = await Promise.all([
      owner.post(`${path}/${ids.admin}/role`, { role: "member" }),
      admin.post(`${path}/${ids.owner}/role`, { role: "member" }),
    ]);
    expect(sent.filter(({ status }) => status === 303)).toHaveLength(1);
    const owners = await house.store.read(
      "SELECT person_id FROM membership WHERE account_id = ? AND role = 'owner'",
      [house.accountId],
    );
    expect(owners).toHaveLength(1);
  });

  test("somebody is removed after a question, and with them, if asked, the keys that they made", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { admin, member, ids } = await staff(house);
    const made = await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: "of the member",
      createdBy: ids.member,
    });
    expect((await askedWith(house, made.secret)).status).toBe(200);
    const asked = await admin.get(`${path}/${ids.member}/remove`);
    expect(words(asked)).toContain("Also disable the key that they made");
    expect((await member.get("/dashboard/keys")).text).toContain("of the member");
    const done = await admin.post(`${path}/${ids.member}/remove`, { keys: "disable" });
    expect(done.to).toBe(`${path}?done=removed`);
    expect((await member.get("/dashboard/keys")).text).not.toContain("of the member");
    expect((await askedWith(house, made.secret)).status).toBe(401);
    expect((await admin.get(`${path}/${ids.member}/remove`)).status).toBe(404);
    expect(await house.audit()).toEqual(
      expect.arrayContaining(["member.keys_disabled", "member.removed"]),
    );
  });

  test("keys of somebody who is removed go on working where that is not asked", async () => {
    await using house = await startPeople();
    const { admin, ids } = await staff(house);
    const made = await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: "of the member",
      createdBy: ids.member,
    });
    expect((await admin.post(`${path}/${ids.member}/remove`, {})).status).toBe(303);
    expect((await getKey(house.store, house.accountId, made.key.hash))?.disabled).toBe(false);
  });

  test("the list is a page, JSON and CSV, counts the keys that each made, and goes on after fifty", async () => {
    await using house = await startPeople();
    const { owner, ids } = await staff(house);
    await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: "one",
      createdBy: ids.admin,
    });
    await house.store.write(
      Array.from({ length: 60 }, (_, i) => ({
        sql: `INSERT INTO membership (account_id, person_id, role, created_at) VALUES (?, ?, 'member', ?)`,
        args: [house.accountId, `per_${String(i).padStart(2, "0")}`, i % 7],
      })),
    );
    await house.store.write(
      Array.from({ length: 60 }, (_, i) => ({
        sql: `INSERT INTO person (id, name, email, created_at, updated_at, account_id) VALUES (?, 'x', ?, 0, 0, 'acc_x')`,
        args: [`per_${String(i).padStart(2, "0")}`, `x${i}@example.org`],
      })),
    );
    const all = JSON.parse((await owner.get(`${path}?format=json`)).text);
    expect(at(all, "data.0")).toMatchObject({ name: "owner", role: "owner", keys: 0 });
    expect(at(all, "data.1")).toMatchObject({ name: "admin", role: "admin", keys: 1 });
    const csv = (await owner.get(`${path}?format=csv`)).text.trim().split("\r\n");
    expect(csv).toHaveLength(64);
    const seen: string[] = [];
    let next: string | undefined = path;
    while (next !== undefined) {
      const { text } = await owner.get(next);
      seen.push(...[...text.matchAll(/(\S+@example\.org)<\/span>/g)].map(([, one = ""]) => one));
      next = /rel="next" href="([^"]+)"/.exec(text)?.[1];
    }
    expect(seen.map((one) => one.replace(/.*>/, ""))).toEqual(
      csv.slice(1).map((line) => line.split(",")[2] ?? ""),
    );
  });
});

describe("an invitation", () => {
  test("is shown once, leads in once, with its role, for its address alone", async () => {
    await using house = await startPeople();
    const { admin } = await staff(house);
    const made = await invite(admin, { email: "Zoe@example.org", role: "admin" });
    expect([made.status, made.headers.get("cache-control")]).toEqual([201, "no-store"]);
    const link = linkIn(made);
    expect(link).not.toBe("");
    const list = await admin.get(path);
    expect(words(list)).toContain("zoe@example.org admin admin@example.org");
    expect(list.text).not.toContain(link.slice(-20));
    const zoe = house.browser();
    await zoe.open(link);
    const fields = { name: "Zoe", "new-password": password };
    expect((await zoe.post("/register", { ...fields, email: "max@example.org" })).status).toBe(400);
    expect((await zoe.post("/register", { ...fields, email: "zoe@example.org" })).status).toBe(303);
    await zoe.post("/account/switch", { to: house.accountId });
    expect((await zoe.get(path)).status).toBe(200);
    expect((await house.browser().open(link)).status).toBe(403);
    expect(words(await admin.get(path))).toContain("No invitation waits");
    const [event] = await house.store.read(
      "SELECT account_id, actor, detail FROM audit_event WHERE action = 'invitation.created' AND detail LIKE '%admin%' ORDER BY id DESC LIMIT 1",
      [],
    );
    expect(event).toMatchObject({ account_id: house.accountId });
    expect(String(event?.["detail"])).not.toContain(link.slice(-20));
  });

  test("gives no higher role than its maker has, and is refused in the words of the fault", async () => {
    await using house = await startPeople();
    const { admin, owner } = await staff(house);
    for (const [fields, text] of [
      [{ role: "owner" }, "Cannot invite an owner: only owners do"],
      [
        { email: "Admin@example.org" },
        "Cannot invite admin@example.org: they are a member of this account already",
      ],
      [{ role: "operator" }, "Cannot use this role"],
      [{ email: "nobody" }, "no email address"],
      [{ days: "0" }, "1 to 30 days"],
      [{ days: "31" }, "1 to 30 days"],
      [{ days: "1e1x" }, "1 to 30 days"],
    ] as const) {
      const page = await invite(admin, fields);
      expect([fields, page.status, linkIn(page)]).toEqual([fields, 400, ""]);
      expect(alertOf(page)).toContain(text);
    }
    expect(linkIn(await invite(owner, { role: "owner" }))).not.toBe("");
  });

  test("is void while its maker could not give its role, whatever took that away", async () => {
    await using house = await startPeople();
    const { owner, admin, ids } = await staff(house);
    const [asAdmin, asMember] = [
      linkIn(await invite(admin, { role: "admin" })),
      linkIn(await invite(admin, { role: "member" })),
    ];
    // Who has it open already cannot send it any more either.
    const waiting = house.browser();
    expect((await waiting.open(asAdmin)).status).toBe(200);
    const known = await house.somebody("known");
    await known.open(asMember);

    await owner.post(`${path}/${ids.admin}/role`, { role: "member" });
    for (const link of [asAdmin, asMember])
      expect((await house.browser().open(link)).status).toBe(403);
    const sent = await waiting.post("/register", {
      name: "Eve",
      email: "eve@example.org",
      "new-password": password,
    });
    expect(sent.status).toBe(403);
    expect((await known.post("/register", { join: "1" })).status).toBe(403);
    const shown = await owner.get(path);
    const waits = await tableOf(shown.text, /^Invitations that wait to be taken$/);
    expect(waits.map(([, role, , , state]) => [role, state]).toSorted()).toEqual([
      ["admin", "void"],
      ["member", "void"],
    ]);

    await owner.post(`${path}/${ids.admin}/role`, { role: "admin" });
    expect((await house.browser().open(asAdmin)).status).toBe(200);
    await owner.post(`${path}/${ids.admin}/remove`, {});
    expect((await house.browser().open(asAdmin)).status).toBe(403);
    await house.store.write([
      { sql: "UPDATE person SET operator = 1 WHERE id = ?", args: [ids.admin] },
    ]);
    expect((await house.browser().open(asAdmin)).status).toBe(200);
    await house.store.write([
      { sql: "UPDATE person SET disabled = 1 WHERE id = ?", args: [ids.admin] },
    ]);
    expect((await house.browser().open(asAdmin)).status).toBe(403);
    const [link] = await house.store.read(
      "SELECT id FROM one_use_link WHERE role = 'admin' AND used_at IS NULL",
      [],
    );
    const revoked = await owner.post(`${path}/revoke`, { id: String(link?.["id"]) });
    expect(revoked.to).toBe(`${path}?done=revoked`);
  });

  test("an owner's is void once the owner is an admin, for owners alone", async () => {
    await using house = await startPeople();
    const { owner, admin, ids } = await staff(house);
    await owner.post(`${path}/${ids.admin}/role`, { role: "owner" });
    const [asOwner, asAdmin] = [
      linkIn(await invite(admin, { role: "owner" })),
      linkIn(await invite(admin, { role: "admin" })),
    ];
    await owner.post(`${path}/${ids.admin}/role`, { role: "admin" });
    expect((await house.browser().open(asOwner)).status).toBe(403);
    expect((await house.browser().open(asAdmin)).status).toBe(200);
  });

  test("is revoked by its account alone", async () => {
    await using house = await startPeople();
    const { admin, other } = await staff(house);
    const link = linkIn(await invite(admin));
    const [row] = await house.store.read(
      "SELECT id FROM one_use_link WHERE used_at IS NULL AND revoked_at IS NULL",
      [],
    );
    const id = String(row?.["id"]);
    const [foreign, missing] = [
      await other.post(`${path}/revoke`, { id }),
      await other.post(`${path}/revoke`, { id: "inv_missing" }),
    ];
    expect([foreign.status, missing.status]).toEqual([404, 404]);
    expect(alertOf(foreign)).toBe(alertOf(missing));
    expect((await house.browser().open(link)).status).toBe(200);
    expect((await admin.post(`${path}/revoke`, { id })).status).toBe(303);
    expect((await house.browser().open(link)).status).toBe(403);
    expect((await admin.post(`${path}/revoke`, { id })).status).toBe(404);
  });
});

test("what people call themselves is text on these pages", async () => {
  await using house = await startPeople();
  const { owner, ids } = await staff(house);
  await house.store.write([
    {
      sql: "UPDATE person SET name = ?, email = ? WHERE id = ?",
      args: [script, `${script}@x`, ids.member],
    },
    { sql: "UPDATE account SET name = ? WHERE id = ?", args: [script, house.accountId] },
  ]);
  await invite(owner);
  await house.store.write([{ sql: "UPDATE one_use_link SET email = ?", args: [script] }]);
  for (const one of [path, `${path}/${ids.member}/remove`]) {
    const { text } = await owner.get(one);
    expect(text).not.toContain("<script>alert");
    expect(text).not.toContain("<img");
    expect(text).toContain("&lt;script&gt;alert(1)");
  }
});

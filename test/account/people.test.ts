import { describe, expect, test } from "bun:test";
import { createAccount } from "#src/account/accounts.ts";
import type { KeyPlace } from "#src/account/master-key.ts";
import { listAudit, record } from "#src/account/people/audit.ts";
import { deletePerson } from "#src/account/people/delete-person.ts";
import { join } from "#src/account/people/join.ts";
import type { Kit } from "#src/account/people/kit.ts";
import { createLink, listInvitations, revokeInvitation } from "#src/account/people/links.ts";
import {
  changeRole,
  createOrganisation,
  leave,
  listMembers,
  membershipsOf,
  removeMember,
} from "#src/account/people/members.ts";
import { passwordFault } from "#src/account/people/password.ts";
import type { Role, Visitor } from "#src/account/people/person.ts";
import { peopleSecret } from "#src/account/people/secret.ts";
import { createThrottle } from "#src/account/people/throttle.ts";
import { rotateMasterKey } from "#src/account/rotate.ts";
import { nano } from "#src/ledger/money.ts";
import { createIds } from "#src/lib/id.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder, temporaryStore } from "#test/store/temporary.ts";

function kitOf(store: Store): Kit & { clock: ReturnType<typeof createFakeClock> } {
  const clock = createFakeClock();
  return { store, clock, ids: createIds(clock) };
}

/** Registers somebody, who then looks at an account: that of the invitation, else the personal one. */
async function somebody(
  kit: Kit,
  name: string,
  into?: { accountId: string; role: Role },
  operator = false,
): Promise<Visitor> {
  const made = await createLink(kit, {
    purpose: "invitation",
    createdBy: "cli",
    seconds: 60,
    operator,
    ...into,
  });
  const joined = await join(
    kit,
    made.token,
    { name, email: `${name}@example.org`, passwordHash: "x" },
    { address: "192.0.2.1" },
  );
  if (joined.state !== "joined") throw new Error(joined.state);
  return visitor(kit, joined.personId, into?.accountId);
}

async function visitor(kit: Kit, id: string, accountId?: string): Promise<Visitor> {
  const [row] = await kit.store.read("SELECT * FROM person WHERE id = ?", [id]);
  const person = {
    id,
    name: String(row?.["name"]),
    email: String(row?.["email"]),
    operator: row?.["operator"] === 1,
    twoFactor: false,
    personalAccountId: String(row?.["account_id"]),
  };
  const memberships = await membershipsOf(kit.store, person);
  const found = memberships.find(
    ({ account }) => account.id === (accountId ?? person.personalAccountId),
  );
  if (found === undefined) throw new Error("no member");
  return { ...found, person, memberships, sessionId: "ses_1" };
}

describe("members", () => {
  test("owners change everybody, admins all but owners, members nobody", async () => {
    using temporary = await temporaryStore();
    const kit = kitOf(temporary.store);
    const owner = await somebody(kit, "owner");
    const { id } = await createOrganisation(kit, owner, "Planters");
    const boss = await visitor(kit, owner.person.id, id);
    const admin = await somebody(kit, "admin", { accountId: id, role: "admin" });
    const member = await somebody(kit, "member", { accountId: id, role: "member" });
    const stranger = await somebody(kit, "stranger");
    const rolesNow = async () =>
      Object.fromEntries((await listMembers(kit.store, id)).map(({ name, role }) => [name, role]));
    expect(await rolesNow()).toEqual({ owner: "owner", admin: "admin", member: "member" });

    const foreign = "Cannot find this member";
    await expect(changeRole(kit, member, admin.person.id, "member")).rejects.toThrow(foreign);
    await expect(changeRole(kit, member, member.person.id, "owner")).rejects.toThrow(foreign);
    await expect(changeRole(kit, admin, stranger.person.id, "member")).rejects.toThrow(foreign);
    await expect(changeRole(kit, admin, "per_missing", "member")).rejects.toThrow(foreign);
    await expect(removeMember(kit, member, admin.person.id)).rejects.toThrow(foreign);
    await expect(changeRole(kit, admin, member.person.id, "owner")).rejects.toThrow("only owners");
    await expect(changeRole(kit, admin, owner.person.id, "member")).rejects.toThrow("only owners");
    await expect(removeMember(kit, admin, owner.person.id)).rejects.toThrow("only owners");
    await expect(changeRole(kit, boss, owner.person.id, "admin")).rejects.toThrow(
      "without an owner",
    );
    expect(await rolesNow()).toEqual({ owner: "owner", admin: "admin", member: "member" });

    await changeRole(kit, admin, member.person.id, "admin");
    await changeRole(kit, boss, admin.person.id, "owner");
    await leave(kit, boss, id);
    expect(await rolesNow()).toEqual({ admin: "owner", member: "admin" });
    await removeMember(kit, await visitor(kit, admin.person.id, id), member.person.id);
    expect(await rolesNow()).toEqual({ admin: "owner" });
  });

  test("who lost the role since the page was opened changes nobody any more", async () => {
    using temporary = await temporaryStore();
    const kit = kitOf(temporary.store);
    const owner = await somebody(kit, "owner");
    const { id } = await createOrganisation(kit, owner, "Planters");
    const boss = await visitor(kit, owner.person.id, id);
    const admin = await somebody(kit, "admin", { accountId: id, role: "admin" });
    const member = await somebody(kit, "member", { accountId: id, role: "member" });
    await changeRole(kit, boss, admin.person.id, "member");
    const late = "changed members at the same moment";
    await expect(changeRole(kit, admin, member.person.id, "admin")).rejects.toThrow(late);
    await expect(changeRole(kit, admin, admin.person.id, "admin")).rejects.toThrow(late);
    await expect(removeMember(kit, admin, member.person.id)).rejects.toThrow(late);
    expect((await listMembers(kit.store, id)).map(({ role }) => role)).toEqual([
      "owner",
      "member",
      "member",
    ]);
  });

  test("two owners who leave at the same moment do not leave an account without one", async () => {
    using temporary = await temporaryStore();
    const kit = kitOf(temporary.store);
    const owner = await somebody(kit, "owner");
    const { id } = await createOrganisation(kit, owner, "Planters");
    const other = await somebody(kit, "other", { accountId: id, role: "owner" });
    const left = await Promise.allSettled([
      leave(kit, await visitor(kit, owner.person.id, id), id),
      leave(kit, other, id),
    ]);
    expect(left.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await listMembers(kit.store, id)).toHaveLength(1);
  });

  test("the owner of a personal account stays it, whoever else is a member", async () => {
    using temporary = await temporaryStore();
    const kit = kitOf(temporary.store);
    const eve = await somebody(kit, "eve");
    const { id } = eve.account;
    const guest = await somebody(kit, "guest", { accountId: id, role: "owner" });
    await expect(removeMember(kit, guest, eve.person.id)).rejects.toThrow("personal account");
    await expect(changeRole(kit, guest, eve.person.id, "member")).rejects.toThrow(
      "personal account",
    );
    await expect(leave(kit, eve, id)).rejects.toThrow("Cannot leave the personal account");
    await leave(kit, guest, id);
  });

  test("nobody is deleted who leaves others without an owner, or the gateway without an operator", async () => {
    using temporary = await temporaryStore();
    const kit = kitOf(temporary.store);
    const operator = await somebody(kit, "operator", undefined, true);
    const owner = await somebody(kit, "owner");
    const { id } = await createOrganisation(kit, owner, "Planters");
    const member = await somebody(kit, "member", { accountId: id, role: "member" });
    await expect(deletePerson(kit, operator)).rejects.toThrow("Cannot delete");
    await expect(deletePerson(kit, owner)).rejects.toThrow("Cannot delete");
    await deletePerson(kit, member);
    await deletePerson(kit, owner);
    await somebody(kit, "second", undefined, true);
    await deletePerson(kit, operator);
    const rows = await kit.store.read("SELECT name FROM account WHERE disabled = 0", []);
    expect(rows).toEqual([{ name: "second" }]);
  });
});

test("of several who take a link between the same two reads, one has it", async () => {
  using temporary = await temporaryStore();
  const kit = kitOf(temporary.store);
  const { token } = await createLink(kit, {
    purpose: "invitation",
    createdBy: "cli",
    seconds: 60,
    credit: nano(5),
  });
  const states = await Promise.all(
    ["a", "b", "c"].map(async (name) => {
      const person = { name, email: `${name}@example.org`, passwordHash: "x" };
      return (await join(kit, token, person, { address: "" })).state;
    }),
  );
  expect(states.sort()).toEqual(["gone", "gone", "joined"]);
  for (const table of ["person", "account", "membership", "ledger_entry"])
    expect([table, (await kit.store.read(`SELECT * FROM ${table}`, [])).length]).toEqual([
      table,
      1,
    ]);
});

test("invitations into one account are listed and revoked by that account alone", async () => {
  using temporary = await temporaryStore();
  const kit = kitOf(temporary.store);
  const [one, other] = [
    await createAccount(kit.store, kit, { name: "one", plan: "prepaid" }),
    await createAccount(kit.store, kit, { name: "other", plan: "prepaid" }),
  ];
  const made = await createLink(kit, {
    purpose: "invitation",
    createdBy: "cli",
    seconds: 60,
    accountId: one.id,
  });
  const { id } = made.link;
  expect(await listInvitations(kit.store, other.id)).toEqual([]);
  expect((await listInvitations(kit.store, one.id)).map((link) => link.id)).toEqual([id]);
  expect(await revokeInvitation(kit, id, { actor: "x", accountId: other.id })).toBe(false);
  expect(await revokeInvitation(kit, id, { actor: "x", accountId: one.id })).toBe(true);
  expect(await revokeInvitation(kit, id, { actor: "x", accountId: one.id })).toBe(false);
});

describe("the audit log", () => {
  test("only grows: the database refuses to change or remove an entry", async () => {
    using temporary = await temporaryStore();
    const kit = kitOf(temporary.store);
    await record(kit, { action: "key.created", actor: "per_1", accountId: "acc_1" });
    for (const sql of [
      "UPDATE audit_event SET actor = 'per_2'",
      "DELETE FROM audit_event",
      "INSERT OR REPLACE INTO audit_event (id, at, action) SELECT id, 0, 'x.y' FROM audit_event",
    ])
      expect(() => kit.store.write([{ sql, args: [] }])).toThrow("append-only");
    expect((await listAudit(kit.store, { pageSize: 10 })).items).toMatchObject([
      { action: "key.created", actor: "per_1", accountId: "acc_1", at: kit.clock.now() },
    ]);
  });

  test("is read by account and in pages, newest first", async () => {
    using temporary = await temporaryStore();
    const kit = kitOf(temporary.store);
    for (let i = 0; i < 5; i++)
      await record(kit, { action: "key.created", target: String(i), accountId: `acc_${i % 2}` });
    const first = await listAudit(kit.store, { accountId: "acc_0", pageSize: 2 });
    expect(first.items.map(({ target }) => target)).toEqual(["4", "2"]);
    const { nextPageToken = "" } = first;
    const last = await listAudit(kit.store, {
      accountId: "acc_0",
      pageSize: 2,
      pageToken: nextPageToken,
    });
    expect(last.items.map(({ target }) => target)).toEqual(["0"]);
    expect(last.nextPageToken).toBeUndefined();
  });
});

test("a throttle keeps a bounded number of names", () => {
  const clock = createFakeClock();
  const throttle = createThrottle({ clock, most: 1, windowSeconds: 60, size: 3 });
  for (const name of ["a", "b", "c", "d"]) expect(throttle.take(name)).toBe(0);
  // The oldest made room.
  expect(throttle.take("d")).toBe(60);
  expect(throttle.take("a")).toBe(0);
  clock.advance(59_001);
  expect(throttle.take("d")).toBe(1);
  clock.advance(999);
  expect(throttle.take("d")).toBe(0);
  throttle.forgive("d");
  expect(throttle.take("d")).toBe(0);
});

test("what signs sessions stays the same when the master key changes, and is lost with it", async () => {
  using temporary = await temporaryStore();
  using folder = temporaryFolder();
  const { store } = temporary;
  const place: KeyPlace = { dataDir: folder.path, isRemote: false, secret: () => undefined };
  const [secret, same] = await Promise.all([
    peopleSecret(store, place),
    peopleSecret(store, place),
  ]);
  expect(same).toBe(secret);
  expect(secret).toMatch(/^[\w-]{43}$/);
  await rotateMasterKey(store, place);
  expect(await peopleSecret(store, place)).toBe(secret);
  await rotateMasterKey(store, place);
  expect(await peopleSecret(store, place)).toBe(secret);
  using empty = temporaryFolder();
  await expect(peopleSecret(store, { ...place, dataDir: empty.path })).rejects.toThrow(
    /Cannot sign anybody in: .* LOWROUTER_MASTER_KEY/,
  );
});

test("a password is long enough and not of one sign", () => {
  expect(passwordFault("short")).toContain("at least 10");
  expect(passwordFault("aaaaaaaaaaaaaa")).toContain("different");
  expect(passwordFault("x".repeat(129))).toContain("at most 128");
  expect(passwordFault("three words in a row")).toBeUndefined();
});

import type { AnyElysia } from "elysia";
import { findKeyMaker, type KeyMaker, listKeyMakers } from "#src/account/people/key-makers.ts";
import {
  createLink,
  type Link,
  listInvitations,
  revokeInvitation,
  stateOf,
} from "#src/account/people/links.ts";
import { changeRole, removeMember } from "#src/account/people/members.ts";
import { isAtLeast, isEmail, type Role, roleOf, roles } from "#src/account/people/person.ts";
import { AppError } from "#src/lib/error.ts";
import { auditNames } from "#src/web/dashboard/audit-names.ts";
import { pageAt } from "#src/web/dashboard/key-text.ts";
import { type Invited, MembersPage, membersSheet } from "#src/web/dashboard/members-page.tsx";
import { RemovePage } from "#src/web/dashboard/members-remove.tsx";
import { createRoom, type Guest, type Outcome, type Sender } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { field, seeOther } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";

const path = "/dashboard/members";
const pageSize = 50;
const mostRows = 50_000;
const daySeconds = 86_400;
const longestDays = 30;
/** Invitations of one account that wait to be taken. */
const mostOpen = 100;

const words = {
  role: "The role is changed: the next page that they open follows",
  removed: "The member is removed",
  revoked: "The invitation is revoked",
} as const;

/** Who may act for an account: members with their roles, and invitations by link. */
export function membersRoom(desk: Desk): AnyElysia {
  const { app, services, people } = desk;
  const { store } = services;

  async function list(guest: Guest, outcome: Outcome, invited?: Invited): Promise<Response> {
    const { searchParams } = guest.url;
    const { account } = guest.visitor;
    const isPage = !searchParams.has("format") || invited !== undefined;
    const after = searchParams.get("after") || undefined;
    const { items, nextPageToken } = await listKeyMakers(store, account.id, {
      pageSize: isPage ? pageSize : mostRows,
      ...(after === undefined ? {} : { pageToken: after }),
    });
    const sheet = membersSheet(items, guest);
    const file = isPage ? undefined : sheetAnswer(sheet, searchParams);
    if (file !== undefined) return file;
    const open = await openInvitations(account.id);
    return page(
      <MembersPage
        guest={guest}
        outcome={outcome}
        sheet={sheet}
        next={nextPageToken}
        open={open}
        makers={await auditNames(
          store,
          open.map(({ createdBy }) => createdBy),
          account.id,
        )}
        now={app.clock.now()}
        invited={invited}
      />,
      { status: outcome.status ?? 200, personal: true },
    );
  }

  /** Those that could be used, and those that are void for now: both can be revoked. */
  async function openInvitations(accountId: string): Promise<Link[]> {
    const now = app.clock.now();
    const all = await listInvitations(store, accountId);
    return all.filter((link) => ["open", "void"].includes(stateOf(link, now)));
  }

  async function invite(sender: Sender): Promise<Response> {
    const { visitor, form, knock } = sender;
    const { account } = visitor;
    const email = field(form, "email").toLowerCase();
    if (email !== "" && !isEmail(email))
      throw invalid("email", "Cannot invite this address: it is no email address");
    const role = roleIn(form);
    if (!isAtLeast(visitor.role, role))
      throw invalid("role", "Cannot invite an owner: only owners do");
    const days = Number(field(form, "days", 10));
    if (!Number.isInteger(days) || days < 1 || days > longestDays)
      throw invalid("days", `Cannot make a link for so long: give 1 to ${longestDays} days`);
    if ((await openInvitations(account.id)).length >= mostOpen)
      throw invalid(
        "email",
        `Cannot invite anybody: ${mostOpen} invitations wait. Revoke one that is not needed`,
      );
    const { link, token } = await createLink(people, {
      purpose: "invitation",
      createdBy: visitor.person.id,
      accountId: account.id,
      role,
      seconds: days * daySeconds,
      address: knock.address,
      ...(email === "" ? {} : { email }),
    });
    const url = `${app.config.publicUrl || knock.origin}/register?invite=${token}`;
    const mailed =
      email !== "" && (await desk.tellInvited?.({ email, url, account, by: visitor.person, link }));
    return list(sender, { status: 201 }, { link, url, mailed: mailed === true });
  }

  async function member({ visitor, params }: Guest): Promise<KeyMaker> {
    const found = await findKeyMaker(store, visitor.account.id, params["person"] ?? "");
    if (found !== undefined) return found;
    throw new AppError("not_found", "Cannot find this member: /dashboard/members lists them");
  }

  async function removing(guest: Guest, outcome: Outcome): Promise<Response> {
    const found = await member(guest);
    return page(<RemovePage guest={guest} outcome={outcome} member={found} />, {
      status: outcome.status ?? 200,
      personal: true,
    });
  }

  return createRoom(desk, "members", "admin", words)
    .get(path, list)
    .post(`${path}/invite`, invite, list)
    .post(
      `${path}/revoke`,
      async (sender) => {
        const { visitor, knock, form } = sender;
        const isDone = await revokeInvitation(people, field(form, "id", 60), {
          actor: visitor.person.id,
          accountId: visitor.account.id,
          address: knock.address,
        });
        if (!isDone)
          throw new AppError(
            "not_found",
            "Cannot revoke this invitation: it does not work any more",
          );
        return seeOther(pageAt(sender, path, { done: "revoked" }));
      },
      list,
    )
    .post(
      `${path}/:person/role`,
      async (sender) => {
        const { visitor, knock, params, form } = sender;
        const role = roleIn(form);
        await changeRole(people, visitor, params["person"] ?? "", role, knock.address);
        // Management keys that they made may have ended with the role.
        desk.accountChanged(visitor.account.id);
        return seeOther(
          isAtLeast(role, "admin") ? pageAt(sender, path, { done: "role" }) : after(sender, "role"),
        );
      },
      list,
    )
    .get(`${path}/:person/remove`, removing)
    .post(
      `${path}/:person/remove`,
      async (sender) => {
        const { visitor, knock, params, form } = sender;
        const { account } = visitor;
        const disableKeys = form.get("keys") === "disable";
        await removeMember(people, visitor, params["person"] ?? "", knock.address, { disableKeys });
        desk.accountChanged(account.id);
        return seeOther(after(sender, "removed"));
      },
      removing,
    ).routes;
}

/** Back to the list; who left it is led to what is left. */
function after(guest: Guest, done: keyof typeof words): string {
  const isOwn = guest.params["person"] === guest.visitor.person.id;
  return isOwn ? "/account" : pageAt(guest, path, { done });
}

function roleIn(form: URLSearchParams): Role {
  const role = roleOf(field(form, "role", 20));
  if (role !== undefined) return role;
  throw invalid("role", `Cannot use this role: choose ${roles.join(", ")}`);
}

function invalid(param: string, message: string): AppError {
  return new AppError("invalid_value", message, { param });
}

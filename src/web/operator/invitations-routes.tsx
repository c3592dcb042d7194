import type { AnyElysia } from "elysia";
import { accountNames } from "#src/account/administer.ts";
import { findAccount } from "#src/account/accounts.ts";
import { createLink, type Link, listLinks, revokeLink } from "#src/account/people/links.ts";
import { isEmail, roleOf } from "#src/account/people/person.ts";
import { findPerson, personNames } from "#src/account/people/find.ts";
import { nano } from "#src/ledger/money.ts";
import { AppError } from "#src/lib/error.ts";
import { createRoom, type Guest, type Outcome, type Sender } from "#src/web/dashboard/room.ts";
import { administratorOf } from "#src/web/operator/accounts-routes.tsx";
import { amountIn } from "#src/web/operator/fields.tsx";
import { InvitationsPage, linkSheet, type MadeLink } from "#src/web/operator/invitations.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { field, seeOther } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";

const perPage = 50;
const perFile = 10_000;
const daySeconds = 86_400;
const longestDays = 365;
const path = "/operator/invitations";

/** Links into the gateway: who made which, what became of them, and new ones. */
export function invitationsRoom(desk: Desk): AnyElysia {
  const { app, services, people } = desk;
  const { store } = services;
  const { currency } = app.config.billing;

  /** Where others open this gateway: as it is configured, else as the operator does. */
  function addressOf({ knock }: Guest): string {
    return app.config.publicUrl === "" ? knock.origin : app.config.publicUrl;
  }

  async function list(guest: Guest, outcome: Outcome, made?: MadeLink): Promise<Response> {
    const query = guest.url.searchParams;
    const most = query.has("format") ? perFile : perPage;
    const found = await listLinks(store, {
      before: query.get("after") ?? undefined,
      most: most + 1,
    });
    const links = found.slice(0, most);
    const names = {
      accounts: await accountNames(
        store,
        links.flatMap(({ accountId }) => accountId ?? []),
      ),
      people: await personNames(store, links.flatMap(peopleOf)),
    };
    const sheet = linkSheet(links, names, currency, app.clock.now());
    // What was just made is answered as a page, whatever the address says.
    const file = made === undefined ? sheetAnswer(sheet, query) : undefined;
    return (
      file ??
      page(
        <InvitationsPage
          guest={guest}
          outcome={outcome}
          sheet={sheet}
          next={found.length > most ? links.at(-1)?.id : undefined}
          made={made}
          currency={currency}
        />,
        { status: outcome.status ?? 200, personal: true },
      )
    );
  }

  async function invite(sender: Sender): Promise<Response> {
    const { form, visitor } = sender;
    const by = administratorOf(sender);
    const email = field(form, "email").toLowerCase();
    if (email !== "" && !isEmail(email))
      throw invalid("email", "Cannot invite this address: it is no email address");
    const role = roleOf(field(form, "role", 20));
    if (role === undefined)
      throw invalid("role", "Cannot use this role: choose owner, admin or member");
    const days = Number(field(form, "days", 10));
    if (!Number.isInteger(days) || days < 1 || days > longestDays)
      throw invalid("days", `Cannot make a link for so long: give 1 to ${longestDays} days`);
    const credit = amountIn(form, "credit") ?? nano(0);
    if (credit < 0) throw invalid("credit", "Cannot invite with less than no credit");
    const accountId = field(form, "account", 60);
    const account = accountId === "" ? undefined : await findAccount(store, accountId);
    if (accountId !== "" && account === undefined)
      throw invalid("account", "Cannot find the account to join: give an id that /operator shows");
    const { link, token } = await createLink(people, {
      purpose: "invitation",
      createdBy: by.actor,
      address: by.address,
      seconds: days * daySeconds,
      credit,
      operator: form.get("operator") === "1",
      ...(email === "" ? {} : { email }),
      ...(accountId === "" ? {} : { accountId, role }),
    });
    const url = `${addressOf(sender)}/register?invite=${token}`;
    const letter = { email, url, account, by: visitor.person, link };
    const isMailed = email !== "" && (await desk.tellInvited?.(letter)) === true;
    return list(sender, {}, { link, url, isMailed });
  }

  async function reset(sender: Sender): Promise<Response> {
    const { form } = sender;
    const by = administratorOf(sender);
    const email = field(form, "email").toLowerCase();
    const person = await findPerson(store, { id: field(form, "person", 60), email });
    if (person === undefined)
      throw invalid("email", "Cannot find a person with this address: invite them instead");
    const { link, token } = await createLink(people, {
      purpose: "reset",
      createdBy: by.actor,
      address: by.address,
      seconds: daySeconds,
      personId: person.id,
    });
    const url = `${addressOf(sender)}/reset?token=${token}`;
    return list(sender, {}, { link, url, person: person.email });
  }

  return createRoom(desk, "operator invitations", "operator", {
    revoked: "The link is revoked",
  })
    .get(path, list)
    .post(path, invite, list)
    .post(`${path}/reset`, reset, list)
    .post(
      `${path}/revoke`,
      async (sender) => {
        const id = field(sender.form, "id", 60);
        if (!(await revokeLink(people, id, administratorOf(sender))))
          throw new AppError("not_found", "Cannot revoke this link: it does not work any more");
        return seeOther(`${path}?done=revoked#links`);
      },
      list,
    ).routes;
}

function peopleOf({ createdBy, usedBy, personId }: Link): string[] {
  return [createdBy, usedBy, personId].flatMap((id) => id ?? []);
}

function invalid(param: string, message: string): AppError {
  return new AppError("invalid_value", message, { param });
}

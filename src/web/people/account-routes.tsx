import { type AnyElysia, Elysia } from "elysia";
import {
  changePassword,
  confirmCodes,
  isPassword,
  startCodes,
  stopCodes,
} from "#src/account/people/own.ts";
import { deletePerson } from "#src/account/people/delete-person.ts";
import { createOrganisation, leave } from "#src/account/people/members.ts";
import { listPasskeys, removePasskey } from "#src/account/people/passkeys.ts";
import { beginConnecting, connectedProviders, disconnect } from "#src/account/people/oidc.ts";
import { passwordFault } from "#src/account/people/password.ts";
import type { Knock, Visitor } from "#src/account/people/person.ts";
import { endSessions, listSessions } from "#src/account/people/sessions.ts";
import { signOut } from "#src/account/people/sign-in.ts";
import { throttled } from "#src/account/people/throttles.ts";
import { AppError } from "#src/lib/error.ts";
import { passkeyScript } from "#src/web/assets.ts";
import { AccountPage } from "#src/web/people/account.tsx";
import { ConnectPage } from "#src/web/people/door.tsx";
import { CodesPage } from "#src/web/people/codes.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { knockOf, type Peers } from "#src/web/people/knock.ts";
import { field, formOf, seeOther, withCookies } from "#src/web/people/respond.ts";
import { connectFault } from "#src/web/people/oidc-words.ts";
import { requirePerson } from "#src/web/people/session.ts";
import { page } from "#src/web/respond.ts";

/** A form of the visitor, and what it is about. */
interface Sent {
  visitor: Visitor;
  form: URLSearchParams;
  knock: Knock;
  request: Request;
}

/** What a form did, as `?done=` says it afterwards. */
const done = {
  password: "The password is changed, and every other browser is signed out",
  codes: "The authenticator app is on",
  off: "The authenticator app is off",
  passkey: "The passkey is added",
  removed: "The passkey is removed",
  connected: "The identity is connected",
  disconnected: "The identity is disconnected",
  ended: "The session is ended",
  left: "You left the account",
  opened: "The organisation is open and in use",
  switched: "The account is in use",
} as const;

/** The page about oneself, and its forms. */
export function ownRoutes(desk: Desk): AnyElysia {
  const { people } = desk;
  const routes = new Elysia({ name: "own" }).get("/account", async ({ request }) => {
    const visitor = await requirePerson(request, people);
    if (visitor instanceof Response) return visitor;
    const query = new URL(request.url).searchParams;
    const [, note] = Object.entries(done).find(([name]) => name === query.get("done")) ?? [];
    const error = query.get("error");
    return accountPage(desk, request, visitor, {
      done: note,
      fault: error === null ? undefined : connectFault(error),
    });
  });
  const on = (path: string, act: (sent: Sent) => Promise<Response>) =>
    routes.post(path, ({ request, server }) => sent(desk, request, server, act), {
      parse: "none",
    });

  on("/account/switch", async ({ visitor, form, knock }) => {
    await people.choose(visitor, field(form, "to"), knock.address);
    return seeOther("/account?done=switched");
  });
  on("/account/organisations", async ({ visitor, form, knock }) => {
    const name = field(form, "name", 100);
    if (name === "")
      throw new AppError("invalid_value", "Cannot open an organisation without a name");
    const account = await createOrganisation(people, visitor, name, knock.address);
    await people.choose(
      { ...visitor, memberships: [...visitor.memberships, { account, role: "owner" }] },
      account.id,
      knock.address,
    );
    return seeOther("/account?done=opened");
  });
  on("/account/leave", async ({ visitor, form, knock }) => {
    const left = field(form, "leave");
    await leave(people, visitor, left, knock.address);
    // Management keys that they made end with that.
    desk.accountChanged(left);
    return seeOther("/account?done=left");
  });
  on("/account/sessions/end", async ({ visitor, form, knock }) => {
    const id = field(form, "id");
    const which = id === "others" ? id : { id };
    if (!(await endSessions(people, visitor, which, knock.address)))
      throw new AppError("not_found", "Cannot find this session: it may have ended by itself");
    return seeOther("/account?done=ended#sessions");
  });
  on("/account/password", async ({ visitor, form, knock }) => {
    const next = form.get("new-password") ?? "";
    const fault = passwordFault(next);
    if (fault !== undefined) throw new AppError("invalid_value", fault);
    tryPassword(desk, visitor, knock);
    const cookies = await changePassword(people, visitor, knock, {
      now: form.get("password") ?? "",
      next,
    });
    if (cookies === undefined) throw wrongPassword();
    return seeOther("/account?done=password", cookies);
  });
  on("/account/codes/start", async ({ visitor, form, knock, request }) => {
    tryPassword(desk, visitor, knock);
    if (visitor.person.twoFactor)
      throw new AppError("invalid_value", "Cannot set the app up again: switch it off first");
    const started = await startCodes(people, knock, form.get("password") ?? "");
    if (started === undefined) throw wrongPassword();
    return page(<CodesPage visit={desk.visitOf(request)} {...started} />, { personal: true });
  });
  on("/account/codes/confirm", async ({ visitor, form, knock }) => {
    tryPassword(desk, visitor, knock);
    const cookies = await confirmCodes(people, visitor, knock, field(form, "code", 20));
    if (cookies === undefined)
      throw new AppError(
        "invalid_value",
        "Cannot switch the app on: this code is not right. Set it up again",
      );
    return seeOther("/account?done=codes", cookies);
  });
  on("/account/codes/off", async ({ visitor, form, knock }) => {
    tryPassword(desk, visitor, knock);
    const cookies = await stopCodes(people, visitor, knock, form.get("password") ?? "");
    if (cookies === undefined) throw wrongPassword();
    return seeOther("/account?done=off", cookies);
  });
  on("/account/passkeys/remove", async ({ visitor, form, knock }) => {
    if (!(await removePasskey(people, visitor, field(form, "id"), knock)))
      throw new AppError("not_found", "Cannot find this passkey: it may be removed already");
    return seeOther("/account?done=removed#passkeys");
  });
  on("/account/oidc", async ({ visitor, form, knock, request }) => {
    const provider = people.oidc.find(({ id }) => id === field(form, "id"));
    const begun = provider && (await beginConnecting(people, visitor, provider, knock));
    if (provider === undefined || begun === undefined)
      throw new AppError("not_found", "Cannot connect this provider: it does not answer");
    return withCookies(
      page(<ConnectPage visit={desk.visitOf(request)} name={provider.name} url={begun.url} />, {
        personal: true,
      }),
      begun.cookies,
    );
  });
  on("/account/oidc/remove", async ({ visitor, form, knock }) => {
    if (!(await disconnect(people, visitor, field(form, "id"), knock)))
      throw new AppError("not_found", "Cannot disconnect this: it is not connected");
    return seeOther("/account?done=disconnected");
  });
  on("/account/delete", async ({ visitor, form, knock }) => {
    tryPassword(desk, visitor, knock);
    if (!(await isPassword(people, knock, form.get("password") ?? ""))) throw wrongPassword();
    const cookies = await signOutAfter(desk, knock, () =>
      deletePerson(people, visitor, knock.address),
    );
    for (const { account } of visitor.memberships) desk.accountChanged(account.id);
    return seeOther("/login?out=1", cookies);
  });
  return routes;
}

/** Runs what a form asks for. What is wrong with it is said on the page that it was sent from. */
async function sent(
  desk: Desk,
  request: Request,
  server: Peers | null,
  act: (sent: Sent) => Promise<Response>,
): Promise<Response> {
  const visitor = await requirePerson(request, desk.people);
  if (visitor instanceof Response) return visitor;
  const form = await formOf(request);
  try {
    return await act({ visitor, form, knock: knockOf(request, server), request });
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code === "internal_error") throw thrown;
    return accountPage(desk, request, visitor, { fault: thrown.message, status: thrown.status });
  }
}

async function accountPage(
  desk: Desk,
  request: Request,
  visitor: Visitor,
  notes: { fault?: string | undefined; done?: string | undefined; status?: number },
): Promise<Response> {
  const { people } = desk;
  return page(
    <AccountPage
      visit={desk.visitOf(request)}
      visitor={visitor}
      sessions={await listSessions(people, visitor)}
      passkeys={await listPasskeys(people, visitor)}
      oidc={people.oidc}
      connected={await connectedProviders(people, visitor)}
      script={passkeyScript.path}
      fault={notes.fault}
      done={notes.done}
    />,
    { status: notes.status ?? 200, personal: true },
  );
}

/** Counts a try to know a password or a code, so that a borrowed browser cannot guess one. */
function tryPassword({ throttles }: Desk, { person }: Visitor, knock: Knock): void {
  const seconds = throttled(throttles, `own ${person.id}`, knock);
  if (seconds > 0)
    throw new AppError("rate_limit_exceeded", "Cannot try again yet: wait a quarter of an hour", {
      retryAfterSeconds: seconds,
    });
}

function wrongPassword(): AppError {
  return new AppError("invalid_value", "Cannot do this: the password is not right");
}

/** Does the last thing of a session, and returns the cookies that forget it. */
async function signOutAfter(
  desk: Desk,
  knock: Knock,
  work: () => Promise<void>,
): Promise<string[]> {
  await work();
  return signOut(desk.people, knock);
}

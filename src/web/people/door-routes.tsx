import { Elysia } from "elysia";
import { accountOfLink, join, joinAccount } from "#src/account/people/join.ts";
import { type Link, openLink } from "#src/account/people/links.ts";
import {
  hashOfPassword,
  madeUpPassword,
  passwordFault,
  resetPassword,
} from "#src/account/people/password.ts";
import { isEmail } from "#src/account/people/person.ts";
import { signIn, signInByCode, type SignIn, signOut } from "#src/account/people/sign-in.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { CodePage, LoginPage, NoLinkPage, RegisterPage, ResetPage } from "#src/web/people/door.tsx";
import { isFromUs, knockOf, type Peers } from "#src/web/people/knock.ts";
import { signInFault } from "#src/web/people/oidc-words.ts";
import {
  dropLink,
  field,
  formOf,
  keepLink,
  linkOf,
  refusedForm,
  seeOther,
  withCookies,
} from "#src/web/people/respond.ts";
import { passkeyScript } from "#src/web/assets.ts";
import { page } from "#src/web/respond.ts";
import { ownPath } from "#src/web/theme.ts";

/** Where a sign-in leads that was asked for by nothing else. */
const home = "/account";
/** Where who set the gateway up sees how it stands. */
const afterSetup = "/operator/welcome";
/** Where the history of a demonstration is. */
const afterDemo = "/dashboard";
const mostPerLink = "Too many tries. Wait a quarter of an hour";

/** Sign in, sign out, register by invitation, choose a new password. */
export function doorRoutes(desk: Desk) {
  return new Elysia({ name: "door" })
    .get("/login", ({ request }) => login(desk, request))
    .post("/login", ({ request, server }) => passwordSent(desk, request, server), { parse: "none" })
    .get("/login/code", ({ request }) => codePage(desk, request))
    .post("/login/code", ({ request, server }) => codeSent(desk, request, server), {
      parse: "none",
    })
    .post("/logout", ({ request, server }) => logout(desk, request, server), { parse: "none" })
    .get("/register", ({ request }) => register(desk, request))
    .post("/register", ({ request, server }) => registered(desk, request, server), {
      parse: "none",
    })
    .get("/reset", ({ request }) => reset(desk, request))
    .post("/reset", ({ request, server }) => resetSent(desk, request, server), { parse: "none" });
}

async function login({ people, visitOf }: Desk, request: Request): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const next = nextOf(query);
  if (await people.visitorOf(knockOf(request))) return seeOther(next);
  const done = query.has("out") ? "You are signed out" : undefined;
  return page(
    <LoginPage
      visit={visitOf(request)}
      next={next}
      done={done}
      fault={query.has("unknown") ? signInFault(query.get("error")) : undefined}
      script={passkeyScript.path}
      oidc={people.oidc}
    />,
    { personal: true },
  );
}

async function passwordSent(desk: Desk, request: Request, server: Peers | null) {
  if (!isFromUs(request)) return refusedForm();
  const form = await formOf(request);
  const email = field(form, "email");
  const next = nextOf(form);
  const password = form.get("password") ?? "";
  const tried = await signIn(
    desk.people,
    desk.throttles,
    { email, password },
    knockOf(request, server),
  );
  if (tried.state === "in") return seeOther(next, tried.cookies);
  if (tried.state === "second_step")
    return seeOther(`/login/code?next=${encodeURIComponent(next)}`, tried.cookies);
  return refusal(tried, "This address and password do not belong together", (fault) => (
    <LoginPage
      visit={desk.visitOf(request)}
      next={next}
      email={email}
      fault={fault}
      oidc={desk.people.oidc}
      script={passkeyScript.path}
    />
  ));
}

function codePage({ visitOf }: Desk, request: Request): Response {
  const next = nextOf(new URL(request.url).searchParams);
  return page(<CodePage visit={visitOf(request)} next={next} />, { personal: true });
}

async function codeSent(desk: Desk, request: Request, server: Peers | null) {
  if (!isFromUs(request)) return refusedForm();
  const form = await formOf(request);
  const next = nextOf(form);
  const code = field(form, "code", 40);
  const tried = await signInByCode(desk.people, desk.throttles, code, knockOf(request, server));
  if (tried.state === "in") return seeOther(next, tried.cookies);
  return refusal(tried, "This code is not right, or the time for it is over", (fault) => (
    <CodePage visit={desk.visitOf(request)} next={next} fault={fault} />
  ));
}

async function logout(desk: Desk, request: Request, server: Peers | null): Promise<Response> {
  if (!isFromUs(request)) return refusedForm();
  return seeOther("/login?out=1", await signOut(desk.people, knockOf(request, server)));
}

async function register(desk: Desk, request: Request): Promise<Response> {
  const token = new URL(request.url).searchParams.get("invite");
  if (token !== null) return seeOther("/register", [keepLink(request, tokenOf(token))]);
  const link = await openLink(desk.people, linkOf(request));
  if (link === undefined || link.purpose === "reset") return noLink(desk, request, "register");
  return page(await registerPage(desk, request, link), { personal: true });
}

async function registered(desk: Desk, request: Request, server: Peers | null): Promise<Response> {
  if (!isFromUs(request)) return refusedForm();
  const { people } = desk;
  const form = await formOf(request);
  const knock = knockOf(request, server);
  const token = linkOf(request);
  const link = await openLink(people, token);
  if (link === undefined || link.purpose === "reset") return noLink(desk, request, "register");
  const again = async (fault: string, status = 400) =>
    page(await registerPage(desk, request, link, fault, form), { status, personal: true });
  if (desk.throttles.pair.take(`link ${link.id}`) > 0) return again(mostPerLink, 429);

  const visitor = await people.visitorOf(knock);
  if (visitor !== undefined && form.get("join") === "1") {
    const joined = await joinAccount(people, token, visitor, knock);
    if (joined.state === "gone") return noLink(desk, request, "register");
    if (joined.state === "refused")
      return again(
        "You cannot join with this invitation: you are a member already, or it is for another address",
      );
    return seeOther("/account", [dropLink(request)]);
  }

  // Nothing of a demonstration is kept: its visitor need not make up a name.
  const isVisitor = desk.app.demo && link.purpose === "setup" && form.get("visitor") === "1";
  const { name, email, password } = isVisitor ? demoVisitor() : newcomerOf(form);
  const fault =
    (name === "" ? "A name is needed" : undefined) ??
    (isEmail(email) ? undefined : "An email address is needed, such as ada@example.org") ??
    passwordFault(password);
  if (fault !== undefined) return again(fault);
  const passwordHash = await hashOfPassword(password);
  const joined = await join(people, token, { name, email, passwordHash }, knock);
  if (joined.state === "gone") return noLink(desk, request, "register");
  if (joined.state === "refused")
    return again(
      "This address cannot be used with this invitation. Who is registered already signs in first",
    );
  if (link.accountId !== undefined) desk.accountChanged(link.accountId);
  const tried = await signIn(people, desk.throttles, { email, password }, knock);
  const cookies = tried.state === "in" ? tried.cookies : [];
  const afterLink = desk.app.demo ? afterDemo : afterSetup;
  const next = link.purpose === "setup" ? afterLink : home;
  return seeOther(next, [...cookies, dropLink(request)]);
}

function newcomerOf(form: URLSearchParams) {
  return {
    name: field(form, "name", 100),
    email: field(form, "email").toLowerCase(),
    password: form.get("new-password") ?? "",
  };
}

function demoVisitor() {
  return { name: "Visitor", email: "visitor@demo.invalid", password: madeUpPassword() };
}

async function registerPage(
  desk: Desk,
  request: Request,
  link: Link,
  fault?: string,
  form?: URLSearchParams,
) {
  const into = link.purpose === "setup" ? undefined : await accountOfLink(desk.people, link);
  const visitor = await desk.people.visitorOf(knockOf(request));
  return (
    <RegisterPage
      visit={desk.visitOf(request)}
      link={link}
      into={into?.name}
      visitor={visitor}
      fault={fault}
      filled={form && { name: field(form, "name", 100), email: field(form, "email") }}
    />
  );
}

async function reset(desk: Desk, request: Request): Promise<Response> {
  const token = new URL(request.url).searchParams.get("token");
  if (token !== null) return seeOther("/reset", [keepLink(request, tokenOf(token))]);
  const link = await openLink(desk.people, linkOf(request));
  if (link?.purpose !== "reset") return noLink(desk, request, "reset");
  return page(<ResetPage visit={desk.visitOf(request)} />, { personal: true });
}

async function resetSent(desk: Desk, request: Request, server: Peers | null): Promise<Response> {
  if (!isFromUs(request)) return refusedForm();
  const form = await formOf(request);
  const { address } = knockOf(request, server);
  const token = linkOf(request);
  const password = form.get("new-password") ?? "";
  const again = (fault: string, status: number) =>
    page(<ResetPage visit={desk.visitOf(request)} fault={fault} />, { status, personal: true });
  const fault = passwordFault(password);
  if (fault !== undefined) return again(fault, 400);
  if (desk.throttles.address.take(address) > 0) return again(mostPerLink, 429);
  const link = await openLink(desk.people, token);
  if (link?.purpose !== "reset") return noLink(desk, request, "reset");
  const isDone = await resetPassword(desk.people, token, await hashOfPassword(password), address);
  if (!isDone) return noLink(desk, request, "reset");
  return seeOther("/login", [dropLink(request)]);
}

/** The same answer to every link that does not work: used, revoked, expired or never made. */
function noLink(desk: Desk, request: Request, about: "register" | "reset"): Response {
  return withCookies(
    page(<NoLinkPage visit={desk.visitOf(request)} about={about} />, {
      status: 403,
      personal: true,
    }),
    [dropLink(request)],
  );
}

function refusal(
  tried: Exclude<SignIn, { state: "in" | "second_step" }> | SignIn,
  fault: string,
  show: (fault: string) => { toString(): unknown },
): Response {
  if (tried.state !== "throttled") return page(show(fault), { status: 401, personal: true });
  const minutes = Math.ceil(tried.seconds / 60);
  const response = page(
    show(`Too many tries. Wait ${minutes === 1 ? "a minute" : `${minutes} minutes`}`),
    { status: 429, personal: true },
  );
  response.headers.set("retry-after", String(tried.seconds));
  return response;
}

/** Where to go next: a path of ours. */
function nextOf(values: URLSearchParams): string {
  const next = values.get("next");
  return next === null || next === "" ? home : ownPath(next);
}

/** A token as cookies can hold it; anything else is no token of ours. */
function tokenOf(text: string): string {
  return /^[\w-]{20,100}$/.test(text) ? text : "";
}

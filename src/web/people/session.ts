import type { People } from "#src/account/people/people.ts";
import { isAtLeast, type Role, type Visitor } from "#src/account/people/person.ts";
import { AppError } from "#src/lib/error.ts";
import { isFromUs, knockOf } from "#src/web/people/knock.ts";
import { refusedForm, seeOther } from "#src/web/people/respond.ts";

/**
 * Who is signed in, and for which account: that of `?account=acc_…`, else the one chosen last. Undefined for nobody. Throws
 * `not_found` where the account is another's. Forms of a page carry `?account=` in their action, so that a choice made in
 * another tab does not move what they do.
 */
export async function sessionOf(request: Request, people: People): Promise<Visitor | undefined> {
  const account = new URL(request.url).searchParams.get("account") ?? undefined;
  return people.visitorOf(knockOf(request), account);
}

/**
 * The visitor of a page that is not for everybody, or the answer to give instead: the way to the sign-in, or, to a form of
 * another site, a refusal. Throws `not_found` where the role does not reach: such a page does not exist for them.
 */
export async function requirePerson(
  request: Request,
  people: People,
  least: Role | "operator" = "member",
): Promise<Visitor | Response> {
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead && !isFromUs(request)) return refusedForm();
  const visitor = await sessionOf(request, people);
  if (visitor === undefined) {
    const { pathname, search } = new URL(request.url);
    const next = isRead ? pathname + search : "/account";
    return seeOther(`/login?next=${encodeURIComponent(next)}`);
  }
  const reaches = least === "operator" ? visitor.person.operator : isAtLeast(visitor.role, least);
  if (!reaches) throw new AppError("not_found", "There is nothing here for this account");
  return visitor;
}

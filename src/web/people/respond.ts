import { readBody } from "#src/http/respond.ts";
import { pageHeaders } from "#src/web/respond.ts";
import { originOf } from "#src/web/people/knock.ts";

/** Longest form: an address, names and passwords. */
const longestForm = 16_384;
const linkSeconds = 1800;

/** Leads the browser on, after a form and from a link. */
export function seeOther(location: string, cookies: readonly string[] = []): Response {
  return withCookies(
    new Response(null, {
      status: 303,
      headers: { location, "cache-control": "no-store", "referrer-policy": "no-referrer" },
    }),
    cookies,
  );
}

/** Adds cookies to an answer. */
export function withCookies(response: Response, cookies: readonly string[]): Response {
  for (const cookie of cookies) response.headers.append("set-cookie", cookie);
  return response;
}

/** The answer to a form that no page of ours sent. */
export function refusedForm(): Response {
  return new Response(
    "This form was not sent by a page of this gateway. Go back, reload the page, and send it again.\n",
    {
      status: 403,
      headers: {
        ...pageHeaders,
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-store",
      },
    },
  );
}

/** A sent form. Throws `body_too_large`. */
export async function formOf(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(request, longestForm)).toString());
}

/** A field of a form, without what is around it; empty where it is missing. */
export function field(form: URLSearchParams, name: string, longest = 200): string {
  return (form.get(name) ?? "").trim().slice(0, longest);
}

/** Keeps the token of a one-use link in the browser, so that it leaves the address bar and the history at once. */
export function keepLink(request: Request, token: string): string {
  return linkCookie(request, `${token}; Max-Age=${linkSeconds}`);
}

/** Forgets it. */
export function dropLink(request: Request): string {
  return linkCookie(request, "; Max-Age=0");
}

/** The token of the link that brought the browser here; empty without one. */
export function linkOf(request: Request): string {
  const name = linkName(request);
  const cookies = (request.headers.get("cookie") ?? "").split("; ");
  return cookies.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

function linkName(request: Request): string {
  return originOf(request).startsWith("https:") ? "__Host-lowrouter.link" : "lowrouter.link";
}

function linkCookie(request: Request, rest: string): string {
  const secure = originOf(request).startsWith("https:") ? "; Secure" : "";
  return `${linkName(request)}=${rest}; Path=/; HttpOnly; SameSite=Lax${secure}`;
}

import { readBody } from "#src/http/respond.ts";
import { originOf } from "#src/web/people/knock.ts";

/** Colours that a reader may ask for, instead of those that their system asks for. */
export const themes = ["light", "dark"] as const;
export type Theme = (typeof themes)[number];

const cookie = "theme";
const yearSeconds = 31_536_000;
/** A choice and a path of ours: more than this is neither. */
const longestForm = 8192;

/** The colours that a reader chose; undefined: as their system has it. */
export function themeOf(request: Request): Theme | undefined {
  const text = request.headers.get("cookie") ?? "";
  const value = text
    .split(";")
    .map((pair) => pair.trim().split("="))
    .find(([name]) => name === cookie)?.[1];
  return themes.find((theme) => theme === value);
}

/** Keeps the choice of a sent form in a cookie, and leads back to where it was made. Throws `body_too_large`. */
export async function keepTheme(request: Request): Promise<Response> {
  const form = new URLSearchParams((await readBody(request, longestForm)).toString());
  const theme = themes.find((one) => one === form.get("theme"));
  const value =
    theme === undefined ? `${cookie}=; Max-Age=0` : `${cookie}=${theme}; Max-Age=${yearSeconds}`;
  const secure = originOf(request).startsWith("https:") ? "; Secure" : "";
  return new Response(null, {
    status: 303,
    headers: {
      location: ownPath(form.get("to")),
      "set-cookie": `${value}; Path=/; SameSite=Lax; HttpOnly${secure}`,
      "cache-control": "no-store",
    },
  });
}

/** A path of ours; the home page for anything else, such as the address of another site. */
export function ownPath(path: string | null): string {
  const here = "http://host.invalid";
  if (path === null || !path.startsWith("/") || !URL.canParse(path, here)) return "/";
  const { origin, pathname, search } = new URL(path, here);
  // A path such as //other.example is an address, and one that begins with two slashes again would be.
  return origin === here && !pathname.startsWith("//") ? pathname + search : "/";
}

import { AppError } from "#src/lib/error.ts";

/** A path below a provider, as the client asked for it and safe to be sent on. */
export interface ProxyPath {
  /** Begins with a slash, its escapes as they came. */
  path: string;
  /** With its question mark, without the key; empty when nothing is left. */
  query: string;
}

/** Whether a path gives an address's own path again, and goes on below it. */
export function repeats(address: string, path: string): boolean {
  const whole = pathOf(address);
  return whole !== "" && path.startsWith(`${whole}/`);
}

/** The path of an address, without a slash at its end. */
export function pathOf(address: string): string {
  return new URL(address).pathname.replace(/\/$/, "");
}

/** Where a path leads at an address. */
export interface Place {
  /** What the path is appended to. */
  baseUrl: string;
  /** The path below the version segment, unescaped: `/chat/completions`. */
  endpoint: string;
}

/**
 * The path and query of a proxied call. `segments` are those of the raw request target, percent-decoded, as the server's
 * router saw them; in `url`, `..` and backslashes are resolved already and show no more. Undefined where the router saw
 * an empty segment, or too many. Throws `invalid_value`.
 */
export function proxyPath(
  provider: string,
  segments: readonly string[] | undefined,
  url: string,
): ProxyPath {
  if (segments === undefined)
    throw unusable("an empty segment, a slash at its end or too many segments");
  for (const segment of segments) check(segment);
  // Where the host header is no host, the server leaves the URL without one.
  const { pathname, search } = new URL(url, "http://host");
  const [, first, ...shown] = pathname.split("/");
  // A host header with a slash in it, or anything else that makes the two disagree, hides something.
  const agrees =
    first === provider &&
    shown.length === segments.length &&
    shown.every((segment, at) => unescaped(segment) === segments[at]);
  if (!agrees) throw unusable("segments that are gone when it is resolved");
  return { path: `/${shown.join("/")}`, query: withoutKey(search) };
}

/** The address and the endpoint that a path means: appended to the address without its version segment. */
export function placeAt(address: string, path: string): Place {
  const { origin } = new URL(address);
  const whole = pathOf(address);
  const unversioned = whole.replace(/\/v\d\w*$/i, "");
  // Whoever gives the address's own path again means it once.
  const isRepeated = repeats(address, path);
  const below = isRepeated ? path.slice(unversioned.length) : path;
  return {
    baseUrl: isRepeated ? origin : origin + unversioned,
    endpoint: unescaped(below)
      .replace(/^\/v\d\w*(?=\/)/i, "")
      .replace(/^\/openai(?=\/)/, ""),
  };
}

/** How often a name may be escaped on top of the escapes that the router undid. */
const mostEscapes = 4;

/** Throws unless a segment is a name, whatever escapes it hides behind: upstreams differ in how many they undo. */
function check(segment: string): void {
  let text = segment;
  for (let undone = 0; undone <= mostEscapes; undone++) {
    // Some servers take the dots and slashes of other scripts for their own.
    const plain = text.normalize("NFKC");
    if (/^\.{1,2}(;.*)?$/.test(plain)) throw unusable("a dot segment");
    if (/[/\\]/.test(plain)) throw unusable("an escaped slash or a backslash");
    if (/[\p{Cc}\ufffd]/u.test(plain)) throw unusable("a control character or a broken escape");
    if (/^@|^[a-z][a-z0-9+.-]*:$/i.test(plain) || hasHost(plain)) throw unusable("an address");
    const next = unescaped(plain);
    if (next === plain || next === broken) return;
    text = next;
  }
  throw unusable("escapes within escapes");
}

/** Whether an `@` follows a colon, as before a host. In one look: a pattern would look again from every colon. */
function hasHost(text: string): boolean {
  const colon = text.indexOf(":");
  return colon !== -1 && text.includes("@", colon);
}

const broken = "\ufffd";

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return broken; // A percent sign that begins no escape, or bytes that are no UTF-8.
  }
}

/** The query without our own key, in whatever escapes its name is written; the other pairs byte for byte. */
function withoutKey(search: string): string {
  const pairs = search.slice(1).split("&");
  const kept = pairs.filter((pair) => !new URLSearchParams(pair).has("key"));
  const query = kept.join("&");
  return query === "" ? "" : `?${query}`;
}

/** The refusal never repeats the path: it may hold a key. */
function unusable(what: string): AppError {
  return new AppError(
    "invalid_value",
    `Cannot pass on a path with ${what}: give the provider's own path, as /openai/v1/chat/completions`,
    { param: "path" },
  );
}

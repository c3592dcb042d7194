import type { Knock } from "#src/account/people/person.ts";

/** What of a request tells who is at the door. The server knows the network address. */
export function knockOf(request: Request, server: Peers | null = null): Knock {
  return {
    origin: originOf(request),
    cookie: request.headers.get("cookie") ?? "",
    userAgent: request.headers.get("user-agent") ?? "",
    address: addressOf(request, server),
  };
}

/** A server that knows from where a request came. */
export interface Peers {
  requestIP(request: Request): { address: string } | null;
}

/** The address that the browser sees, also behind a proxy that ends TLS. */
export function originOf(request: Request): string {
  const url = new URL(request.url);
  const host = forwardedHost(request) ?? url.host;
  const isSecure = request.headers.get("x-forwarded-proto") === "https";
  return `${isSecure ? "https:" : url.protocol}//${host}`;
}

/** Whether a form was sent by a page of ours. Browsers set these headers themselves, and no other site can. */
export function isFromUs(request: Request): boolean {
  const site = request.headers.get("sec-fetch-site");
  // Browsers leave it out only where there is no TLS.
  if (site !== null) return site === "same-origin";
  const origin = request.headers.get("origin");
  if (origin === null || !URL.canParse(origin)) return false;
  return new URL(origin).host === new URL(originOf(request)).host;
}

function forwardedHost(request: Request): string | undefined {
  const host = request.headers.get("x-forwarded-host") ?? "";
  return /^[\w.-]+(:\d{1,5})?$/.test(host) ? host : undefined;
}

/** Who asks: the peer, or, where that is a proxy on a private network, the last address that it was told. */
function addressOf(request: Request, server: Peers | null): string {
  const peer = server?.requestIP(request)?.address.replace(/^::ffff:/, "") ?? "";
  if (!isPrivate.test(peer)) return peer;
  const told = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
  return /^[\da-fA-F.:]{2,45}$/.test(told) ? told : peer;
}

const isPrivate = /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cd][\da-f]{2}:)/;

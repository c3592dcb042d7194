import type { Knock } from "#src/account/people/person.ts";
import { addressOf, firstOf, isSecureOutside, type Peers } from "#src/http/peer.ts";

export type { Peers };

/** What of a request tells who is at the door. The server knows the network address. */
export function knockOf(request: Request, server: Peers | null = null): Knock {
  return {
    origin: originOf(request),
    cookie: request.headers.get("cookie") ?? "",
    userAgent: request.headers.get("user-agent") ?? "",
    address: addressOf(request, server),
  };
}

/** The address that the browser sees, also behind a proxy that ends TLS. */
export function originOf(request: Request): string {
  const url = new URL(request.url);
  const host = forwardedHost(request) ?? url.host;
  const isSecure = isSecureOutside(request);
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
  const host = firstOf(request, "x-forwarded-host");
  // Of names that are made of such letters not every one is an address: ".4" and "a:99999" are none.
  return /^[\w.-]+(:\d{1,5})?$/.test(host) && URL.canParse(`http://${host}`) ? host : undefined;
}

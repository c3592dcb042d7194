import { hasSession } from "#src/account/people/people.ts";
import type { App } from "#src/gateway/context.ts";
import { isSecureOutside } from "#src/http/peer.ts";
import type { Visit } from "#src/web/layout.tsx";
import { themeOf } from "#src/web/theme.ts";

/** What a page is told about the request for it. */
export function visitOf(request: Request, app: Pick<App, "demo">): Visit {
  const url = new URL(request.url);
  // A proxy in front that ends TLS says so; it only shows in addresses that the reader is given to copy.
  const isSecure = isSecureOutside(request);
  return {
    path: url.pathname,
    search: url.search,
    origin: `${isSecure ? "https:" : url.protocol}//${url.host}`,
    demo: app.demo,
    theme: themeOf(request),
    signedIn: hasSession(request.headers.get("cookie") ?? ""),
  };
}

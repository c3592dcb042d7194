import type { Config } from "#src/config/load.ts";
import { isSecureOutside } from "#src/http/peer.ts";

/** A host name, an IPv4 address or an IPv6 one in brackets, with or without a port. Nothing that a page or a shell reads as more. */
const plainHost =
  /^(?:[a-z0-9_](?:[a-z0-9._-]{0,250}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * The address under which the reader sees this gateway, such as https://gateway.example, for examples to copy. What
 * the client says of itself is taken only where it is a plain host; else the address that we listen on.
 */
export function originOf(request: Request, listen: Config["listen"]): string {
  const host = request.headers.get("host") ?? "";
  // A proxy in front that ends TLS says so.
  const scheme = isSecureOutside(request) ? "https" : "http";
  return plainHost.test(host) ? `${scheme}://${host.toLowerCase()}` : listenAddress(listen);
}

function listenAddress({ hostname, port }: Config["listen"]): string {
  const everywhere = hostname === "0.0.0.0" || hostname === "::";
  const host = everywhere ? "127.0.0.1" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http://${host}:${port}`;
}

import { isIP } from "node:net";
import { unlessAborted, within } from "#src/provider/abortable.ts";
import { Connection } from "#src/provider/connection.ts";
import type { Head } from "#src/provider/exchange.ts";
import { RemoteDocumentError, type RemoteRules } from "#src/provider/remote-rules.ts";
import { SocketExchange } from "#src/provider/socket-exchange.ts";
import { version } from "#src/lib/version.ts";

/*
 * A client chooses the address, so nothing behind the gateway may be reached by it: a name is resolved once, every
 * address that it has is checked, and the connection goes to a checked address itself, so that no second answer of
 * the name server has a say. Redirects are new addresses. There is no proxy, no cookie, no credential.
 */

/** Addresses of one host that are tried. */
const maxTries = 3;

/** An address as one that may be asked. Throws for schemes, ports and credentials that are not allowed. */
export function remoteUrl(address: string, rules: RemoteRules, base?: URL): URL {
  const url = URL.parse(address, base?.href);
  const secure = url?.protocol === "https:";
  if (url === null || (!secure && url.protocol !== "http:"))
    throw new RemoteDocumentError("bad_address");
  if (url.username !== "" || url.password !== "") throw new RemoteDocumentError("bad_address");
  if (!rules.isAllowedPort(portOf(url))) throw new RemoteDocumentError("bad_address");
  // A proxy resolves the name again, by itself: what was checked here would not hold there.
  if (rules.isProxied(secure)) throw new RemoteDocumentError("no_direct_way");
  return url;
}

/** Where an answer sends us; undefined when it is no redirect. */
export function redirectOf(head: Head, from: URL, rules: RemoteRules): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(head.status)) return undefined;
  const location = head.header("location");
  if (location === undefined) throw new RemoteDocumentError("bad_status");
  const url = remoteUrl(location, rules, from);
  if (from.protocol === "https:" && url.protocol !== "https:")
    throw new RemoteDocumentError("redirected");
  return url;
}

/** A connection for one request, to an address that was checked. */
export async function connectRemote(
  url: URL,
  rules: RemoteRules,
  signal: AbortSignal,
): Promise<Connection> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const addresses = await addressesOf(host, rules, signal);
  const late = () => new RemoteDocumentError("too_slow");
  return within(rules.limits.connectMs, late, [signal], (limited) =>
    connect(addresses, host, url, limited),
  );
}

/** Asks for a document, over a connection of its own to an address that was checked. */
export async function openRemote(
  url: URL,
  rules: RemoteRules,
  signal: AbortSignal,
): Promise<SocketExchange> {
  const connection = await connectRemote(url, rules, signal);
  const exchange = new SocketExchange(
    `GET ${url.pathname}${url.search} HTTP/1.1\r\n` +
      `host: ${url.host}\r\n` +
      `user-agent: lowrouter/${version}\r\n` +
      "accept: image/png, image/jpeg, image/gif, image/webp, application/pdf, text/plain, */*;q=0.1\r\n" +
      // What is compressed could be a thousand times as large as its length says.
      "accept-encoding: identity\r\n" +
      "connection: close\r\n\r\n",
    undefined,
  );
  connection.carry(exchange, undefined);
  return exchange;
}

function portOf(url: URL): number {
  return Number(url.port) || (url.protocol === "https:" ? 443 : 80);
}

/** Addresses of a host, all of them allowed. A name that does not exist is told as one that is not public: it may be ours. */
export async function addressesOf(
  host: string,
  rules: RemoteRules,
  signal: AbortSignal,
): Promise<string[]> {
  let addresses = [host];
  if (isIP(host) === 0) {
    try {
      addresses = await unlessAborted(rules.resolve(host), signal);
    } catch (cause) {
      throw signal.aborted ? cause : new RemoteDocumentError("not_public", { cause });
    }
  }
  if (addresses.length > 0 && addresses.every((address) => rules.isAllowedAddress(address)))
    return addresses;
  throw new RemoteDocumentError("not_public");
}

/** Connections to strangers carry one request each. */
const nowhere = { release: (connection: Connection) => connection.close(), forget() {} };

/** A connection to the first address that takes one. */
async function connect(
  addresses: string[],
  host: string,
  url: URL,
  signal: AbortSignal,
): Promise<Connection> {
  let last: unknown;
  for (const address of addresses.slice(0, maxTries)) {
    const origin = {
      secure: url.protocol === "https:",
      host: address,
      port: portOf(url),
      // Certificates name no final dot.
      serverName: host.replace(/\.$/, ""),
    };
    try {
      return await Connection.open(origin, nowhere, signal);
    } catch (cause) {
      signal.throwIfAborted();
      last = cause;
    }
  }
  throw new RemoteDocumentError("unreachable", { cause: last });
}

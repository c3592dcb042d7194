import type { Config } from "#src/config/load.ts";
import { encode } from "#src/lib/bytes.ts";
import { version } from "#src/lib/version.ts";
import { errorOf, within } from "#src/provider/abortable.ts";
import type { Head } from "#src/provider/exchange.ts";
import { addressesOf, connectRemote, remoteUrl } from "#src/provider/remote-connection.ts";
import {
  publicInternet,
  RemoteDocumentError,
  type RemoteRules,
} from "#src/provider/remote-rules.ts";
import { retryAfter } from "#src/provider/retry-after.ts";
import { SocketExchange } from "#src/provider/socket-exchange.ts";
import type { Clock } from "#src/lib/clock.ts";

/** What came of one try. */
export interface Try {
  /** Unix milliseconds when it began. */
  at: number;
  /** Status of the answer, where there was one. */
  status?: number | undefined;
  /** Why it failed, where no status says so: `timeout`, `not_public`, `certificate_expired` and the like. */
  reason?: string | undefined;
  /** Seconds that the destination wants to be left alone, by its `Retry-After`; of an answer that is no delivery. */
  wait?: number | undefined;
  /** Milliseconds that it took. */
  ms: number;
}

/** A body on its way to a destination. */
export interface Parcel {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** How events may leave. */
export interface Road {
  rules: RemoteRules;
  /** Without TLS too. */
  isPlainAllowed: boolean;
  clock: Clock;
}

/** Of an answer, what is read before the connection is closed; nothing of it is kept. */
const readBytes = 1024;
const resolveMs = 5_000;

/** The public internet over TLS; where the operator allows it, everything. Tests bring rules of their own. */
export function roadOf(config: Config, clock: Clock, rules?: Partial<RemoteRules>): Road {
  const isFree = config.webhooks.allowPrivate;
  const free = { isAllowedAddress: () => true, isAllowedPort: () => true, isProxied: () => false };
  return {
    rules: { ...publicInternet, ...(isFree ? free : {}), ...rules },
    isPlainAllowed: isFree,
    clock,
  };
}

/** Why an address cannot be a destination; undefined where it can. It is judged again with each try. */
export async function addressFault(address: string, road: Road): Promise<string | undefined> {
  let url: URL;
  try {
    url = destinationOf(address, road);
  } catch (thrown) {
    if (thrown instanceof RemoteDocumentError && thrown.reason === "no_direct_way")
      return "requests leave through a proxy here, which cannot be told where not to go";
    return road.isPlainAllowed
      ? "an address such as https://host/path, without user and fragment, is needed"
      : "an address such as https://host/path at the usual port, without user and fragment, is needed";
  }
  if (road.isPlainAllowed) return undefined;
  try {
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    await addressesOf(host, road.rules, AbortSignal.timeout(resolveMs));
  } catch {
    // A name that is not found is told as one that is not public: it may be of the operator's own network.
    return "its host has to be found, and in the public internet";
  }
  return undefined;
}

/** Throws RemoteDocumentError where nothing may be sent. */
function destinationOf(address: string, { rules, isPlainAllowed }: Road): URL {
  const url = remoteUrl(address, rules);
  if (url.hash !== "" || (url.protocol !== "https:" && !isPlainAllowed))
    throw new RemoteDocumentError("bad_address");
  return url;
}

/**
 * Sends a parcel once. A status from 200 to 299 within ten seconds is a delivery; redirects are not followed. Rejects only
 * where the signal ended.
 */
export async function send(parcel: Parcel, road: Road, signal: AbortSignal): Promise<Try> {
  const { clock } = road;
  const at = clock.now();
  const startedAt = clock.monotonic();
  const ms = () => Math.round(clock.monotonic() - startedAt);
  try {
    const late = () => new RemoteDocumentError("too_slow");
    const { totalMs } = road.rules.limits;
    const head = await within(totalMs, late, [signal], (limited) => post(parcel, road, limited));
    const { status } = head;
    const wait = isDelivered({ status }) ? undefined : retryAfter(head);
    const isAway = status >= 300 && status < 400;
    return {
      at,
      status,
      ...(isAway ? { reason: "redirected" } : {}),
      ...(wait === undefined ? {} : { wait }),
      ms: ms(),
    };
  } catch (cause) {
    if (signal.aborted) throw cause;
    return { at, reason: reasonOf(cause), ms: ms() };
  }
}

/** Whether a try was a delivery. */
export function isDelivered({ status }: Pick<Try, "status">): boolean {
  return status !== undefined && status >= 200 && status < 300;
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof RemoteDocumentError)) return "connection_failed";
  if (cause.reason === "unreachable") return certificateFault(cause.cause) ?? cause.reason;
  return cause.reason === "too_slow" ? "timeout" : cause.reason;
}

/** What is wrong with a destination's certificate, where it is that; the codes are those of OpenSSL and Node. */
function certificateFault(cause: unknown): string | undefined {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (code === "CERT_HAS_EXPIRED") return "certificate_expired";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || code === "HOSTNAME_MISMATCH")
    return "certificate_of_another_host";
  return /CERT|SELF_SIGNED|LEAF_SIGNATURE/.test(code) ? "certificate_not_trusted" : undefined;
}

async function post(parcel: Parcel, road: Road, signal: AbortSignal): Promise<Head> {
  const url = destinationOf(parcel.url, road);
  const body = encode(parcel.body);
  const headers = {
    host: url.host,
    "user-agent": `lowrouter/${version}`,
    "content-type": "application/json",
    "content-length": String(body.length),
    ...parcel.headers,
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const exchange = new SocketExchange(
    `POST ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join("")}\r\n`,
    body,
  );
  const connection = await connectRemote(url, road.rules, signal);
  const stop = () => exchange.abort(errorOf(signal.reason));
  signal.addEventListener("abort", stop, { once: true });
  try {
    connection.carry(exchange, undefined);
    if (signal.aborted) stop();
    const head = await exchange.head;
    await readSome(exchange);
    return head;
  } finally {
    signal.removeEventListener("abort", stop);
    exchange.abort(new Error("No more is wanted"));
  }
}

/** Reads the beginning of an answer, so that a receiver that ends it soon does not see its connection break. */
async function readSome(exchange: SocketExchange): Promise<void> {
  try {
    for (let bytes = 0; bytes < readBytes;) {
      const piece = await exchange.read();
      if (piece === undefined) return;
      bytes += piece.length;
    }
  } catch {
    // The status was there: what follows it changes nothing.
  }
}

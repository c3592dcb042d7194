import type { UpstreamBody } from "#src/lib/raw-pieces.ts";
import { DeferredExchange } from "#src/provider/deferred-exchange.ts";
import type { Deployment, Signer } from "#src/provider/deployment.ts";
import type { Exchange, Outgoing } from "#src/provider/exchange.ts";
import { FetchExchange } from "#src/provider/fetch-exchange.ts";
import type { Origin } from "#src/provider/connection.ts";
import { Pool } from "#src/provider/pool.ts";
import { proxied } from "#src/provider/proxied.ts";
import { AppError } from "#src/lib/error.ts";
import { version } from "#src/lib/version.ts";

const agent = `lowrouter/${version}`;

export interface SendOptions {
  stream: boolean;
  method?: string;
  /** Milliseconds that opening a connection may take. */
  connectMs: number;
  /** Headers of the client that the provider may see. */
  extra?: Record<string, string>;
}

/** The one place where a request leaves for a provider. The caller ends the exchange: by reading to its end, or by `abort`. */
export function send(
  deployment: Deployment,
  path: string,
  body: UpstreamBody | undefined,
  options: SendOptions,
): Exchange {
  if (deployment.reshape === undefined) return sendAs(deployment, path, body, options);
  const shaped = deployment.reshape(path, body);
  return sendAs(deployment, shaped.path, shaped.body, options);
}

function sendAs(
  deployment: Deployment,
  path: string,
  body: UpstreamBody | undefined,
  options: SendOptions,
): Exchange {
  const out: Outgoing = {
    method: options.method ?? "POST",
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      accept: options.stream ? streamType(deployment) : "application/json",
      "user-agent": agent,
      ...options.extra,
      ...deployment.headers,
    },
    body,
    connectMs: options.connectMs,
  };
  const { baseUrl, signer, isGuarded = false } = deployment;
  const to = { baseUrl, isGuarded };
  return signer === undefined ? depart(to, path, out) : prove(signer, to, path, out);
}

/** An address, and whether it is an account's choice. */
type Address = Required<Pick<Deployment, "baseUrl" | "isGuarded">>;

function depart(to: Address, path: string, out: Outgoing): Exchange {
  const { baseUrl, isGuarded } = to;
  const place = placeOf(to);
  // A proxy resolves the name by itself: what was checked here would not hold there.
  if (place.proxied && isGuarded)
    throw new AppError(
      "service_unavailable",
      "Cannot send to an account's own address: requests leave through a proxy here",
    );
  if (place.proxied) return new FetchExchange(baseUrl + path, out);
  return place.pool.send(headText(place, path, out), out);
}

/** Sends with a proof of its own, as soon as there is one. */
function prove(signer: Signer, to: Address, path: string, out: Outgoing): Exchange {
  const { host, prefix } = placeOf(to);
  const { method, headers, body } = out;
  const begin = (proof: Record<string, string>) => {
    const exchange = depart(to, path, { ...out, headers: { ...headers, ...proof } });
    // What breaks is for the caller, who waits for the head too.
    exchange.head.then((head) => signer.answered?.(head, proof)).catch(() => {});
    return exchange;
  };
  const proof = signer.sign({ method, host, path: prefix + visible(path), headers, body });
  return proof instanceof Promise ? new DeferredExchange(proof, begin) : begin(proof);
}

/** Media type of the provider's streams. */
function streamType({ provider }: Deployment): string {
  const binary = provider.protocol === "bedrock-converse";
  return binary ? "application/vnd.amazon.eventstream" : "text/event-stream";
}

/** Where a base URL points, found once. */
interface Place {
  pool: Pool;
  /** Value of the `host` header. */
  host: string;
  /** Path that every request's path continues. */
  prefix: string;
  /** The environment names a proxy for this scheme. */
  proxied: boolean;
}

const places = new Map<string, Place>();
const pools = new Map<string, Pool>();

function placeOf({ baseUrl, isGuarded }: Address): Place {
  // Connections that were checked are kept apart from those that were not.
  const name = isGuarded ? `guarded ${baseUrl}` : baseUrl;
  const known = places.get(name);
  if (known !== undefined) return known;
  const url = new URL(baseUrl);
  const secure = url.protocol === "https:";
  const origin: Origin = {
    secure,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port) || (secure ? 443 : 80),
    isGuarded,
  };
  const shared = isGuarded ? `guarded ${url.origin}` : url.origin;
  const pool = pools.get(shared) ?? new Pool(origin);
  pools.set(shared, pool);
  const place: Place = {
    pool,
    host: url.host,
    prefix: url.pathname === "/" ? "" : url.pathname,
    proxied: proxied(secure),
  };
  places.set(name, place);
  return place;
}

/** Request line and headers. Throws a TypeError on a header value that would end its line. */
function headText({ host, prefix }: Place, path: string, out: Outgoing): string {
  const { method, headers, body } = out;
  let text = `${method} ${prefix}${visible(path)} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const name in headers) {
    const value = headers[name] ?? "";
    if (unsafe.test(value)) throw new TypeError(`The header ${name} has a forbidden character`);
    text += `${name}: ${value}\r\n`;
  }
  return body === undefined ? text + "\r\n" : `${text}content-length: ${body.length}\r\n\r\n`;
}

/** What a header value may not hold. */
const unsafe = /[^\t\x20-\x7e\x80-\xff]/;

/** A path as it may stand in a request line. */
function visible(path: string): string {
  if (!/[^\x21-\x7e]|#/.test(path)) return path;
  const { pathname, search } = new URL(path, "http://host");
  return pathname + search;
}

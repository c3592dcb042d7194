import type { Payload } from "#src/lib/bytes.ts";
import type { SigningDeployment } from "#src/provider/aws-credentials.ts";
import type { Exchange, Outgoing } from "#src/provider/exchange.ts";
import { FetchExchange } from "#src/provider/fetch-exchange.ts";
import type { Origin } from "#src/provider/connection.ts";
import { Pool } from "#src/provider/pool.ts";
import { proxied } from "#src/provider/proxied.ts";
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
  deployment: SigningDeployment,
  path: string,
  body: Payload | undefined,
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
  const place = placeOf(deployment.baseUrl);
  if (deployment.sign !== undefined) {
    const { method, headers } = out;
    const whole = place.prefix + visible(path);
    const proof = deployment.sign({ method, host: place.host, path: whole, headers, body });
    out.headers = { ...headers, ...proof };
  }
  if (place.proxied) return new FetchExchange(deployment.baseUrl + path, out);
  return place.pool.send(headText(place, path, out), out);
}

/** Media type of the provider's streams. */
function streamType({ provider }: SigningDeployment): string {
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

function placeOf(baseUrl: string): Place {
  const known = places.get(baseUrl);
  if (known !== undefined) return known;
  const url = new URL(baseUrl);
  const secure = url.protocol === "https:";
  const origin: Origin = {
    secure,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port) || (secure ? 443 : 80),
  };
  const pool = pools.get(url.origin) ?? new Pool(origin);
  pools.set(url.origin, pool);
  const place: Place = {
    pool,
    host: url.host,
    prefix: url.pathname === "/" ? "" : url.pathname,
    proxied: proxied(secure),
  };
  places.set(baseUrl, place);
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

import {
  ConnectTimeout,
  type Exchange,
  NotConnected,
  type Outgoing,
} from "#src/provider/exchange.ts";
import { RawPieces } from "#src/lib/raw-pieces.ts";
import { Connection, type Origin } from "#src/provider/connection.ts";
import { addressesOf } from "#src/provider/remote-connection.ts";
import { publicInternet } from "#src/provider/remote-rules.ts";
import { SocketExchange } from "#src/provider/socket-exchange.ts";

/** Less than the minute after which common servers close an unused connection. */
const idleMs = 55_000;
const sweepMs = 5_000;
const maxIdle = 2_048;

/** Bytes above this are too many to keep while the upstream works. */
const largeBytes = 1_048_576;

/** Whether a body may be sent twice. Pieces are slices of a text that is held anyway. */
function isKept({ body }: Outgoing): boolean {
  return body === undefined || body instanceof RawPieces || body.length <= largeBytes;
}

/** The origin by an address that was checked, so that no second answer of the name server has a say. */
async function checked(origin: Origin, signal: AbortSignal): Promise<Origin> {
  const { host } = origin;
  const [address = host] = await addressesOf(host, publicInternet, signal);
  return { ...origin, host: address, serverName: host.replace(/\.$/, "") };
}

/** Kept connections to one origin, the last used first. As many at once as there are requests. */
export class Pool {
  readonly #idle: Connection[] = [];
  #sweep: ReturnType<typeof setInterval> | undefined;

  constructor(readonly origin: Origin) {}

  /** Sends a whole request: `head` ends with the empty line. */
  send(head: string, out: Outgoing): Exchange {
    const exchange = new SocketExchange(head, out.body);
    const { connectMs } = out;
    // A fresh connection needs no second try.
    const kept = isKept(out) ? this.#idle.pop() : undefined;
    if (kept === undefined) void this.#connect(exchange, connectMs);
    else kept.carry(exchange, () => void this.#connect(exchange, connectMs));
    return exchange;
  }

  async #connect(exchange: SocketExchange, connectMs: number): Promise<void> {
    const tooLate = new AbortController();
    const late =
      connectMs > 0
        ? setTimeout(() => {
            exchange.abort(new ConnectTimeout(`No connection within ${connectMs} ms`));
            // An upstream that never shakes hands would keep the socket for good.
            tooLate.abort();
          }, connectMs)
        : undefined;
    try {
      const { signal } = tooLate;
      const origin = this.origin.isGuarded ? await checked(this.origin, signal) : this.origin;
      const connection = await Connection.open(origin, this, signal);
      if (exchange.over) connection.done(true);
      else connection.carry(exchange, undefined);
    } catch (cause) {
      exchange.fail(new NotConnected(cause));
    } finally {
      clearTimeout(late);
    }
  }

  /** Takes a connection back for the next request. */
  release(connection: Connection): void {
    if (this.#idle.length >= maxIdle) return connection.close();
    connection.idleSince = performance.now();
    this.#idle.push(connection);
    this.#sweep ??= setInterval(() => this.#closeOld(), sweepMs).unref();
  }

  /** Forgets a connection that closed while nobody used it. */
  forget(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #closeOld(): void {
    const before = performance.now() - idleMs;
    const old = this.#idle.findIndex(({ idleSince }) => idleSince > before);
    for (const connection of this.#idle.splice(0, old < 0 ? this.#idle.length : old))
      connection.close();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

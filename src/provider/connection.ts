import type { Socket, SocketHandler } from "bun";
import { AnswerReader } from "#src/provider/answer-reader.ts";
import { BrokenAnswer } from "#src/provider/exchange.ts";
import { PieceReader } from "#src/lib/raw-pieces.ts";
import type { Carrier, SocketExchange } from "#src/provider/socket-exchange.ts";

/** Where connections go: one scheme, host and port. */
export interface Origin {
  secure: boolean;
  host: string;
  port: number;
  /** The name that the certificate must have, where `host` is an address that was found for it. */
  serverName?: string;
  /** An account chose it: its addresses are checked at each connection. */
  isGuarded?: boolean;
}

/** Where a connection waits between two exchanges. */
interface Home {
  /** Takes it for the next request. */
  release(connection: Connection): void;
  /** It closed while nobody used it. */
  forget(connection: Connection): void;
}

/** Where a part of a large body stands while a socket takes it: the same for all, as that is over at once. */
const part = Buffer.allocUnsafeSlow(262_144);

/** One connection to an upstream, carrying one exchange at a time. */
export class Connection implements Carrier {
  idleSince = 0;
  readonly #home: Home;
  readonly #reader = new AnswerReader();
  #socket: Socket<Connection> | undefined;
  /** The same, while its TLS is not agreed upon. */
  #handshaking: Socket<Connection> | undefined;
  #exchange: SocketExchange | undefined;
  #again: (() => void) | undefined;
  /** What the socket did not take yet, and what follows it. */
  #unsent: Uint8Array | PieceReader | undefined;
  #next: Uint8Array | undefined;
  #opened: (() => void) | undefined;
  #refused: ((cause: Error) => void) | undefined;
  /** Nobody waits for it any more, though it is not open yet. */
  #givenUp = false;

  private constructor(home: Home) {
    this.#home = home;
  }

  /**
   * Opens a connection; over TLS, the certificate must be trusted and name the host.
   * The end of the signal gives it up, while it is not open.
   */
  static open(origin: Origin, home: Home, signal?: AbortSignal): Promise<Connection> {
    const connection = new Connection(home);
    return new Promise<Connection>((resolve, reject) => {
      const giveUp = () => {
        reject(new BrokenAnswer("The connection was given up"));
        connection.#givenUp = true;
        connection.#handshaking?.terminate();
      };
      connection.#opened = () => {
        signal?.removeEventListener("abort", giveUp);
        resolve(connection);
      };
      connection.#refused = reject;
      if (signal?.aborted) return giveUp();
      signal?.addEventListener("abort", giveUp, { once: true });
      Bun.connect({
        hostname: origin.host,
        port: origin.port,
        data: connection,
        socket: origin.secure ? secured : plain,
        ...(origin.secure
          ? { tls: { serverName: origin.serverName ?? origin.host, rejectUnauthorized: true } }
          : {}),
      }).catch(reject);
    });
  }

  /** Sends a request. `again` runs when a kept connection turns out closed before any answer. */
  carry(exchange: SocketExchange, again: (() => void) | undefined): void {
    const socket = this.#socket;
    if (socket === undefined) {
      if (again === undefined) exchange.fail(new BrokenAnswer("The connection closed"));
      else again();
      return;
    }
    this.#exchange = exchange;
    this.#again = again;
    exchange.connection = this;
    socket.ref();
    const [first, next] = exchange.outgoing(again !== undefined);
    this.#next = next;
    this.#write(first);
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  close(): void {
    this.#exchange = this.#again = this.#unsent = this.#next = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
  }

  done(reusable: boolean): void {
    // While it waits, nothing of a request that is over is held.
    this.#exchange = this.#again = undefined;
    if (!reusable || this.#unsent !== undefined) return this.close();
    // It may be paused still: the piece that was too much may have been the last.
    this.#socket?.resume();
    this.#socket?.unref();
    this.#home.release(this);
  }

  onOpen(socket: Socket<Connection>): void {
    if (this.#givenUp) return void socket.terminate();
    this.#handshaking = undefined;
    this.#socket = socket;
    this.#opened?.();
  }

  onConnect(socket: Socket<Connection>): void {
    if (this.#givenUp) socket.terminate();
    else this.#handshaking = socket;
  }

  onHandshake(socket: Socket<Connection>, trusted: boolean, cause: Error | null): void {
    if (trusted) return this.onOpen(socket);
    this.#refused?.(cause ?? new Error("The upstream's certificate is not trusted"));
    socket.terminate();
  }

  onData(bytes: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#lost();
    try {
      this.#reader.push(bytes, exchange);
    } catch (cause) {
      this.close();
      exchange.fail(errorOf(cause));
    }
  }

  onDrain(): void {
    if (this.#unsent !== undefined) this.#write(this.#unsent);
  }

  onClose(cause: Error | undefined): void {
    this.#socket = this.#handshaking = undefined;
    this.#refused?.(cause ?? new BrokenAnswer("The connection closed before it was open"));
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#lost();
    this.#exchange = undefined;
    if (this.#again !== undefined && !this.#reader.begun) return this.#again();
    try {
      this.#reader.close(exchange);
    } catch (broken) {
      exchange.fail(cause ?? errorOf(broken));
    }
  }

  #lost(): void {
    this.#home.forget(this);
    this.close();
  }

  #write(bytes: Uint8Array | PieceReader): void {
    if (bytes instanceof PieceReader) return this.#writePieces(bytes);
    const sent = this.#socket?.write(bytes) ?? -1;
    this.#unsent = sent < bytes.length ? bytes.subarray(Math.max(0, sent)) : undefined;
    const next = this.#next;
    if (this.#unsent !== undefined || next === undefined) return;
    this.#next = undefined;
    this.#write(next);
  }

  /** Part by part, each written out when the socket has room for it: a slow upstream has no body waiting in memory. */
  #writePieces(pieces: PieceReader): void {
    this.#unsent = pieces;
    for (;;) {
      const size = pieces.peek(part);
      if (size === 0) break;
      const sent = Math.max(0, this.#socket?.write(part, 0, size) ?? 0);
      pieces.skip(sent);
      if (sent < size) return;
    }
    this.#unsent = undefined;
  }
}

function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

const plain: SocketHandler<Connection, "buffer"> = {
  binaryType: "buffer",
  open: (socket) => socket.data.onOpen(socket),
  data: (socket, bytes) => socket.data.onData(bytes),
  drain: (socket) => socket.data.onDrain(),
  end: (socket) => void socket.terminate(),
  close: (socket, cause) => socket.data.onClose(cause),
  error: (socket, cause) => socket.data.onClose(cause),
};

const secured: SocketHandler<Connection, "buffer"> = {
  ...plain,
  open: (socket) => socket.data.onConnect(socket),
  handshake: (socket, trusted, cause) => socket.data.onHandshake(socket, trusted, cause),
};

import { PieceReader, RawPieces, type UpstreamBody } from "#src/lib/raw-pieces.ts";
import type { AnswerSink } from "#src/provider/answer-reader.ts";
import { BrokenAnswer, type Exchange, type Head, maxWholeBytes } from "#src/provider/exchange.ts";

/** Unread bytes above which the upstream is asked to wait. */
const highWater = 262_144;
const largeBytes = 65_536;
const none = new Uint8Array();

/** What an exchange travels over, while it does. */
export interface Carrier {
  /** Stops reading until `resume`, so that a slow client slows the upstream and fills no memory. */
  pause(): void;
  resume(): void;
  close(): void;
  /** The exchange has its whole answer. */
  done(reusable: boolean): void;
}

/** An exchange over a connection of our own. */
export class SocketExchange implements Exchange, AnswerSink {
  readonly #settleHead = Promise.withResolvers<Head>();
  readonly head = this.#settleHead.promise;
  /** What carries it, from the first byte sent to the last received. */
  connection: Carrier | undefined;
  readonly #headText: string;
  #body: UpstreamBody | undefined;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #paused = false;
  #ended = false;
  #failure: Error | undefined;
  /** Called when something new is here. */
  #wake: (() => void) | undefined;

  constructor(head: string, body: UpstreamBody | undefined) {
    this.#headText = head;
    this.#body = body;
  }

  /** Ended, failed or aborted. */
  get over(): boolean {
    return this.#ended || this.#failure !== undefined;
  }

  /** The request's bytes, in one piece or two. They are kept for another call only where there may be one. */
  outgoing(mayRepeat: boolean): [Uint8Array | PieceReader, Uint8Array?] {
    const head = this.#headText;
    const body = this.#body ?? "";
    if (!mayRepeat) this.#body = undefined;
    if (typeof body === "string") return [Buffer.from(head + body, "latin1")];
    if (body instanceof RawPieces) return [new PieceReader([head, ...body.texts])];
    // A large body is not copied to follow its head.
    if (body.length > largeBytes) return [Buffer.from(head, "latin1"), body];
    const bytes = Buffer.allocUnsafe(head.length + body.length);
    bytes.write(head, 0, "latin1");
    bytes.set(body, head.length);
    return [bytes];
  }

  onHead(head: Head): void {
    this.#body = undefined;
    this.#settleHead.resolve(head);
  }

  onBody(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#wake !== undefined) this.#notify();
    else if (this.#size > highWater && !this.#paused) {
      this.#paused = true;
      this.connection?.pause();
    }
  }

  onEnd(reusable: boolean): void {
    this.#ended = true;
    const { connection } = this;
    this.connection = undefined;
    connection?.done(reusable);
    this.#notify();
  }

  /** The exchange broke. */
  fail(cause: Error): void {
    if (this.over) return;
    this.#failure = cause;
    this.connection = undefined;
    this.#settleHead.reject(cause);
    this.#notify();
  }

  abort(reason: Error): void {
    const { connection } = this;
    this.fail(reason);
    connection?.close();
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#pieces.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return undefined;
      await this.#more();
    }
    return this.#take();
  }

  here(): Uint8Array | undefined {
    return this.#pieces.length === 0 ? undefined : this.#take();
  }

  get isHere(): boolean {
    return this.#ended;
  }

  bytes(): Uint8Array | Promise<Uint8Array> {
    return this.#ended ? this.#take() : this.#rest();
  }

  async #rest(): Promise<Uint8Array> {
    while (!this.#ended) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#size > maxWholeBytes)
        this.abort(new BrokenAnswer(`The answer is longer than ${maxWholeBytes} bytes`));
      else await this.#more();
    }
    return this.#take();
  }

  /** Everything that is here, in one piece. */
  #take(): Uint8Array {
    const pieces = this.#pieces;
    const all = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, this.#size);
    this.#pieces = [];
    this.#size = 0;
    if (this.#paused) {
      this.#paused = false;
      this.connection?.resume();
    }
    return all ?? none;
  }

  #more(): Promise<void> {
    if (this.#paused) {
      this.#paused = false;
      this.connection?.resume();
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

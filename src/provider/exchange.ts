import type { UpstreamBody } from "#src/lib/raw-pieces.ts";

/** Status and headers of an upstream's answer. */
export interface Head {
  status: number;
  /** Value of a header by its lower-case name; undefined when absent. */
  header(name: string): string | undefined;
}

/** One request to an upstream and its answer. Over with the answer's last byte, or with `abort`. */
export interface Exchange {
  /** Settles when the answer's head is here. Rejects with what broke the exchange, or with the reason of `abort`. */
  readonly head: Promise<Head>;
  /** The next piece of the body; undefined at its end. One call at a time. */
  read(): Promise<Uint8Array | undefined>;
  /** What came of the body and is not read yet, at once; undefined where nothing did. Not while a `read` is waited for. */
  here?(): Uint8Array | undefined;
  /** All of the body that is not read yet is here. Absent where that cannot be told. */
  readonly isHere?: boolean;
  /** The rest of the body; at once when all of it is here. */
  bytes(): Uint8Array | Promise<Uint8Array>;
  /** Ends the exchange and its connection at once. Does nothing when it is over. */
  abort(reason: Error): void;
}

/** What goes out. Without a body there is no content type either. */
export interface Outgoing {
  method: string;
  headers: Record<string, string>;
  body: UpstreamBody | undefined;
  /** Milliseconds that opening a connection may take; 0 sets no limit. */
  connectMs: number;
}

/** More bytes than any provider answers in one piece. */
export const maxWholeBytes = 268_435_456;

/** No connection to an upstream within the time allowed. */
export class ConnectTimeout extends Error {
  override readonly name = "ConnectTimeout";
}

/** A connection that was refused or broke before it was open: nothing was sent. */
export class NotConnected extends Error {
  override readonly name = "NotConnected";
  /** The system's own name for it, where it has one. */
  readonly code: string | undefined;
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  }
}

/** An upstream whose answer is no HTTP/1.1, or stops before its end. */
export class BrokenAnswer extends Error {
  override readonly name = "BrokenAnswer";
}

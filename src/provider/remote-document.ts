import { errorOf, within } from "#src/provider/abortable.ts";
import { documentType, type DocumentType } from "#src/provider/document-type.ts";
import type { Head } from "#src/provider/exchange.ts";
import { openRemote, redirectOf, remoteUrl } from "#src/provider/remote-connection.ts";
import {
  publicInternet,
  RemoteDocumentError,
  type RemoteRules,
} from "#src/provider/remote-rules.ts";
import type { SocketExchange } from "#src/provider/socket-exchange.ts";

/** A document as fetched. */
export interface RemoteDocument {
  type: DocumentType;
  base64: string;
  bytes: number;
}

/** Fetches documents that clients gave by address, for wires that want bytes. */
export interface RemoteDocuments {
  /** The documents of one request; what still comes when the signal ends is given up. */
  during(signal: AbortSignal): RequestDocuments;
}

/** Documents of one request. Each address is fetched once, however often it is asked for. */
export interface RequestDocuments {
  /** Throws {@link RemoteDocumentError}, or the reason of the request's signal. */
  fetch(address: string): Promise<RemoteDocument>;
  /** Gives up everything that still comes. */
  abandon(): void;
  /** The request needs no document any more: its bytes do not count among those of all requests. */
  end(): void;
}

const maxRedirects = 3;
/** Documents of one request on their way at the same time. */
const maxAtOnce = 6;

/** A fetcher of documents from the public internet; tests bring rules of their own. */
export function createRemoteDocuments(rules: Partial<RemoteRules> = {}): RemoteDocuments {
  const all = { ...publicInternet, ...rules };
  const held = { bytes: 0 };
  return { during: (signal) => new Documents(all, signal, held) };
}

class Documents implements RequestDocuments {
  readonly #rules: RemoteRules;
  readonly #signal: AbortSignal;
  /** Most requests have none. */
  #known: Map<string, Promise<RemoteDocument>> | undefined;
  #abandoned: AbortController | undefined;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** Received so far, over all documents. */
  #bytes = 0;
  /** The same over all requests. */
  readonly #held: { bytes: number };
  #ended = false;
  /** When the first one was asked for, monotonic milliseconds. */
  #since: number | undefined;

  constructor(rules: RemoteRules, signal: AbortSignal, held: { bytes: number }) {
    this.#rules = rules;
    this.#held = held;
    this.#signal = signal;
  }

  fetch(address: string): Promise<RemoteDocument> {
    const all = (this.#known ??= new Map());
    const known = all.get(address);
    if (known !== undefined) return known;
    const fetched = this.#fetch(address);
    all.set(address, fetched);
    return fetched;
  }

  abandon(): void {
    this.#abandoned?.abort(new Error("Another document of the request cannot be had"));
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#held.bytes -= this.#bytes;
    this.#known?.clear();
    this.abandon();
  }

  /** Takes note of bytes that were received. Throws where they are too many. */
  #count(bytes: number): void {
    const { requestBytes, allBytes } = this.#rules.limits;
    if (this.#ended) throw new Error("The request has ended");
    this.#bytes += bytes;
    this.#held.bytes += bytes;
    if (this.#bytes > requestBytes) throw new RemoteDocumentError("too_large");
    if (this.#held.bytes > allBytes) throw new RemoteDocumentError("busy");
  }

  async #fetch(address: string): Promise<RemoteDocument> {
    const { limits } = this.#rules;
    if ((this.#known?.size ?? 0) >= limits.requestDocuments)
      throw new RemoteDocumentError("too_many");
    const since = (this.#since ??= performance.now());
    this.#abandoned ??= new AbortController();
    const parents = [this.#signal, this.#abandoned.signal];
    if (this.#running >= maxAtOnce)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      const url = remoteUrl(address, this.#rules);
      const left = since + limits.requestMs - performance.now();
      if (left < 1) throw new RemoteDocumentError("too_slow");
      const milliseconds = Math.min(limits.totalMs, left);
      const late = () => new RemoteDocumentError("too_slow");
      return await within(milliseconds, late, parents, (signal) => this.#follow(url, signal));
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async #follow(from: URL, signal: AbortSignal): Promise<RemoteDocument> {
    let url = from;
    for (let redirects = 0; ; redirects++) {
      const exchange = await openRemote(url, this.#rules, signal);
      const stop = () => exchange.abort(errorOf(signal.reason));
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
      try {
        const head = await exchange.head;
        const next = redirectOf(head, url, this.#rules);
        if (next === undefined) return await this.#read(exchange, head);
        if (redirects === maxRedirects) throw new RemoteDocumentError("redirected");
        url = next;
      } catch (cause) {
        if (signal.aborted || cause instanceof RemoteDocumentError) throw cause;
        throw new RemoteDocumentError("unreachable", { cause });
      } finally {
        signal.removeEventListener("abort", stop);
        exchange.abort(new Error("No more is wanted"));
      }
    }
  }

  async #read(exchange: SocketExchange, head: Head): Promise<RemoteDocument> {
    if (head.status !== 200) throw new RemoteDocumentError("bad_status");
    const coding = head.header("content-encoding")?.toLowerCase() ?? "";
    if (coding !== "" && coding !== "identity") throw new RemoteDocumentError("encoded");
    const { bytes: most, requestBytes, allBytes } = this.#rules.limits;
    const declared = Number(head.header("content-length") ?? 0);
    if (declared > most || this.#bytes + declared > requestBytes)
      throw new RemoteDocumentError("too_large");
    if (this.#held.bytes + declared > allBytes) throw new RemoteDocumentError("busy");
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const piece = await exchange.read();
      if (piece === undefined) break;
      bytes += piece.length;
      this.#count(piece.length);
      if (bytes > most) throw new RemoteDocumentError("too_large");
      pieces.push(piece);
    }
    const all = Buffer.concat(pieces, bytes);
    const type = documentType(all, head.header("content-type"));
    if (type === undefined) throw new RemoteDocumentError("wrong_type");
    return { type, base64: all.toString("base64"), bytes };
  }
}

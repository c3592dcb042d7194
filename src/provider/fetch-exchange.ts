import {
  BrokenAnswer,
  type Exchange,
  type Head,
  maxWholeBytes,
  type Outgoing,
} from "#src/provider/exchange.ts";
import { RawPieces } from "#src/lib/raw-pieces.ts";

/** An exchange through the runtime's `fetch`, which knows the proxies of the environment. */
export class FetchExchange implements Exchange {
  readonly head: Promise<Head>;
  readonly #controller = new AbortController();
  readonly #response: Promise<Response>;
  readonly #maxBytes: number;
  #pieces: AsyncIterator<Uint8Array> | undefined;

  /** `bytes` refuses an answer longer than `maxBytes`. */
  constructor(url: string, { method, headers, body }: Outgoing, maxBytes = maxWholeBytes) {
    this.#maxBytes = maxBytes;
    const { signal } = this.#controller;
    // A redirect could carry the credential to another host.
    this.#response = fetch(url, {
      method,
      headers,
      body: body instanceof RawPieces ? body.joined() : body,
      signal,
      redirect: "manual",
      decompress: false,
    });
    this.head = this.#response.then(({ status, headers: given }) => ({
      status,
      header: (name) => given.get(name) ?? undefined,
    }));
  }

  async read(): Promise<Uint8Array | undefined> {
    this.#pieces ??= (await this.#response).body?.[Symbol.asyncIterator]();
    const next = await this.#pieces?.next();
    return next?.done ? undefined : next?.value;
  }

  async bytes(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const piece = await this.read();
      if (piece === undefined) return Buffer.concat(pieces, size);
      size += piece.length;
      if (size > this.#maxBytes) {
        const tooLong = new BrokenAnswer(`The answer is longer than ${this.#maxBytes} bytes`);
        this.abort(tooLong);
        throw tooLong;
      }
      pieces.push(piece);
    }
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }
}

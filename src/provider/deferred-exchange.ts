import type { Exchange, Head } from "#src/provider/exchange.ts";

/** An exchange that begins when what proves its request is there; given up before, nothing is sent. */
export class DeferredExchange implements Exchange {
  readonly head: Promise<Head>;
  readonly #begun: Promise<Exchange>;
  readonly #left = Promise.withResolvers<never>();
  #exchange: Exchange | undefined;
  #reason: Error | undefined;

  /** `begin` is called once `ready` is there, unless the exchange was aborted. */
  constructor(
    ready: Promise<Record<string, string>>,
    begin: (proof: Record<string, string>) => Exchange,
  ) {
    const sent = ready.then((proof) => {
      if (this.#reason !== undefined) throw this.#reason;
      this.#exchange = begin(proof);
      return this.#exchange;
    });
    this.#begun = Promise.race([sent, this.#left.promise]);
    this.head = this.#begun.then((exchange) => exchange.head);
  }

  async read(): Promise<Uint8Array | undefined> {
    return (this.#exchange ?? (await this.#begun)).read();
  }

  bytes(): Uint8Array | Promise<Uint8Array> {
    return this.#exchange?.bytes() ?? this.#begun.then((exchange) => exchange.bytes());
  }

  abort(reason: Error): void {
    this.#reason ??= reason;
    if (this.#exchange === undefined) this.#left.reject(reason);
    else this.#exchange.abort(reason);
  }
}

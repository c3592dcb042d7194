import type { Clock } from "#src/lib/clock.ts";

/** A value to prove oneself with, or the wait for it. */
export interface Source<T> {
  get(): T | Promise<T>;
  /** Forgets the value, unless another came in its place already. */
  drop?(value: T): void;
}

/** No credential could be had from whoever gives them. The message holds no secret. */
export class NoCredential extends Error {
  override readonly name = "NoCredential";
}

/** A value of shorter life than this is renewed in the background, ms. */
const aheadMs = 300_000;
/** A value this near its end may be over when it arrives, ms. */
const lastMs = 10_000;
/** Least time between two beginnings in the background, and how long a failure is told again, ms. */
const pauseMs = 5_000;

/**
 * A credential that ends: fetched when it is first needed, by one fetch at a time that all wait for, and
 * renewed by requests in its last minutes, which go on with what there is.
 */
export class Lent<T extends { expiresAt: number }> implements Source<T> {
  readonly #fetch: () => Promise<T>;
  readonly #clock: Clock;
  #kept: T | undefined;
  #fetching: Promise<T> | undefined;
  #failed: { cause: unknown; at: number } | undefined;
  #begunAt = Number.NEGATIVE_INFINITY;

  /** `expiresAt` is in milliseconds since the Unix epoch. */
  constructor(fetch: () => Promise<T>, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  get(): T | Promise<T> {
    const kept = this.#kept;
    const left = kept === undefined ? 0 : kept.expiresAt - this.#clock.now();
    if (kept === undefined || left <= lastMs) return this.#wait();
    if (left <= aheadMs && this.#clock.monotonic() - this.#begunAt >= pauseMs)
      // What there is still holds; when it does not, the failure is told.
      this.#renew().catch(() => {});
    return kept;
  }

  drop(value: T): void {
    if (this.#kept === value) this.#kept = undefined;
  }

  /** A failure is told for a while, so that no request of many asks in vain again. */
  #wait(): Promise<T> {
    const failed = this.#failed;
    if (failed !== undefined && this.#clock.monotonic() - failed.at < pauseMs)
      return Promise.reject(failed.cause);
    return this.#renew();
  }

  #renew(): Promise<T> {
    if (this.#fetching !== undefined) return this.#fetching;
    this.#begunAt = this.#clock.monotonic();
    this.#fetching = this.#fetch()
      .then((value) => {
        this.#failed = undefined;
        this.#kept = value;
        return value;
      })
      .catch((cause: unknown) => {
        this.#failed = { cause, at: this.#clock.monotonic() };
        throw cause;
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }
}

/** What came back of something that was posted. */
interface Answer {
  status: number;
  retryAfterSeconds: number | undefined;
  text: string;
}

/** Sends a body to a collector. Rejects where no answer came. */
export type Post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
) => Promise<Answer>;

export interface ExporterOptions<T> {
  url: string;
  headers: Readonly<Record<string, string>>;
  post: Post;
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls back once, after so many milliseconds, unless what it returns is called first. */
  after(milliseconds: number, call: () => void): () => void;
  /** The body for some of what waits. */
  encode(batch: readonly T[]): object;
  /** Told of what was given up, and why. */
  onLost(count: number, why: string): void;
}

/** Most that wait; what comes beyond is lost, so that a collector that is away costs no memory. */
export const mostWaiting = 4096;
/** Most in one body. */
export const batchSize = 512;
const timeoutMs = 10_000;
/** How long the last sending may take when the gateway stops. */
const closingMs = 3000;
const longestPauseMs = 60_000;
const mostTries = 6;
/** Said by the protocol to be worth another try. Source: opentelemetry.io/docs/specs/otlp, OTLP/HTTP */
const passing: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What waits to be sent, and the one batch that is on its way. Adding never waits, and never throws. */
export class Exporter<T> {
  readonly #options: ExporterOptions<T>;
  #waiting: T[] = [];
  #lost = 0;
  #sending: Promise<void> | undefined;
  /** A batch that is to be tried again, with its tries so far. */
  #again: { batch: readonly T[]; tries: number } | undefined;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** Calls off what ends the pause. */
  #stayAsleep = () => {};
  readonly #ending = new AbortController();

  constructor(options: ExporterOptions<T>) {
    this.#options = options;
  }

  /** False where there is no room. */
  add(one: T): boolean {
    if (this.#waiting.length >= mostWaiting) {
      this.#lost++;
      return false;
    }
    this.#waiting.push(one);
    return true;
  }

  get waiting(): number {
    return this.#waiting.length + (this.#again?.batch.length ?? 0);
  }

  /** Sends what waits, batch by batch, unless that is going on or has to pause. */
  flush(): Promise<void> {
    return (this.#sending ??= this.#drain().finally(() => (this.#sending = undefined)));
  }

  /** Sends once more what waits, pause or not, and gives up what does not go out in time. */
  async close(): Promise<void> {
    const late = setTimeout(() => this.#ending.abort(), closingMs);
    await this.#sending;
    this.#pausedUntil = Number.NEGATIVE_INFINITY;
    await this.flush();
    clearTimeout(late);
    this.#stayAsleep();
    this.#tellLost("the gateway stops");
  }

  async #drain(): Promise<void> {
    const { now, onLost } = this.#options;
    if (this.#lost > 0) {
      onLost(this.#lost, "more came than could be sent");
      this.#lost = 0;
    }
    while (now() >= this.#pausedUntil) {
      const next = this.#again ?? { batch: this.#waiting.splice(0, batchSize), tries: 0 };
      if (next.batch.length === 0) return;
      this.#again = undefined;
      const fault = await this.#send(next.batch);
      if (fault === undefined) continue;
      const tries = next.tries + 1;
      if (fault.isFinal || tries >= mostTries) {
        onLost(next.batch.length, fault.why);
        continue;
      }
      this.#again = { batch: next.batch, tries };
      const pause = fault.retryAfterMs ?? 1000 * 2 ** (tries - 1);
      this.#pauseFor(Math.min(longestPauseMs, pause));
    }
  }

  /** Whoever flushes for other reasons comes too seldom: it wakes by itself. */
  #pauseFor(milliseconds: number): void {
    this.#pausedUntil = this.#options.now() + milliseconds;
    this.#stayAsleep();
    this.#stayAsleep = this.#options.after(milliseconds, () => {
      // A timer may be a little early.
      this.#pausedUntil = Number.NEGATIVE_INFINITY;
      void this.flush();
    });
  }

  async #send(batch: readonly T[]): Promise<Fault | undefined> {
    const { url, headers, post, encode, onLost } = this.#options;
    let answer: Answer;
    try {
      const body = JSON.stringify(encode(batch));
      const late = AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#ending.signal]);
      answer = await post(url, headers, body, late);
    } catch (thrown) {
      return { isFinal: false, why: nameOf(thrown), retryAfterMs: undefined };
    }
    const { status, retryAfterSeconds, text } = answer;
    if (status >= 200 && status < 300) {
      const refused = refusedIn(text);
      if (refused > 0) onLost(refused, "the collector refused them");
      return undefined;
    }
    return {
      isFinal: !passing.has(status),
      why: `the collector answered ${status}`,
      retryAfterMs: retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000,
    };
  }

  #tellLost(why: string): void {
    const count = this.waiting + this.#lost;
    this.#waiting = [];
    this.#again = undefined;
    this.#lost = 0;
    if (count > 0) this.#options.onLost(count, why);
  }
}

interface Fault {
  isFinal: boolean;
  why: string;
  retryAfterMs: number | undefined;
}

/** The kind of what was thrown: its message may hold the address, and with it a credential. */
function nameOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "no answer";
  return "code" in thrown && typeof thrown.code === "string" ? thrown.code : thrown.name;
}

/** How many the collector says that it did not take. */
function refusedIn(text: string): number {
  const found = /"rejected(?:Spans|DataPoints)"\s*:\s*"?(\d{1,9})/.exec(text);
  return Number(found?.[1] ?? 0);
}

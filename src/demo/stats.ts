import type { Clock } from "#src/lib/clock.ts";

/** A client that hung up before the end of its answer. */
export interface HangUp {
  /** Unix milliseconds. */
  at: number;
  /** Milliseconds since the last byte went to it, or since its request came when none did. */
  sinceLastByteMs: number;
}

/** What a simulated provider saw. */
export interface Stats {
  readonly requests: number;
  /** Requests whose body arrived whole. */
  readonly bodies: number;
  readonly inFlight: number;
  readonly peakInFlight: number;
  /** How many clients hung up before the end. */
  readonly aborted: number;
  /** The last thousand of them. */
  readonly hangUps: readonly HangUp[];
  /** Of the last request: path with query, headers in lower case, and the body byte for byte. */
  readonly lastPath: string | undefined;
  readonly lastHeaders: Readonly<Record<string, string>> | undefined;
  readonly lastBody: Uint8Array | undefined;
  /** Forgets all but what is in flight. */
  reset(): void;
}

/** One request under way. Ending it twice is once. */
export interface Flight {
  received(path: string, headers: Headers, body: Uint8Array): void;
  /** A byte went out. */
  sent(): void;
  end(): void;
  hangUp(): void;
}

const kept = 1000;

/** Counts requests. */
export function createStats(clock: Clock): { stats: Stats; enter(): Flight } {
  const counts = { requests: 0, bodies: 0, inFlight: 0, peakInFlight: 0, aborted: 0 };
  let hangUps: HangUp[] = [];
  let last: { path: string; headers: Headers; body: Uint8Array } | undefined;
  const stats: Stats = {
    get requests() {
      return counts.requests;
    },
    get bodies() {
      return counts.bodies;
    },
    get inFlight() {
      return counts.inFlight;
    },
    get peakInFlight() {
      return counts.peakInFlight;
    },
    get aborted() {
      return counts.aborted;
    },
    get hangUps() {
      return hangUps;
    },
    get lastPath() {
      return last?.path;
    },
    get lastHeaders() {
      return last && Object.fromEntries(last.headers);
    },
    get lastBody() {
      return last?.body;
    },
    reset() {
      const { inFlight } = counts;
      Object.assign(counts, { requests: 0, bodies: 0, peakInFlight: inFlight, aborted: 0 });
      hangUps = [];
      last = undefined;
    },
  };
  return {
    stats,
    enter() {
      counts.requests++;
      counts.inFlight++;
      if (counts.inFlight > counts.peakInFlight) counts.peakInFlight = counts.inFlight;
      let open = true;
      let lastByteAt = clock.monotonic();
      const end = (): void => {
        if (open) counts.inFlight--;
        open = false;
      };
      return {
        received(path, headers, body) {
          counts.bodies++;
          last = { path, headers, body };
        },
        sent() {
          lastByteAt = clock.monotonic();
        },
        end,
        hangUp() {
          if (!open) return;
          end();
          counts.aborted++;
          hangUps.push({ at: clock.now(), sinceLastByteMs: clock.monotonic() - lastByteAt });
          if (hangUps.length > kept) hangUps.shift();
        },
      };
    },
  };
}

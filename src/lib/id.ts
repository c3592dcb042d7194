import type { Clock } from "#src/lib/clock.ts";

/** Makes opaque ids that sort by the time they were made: `gen_01JD…`, a prefix and a ULID. */
export interface Ids {
  next(prefix: string): string;
}

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * Ids from the clock and the operating system's randomness; unique across processes. Within a millisecond they count
 * up, so that they sort in the order in which they were made.
 */
export function createIds(clock: Clock): Ids {
  const pool = new Uint8Array(12 * 256);
  let at = pool.length;
  let lastTime = -1;
  let start = "";
  let count = 0;
  function begin(time: number): void {
    if (at === pool.length) {
      crypto.getRandomValues(pool);
      at = 0;
    }
    start = encodeTime(time);
    for (const end = at + 12; at < end; at++) start += alphabet[(pool[at] ?? 0) & 31];
    lastTime = time;
    count = 0;
  }
  return {
    next(prefix) {
      const now = clock.now();
      // A clock that is set back must not bring back an id.
      if (now !== lastTime || count === 2 ** 20) begin(now);
      const last = (shift: number) => alphabet[(count >> shift) & 31] ?? "";
      const id = `${prefix}_${start}${last(15)}${last(10)}${last(5)}${last(0)}`;
      count++;
      return id;
    },
  };
}

/** The least unique part of ids that are made at a time, Unix milliseconds: what ids of before sort below. */
export function ulidStart(milliseconds: number): string {
  return encodeTime(milliseconds).padEnd(26, "0");
}

/** When an id was made, Unix milliseconds. */
export function timeOfId(id: string): number {
  let time = 0;
  for (const letter of id.slice(id.indexOf("_") + 1).slice(0, 10))
    time = time * 32 + alphabet.indexOf(letter);
  return time;
}

function encodeTime(milliseconds: number): string {
  let rest = milliseconds;
  let text = "";
  for (let i = 0; i < 10; i++) {
    text = alphabet[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** Uniform random numbers in [0, 1), handed in where a choice is a lottery. */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();

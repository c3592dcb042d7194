import type { Clock } from "#src/lib/clock.ts";

/** Makes opaque ids that sort by the time they were made: `gen_01JD…`, a prefix and a ULID. */
export interface Ids {
  next(prefix: string): string;
}

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const letterCodes = Buffer.from(alphabet);
/** Of a ULID's time. */
const timeLetters = 10;

/**
 * Ids from the clock and the operating system's randomness; unique across processes. Within a millisecond they count
 * up, so that they sort in the order in which they were made.
 */
export function createIds(clock: Clock): Ids {
  const pool = new Uint8Array(12 * 256);
  const letters = Buffer.alloc(timeLetters + 12);
  let at = pool.length;
  let lastTime = -1;
  let start = "";
  let count = 0;
  function begin(time: number): void {
    if (at === pool.length) {
      crypto.getRandomValues(pool);
      at = 0;
    }
    writeTime(letters, time);
    for (let place = timeLetters; place < letters.length; place++)
      letters[place] = letterCodes[(pool[at++] ?? 0) & 31] ?? 0;
    // One string: letter by letter it would be twenty-two.
    start = letters.toString("latin1");
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
  const letters = Buffer.alloc(26, "0");
  writeTime(letters, milliseconds);
  return letters.toString("latin1");
}

/** When an id was made, Unix milliseconds. */
export function timeOfId(id: string): number {
  let time = 0;
  for (const letter of id.slice(id.indexOf("_") + 1).slice(0, 10))
    time = time * 32 + alphabet.indexOf(letter);
  return time;
}

/** The first letters of a ULID. */
function writeTime(letters: Buffer, milliseconds: number): void {
  let rest = milliseconds;
  for (let place = timeLetters - 1; place >= 0; place--) {
    letters[place] = letterCodes[rest % 32] ?? 0;
    rest = Math.floor(rest / 32);
  }
}

/** Uniform random numbers in [0, 1), handed in where a choice is a lottery. */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();

import type { Clock } from "#src/lib/clock.ts";

/** Makes opaque ids that sort by the time they were made: `gen_01JD…`, a prefix and a ULID. */
export interface Ids {
  next(prefix: string): string;
}

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Ids from the clock and the operating system's randomness; unique across processes. */
export function createIds(clock: Clock): Ids {
  const pool = new Uint8Array(4096);
  let at = pool.length;
  let lastTime = -1;
  let timePart = "";
  function random(count: number): string {
    if (at + count > pool.length) {
      crypto.getRandomValues(pool);
      at = 0;
    }
    let text = "";
    for (let i = 0; i < count; i++) text += alphabet[(pool[at++] ?? 0) & 31];
    return text;
  }
  return {
    next(prefix) {
      const now = clock.now();
      if (now !== lastTime) {
        lastTime = now;
        timePart = encodeTime(now);
      }
      return `${prefix}_${timePart}${random(16)}`;
    },
  };
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

/** Chance that a seed repeats. */
export interface Chance {
  /** At least `least`, below `most`. */
  between(least: number, most: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
}

/** Chance from a text: the same text, the same course (mulberry32 on an FNV-1a hash of it). */
export function createChance(seed: string): Chance {
  let state = 2_166_136_261;
  for (const byte of new TextEncoder().encode(seed)) state = Math.imul(state ^ byte, 16_777_619);
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    between: (least, most) => least + next() * (most - least),
    pick: (from) => from[Math.floor(next() * from.length)] ?? from[0],
  };
}

/** Numbers that look random and are the same for the same seed. Mulberry32, by Tommy Ettinger (public domain). */
export interface Random {
  /** From 0 up to 1. */
  next(): number;
  /** A whole number from `least` up to `most`, both included. */
  whole(least: number, most: number): number;
  /** True with a chance from 0 to 1. */
  chance(of: number): boolean;
  /** The wait for something that happens every `mean` on average. */
  wait(mean: number): number;
  pick<T>(many: readonly T[]): T;
}

/** Begins a sequence. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  return {
    next,
    whole: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (of) => next() < of,
    wait: (mean) => -Math.log(1 - next()) * mean,
    pick(many) {
      const found = many[Math.floor(next() * many.length)];
      if (found === undefined) throw new Error("Cannot pick from nothing");
      return found;
    },
  };
}

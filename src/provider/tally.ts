const sliceMs = 10_000;
/** Five minutes, and the running slice. */
const slices = 31;

/** Successes and failures of the last five minutes, in slices of ten seconds: both grow old alike. */
export class Tally {
  /** Number of the slice that a place holds, counted from the clock's start. */
  readonly #slice = new Float64Array(slices).fill(-1);
  readonly #good = new Uint32Array(slices);
  readonly #bad = new Uint32Array(slices);

  succeeded(now: number): void {
    const place = this.#place(now);
    this.#good[place] = (this.#good[place] ?? 0) + 1;
  }

  failed(now: number): void {
    const place = this.#place(now);
    this.#bad[place] = (this.#bad[place] ?? 0) + 1;
  }

  /** Share of failures in the last so many milliseconds, at most five minutes; 0 where nothing happened. */
  failing(milliseconds: number, now: number): number {
    const oldest = Math.floor(now / sliceMs) - Math.ceil(milliseconds / sliceMs);
    let good = 0;
    let bad = 0;
    for (let place = 0; place < slices; place++) {
      if ((this.#slice[place] ?? -1) <= oldest) continue;
      good += this.#good[place] ?? 0;
      bad += this.#bad[place] ?? 0;
    }
    return bad === 0 ? 0 : bad / (good + bad);
  }

  #place(now: number): number {
    const slice = Math.floor(now / sliceMs);
    const place = slice % slices;
    if (this.#slice[place] !== slice) {
      this.#slice[place] = slice;
      this.#good[place] = 0;
      this.#bad[place] = 0;
    }
    return place;
  }
}

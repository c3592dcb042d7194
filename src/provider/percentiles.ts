export type Percentile = 50 | 75 | 90 | 95 | 99;

/** Width of a bucket: an eighth of a doubling, so that what is read is within 4.5 % of what was seen. */
const perDoubling = 8;
const doublings = 21;
const buckets = perDoubling * doublings;
const sliceMs = 30_000;
const slices = 10;
const kept: readonly Percentile[] = [50, 75, 90, 95, 99];

/**
 * Percentiles of what was seen in the last five minutes, in 8 KB however much that was. Counts in buckets of equal
 * ratio, in slices of half a minute; values from `least` to two million times as much. Nothing is sorted or made per value.
 */
export class Percentiles {
  readonly #least: number;
  readonly #inSlice = new Uint32Array(slices * buckets);
  readonly #sum = new Uint32Array(buckets);
  /** What was last worked out, by the place of the percentile in `kept`. */
  readonly #known = new Float64Array(kept.length);
  #isKnown = false;
  #total = 0;
  /** The running slice, counted from the clock's start. */
  #slice = 0;

  constructor(least: number) {
    this.#least = least;
  }

  add(value: number, now: number): void {
    this.#turn(now);
    const bucket = this.#bucketOf(value);
    const at = (this.#slice % slices) * buckets + bucket;
    this.#inSlice[at] = (this.#inSlice[at] ?? 0) + 1;
    this.#sum[bucket] = (this.#sum[bucket] ?? 0) + 1;
    this.#total++;
    this.#isKnown = false;
  }

  /** The value that this share of all was at most; undefined where nothing was seen. */
  at(percentile: Percentile, now: number): number | undefined {
    this.#turn(now);
    if (this.#total === 0) return undefined;
    if (!this.#isKnown) this.#workOut();
    return this.#known[kept.indexOf(percentile)];
  }

  #bucketOf(value: number): number {
    const bucket = Math.floor(Math.log2(value / this.#least) * perDoubling);
    return bucket > 0 ? Math.min(bucket, buckets - 1) : 0;
  }

  /** All percentiles in one pass, for they are asked for together. */
  #workOut(): void {
    let passed = 0;
    let place = 0;
    for (let bucket = 0; bucket < buckets && place < kept.length; bucket++) {
      passed += this.#sum[bucket] ?? 0;
      while (place < kept.length && passed >= ((kept[place] ?? 0) / 100) * this.#total)
        this.#known[place++] = this.#least * 2 ** ((bucket + 0.5) / perDoubling);
    }
    this.#isKnown = true;
  }

  /** Forgets the slices that have become too old. */
  #turn(now: number): void {
    const slice = Math.floor(now / sliceMs);
    const passed = Math.min(slice - this.#slice, slices);
    if (passed <= 0) return;
    for (let back = 0; back < passed; back++) this.#forget((slice - back) % slices);
    this.#slice = slice;
    this.#isKnown = false;
  }

  #forget(slice: number): void {
    if (this.#total === 0) return;
    const start = slice * buckets;
    for (let bucket = 0; bucket < buckets; bucket++) {
      const seen = this.#inSlice[start + bucket] ?? 0;
      if (seen === 0) continue;
      this.#sum[bucket] = (this.#sum[bucket] ?? 0) - seen;
      this.#total -= seen;
      this.#inSlice[start + bucket] = 0;
    }
  }
}

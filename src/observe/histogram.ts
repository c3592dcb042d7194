/** Counts of values by how large they are. Nothing is made when one is added. */
export class Histogram {
  /** One for each bound, and one for what lies above them all. Not cumulative. */
  readonly counts: Float64Array;
  sum = 0;
  count = 0;

  /** Upper bounds, inclusive, rising. */
  constructor(readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? 0)) at++;
    counts[at] = (counts[at] ?? 0) + 1;
    this.sum += value;
    this.count++;
  }
}

/** Seconds of a request, as the GenAI conventions ask. Source: opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics */
export const requestSeconds = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
] as const;

/** Tokens of a request, as the GenAI conventions ask; same source. */
export const requestTokens = [
  1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
  67_108_864,
] as const;

/** Seconds that the gateway itself takes. */
export const ownSeconds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
] as const;

/** How a figure changes with the requests that were served. */
export interface Slope {
  /** Per request, by least squares. */
  perRequest: number;
  /** Of that. */
  standardError: number;
  /** What the figure would have grown by over the samples, as a share of its mean. */
  share: number;
}

/** One look at a figure. */
export interface Point {
  requests: number;
  value: number;
}

/** Samples below which a line through them says nothing. */
export const fewestPoints = 12;
/** Standard errors that a slope must be above zero to be one. */
const certain = 3;
/** Growth over the samples that is no leak, whatever its error: a heap breathes. */
const breath = 0.01;

/**
 * The line through the second half of the samples: by then caches and pools are what they will be. Looks at memory follow
 * each other closely, so the error is that of as many independent looks as their first autocorrelation leaves. Undefined
 * where there are too few.
 */
export function slopeOf(points: readonly Point[]): Slope | undefined {
  const half = points.slice(points.length >> 1);
  if (half.length < fewestPoints) return undefined;
  const requests = mean(half.map((point) => point.requests));
  const value = mean(half.map((point) => point.value));
  let squares = 0;
  let products = 0;
  for (const point of half) {
    squares += (point.requests - requests) ** 2;
    products += (point.requests - requests) * (point.value - value);
  }
  if (squares === 0) return undefined;
  const perRequest = products / squares;
  const residuals = half.map(
    (point) => point.value - value - perRequest * (point.requests - requests),
  );
  const variance = residuals.reduce((sum, one) => sum + one * one, 0) / (half.length - 2);
  const correlation = Math.min(0.95, Math.max(0, autocorrelation(residuals)));
  const standardError = Math.sqrt(((variance / squares) * (1 + correlation)) / (1 - correlation));
  const span = (half.at(-1)?.requests ?? 0) - (half[0]?.requests ?? 0);
  return { perRequest, standardError, share: (perRequest * span) / value };
}

/** Whether a figure grows for sure, and by more than it breathes. */
export function grows({ perRequest, standardError, share }: Slope): boolean {
  return perRequest > certain * standardError && share > breath;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of each residual with the one before it. */
function autocorrelation(residuals: readonly number[]): number {
  const squares = residuals.reduce((sum, one) => sum + one * one, 0);
  if (squares === 0) return 0;
  let products = 0;
  for (const [at, one] of residuals.entries()) products += one * (residuals[at - 1] ?? 0);
  return products / squares;
}

import type { Histogram } from "#src/observe/histogram.ts";
import { type Attributes, attributes, unixNano } from "#src/observe/otlp-json.ts";

/** One value of a metric, and whose it is. */
export interface Sample {
  facts: Attributes;
  value: number;
}

/** When it was counted, Unix milliseconds. */
export interface Times {
  startedAt: number;
  now: number;
}

/** Sums are since `startedAt`. */
const cumulative = 2;

/** A sum that only grows. Whole units. */
export function counter(
  name: string,
  unit: string,
  samples: readonly Sample[],
  times: Times,
): object {
  return { name, unit, sum: sumOf(samples.map(wholePoint(times)), { isMonotonic: true }) };
}

/** A sum of fractions that only grows. */
export function fractionCounter(
  name: string,
  unit: string,
  samples: readonly Sample[],
  times: Times,
): object {
  return { name, unit, sum: sumOf(samples.map(fractionPoint(times)), { isMonotonic: true }) };
}

/** What is there now, of which those of several processes add up. Whole units. */
export function level(
  name: string,
  unit: string,
  samples: readonly Sample[],
  times: Times,
): object {
  return { name, unit, sum: sumOf(samples.map(wholePoint(times)), { isMonotonic: false }) };
}

/** What is there now, of which no sum means anything. */
export function gauge(
  name: string,
  unit: string,
  samples: readonly Sample[],
  { now }: Pick<Times, "now">,
): object {
  const dataPoints = samples.map(({ facts, value }) => ({
    timeUnixNano: unixNano(now),
    attributes: attributes(facts),
    asDouble: value,
  }));
  return { name, unit, gauge: { dataPoints } };
}

/** How values are spread; those that hold none are left out. */
export function histogram(
  name: string,
  unit: string,
  parts: readonly (readonly [Attributes, Histogram])[],
  times: Times,
): object {
  const dataPoints = parts
    .filter(([, { count }]) => count > 0)
    .map(([facts, one]) => ({
      ...timesOf(times),
      attributes: attributes(facts),
      count: String(one.count),
      sum: one.sum,
      bucketCounts: [...one.counts].map(String),
      explicitBounds: one.bounds,
    }));
  return { name, unit, histogram: { aggregationTemporality: cumulative, dataPoints } };
}

function sumOf(dataPoints: readonly object[], { isMonotonic }: { isMonotonic: boolean }): object {
  return { aggregationTemporality: cumulative, isMonotonic, dataPoints };
}

function wholePoint(times: Times) {
  return ({ facts, value }: Sample): object => ({
    ...timesOf(times),
    attributes: attributes(facts),
    asInt: String(value),
  });
}

function fractionPoint(times: Times) {
  return ({ facts, value }: Sample): object => ({
    ...timesOf(times),
    attributes: attributes(facts),
    asDouble: value,
  });
}

function timesOf({ startedAt, now }: Times) {
  return { startTimeUnixNano: unixNano(startedAt), timeUnixNano: unixNano(now) };
}

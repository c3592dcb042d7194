import { expect, test } from "bun:test";
import { median, Samples } from "#test/bench/samples.ts";

test("Samples keeps nearest-rank quantiles, past its first size too", () => {
  const samples = new Samples();
  for (let value = 100_000; value > 0; value--) samples.add(value);
  expect(samples.quantiles()).toEqual({ p50: 50_000, p99: 99_000, p999: 99_900 });
});

test("Samples without samples has no quantiles, rather than zeros", () => {
  expect(new Samples().quantiles()).toBeUndefined();
});

test("median() is the middle, or the mean of the two in the middle, or nothing", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, undefined]);
});

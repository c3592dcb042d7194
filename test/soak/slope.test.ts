import { describe, expect, test } from "bun:test";
import { createChance } from "#test/chaos/chance.ts";
import { fewestPoints, grows, type Point, slopeOf } from "#test/soak/slope.ts";

const megabyte = 1e6;
const resident = 200 * megabyte;
const every = 1000;

/** Looks at a process whose memory is a base, something that depends on the requests, and noise. */
function looks(seed: string, extra: (requests: number) => number, noise = 4 * megabyte): Point[] {
  const chance = createChance(seed);
  let drift = 0;
  return Array.from({ length: 400 }, (_, at) => {
    // Neighbours are alike: what is not collected now is not collected a moment later.
    drift = 0.8 * drift + chance.between(-noise, noise);
    return { requests: at * every, value: resident + drift + extra(at * every) };
  });
}

function verdict(points: readonly Point[]): boolean {
  const slope = slopeOf(points);
  if (slope === undefined) throw new Error("There are too few samples");
  return grows(slope);
}

describe("the slope of memory", () => {
  const seeds = Array.from({ length: 50 }, (_, at) => `seed ${at}`);

  test("is none where memory only breathes, in fifty runs of fifty", () => {
    expect(seeds.filter((seed) => verdict(looks(seed, () => 0)))).toEqual([]);
  });

  test("is found where a request leaves a hundred bytes, in fifty runs of fifty", () => {
    const found = seeds.filter((seed) => verdict(looks(seed, (requests) => requests * 100)));
    expect(found).toHaveLength(seeds.length);
  });

  test("is none where memory fills up in the first half and stays", () => {
    const filling = (requests: number) => Math.min(requests, 100 * every) * 500;
    expect(seeds.filter((seed) => verdict(looks(seed, filling)))).toEqual([]);
  });

  test("is the number of bytes that a request leaves, within three of its errors", () => {
    const slope = slopeOf(looks("exact", (requests) => requests * 100));
    expect(Math.abs((slope?.perRequest ?? 0) - 100)).toBeLessThan(3 * (slope?.standardError ?? 0));
    const certain = slopeOf(looks("certain", (requests) => requests * 100, 0));
    expect(certain?.perRequest).toBeCloseTo(100, 6);
    expect(certain?.standardError).toBeLessThan(1e-6);
  });

  test("is unknown with too few samples, or with samples of one moment", () => {
    expect(slopeOf(looks("few", () => 0).slice(0, 2 * fewestPoints - 2))).toBeUndefined();
    const stuck = Array.from({ length: 100 }, () => ({ requests: 5, value: 1 }));
    expect(slopeOf(stuck)).toBeUndefined();
  });
});

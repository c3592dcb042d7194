import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { Circuit } from "#src/provider/circuit.ts";
import { createHealth } from "#src/provider/health.ts";
import { type Percentile, Percentiles } from "#src/provider/percentiles.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { routeAt } from "#test/provider/route.ts";

const all: readonly Percentile[] = [50, 75, 90, 95, 99];
const sliceMs = 30_000;
/** A bucket is an eighth of a doubling, and its middle is told. */
const widest = 2 ** (1 / 16) * 1.000_001;

/** Numbers in [0, 1), the same each time. */
function draws(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The same by a list of everything. */
function bruteForce(seen: readonly [at: number, value: number][], now: number, p: Percentile) {
  const oldest = Math.floor(now / sliceMs) - 10;
  const values = seen
    .filter(([at]) => Math.floor(at / sliceMs) > oldest)
    .map(([, value]) => value)
    .sort((one, other) => one - other);
  return values[Math.max(0, Math.ceil((p / 100) * values.length) - 1)];
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "percentiles are those of a list of everything in the window, seed %d",
  (seed) => {
    const draw = draws(seed);
    const percentiles = new Percentiles(0.5);
    const seen: [number, number][] = [];
    let now = Math.floor(draw() * 1e9);
    for (let step = 0; step < 3000; step++) {
      // Mostly close together; at times a pause, up to longer than the window.
      now += draw() < 0.01 ? draw() * 400_000 : draw() * 800;
      const value = 2 ** (draw() * 18);
      percentiles.add(value, now);
      seen.push([now, value]);
      if (step % 50 !== 0) continue;
      const later = now + (draw() < 0.2 ? draw() * 350_000 : 0);
      for (const p of all) {
        const expected = bruteForce(seen, later, p);
        const told = percentiles.at(p, later);
        if (expected === undefined || told === undefined) {
          expect([p, told]).toEqual([p, expected]);
          continue;
        }
        const off = told > expected ? told / expected : expected / told;
        expect(off).toBeLessThanOrEqual(widest);
      }
      now = later;
    }
  },
);

test("percentiles stay true where a hundred thousand a minute are alike", () => {
  const percentiles = new Percentiles(0.5);
  for (let one = 0; one < 200_000; one++) percentiles.add(one % 50 === 0 ? 1000 : 10, one / 10);
  expect(percentiles.at(95, 20_000)).toBeLessThan(11);
  expect(percentiles.at(99, 20_000)).toBeGreaterThan(900);
});

test("a hundred thousand slots that nobody asked take little memory each", () => {
  const clock = createFakeClock();
  const health = createHealth(clock);
  const routes = Array.from({ length: 100_000 }, (_, at) => routeAt("p", "r", `p/m${at}`));
  const used = () => {
    Bun.gc(true);
    const { heapSize, extraMemorySize } = heapStats();
    return heapSize + extraMemorySize;
  };
  const before = used();
  for (const route of routes) health.state(route);
  expect((used() - before) / routes.length).toBeLessThan(900);
  expect(health.all()).toHaveLength(routes.length);
});

test("a wall clock that jumps by a year changes no circuit: it counts by the other", () => {
  const circuit = new Circuit();
  for (let time = 0; time < 3; time++) circuit.failed(1000 + time, undefined);
  const clock = createFakeClock();
  const health = createHealth(clock);
  const route = routeAt("p", "r", "p/m");
  for (let time = 0; time < 3; time++) health.failed(route);
  for (const now of [0, clock.now() + 31_536_000_000]) {
    clock.set(now);
    expect([health.state(route), health.standing(route).wait]).toEqual(["unavailable", 30_000]);
  }
  clock.advance(30_000);
  expect(health.enter(route)).toBe("probe");
});

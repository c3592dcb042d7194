import { describe, expect, test } from "bun:test";
import { exact, isOfLimit, tooLong } from "#test/simulation/weathers.ts";
import { simulate } from "#test/simulation/world.ts";

/** Events of a run here; `bun run simulate` does millions. */
const steps = 25_000;
/** New ones each time: a failure names its own. */
const seeds = [1, 1 + (Math.floor(Date.now() / 1000) % 1_000_000)];
/** For these it is known how much goes wrong; another may be lucky. */
const known: readonly number[] = [1, 2];

describe("no limit is exceeded, nothing leaks, and what is left can be spent, with", () => {
  for (const [name, weather] of Object.entries(exact))
    for (const seed of seeds)
      test(`${name} (seed ${seed})`, async () => {
        // Where little is asked, little happens at a time.
        const many = weather.requestEvery === undefined ? steps : 3 * steps;
        const out = await simulate(seed, many, weather);
        expect(out.findings).toEqual([]);
        if (!known.includes(seed)) return;
        expect(out.admitted).toBeGreaterThan(1000);
        if (weather.requestEvery === undefined) expect(out.refused).toBeGreaterThan(100);
        if (weather.loss > 0) expect(out.lost).toBeGreaterThan(50);
        if (weather.late !== undefined) expect(out.late).toBeGreaterThan(100);
        if (weather.crashEvery !== undefined) expect(out.crashes).toBeGreaterThan(1);
        if (weather.cutEvery !== undefined) expect(out.cuts).toBeGreaterThan(1);
      }, 60_000);
});

describe("who is away for longer than its leases are left alone leaks nothing, and promises nothing that it has not leased:", () => {
  for (const [name, weather] of Object.entries(tooLong))
    test(
      name,
      async () => {
        const out = await simulate(3, 40_000, weather);
        expect(out.findings.filter((one) => !isOfLimit(one))).toEqual([]);
        if (weather.cutEvery !== undefined) expect(out.cuts).toBeGreaterThan(1);
      },
      60_000,
    );
});

test("the same seed is the same run", async () => {
  const weather = exact["all of it together"];
  if (weather === undefined) throw new Error("there is no such weather");
  expect(await simulate(7, 8000, weather)).toEqual(await simulate(7, 8000, weather));
}, 60_000);

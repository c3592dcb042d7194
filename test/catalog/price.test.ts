import { expect, test } from "bun:test";
import fc from "fast-check";
import { loadCatalog } from "#src/catalog/load.ts";
import type { Endpoint, PriceRow, TokenPrices } from "#src/catalog/model.ts";
import { type Billing, priceAtMost, priceUsage, pricesOn } from "#src/catalog/price.ts";
import { shownPerToken } from "#src/catalog/shown-price.ts";
import { inputTokens, outputTokens, type Usage } from "#src/dialect/usage.ts";

const { models } = loadCatalog();
const endpoints = models.flatMap((model) => model.endpoints);
const dollars: Billing = { usdRate: 1, platformFeePer1k: 0 };
const day = "2026-11-21";

const [sample] = endpoints;
function endpointOf(...prices: Partial<PriceRow>[]): Endpoint {
  if (sample === undefined) throw new Error("no endpoints");
  const sourced = { source: "test", read: day, input: "0", output: "0" };
  return { ...sample, prices: prices.map((row) => ({ ...sourced, ...row })) };
}

function usageOf(t: readonly number[]): Usage {
  const [fresh = 0, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, visible = 0, reasoning = 0] =
    t;
  return {
    input: { fresh, cacheRead, cacheWrite5m, cacheWrite1h },
    output: { visible, reasoning },
    raw: null,
  };
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("there is no price");
  return value;
}

const tokens = fc.nat({ max: 2_000_000 });
const anyUsage = fc.tuple(tokens, tokens, tokens, tokens, tokens, tokens).map(usageOf);
const anyEndpoint = fc.constantFrom(...endpoints);
const anyBilling = fc.record({
  usdRate: fc.constantFrom(1, 0.9, 0.8612, 1.25, 156.3),
  platformFeePer1k: fc.constantFrom(0, 0.0001, 0.002, 0.01),
});

/** A decimal string as an integer of 10^-12. */
function exact(decimal: string): bigint {
  const [whole = "0", fraction = ""] = decimal.split(".");
  return BigInt(whole + fraction.padEnd(12, "0"));
}

function tierOf(row: PriceRow, inputs: number): TokenPrices {
  const above = (row.tiers ?? []).filter((tier) => inputs > tier.aboveInputTokens);
  return above.toSorted((a, b) => b.aboveInputTokens - a.aboveInputTokens)[0] ?? row;
}

/** What each part costs in exact decimals, rounded half up to nano-units; every factor has twelve places. */
function oracle(row: PriceRow, usage: Usage, { usdRate, platformFeePer1k }: Billing) {
  const { input, output } = usage;
  const prices = tierOf(row, inputTokens(usage));
  const cost = (count: number, price: string) => BigInt(count) * exact(price);
  const fee = (count: number) => BigInt(count) * exact(String(platformFeePer1k)) * 1_000_000n;
  const places = 10n ** 12n;
  const part = (sum: bigint, fees: bigint) => {
    const nano = sum * 1000n * exact(String(usdRate)) + fees * places;
    return Number((2n * nano + places * places) / (2n * places * places));
  };
  const write = prices.cacheWrite ?? prices.input;
  const prompt =
    cost(input.fresh, prices.input) +
    cost(input.cacheRead, prices.cacheRead ?? prices.input) +
    cost(input.cacheWrite5m, write) +
    cost(input.cacheWrite1h, prices.cacheWrite1h ?? write);
  const completion =
    cost(output.visible, prices.output) + cost(output.reasoning, prices.reasoning ?? prices.output);
  const charged = {
    prompt: part(prompt, fee(inputTokens(usage))),
    completion: part(completion, fee(outputTokens(usage))),
  };
  return {
    ...charged,
    total: charged.prompt + charged.completion,
    upstream: part(prompt, 0n) + part(completion, 0n),
  };
}

test("pricesOn() follows an announced change from its first day on", () => {
  const scheduled = endpoints.filter(({ id }) => id.startsWith("google/gemini-3.7-flash#"));
  expect(scheduled.length).toBeGreaterThan(0);
  for (const endpoint of scheduled) {
    expect(pricesOn(endpoint, "2026-12-31")).toMatchObject({ input: "0.75", output: "3.75" });
    expect(pricesOn(endpoint, "2027-01-01")).toMatchObject({ input: "1.5", output: "7.5" });
  }
});

test("pricesOn() knows no price before the first day, nor of an empty list", () => {
  expect(pricesOn(endpointOf(), day)).toBeUndefined();
  const later = endpointOf({ from: "2027-01-01" });
  expect(pricesOn(later, day)).toBeUndefined();
  expect(priceUsage(later, usageOf([1]), day, dollars)).toBeUndefined();
  expect(priceAtMost(later, 1, 1, day, dollars)).toBeUndefined();
});

test("priceUsage() agrees with exact decimal arithmetic at every endpoint, in any currency, with any fee", () => {
  for (const endpoint of endpoints) {
    const row = pricesOn(endpoint, day);
    if (row === undefined) continue;
    for (const [usage, billing] of fc.sample(fc.tuple(anyUsage, anyBilling), 8)) {
      const priced = priceUsage(endpoint, usage, day, billing);
      const at = { id: endpoint.id, usage, billing };
      expect({ at, priced }).toEqual({ at, priced: oracle(row, usage, billing) });
    }
  }
});

test("priceUsage() rounds an exact half up, as decimals have it", () => {
  const price = (input: string, count: number) =>
    priceUsage(endpointOf({ input }), usageOf([count]), day, dollars)?.total;
  expect(price("0.0005", 1)).toBe(1);
  expect(price("0.0004", 1)).toBe(0);
  expect(price("0.0035", 1)).toBe(4);
  expect(price("0.1005", 5)).toBe(503);
  expect(price("0.075", 1)).toBe(75);
});

test("priceUsage() charges whole nano-units and never less than the upstream costs", () => {
  fc.assert(
    fc.property(anyEndpoint, anyUsage, anyBilling, (endpoint, usage, billing) => {
      const priced = known(priceUsage(endpoint, usage, day, billing));
      for (const value of Object.values(priced)) {
        expect(Number.isSafeInteger(value)).toBe(true);
        expect(value).toBeGreaterThanOrEqual(0);
      }
      expect(priced.total).toBe(priced.prompt + priced.completion);
      expect(priced.upstream).toBeLessThanOrEqual(priced.total);
    }),
  );
});

test("priceAtMost() is never less than what a usage within its limits costs", () => {
  fc.assert(
    fc.property(anyEndpoint, anyUsage, anyBilling, tokens, tokens, (endpoint, ...rest) => {
      const [usage, billing, moreInput, moreOutput] = rest;
      const bound = known(
        priceAtMost(
          endpoint,
          inputTokens(usage) + moreInput,
          outputTokens(usage) + moreOutput,
          day,
          billing,
        ),
      );
      const { total } = known(priceUsage(endpoint, usage, day, billing));
      expect(bound).toBeGreaterThanOrEqual(total);
      expect(Number.isSafeInteger(bound)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("priceAtMost() reckons with a first tier that is dearer than the one above it", () => {
  const tiers = [{ input: "1", output: "1", aboveInputTokens: 1000 }];
  const endpoint = endpointOf({ input: "9", output: "9", tiers });
  const { total } = known(priceUsage(endpoint, usageOf([1000, 0, 0, 0, 10]), day, dollars));
  expect(priceAtMost(endpoint, 2000, 10, day, dollars)).toBeGreaterThanOrEqual(total);
});

test("priceUsage() of disjoint classes adds up within a nano-unit per part", () => {
  // Tiers depend on the whole prompt, so only endpoints without them add up.
  const flat = endpoints.filter(({ prices }) => prices.every((row) => row.tiers === undefined));
  const six = fc.array(tokens, { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...flat), six, anyBilling, (endpoint, counts, billing) => {
      const whole = known(priceUsage(endpoint, usageOf(counts), day, billing));
      const parts = counts.map((count, at) =>
        known(
          priceUsage(endpoint, usageOf(counts.map((_, i) => (i === at ? count : 0))), day, billing),
        ),
      );
      const sum = parts.reduce((total, part) => total + part.total, 0);
      // Half a unit for each of eight roundings.
      expect(Math.abs(whole.total - sum)).toBeLessThanOrEqual(4);
    }),
  );
});

test("priceUsage() takes the tier of the whole prompt, caches included, above its limit", () => {
  const endpoint = endpointOf({
    input: "1",
    output: "2",
    cacheRead: "0.1",
    tiers: [
      { input: "3", output: "6", cacheRead: "0.3", aboveInputTokens: 1000 },
      { input: "5", output: "10", aboveInputTokens: 2000 },
    ],
  });
  const price = (...t: number[]) => {
    const { prompt, completion } = known(priceUsage(endpoint, usageOf(t), day, dollars));
    return [prompt, completion];
  };
  expect(price(1000, 0, 0, 0, 10)).toEqual([1000_000, 20_000]);
  expect(price(1001, 0, 0, 0, 10)).toEqual([3003_000, 60_000]);
  expect(price(1, 1000, 0, 0, 10)).toEqual([3_000 + 300_000, 60_000]);
  expect(price(2000, 1, 0, 0, 10)).toEqual([10_005_000, 100_000]);
});

test("priceUsage() prices a class without a price of its own like the class it stands for", () => {
  const plain = endpointOf({ input: "1", output: "2" });
  const every = usageOf([0, 7, 11, 13, 0, 17]);
  expect(priceUsage(plain, every, day, dollars)).toMatchObject({
    prompt: 31_000,
    completion: 34_000,
  });
  const written = endpointOf({ input: "1", output: "2", cacheWrite: "1.25" });
  expect(priceUsage(written, usageOf([0, 0, 4, 4]), day, dollars)?.prompt).toBe(10_000);
});

test("priceUsage() adds the platform fee to the charge and not to the upstream's part", () => {
  fc.assert(
    fc.property(anyEndpoint, anyUsage, (endpoint, usage) => {
      const bare = known(priceUsage(endpoint, usage, day, dollars));
      const fee = { usdRate: 1, platformFeePer1k: 0.002 };
      const priced = known(priceUsage(endpoint, usage, day, fee));
      expect(priced.upstream).toBe(bare.total);
      const wanted = 2000 * (inputTokens(usage) + outputTokens(usage));
      expect(Math.abs(priced.total - bare.total - wanted)).toBeLessThanOrEqual(2);
    }),
  );
});

test("priceUsage() converts to the configured currency", () => {
  const endpoint = endpointOf({ input: "1", output: "2" });
  const euros = { usdRate: 0.5, platformFeePer1k: 0 };
  expect(priceUsage(endpoint, usageOf([10, 0, 0, 0, 10]), day, euros)?.total).toBe(15_000);
});

const perToken = (price: string) => shownPerToken(price, dollars);

test("shownPerToken() in USD without a fee moves the point by six places and changes no digit", () => {
  for (const [price, wanted] of [
    ["0.15", "0.00000015"],
    ["0.6", "0.0000006"],
    ["0", "0"],
    ["0.0", "0"],
    ["00", "0"],
    ["10", "0.00001"],
    ["1000000", "1"],
    ["2500000.5", "2.5000005"],
    ["0.000001", "0.000000000001"],
    ["1.10", "0.0000011"],
    ["100000000", "100"],
  ] as const)
    expect([price, perToken(price)]).toEqual([price, wanted]);
});

test("shownPerToken() of any decimal string is a millionth of it, exactly and in one form", () => {
  const digits = fc.stringMatching(/^\d{1,12}$/);
  fc.assert(
    fc.property(digits, fc.option(fc.stringMatching(/^\d{1,12}$/)), (whole, fraction) => {
      const price = fraction === null ? whole : `${whole}.${fraction}`;
      const text = perToken(price);
      expect(text).toMatch(/^(0|[1-9]\d*)(\.\d*[1-9])?$/);
      const [w = "", f = ""] = text.split(".");
      const scaled = BigInt(w + f.padEnd(18, "0"));
      expect(scaled).toBe(exact(price));
    }),
  );
  for (const { prices } of endpoints)
    for (const { input, output } of prices)
      for (const price of [input, output])
        expect(Number(perToken(price))).toBeCloseTo(Number(price) / 1e6, 15);
});

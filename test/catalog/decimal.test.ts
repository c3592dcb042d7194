import { expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, divideHalfUp, divideUp } from "#src/catalog/decimal.ts";
import { loadCatalog } from "#src/catalog/load.ts";
import type { Endpoint } from "#src/catalog/model.ts";
import { priceAtMost, priceUsage } from "#src/catalog/price.ts";
import type { Usage } from "#src/dialect/usage.ts";

const day = "2026-11-21";
const [sample] = loadCatalog().models.flatMap((model) => model.endpoints);

function endpointAt(input: string, output = "0"): Endpoint {
  if (sample === undefined) throw new Error("no endpoints");
  return { ...sample, prices: [{ input, output, source: "test", read: day }] };
}

function usageOf(fresh: number, visible = 0): Usage {
  return {
    input: { fresh, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible, reasoning: 0 },
    raw: null,
  };
}

test("decimal() reads what data and configuration write, and nothing else", () => {
  expect(decimal("0.15")).toBe(150_000_000_000n);
  expect(decimal("15")).toBe(15_000_000_000_000n);
  expect(decimal("1.5e-7")).toBe(150_000n);
  expect(decimal("1e+2")).toBe(100_000_000_000_000n);
  expect(decimal("0.0000000000019")).toBe(1n);
  for (const text of ["", "-1", "1.", ".5", "1,5", "NaN", "Infinity", " 1"])
    expect(() => decimal(text)).toThrow(`Cannot read "${text}" as a decimal`);
});

test("divideHalfUp() rounds to the nearest and divideUp() upwards", () => {
  expect([0n, 4n, 5n, 14n, 15n].map((n) => divideHalfUp(n, 10n))).toEqual([0, 0, 1, 1, 2]);
  expect([0n, 1n, 10n, 11n].map((n) => divideUp(n, 10n))).toEqual([0, 1, 1, 2]);
});

test("priceUsage() is exact in any currency and with any fee, at every size", () => {
  const millionths = fc.nat({ max: 200_000_000 });
  const tokens = fc.nat({ max: 50_000_000 });
  fc.assert(
    fc.property(
      millionths,
      tokens,
      millionths,
      fc.nat({ max: 100_000 }),
      (price, count, rate, fee) => {
        const billing = { usdRate: rate / 1e6, platformFeePer1k: fee / 1e6 };
        const endpoint = endpointAt(String(price / 1e6));
        // Micro-USD per million tokens times millionths of a rate: 10^-9 nano-units; a fee's millionth is one a token.
        const exact =
          BigInt(price) * BigInt(count) * BigInt(rate) + BigInt(fee * count) * 10n ** 9n;
        const wanted = Number((exact + 5n * 10n ** 8n) / 10n ** 9n);
        fc.pre(Number.isSafeInteger(wanted));
        expect(priceUsage(endpoint, usageOf(count), day, billing)?.total).toBe(wanted);
      },
    ),
    { numRuns: 3000 },
  );
});

test("priceUsage() reads a price that a number writes with an exponent", () => {
  const billing = { usdRate: 1, platformFeePer1k: 0 };
  expect(priceUsage(endpointAt(String(1e-7)), usageOf(10_000), day, billing)?.total).toBe(1);
  expect(priceAtMost(endpointAt(String(1e-7)), 10_000, 0, day, billing)).toBe(2);
});

test("priceAtMost() is one nano-unit above the dearest usage, for the rounding of its parts", () => {
  const billing = { usdRate: 1, platformFeePer1k: 0 };
  const endpoint = endpointAt("3", "15");
  expect(priceUsage(endpoint, usageOf(7, 9), day, billing)?.total).toBe(156_000);
  expect(priceAtMost(endpoint, 7, 9, day, billing)).toBe(156_001);
});

test("priceAtMost() of what is free is nothing, unless the platform has a fee", () => {
  const endpoint = endpointAt("0", "0");
  expect(priceAtMost(endpoint, 7, 9, day, { usdRate: 1, platformFeePer1k: 0 })).toBe(0);
  expect(priceAtMost(endpoint, 7, 9, day, { usdRate: 0.92, platformFeePer1k: 0 })).toBe(0);
  expect(priceAtMost(endpoint, 7, 9, day, { usdRate: 1, platformFeePer1k: 0.001 })).toBe(16_001);
});

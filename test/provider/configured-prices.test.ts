import { describe, expect, test } from "bun:test";
import type { PriceRow } from "#src/catalog/model.ts";
import type { ModelConfig } from "#src/config/schema.ts";
import { pricesAsSaid } from "#src/provider/configured-prices.ts";

const url = "https://example.org/prices";
const sourced = { source: url, read: "2026-11-01" };
const plain = { input: "3", output: "15", ...sourced };
const cached = { ...plain, cacheRead: "0.3", cacheWrite: "3.75", cacheWrite1h: "6" };
const own = { source: "operator configuration", read: "" };
const mixed = { ...own, source: `operator configuration; else ${url}, read 2026-11-01` };

/** The rows with an entry's prices in their place. */
function said(rows: PriceRow[], entry: Partial<ModelConfig>): PriceRow[] {
  return pricesAsSaid(rows, { id: "a/b", provider: "p", ...entry });
}

describe("bundled prices", () => {
  test("stay where an entry says none", () => {
    expect(said([cached], { upstream: "x", context_window: 9 })).toEqual([cached]);
  });

  test("give way to both of an entry, which are nobody else's", () => {
    expect(said([plain], { input_per_million: 2, output_per_million: 0.5 })).toEqual([
      { input: "2", output: "0.5", ...own },
    ]);
  });

  test("give way one by one, and what is left names its own source", () => {
    expect(said([plain], { input_per_million: 2 })).toEqual([
      { input: "2", output: "15", ...mixed },
    ]);
    expect(said([plain], { output_per_million: 9 })).toEqual([
      { input: "3", output: "9", ...mixed },
    ]);
    expect(said([cached], { cache_read_per_million: 0.1 })).toEqual([
      { ...cached, cacheRead: "0.1", ...mixed },
    ]);
  });

  test("of cached and of reasoned tokens stay, and fall with what they are part of", () => {
    const row = { ...cached, reasoning: "20" };
    expect(said([row], { input_per_million: 5, output_per_million: 30 })).toEqual([
      { ...row, input: "5", output: "30", ...mixed },
    ]);
    const free = "0";
    expect(said([row], { input_per_million: 0, output_per_million: 0 })).toMatchObject([
      { cacheRead: free, cacheWrite: free, cacheWrite1h: free, reasoning: free },
    ]);
    expect(said([row], { input_per_million: 2.4, output_per_million: 12 })).toMatchObject([
      { cacheRead: "0.24", cacheWrite: "3", cacheWrite1h: "4.8", reasoning: "16" },
    ]);
    expect(said([row], { output_per_million: 10 })).toMatchObject([
      { cacheRead: "0.3", cacheWrite: "3.75", reasoning: "13.333333333333" },
    ]);
  });

  test("give way to one price of what is written to a cache, for however long", () => {
    const [row] = said([cached], { input_per_million: 3.2, cache_write_per_million: 2.5 });
    expect(row).toEqual({
      ...plain,
      input: "3.2",
      cacheRead: "0.3",
      cacheWrite: "2.5",
      ...mixed,
    });
  });

  test("have no later days where the entry says them all, and keep those of what it does not", () => {
    const later = { ...plain, input: "6", output: "30", from: "2027-01-01" };
    expect(said([plain, later], { input_per_million: 2, output_per_million: 9 })).toEqual([
      { input: "2", output: "9", ...own },
    ]);
    expect(said([plain, later], { input_per_million: 2 })).toEqual([
      { input: "2", output: "15", ...mixed },
      { input: "2", output: "30", from: "2027-01-01", ...mixed },
    ]);
  });

  test("have no steps for long prompts where the entry says them all", () => {
    const row = { ...plain, tiers: [{ aboveInputTokens: 200_000, input: "6", output: "22" }] };
    expect(said([row], { input_per_million: 2, output_per_million: 9 })).toEqual([
      { input: "2", output: "9", ...own },
    ]);
    expect(said([row], { output_per_million: 9 })).toEqual([
      {
        input: "3",
        output: "9",
        tiers: [{ aboveInputTokens: 200_000, input: "6", output: "9" }],
        ...mixed,
      },
    ]);
  });

  test("that are none take both of an entry, or stay none", () => {
    expect(said([], { input_per_million: 2 })).toEqual([]);
    expect(
      said([], { input_per_million: 2, output_per_million: 3, cache_read_per_million: 1 }),
    ).toEqual([{ input: "2", output: "3", cacheRead: "1", ...own }]);
  });
});

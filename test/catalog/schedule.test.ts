import { expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { nano } from "#src/ledger/money.ts";
import { systemClock } from "#src/lib/clock.ts";
import { type Harness, startHarness } from "#test/gateway/harness.ts";
import { at, listAt } from "#test/lib/gateway.ts";

/** A model whose price changes on a day that its provider announced. */
const { model, endpoint } = announced();
const [before, after] = endpoint.prices.slice(-2);
const day = after?.from ?? "";
const midnight = Date.parse(`${day}T00:00:00Z`);

function announced() {
  for (const one of loadCatalog().models) {
    const found = one.endpoints.find(
      ({ provider, prices }) =>
        provider === "google" && (prices.at(-1)?.from ?? "") > "2026-12-01" && prices.length > 1,
    );
    if (found !== undefined) return { model: one.id, endpoint: found };
  }
  throw new Error("the catalogue has no announced change of a price");
}

async function told(harness: Harness) {
  const answer: unknown = JSON.parse(await (await harness.chat({ model, max_tokens: 40 })).text());
  const key = await harness.mint({ limit: nano(1) });
  const headers = { authorization: `Bearer ${key}` };
  const refused: unknown = JSON.parse(
    await (await harness.chat({ model, max_tokens: 40 }, { headers })).text(),
  );
  const get = async (path: string): Promise<unknown> => {
    const init = { headers: { authorization: `Bearer ${harness.key}` } };
    return JSON.parse(await (await fetch(harness.url + path, init)).text());
  };
  const listed = listAt(await get("/v1/models"), "data").find((one) => at(one, "id") === model);
  const endpoints = await get(`/v1/models/${model}/endpoints`);
  const tokens = (name: string) => Number(at(answer, `usage.${name}_tokens`));
  return {
    cost: Number(at(answer, "usage.cost")),
    priced: (row = before) =>
      (tokens("prompt") * Number(row?.input) + tokens("completion") * Number(row?.output)) / 1e6,
    held: Number(at(refused, "error.metadata.may_cost")),
    listed: Number(at(listed, "pricing.prompt")) * 1e6,
    endpoint: Number(at(endpoints, "data.endpoints.0.pricing.completion")) * 1e6,
  };
}

test("a price that was announced for a day holds from its first moment, in all that a running gateway says", async () => {
  expect(before?.input).not.toBe(after?.input);
  let now = midnight - 60_000;
  const harness = await startHarness({ clock: { ...systemClock, now: () => now } });
  const old = await told(harness);
  expect(old.cost).toBeCloseTo(old.priced(before), 12);
  expect([old.listed, old.endpoint]).toEqual([Number(before?.input), Number(before?.output)]);
  now = midnight;
  const late = await told(harness);
  expect(late.cost).toBeCloseTo(late.priced(after), 12);
  expect(late.cost).not.toBe(old.cost);
  expect([late.listed, late.endpoint]).toEqual([Number(after?.input), Number(after?.output)]);
  // Both prices rise alike, so the hold does.
  expect(late.held / old.held).toBeCloseTo(Number(after?.output) / Number(before?.output), 3);
  await harness.close();
});

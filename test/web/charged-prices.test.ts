import { afterAll, beforeAll, expect, test } from "bun:test";
import { figure } from "#src/web/format.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { type Site, startSite } from "#test/web/site.ts";

/* A currency of its own, and a fee: every page and list says what is charged, and none what the provider asks for. */

const id = "openai/gpt-4o-mini";
const [rate, fee] = [0.92, 0.05];
/** USD for a million tokens there, in and out. */
const [input, output] = [0.15, 0.6].map((usd) => Number((usd * rate + fee * 1000).toFixed(9)));

let site: Site;
beforeAll(async () => {
  site = await startSite(({ billing }) => {
    billing.currency = "EUR";
    billing.usdRate = rate;
    billing.platformFeePer1k = fee;
  });
});
afterAll(() => site.close());

async function rowAt(path: string): Promise<unknown> {
  const rows = listAt(JSON.parse(await site.text(path)), "data");
  return rows.find((row) => at(row, "id") === id);
}

test("the list of models, for people and programs, and the pages of a model and a provider say what is charged", async () => {
  const listed = await rowAt("/models?format=json");
  expect(at(listed, "input_usd_per_million")).toBe(input);
  expect(at(listed, "output_usd_per_million")).toBe(output);
  for (const path of ["/models", `/models?compare=${id}`, `/models/${id}`, "/providers/openai"]) {
    const html = await site.text(path);
    expect([path, html.includes("EUR for a million tokens, 50 of them the fee")]).toEqual([
      path,
      true,
    ]);
    expect([path, /US dollars|\$\/M|\$ per million/.exec(html)]).toEqual([path, null]);
    expect([
      path,
      html.includes(`>${figure(input)}<`),
      html.includes(`>${figure(output)}<`),
    ]).toEqual([path, true, true]);
  }
});

test("a limit of price is one of what is charged", async () => {
  const shown = async (most: number) =>
    (await rowAt(`/models?format=json&max_price=${most}`)) !== undefined;
  expect([await shown(1), await shown(51)]).toEqual([false, true]);
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAccount } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import { describeProvider } from "#src/http/describe.ts";
import { systemClock } from "#src/lib/clock.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { publicPaths, type Site, startSite } from "#test/web/site.ts";

/* An operator may count with a table that it must not pass on: nothing that anybody else may read says its values. */

const folder = temporaryFolder();
const licensed = 1313.13;
const open = 71.71;
let plain: Site;
let counting: Site;
let sharing: Site;
beforeAll(async () => {
  const head = "zone,year,g_per_kwh,scope,basis,source,licence,url\n";
  const file = (name: string, value: number, licence: string) => {
    const path = join(folder.path, name);
    const row = `FRA,2026,${value},consumption,direct,IEA Factors,${licence},https://www.iea.org/data\n`;
    writeFileSync(path, head + row);
    return path;
  };
  const [own, shared] = [
    file("own.csv", licensed, "IEA terms"),
    file("open.csv", open, "CC-BY-4.0"),
  ];
  [plain, counting, sharing] = await Promise.all([
    startSite(),
    startSite((config) => void (config.eco.gridFile = own)),
    startSite((config) => void (config.eco.gridFile = shared)),
  ]);
});
afterAll(async () => {
  await Promise.all([plain.close(), counting.close(), sharing.close()]);
  folder[Symbol.dispose]();
});

/** What a customer with a key is answered. */
async function asked({ gateway, url }: Site, path: string): Promise<unknown> {
  const { store, people } = gateway.services;
  const { id } = await createAccount(store, people, { name: path, plan: "metered" });
  const { secret } = await createKey(store, systemClock, { accountId: id, name: "k" });
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${secret}` } });
  expect(response.status).toBe(200);
  return response.json();
}

const mistral = "/v1/models/mistral/mistral-large-2512/endpoints";
const places = (told: unknown) =>
  listAt(told, "data.endpoints").map((one) => [
    at(one, "slug"),
    at(one, "grid_g_per_kwh"),
    at(one, "carbon_per_1k_tokens_g"),
  ]);
const grids = (told: unknown) =>
  listAt(told, "data").flatMap((one) =>
    listAt(one, "regions").map((region) => [
      at(one, "id"),
      at(region, "id"),
      at(region, "grid_intensity_g_per_kwh"),
      at(region, "grid_source"),
      at(region, "grid_year"),
    ]),
  );

describe("a table that is licensed to the operator alone", () => {
  test("counts", () => {
    expect(counting.gateway.services.gridOf("mistral", "eu-west")?.gPerKwh).not.toBe(
      plain.gateway.services.gridOf("mistral", "eu-west")?.gPerKwh,
    );
    expect(counting.gateway.app.config.eco.methodology).toContain("+grid-2026-");
  });

  test.each([
    "/models?format=json",
    "/providers?format=json",
    "/methodology/zones?format=json",
    "/methodology/regions?format=json",
    "/models?format=csv&sort=carbon",
  ])("changes nothing at %s", async (path) => {
    const [without, withIt] = await Promise.all([plain.text(path), counting.text(path)]);
    const told = (text: string) => text.replaceAll(/\+grid-2026-[\w-]+/g, "");
    expect(told(withIt)).toBe(told(without));
  });

  test("changes nothing that customers are told of places, not by what is worked out from it either", async () => {
    const [before, after] = await Promise.all([asked(plain, mistral), asked(counting, mistral)]);
    expect(places(after).length).toBeGreaterThan(0);
    for (const [index, [slug, grid, carbon]] of places(after).entries()) {
      const [known, bundled, grams] = places(before)[index] ?? [];
      expect([slug, grid]).toEqual([known, bundled]);
      expect(Number(carbon)).toBeCloseTo(Number(grams), 9);
    }
    const [one, other] = await Promise.all([
      asked(plain, "/v1/providers"),
      asked(counting, "/v1/providers"),
    ]);
    expect(grids(other)).toEqual(grids(one));
  });

  test("is in no public page or list of methodologies by its values", async () => {
    const versions = JSON.parse(await counting.text("/v1/methodology"));
    const paths = [
      ...publicPaths(counting).filter((path) => !/^\/models\/(?!mistral)/.test(path)),
      "/v1/methodology",
      ...listAt(versions, "data").map((one) => String(at(one, "url"))),
    ];
    for (const path of paths) {
      const text = await counting.text(path);
      expect([path, /1,?313\.13|1,?313\b/.exec(text)?.[0]]).toEqual([path, undefined]);
    }
    // The same search finds what may be found.
    expect(await sharing.text("/methodology/zones?format=json")).toContain(String(open));
  });

  test("is said where the figures stand that do not count", async () => {
    const note = "Requests are counted here with a grid table that is licensed to the operator";
    for (const path of [
      "/models",
      "/models/mistral/mistral-large-2512",
      "/providers",
      "/providers/mistral",
      "/methodology",
      "/methodology/zones",
      "/methodology/regions",
    ]) {
      const [without, withIt, shared] = await Promise.all(
        [plain, counting, sharing].map((site) => site.text(path)),
      );
      const said = [without, withIt, shared].map((text) => text?.includes(note));
      expect([path, ...said]).toEqual([path, false, true, false]);
    }
  });

  test("is listed with its source and licence, in the API and on the page", async () => {
    const told: unknown = JSON.parse(await counting.text("/v1/methodology"));
    const rows = listAt(told, "data");
    expect(rows.map((one) => at(one, "grid_table.published"))).toEqual([
      undefined,
      undefined,
      false,
      false,
    ]);
    expect(at(rows[2], "grid_table")).toEqual({
      name: expect.stringMatching(/^grid-2026-/),
      zones: 1,
      oldest_year: 2026,
      newest_year: 2026,
      sources: ["IEA Factors"],
      source_urls: ["https://www.iea.org/data"],
      licences: ["IEA terms"],
      published: false,
    });
    const page = (await counting.text("/methodology")).replace(/<[^>]+>/g, " ");
    expect(page).toContain("licensed, not published");
  });

  test("is what a signed-in operator sees of providers", () => {
    const { app, services } = counting.gateway;
    const provider = services.providers.find(({ id }) => id === "mistral");
    if (provider === undefined) throw new Error("There is no such provider");
    const shown = describeProvider(provider, app, services).regions.map(
      (region) => region.grid_intensity_g_per_kwh,
    );
    expect(shown).toContain(licensed);
  });
});

test("an openly licensed table is published as it counts", async () => {
  const zones: unknown = JSON.parse(await sharing.text("/methodology/zones?format=json"));
  const row = listAt(zones, "data").find((one) => at(one, "provider") === "mistral");
  expect(at(row, "g_per_kwh")).toBe(open);
});

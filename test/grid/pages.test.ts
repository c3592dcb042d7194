import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isObject } from "#src/lib/json.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { type Site, startSite } from "#test/web/site.ts";

const folder = temporaryFolder();
let site: Site;
let source: ReturnType<typeof Bun.serve>;
beforeAll(async () => {
  source = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response('{"results":[{"date_heure":"2020-01-15T10:15:00+00:00","taux_co2":17}]}'),
  });
  const path = join(folder.path, "own.csv");
  writeFileSync(
    path,
    "zone,year,g_per_kwh,scope,basis,source,licence,url\nFRA,2026,41,consumption,direct,<script>alert(1)</script> IEA,IEA terms,https://www.iea.org/data\n",
  );
  site = await startSite((config) => {
    config.eco.gridFile = path;
    config.eco.liveGrid = "rte-eco2mix";
    config.eco.liveGridUrl = `http://127.0.0.1:${source.port}`;
  });
  await site.gateway.app.liveGrid?.refresh();
});
afterAll(async () => {
  await site.close();
  await source.stop(true);
  folder[Symbol.dispose]();
});

async function rows(table: string): Promise<unknown[]> {
  const told: unknown = JSON.parse(await site.text(`/methodology/${table}?format=json`));
  return listAt(told, "data");
}

test("/status says which grids are looked at, and where the annual average stands in", async () => {
  const page = await site.text("/status");
  expect(page).toContain("Live grids");
  expect(page).toContain("the annual average: what was told is over 2 hours old");
  expect(page).toContain("direct, production");
});

test("every region of every provider has its zone with the evidence, or says why not", async () => {
  const all = await rows("zones");
  const providers = site.gateway.services.providers.flatMap(({ regions }) => regions);
  expect(all).toHaveLength(providers.length);
  for (const row of all) {
    expect(String(at(row, "evidence"))).not.toBe("");
    expect(String(at(row, "how"))).not.toBe("");
    if (at(row, "zone") !== null) expect(String(at(row, "counts"))).toMatch(/^20\d\d, \w+, \w+$/);
  }
  const assumed = all.filter((row) => String(at(row, "how")).includes("does not disclose"));
  expect(assumed.length).toBeGreaterThan(2);
  // What nobody names is not said to be published.
  expect(new Set(assumed.map((row) => at(row, "place_is")))).toEqual(new Set(["assumed"]));
  const unnamed = all.filter((row) => at(row, "zone") === null);
  for (const row of unnamed)
    expect(["not disclosed", "set by the operator"]).toContain(String(at(row, "place_is")));
  const mistral = all.find((row) => at(row, "provider") === "mistral");
  expect(mistral).toMatchObject({ zone: "FRA", how: "its country, FR" });
});

test("basis and scope stand with every grid figure of the tables", async () => {
  for (const row of await rows("grid")) {
    expect(["direct", "lifecycle"]).toContain(String(at(row, "basis")));
    expect(String(at(row, "scope"))).not.toBe("");
  }
  for (const row of await rows("regions"))
    expect(["direct", "lifecycle", "mixed"]).toContain(String(at(row, "basis")));
  expect(await site.text("/methodology")).toContain("Basis of these figures: ");
});

test("an imported value is shown where its licence allows it, and its source is text", async () => {
  const france = (await rows("grid")).find((row) => at(row, "zone") === "FRA");
  expect(isObject(france) && france["g_per_kwh"]).toBeNull();
  expect(france).toMatchObject({ year: 2026, basis: "direct", scope: "consumption" });
  const page = await site.text("/methodology/grid");
  expect(page).not.toContain("<script>alert");
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt; IEA");
  expect(await site.text("/methodology")).toContain("v0.4-2026-01+grid-2026-");
});

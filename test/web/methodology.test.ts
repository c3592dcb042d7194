import { afterAll, beforeAll, expect, test } from "bun:test";
import { formulas, notMeasured } from "#src/eco/explain.ts";
import { isObject } from "#src/lib/json.ts";
import { tablePages } from "#src/web/public/methodology.tsx";
import { listAt } from "#test/lib/gateway.ts";
import { elementsOf, tableOf } from "#test/web/outline.ts";
import { type Site, startSite } from "#test/web/site.ts";

let site: Site;
beforeAll(async () => {
  site = await startSite();
});
afterAll(() => site.close());

const sourced = ["Source", "Licence", "Read"];
/** What each table has to say, by what stands above its columns. */
const tables: Readonly<Record<string, readonly string[]>> = {
  parameters: [
    ...["Model", "Kind", "Active, least", "Active, most", "Total, least", "Total, most"],
    ...["Accuracy", ...sourced],
  ],
  grid: ["Zone", "Name", "g/kWh", "Year", "Basis", "Of", ...sourced],
  regions: ["Region", "g/kWh", "Basis", "Of", "Countries, with millions of people", ...sourced],
  zones: [
    ...["Provider", "Region", "Zone", "Place is", "How the zone is known", "g/kWh"],
    ...["Year, basis, of", "Evidence", "Read"],
  ],
  places: ["Provider", "Sites", "Zone", "PUE, least", "PUE, most", "Year", "Note", ...sourced],
  measurements: [
    ...["Model", "What", "Kind", "Scope", "Tokens in", "Tokens out", "Published, Wh"],
    ...["v0.4-2026-01, Wh", "v0.11-2026-10, Wh", "Year", ...sourced],
  ],
  laboratory: [
    ...["Model", "Task", "GPU", "GPUs", "Weights", "At a time", "Active", "Total"],
    ...["Measured, Wh", "v0.4-2026-01, Wh", "v0.11-2026-10, Wh", ...sourced],
  ],
};

test("every table that there is is looked at here", () => {
  expect(Object.keys(tables)).toEqual(Object.keys(tablePages));
});

test.each(Object.entries(tables))(
  "/methodology/%s has every column, and as many rows as it has for programs",
  async (name, columns) => {
    const html = await site.text(`/methodology/${name}`);
    const heads = [...html.matchAll(/<th scope="col"[^>]*>([^<]*)</g)].map(([, text]) => text);
    expect(heads).toEqual([...columns]);
    const told: unknown = JSON.parse(await site.text(`/methodology/${name}?format=json`));
    const rows = listAt(told, "data");
    expect(rows.length).toBeGreaterThan(5);
    expect(await tableOf(html, / rows$/)).toHaveLength(rows.length);
    for (const row of rows) expect(isObject(row) && row["read"]).toMatch(/^20\d\d-\d\d-\d\d$/);
  },
);

test("/methodology leads to each of its tables, and to how far off the estimates are", async () => {
  const elements = await elementsOf(await site.text("/methodology"));
  const leads = elements.flatMap(({ tag, attributes }) =>
    tag === "a" ? attributes.flatMap(([name, value]) => (name === "href" ? [value] : [])) : [],
  );
  for (const name of [...Object.keys(tables), "accuracy"])
    expect(leads).toContain(`/methodology/${name}`);
});

test("/methodology says the formula, every coefficient and what is left out", async () => {
  const html = await site.text("/methodology");
  const { methodologies } = site.gateway.services.tables;
  expect(methodologies.length).toBeGreaterThan(1);
  for (const { version, formula, coefficients, weights } of methodologies) {
    const rows = await tableOf(html, new RegExp(`^Coefficients of ${version}$`));
    expect(rows).toEqual([
      ...Object.entries(coefficients).map(([name, value]) => [name, String(value)]),
      ...Object.entries(weights).map(([name, value]) => [
        `weight of tokens: ${name}`,
        String(value),
      ]),
    ]);
    for (const line of formulas[formula]) expect(html).toContain(Bun.escapeHTML(line));
  }
  for (const what of notMeasured) expect(html).toContain(`<li>${what}</li>`);
});

test("how far off the estimates are can be made again from the table of what was measured", async () => {
  const rowsOf = async (name: string) =>
    listAt(JSON.parse(await site.text(`/methodology/${name}?format=json`)), "data").filter(
      isObject,
    );
  const measured = await rowsOf("laboratory");
  const classes = await rowsOf("accuracy");
  const precisions = [...new Set(measured.map((row) => row["precision"]))];
  expect(precisions.length).toBeGreaterThan(2);
  for (const version of ["v0.4-2026-01", "v0.11-2026-10"])
    for (const precision of precisions) {
      const ratios = measured
        .filter((row) => row["precision"] === precision)
        .map((row) => Number(row[`estimate_wh_${version}`]) / Number(row["wh_per_output_token"]));
      const logs = ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0);
      const told = classes.find((row) => row["class"] === precision);
      expect(told?.["figures"]).toBe(ratios.length);
      expect(told?.[`mean_${version}`]).toBeCloseTo(Math.exp(logs / ratios.length), 9);
      expect(told?.[`least_${version}`]).toBe(Math.min(...ratios));
      expect(told?.[`most_${version}`]).toBe(Math.max(...ratios));
    }
});

test("the table of grids has the regions that the operator added, by the operator's word", async () => {
  const other = await startSite((config) => {
    config.providers["ollama"] = { base_url: "http://127.0.0.1:9/v1", region: "eu-north" };
  });
  try {
    const told: unknown = JSON.parse(await other.text("/methodology/zones?format=json"));
    const rows = listAt(told, "data").filter(isObject);
    expect(rows.filter((row) => row["provider"] === "ollama")).toMatchObject([
      { region: "local", evidence: expect.stringContaining("https://") },
      { region: "eu-north", place_is: "set by the operator", evidence: "operator configuration" },
    ]);
    const published: unknown = JSON.parse(await other.text("/methodology/regions?format=json"));
    const [north] = listAt(published, "data").filter(isObject);
    expect(north?.["region"]).toBe("eu-north");
    const added = rows.find((row) => row["region"] === "eu-north" && row["provider"] === "ollama");
    expect(added?.["g_per_kwh"]).toBe(north?.["g_per_kwh"]);
  } finally {
    await other.close();
  }
});

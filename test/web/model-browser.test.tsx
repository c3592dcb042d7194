import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { figure } from "#src/web/format.ts";
import { factsOf } from "#src/web/public/model-facts.ts";
import { ModelPage } from "#src/web/public/model.tsx";
import { elementsOf, forbidden, headingFaults, tableOf } from "#test/web/outline.ts";
import { type Site, startSite } from "#test/web/site.ts";

/** Text that would be markup, a formula or another path, if anything let it. */
const hostile = {
  name: '"><img src=x onerror=alert(1)>',
  region: "</td><script>alert(2)</script>",
  model: `evil/"><svg/onload=alert(3)>%41#?'&amp;`,
  formula: "=cmd|calc/x",
} as const;

let site: Site;
beforeAll(async () => {
  site = await startSite((config) => {
    config.providers.evil = {
      name: hostile.name,
      protocol: "openai-chat",
      base_url: "http://127.0.0.1:9/v1",
      region: hostile.region,
      country: "FR",
    };
    config.models = [hostile.model, hostile.formula].map((id) => ({ id, provider: "evil" }));
  });
});
afterAll(() => site.close());

interface Row {
  id: string;
  name: string;
  author: string;
  input_usd_per_million: number | null;
  output_usd_per_million: number | null;
  context_tokens: number;
  energy_wh_per_1k_tokens: number | null;
  carbon_g_per_1k_tokens_cleanest: number | null;
  carbon_g_per_1k_tokens_dirtiest: number | null;
  accuracy: string | null;
  regions: string[];
  providers: string[];
  capabilities: string[];
  routable: boolean;
}

async function rows(query: string): Promise<Row[]> {
  const { data }: { data: Row[] } = JSON.parse(await site.text(`/models?format=json&${query}`));
  return data;
}

describe("the model browser", () => {
  const filters: [string, (row: Row) => boolean][] = [
    ["q=MINI", ({ id, name }) => `${id} ${name}`.toLowerCase().includes("mini")],
    ["author=openai", ({ author }) => author === "openai"],
    ["capability=vision", ({ capabilities }) => capabilities.includes("vision")],
    ["region=eu-west", ({ regions }) => regions.length === 1 && regions[0] === "eu-west"],
    ["provider=mistral", ({ providers }) => providers.length === 1 && providers[0] === "mistral"],
    ["accuracy=gross", ({ accuracy }) => accuracy === "gross"],
    ["accuracy=unknown", ({ accuracy }) => accuracy === null],
    [
      "max_price=1",
      (row) => row.output_usd_per_million !== null && row.output_usd_per_million <= 1,
    ],
    ["min_context=1000000", (row) => row.context_tokens >= 1_000_000],
    ["max_g=0.5", (row) => (row.carbon_g_per_1k_tokens_cleanest ?? 1) <= 0.5],
    ["routable=1", ({ routable }) => routable],
  ];
  test.each(filters)("?%s leaves what fits, and something else out", async (query, fits) => {
    const [kept, all] = [await rows(query), await rows("")];
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(all.length);
    expect(kept.filter((row) => !fits(row))).toEqual([]);
    // A place narrows what a row says of a model, the others only which rows there are.
    if (/^(region|provider)=/.test(query)) return;
    expect(kept.map(({ id }) => id)).toEqual(all.filter(fits).map(({ id }) => id));
  });

  const orders: [string, (row: Row) => number][] = [
    ["price", (row) => row.output_usd_per_million ?? Infinity],
    ["context", (row) => -row.context_tokens],
    ["energy", (row) => row.energy_wh_per_1k_tokens ?? Infinity],
    ["carbon", (row) => row.carbon_g_per_1k_tokens_cleanest ?? Infinity],
  ];
  test.each(orders)("?sort=%s puts the best first and the unknown last", async (sort, key) => {
    const keys = (await rows(`sort=${sort}`)).map(key);
    expect(keys.length).toBeGreaterThan(200);
    expect(keys).toEqual(keys.toSorted((a, b) => (a === b ? 0 : a - b)));
    expect(keys[0]).not.toBe(keys.at(-1));
  });

  test("shows, and gives as JSON and as CSV, the same rows", async () => {
    for (const query of [
      "region=eu-west&sort=carbon",
      "q=mini&capability=vision",
      "q=nothing-at-all",
    ]) {
      const list = await rows(query);
      const table = await tableOf(await site.text(`/models?${query}`), / of \d+ models/);
      const number = (value: number | null) => (value === null ? "—" : figure(value));
      const plain = (cell = "") => cell.replace(/^—.*/, "—");
      expect(table.map(([id, input, output]) => [id, plain(input), plain(output)])).toEqual(
        list.map((row) => [
          row.id,
          number(row.input_usd_per_million),
          number(row.output_usd_per_million),
        ]),
      );
      expect(table.map((cells) => plain(cells[4]))).toEqual(
        list.map((row) => number(row.energy_wh_per_1k_tokens)),
      );
      const csv = await site.get(`/models?format=csv&${query}`);
      expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
      const [head = "", ...lines] = (await csv.text()).trimEnd().split("\r\n");
      expect(lines.map((line) => line.split(",")[0])).toEqual(list.map(({ id }) => id));
      const at = head.split(",").indexOf("output_usd_per_million");
      expect(
        lines.filter((line) => !line.includes('"')).map((line) => line.split(",")[at]),
      ).toEqual(
        list
          .filter((_, index) => !lines[index]?.includes('"'))
          .map((row) => String(row.output_usd_per_million ?? "")),
      );
    }
  });

  test("keeps its filters in the form, and what is compared beside them", async () => {
    const html = await site.text(
      "/models?q=gpt&region=eu-west&max_price=20&routable=1&compare=openai/gpt-4o",
    );
    const elements = await elementsOf(html);
    const hidden = elements.flatMap(({ tag, attributes }) => {
      const of = Object.fromEntries(attributes);
      return tag === "input" && of.type === "hidden" ? [`${of.name}=${of.value}`] : [];
    });
    for (const pair of [
      "q=gpt",
      "region=eu-west",
      "max_price=20",
      "routable=1",
      "compare=openai/gpt-4o",
    ])
      expect(hidden).toContain(pair);
    const others = await site.text("/models?q=claude&compare=openai/gpt-4o");
    expect(others.match(/type="hidden" name="compare" value="openai\/gpt-4o"/g)?.length).toBe(2);
    const chosen = elements.filter(({ attributes }) =>
      attributes.some(([name]) => name === "selected"),
    );
    expect(chosen.map(({ attributes }) => Object.fromEntries(attributes).value)).toContain(
      "eu-west",
    );
  });

  test("compares up to four, and no more", async () => {
    const ids = [
      "openai/gpt-4o",
      "openai/gpt-4o-mini",
      "openai/gpt-4.1",
      "openai/gpt-4.1-mini",
      "openai/gpt-4.1-nano",
    ];
    const html = await site.text(`/models?${ids.map((id) => `compare=${id}`).join("&")}`);
    const table = await tableOf(html, /Side by side/);
    expect(table.map(([name]) => name)).toEqual([
      "Input, $ per million tokens",
      "Output, $ per million tokens",
      "Cached input, $ per million tokens",
      "Context, tokens",
      "Longest answer, tokens",
      "Energy of 1,000 tokens, Wh",
      "Carbon of 1,000 tokens, g CO2e",
      "Accuracy of its size",
      "Regions",
      "Providers",
      "Can",
      "Weights",
    ]);
    for (const line of table) expect(line.length).toBe(1 + 4);
    const [first] = await rows("q=openai/gpt-4o");
    expect(table[1]?.[1]).toBe(figure(first?.output_usd_per_million));
  });

  test("takes filters that make no sense as none", async () => {
    const all = await rows("");
    expect(await rows("max_price=abc&min_context=-5&sort=__proto__&max_g=Infinity")).toEqual(all);
  });
});

describe("the page of a model", () => {
  test("says energy with its interval, its parameters with their source, and each place with its grid", async () => {
    const { services } = site.gateway;
    const parameters = services.tables.parameters.get("openai/gpt-4o-mini");
    const html = await site.text("/models/openai/gpt-4o-mini");
    const { activeB } = parameters ?? { activeB: { min: 0, max: 0 } };
    const wh = (active: number) => figure((8.91e-5 * active + 1.43e-3) * 1000);
    const table = await tableOf(html, /Energy of 1,000 tokens/);
    expect(table[0]?.slice(1, 4)).toEqual([
      wh((activeB.min + activeB.max) / 2),
      wh(activeB.min),
      wh(activeB.max),
    ]);
    expect(html).toContain(`href="${parameters?.source}"`);
    const [size = []] = await tableOf(html, /^Size of the model/);
    expect([size[0], size[3]]).toEqual([
      `${figure(activeB.min)} to ${figure(activeB.max)}`,
      parameters?.accuracy ?? "known",
    ]);
    const places = await tableOf(html, /^Places/);
    const west = places.find(([provider, region]) => provider === "OpenAI" && region === "eu-west");
    expect(west?.[3]).toStartWith(figure(services.gridOf("openai", "eu-west")?.gPerKwh));
    expect(west?.at(-1)).toBe("yes");
    expect(html).toContain("Not measured: training");
    const grams = await tableOf(html, /^Carbon of 1,000 tokens of output by region/);
    expect(grams.map(([region]) => region)).toContain("eu-west");
  });

  test("tells a price that is announced and what long prompts cost", () => {
    const { app, services } = site.gateway;
    const facts = factsOf("openai/gpt-4o-mini", { app, services });
    if (facts === undefined) throw new Error("The catalogue has no such model");
    const prices = [
      {
        input: "1",
        output: "2",
        source: "x",
        read: "2026-01-01",
        tiers: [{ aboveInputTokens: 200_000, input: "3", output: "4" }],
      },
      { from: "9999-01-01", input: "5", output: "6", source: "x", read: "2026-01-01" },
    ];
    const offers = facts.offers.map((offer) => ({
      ...offer,
      endpoint: { ...offer.endpoint, prices },
    }));
    const visit = {
      path: "/",
      search: "",
      origin: "http://x",
      demo: false,
      theme: undefined,
      signedIn: false,
    };
    const html = String(<ModelPage visit={visit} facts={{ ...facts, offers }} />);
    expect(html).toContain("from 9999-01-01: 5 in, 6 out; above 200K of prompt: 3 in, 4 out");
  });

  test("gives no figure where the size is not known, and says why", async () => {
    const { services } = site.gateway;
    const model = services.models.find(
      ({ id, kind }) => kind === "chat" && !services.tables.parameters.has(id),
    );
    const html = await site.text(`/models/${model?.id}`);
    expect(html).toContain("There is no estimate: the number of parameters is not known");
    expect(html).not.toContain("<svg");
  });
});

describe("names that an operator configures", () => {
  test("are shown as they are and never become markup, a formula or another page", async () => {
    const path = `/models/${hostile.model.split("/").map(encodeURIComponent).join("/")}`;
    for (const page of [
      path,
      "/models",
      `/models?compare=${encodeURIComponent(hostile.model)}`,
      "/providers",
      "/providers/evil",
      "/status",
    ]) {
      const html = await site.text(page);
      const elements = await elementsOf(html);
      expect([page, forbidden(elements), headingFaults(elements)]).toEqual([page, [], []]);
      expect(
        elements.filter(({ attributes }) =>
          attributes.some(([name]) => /onerror|onload/.test(name)),
        ),
      ).toEqual([]);
      for (const text of [hostile.name, hostile.region, hostile.model])
        expect([page, html.includes(text)]).toEqual([page, false]);
    }
    expect(await site.text(path)).toContain("&lt;svg/onload");
    const links = (await elementsOf(await site.text("/models?provider=evil"))).flatMap(
      ({ tag, attributes }) => (tag === "a" ? [Object.fromEntries(attributes).href] : []),
    );
    expect(links.filter((href) => href?.startsWith("/models/")).length).toBe(2);
    expect(links).toContain(path.replaceAll("'", "&#39;"));
    const csv = await (await site.get("/models?format=csv&provider=evil")).text();
    expect(csv).toContain("\r\n'=cmd|calc/x,");
    const search = await site.text(
      `/models?q=${encodeURIComponent(hostile.name)}&region=${encodeURIComponent(hostile.region)}`,
    );
    expect(forbidden(await elementsOf(search))).toEqual([]);
    expect(search.includes(hostile.name)).toBe(false);
  });
});

describe("the status page", () => {
  test("says what is down, since when and why, the worst first", async () => {
    const { app } = site.gateway;
    const [smallest] = app.routes.smallest;
    const [route] = smallest ? app.routes.of(smallest) : [];
    if (route === undefined) throw new Error("Nothing can be called");
    const { provider, region } = route.deployment;
    expect((await site.text("/status")).includes("places are up")).toBe(true);
    for (let failure = 0; failure < 3; failure++) app.health.failed(route);
    const html = await site.text("/status");
    const [first] = await tableOf(html, /^Places/);
    expect(first?.slice(0, 3)).toEqual([provider.name, region, "Down"]);
    expect(first?.[3]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
    expect(html).toContain("it failed repeatedly and is left alone for a while");
    const list = JSON.parse(await site.text("/status?format=json"));
    expect(list.data[0]).toMatchObject({
      provider: provider.id,
      region,
      state: "unavailable",
      models_ill: 1,
    });
    expect(await site.text(`/providers/${provider.id}`)).toContain("left alone for a while");
  });
});

import { expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { isEuropean } from "#src/gateway/routing/europe.ts";
import { createBook } from "#src/web/docs/book.ts";
import { blocksOf } from "#test/web/docs-kit.ts";

/* Who copies an example that stays in the EU must be answered: a pin that nobody fulfils is a 503. */

const { models, providers } = loadCatalog();
const blocks = blocksOf(createBook(providers), "http://localhost");
const ids = new Set(models.map(({ id }) => id));

/** Whether its maker, whose key most readers have, serves a model somewhere in the EU by its own word. */
function isServedInEurope(id: string): boolean {
  const { author, endpoints = [] } = models.find((model) => model.id === id) ?? {};
  return endpoints.some(({ provider, regions, regionBasis }) => {
    if (provider !== author) return false;
    const places = providers.find((one) => one.id === provider)?.regions ?? [];
    const there = places.filter((place) => regions.includes(place.id));
    return regionBasis !== "assumed" && there.some(({ country }) => isEuropean(country));
  });
}

const held = blocks.filter(
  ({ text }) => /^eu_only = true/m.test(text) || /"region": "eu"/.test(text),
);

test("the manual has examples that stay in the EU, in the configuration and in a key", () => {
  expect(new Set(held.map(({ language }) => language))).toEqual(new Set(["toml", "sh"]));
});

test.each(held.map(({ page, text }) => [page.path, text]))(
  "%s names models that are served there",
  (_, text) => {
    const named = [...text.matchAll(/"([\w.-]+\/[\w.-]+)"/g)].flatMap(([, name = ""]) =>
      ids.has(name) ? name : [],
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => !isServedInEurope(name))).toEqual([]);
  },
);

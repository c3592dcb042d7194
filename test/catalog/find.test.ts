import { expect, test } from "bun:test";
import { createFinder, isVariant } from "#src/catalog/find.ts";
import { loadCatalog } from "#src/catalog/load.ts";
import type { Endpoint, Model } from "#src/catalog/model.ts";

const { models } = loadCatalog();
const find = createFinder(models);

function modelOf(id: string, changes: Partial<Model>): Model {
  const [sample] = models;
  if (sample === undefined) throw new Error("no models");
  return { ...sample, ...changes, id, endpoints: changes.endpoints ?? [] };
}

function endpointOf(provider: string, upstreamModel: string): Endpoint {
  const [sample] = models.flatMap((model) => model.endpoints);
  if (sample === undefined) throw new Error("no endpoints");
  return { ...sample, provider, upstreamModel };
}

test("createFinder() finds every model of the catalogue by its id, in any case", () => {
  for (const model of models) {
    expect(find(model.id)).toEqual({ model, variant: undefined, provider: undefined });
    expect(find(model.id.toUpperCase())?.model).toBe(model);
  }
});

test("createFinder() finds every alias that is no other model's id", () => {
  const ids = new Set(models.map(({ id }) => id));
  const first = new Map<string, string>();
  for (const { id, aliases } of models)
    for (const alias of aliases) if (!first.has(alias)) first.set(alias, id);
  for (const [alias, id] of first)
    if (!ids.has(alias)) expect([alias, find(alias)?.model.id]).toEqual([alias, id]);
});

test("createFinder() finds a model by a provider and that provider's own name of it", () => {
  const finder = createFinder([
    modelOf("meta/llama-3", {
      aliases: [],
      endpoints: [endpointOf("bedrock", "meta.llama3-v1:0")],
    }),
  ]);
  for (const name of ["bedrock/meta.llama3-v1:0", "Bedrock/Llama-3", "bedrock/meta/llama-3"])
    expect(finder(name)).toMatchObject({
      model: { id: "meta/llama-3" },
      variant: undefined,
      provider: "bedrock",
    });
});

test("createFinder() takes an author's name before a model for the model, whoever serves it", () => {
  const finder = createFinder([
    modelOf("meta/llama-3", {
      aliases: ["llama3"],
      endpoints: [endpointOf("meta", "Llama-3-own"), endpointOf("groq", "llama3-8k")],
      author: "meta",
    }),
  ]);
  for (const name of ["meta/llama-3", "llama-3", "llama3", "meta/llama3", "meta/llama-3-own"])
    expect([name, finder(name)?.provider, finder(name)?.model.id]).toEqual([
      name,
      undefined,
      "meta/llama-3",
    ]);
  expect(finder("groq/llama3-8k:nitro")).toMatchObject({ provider: "groq", variant: "nitro" });
});

test("createFinder() finds a bare name of one author, and not one of two", () => {
  const finder = createFinder([
    modelOf("mistral/small", { aliases: [] }),
    modelOf("acme/twin", { aliases: [] }),
    modelOf("zeta/twin", { aliases: [] }),
    modelOf("third/twin", { aliases: [] }),
  ]);
  expect(finder("small")?.model.id).toBe("mistral/small");
  expect(finder("twin")).toBeUndefined();
});

test("createFinder() takes a name without an author for OpenAI's when two authors use it", () => {
  const finder = createFinder([
    modelOf("acme/twin", { aliases: [] }),
    modelOf("openai/twin", { aliases: [] }),
  ]);
  expect(finder("twin")?.model.id).toBe("openai/twin");
  expect(find("gpt-4o-mini")?.model.id).toBe("openai/gpt-4o-mini");
});

test("createFinder() splits a variant off the last colon, known or not", () => {
  expect(find("openai/gpt-4o-mini:nitro")).toMatchObject({
    model: { id: "openai/gpt-4o-mini" },
    variant: "nitro",
  });
  expect(find("gpt-4o-mini:FLOOR")).toMatchObject({ variant: "floor" });
  expect(find("openai/gpt-4o-mini:no-such")).toMatchObject({ variant: "no-such" });
  expect(["nitro", "floor", "free", "thinking", "extended"].every(isVariant)).toBe(true);
  expect(isVariant("no-such")).toBe(false);
});

test("createFinder() takes a name with a colon as a whole first", () => {
  const finder = createFinder([
    modelOf("ollama/llama3", { aliases: [] }),
    modelOf("ollama/llama3:8b", { aliases: [] }),
  ]);
  expect(finder("ollama/llama3:8b")).toMatchObject({
    model: { id: "ollama/llama3:8b" },
    variant: undefined,
  });
  expect(finder("llama3:8b")).toMatchObject({ model: { id: "ollama/llama3:8b" } });
  expect(finder("llama3:8b:floor")).toMatchObject({
    model: { id: "ollama/llama3:8b" },
    variant: "floor",
  });
  expect(finder("llama3:floor")).toMatchObject({
    model: { id: "ollama/llama3" },
    variant: "floor",
  });
});

test("createFinder() prefers an id to another model's alias, whatever their order", () => {
  const owner = modelOf("acme/one", { aliases: [] });
  const thief = modelOf("acme/two", { aliases: ["acme/one"] });
  for (const list of [
    [owner, thief],
    [thief, owner],
  ])
    expect(createFinder(list)("acme/one")?.model).toBe(owner);
});

test("createFinder() follows a name of the operator's to a variant, and to another such name", () => {
  const models = ["acme/one", "acme/two"].map((id) => modelOf(id, { aliases: [] }));
  const finder = createFinder(models, {
    Quick: "acme/one:nitro",
    quicker: "QUICK",
    cheap: "quick:floor",
    "acme/two": "acme/two:floor",
    round: "about",
    about: "round:nitro",
  });
  const told = (name: string) => {
    const found = finder(name);
    return found && `${found.model.id} ${found.variant ?? "-"}`;
  };
  expect(["quick", "quicker", "cheap", "acme/two", "acme/one"].map(told)).toEqual([
    "acme/one nitro",
    "acme/one nitro",
    "acme/one floor",
    "acme/two floor",
    "acme/one -",
  ]);
  // What the request says itself goes before.
  expect(["quick:free", "acme/two:nitro"].map(told)).toEqual(["acme/one free", "acme/two nitro"]);
  expect(["round", "about", "round:nitro"].map(told)).toEqual([undefined, undefined, undefined]);
});

test("createFinder() lets names of the operator's change places", () => {
  const models = ["acme/one", "acme/two"].map((id) => modelOf(id, { aliases: [] }));
  const finder = createFinder(models, { "acme/one": "acme/two", "acme/two": "acme/one" });
  expect(["acme/one", "acme/two"].map((name) => finder(name)?.model.id)).toEqual([
    "acme/two",
    "acme/one",
  ]);
});

test("createFinder() finds nothing for an unknown or an empty name", () => {
  for (const name of ["", ":", ":nitro", "no/such-model", "no-such", "openai/", "constructor"])
    expect([name, find(name)]).toEqual([name, undefined]);
});

test("createFinder() prefers an alias to a provider's own name of another model, whatever their order", () => {
  const owner = modelOf("acme/one", { aliases: ["host/name"] });
  const hosted = modelOf("acme/two", { aliases: [], endpoints: [endpointOf("host", "name")] });
  for (const list of [
    [owner, hosted],
    [hosted, owner],
  ])
    expect(createFinder(list)("host/name")?.model).toBe(owner);
});

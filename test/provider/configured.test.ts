import { describe, expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { loadConfig } from "#src/config/load.ts";
import type { ModelConfig, ProviderConfig } from "#src/config/schema.ts";
import { withConfigured } from "#src/provider/configured.ts";

/** The bundled tables with what a file says beside them. */
function configured(providers: Record<string, ProviderConfig>, models: ModelConfig[] = []) {
  const config = { ...loadConfig({ dataDir: "x" }, {}), providers, models };
  const made = withConfigured(loadCatalog(), config);
  return {
    provider: (id: string) => made.providers.find((one) => one.id === id),
    model: (id: string) => made.models.find((one) => one.id === id),
  };
}

describe("a bundled provider", () => {
  test("is called what the operator calls it, and keeps all else", () => {
    const bundled = configured({}).provider("openai");
    const { provider } = configured({ openai: { name: "House AI" } });
    expect(bundled?.name).toBe("OpenAI");
    expect(provider("openai")).toEqual(bundled && { ...bundled, name: "House AI" });
    expect(provider("mistral")?.name).toBe("Mistral AI");
  });

  test("may be given the wire that it speaks, and no other", () => {
    expect(configured({ vllm: { protocol: "openai-chat" } }).provider("vllm")?.protocol).toBe(
      "openai-chat",
    );
    expect(() => configured({ anthropic: { protocol: "openai-chat" } })).toThrow(
      'Cannot use protocol = "openai-chat" of providers.anthropic: it is bundled and speaks anthropic-messages. Leave protocol out, or take a name of your own',
    );
  });
});

test("a provider of one's own speaks openai-chat where nothing is said", () => {
  const { provider } = configured({ own: { base_url: "http://127.0.0.1:9/v1" } });
  expect(provider("own")).toMatchObject({ name: "own", protocol: "openai-chat" });
});

describe("a model that is known", () => {
  const id = "meta-llama/llama-3.3-70b-instruct";
  const house = { house: { base_url: "http://127.0.0.1:9/v1" } };

  test("can at the operator's server what the operator says, and elsewhere what it could before", () => {
    const [entry, plain] = [
      { id, provider: "house", tools: false, vision: true, json_schema: false },
      { id, provider: "house" },
    ];
    const said = configured(house, [entry]).model(id);
    const before = configured({}).model(id);
    const at = (provider: string) =>
      said?.endpoints.filter((one) => one.provider === provider).map(({ abilities }) => abilities);
    expect(at("house")).toEqual([{ tools: false, vision: true, structuredOutputs: false }]);
    expect(said?.capabilities).toEqual(before?.capabilities);
    expect(said?.endpoints.slice(0, -1)).toEqual(before?.endpoints);
    expect(configured(house, [plain]).model(id)?.endpoints.at(-1)).not.toHaveProperty("abilities");
  });

  test("can it at the bundled endpoints of that provider too", () => {
    const made = configured({}, [{ id: "openai/gpt-4o-mini", provider: "openai", tools: false }]);
    const ours = made.model("openai/gpt-4o-mini")?.endpoints ?? [];
    expect(ours.length).toBeGreaterThan(2);
    for (const { provider, abilities } of ours)
      expect([provider, abilities]).toEqual([
        provider,
        provider === "openai" ? { tools: false } : undefined,
      ]);
  });

  test("is of no other kind", () => {
    expect(() => configured(house, [{ id, provider: "house", kind: "embedding" }])).toThrow(
      `Cannot use kind = "embedding" of models "${id}": that model is known, and its kind is chat. Leave kind out, or give an id of your own`,
    );
    expect(configured(house, [{ id, provider: "house", kind: "chat" }]).model(id)?.kind).toBe(
      "chat",
    );
  });
});

describe("a model that its provider is known to have", () => {
  const id = "openai/gpt-4o-mini";
  const bundled = configured({}).model(id);
  const at = (provider: string, entry: Partial<ModelConfig>, providers = {}) =>
    configured(providers, [{ id, provider, ...entry }])
      .model(id)
      ?.endpoints.filter((one) => one.provider === provider) ?? [];
  const before = bundled?.endpoints.filter(({ provider }) => provider === "openai") ?? [];

  test("has there what the entry says, in the same regions and on the same terms", () => {
    const entry = { input_per_million: 2, output_per_million: 9, max_output_tokens: 77 };
    const prices = [expect.objectContaining({ input: "2", output: "9" })];
    expect(before.length).toBeGreaterThan(2);
    expect(at("openai", { ...entry, context_window: 5000 })).toEqual(
      before.map((one) => ({ ...one, prices, maxOutputTokens: 77, contextWindow: 5000 })),
    );
  });

  test("stays as it was at any other", () => {
    const { model } = configured({}, [{ id, provider: "openai", input_per_million: 2 }]);
    const others = (of = bundled) => of?.endpoints.filter(({ provider }) => provider !== "openai");
    expect(others(model(id))).toEqual(others());
    expect(at("openai", {})).toEqual(before);
  });

  test("is called there what the operator calls it, elsewhere of the provider too, and costs what it did", () => {
    const made = at("openai", { upstream: "house-mini" });
    expect(made.slice(0, -1)).toEqual(
      before.map((one) => ({ ...one, upstreamModel: "house-mini" })),
    );
    expect(made.at(-1)).toMatchObject({ regions: ["*"], upstreamModel: "house-mini", prices: [] });
  });

  test("is served beside the deployments that are listed", () => {
    const azure = { azure: { deployments: { "my-4o": "openai/gpt-4o" } } };
    const [first] = at("azure", { upstream: "my-mini", input_per_million: 2 }, azure);
    const [known] = bundled?.endpoints.filter(({ provider }) => provider === "azure") ?? [];
    expect(first).toMatchObject({ upstreamModel: "my-mini", regions: known?.regions });
    expect(first?.prices[0]).toMatchObject({ input: "2", output: known?.prices[0]?.output });
    expect(
      configured(azure)
        .model(id)
        ?.endpoints.map(({ provider }) => provider),
    ).not.toContain("azure");
  });

  test("has one entry there", () => {
    const twice = { id, provider: "openai" };
    expect(() => configured({}, [twice, { ...twice, input_per_million: 1 }])).toThrow(
      `Cannot use two entries of models for "${id}" at "openai": it is bundled, and each would change it. Put what both say into one`,
    );
    expect(() => configured({}, [twice, { id, provider: "azure" }])).not.toThrow();
  });
});

test("a model of one's own can what its entry says", () => {
  const entry = { id: "own/embed", provider: "own", kind: "embedding" as const, tools: false };
  expect(configured({ own: {} }, [entry]).model("own/embed")).toMatchObject({
    kind: "embedding",
    capabilities: { tools: false, vision: false, structuredOutputs: true },
  });
});

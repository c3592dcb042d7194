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

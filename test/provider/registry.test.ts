import { describe, expect, test } from "bun:test";
import cloudFile from "#data/cloud-regions.json" with { type: "json" };
import { loadCatalog } from "#src/catalog/load.ts";
import { loadConfig } from "#src/config/load.ts";
import type { ProviderConfig } from "#src/config/schema.ts";
import { withConfigured } from "#src/provider/configured.ts";
import { deployments, endpointAt } from "#src/provider/registry.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";

const { providers, models } = loadCatalog();
const clock = createFakeClock(Date.UTC(2026, 0, 15, 10, 30));

/** Where one provider can be reached in an environment. */
function placesOf(id: string, environment: Record<string, string>, settings?: ProviderConfig) {
  const config = loadConfig({}, environment);
  config.providers = settings ? { [id]: settings } : {};
  const one = providers.filter((provider) => provider.id === id);
  return deployments(one, config, clock);
}

function modelOf(id: string) {
  const model = models.find((one) => one.id === id);
  if (model === undefined) throw new Error(`no model ${id}`);
  return model;
}

describe("Bedrock", () => {
  const pair = { AWS_ACCESS_KEY_ID: "AKID", AWS_SECRET_ACCESS_KEY: "secret" };
  const bearer = { AWS_BEARER_TOKEN_BEDROCK: "token" };
  /** Regions that are named; the one that spans the world comes with the first. */
  const regions = (environment: Record<string, string>, settings?: ProviderConfig) => {
    const all = placesOf("bedrock", environment, settings).map(({ region }) => region);
    expect(all.filter((id) => id === "global").length).toBe(all.length > 0 ? 1 : 0);
    return [...new Set(all)].filter((id) => id !== "global");
  };

  test("is nowhere without a whole credential, and nowhere without a region", () => {
    const region = { AWS_REGION: "eu-central-1" };
    expect(regions({ ...region, AWS_EC2_METADATA_DISABLED: "true" })).toEqual([]);
    expect(regions({ AWS_DEFAULT_REGION: "eu-central-1" })).toEqual([]);
    expect(regions({ ...region, AWS_ACCESS_KEY_ID: "AKID" })).toEqual([]);
    expect(regions(pair)).toEqual([]);
    expect(regions({ ...pair, ...region }, { enabled: false })).toEqual([]);
    expect(regions({ ...pair, ...region })).toEqual(["eu-central"]);
    expect(regions({ ...bearer, ...region })).toEqual(["eu-central"]);
  });

  test("is in the regions of the configuration, else of its own variable, else of AWS's", () => {
    const aws = { ...pair, AWS_DEFAULT_REGION: "us-west-2" };
    expect(regions(aws)).toEqual(["us-west"]);
    expect(regions({ ...aws, AWS_REGION: "us-east-1" })).toEqual(["us-east"]);
    expect(regions({ ...aws, BEDROCK_REGION: "eu-north-1" })).toEqual(["eu-north"]);
    expect(regions(aws, { regions: ["eu-west", "eu-central-1"] })).toEqual([
      "eu-west",
      "eu-central",
    ]);
  });

  test("a region that is not known is a mistake in the configuration, not in AWS's variables", () => {
    expect(regions({ ...pair, AWS_REGION: "us-east-2" })).toEqual([]);
    for (const wrong of ["global", "mars-1"]) {
      expect(() => regions(pair, { regions: [wrong] })).toThrow(
        `Cannot use the region "${wrong}" for the provider "bedrock": known are us-east (us-east-1)`,
      );
    }
  });

  test("every region has its own address, or the operator's", () => {
    const address = (environment: Record<string, string>, settings?: ProviderConfig) =>
      placesOf("bedrock", environment, settings)[0]?.baseUrl;
    expect(address({ ...pair, AWS_REGION: "eu-west-2" })).toBe(
      "https://bedrock-runtime.eu-west-2.amazonaws.com",
    );
    const own = { BEDROCK_BASE_URL: "http://localhost:1/", BEDROCK_REGION: "eu-west-2" };
    expect(address({ ...pair, ...own })).toBe("http://localhost:1");
    const urls = { base_urls: { "eu-west-2": "http://localhost:2" } };
    expect(address(pair, urls)).toBe("http://localhost:2");
    expect(regions(pair, urls)).toEqual(["uk-south"]);
  });

  test("a key pair signs for the region it goes to, at the time of the clock; a token is a header", async () => {
    const region = { AWS_REGION: "eu-west-2" };
    const [signing] = placesOf("bedrock", { ...pair, ...region });
    const request = { method: "POST", host: "h", path: "/model/m/converse", body: "{}" };
    const headers = { "content-type": "application/json" };
    const signed = await signing?.signer?.sign({ ...request, headers });
    expect(signed?.["x-amz-date"]).toBe("20260115T103000Z");
    expect(signed?.authorization).toContain("AKID/20260115/eu-west-2/bedrock/aws4_request");
    expect(signing?.headers).toEqual({});
    const [carrying] = placesOf("bedrock", { ...bearer, ...pair, ...region });
    expect(carrying?.signer).toBeUndefined();
    expect(carrying?.headers).toEqual({ authorization: "Bearer token" });
  });

  test("a profile that spans regions is served where the region is assumed, other models where it is known", () => {
    const places = placesOf("bedrock", { ...pair, AWS_REGION: "eu-central-1" });
    const served = (id: string) =>
      places.flatMap((place) => {
        const endpoint = endpointAt(modelOf(id), place);
        return endpoint ? [[place.basis, endpoint.upstreamModel, endpoint.protocol]] : [];
      });
    expect(served("amazon/nova-pro")).toEqual([
      ["assumed", "eu.amazon.nova-pro-v1:0", "bedrock-converse"],
    ]);
    expect(served("anthropic/claude-opus-5")).toEqual([
      ["assumed", "eu.anthropic.claude-opus-5", "bedrock-converse"],
      ["assumed", "global.anthropic.claude-opus-5", "bedrock-converse"],
    ]);
    expect(places.map(({ region, basis }) => [region, basis])).toEqual([
      ["eu-central", "published"],
      ["eu-central", "assumed"],
      ["global", "assumed"],
    ]);
    expect(served("qwen/qwen3-coder-next")).toEqual([
      ["published", "qwen.qwen3-coder-next", "bedrock-converse"],
    ]);
    expect(served("zhipu/glm-5")).toEqual([]);
  });

  test("Claude is asked through Converse; what is at other hosts of AWS is not offered", () => {
    const places = placesOf("bedrock", { ...pair, AWS_REGION: "us-east-1" });
    for (const model of models) {
      for (const place of places) {
        const endpoint = endpointAt(model, place);
        if (endpoint) expect(endpoint.protocol).toBe("bedrock-converse");
      }
    }
    const offered = (id: string) => places.some((place) => endpointAt(modelOf(id), place));
    expect(offered("anthropic/claude-opus-5")).toBe(true);
    expect(offered("xai/grok-4.6")).toBe(false);
    expect(offered("amazon/titan-embed-text-v2")).toBe(false);
  });
});

describe("Azure", () => {
  const key = { AZURE_API_KEY: "k" };
  const places = (environment: Record<string, string>) =>
    placesOf("azure", { ...key, ...environment }).map(({ region, baseUrl, alsoSpeaks }) => ({
      region,
      baseUrl,
      alsoSpeaks: [...alsoSpeaks],
    }));

  test("is at the resource that is named, in the region that is named", () => {
    expect(places({})).toEqual([]);
    const place = {
      baseUrl: "https://contoso.openai.azure.com/openai/v1",
      alsoSpeaks: ["openai-responses" as const],
    };
    expect(places({ AZURE_RESOURCE_NAME: "contoso" })).toEqual([{ region: "global", ...place }]);
    expect(places({ AZURE_RESOURCE_NAME: "contoso", AZURE_REGION: "eu-north" })).toEqual([
      { region: "eu-north", ...place },
    ]);
  });

  test("is at the endpoint that its SDKs take, with either name of the key, in either name of the region", () => {
    const endpoint = {
      AZURE_OPENAI_ENDPOINT: "https://contoso.openai.azure.com/",
      AZURE_OPENAI_API_KEY: "sdk-key",
    };
    const [place] = placesOf("azure", { ...endpoint, AZURE_REGION: "francecentral" });
    expect(place).toMatchObject({
      baseUrl: "https://contoso.openai.azure.com/openai/v1",
      region: "eu-west",
      gridZone: "FRA",
      headers: { "api-key": "sdk-key" },
      alsoSpeaks: ["openai-responses"],
    });
    const { AZURE_OPENAI_API_KEY: _, ...keyless } = endpoint;
    expect(placesOf("azure", keyless)).toEqual([]);
  });

  test("a version of the older interface moves the address, and decides on Responses", () => {
    const older = (version: string) =>
      placesOf("azure", { ...key, AZURE_RESOURCE_NAME: "contoso", OPENAI_API_VERSION: version })[0];
    expect(older("2024-10-21")).toMatchObject({
      baseUrl: "https://contoso.openai.azure.com/openai",
      alsoSpeaks: [],
    });
    expect(older("2025-03-01-preview")?.alsoSpeaks).toEqual(["openai-responses"]);
    expect(older("v1")?.baseUrl).toBe("https://contoso.openai.azure.com/openai/v1");
    expect(() => older("latest")).toThrow('Cannot use "latest" as api_version');
    const codex = modelOf("openai/gpt-5-codex");
    const at = (version: string) => {
      const place = older(version);
      return place && endpointAt(codex, place)?.protocol;
    };
    expect(at("2024-10-21")).toBeUndefined();
    expect(at("2025-03-01-preview")).toBe("openai-responses");
  });

  test("a version where there is none, and a deployment of nothing, are mistakes", () => {
    expect(() =>
      placesOf("openai", { OPENAI_API_KEY: "k" }, { api_version: "2024-10-21" }),
    ).toThrow('Cannot use api_version of the provider "openai": only azure has versions');
    const config = loadConfig({}, {});
    config.providers = { azure: { deployments: { mini: "openai/gpt-nope" } } };
    expect(() => withConfigured({ providers, models }, config)).toThrow(
      'Cannot use the deployment "mini" of the provider "azure": the catalogue has no model "openai/gpt-nope" there. Give an id as "lowrouter model list" shows it',
    );
  });

  test("two deployments of one model are two ways to it, in whatever region the operator says", () => {
    const config = loadConfig({}, { AZURE_API_KEY: "k", AZURE_RESOURCE_NAME: "contoso" });
    const deployed = { a: "openai/gpt-4.1", b: "openai/gpt-4.1" };
    config.providers = { azure: { region: "eu-north", deployments: deployed } };
    const made = withConfigured({ providers, models }, config);
    const model = made.models.find(({ id }) => id === "openai/gpt-4.1");
    const ours = model?.endpoints.filter(({ provider }) => provider === "azure") ?? [];
    expect(new Set(ours.map(({ upstreamModel }) => upstreamModel))).toEqual(new Set(["a", "b"]));
    expect(new Set(ours.map(({ id }) => id)).size).toBe(ours.length);
    const [place] = deployments(
      providers.filter(({ id }) => id === "azure"),
      config,
      clock,
    );
    expect(model && place && endpointAt(model, place)?.upstreamModel).toBe("a");
  });

  test("an address goes before a resource, and claims nothing more", () => {
    const environment = { AZURE_RESOURCE_NAME: "contoso", AZURE_BASE_URL: "https://a.example/v1" };
    expect(places(environment)).toEqual([
      { region: "global", baseUrl: "https://a.example/v1", alsoSpeaks: [] },
    ]);
  });

  test("what a provider has at another host is not offered at this one", () => {
    const [place] = placesOf("azure", { ...key, AZURE_RESOURCE_NAME: "contoso" });
    const wires = models.flatMap((model) => (place && endpointAt(model, place)?.protocol) ?? []);
    expect(wires.length).toBeGreaterThan(0);
    expect(wires.filter((wire) => !wire.startsWith("openai-"))).toEqual([]);
  });
});

test("a bare address of Cohere gets the version that its paths are below", () => {
  const environment = { COHERE_API_KEY: "k", COHERE_BASE_URL: "http://localhost:1" };
  expect(placesOf("cohere", environment)[0]?.baseUrl).toBe("http://localhost:1/v2");
  expect(placesOf("cohere", { COHERE_API_KEY: "k" })[0]).toMatchObject({
    baseUrl: "https://api.cohere.com/v2",
    headers: { Authorization: "Bearer k" },
  });
});

test.each<[what: string, id: string, env: Record<string, string>, region: string, basis: string]>([
  ["its own address", "openai", {}, "global", "published"],
  [
    "its own, given",
    "openai",
    { OPENAI_BASE_URL: "https://api.openai.com/v1/" },
    "global",
    "published",
  ],
  [
    "that of a region",
    "openai",
    { OPENAI_BASE_URL: "https://eu.api.openai.com/v1" },
    "eu-west",
    "published",
  ],
  ["another", "openai", { OPENAI_BASE_URL: "http://localhost:1/v1" }, "global", "assumed"],
  [
    "another of a provider in one place",
    "mistral",
    { MISTRAL_BASE_URL: "http://localhost:1" },
    "eu-west",
    "assumed",
  ],
  [
    "another, of which the operator says where it is",
    "openai",
    { OPENAI_BASE_URL: "http://localhost:1/v1", OPENAI_REGION: "moon" },
    "moon",
    "operator-config",
  ],
  [
    "another, said to be in a region of the provider's",
    "openai",
    { OPENAI_BASE_URL: "http://localhost:1/v1", OPENAI_REGION: "eu-west" },
    "eu-west",
    "operator-config",
  ],
  [
    "the operator's own machine",
    "ollama",
    { OLLAMA_BASE_URL: "http://localhost:1" },
    "local",
    "operator-config",
  ],
])("where %s computes is told with how that is known", (_, id, env, region, basis) => {
  const key = { OPENAI_API_KEY: "k", MISTRAL_API_KEY: "k" };
  const places = placesOf(id, { ...key, ...env });
  expect(places.map((place) => [place.region, place.basis])).toEqual([[region, basis]]);
});

test("each address of several is known by the provider where it is the provider's own", () => {
  const base_urls = {
    "eu-west": "https://eu.api.openai.com/v1",
    "us-east": "http://localhost:1/v1",
  };
  const places = placesOf("openai", { OPENAI_API_KEY: "k" }, { base_urls });
  expect(places.map((place) => [place.region, place.basis])).toEqual([
    ["eu-west", "published"],
    ["us-east", "operator-config"],
  ]);
  const regions = placesOf("anthropic", { ANTHROPIC_API_KEY: "k", ANTHROPIC_REGION: "us-east" });
  expect(regions.map((place) => [place.region, place.basis])).toEqual([
    ["global", "published"],
    ["us-east", "published"],
  ]);
});

describe("the regions of clouds", () => {
  const clouds = { azure: "azure", vertex: "gcp", bedrock: "aws" };

  test.each(Object.entries(clouds))(
    "%s has the zones and regions of the cloud's own list",
    (id, cloud) => {
      const provider = providers.find((one) => one.id === id);
      const natives = provider?.regions.filter(({ native }) => native !== undefined) ?? [];
      expect(natives.length).toBeGreaterThan(3);
      for (const { id: region, native, gridZone } of natives) {
        const row = cloudFile.regions.find(
          (one) => one.provider === cloud && one.region === native,
        );
        expect([native, region, gridZone]).toEqual([native, row?.coarseRegion, row?.gridZone]);
      }
    },
  );

  test("every region of an endpoint is one that its cloud has", () => {
    for (const id of Object.keys(clouds)) {
      const known = providers.find((one) => one.id === id)?.regions.map((region) => region.id);
      const asked = models
        .flatMap(({ endpoints }) => endpoints.filter(({ provider }) => provider === id))
        .flatMap(({ regions }) => regions);
      expect([id, [...new Set(asked)].filter((region) => !known?.includes(region))]).toEqual([
        id,
        [],
      ]);
    }
  });
});

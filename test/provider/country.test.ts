import { expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { loadConfig } from "#src/config/load.ts";
import type { ProviderConfig } from "#src/config/schema.ts";
import { deployments } from "#src/provider/registry.ts";
import { accountJson } from "#test/provider/google-kit.ts";

/** Places of a provider as `region country`. */
function places(
  id: string,
  settings: ProviderConfig,
  environment: Record<string, string> = {},
): string[] {
  const config = loadConfig({}, { OPENAI_API_KEY: "k", GROQ_API_KEY: "k", ...environment });
  config.providers = { [id]: settings };
  return deployments(loadCatalog().providers, config)
    .filter(({ provider }) => provider.id === id)
    .map(({ region, country }) => `${region} ${country ?? "?"}`);
}

test.each<[string, string, ProviderConfig, Record<string, string>, string[]]>([
  [
    "is of the region that is named, and not of a place that tells none",
    "openai",
    { region: "eu-west", country: "FR" },
    {},
    ["global ?", "eu-west FR"],
  ],
  [
    "is of the one region that is enabled",
    "openai",
    { regions: ["eu-west"], country: "FR" },
    {},
    ["global ?", "eu-west FR"],
  ],
  [
    "is of none where several are enabled",
    "openai",
    { regions: ["eu-west", "us-east"], country: "FR" },
    {},
    ["global ?", "eu-west ?", "us-east US"],
  ],
  [
    "is of none of several addresses, for they cannot all be there",
    "openai",
    {
      base_urls: { "eu-west": "http://127.0.0.1:1/v1", "us-east": "http://127.0.0.1:2/v1" },
      country: "FR",
    },
    {},
    ["eu-west ?", "us-east US"],
  ],
  [
    "is of the one address that the operator gives",
    "openai",
    { base_url: "http://127.0.0.1:1/v1", country: "FR" },
    {},
    ["global FR"],
  ],
  ["is of a provider's only place", "groq", { country: "US" }, {}, ["global US"]],
  [
    "of the environment counts alike",
    "openai",
    { region: "eu-west" },
    { OPENAI_COUNTRY: "FR" },
    ["global ?", "eu-west FR"],
  ],
])("the operator's country %s", (_, id, settings, environment, expected) => {
  expect(places(id, settings, environment)).toEqual(expected);
});

test("the operator's country is never that of Vertex AI's global place, nor of another location", () => {
  const environment = { GOOGLE_APPLICATION_CREDENTIALS: accountJson("http://127.0.0.1:1/") };
  const told = (settings: ProviderConfig, more = {}) => [
    ...new Set(places("vertex", settings, { ...environment, ...more })),
  ];
  expect(told({ country: "BE" })).toEqual(["global ?"]);
  expect(told({ region: "europe-west1", country: "FR" })).toEqual(["global ?", "eu-west FR"]);
  expect(told({ country: "FR" }, { GOOGLE_CLOUD_LOCATION: "us-east5" })).not.toContain(
    "us-east FR",
  );
});

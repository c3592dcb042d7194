import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadCatalog } from "#src/catalog/load.ts";
import { ConfigError } from "#src/config/error.ts";
import { loadConfig } from "#src/config/load.ts";
import type { ProviderConfig } from "#src/config/schema.ts";
import { deployments, endpointAt } from "#src/provider/registry.ts";
import { claudeAtVertex } from "#src/provider/vertex-claude.ts";
import { RawPieces } from "#src/lib/raw-pieces.ts";
import { decode } from "#test/dialect/payload.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { accountJson } from "#test/provider/google-kit.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const { providers, models } = loadCatalog();
const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const path = join(folder.path, "account.json");
writeFileSync(path, accountJson("https://oauth2.googleapis.com/token"));
const file = { GOOGLE_APPLICATION_CREDENTIALS: path };

function placesOf(environment: Record<string, string>, settings?: ProviderConfig) {
  const config = loadConfig({}, environment);
  config.providers = settings ? { vertex: settings } : {};
  const one = providers.filter(({ id }) => id === "vertex");
  return deployments(one, config, createFakeClock());
}
const google = (environment: Record<string, string>, settings?: ProviderConfig) =>
  placesOf(environment, settings).filter(({ baseUrl }) => baseUrl.endsWith("/publishers/google"));
const regions = (environment: Record<string, string>, settings?: ProviderConfig) =>
  google(environment, settings).map(({ region }) => region);

describe("Vertex", () => {
  test("is nowhere without a credential, and everywhere once with one", () => {
    expect(placesOf({})).toEqual([]);
    expect(placesOf({ GOOGLE_CLOUD_PROJECT: "p", VERTEX_REGION: "eu-west" })).toEqual([]);
    expect(placesOf(file, { enabled: false })).toEqual([]);
    const root = "https://aiplatform.googleapis.com/v1/projects/project-1/locations/global";
    expect(placesOf(file).map(({ region, baseUrl }) => [region, baseUrl])).toEqual([
      ["global", `${root}/publishers/google`],
      ["global", `${root}/publishers/anthropic`],
      ["global", `${root}/endpoints/openapi`],
    ]);
  });

  test("a location that is named has its own host, our region and its own grid", () => {
    const seen = google(file, { regions: ["eu-west", "asia-northeast1", "europe-west9"] });
    expect(seen.map(({ region, gridZone, basis }) => [region, gridZone, basis])).toEqual([
      ["global", undefined, "published"],
      ["eu-west", "BEL", "published"],
      ["ap-northeast", "JPN", "published"],
      ["eu-west", "FRA", "operator-config"],
    ]);
    expect(seen[3]?.baseUrl).toBe(
      "https://europe-west9-aiplatform.googleapis.com/v1/projects/project-1/locations/europe-west9/publishers/google",
    );
  });

  test("locations come from the configuration, else from its own variable, else from Google's", () => {
    const ambient = { ...file, GOOGLE_CLOUD_LOCATION: "europe-west3" };
    expect(regions(ambient)).toEqual(["global", "eu-central"]);
    expect(regions({ ...file, GOOGLE_CLOUD_LOCATION: "mars" })).toEqual(["global"]);
    expect(regions({ ...ambient, VERTEX_REGION: "us-east5" })).toEqual(["global", "us-east"]);
    expect(regions(ambient, { regions: ["us-west"] })).toEqual(["global", "us-west"]);
    expect(() => regions({ ...file, VERTEX_REGION: "mars" })).toThrow(
      'Cannot use the region "mars" for the provider "vertex": known are global, us-central (us-central1)',
    );
  });

  test("the project is that of the environment, else of the account; an address replaces host and version", () => {
    const environment = {
      ...file,
      GOOGLE_CLOUD_PROJECT: "other",
      VERTEX_BASE_URL: "http://localhost:1/",
    };
    expect(google(environment)[0]?.baseUrl).toBe(
      "http://localhost:1/v1/projects/other/locations/global/publishers/google",
    );
    expect(() => placesOf({ VERTEX_BASE_URL: "http://localhost:1" })).toThrow(
      "no project is named. Set GOOGLE_CLOUD_PROJECT",
    );
  });

  test("the JSON itself goes before a path, and a path that leads nowhere is a mistake", () => {
    const json = accountJson("https://oauth2.googleapis.com/token", { project_id: "inline" });
    expect(google({ ...file, VERTEX_CREDENTIALS_JSON: json })[0]?.baseUrl).toContain(
      "/projects/inline/",
    );
    const missing = () => placesOf({ GOOGLE_APPLICATION_CREDENTIALS: "/nowhere/a.json" });
    expect(missing).toThrow(ConfigError);
    expect(missing).toThrow('"/nowhere/a.json" is no readable file');
  });

  test("each model is at the address of its publisher; what has another wire is not offered", () => {
    const places = placesOf(file, { regions: ["us-central", "eu-west"] });
    const served = (id: string) =>
      places.flatMap((place) => {
        const model = models.find((one) => one.id === id);
        const endpoint = model && endpointAt(model, place);
        return endpoint ? [[place.region, place.baseUrl.split("/").at(-1), endpoint.protocol]] : [];
      });
    expect(served("google/gemini-2.5-flash")).toEqual([
      ["global", "google", "gemini"],
      ["us-central", "google", "gemini"],
      ["eu-west", "google", "gemini"],
    ]);
    expect(served("anthropic/claude-sonnet-4.5")).toEqual([
      ["global", "anthropic", "anthropic-messages"],
      ["eu-west", "anthropic", "anthropic-messages"],
    ]);
    expect(served("meta-llama/llama-3.3-70b-instruct")).toEqual([
      ["us-central", "openapi", "openai-chat"],
    ]);
    // Named without a publisher, it is at an address of its publisher's, in another wire.
    const bare = models.filter(({ endpoints }) =>
      endpoints.some(
        ({ provider, protocol, upstreamModel }) =>
          provider === "vertex" && protocol === "openai-chat" && !upstreamModel.includes("/"),
      ),
    );
    expect(bare.length).toBeGreaterThan(2);
    expect(bare.flatMap(({ id }) => served(id))).toEqual([]);
    const embedding = models.filter(({ kind }) => kind === "embedding");
    expect(embedding.flatMap(({ id }) => served(id))).toEqual([]);
  });
});

describe("claudeAtVertex()", () => {
  const question = '{"model":"claude-sonnet-4-5@20250929","max_tokens":5,"n":12345678901234567890}';
  const version = '"anthropic_version":"vertex-2023-10-16"';

  test("puts the model and the verb into the path and keeps every other byte", () => {
    expect(claudeAtVertex("/messages", question)).toEqual({
      path: "/models/claude-sonnet-4-5@20250929:rawPredict",
      body: `{"max_tokens":5,"n":12345678901234567890,${version}}`,
    });
  });

  test("a stream has a verb of its own, and bytes beyond ASCII stay bytes", () => {
    const text = '{"stream": true,"model":"m/é","x":"Grüß"}';
    const { path, body } = claudeAtVertex("/messages", new TextEncoder().encode(text));
    expect(path).toBe("/models/m%2F%C3%A9:streamRawPredict");
    expect(decode(body ?? "")).toBe(`{"stream": true,"x":"Grüß",${version}}`);
  });

  test("a large body in pieces is reshaped whole, and stays in pieces", () => {
    const picture = "Ab0+".repeat(20_000);
    const before = [
      '{"model":"m","x":"Gr\u00c3\u00bc\u00c3\u009f","data":"',
      picture,
      '","stream":true}',
    ];
    const { path, body } = claudeAtVertex("/messages", new RawPieces(before));
    expect(path).toBe("/models/m:streamRawPredict");
    expect(body).toBeInstanceOf(RawPieces);
    expect(decode(body ?? "")).toBe(`{"x":"Grüß","data":"${picture}","stream":true,${version}}`);
  });

  test("a repeated member counts by its last, and a version of the client's is replaced", () => {
    const text = '{"model":"a","anthropic_version":"x","model":"b"}';
    expect(claudeAtVertex("/messages", text)).toEqual({
      path: "/models/b:rawPredict",
      body: `{${version}}`,
    });
  });

  test("counting has a place of its own and keeps the model; other paths stay as they are", () => {
    expect(claudeAtVertex("/messages/count_tokens", '{"model":"m"}')).toEqual({
      path: "/models/count-tokens:rawPredict",
      body: `{"model":"m",${version}}`,
    });
    expect(claudeAtVertex("/models", undefined)).toEqual({ path: "/models", body: undefined });
  });
});

import { describe, expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { loadConfig } from "#src/config/load.ts";
import type { ProviderConfig } from "#src/config/schema.ts";
import type { SecretFields } from "#src/provider/credential.ts";
import { type StoredCredential, storedPlaces } from "#src/provider/stored-places.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { generateKeyPairSync } from "node:crypto";

const { providers } = loadCatalog();
const clock = createFakeClock(Date.UTC(2026, 0, 15, 10, 30));

/** All that an operator may have set for itself. */
const operators = {
  OPENAI_API_KEY: "sk-operators",
  OPENAI_ORG_ID: "org-operators",
  AWS_ACCESS_KEY_ID: "AKIDOPERATORS",
  AWS_SECRET_ACCESS_KEY: "operators",
  AWS_SESSION_TOKEN: "operators",
  AWS_BEARER_TOKEN_BEDROCK: "operators",
  AWS_REGION: "eu-central-1",
  GOOGLE_CLOUD_PROJECT: "operators-project",
  GOOGLE_CLOUD_LOCATION: "europe-west4",
  AZURE_OPENAI_ENDPOINT: "https://operators.openai.azure.com",
  AZURE_OPENAI_API_KEY: "operators",
  AZURE_API_KEY: "operators",
  AZURE_RESOURCE_NAME: "operators",
};

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const google: SecretFields = {
  kind: "google",
  json: JSON.stringify({
    type: "service_account",
    client_email: "own@own-project.iam.gserviceaccount.com",
    project_id: "own-project",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
  }),
};
const plain: SecretFields = { kind: "key", key: "sk-own" };
const aws: SecretFields = { kind: "aws", accessKeyId: "AKIDOWN", secretAccessKey: "own" };

/** Where a stored credential leads, beside all of the operator's. */
function places(
  id: string,
  secret: SecretFields,
  credential: Partial<StoredCredential> & { accountId?: string | undefined } = {},
  settings?: ProviderConfig,
) {
  const { accountId, ...rest } = { accountId: "acc_own", ...credential };
  const config = loadConfig({}, operators);
  config.providers = settings ? { [id]: settings } : {};
  const provider = providers.find((one) => one.id === id);
  if (provider === undefined) throw new Error(`no provider ${id}`);
  const key = { id: "pk_1", accountId, weight: 1, isFallback: false };
  return storedPlaces(provider, { key, secret, ...rest }, config, clock);
}

/** What goes with a request. */
async function proofs(found: ReturnType<typeof places>): Promise<string> {
  const parts = { method: "POST", host: "host", path: "/", headers: {}, body: "{}" };
  const signed = await Promise.all(
    found.map(async ({ headers, signer, baseUrl }) => ({
      baseUrl,
      ...headers,
      ...(headers["authorization"] ? {} : await signer?.sign(parts)),
    })),
  );
  return JSON.stringify(signed);
}

describe("an account's own credential", () => {
  test("is what its places carry, and nothing of the operator's", async () => {
    const found = [
      places("openai", plain),
      places("bedrock", aws),
      places("bedrock", plain, { region: "us-east" }),
      places("azure", plain, { baseUrl: "https://own.openai.azure.com" }),
    ];
    for (const one of found) {
      expect(one.length).toBeGreaterThan(0);
      const proof = await proofs(one);
      expect(proof).toMatch(/own|OWN/);
      expect(proof).not.toMatch(/operators/i);
    }
  });

  test("of Google Cloud leads to its own project", () => {
    const found = places("vertex", google);
    expect(found.length).toBeGreaterThan(0);
    for (const { baseUrl } of found) expect(baseUrl).toContain("/projects/own-project/");
  });

  test("leads to no resource of the operator's at Azure", () => {
    expect(places("azure", plain)).toEqual([]);
    expect(places("azure", plain, {}, { base_url: "https://operators.example" })).toEqual([]);
    // The operator's own stored key does.
    const stored = places("azure", plain, { accountId: undefined });
    expect(stored.map(({ baseUrl }) => baseUrl)).toContain(
      "https://operators.openai.azure.com/openai/v1",
    );
  });

  test("is kept to its region, by our name of it or the provider's", () => {
    const regions = (id: string, secret: SecretFields, region: string) => [
      ...new Set(places(id, secret, { region }).map((place) => place.region)),
    ];
    expect(regions("bedrock", aws, "us-east-1")).toEqual(["us-east"]);
    expect(regions("bedrock", aws, "us-east")).toEqual(["us-east"]);
    expect(regions("openai", plain, "eu-west")).toEqual(["eu-west"]);
    expect(regions("openai", plain, "atlantis")).toEqual([]);
  });

  test("of another kind than the provider takes leads nowhere", () => {
    for (const [id, secret] of [
      ["openai", aws],
      ["openai", google],
      ["vertex", plain],
      ["vertex", aws],
      ["bedrock", google],
    ] as const)
      expect([id, secret.kind, places(id, secret)]).toEqual([id, secret.kind, []]);
  });

  test("leads nowhere where the operator switched the provider off", () => {
    expect(places("openai", plain, {}, { enabled: false })).toEqual([]);
  });

  test("with an address of its own is guarded, and the operator's is not", () => {
    const baseUrl = "https://own.example/v1";
    expect(places("openai", plain, { baseUrl }).map((one) => one.isGuarded)).toEqual([true]);
    const stored = places("openai", plain, { baseUrl, accountId: undefined });
    expect(stored.map((one) => one.isGuarded)).toEqual([undefined]);
    expect(places("openai", plain).some((one) => one.isGuarded)).toBe(false);
  });
});

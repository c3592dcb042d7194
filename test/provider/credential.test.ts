import { expect, test } from "bun:test";
import { loadCatalog } from "#src/catalog/load.ts";
import { ConfigError } from "#src/config/error.ts";
import { credentialOf, proofOf, type SecretFields } from "#src/provider/credential.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { accountJson, startTokenServer } from "#test/provider/google-kit.ts";

const { providers } = loadCatalog();
const clock = createFakeClock();
const leaving = { method: "POST", host: "h", path: "/x", headers: {}, body: "{}" };

/** The headers that prove a request to a provider with these fields. */
async function proven(id: string, fields: SecretFields): Promise<Record<string, string>> {
  const provider = providers.find((one) => one.id === id);
  if (provider === undefined) throw new Error(`no provider ${id}`);
  const { headers, signer } = proofOf(provider, credentialOf(fields, clock, "test"), "eu-west-1");
  return { ...headers, ...(await signer?.sign(leaving)) };
}

test("a key goes where its provider takes it, whatever characters it has", async () => {
  const key = "a$&b$1";
  expect(await proven("openai", { kind: "key", key })).toEqual({ Authorization: `Bearer ${key}` });
  expect(await proven("azure", { kind: "key", key })).toEqual({ "api-key": key });
  expect(await proven("bedrock", { kind: "key", key })).toEqual({ authorization: `Bearer ${key}` });
});

test("a key pair of AWS signs for its region", async () => {
  const fields = { kind: "aws" as const, accessKeyId: "AKID", secretAccessKey: "s" };
  const { authorization } = await proven("bedrock", fields);
  expect(authorization).toContain("Credential=AKID/20260115/eu-west-1/bedrock/aws4_request");
});

test("a service account's JSON is good for tokens, and a broken one is refused at once", async () => {
  const server = startTokenServer({ now: () => clock.now() });
  try {
    const json = accountJson(server.url);
    expect(await proven("vertex", { kind: "google", json })).toEqual({
      authorization: "Bearer ya29.token-1",
    });
    const broken = () => credentialOf({ kind: "google", json: "{" }, clock, "the credential");
    expect(broken).toThrow(ConfigError);
    expect(broken).toThrow("Cannot use the Google credential of the credential: it is no JSON");
  } finally {
    await server.stop();
  }
});

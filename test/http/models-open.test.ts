import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { setAccountRouting } from "#src/account/account-routing.ts";
import type { AccountRouting, ApiKey } from "#src/account/account.ts";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

/* What the lists show is what a call would reach: OpenAI in eu-west and us-east, Mistral in eu-west, CloudFerro in eu-central, as is assumed. */

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());
afterEach(async () => {
  await setAccountRouting(gateway.store, gateway.accountId, undefined);
  Object.assign(gateway.app.config.routing, { euOnly: false, allowAssumedRegions: false });
});

const openai = "openai/gpt-4o-mini";
const mistral = "mistral/mistral-small-3.2";

/** A key of its own, so that no account's wishes are remembered with it. */
async function keyOf(policy: Partial<ApiKey>, routing?: AccountRouting): Promise<string> {
  await setAccountRouting(gateway.store, gateway.accountId, routing);
  return gateway.mint(policy);
}

/** Providers of what is listed, without the automatic choices. */
async function listed(key: string, query = ""): Promise<unknown[]> {
  const { json } = await gateway.ask(`/v1/models${query}`, { key });
  const models = listAt(json, "data").filter((one) => at(one, "owned_by") !== "lowrouter");
  return [...new Set(models.flatMap((one) => listAt(one, "lowrouter.providers")))].toSorted();
}

const automatic = ["lowrouter/auto", "lowrouter/auto-cheap", "auto"];

/** The automatic choices that are listed. */
async function choices(key: string, query = ""): Promise<unknown[]> {
  const { json } = await gateway.ask(`/v1/models${query}`, { key });
  const found = listAt(json, "data").filter((one) => at(one, "owned_by") === "lowrouter");
  return found.map((one) => at(one, "id"));
}

async function status(key: string, model: string): Promise<number> {
  const body = { model, messages: [{ role: "user", content: "Hello" }], max_tokens: 10 };
  return (await gateway.ask("/v1/chat/completions", { key, body })).status;
}

test.each<[string, Partial<ApiKey>, AccountRouting | undefined, string[]]>([
  ["one region of a provider", { allowedProviders: ["openai/eu-west"] }, undefined, ["openai"]],
  ["a provider in capitals", { allowedProviders: ["Mistral"] }, undefined, ["mistral"]],
  ["a region without that provider", { allowedProviders: ["mistral/us-east"] }, undefined, []],
  ["a key's pin", { region: "us-east" }, undefined, ["openai"]],
  ["a key's pin to what is only assumed", { region: "eu-central" }, undefined, []],
  ["a key's pin to a country", { region: "country:FR" }, undefined, ["mistral"]],
  ["an account's pin", {}, { region: "us-east" }, ["openai"]],
  ["pins that leave nothing", { region: "eu-west" }, { region: "us-east" }, []],
  ["an account's providers", {}, { allowedProviders: ["mistral"] }, ["mistral"]],
  [
    "what an account ignores",
    { allowedProviders: ["openai", "mistral"] },
    { ignoredProviders: ["OpenAI"] },
    ["mistral"],
  ],
])("%s: the list has what the key can call, and no more", async (_, policy, routing, expected) => {
  const key = await keyOf(policy, routing);
  expect(await listed(key)).toEqual(expected);
  expect(await choices(key)).toEqual(expected.length > 0 ? automatic : []);
  for (const name of automatic) {
    expect((await status(key, name)) === 200).toBe(expected.length > 0);
    const one = await gateway.ask(`/v1/models/${name}`, { key });
    if (expected.length > 0) expect([one.status, at(one.json, "id")]).toEqual([200, name]);
    else expect(refusal(one)).toEqual([404, "model_not_found"]);
  }
  for (const [provider, model] of [
    ["openai", openai],
    ["mistral", mistral],
  ] as const) {
    const isOpen = expected.includes(provider);
    expect((await status(key, model)) === 200).toBe(isOpen);
    const one = await gateway.ask(`/v1/models/${model}`, { key });
    const places = await gateway.ask(`/v1/models/${model}/endpoints`, { key });
    const all = await gateway.ask("/v1/models?all=true", { key });
    const google = await gateway.ask("/v1beta/models", { key });
    const ofGoogle = await gateway.ask(`/v1beta/models/${model}`, { key });
    expect([one.status, places.status, ofGoogle.status]).toEqual(
      isOpen ? [200, 200, 200] : [404, 404, 404],
    );
    if (!isOpen) expect(refusal(places)).toEqual([404, "model_not_found"]);
    expect(all.text.includes(`"${model}"`)).toBe(isOpen);
    expect(google.text.includes(`"models/${model}"`)).toBe(isOpen);
  }
});

test("the operator's hold on the EU counts, as does what it says of assumed regions", async () => {
  const { routing } = gateway.app.config;
  routing.euOnly = true;
  const key = await keyOf({});
  expect(await listed(key)).toEqual(["mistral"]);
  expect([await status(key, openai), await status(key, mistral)]).toEqual([503, 200]);
  routing.allowAssumedRegions = true;
  expect(await listed(key)).toEqual(["cloudferro", "mistral"]);
});

test("what the account asks of data counts", async () => {
  const key = await keyOf({ allowedProviders: ["openai"] }, { zdr: true });
  expect(await status(key, openai)).toBe(503);
  expect(await listed(key)).toEqual([]);
});

test("the automatic choices are not listed for models that they do not take: those of vectors, old ones, and others' alone", async () => {
  const { json } = await gateway.ask("/v1/models?output_modalities=embeddings");
  const vectors = String(at(listAt(json, "data")[0], "id"));
  const { models, of } = gateway.app.routes;
  const old = models.find((one) => one.status === "deprecated" && of(one).length > 0)?.id ?? "";
  expect(await listed(await keyOf({ allowedModels: [old] }))).not.toEqual([]);
  for (const allowedModels of [[vectors], [old], ["nobody/nothing"]]) {
    const key = await keyOf({ allowedModels });
    for (const query of ["", "?all=true", "?output_modalities=all"])
      expect([query, await choices(key, query)]).toEqual([query, []]);
    expect((await gateway.ask("/v1/models/lowrouter/auto", { key })).status).toBe(404);
    expect(await status(key, "lowrouter/auto")).toBe(503);
  }
  const both = await keyOf({ allowedModels: [vectors, mistral] });
  expect(await choices(both)).toEqual(automatic);
  expect(await choices(both, "?output_modalities=embeddings")).toEqual([]);
});

test("a filter that is empty is none, and the names in one may have spaces around them", async () => {
  const under = async (query: string) => {
    const { json } = await gateway.ask(`/v1/models?${query}`);
    return listAt(json, "data").map((one) => at(one, "id"));
  };
  const all = await under("");
  expect(all.length).toBeGreaterThan(automatic.length);
  expect(await under("output_modalities=")).toEqual(all);
  expect(await under("supported_parameters=")).toEqual(all);
  expect(await under("supported_parameters=tools,%20seed,")).toEqual(
    await under("supported_parameters=tools,seed"),
  );
  expect(await under("output_modalities=text,%20embeddings")).toEqual(
    await under("output_modalities=all"),
  );
});

test("an entry names the places that are left to the key, and no other", async () => {
  const key = await keyOf({ allowedProviders: ["OpenAI/eu-west", "mistral"] });
  const { json } = await gateway.ask(`/v1/models/${openai}`, { key });
  expect([at(json, "lowrouter.providers"), at(json, "lowrouter.regions")]).toEqual([
    ["openai"],
    ["eu-west"],
  ]);
});

test("the endpoints of a model that the key may not use are a 404", async () => {
  const key = await keyOf({ allowedModels: [mistral] });
  expect(refusal(await gateway.ask(`/v1/models/${openai}/endpoints`, { key }))).toEqual([
    404,
    "model_not_found",
  ]);
  expect((await gateway.ask(`/v1/models/${mistral}/endpoints`, { key })).status).toBe(200);
});

test("?all=true adds what nothing but a credential is missing for, of the models that the key allows", async () => {
  const everything = await gateway.ask("/v1/models?all=true");
  const shut = listAt(everything.json, "data").find(
    (one) => at(one, "lowrouter.routable") === false,
  );
  const id = String(at(shut, "id"));
  const key = await keyOf({ allowedProviders: ["mistral"], allowedModels: [id, mistral, openai] });
  const ids = async (query: string) =>
    listAt((await gateway.ask(`/v1/models${query}`, { key })).json, "data")
      .filter((one) => at(one, "owned_by") !== "lowrouter")
      .map((one) => [at(one, "id"), at(one, "lowrouter.routable")]);
  expect(await ids("")).toEqual([[mistral, true]]);
  expect((await ids("?all=true")).toSorted()).toEqual(
    [
      [id, false],
      [mistral, true],
    ].toSorted(),
  );
  expect((await gateway.ask(`/v1/models/${id}`, { key })).status).toBe(200);
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createCatalogue } from "#src/catalogue.ts";
import { loadConfig } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = scriptedUpstream(() => completion("Hi"));
  gateway = await startGateway({
    config(config) {
      config.providers.house = {
        protocol: "openai-chat",
        base_url: upstream.url,
        region: "eu-west",
        country: "FR",
        wh_per_1k_tokens: 2,
        pue: 1.5,
      };
      config.providers.plain = { protocol: "openai-chat", base_url: upstream.url, country: "FR" };
      config.models = [
        { id: "house/size-unknown", provider: "house" },
        { id: "house/own-figure", provider: "house", wh_per_1k_tokens: 0.4 },
        { id: "meta-llama/llama-3.3-70b-instruct", provider: "house" },
        { id: "meta-llama/llama-3.1-8b-instruct", provider: "plain" },
      ].map((model) => ({ ...model, input_per_million: 1, output_per_million: 1 }));
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

test.each([
  ["house/size-unknown", 2],
  ["house/own-figure", 0.4],
  ["meta-llama/llama-3.3-70b-instruct", 2],
])("%s at a measured server is estimated by the measurement alone", async (model, whPer1k) => {
  const reply = await gateway.chat({ model, provider: { only: ["house"] } });
  const id = reply.headers.get("x-lowrouter-generation-id");
  const record = await gateway.ask(`/v1/generation/${id}`);
  const { json } = await gateway.ask(`/v1/generation/${id}/eco`);
  const tokens = Number(at(record.json, "total_tokens"));
  const grid = Number(at(json, "explanation.grid.g_per_kwh"));
  expect(at(json, "explanation.grid.zone")).toBe("FRA");
  const energy = (whPer1k / 1000) * 1.5 * tokens;
  expect(at(record.json, "eco")).toEqual({
    energy_wh: expect.closeTo(energy, 9),
    carbon_g: expect.closeTo((energy * grid) / 1000, 9),
    carbon_per_1k_tokens_g: expect.closeTo((whPer1k * 1.5 * grid) / 1000, 9),
    accuracy: "accurate",
    methodology_version: "v0.4-2026-01+measured",
  });
  expect(reply.text).toContain(JSON.stringify(at(record.json, "eco")));
  expect(at(json, "explanation.measured")).toMatchObject({ wh_per_1k_tokens: whPer1k, pue: 1.5 });
  expect(at(json, "explanation.result")).toEqual(at(record.json, "eco"));
});

test("a server without a measurement keeps the estimate of the methodology", async () => {
  const reply = await gateway.chat({
    model: "meta-llama/llama-3.1-8b-instruct",
    provider: { only: ["plain"] },
  });
  const id = reply.headers.get("x-lowrouter-generation-id");
  const record = await gateway.ask(`/v1/generation/${id}`);
  expect(at(record.json, "eco.methodology_version")).toBe("v0.4-2026-01");
});

test("the bundled methodologies stand beside a measurement where they know the model", async () => {
  const reply = await gateway.chat({
    model: "meta-llama/llama-3.3-70b-instruct",
    provider: { only: ["house"] },
  });
  const id = reply.headers.get("x-lowrouter-generation-id");
  const { json } = await gateway.ask(`/v1/generation/${id}/eco`);
  expect(at(json, "explanation.other_methodologies")).toMatchObject([
    { methodology_version: "v0.4-2026-01", result: { energy_wh: expect.any(Number) } },
    { methodology_version: "v0.11-2026-10", result: { energy_wh: expect.any(Number) } },
  ]);
});

test("a server that is not the operator's cannot be measured", () => {
  const config = loadConfig({ dataDir: "x" }, { OPENAI_API_KEY: "x" });
  config.providers.openai = { wh_per_1k_tokens: 1 };
  expect(() => createCatalogue(config, systemClock)).toThrow(
    "Cannot use wh_per_1k_tokens of providers.openai: only a server of your own can be measured",
  );
});

test("a PUE without a measurement is refused; one model's measurement is enough", () => {
  const config = loadConfig({ dataDir: "x" }, {});
  config.providers.house = { base_url: "http://127.0.0.1:9/v1", pue: 1.2 };
  config.models = [{ id: "house/one", provider: "house" }];
  expect(() => createCatalogue(config, systemClock)).toThrow(
    "Cannot use pue = 1.2 of providers.house: it multiplies what was measured, and nothing was. Set wh_per_1k_tokens",
  );
  config.models.push({ id: "house/two", provider: "house", wh_per_1k_tokens: 2 });
  const { routes } = createCatalogue(config, systemClock);
  const measuredOf = (id: string) => {
    const found = routes.find(id);
    return found && routes.of(found.model).map(({ measured }) => measured);
  };
  expect(measuredOf("house/two")).toEqual([{ whPer1kTokens: 2, pue: 1.2 }]);
  expect(measuredOf("house/one")).toEqual([undefined]);
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

const [llama, mini] = ["meta-llama/llama-3.3-70b-instruct", "openai/gpt-4o-mini"];
let gateway: TestGateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = scriptedUpstream(() => completion("Hi"));
  gateway = await startGateway({
    config(config) {
      config.providers.house = { base_url: upstream.url, country: "FR" };
      const prices = { input_per_million: 0, output_per_million: 0 };
      config.models = [
        { id: llama, provider: "house", vision: true, ...prices },
        { id: mini, provider: "house", tools: false, ...prices },
      ];
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const pixel =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const picture = [{ role: "user", content: [{ type: "image_url", image_url: { url: pixel } }] }];
const tools = [{ type: "function", function: { name: "f", parameters: { type: "object" } } }];
const only = (...names: string[]) => ({ provider: { only: names } });

test("a bundled model takes at the operator's server what the operator says that it takes there", async () => {
  const { status, headers } = await gateway.chat({ model: llama, messages: picture });
  expect([status, headers.get("x-lowrouter-provider")]).toEqual([200, "house"]);
});

test("it gets no tools where the operator says that it takes none, and gets them elsewhere", async () => {
  const refused = await gateway.chat({ model: mini, tools, ...only("house") });
  expect([refused.status, at(refused.json, "error.code")]).toEqual([400, "unsupported_feature"]);
  const served = await gateway.chat({ model: mini, tools, ...only("house", "openai") });
  expect([served.status, served.headers.get("x-lowrouter-provider")]).toEqual([200, "openai"]);
  const plain = await gateway.chat({ model: mini, ...only("house") });
  expect([plain.status, plain.headers.get("x-lowrouter-provider")]).toEqual([200, "house"]);
});

test("its card says what it takes somewhere", async () => {
  const { json } = await gateway.ask(`/v1/models/${llama}`);
  expect(at(json, "lowrouter.capabilities")).toContain("vision");
  const card = await gateway.ask(`/v1/models/${mini}`);
  expect(at(card.json, "lowrouter.capabilities")).toContain("tool_use");
});

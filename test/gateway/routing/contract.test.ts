import { afterAll, beforeAll, expect, test } from "bun:test";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/* What the contract says of routing in figures and in words that stand in no other table. */

let gateway: TestGateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = scriptedUpstream(() => completion("Hi"));
  gateway = await startGateway({
    config(config) {
      const place = { protocol: "openai-chat" as const, base_url: upstream.url, country: "FR" };
      config.providers = {
        cheap: { ...place, region: "eu-west" },
        near: { ...place, region: "eu-west" },
        dear: { ...place, region: "eu-west" },
        openai: { base_url: upstream.url },
      };
      const at_ = (provider: string, id: string, price: number) => ({
        id,
        provider,
        input_per_million: price,
        output_per_million: price,
      });
      config.models = [
        at_("cheap", "test/tied", 1000),
        at_("near", "test/tied", 1009.9),
        at_("cheap", "test/apart", 1000),
        at_("dear", "test/apart", 1010.1),
      ];
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const cheapest = { route: { policy: "prefer-cheapest" } };
/** Who served so many requests, each begun with other words. */
async function served(model: string, times: number, more: (time: number) => object = () => ({})) {
  const seen = new Set<string>();
  for (let time = 0; time < times; time++) {
    const messages = [{ role: "user", content: `Question ${time}` }];
    const reply = await gateway.chat({ model, messages, ...cheapest, ...more(time) });
    expect(reply.status).toBe(200);
    seen.add(String(reply.headers.get("x-lowrouter-provider")));
  }
  return [...seen].toSorted();
}

test("scores within one in a hundred are equal, and drawn; beyond, the better is taken", async () => {
  // By chance alone this fails once in 2^39 runs.
  expect(await served("test/tied", 40)).toEqual(["cheap", "near"]);
  expect(await served("test/apart", 40)).toEqual(["cheap"]);
});

test("among equals, a user stays where it was served", async () => {
  for (const user of ["ada", "eve", "bob"])
    expect(await served("test/tied", 8, () => ({ user }))).toHaveLength(1);
});

test("a region that nobody tells satisfies no pin, and is told as global", async () => {
  const ask = { model: "openai/gpt-4o-mini" };
  const free = await gateway.chat(ask);
  expect([free.status, at(free.json, "lowrouter.region")]).toEqual([200, "global"]);
  const asked = upstream.requests();
  for (const region of ["eu-west", "us-east"])
    expect(refusal(await gateway.chat({ ...ask, route: { region } }))).toEqual([
      503,
      "service_unavailable",
    ]);
  expect(upstream.requests()).toBe(asked);
});

test("a region that was told can be sent back as a pin, and is obeyed", async () => {
  const told = await gateway.chat({ model: "test/apart" });
  const region = at(told.json, "lowrouter.region");
  const again = await gateway.chat({ model: "test/apart", route: { region } });
  expect([again.status, at(again.json, "lowrouter.region")]).toEqual([200, region]);
});

test("route takes both of its forms at once, and no other word", async () => {
  const both = {
    models: ["test/apart", "test/tied"],
    route: { mode: "fallback", region: "eu-west" },
  };
  expect((await gateway.chat({ ...both, model: undefined })).status).toBe(200);
  for (const route of ["sometimes", { mode: "sometimes" }])
    expect(refusal(await gateway.chat({ route }))).toEqual([400, "invalid_value"]);
  expect(refusal(await gateway.chat({ provider: "openai" }))[0]).toBe(400);
  const apart = { route: { provider: "cheap" }, provider: { only: ["near"] } };
  expect(refusal(await gateway.chat({ model: "test/tied", ...apart }))).toEqual([
    400,
    "conflicting_route",
  ]);
});

test("every answer's trace says who was considered, who won, and why", async () => {
  const reply = await gateway.chat({ model: "test/apart", ...cheapest });
  const id = String(at(reply.json, "lowrouter.generation_id"));
  const { json } = await gateway.ask(`/v1/generation/${id}`);
  expect(
    listAt(json, "routing_trace").map((one) => [
      at(one, "provider"),
      at(one, "decision"),
      at(one, "reason"),
    ]),
  ).toEqual([
    ["cheap", "selected", "lowest_price"],
    ["dear", "considered", "lowest_price"],
  ]);
});

test("a slug is a provider in any of its regions, or in one, in any case of its letters", async () => {
  const ask = async (only: string[]) =>
    (await gateway.chat({ model: "test/tied", provider: { only } })).headers.get(
      "x-lowrouter-provider",
    );
  expect(await ask(["NEAR"])).toBe("near");
  expect(await ask(["Near/EU-West"])).toBe("near");
  const elsewhere = await gateway.chat({
    model: "test/tied",
    provider: { only: ["near/us-east"] },
  });
  expect(refusal(elsewhere)).toEqual([503, "service_unavailable"]);
});

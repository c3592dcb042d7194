import { afterEach, beforeEach, expect, test } from "bun:test";
import { setAccountRouting } from "#src/account/account-routing.ts";
import { isObject } from "#src/lib/json.ts";
import { systemClock } from "#src/lib/clock.ts";
import { at, listAt, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let france: ScriptedUpstream;
let sweden: ScriptedUpstream;
/** The body that reached an upstream last. */
let sent: unknown;

beforeEach(async () => {
  const answer = async (request: Request) => {
    sent = await request.json();
    return completion("Hi");
  };
  france = scriptedUpstream(answer);
  sweden = scriptedUpstream(answer);
  // From the start of a minute: twenty requests that a new one divides would be limited by none.
  const ahead = 60_000 - (systemClock.now() % 60_000);
  gateway = await startGateway({
    clock: { ...systemClock, now: () => systemClock.now() + ahead },
    balance: 1,
    config(config) {
      config.providers = {
        "in-france": {
          protocol: "openai-chat",
          base_url: france.url,
          region: "eu-west",
          country: "FR",
        },
        "in-sweden": {
          protocol: "openai-chat",
          base_url: sweden.url,
          region: "eu-north",
          country: "SE",
        },
      };
      config.providers.openai = { base_urls: { "us-east": france.url } };
      const free = { input_per_million: 0, output_per_million: 0 };
      config.models = [
        { id: "own/model", provider: "in-france", ...free },
        { id: "own/model", provider: "in-sweden", input_per_million: 1, output_per_million: 1 },
        { id: "own/half", provider: "in-france" },
        { id: "own/half", provider: "in-sweden", input_per_million: 1, output_per_million: 1 },
      ];
    },
  });
});
afterEach(async () => {
  await gateway.close();
  await france.stop();
  await sweden.stop();
});

const model = "own/model";
const placed = async (body: object, headers = {}) => {
  const reply = await gateway.chat({ model, ...body }, headers);
  return [reply.status, at(reply.json, "lowrouter.region") ?? at(reply.json, "error.code")];
};

test.each<[string, object, Record<string, string>, [number, string]]>([
  ["route.country", { route: { country: "FR" } }, {}, [200, "eu-west"]],
  ["route.grid_zone", { route: { grid_zone: "SWE" } }, {}, [200, "eu-north"]],
  [
    "a region of its own in the header",
    {},
    { "x-lowrouter-region": "eu-north" },
    [200, "eu-north"],
  ],
  ["a country where nobody is", { route: { country: "DE" } }, {}, [503, "service_unavailable"]],
  ["a country that is none", { route: { country: "ZZ" } }, {}, [400, "invalid_value"]],
  [
    "eu in the header",
    { provider: { only: ["in-france"] } },
    { "x-lowrouter-region": "eu" },
    [200, "eu-west"],
  ],
  ["a header that names nothing", {}, { "x-lowrouter-region": "mars" }, [400, "invalid_value"]],
])("%s decides where a request goes", async (_, body, headers, expected) => {
  expect(await placed(body, headers)).toEqual(expected);
});

test("the answer says how its region is known, and the trace says who was considered and why", async () => {
  const reply = await gateway.chat({ model, route: { policy: "prefer-low-carbon" } });
  expect(reply.headers.get("x-lowrouter-region-basis")).toBe("operator-config");
  const id = String(at(reply.json, "lowrouter.generation_id"));
  const { json } = await gateway.ask(`/v1/generation/${id}`);
  expect(listAt(json, "routing_trace").map((one) => (isObject(one) ? one : {}))).toEqual([
    {
      provider: "in-sweden",
      region: "eu-north",
      model,
      decision: "selected",
      reason: "lowest_carbon",
      basis: "operator-config",
    },
    {
      provider: "in-france",
      region: "eu-west",
      model,
      decision: "considered",
      reason: "lowest_carbon",
      basis: "operator-config",
    },
  ]);
});

test("a key is pinned to a country by the management API, and misspelt pins and policies are refused", async () => {
  const make = (body: object) => gateway.manage("/api/v1/keys", { body: { name: "k", ...body } });
  const made = await make({ region: "country:SE", policy: "prefer-region:eu-north" });
  expect([made.status, at(made.json, "data.region"), at(made.json, "data.policy")]).toEqual([
    201,
    "country:SE",
    "prefer-region:eu-north",
  ]);
  const reply = await gateway.chatAs(String(at(made.json, "key")), { model });
  expect(at(reply.json, "lowrouter.region")).toBe("eu-north");
  for (const region of ["country:ZZ", "zone:nowhere", "europe"])
    expect(refusal(await make({ region }))).toEqual([400, "invalid_value"]);
  expect(refusal(await make({ policy: "prefer-regions:eu" }))).toEqual([400, "invalid_value"]);
});

test("an account's wishes hold for all its keys, at once", async () => {
  expect(await placed({})).toEqual([200, "eu-west"]);
  await setAccountRouting(gateway.store, gateway.accountId, { region: "country:SE" });
  await Bun.sleep(60); // As long as a cache of keys may be behind another process.
  expect(await placed({})).toEqual([200, "eu-north"]);
  expect(await placed({ route: { country: "FR" } })).toEqual([503, "service_unavailable"]);
  await setAccountRouting(gateway.store, gateway.accountId, { ignoredProviders: ["in-france"] });
  await Bun.sleep(60);
  expect(await placed({})).toEqual([200, "eu-north"]);
});

test("a conversation stays where it was answered, and that is said", async () => {
  const reasons: unknown[] = [];
  for (const content of ["A conversation", "A conversation", "Another"]) {
    const reply = await gateway.chat({ model, messages: [{ role: "user", content }] });
    const id = String(at(reply.json, "lowrouter.generation_id"));
    const { json } = await gateway.ask(`/v1/generation/${id}`);
    reasons.push(at(json, "routing_trace.0.reason"));
  }
  expect(reasons).toEqual(["best_balance", "sticky", "best_balance"]);
  const told = listAt((await gateway.ask("/v1/providers")).json, "data");
  const france = told.find((one) => at(one, "id") === "in-france");
  expect(at(france, "conversations")).toEqual({
    stayed: 1,
    moved_here: 0,
    begun: 2,
    stayed_share: 1,
  });
});

test(":free serves at no price only, twenty times a minute for all keys of an account", async () => {
  const free = { model: `${model}:free` };
  const other = await gateway.mint({});
  for (let request = 0; request < 20; request++) {
    const reply = request % 2 === 0 ? await gateway.chat(free) : await gateway.chatAs(other, free);
    expect([reply.status, at(reply.json, "lowrouter.region")]).toEqual([200, "eu-west"]);
  }
  const refused = await gateway.chat(free);
  expect(refusal(refused)).toEqual([429, "rate_limit_exceeded"]);
  expect(refused.headers.get("x-ratelimit-limit")).toBe("20");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await gateway.chat({ model })).status).toBe(200);
  expect((await gateway.chatAs(await gateway.stranger(), free)).status).toBe(200);
  expect(sweden.requests()).toBe(0);
});

test(":thinking turns reasoning on at the upstream, in its words, and nothing else changes", async () => {
  const asked = { model: "openai/o4-mini:thinking", temperature: undefined };
  const reply = await gateway.chat(asked);
  expect([reply.status, at(reply.json, "model")]).toEqual([200, "openai/o4-mini"]);
  expect([at(sent, "model"), at(sent, "reasoning_effort")]).toEqual(["o4-mini", "medium"]);
  expect(at(sent, "messages.0.content")).toBe("Hello");
  await gateway.chat({ ...asked, reasoning_effort: "low" });
  expect(at(sent, "reasoning_effort")).toBe("low");
  await gateway.chat({ ...asked, model: "openai/o4-mini" });
  expect(at(sent, "reasoning_effort")).toBeUndefined();
});

test.each([
  ["a long question", "x".repeat(100_000)],
  ["a long one beyond ASCII", `ü${"x".repeat(100_000)}日`],
  ["a short one beyond ASCII", "ü日"],
])(":thinking leaves %s as it is", async (_, content) => {
  const messages = [{ role: "user", content }];
  const reply = await gateway.chat({ model: "openai/o4-mini:thinking", messages });
  expect([reply.status, at(sent, "reasoning_effort")]).toEqual([200, "medium"]);
  expect(at(sent, "messages")).toEqual(messages);
});

test("a prepaid account is not sent where there is no price, as long as there is one elsewhere", async () => {
  const reply = await gateway.chat({ model: "own/half" });
  expect([reply.status, at(reply.json, "lowrouter.region")]).toEqual([200, "eu-north"]);
  const id = String(at(reply.json, "lowrouter.generation_id"));
  const { json } = await gateway.ask(`/v1/generation/${id}`);
  expect(at(json, "routing_trace.0.reason")).toBe("unpriced");
  const only = await gateway.chat({ model: "own/half", provider: { only: ["in-france"] } });
  expect(refusal(only)).toEqual([403, "not_meterable"]);
});

import { afterEach, expect, test } from "bun:test";
import type { Config } from "#src/config/load.ts";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let answer: () => Response;
let ahead = 0;
const clock: Clock = {
  now: () => systemClock.now() + ahead,
  monotonic: () => systemClock.monotonic() + ahead,
};
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

async function start(change: (config: Config) => void = () => {}): Promise<void> {
  ahead = 0;
  answer = () => completion("Hi");
  upstream = scriptedUpstream(() => answer());
  gateway = await startGateway({
    clock,
    config(config) {
      config.providers = {
        openai: { base_urls: { "us-east": upstream.url } },
        google: { base_url: upstream.url, also_speaks: [] },
      };
      change(config);
    },
  });
}
const failing =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    Response.json({ error: { message: "no" } }, { status, headers });

test("a model whose only place is left alone is a 503 that says why, and when it is asked again", async () => {
  await start();
  answer = failing(500);
  for (let time = 0; time < 3; time++) await gateway.chat();
  const open = await gateway.chat();
  expect(refusal(open)).toEqual([503, "service_unavailable"]);
  expect(open.text).toContain("openai/us-east is circuit_open");
  const wait = Number(open.headers.get("retry-after"));
  expect(wait).toBeGreaterThan(25);
  expect(wait).toBeLessThanOrEqual(30);
  ahead += 20_000;
  expect(Number((await gateway.chat()).headers.get("retry-after"))).toBeLessThanOrEqual(10);
  // The probe fails: it is left alone for twice as long.
  ahead += 10_000;
  await gateway.chat();
  const again = await gateway.chat();
  expect(Number(again.headers.get("retry-after"))).toBeGreaterThan(50);
});

test("one that asked to be left alone is waited for as long as it asked", async () => {
  await start();
  answer = failing(429, { "retry-after": "7" });
  await gateway.chat();
  const reply = await gateway.chat();
  expect(refusal(reply)).toEqual([503, "service_unavailable"]);
  expect(reply.text).toContain("openai/us-east is cooling; ask again in 7 s");
  expect(reply.headers.get("retry-after")).toBe("7");
});

test("beside a pin, the place that is left alone is none to be sent to", async () => {
  await start(({ providers }) => {
    providers.openai = { base_urls: { "us-east": upstream.url, "eu-west": upstream.url } };
  });
  answer = failing(429, { "retry-after": "7" });
  const pinned = { route: { region: "us-east" } };
  await gateway.chat(pinned);
  const reply = await gateway.chat(pinned);
  expect(reply.text).toContain(
    "openai/us-east is cooling, region_pin; reachable at openai/eu-west",
  );
});

test("one that refuses our credential says so", async () => {
  await start();
  answer = failing(401);
  for (let time = 0; time < 3; time++) await gateway.chat();
  const reply = await gateway.chat();
  expect(reply.text).toContain("openai/us-east is credential_refused");
});

test("max_price is that of the dearest tier which the prompt may reach, and of no tier beyond", async () => {
  await start((config) => {
    config.providers = { google: { base_url: upstream.url } };
  });
  const { routes } = gateway.app;
  const found = routes.models.find((model) =>
    routes.of(model).some(({ endpoint }) => endpoint.prices.some((row) => row.tiers?.length)),
  );
  const [route] = found ? routes.of(found) : [];
  const row = route?.endpoint.prices.findLast((one) => one.tiers?.length);
  const [tier] = row?.tiers ?? [];
  if (found === undefined || row === undefined || tier === undefined)
    throw new Error("The catalogue has no model at google that costs more for long prompts");
  const bound = (Number(row.input) + Number(tier.input)) / 2;
  const asked = (content: string, prompt: number) =>
    gateway.chat({
      model: found.id,
      max_tokens: 10,
      messages: [{ role: "user", content }],
      provider: { max_price: { prompt } },
    });
  const long = "x".repeat(tier.aboveInputTokens + 1000);
  const refused = await asked(long, bound);
  expect([...refusal(refused), at(refused.json, "error.metadata.reasons")]).toEqual([
    503,
    "service_unavailable",
    ["max_price"],
  ]);
  expect((await asked(long, Number(tier.input))).text).not.toContain("max_price");
  expect((await asked("Hello", bound)).text).not.toContain("max_price");
  expect((await asked("Hello", Number(row.input) / 2)).text).toContain("max_price");
});

test.each<[object, number, string | undefined]>([
  [{ policy: "prefer-region" }, 400, undefined],
  [{ policy: "fixed-provider" }, 400, undefined],
  [{ policy: "prefer-region:mars" }, 400, undefined],
  [{ policy: "fixed-provider:nobody" }, 400, undefined],
  [{ policy: "cheapest" }, 400, undefined],
  [{ policy: "prefer-region", region: "us-east" }, 201, "prefer-region:us-east"],
  [{ policy: "prefer-region:eu" }, 201, "prefer-region:eu"],
  [{ policy: "prefer-region:country:FR" }, 201, "prefer-region:country:FR"],
  [{ policy: "fixed-provider:openai/us-east" }, 201, "fixed-provider:openai/us-east"],
  [{ policy: "prefer-cheapest" }, 201, "prefer-cheapest"],
])("a key with %j is %d: a policy that means nothing is not kept", async (body, status, kept) => {
  await start();
  const made = await gateway.manage("/api/v1/keys", { body: { name: "k", ...body } });
  expect([made.status, at(made.json, "data.policy")]).toEqual([status, kept]);
  if (status === 400) expect(at(made.json, "error.param")).toBe("policy");
});

const lists = "GET /v1/models lists what it may call";

test("what a refusal names as reachable is what this key may use", async () => {
  await start(({ providers }) => {
    providers.openai = { base_urls: { "us-east": upstream.url, "eu-west": upstream.url } };
  });
  const pinned = await gateway.mint({ region: "eu-west" });
  const one = await gateway.chatAs(pinned, { provider: { ignore: ["openai/eu-west"] } });
  expect(at(one.json, "error.message")).toEndWith("; reachable at openai/eu-west");
  const nowhere = await gateway.chatAs(await gateway.mint({ region: "country:FR" }));
  expect(at(nowhere.json, "error.message")).toBe(
    `Cannot route "openai/gpt-4o-mini" in FR: country_pin; nowhere else may this API key use it; ${lists}`,
  );
});

test("only what heals by itself is tried again by the official clients", async () => {
  await start();
  const models = await Promise.all([
    gateway.chat({ provider: { ignore: ["openai"] } }),
    gateway.chat({ route: { region: "eu-north" } }),
    gateway.chat({ model: "auto", provider: { ignore: ["openai", "google"] } }),
  ]);
  for (const reply of models) {
    expect([reply.status, reply.headers.get("x-should-retry")]).toEqual([503, "false"]);
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  answer = failing(429, { "retry-after": "7" });
  await gateway.chat();
  const shut = await gateway.chat();
  expect([shut.status, shut.headers.get("x-should-retry")]).toEqual([503, null]);
});

test("the automatic choice says what ruled its models out", async () => {
  await start();
  const reply = await gateway.chat({ model: "auto", provider: { ignore: ["openai", "google"] } });
  expect([...refusal(reply), at(reply.json, "error.metadata.reasons")]).toEqual([
    503,
    "service_unavailable",
    ["provider_ignored"],
  ]);
  expect(at(reply.json, "error.message")).toBe(
    "No model that is reachable now can serve this request: provider_ignored",
  );
});

test.each<[Record<string, unknown>, string]>([
  [{ provider: { only: ["mistral"] } }, "provider.only"],
  [{ provider: { ignore: ["openai"] } }, "provider.ignore"],
  [{ provider: { order: ["mistral"], allow_fallbacks: false } }, "provider.order"],
  [{ provider: { quantizations: ["int4"] } }, "provider.quantizations"],
  [{ provider: { max_price: { prompt: 0 } } }, "provider.max_price"],
])("%j names the member that leaves nobody", async (body, param) => {
  await start();
  const reply = await gateway.chat(body);
  expect([reply.status, at(reply.json, "error.param")]).toEqual([503, param]);
});

test.each(["only", "quantizations"])(
  "an empty provider.%s is a mistake that says so",
  async (name) => {
    await start();
    const reply = await gateway.chat({ provider: { [name]: [] } });
    expect([...refusal(reply), at(reply.json, "error.param")]).toEqual([
      400,
      "invalid_value",
      `provider.${name}`,
    ]);
    expect(at(reply.json, "error.message")).toContain("an empty list allows none");
    expect(upstream.requests()).toBe(0);
  },
);

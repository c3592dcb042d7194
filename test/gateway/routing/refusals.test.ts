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

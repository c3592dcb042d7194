import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Clock, systemClock } from "#src/lib/clock.ts";
import {
  at,
  listAt,
  refusal,
  type Reply,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/* An open circuit puts its route behind all others; where no other is left, it is asked all the same, once at a time. */

type Script = () => Response | Promise<Response>;
const works: Script = () => completion("Hi");
const fails: Script = () => Response.json({ error: { message: "no" } }, { status: 500 });

let gateway: TestGateway;
let us: ScriptedUpstream;
let eu: ScriptedUpstream;
let scripts: { us: Script; eu: Script };
let ahead = 0;
const clock: Clock = {
  now: () => systemClock.now() + ahead,
  monotonic: () => systemClock.monotonic() + ahead,
};
beforeEach(async () => {
  ahead = 0;
  scripts = { us: works, eu: works };
  us = scriptedUpstream(() => scripts.us());
  eu = scriptedUpstream(() => scripts.eu());
  gateway = await startGateway({
    clock,
    config(config) {
      config.providers = { openai: { base_urls: { "us-east": us.url, "eu-west": eu.url } } };
    },
  });
});
afterEach(async () => {
  await gateway.close();
  await us.stop();
  await eu.stop();
});

const inEurope = { route: { region: "eu-west" } };
const inOrder = { provider: { order: ["openai/us-east", "openai/eu-west"] } };
const received = () => [us.requests(), eu.requests()];

/** Opens the circuit of one region, and lets it rest for as long as it has to. */
async function open(place: "us" | "eu"): Promise<void> {
  const before = scripts[place];
  scripts[place] = fails;
  const region = place === "us" ? "us-east" : "eu-west";
  for (let time = 0; time < 3; time++) await gateway.chat({ route: { region } });
  scripts[place] = before;
  ahead += 1000;
}

async function traceOf(reply: Reply): Promise<unknown[]> {
  const id = String(at(reply.json, "lowrouter.generation_id"));
  const record = await gateway.ask(`/v1/generation/${id}`);
  return listAt(record.json, "routing_trace").map((one) =>
    [at(one, "region"), at(one, "decision"), at(one, "reason")].join(" "),
  );
}

test("the only route of a pin answers again as soon as it can, and its circuit closes", async () => {
  await open("eu");
  const reply = await gateway.chat(inEurope);
  expect([reply.status, at(reply.json, "lowrouter.region")]).toEqual([200, "eu-west"]);
  expect(await traceOf(reply)).toContain("eu-west selected last_resort");
  const next = await gateway.chat(inEurope);
  expect((await traceOf(next)).join()).not.toContain("last_resort");
  expect(received()).toEqual([0, 5]);
});

test("one that is still dead is asked once a second at most, and the client is told the 503 of an open circuit", async () => {
  await open("eu");
  scripts.eu = fails;
  for (let second = 1; second <= 3; second++) {
    const replies = await Promise.all([1, 2, 3, 4].map(() => gateway.chat(inEurope)));
    for (const reply of replies) {
      expect(refusal(reply)).toEqual([503, "service_unavailable"]);
      expect(reply.text).toMatch(/openai.{1,4}eu-west is (circuit_open|probing)/);
      expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(received()).toEqual([0, 3 + second]);
    ahead += 1000;
  }
  expect(await gateway.imbalances()).toBe(0);
});

test("while its probe is on its way, nobody else is sent there", async () => {
  await open("eu");
  const { promise, resolve } = Promise.withResolvers<Response>();
  scripts.eu = () => promise;
  const probe = gateway.chat(inEurope);
  while (eu.requests() < 4) await Bun.sleep(1);
  ahead += 5000;
  const others = await Promise.all([1, 2, 3].map(() => gateway.chat(inEurope)));
  expect(others.map(({ status }) => status)).toEqual([503, 503, 503]);
  expect(received()).toEqual([0, 4]);
  resolve(completion("Hi"));
  expect((await probe).status).toBe(200);
});

test("it comes behind all that are well, and its turn comes when they fail", async () => {
  await open("us");
  const usual = await gateway.chat(inOrder);
  expect([at(usual.json, "lowrouter.region"), received()]).toEqual(["eu-west", [3, 1]]);
  scripts.eu = fails;
  const moved = await gateway.chat(inOrder);
  expect([moved.status, at(moved.json, "lowrouter.region")]).toEqual([200, "us-east"]);
  expect(await traceOf(moved)).toEqual([
    "eu-west failed upstream_500",
    "us-east filtered circuit_open",
    "us-east selected last_resort",
  ]);
  expect((await gateway.rows()).at(-1)).toMatchObject({ status: "ok", region: "us-east" });
});

test("what the last that is well said is told, where the last resort fails too", async () => {
  await open("us");
  scripts = { us: fails, eu: fails };
  expect(refusal(await gateway.chat(inOrder))).toEqual([502, "upstream_error"]);
  expect(received()).toEqual([4, 1]);
});

test("a pin is not left for another region's last resort, nor the first choice's region where fallback is off", async () => {
  await open("us");
  scripts.eu = fails;
  for (const route of [{ region: "eu-west" }, { policy: "prefer-region:eu-west", fallback: false }])
    expect((await gateway.chat({ route })).status).toBeGreaterThanOrEqual(502);
  const first = await gateway.chat({ route: { fallback: false } });
  expect(first.status).toBeGreaterThanOrEqual(502);
  expect(received()).toEqual([3, 3]);
});

test("one that refuses our credential, or asked to be left alone, is no last resort", async () => {
  const refuses = (status: number, headers: Record<string, string> = {}) => {
    return () => Response.json({ error: { message: "no" } }, { status, headers });
  };
  scripts = { us: refuses(429, { "retry-after": "60" }), eu: refuses(401) };
  await gateway.chat({ route: { region: "us-east" } });
  for (let time = 0; time < 3; time++) await gateway.chat(inEurope);
  ahead += 5000;
  const before = received();
  expect(refusal(await gateway.chat())).toEqual([503, "service_unavailable"]);
  expect(received()).toEqual(before);
});

test("a hedge starts nothing where only an open circuit is left", async () => {
  await open("us");
  const key = await gateway.mint({ hedge: true });
  for (let time = 0; time < 5; time++) await gateway.chatAs(key, inOrder);
  const { promise, resolve } = Promise.withResolvers<Response>();
  scripts.eu = () => promise;
  const slow = gateway.chatAs(key, inOrder);
  // Far longer than it usually takes.
  await Bun.sleep(200);
  resolve(completion("Hi"));
  expect(at((await slow).json, "lowrouter.region")).toBe("eu-west");
  expect(received()).toEqual([3, 6]);
});

test("a model that we choose is asked where it is left alone, when nothing else is left", async () => {
  const only = {
    model: "lowrouter/auto",
    plugins: [{ id: "auto-router", allowed_models: ["openai/gpt-4o-mini"] }],
    ...inEurope,
  };
  await open("eu");
  const reply = await gateway.chat(only);
  expect([reply.status, at(reply.json, "model")]).toEqual([200, "openai/gpt-4o-mini"]);
  expect(await traceOf(reply)).toContain("eu-west selected last_resort");
});

test("a model that we choose is told as left alone, and asked, once at each of its places", async () => {
  await open("us");
  await open("eu");
  const reply = await gateway.chat({
    model: "lowrouter/auto",
    plugins: [{ id: "auto-router", allowed_models: ["openai/gpt-4o-mini"] }],
  });
  expect(await traceOf(reply)).toEqual([
    "eu-west filtered circuit_open",
    "us-east filtered circuit_open",
    "eu-west selected last_resort",
  ]);
});

test("a proxied call, which has one route, is the probe too", async () => {
  await open("us");
  await open("eu");
  const reply = await gateway.ask("/openai/v1/chat/completions", {
    body: { model: "gpt-4o-mini", max_tokens: 5, messages: [{ role: "user", content: "Hello" }] },
  });
  expect(reply.status).toBe(200);
});

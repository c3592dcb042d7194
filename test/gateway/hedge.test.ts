import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  at,
  listAt,
  refusal,
  type Reply,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import {
  completion,
  scriptedUpstream,
  type ScriptedUpstream,
  silence,
} from "#test/lib/upstream.ts";

type Script = (request: Request) => Response | Promise<Response>;
const works: Script = () => completion("Hi");

let gateway: TestGateway;
let key: string;
let slow: ScriptedUpstream;
let quick: ScriptedUpstream;
let scripts: { slow: Script; quick: Script };
beforeEach(async () => {
  scripts = { slow: works, quick: works };
  slow = scriptedUpstream((request) => scripts.slow(request));
  quick = scriptedUpstream((request) => scripts.quick(request));
  gateway = await startGateway({
    config(config) {
      config.timeouts.firstByteMs = 2000;
      config.providers = { openai: { base_urls: { "us-east": slow.url, "eu-west": quick.url } } };
    },
  });
  key = await gateway.mint({ hedge: true });
});
afterEach(async () => {
  await gateway.close();
  await slow.stop();
  await quick.stop();
});

const body = { max_tokens: 100, provider: { order: ["openai/us-east", "openai/eu-west"] } };
const received = () => [slow.requests(), quick.requests()];
/** Teaches the gateway how fast the first route is. */
async function warm(): Promise<void> {
  for (let time = 0; time < 5; time++) await gateway.chatAs(key, body);
}
async function traceOf(reply: Reply): Promise<unknown[]> {
  const id = String(at(reply.json, "lowrouter.generation_id"));
  return listAt((await gateway.ask(`/v1/generation/${id}`)).json, "routing_trace");
}
const ended = async (upstream: ScriptedUpstream) => {
  const end = performance.now() + 1000;
  while (upstream.aborted() === 0 && performance.now() < end) await Bun.sleep(1);
  return upstream.aborted();
};

test("a first route that is slower than usual is overtaken by the second, and called off", async () => {
  await warm();
  expect(received()).toEqual([5, 0]);
  scripts.slow = silence;
  const before = await gateway.balance();
  const reply = await gateway.chatAs(key, body);
  expect([reply.status, at(reply.json, "lowrouter.region")]).toEqual([200, "eu-west"]);
  expect(received()).toEqual([6, 1]);
  expect(await ended(slow)).toBe(1);
  // The client pays for the answer that it got, and the row says what the other may cost.
  const rows = await gateway.rows();
  expect(await gateway.balance()).toBe(before - Number(rows.at(-1)?.cost));
  expect(rows).toHaveLength(6);
  const hedged = (await traceOf(reply)).find((one) => at(one, "reason") === "hedged");
  expect(hedged).toMatchObject({ region: "us-east", decision: "considered", estimated: true });
  // 100 tokens at 0.60 USD per million are the greater part of it.
  expect(Number(at(hedged, "may_cost"))).toBeGreaterThan(0.00006);
  expect(Number(at(hedged, "may_cost"))).toBeLessThan(0.0001);
  expect(await gateway.imbalances()).toBe(0);
});

test("a first route that answers after all wins, and the second is called off", async () => {
  await warm();
  scripts.slow = async () => {
    await Bun.sleep(150);
    return completion("Hi");
  };
  scripts.quick = silence;
  const reply = await gateway.chatAs(key, body);
  expect(at(reply.json, "lowrouter.region")).toBe("us-east");
  expect(await ended(quick)).toBe(1);
  const hedged = (await traceOf(reply)).find((one) => at(one, "reason") === "hedged");
  expect(at(hedged, "region")).toBe("eu-west");
});

test("a key that did not ask for it is never hedged, nor is a route that nothing is known of", async () => {
  scripts.slow = async () => {
    await Bun.sleep(100);
    return completion("Hi");
  };
  await gateway.chatAs(key, body);
  scripts.slow = works;
  for (let time = 0; time < 30; time++) await gateway.chat(body);
  scripts.slow = async () => {
    await Bun.sleep(200);
    return completion("Hi");
  };
  await gateway.chat(body);
  expect(quick.requests()).toBe(0);
});

test("streams are hedged until their head is here", async () => {
  await warm();
  scripts.slow = silence;
  scripts.quick = () =>
    new Response(
      `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`,
      { headers: { "content-type": "text/event-stream" } },
    );
  const reply = await gateway.chatAs(key, { ...body, stream: true });
  expect(reply.headers.get("x-lowrouter-region")).toBe("eu-west");
  expect(reply.text.endsWith("data: [DONE]\n\n")).toBe(true);
  expect(await ended(slow)).toBe(1);
});

test("when both fail the request fails once, and is charged nothing", async () => {
  await warm();
  const before = await gateway.balance();
  const fails: Script = async () => {
    await Bun.sleep(100);
    return Response.json({ error: { message: "no" } }, { status: 500 });
  };
  scripts = { slow: fails, quick: fails };
  const reply = await gateway.chatAs(key, body);
  expect(refusal(reply)).toEqual([502, "upstream_error"]);
  expect(await gateway.balance()).toBe(before);
  expect(await gateway.rows()).toHaveLength(6);
});

test("a first route that fails after the second began leaves the answer to the second", async () => {
  await warm();
  scripts.slow = async () => {
    await Bun.sleep(60);
    return Response.json({ error: { message: "no" } }, { status: 500 });
  };
  scripts.quick = async () => {
    await Bun.sleep(150);
    return completion("Hi");
  };
  const reply = await gateway.chatAs(key, body);
  expect([reply.status, at(reply.json, "lowrouter.region")]).toEqual([200, "eu-west"]);
  expect((await traceOf(reply)).some((one) => at(one, "reason") === "hedged")).toBe(false);
});

test("a request that is itself wrong is refused by the first, and the second is called off", async () => {
  await warm();
  scripts.slow = async () => {
    await Bun.sleep(100);
    return Response.json({ error: { message: "wrong" } }, { status: 400 });
  };
  scripts.quick = silence;
  const reply = await gateway.chatAs(key, body);
  expect([reply.status, at(reply.json, "error.message")]).toEqual([400, "wrong"]);
  expect(await ended(quick)).toBe(1);
});

test("a client that leaves while both are asked stops both, and is recorded once", async () => {
  await warm();
  scripts = { slow: silence, quick: silence };
  const leave = new AbortController();
  const call = fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content: "Hello" }],
      ...body,
    }),
    signal: leave.signal,
  }).catch(() => undefined);
  const end = performance.now() + 1000;
  while (quick.requests() === 0 && performance.now() < end) await Bun.sleep(1);
  leave.abort();
  await call;
  expect([await ended(slow), await ended(quick)]).toEqual([1, 1]);
  await gateway.until(async () => (await gateway.rows()).length === 6);
  expect((await gateway.rows()).at(-1)).toMatchObject({ status: "client_cancelled", cost: 0 });
  expect(await gateway.imbalances()).toBe(0);
});

test("the management API switches it on and off for a key, and shows it", async () => {
  const made = await gateway.manage("/api/v1/keys", { body: { name: "hedger", hedge: true } });
  expect([made.status, at(made.json, "data.hedge")]).toEqual([201, true]);
  const path = `/api/v1/keys/${String(at(made.json, "data.hash"))}`;
  await gateway.manage(path, { method: "PATCH", body: { hedge: false } });
  expect(at((await gateway.manage(path)).json, "data.hedge")).toBe(false);
});

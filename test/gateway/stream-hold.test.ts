import { afterEach, beforeEach, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import type { Config } from "#src/config/load.ts";
import {
  at,
  eventsOf,
  listAt,
  refusal,
  type Reply,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import { millisecondsUntil } from "#test/lib/milliseconds-until.ts";
import { scriptedUpstream, type ScriptedUpstream, silence } from "#test/lib/upstream.ts";

type Script = (request: Request) => Response | Promise<Response>;

const chunk = (more: object) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", ...more })}\n\n`;
const delta = (told: object, finish: string | null = null) =>
  chunk({ choices: [{ index: 0, delta: told, finish_reason: finish }] });
const role = delta({ role: "assistant", content: "" });
const usage = chunk({
  choices: [],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
});
const answer = `${delta({ content: "Hi" })}${delta({}, "stop")}${usage}data: [DONE]\n\n`;
const error = (told: object) => `data: ${JSON.stringify({ error: told })}\n\n`;
const ping = ": ping\n\n";

const streaming = { headers: { "content-type": "text/event-stream" } };
type Piece = string | Promise<unknown> | "cut";
/** Writes pieces as they are, waits for those that are promises, and breaks the connection at "cut". */
function sends(...pieces: Piece[]): Script {
  return () =>
    new Response(
      new ReadableStream({
        type: "direct",
        async pull(controller: ReadableStreamDirectController) {
          for (const piece of pieces) {
            // Bun reports any other reason on stderr.
            if (piece === "cut") throw undefined;
            if (typeof piece !== "string") {
              await controller.flush();
              await piece;
            } else controller.write(piece);
          }
          await controller.flush();
          controller.close();
        },
      }),
      streaming,
    );
}

let gateway: TestGateway;
let upstreams: Record<"us" | "eu", ScriptedUpstream>;
let scripts: Record<"us" | "eu", Script>;
beforeEach(() => {
  scripts = { us: sends(role, answer), eu: sends(role, answer) };
  upstreams = {
    us: scriptedUpstream((request) => scripts.us(request)),
    eu: scriptedUpstream((request) => scripts.eu(request)),
  };
});
afterEach(async () => {
  await gateway.close();
  for (const upstream of Object.values(upstreams)) await upstream.stop();
});

async function start(change: (config: Config) => void = () => {}): Promise<void> {
  gateway = await startGateway({
    balance: 1,
    config(config) {
      const { us, eu } = upstreams;
      config.providers = { openai: { base_urls: { "us-east": us.url, "eu-west": eu.url } } };
      change(config);
    },
  });
}

const body = { stream: true, provider: { order: ["openai/us-east", "openai/eu-west"] } };
const received = () => [upstreams.us.requests(), upstreams.eu.requests()];
/** A promise that is kept when the test says so. */
const gate = () => Promise.withResolvers<void>();

/** What became of the only request, with its route's trace. */
async function told(): Promise<{ row: Record<string, unknown> | undefined; trace: unknown[] }> {
  await gateway.until(async () => (await gateway.rows()).length > 0);
  const rows = await gateway.rows();
  expect(rows).toHaveLength(1);
  expect(await gateway.imbalances()).toBe(0);
  const record = await gateway.ask(`/v1/generation/${String(rows[0]?.id)}`);
  const trace = listAt(record.json, "routing_trace");
  return {
    row: rows[0],
    trace: trace.map((one) => [at(one, "region"), at(one, "decision"), at(one, "reason")]),
  };
}

/** Nothing stays held: the refusal of a request beyond the balance names all of it as free. */
async function expectHoldsReleased() {
  const refused = await gateway.chat({ n: 128, max_tokens: 16_384 });
  expect([refused.status, at(refused.json, "error.metadata.free")]).toEqual([
    402,
    (await gateway.balance()) / 1e9,
  ]);
}

const fromEu = ({ status, headers, text }: Reply) => {
  expect([status, headers.get("x-lowrouter-region")]).toEqual([200, "eu-west"]);
  expect(eventsOf(text).filter((event) => at(event, "error") !== undefined)).toEqual([]);
  expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
};

test.each([
  ["with no byte", ["cut"], "connection_failed"],
  ["after a comment", [ping, Bun.sleep(5), "cut"], "connection_failed"],
  ["after the role alone", [role, Bun.sleep(5), "cut"], "connection_failed"],
  ["with nothing but its end", ["data: [DONE]\n\n"], "bad_answer"],
  ["with what is no event", ["data: <html>\n\n"], "bad_answer"],
  ["in the words of the model's own failure", [delta({}, "error")], "bad_answer"],
])("a stream that breaks %s is tried at the next route", async (_, pieces, reason) => {
  await start();
  scripts.us = sends(...pieces);
  fromEu(await gateway.chat(body));
  expect(received()).toEqual([1, 1]);
  const { row, trace } = await told();
  expect(trace).toEqual([
    ["us-east", "failed", reason],
    ["eu-west", "selected", expect.any(String)],
  ]);
  expect(row).toMatchObject({ status: "ok", region: "eu-west" });
  expect(1e9 - (await gateway.balance())).toBe(Number(row?.cost));
});

test("when all break before their first word, it is one plain error, and nothing is held or paid", async () => {
  await start();
  scripts = {
    us: sends(role, error({ type: "server_error", message: "secret" })),
    eu: sends(ping, error({ code: "rate_limit_exceeded", message: "secret" })),
  };
  const reply = await gateway.chat(body);
  expect(refusal(reply)).toEqual([429, "rate_limit_exceeded"]);
  expect(reply.text).not.toContain("secret");
  const { row, trace } = await told();
  expect(trace).toEqual([
    ["us-east", "failed", "upstream_500"],
    ["eu-west", "failed", "upstream_429"],
  ]);
  expect(row).toMatchObject({ status: "upstream_error", cost: 0 });
  expect(await gateway.balance()).toBe(1e9);
  await expectHoldsReleased();
});

test("an error that came together with the role alone is not waited for, though the connection stays open", async () => {
  await start();
  scripts.us = sends(role + error({ type: "server_error" }), new Promise(() => {}));
  // Waited for, it would have been passed on behind the role.
  fromEu(await gateway.chat(body));
  expect(upstreams.us.aborted()).toBe(1);
});

test("a stream whose only event has no end to it is whole", async () => {
  await start();
  scripts.us = sends(delta({ content: "Hi" }, "stop").trimEnd());
  const { text } = await gateway.chat(body);
  expect(
    eventsOf(text)
      .map((event) => at(event, "choices.0.delta.content"))
      .join(""),
  ).toBe("Hi");
  expect((await told()).row).toMatchObject({ status: "ok", region: "us-east" });
});

test("an error that blames the request is passed on with its words, and nobody else is asked", async () => {
  await start();
  scripts.us = sends(error({ code: 400, message: "Wrong picture" }));
  const reply = await gateway.chat(body);
  expect(refusal(reply)).toEqual([400, "upstream_rejected"]);
  expect(at(reply.json, "error.message")).toBe("Wrong picture");
  expect(received()).toEqual([1, 0]);
  expect((await told()).row).toMatchObject({ status: "client_error", cost: 0 });
});

test("an error under status 200 that is no stream counts by what it says, too", async () => {
  await start();
  scripts.us = () => Response.json([{ error: { code: 503, status: "UNAVAILABLE" } }]);
  fromEu(await gateway.chat(body));
  expect((await told()).trace[0]).toEqual(["us-east", "failed", "upstream_503"]);
});

test("no more routes are tried than routing.max_attempts says", async () => {
  await start((config) => (config.routing.maxAttempts = 1));
  scripts.us = sends(error({ type: "server_error" }));
  expect(refusal(await gateway.chat(body))).toEqual([502, "upstream_error"]);
  expect(received()).toEqual([1, 0]);
});

test("routes whose streams begin with an error are left alone after a while", async () => {
  await start();
  scripts.us = sends(error({ type: "server_error" }));
  for (let time = 0; time < 4; time++) fromEu(await gateway.chat(body));
  expect(received()).toEqual([3, 4]);
});

test("an error after the first word ends the stream, and nobody else is asked", async () => {
  await start();
  scripts.us = sends(role, delta({ content: "Hel" }), error({ type: "server_error" }));
  const { status, text } = await gateway.chat(body);
  expect(status).toBe(200);
  const events = eventsOf(text);
  expect(events.map((event) => at(event, "choices.0.delta.content"))).toContain("Hel");
  expect(events.filter((event) => at(event, "error") !== undefined)).toHaveLength(1);
  expect(received()).toEqual([1, 0]);
  expect((await told()).row).toMatchObject({ status: "upstream_error", cost: 0 });
});

test("the head leaves after a moment even where no word has come, and an error is an event from then on", async () => {
  await start();
  const later = gate();
  scripts.us = sends(role, ping, later.promise, error({ type: "server_error" }));
  const before = performance.now();
  const response = await gateway.open(body);
  const waited = performance.now() - before;
  expect(waited).toBeGreaterThan(900);
  expect(waited).toBeLessThan(5000);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = (await reader?.read()) ?? {};
  expect(at(eventsOf(value ?? "")[0], "choices.0.delta.role")).toBe("assistant");
  later.resolve();
  let text = "";
  for (;;) {
    const next = await reader?.read();
    if (next === undefined || next.done) break;
    text += next.value;
  }
  expect(response.status).toBe(200);
  expect(eventsOf(text).some((event) => at(event, "error") !== undefined)).toBe(true);
  expect(received()).toEqual([1, 0]);
  expect((await told()).row).toMatchObject({ status: "upstream_error", cost: 0 });
});

test("an answer that comes after the hold is whole", async () => {
  await start();
  const later = gate();
  scripts.us = sends(role, later.promise, answer);
  const response = await gateway.open(body);
  later.resolve();
  const events = eventsOf(await response.text());
  expect(events.map((event) => at(event, "choices.0.delta.role")).filter(Boolean)).toHaveLength(1);
  expect(events.map((event) => at(event, "choices.0.delta.content")).join("")).toBe("Hi");
  expect((await told()).row).toMatchObject({ status: "ok", region: "us-east" });
});

test("a client that leaves during the hold stops the upstream at once, and pays nothing", async () => {
  await start();
  scripts.us = sends(role, new Promise(() => {}));
  const leave = new AbortController();
  const call = gateway.open(body, leave.signal).catch(() => undefined);
  while (upstreams.us.requests() === 0) await Bun.sleep(1);
  await Bun.sleep(50);
  leave.abort();
  expect(await millisecondsUntil(() => upstreams.us.aborted() > 0)).toBeLessThan(1000);
  await call;
  const { row, trace } = await told();
  expect(row).toMatchObject({ status: "client_cancelled", cost: 0, carbon_g: null });
  expect(trace[0]).toEqual(["us-east", "failed", "client_left"]);
  expect(received()).toEqual([1, 0]);
  await expectHoldsReleased();
});

test("a stream that falls silent before its first word is left to the next route by the idle timer", async () => {
  await start((config) => (config.timeouts.idleMs = 400));
  scripts.us = sends(role, new Promise(() => {}));
  fromEu(await gateway.chat(body));
  expect((await told()).trace[0]).toEqual(["us-east", "failed", "timeout_idle"]);
  expect(upstreams.us.aborted()).toBe(1);
});

test("a stream that keeps telling that it lives is not silent before its first word", async () => {
  await start((config) => (config.timeouts.idleMs = 600));
  const [soon, later, last] = [gate(), gate(), gate()];
  scripts.us = sends(ping, soon.promise, ping, later.promise, ping, last.promise, role, answer);
  const asked = gateway.chat(body);
  for (const { resolve } of [soon, later, last]) {
    await Bun.sleep(300);
    resolve();
  }
  expect((await asked).headers.get("x-lowrouter-region")).toBe("us-east");
});

test("the total time ends a stream in the hold as well", async () => {
  await start();
  await gateway.chat(body);
  // Only now, when all that is needed for a request is there.
  gateway.app.config.timeouts.totalMs = 600;
  scripts.us = sends(role, new Promise(() => {}));
  const reply = await gateway.chat(body);
  expect(refusal(reply)).toEqual([504, "upstream_timeout"]);
  expect(at(reply.json, "error.metadata.timer")).toBe("total");
  expect(received()).toEqual([2, 0]);
});

test("latency is the time until the answer began", async () => {
  await start();
  scripts.us = sends(role, Bun.sleep(200), answer);
  await gateway.chat(body);
  const record = await gateway.ask(`/v1/generation/${String((await told()).row?.id)}`);
  expect(Number(at(record.json, "latency_ms"))).toBeGreaterThan(150);
});

test("a place at the provider is given back by a stream that fails before its first word", async () => {
  await start((config) => {
    config.providers = {
      openai: { base_urls: { "us-east": upstreams.us.url }, max_in_flight: 1 },
    };
  });
  scripts.us = sends(error({ code: 400, message: "no" }));
  for (let time = 0; time < 3; time++) expect((await gateway.chat(body)).status).toBe(400);
  expect(gateway.app.inFlight.crowd("openai").inFlight).toBe(0);
});

/** Teaches the gateway that the first route begins at once. */
async function hedging(): Promise<string> {
  await start();
  const key = await gateway.mint({ hedge: true });
  for (let time = 0; time < 5; time++) await gateway.chatAs(key, body);
  expect(received()).toEqual([5, 0]);
  return key;
}

test("a hedge is won by who has the first word, not by who has the first head", async () => {
  const key = await hedging();
  scripts.us = sends(role, new Promise(() => {}));
  fromEu(await gateway.chatAs(key, body));
  expect(received()).toEqual([6, 1]);
  expect(await millisecondsUntil(() => upstreams.us.aborted() > 0)).toBeLessThan(1000);
  expect(await gateway.imbalances()).toBe(0);
});

test("a hedge goes on with the other when one begins with an error", async () => {
  const key = await hedging();
  const later = gate();
  scripts.us = sends(role, later.promise, answer);
  scripts.eu = () => {
    setTimeout(later.resolve, 20);
    return sends(role, error({ type: "server_error" }))(new Request("http://eu"));
  };
  const reply = await gateway.chatAs(key, body);
  expect([reply.status, reply.headers.get("x-lowrouter-region")]).toEqual([200, "us-east"]);
  expect(reply.text.endsWith("data: [DONE]\n\n")).toBe(true);
  expect(received()).toEqual([6, 1]);
  expect(await gateway.imbalances()).toBe(0);
});

test("when both of a hedge begin with an error, it is one plain error", async () => {
  const key = await hedging();
  const before = await gateway.balance();
  const later = gate();
  scripts.us = sends(role, later.promise, error({ type: "server_error" }));
  scripts.eu = () => {
    setTimeout(later.resolve, 20);
    return sends(role, error({ type: "server_error" }))(new Request("http://eu"));
  };
  expect(refusal(await gateway.chatAs(key, body))).toEqual([502, "upstream_error"]);
  await gateway.until(() => true);
  expect(await gateway.balance()).toBe(before);
});

test("a client that leaves while both of a hedge are held back stops both", async () => {
  const key = await hedging();
  scripts = {
    us: sends(role, new Promise(() => {})),
    eu: sends(role, new Promise(() => {})),
  };
  const leave = new AbortController();
  const call = gateway
    .ask("/v1/chat/completions", {
      key,
      body: { model: "openai/gpt-4o-mini", messages: [{ role: "user", content: "Hi" }], ...body },
      signal: leave.signal,
    })
    .catch(() => undefined);
  while (upstreams.eu.requests() === 0) await Bun.sleep(1);
  leave.abort();
  await call;
  const aborted = () => upstreams.us.aborted() > 0 && upstreams.eu.aborted() > 0;
  expect(await millisecondsUntil(aborted)).toBeLessThan(1000);
  await gateway.until(async () => (await gateway.rows()).length === 6);
  expect((await gateway.rows()).at(-1)).toMatchObject({ status: "client_cancelled", cost: 0 });
});

const asked = {
  model: "openai/gpt-4o-mini",
  messages: [{ role: "user" as const, content: "Hi" }],
  stream: true as const,
};

test("the OpenAI SDK sees the status of an error that came first, and tries again", async () => {
  await start((config) => {
    config.providers = { openai: { base_urls: { "us-east": upstreams.us.url } } };
  });
  const client = (maxRetries: number) =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries });
  const limited = sends(error({ code: "rate_limit_exceeded", message: "Slow down" }));
  scripts.us = limited;
  await expect((async () => client(0).chat.completions.create(asked))()).rejects.toBeInstanceOf(
    OpenAI.RateLimitError,
  );
  scripts.us = (request) => {
    scripts.us = sends(role, answer);
    return limited(request);
  };
  let text = "";
  for await (const event of await client(1).chat.completions.create(asked))
    text += event.choices[0]?.delta.content ?? "";
  expect(text).toBe("Hi");
  expect(received()).toEqual([3, 0]);
});

test("the Anthropic SDK sees an overloaded upstream as a server's error, and tries again", async () => {
  await start((config) => {
    config.providers = { openai: { base_urls: { "us-east": upstreams.us.url } } };
  });
  const client = (maxRetries: number) =>
    new Anthropic({ baseURL: gateway.url, apiKey: gateway.key, maxRetries });
  const overloaded = sends(error({ code: "server_is_overloaded", message: "Busy" }));
  scripts.us = overloaded;
  const question = { ...asked, max_tokens: 20 };
  await expect((async () => client(0).messages.create(question))()).rejects.toBeInstanceOf(
    Anthropic.InternalServerError,
  );
  scripts.us = (request) => {
    scripts.us = sends(role, answer);
    return overloaded(request);
  };
  const { stream: _, ...whole } = question;
  const message = await client(1).messages.stream(whole).finalMessage();
  expect(message.content).toMatchObject([{ type: "text", text: "Hi" }]);
  expect(received()).toEqual([3, 0]);
});

test("a head that never comes is the first byte's timer, as before", async () => {
  await start((config) => (config.timeouts.firstByteMs = 500));
  scripts.us = silence;
  fromEu(await gateway.chat(body));
  expect((await told()).trace[0]).toEqual(["us-east", "failed", "timeout_first_byte"]);
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Harness, startHarness } from "#test/gateway/harness.ts";
import { millisecondsUntil } from "#test/lib/milliseconds-until.ts";

let harness: Harness;
beforeEach(async () => {
  harness = await startHarness({
    change: (config) => {
      config.timeouts.firstByteMs = 1000;
      config.timeouts.idleMs = 1000;
    },
  });
});
afterEach(() => harness.close());

/** One model of each upstream dialect. */
const models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-2.5-flash"];
const say = (text: string) => [{ role: "user", content: text }];

async function last() {
  await harness.until(() => true);
  return (await harness.rows()).at(-1);
}

describe.each(models)("%s", (model) => {
  const route = model.startsWith("openai") ? { region: "us-east" } : {};
  test.each([
    ["simulate:status=500", 502, "upstream_error"],
    ["simulate:status=503", 502, "upstream_error"],
    ["simulate:status=429,retryAfter=7", 429, "rate_limit_exceeded"],
    ["simulate:fault=garbage", 502, "upstream_error"],
    ["simulate:fault=error_body", 502, "upstream_error"],
    ["simulate:fault=silent", 504, "upstream_timeout"],
    ["simulate:status=400", 400, "upstream_rejected"],
  ])("%s is told as %i %s, charged nothing, one row", async (magic, status, code) => {
    const before = (await harness.rows()).length;
    const balance = await harness.balance();
    const response = await harness.chat({ model, route, messages: say(magic) });
    const answer: { error: { code: string; message: string }; lowrouter?: unknown } = JSON.parse(
      await response.text(),
    );
    expect([response.status, answer.error.code]).toEqual([status, code]);
    expect(answer.lowrouter).toBeUndefined();
    if (code === "upstream_timeout") expect(answer.error.message).toContain("first byte");
    if (status === 429) expect(response.headers.get("retry-after")).toBe("7");
    expect((await harness.rows()).length).toBe(before + 1);
    expect(await harness.balance()).toBe(balance);
    expect((await last())?.carbon_g).toBeNull();
  });

  test.each([
    "cut_mid_stream",
    "cut_mid_character",
    "no_terminal",
    "error_event",
    "hang_mid_stream",
  ])(
    "a stream that breaks by %s ends with an error event, a summary without eco, and one row",
    async (fault) => {
      const before = (await harness.rows()).length;
      const response = await harness.chat({
        model,
        route,
        stream: true,
        messages: say(`simulate:fault=${fault},afterEvents=4`),
      });
      const text = await response.text();
      expect(response.status).toBe(200);
      const events = text
        .split("\n\n")
        .flatMap((event) => (event.startsWith("data: {") ? [JSON.parse(event.slice(6))] : []));
      const broken = events.find((event) => event.error);
      expect(broken?.choices[0].finish_reason).toBe("error");
      const summary = events.at(-1);
      expect(summary.object).toBe("lowrouter.summary");
      expect(summary.lowrouter.eco).toBeUndefined();
      expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
      expect((await harness.rows()).length).toBe(before + 1);
      expect((await last())?.status).toBe("upstream_error");
    },
  );

  test.each([
    ["garbage", 502, "upstream_error"],
    ["error_event", 502, "upstream_error"],
    ["cut_mid_stream", 502, "upstream_error"],
    ["cut_mid_character", 502, "upstream_error"],
    ["hang_mid_stream", 504, "upstream_timeout"],
  ])("a stream that breaks by %s before its first word is a %i %s", async (fault, status, code) => {
    const before = (await harness.rows()).length;
    const balance = await harness.balance();
    const response = await harness.chat({
      model,
      route,
      stream: true,
      messages: say(`simulate:fault=${fault},afterEvents=0`),
    });
    const answer: { error: { code: string } } = JSON.parse(await response.text());
    expect([response.status, answer.error.code]).toEqual([status, code]);
    expect((await harness.rows()).length).toBe(before + 1);
    expect(await harness.balance()).toBe(balance);
    expect((await last())?.status).toBe("upstream_error");
  });

  test("an answer without usage is estimated and marked, without eco", async () => {
    const response = await harness.chat({ model, route, messages: say("simulate:fault=no_usage") });
    const answer: { lowrouter: { eco?: unknown } } = JSON.parse(await response.text());
    expect(response.status).toBe(200);
    expect(answer.lowrouter.eco).toBeUndefined();
    expect((await last())?.settlement).toBe("estimated");
  });

  test("streamed tools, byte by byte, arrive whole", async () => {
    const tools = [
      {
        type: "function",
        function: {
          name: "weather",
          parameters: {
            type: "object",
            properties: { city: { type: "string" } },
            required: ["city"],
          },
        },
      },
    ];
    const response = await harness.chat({
      model,
      route,
      stream: true,
      tools,
      messages: say("simulate:byteByByte What is the weather?"),
    });
    const text = await response.text();
    const deltas = text
      .split("\n\n")
      .flatMap((event) => (event.startsWith("data: {") ? [JSON.parse(event.slice(6))] : []))
      .flatMap((event) => event.choices[0]?.delta?.tool_calls ?? []);
    expect(deltas.find((delta) => delta.id)?.function.name).toBe("weather");
    expect(JSON.parse(deltas.map((delta) => delta.function.arguments ?? "").join(""))).toEqual({
      city: "Paris",
    });
    expect(text).toContain('"finish_reason":"tool_calls"');
  });
});

test("the second model answers when the first fails, and only it is billed", async () => {
  harness.places.all.google.behave({ status: 503 });
  const response = await harness.chat({
    model: "google/gemini-2.5-flash",
    models: ["mistral/mistral-small-3.2"],
  });
  harness.places.all.google.behave({});
  const answer: { model: string } = JSON.parse(await response.text());
  expect([response.status, answer.model]).toEqual([200, "mistral/mistral-small-3.2"]);
  expect(await last()).toMatchObject({
    status: "ok",
    model: "mistral/mistral-small-3.2",
    provider: "mistral",
  });
});

test("a pinned region whose provider fails is 503 or 502, and the other region receives nothing", async () => {
  const { openaiUs, openaiEu } = harness.places.all;
  const before = openaiUs.stats.requests;
  openaiEu.behave({ status: 503 });
  const response = await harness.chat({ route: { region: "eu-west", provider: "openai" } });
  openaiEu.behave({});
  expect(response.status).toBeGreaterThanOrEqual(502);
  expect(openaiUs.stats.requests).toBe(before);
});

test("a client that hangs up mid-stream stops the upstream within 100 ms and is recorded once", async () => {
  const slow = await startHarness({ perWordMs: 40 });
  const leave = new AbortController();
  const response = await slow.chat(
    { stream: true, route: { region: "us-east" } },
    { signal: leave.signal },
  );
  const reader = response.body?.getReader();
  for (let read = 0; read < 4; read++) await reader?.read();
  leave.abort();
  const { stats } = slow.places.all.openaiUs;
  expect(await millisecondsUntil(() => stats.aborted === 1)).toBeLessThan(100);
  await slow.until(async () => (await slow.rows()).length === 1);
  expect((await slow.rows())[0]).toMatchObject({
    status: "client_cancelled",
    settlement: "estimated",
  });
  expect(await slow.imbalances()).toBe(0);
  await slow.close();
});

test("a prompt and its answer are nowhere but with the client", async () => {
  const canary = `canary${crypto.randomUUID()}`;
  const response = await harness.chat({ messages: say(`echo: ${canary}`), user: "somebody" });
  expect(await response.text()).toContain(canary);
  await harness.chat({ messages: say(`simulate:status=400 ${canary}`) });
  await harness.post("/v1/chat/completions", `{"model": "${canary}", "messages": [`);
  const files = ["lowrouter.db", "lowrouter.db-wal"].map((name) =>
    Bun.file(`${harness.folder}/${name}`),
  );
  for (const file of files)
    expect((await file.exists()) ? (await file.text()).includes(canary) : false).toBe(false);
  expect(harness.logged()).not.toContain(canary);
  expect(JSON.stringify([...response.headers])).not.toContain(canary);
});

import { afterEach, describe, expect, test } from "bun:test";
import { nano } from "#src/ledger/money.ts";
import {
  at,
  listAt,
  refusal,
  type Reply,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import {
  answerOf,
  chunk,
  event,
  jsonAnswer,
  type Proxied,
  type ProxiedOptions,
  question,
  startProxied,
  streamHead,
  told,
  write,
} from "#test/gateway/proxy-kit.ts";
import { millisecondsUntil } from "#test/lib/milliseconds-until.ts";

let gateway: Proxied;
let simulated: TestGateway | undefined;
afterEach(async () => {
  await gateway?.close();
  await simulated?.close();
  simulated = undefined;
});

async function start(options: ProxiedOptions = {}): Promise<void> {
  gateway = await startProxied(options);
  gateway.says(jsonAnswer(told));
}

const chat = "/openai/v1/chat/completions";
/** Nano-units of a token of gpt-4o-mini. */
const [inputPrice, outputPrice] = [150, 600];
/** What the usage of `told` costs. */
const cost = 1000 * inputPrice + 500 * outputPrice;

/** What a body is held for: its bytes as tokens and the longest answer, rounded up. */
function atMost(body: object, output: number): number {
  return JSON.stringify(body).length * inputPrice + output * outputPrice + 1;
}

async function rows() {
  await gateway.until(() => true);
  return gateway.rows();
}

/** The record of an answer, by the id in its header. */
async function recordOf({ headers }: Reply, from: Pick<TestGateway, "ask"> = gateway) {
  const id = headers.get("x-lowrouter-generation-id") ?? "";
  return (await from.ask(`/v1/generation/${id}`)).json;
}

test("usage, cost and footprint of a proxied answer are recorded and charged as of any other", async () => {
  await start({ balance: 1 });
  const reply = await gateway.ask(chat, { body: { ...question, user: "me" } });
  expect(reply.json).toEqual(told);
  const record = await recordOf(reply);
  expect(record).toMatchObject({
    completion_id: told.id,
    upstream_id: told.id,
    requested_model: "gpt-4o-mini",
    model: "openai/gpt-4o-mini",
    provider: "openai",
    region: "us-east",
    user: "me",
    status: "ok",
    settlement: "final",
    streamed: false,
    prompt_tokens: 1000,
    completion_tokens: 500,
    usage: { cost: cost / 1e9 },
    routing_trace: [{ provider: "openai", decision: "selected", reason: "proxied" }],
  });
  expect(at(record, "eco.carbon_g")).toBeGreaterThan(0);
  expect(await gateway.balance()).toBe(1e9 - cost);
  expect(Number(reply.headers.get("x-credit-balance"))).toBeCloseTo(100 - cost / 1e7, 6);
  expect(await gateway.imbalances()).toBe(0);
});

describe("usage is read from every wire that the simulated providers speak", () => {
  const say = [{ role: "user", content: "Hello there" }];
  const contents = [{ role: "user", parts: [{ text: "Hello there" }] }];
  const streamed = { stream: true, stream_options: { include_usage: true } };
  test.each<[string, string, object, boolean]>([
    ["chat", chat, { model: "gpt-4o-mini", messages: say }, false],
    ["a chat's stream", chat, { model: "gpt-4o-mini", messages: say, ...streamed }, true],
    ["chat by the catalogue's name", chat, { model: "openai/gpt-4o-mini", messages: say }, false],
    [
      "a message",
      "/anthropic/v1/messages",
      { model: "claude-haiku-4-5", max_tokens: 9, messages: say },
      false,
    ],
    [
      "a message's stream",
      "/anthropic/v1/messages",
      { model: "claude-haiku-4-5", max_tokens: 9, messages: say, stream: true },
      true,
    ],
    ["content", "/google/v1beta/models/gemini-2.5-flash:generateContent", { contents }, false],
    [
      "content's stream",
      "/google/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
      { contents },
      true,
    ],
  ])("%s", async (_, path, body, isStream) => {
    const here = await startGateway({ balance: 1 });
    simulated = here;
    const reply = await here.ask(path, { body, headers: { "anthropic-version": "2023-06-01" } });
    expect(reply.status).toBe(200);
    await here.until(() => true);
    const record = await recordOf(reply, here);
    expect(record).toMatchObject({ status: "ok", settlement: "final", streamed: isStream });
    const counted = [at(record, "prompt_tokens"), at(record, "completion_tokens")];
    const said =
      /"(?:prompt_tokens|input_tokens|promptTokenCount)":(\d+)[^]*"(?:completion_tokens|output_tokens|candidatesTokenCount)":(\d+)/;
    expect(counted).toEqual((said.exec(reply.text) ?? []).slice(1).map(Number));
    expect(at(record, "usage.cost")).toBeGreaterThan(0);
    expect(at(record, "eco.energy_wh")).toBeGreaterThan(0);
    expect(await here.balance()).toBe(1e9 - Math.round(Number(at(record, "usage.cost")) * 1e9));
    expect(await here.imbalances()).toBe(0);
  });
});

describe("an answer that tells no usage", () => {
  test("is charged by our count where the catalogue has a price, and says so", async () => {
    await start();
    gateway.says(
      streamHead +
        chunk(event({ content: "x".repeat(400) })) +
        chunk(event({}, { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })) +
        chunk("data: [DONE]\n\n") +
        chunk(),
    );
    const reply = await gateway.ask(chat, { body: { ...question, stream: true } });
    await gateway.until(() => true);
    const record = await recordOf(reply);
    expect(record).toMatchObject({ status: "ok", settlement: "estimated", completion_tokens: 100 });
    expect(record).not.toHaveProperty("eco");
    expect(at(record, "usage.cost")).toBeGreaterThan(100 * outputPrice * 1e-9);
  });

  test("is charged so too where it cannot be read at all", async () => {
    await start();
    gateway.says(answerOf("not JSON", { "content-type": "application/json" }));
    const record = await recordOf(await gateway.ask(chat, { body: question }));
    expect(record).toMatchObject({ status: "ok", settlement: "estimated", completion_tokens: 2 });
  });

  test.each([
    ["a model that nobody knows", chat, { ...question, model: "gpt-unheard-of" }],
    [
      "an endpoint that counts no tokens",
      "/openai/v1/images/generations",
      { model: "gpt-4o-mini" },
    ],
  ])("has no tokens, no cost and no footprint for %s, never zero", async (_, path, body) => {
    await start({ plan: "metered" });
    gateway.says(jsonAnswer({ data: [] }));
    const record = await recordOf(await gateway.ask(path, { body }));
    expect(record).toMatchObject({
      status: "ok",
      settlement: "unknown",
      prompt_tokens: null,
      completion_tokens: null,
      total_tokens: null,
      cost_credits: null,
      usage: null,
      provider: "openai",
      region: "us-east",
      model: `openai/${body.model}`,
    });
    expect(record).not.toHaveProperty("eco");
  });

  test("and what names no model is recorded without one", async () => {
    await start({ plan: "metered" });
    const reply = await gateway.ask("/openai/v1/files/f", { method: "DELETE" });
    expect(reply.headers.get("x-lowrouter-provider")).toBe("openai");
    expect(await recordOf(reply)).toMatchObject({
      model: null,
      status: "ok",
      routing_trace: [{ provider: "openai", region: "us-east" }],
    });
  });

  test("with usage and without a price: tokens, and no cost", async () => {
    await start({ plan: "metered" });
    const record = await recordOf(await gateway.ask(chat, { body: { ...question, model: "new" } }));
    expect(record).toMatchObject({ settlement: "final", prompt_tokens: 1000, cost_credits: null });
    expect(await gateway.balance()).toBe(100e9);
  });
});

describe("what fails under a status of success is waived", () => {
  const failure = `data: {"error":{"message":"overloaded","type":"server_error"}}\n\n`;
  test.each([
    ["a whole answer", jsonAnswer({ error: { message: "no" } })],
    ["an event", streamHead + chunk(event({ content: "Hi" })) + chunk(failure) + chunk()],
    ["no end", streamHead + chunk(event({ content: "Hi" })) + chunk()],
  ])("%s", async (_, answer) => {
    await start();
    gateway.says(answer);
    const { status } = await gateway.ask(chat, { body: question });
    expect(status).toBe(200);
    expect(await rows()).toMatchObject([
      { status: "upstream_error", settlement: "waived", cost: 0 },
    ]);
    expect(await gateway.balance()).toBe(100e9);
  });
});

describe("listing models and counting tokens is free, and leaves no row", () => {
  test.each([
    ["GET", "/openai/v1/models", undefined],
    ["GET", "/openai/v1/models/gpt-4o-mini?x=1", undefined],
    ["HEAD", "/openai/v1/models", undefined],
    ["POST", "/openai/v1/messages/count_tokens", question],
    ["POST", "/openai/v1/responses/input_tokens", question],
    ["POST", "/openai/v1beta/models/gpt-4o-mini:countTokens", {}],
  ])("%s %s", async (method, path, body) => {
    await start({ key: { limit: nano(1) } });
    const { status, headers } = await gateway.ask(path, { method, body });
    expect(status).toBe(200);
    expect(headers.get("x-lowrouter-region")).toBe("us-east");
    expect(headers.get("x-credit-balance")).toBe("10000");
    expect(headers.has("x-lowrouter-generation-id")).toBe(false);
    expect(await rows()).toEqual([]);
    expect(await gateway.balance()).toBe(100e9);
  });

  test("but not beyond the limits of a key", async () => {
    await start({ key: { rateLimit: { requestsPerMinute: 1 } } });
    expect((await gateway.ask("/openai/v1/models")).status).toBe(200);
    expect(refusal(await gateway.ask("/openai/v1/models"))).toEqual([429, "rate_limit_exceeded"]);
    expect(refusal(await gateway.ask(chat, { body: question }))[0]).toBe(429);
  });
});

describe("what a prepaid account could not be charged for goes nowhere", () => {
  const body = (more: object) => ({ ...question, ...more });
  const calls: [string, string, { method?: string; body?: unknown }][] = [
    [
      "an answer that goes on from a stored one",
      "/openai/v1/responses",
      { body: body({ previous_response_id: "r" }) },
    ],
    [
      "a file that was left there",
      chat,
      { body: body({ messages: [{ content: [{ file: { file_id: "f" } }] }] }) },
    ],
    ["a tool that the provider runs", chat, { body: body({ tools: [{ type: "web_search" }] }) }],
    ["a tier with another price", chat, { body: body({ service_tier: "priority" }) }],
    ["a query that may hide the usage", `${chat}?fields=choices`, { body: question }],
    ["what another account left there", "/openai/v1/files", { method: "GET" }],
    ["a batch of another account", "/openai/v1/batches/b", { method: "GET" }],
    ["an answer of another account", "/openai/v1/responses/resp_1", { method: "GET" }],
    ["an unknown model", chat, { body: body({ model: "gpt-unheard-of" }) }],
    ["a variant", chat, { body: body({ model: "gpt-4o-mini:online" }) }],
    ["another provider's model", chat, { body: body({ model: "claude-haiku-4-5" }) }],
    ["no model", chat, { body: { messages: [] } }],
    ["a model that is no text", chat, { body: body({ model: ["gpt-4o-mini"] }) }],
    ["models to turn to", chat, { body: body({ models: ["gpt-5.6"] }) }],
    ["a body that is no JSON", chat, { body: '{"model":"gpt-4o-mini",' }],
    ["an array", chat, { body: [question] }],
    ["an answer for later", "/openai/v1/responses", { body: body({ background: true }) }],
    ["an image", "/openai/v1/images/generations", { body: body({}) }],
    ["speech", "/openai/v1/audio/speech", { body: body({}) }],
    ["a file", "/openai/v1/files", { body: "--x" }],
    ["a batch", "/openai/v1/batches", { body: { input_file_id: "f" } }],
    ["tuning with a model that has a price", "/openai/v1/fine_tuning/jobs", { body: body({}) }],
    [
      "a deployment whose name is in the path",
      "/openai/deployments/dear/chat/completions",
      { body: body({}) },
    ],
    ["a message of a thread", "/openai/v1/threads/t/messages", { body: body({}) }],
    ["a model of one's own", "/openai/v1/tunedModels/gpt-4o-mini:generateContent", { body: {} }],
    ["a batch of contents", "/openai/v1/models/gpt-4o-mini:batchGenerateContent", { body: {} }],
    ["DELETE", "/openai/v1/files/f", { method: "DELETE" }],
    ["PUT", chat, { method: "PUT", body: body({}) }],
    ["PATCH", "/openai/v1/x", { method: "PATCH", body: {} }],
    ["POST without a body", "/openai/v1/x", { method: "POST" }],
  ];
  test.each(calls)("%s", async (_, path, request) => {
    await start();
    const reply = await gateway.ask(path, request);
    expect(refusal(reply)).toEqual([403, "not_meterable"]);
    expect(at(reply.json, "error.type")).toBe("permission_error");
    expect(gateway.wire.requests).toEqual([]);
    expect(await rows()).toEqual([]);
  });

  test.each(calls)(
    "nor does a metered account's %s, unless the operator allows it",
    async (what, path, request) => {
      await start({ plan: "metered", balance: 0 });
      expect((await gateway.ask(path, request)).status).toBe(200);
      expect(await rows()).toMatchObject([{ status: "ok", settlement: "final", cost: null }]);
      await gateway.close();
      await start({
        plan: "metered",
        balance: 0,
        config: (config) => (config.billing.unknownPrice = "block"),
      });
      // A model that has no price is a metered account's own affair; what is kept at the provider is nobody's.
      const isModel = /unknown model|variant|another provider/.test(what);
      expect((await gateway.ask(path, request)).status).toBe(isModel ? 200 : 403);
    },
  );

  test("but all go out where the operator allows it", async () => {
    await start({ config: (config) => (config.billing.unknownPrice = "allow") });
    for (const [, path, request] of calls)
      expect((await gateway.ask(path, request)).status).toBe(200);
    expect(await gateway.balance()).toBe(100e9);
  });

  test("a key of some models alone may use no unknown one, named or not", async () => {
    await start({ plan: "metered", key: { allowedModels: ["openai/gpt-4o-mini"] } });
    const codes = [];
    for (const [path, sent] of [
      [chat, body({ model: "gpt-unheard-of" })],
      ["/openai/v1/files", { purpose: "x" }],
      ["/openai/v1/images/generations", { model: "dall-e" }],
      ["/openai/v1/images/generations", { model: "gpt-4o-mini" }],
      [chat, question],
    ] as const)
      codes.push(refusal(await gateway.ask(path, { body: sent }))[1]);
    const no = "model_not_allowed";
    expect(codes).toEqual([no, no, no, undefined, undefined]);
  });
});

test.each([
  '{"model":"gpt-4o-mini","model":"gpt-5.6"}',
  '{"model":"gpt-4o-mini","Model":"gpt-5.6"}',
  '{"model":"gpt-4o-mini","\\u006dodel":"gpt-5.6"}',
])("a body of two models is refused, for which would be charged? %s", async (body) => {
  await start({ plan: "metered" });
  const reply = await gateway.ask(chat, { body });
  expect([...refusal(reply), at(reply.json, "error.param")]).toEqual([
    400,
    "invalid_value",
    "model",
  ]);
  expect(gateway.wire.requests).toEqual([]);
});

describe("a hold covers what the call may cost at most", () => {
  test.each<[string, object, number]>([
    [chat, { ...question, max_tokens: 20 }, 20],
    [chat, { ...question, max_tokens: 20, max_completion_tokens: 50 }, 50],
    [chat, { ...question, max_tokens: "70" }, 70],
    [chat, { ...question, max_tokens: 20, n: 5 }, 100],
    [chat, { ...question, max_tokens: 20, max_output_tokens: 1 }, 20],
    [chat, { ...question, max_tokens: -1 }, 4096],
    [chat, { model: "gpt-4o-mini", max_output_tokens: 1 }, 4096],
    [chat, { ...question, max_tokens: 99_999_999 }, 16_384],
    ["/openai/v1/completions", { ...question, max_tokens: 20, n: 2, best_of: 3 }, 60],
    ["/openai/v1/responses", { model: "gpt-4o-mini", max_output_tokens: 30, max_tokens: 1 }, 30],
    ["/openai/v1/messages", { ...question, max_tokens: 40 }, 40],
    [
      "/openai/v1/models/gpt-4o-mini:generateContent",
      { generationConfig: { maxOutputTokens: 30, candidateCount: 2 } },
      60,
    ],
    ["/openai/v1/models/models%3Agpt-4o-mini:x", { model: "gpt-4o-mini" }, Number.NaN],
  ])("%s with %j", async (path, body, output) => {
    await start({ key: { limit: nano(1) } });
    const reply = await gateway.ask(path, { body });
    if (Number.isNaN(output)) return expect(refusal(reply)[1]).toBe("not_meterable");
    expect(refusal(reply)).toEqual([402, "key_limit_exceeded"]);
    const most = Math.round(Number(at(reply.json, "error.metadata.may_cost")) * 1e9);
    expect(most).toBe(atMost(body, output));
    expect(gateway.wire.requests).toEqual([]);
  });
});

describe("every allowance holds", () => {
  test.each<[string, ProxiedOptions, [number, string]]>([
    ["credit", { balance: 0 }, [402, "insufficient_credits"]],
    ["limit", { key: { limit: nano(1) } }, [402, "key_limit_exceeded"]],
    ["daily limit", { key: { dailyLimit: nano(1) } }, [402, "key_limit_exceeded"]],
    ["monthly limit", { key: { monthlyLimit: nano(1) } }, [402, "key_limit_exceeded"]],
    ["carbon", { key: { carbonBudgetG: 1e-6 } }, [402, "carbon_budget_reached"]],
    [
      "requests a minute",
      { key: { rateLimit: { requestsPerMinute: 0 } } },
      [429, "rate_limit_exceeded"],
    ],
    ["requests a day", { key: { rateLimit: { requestsPerDay: 0 } } }, [429, "rate_limit_exceeded"]],
    [
      "tokens a minute",
      { key: { rateLimit: { tokensPerMinute: 1 } } },
      [429, "rate_limit_exceeded"],
    ],
    ["in flight", { key: { rateLimit: { maxInFlight: 0 } } }, [429, "rate_limit_exceeded"]],
  ])("%s", async (_, options, expected) => {
    await start(options);
    const reply = await gateway.ask(chat, { body: question });
    expect(refusal(reply)).toEqual(expected);
    expect(reply.headers.has("retry-after")).toBe(expected[0] === 429);
    expect(gateway.wire.requests).toEqual([]);
    expect(await rows()).toEqual([]);
  });

  test("of sixty calls at once, a limit for seven admits seven", async () => {
    const one = atMost(question, 20);
    await start({ key: { limit: nano(one * 7 + 1) } });
    const gate = Promise.withResolvers<void>();
    gateway.says(async (socket) => {
      await gate.promise;
      await write(
        socket,
        jsonAnswer({ ...told, usage: { prompt_tokens: 1, completion_tokens: 1 } }),
      );
    });
    let refused = 0;
    const calls = Array.from({ length: 60 }, async () => {
      const reply = await gateway.ask(chat, { body: question });
      if (reply.status === 402) refused++;
      return reply.status;
    });
    while (refused + gateway.wire.requests.length < 60) await Bun.sleep(1);
    gate.resolve();
    const statuses = await Promise.all(calls);
    expect(statuses.filter((status) => status === 200)).toHaveLength(7);
    expect(await gateway.imbalances()).toBe(0);
  });

  test("what was held and not used is free again", async () => {
    const one = atMost(question, 20);
    await start({ key: { limit: nano(one + 2 * 750) } });
    gateway.says(jsonAnswer({ ...told, usage: { prompt_tokens: 1, completion_tokens: 1 } }));
    for (let call = 0; call < 3; call++)
      expect((await gateway.ask(chat, { body: question })).status).toBe(200);
    expect((await gateway.ask(chat, { body: question })).status).toBe(402);
  });
});

describe("a client that leaves", () => {
  /** Leaves once `when` holds, and returns after how many milliseconds the provider's connection was closed. */
  async function leaveWhen(when: () => boolean | Promise<boolean>, body: object): Promise<number> {
    const leave = new AbortController();
    const call = fetch(gateway.url + chat, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify(body),
      signal: leave.signal,
    });
    let received = "";
    const reading = call
      .then(async (response) => {
        for await (const piece of response.body ?? []) received += Buffer.from(piece).toString();
      })
      .catch(() => undefined);
    heard = () => received;
    while (!(await when())) await Bun.sleep(1);
    leave.abort();
    const took = await millisecondsUntil(() => gateway.wire.closed > 0);
    await reading;
    return took;
  }
  let heard = () => "";

  async function expectReleased() {
    const reply = await gateway.ask(chat, { body: { ...question, n: 128, max_tokens: 16_384 } });
    expect([reply.status, at(reply.json, "error.metadata.free")]).toEqual([
      402,
      (await gateway.balance()) / 1e9,
    ]);
  }

  test.each([{ stream: false }, { stream: true }])(
    "before the head ends the provider's work and pays nothing, %j",
    async (how) => {
      await start({ balance: 1 });
      gateway.says(() => undefined);
      const took = await leaveWhen(() => gateway.wire.requests.length > 0, { ...question, ...how });
      expect(took).toBeLessThan(100);
      await gateway.until(async () => (await gateway.rows()).length > 0);
      expect(await rows()).toMatchObject([{ status: "client_cancelled", cost: 0 }]);
      await expectReleased();
    },
  );

  test("in a stream ends the provider's work and pays for what came, once", async () => {
    await start({ balance: 1 });
    gateway.says(
      (socket) => void write(socket, streamHead + chunk(event({ content: "x".repeat(80) }))),
    );
    const took = await leaveWhen(() => heard() !== "", { ...question, stream: true });
    expect(took).toBeLessThan(100);
    await gateway.until(async () => (await gateway.rows()).length > 0);
    const [row] = await rows();
    expect(row).toMatchObject({
      status: "client_cancelled",
      settlement: "estimated",
      carbon_g: null,
    });
    expect(Number(row?.cost)).toBeGreaterThanOrEqual(20 * outputPrice);
    expect(await gateway.balance()).toBe(1e9 - Number(row?.cost));
    expect(await gateway.imbalances()).toBe(0);
    await expectReleased();
  });

  test("after the terminal event has had the whole answer", async () => {
    await start({ balance: 1 });
    const usage = { ...told.usage };
    gateway.says(
      (socket) =>
        void write(
          socket,
          streamHead + chunk(event({ content: "Hi" }, { usage }) + "data: [DONE]\n\n"),
        ),
    );
    await leaveWhen(() => heard().includes("[DONE]"), { ...question, stream: true });
    await gateway.until(async () => (await gateway.rows()).length > 0);
    expect(await rows()).toMatchObject([{ status: "ok", settlement: "final", cost }]);
    await expectReleased();
  });

  test("who does not read on does not keep what is held", async () => {
    await start({ balance: 1 });
    gateway.says(async (socket) => {
      await write(socket, streamHead);
      while (socket.readyState > 0 && gateway.wire.closed === 0)
        await write(socket, chunk(event({ content: "x".repeat(60_000) })));
    });
    const leave = new AbortController();
    const response = await fetch(gateway.url + chat, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.key}` },
      body: JSON.stringify({ ...question, stream: true }),
      signal: leave.signal,
    });
    expect(response.status).toBe(200);
    await Bun.sleep(200); // Until nothing more fits anywhere; nothing tells when.
    leave.abort();
    await gateway.until(async () => (await gateway.rows()).length > 0);
    expect(await rows()).toMatchObject([{ status: "client_cancelled" }]);
    expect(await gateway.imbalances()).toBe(0);
  });

  test("at any moment leaves one row and nothing held", async () => {
    await start({ balance: 1 });
    gateway.says(
      (socket) =>
        void write(
          socket,
          streamHead +
            chunk(event({ content: "Hi" }, { usage: told.usage })) +
            chunk("data: [DONE]\n\n") +
            chunk(),
        ),
    );
    const ids = new Set<unknown>();
    for (let call = 0; call < 150; call++) {
      const leave = new AbortController();
      const path = call % 3 === 0 ? "/openai/v1/models" : chat;
      const sent = fetch(gateway.url + path, {
        method: path === chat ? "POST" : "GET",
        headers: { authorization: `Bearer ${gateway.key}` },
        ...(path === chat ? { body: JSON.stringify({ ...question, stream: true }) } : {}),
        signal: leave.signal,
      }).then((response) => response.text());
      setTimeout(() => leave.abort(), call / 60);
      await sent.catch(() => "");
    }
    for (const row of await rows()) ids.add(row.id);
    expect(ids.size).toBe((await rows()).length);
    expect(await gateway.imbalances()).toBe(0);
    await expectReleased();
  });
});

test("a provider that falls silent is told off as on every route", async () => {
  await start({ config: (config) => (config.timeouts.firstByteMs = 200) });
  gateway.says(() => undefined);
  expect(refusal(await gateway.ask(chat, { body: question }))).toEqual([504, "upstream_timeout"]);
  expect(refusal(await gateway.ask("/openai/v1/models"))).toEqual([504, "upstream_timeout"]);
  expect(await rows()).toMatchObject([{ status: "upstream_error", settlement: "waived" }]);
});

test("a client that reads slowly is no provider that falls silent", async () => {
  await start({ config: (config) => (config.timeouts.idleMs = 200) });
  const events = chunk(event({ content: "x".repeat(60_000) })).repeat(60);
  gateway.says(streamHead + events + chunk("data: [DONE]\n\n") + chunk());
  const response = await fetch(gateway.url + chat, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.key}` },
    body: JSON.stringify({ ...question, stream: true }),
  });
  await Bun.sleep(700);
  expect(await response.text()).toEndWith("data: [DONE]\n\n");
  expect(await rows()).toMatchObject([{ status: "ok" }]);
});

test("only inference speaks for the health of a route, and no client's fault does", async () => {
  await start({ plan: "metered" });
  gateway.says(jsonAnswer({ error: { message: "no" } }, 404));
  for (let call = 0; call < 5; call++) await gateway.ask(chat, { body: question });
  gateway.says(jsonAnswer({ error: { message: "no" } }, 500));
  for (let call = 0; call < 5; call++) await gateway.ask("/openai/v1/images", { body: question });
  gateway.says(jsonAnswer(told));
  expect((await gateway.chat({ model: "openai/gpt-4o-mini" })).status).toBe(200);
  gateway.says(jsonAnswer({ error: { message: "no" } }, 500));
  for (let call = 0; call < 3; call++) await gateway.ask(chat, { body: question });
  const { json } = await gateway.ask(chat, { body: question });
  expect(at(json, "error.code")).toBe("service_unavailable");
  expect(listAt(json, "error.metadata.reasons")).toContain("unavailable");
});

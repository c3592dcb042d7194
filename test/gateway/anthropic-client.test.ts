import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { decode } from "#src/lib/bytes.ts";
import { eventsOf } from "#test/dialect/anthropic/anthropic-official.ts";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import type { Behaviour } from "#src/demo/behaviour.ts";
import { nano } from "#src/ledger/money.ts";

const gateway = await startGateway();
afterAll(() => gateway.close());
const { anthropic, openaiEu, google } = gateway.places.all;
beforeEach(() => anthropic.behave());

const connect = (options: ConstructorParameters<typeof Anthropic>[0]) =>
  new Anthropic({ maxRetries: 0, ...options });
const client = connect({ apiKey: gateway.key, baseURL: gateway.url });
/** Runs with a gateway of its own, whose failing providers no other test will miss. */
async function failing(
  behaviour: Behaviour,
  run: (client: Anthropic, own: TestGateway) => Promise<void>,
): Promise<void> {
  const own = await startGateway({ behaviour });
  try {
    await run(connect({ apiKey: own.key, baseURL: own.url }), own);
  } finally {
    await own.close();
  }
}
/** Asks the simulated provider itself. */
const direct = connect({ apiKey: "any", baseURL: anthropic.url.replace(/\/v1$/, "") });

const claude = "claude-haiku-4-5";
const models = [claude, "openai/gpt-4o-mini", "google/gemini-2.5-flash"];
const say = (content: string) => [{ role: "user" as const, content }];
const ask = (content: string, more: Partial<Anthropic.MessageCreateParamsNonStreaming> = {}) => ({
  model: claude,
  max_tokens: 4096,
  messages: say(content),
  ...more,
});
const weather: Anthropic.Tool = {
  name: "weather",
  description: "Looks up the weather",
  input_schema: {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer" } },
    required: ["city", "days"],
  },
};
const clock: Anthropic.Tool = { name: "clock", input_schema: { type: "object", properties: {} } };
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

describe.each(models)("%s", (model) => {
  test("says the same whole and streamed, with usage, route and footprint", async () => {
    const { data: whole, response } = await client.messages
      .create(ask("echo: Grüezi 🌦", { model }))
      .withResponse();
    const streamed = await client.messages.stream(ask("echo: Grüezi 🌦", { model })).finalMessage();
    expect(whole.content).toMatchObject([{ type: "text", text: "Grüezi 🌦" }]);
    expect(streamed.content).toMatchObject([{ type: "text", text: "Grüezi 🌦" }]);
    expect([whole.stop_reason, streamed.stop_reason]).toEqual(["end_turn", "end_turn"]);
    expect(whole.usage.input_tokens).toBeGreaterThan(0);
    expect(streamed.usage).toMatchObject({
      input_tokens: whole.usage.input_tokens,
      output_tokens: whole.usage.output_tokens,
    });
    expect(whole.id).toStartWith("msg_");
    expect(whole.model.endsWith(model.split("/").at(-1)?.slice(0, 6) ?? "")).toBe(false);
    expect(whole.model).toContain("/");
    const id = String(response.headers.get("x-lowrouter-generation-id"));
    expect(whole).toMatchObject({
      _request_id: id,
      lowrouter: {
        generation_id: id,
        provider: response.headers.get("x-lowrouter-provider"),
        region: response.headers.get("x-lowrouter-region"),
        eco: { methodology_version: expect.any(String) },
      },
    });
  });

  test("raw readers find the block on the last event, after its row is written", async () => {
    const stream = await client.messages.create({ ...ask("Hello", { model }), stream: true });
    const events = await Array.fromAsync(stream);
    expect(events.at(-2)?.type).toBe("message_delta");
    const last = plain(events.at(-1));
    expect(last).toMatchObject({ type: "message_stop", lowrouter: { eco: {} } });
    const row = (await gateway.rows()).find((one) => one.id === last.lowrouter.generation_id);
    expect(row).toMatchObject({ status: "ok", settlement: "final" });
  });

  test("calls two tools at once and takes their results back, streamed", async () => {
    const params = ask("The weather, two times", { model, tools: [weather, clock] });
    const first = await client.messages.stream(params).finalMessage();
    expect(first.stop_reason).toBe("tool_use");
    const calls = first.content.flatMap((block) => (block.type === "tool_use" ? [block] : []));
    expect(calls.map(({ name }) => name)).toEqual(["weather", "clock"]);
    expect(calls[0]?.input).toEqual({ city: "Paris", days: 1 });
    expect(calls[1]?.input).toEqual({});
    const results = calls.map(({ id, name }) => ({
      type: "tool_result" as const,
      tool_use_id: id,
      content: [{ type: "text" as const, text: `${name} says 21` }],
    }));
    const second = await client.messages
      .stream({
        ...params,
        messages: [
          ...params.messages,
          { role: "assistant", content: first.content },
          { role: "user", content: results },
        ],
      })
      .finalMessage();
    expect(second.stop_reason).toBe("end_turn");
    const text = second.content.map((block) => (block.type === "text" ? block.text : "")).join("");
    expect(text).toMatch(/weather says 21.*clock says 21/);
  });

  test("the tool runner of the official client comes to an answer", async () => {
    const runner = client.beta.messages.toolRunner({
      ...ask("The weather, please", { model }),
      messages: say("The weather, please"),
      tools: [
        betaTool({
          name: "weather",
          description: "Looks up the weather",
          inputSchema: {
            type: "object",
            properties: { city: { type: "string" } },
            required: ["city"],
          },
          run: ({ city }) => `${city}: 21 C`,
        }),
      ],
    });
    const message = await runner;
    expect(JSON.stringify(message.content)).toContain("Paris: 21 C");
  });

  test("keeps to a schema, a limit and a stop", async () => {
    const schema = {
      type: "object" as const,
      properties: { a: { type: "integer" } },
      required: ["a"],
      additionalProperties: false,
    };
    const shaped = await client.messages.create(
      ask("Hello", { model, output_config: { format: { type: "json_schema", schema } } }),
    );
    const [block] = shaped.content;
    expect(Object.keys(JSON.parse(block?.type === "text" ? block.text : ""))).toEqual(["a"]);
    const short = await client.messages.create(ask("Hello", { model, max_tokens: 3 }));
    expect([short.stop_reason, short.usage.output_tokens]).toEqual(["max_tokens", 3]);
    const stopped = await client.messages.create(
      ask("echo: one two three", { model, stop_sequences: [" two"] }),
    );
    expect(stopped.content).toMatchObject([{ type: "text", text: "one" }]);
  });

  test("a stream that breaks ends in an error, not in an answer, and is not charged", async () => {
    for (const fault of ["error_event", "cut_mid_stream", "no_terminal"] as const) {
      await failing({ fault, eventByEvent: true }, async (broken, own) => {
        const stream = broken.messages.stream(ask("Hello", { model }));
        await expect(stream.finalMessage()).rejects.toMatchObject({ type: "api_error" });
        await own.until(() => true);
        expect(await own.rows()).toMatchObject([{ status: "upstream_error", cost: 0 }]);
      });
    }
  });
});

test("counting asks the upstream of a Claude, and else says that it estimates; neither is recorded", async () => {
  const rows = (await gateway.rows()).length;
  for (const model of models) {
    const params = { model, messages: say("How many tokens is this?"), tools: [weather] };
    const count = await client.messages.countTokens(params);
    if (model !== claude) {
      expect(count).toMatchObject({ estimated: true });
      expect(count.input_tokens).toBeGreaterThan(10);
      continue;
    }
    expect(count).not.toHaveProperty("estimated");
    expect(count.input_tokens).toBe((await direct.messages.countTokens(params)).input_tokens);
    expect(anthropic.stats.lastPath).toBe("/v1/messages/count_tokens");
  }
  expect((await gateway.rows()).length).toBe(rows);
});

test("counting falls back to our estimate where the upstream fails, and passes on what it refuses", async () => {
  anthropic.behave({ status: 503 });
  const params = { model: claude, messages: say("Hello") };
  expect(await client.messages.countTokens(params)).toMatchObject({ estimated: true });
  anthropic.behave({ status: 400 });
  const count = async () => await client.messages.countTokens(params);
  await expect(count()).rejects.toBeInstanceOf(Anthropic.BadRequestError);
});

test("betas and members of the client reach the count of a Claude", async () => {
  await client.messages.countTokens(
    { model: claude, system: "Be brief", messages: say("Hello") },
    { headers: { "anthropic-beta": "some-beta-2026-01-01" } },
  );
  expect(anthropic.stats.lastHeaders?.["anthropic-beta"]).toBe("some-beta-2026-01-01");
  expect(JSON.parse(decode(anthropic.stats.lastBody ?? new Uint8Array()))).toEqual({
    model: claude,
    system: "Be brief",
    messages: say("Hello"),
  });
});

describe("to a Claude", () => {
  const questions: [string, Partial<Anthropic.MessageCreateParamsNonStreaming>][] = [
    ["Hello", {}],
    ["Hello", { thinking: { type: "enabled", budget_tokens: 1024 } }],
    ["The weather, two times", { tools: [weather, clock] }],
    [
      "The weather, two times",
      { tools: [weather, clock], thinking: { type: "enabled", budget_tokens: 1024 } },
    ],
  ];

  test.each(questions)("%s %j: what is heard is what the upstream said", async (text, more) => {
    const params = ask(text, more);
    const known = (message: Anthropic.Message) =>
      JSON.stringify({ ...message, id: "", model: "", lowrouter: undefined }).replaceAll(
        /toolu_\w+/g,
        "",
      );
    const upstream = await direct.messages.create(params);
    const upstreamStream = await direct.messages.stream(params).finalMessage();
    for (const behaviour of [{}, { byteByByte: true }, { unknownMembers: true }]) {
      anthropic.behave(behaviour);
      if (!("unknownMembers" in behaviour))
        expect(known(await client.messages.create(params))).toBe(known(upstream));
      const ours = await client.messages.stream(params).finalMessage();
      if (!("unknownMembers" in behaviour)) expect(known(ours)).toBe(known(upstreamStream));
      expect(plain(ours.content).length).toBe(plain(upstreamStream.content).length);
    }
  });

  test("the body arrives byte for byte, but for the model and what is ours", async () => {
    const body = `{"model":"anthropic/claude-haiku-4.5", "max_tokens":50,"route":{"region":"global"},"x":12345678901234567890,
      "system":[{"type":"text","text":"é","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Hi"}]}`;
    const { status } = await gateway.ask("/v1/messages", { body });
    expect(status).toBe(200);
    expect(decode(anthropic.stats.lastBody ?? new Uint8Array())).toBe(
      body
        .replace("anthropic/claude-haiku-4.5", "claude-haiku-4-5")
        .replace('"route":{"region":"global"},', ""),
    );
  });

  test("signed thinking comes back in a tool loop", async () => {
    const params = ask("The weather, please", {
      tools: [weather],
      thinking: { type: "enabled", budget_tokens: 1024 },
    });
    const first = await client.messages.stream(params).finalMessage();
    expect(first.content.map(({ type }) => type)).toEqual(["thinking", "tool_use"]);
    const call = first.content.at(-1);
    const second = await client.messages.create({
      ...params,
      messages: [
        ...params.messages,
        { role: "assistant", content: first.content },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: call?.type === "tool_use" ? call.id : "",
              content: "21 C",
            },
          ],
        },
      ],
    });
    expect(JSON.stringify(second.content)).toContain("21 C");
  });

  test("a conversation that another model thought in goes on", async () => {
    const first = await client.messages.create(
      ask("Hello", {
        model: "google/gemini-2.5-flash",
        thinking: { type: "enabled", budget_tokens: 1024 },
      }),
    );
    expect(first.content.map(({ type }) => type)).toEqual(["thinking", "text"]);
    const second = await client.messages.create(
      ask("", {
        messages: [
          ...say("Hello"),
          { role: "assistant", content: first.content },
          ...say("echo: on"),
        ],
      }),
    );
    expect(second.content).toMatchObject([{ type: "text", text: "on" }]);
  });
});

test("a model that signs its calls gets the signatures back through a client that knows none", async () => {
  const model = "google/gemini-3.5-flash";
  const params = ask("The weather, two times", {
    model,
    tools: [weather, clock],
    thinking: { type: "adaptive" },
  });
  const first = await client.messages.stream(params).finalMessage();
  const calls = first.content.flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
  expect(calls).toHaveLength(2);
  const results = calls.map((id) => ({
    type: "tool_result" as const,
    tool_use_id: id,
    content: "21 C",
  }));
  const second = await client.messages.create({
    ...params,
    messages: [
      ...params.messages,
      { role: "assistant", content: first.content },
      { role: "user", content: results },
    ],
  });
  expect(JSON.stringify(second.content)).toContain("21 C");
  expect(decode(google.stats.lastBody ?? new Uint8Array())).toContain("thoughtSignature");
});

test("what only Anthropic's wire can say is left out elsewhere, and named", async () => {
  const { response } = await client.messages
    .create({
      ...ask("Hello", {
        model: "openai/gpt-4o-mini",
        service_tier: "standard_only",
        cache_control: { type: "ephemeral" },
        metadata: { user_id: "u".repeat(200) },
      }),
      route: { region: "eu-west" },
      context_management: { edits: [] },
    } as Anthropic.MessageCreateParamsNonStreaming)
    .withResponse();
  expect(response.headers.get("x-lowrouter-dropped")).toBe("service_tier, context_management");
  const sent = JSON.parse(decode(openaiEu.stats.lastBody ?? new Uint8Array()));
  expect(Object.keys(sent).toSorted()).toEqual(["max_tokens", "messages", "model", "user"]);
  expect(sent.user.length).toBe(64);
});

test("a thread is refused so that the official client knows why", async () => {
  const thread = client.beta.messages.thread({ model: claude, max_tokens: 100 });
  const sent = async () => await thread.send({ role: "user", content: "Hello" });
  await expect(sent()).rejects.toBeInstanceOf(Anthropic.Messages.ThreadUnsupportedRequestError);
});

test("both base paths and both ways to carry the key work", async () => {
  const other = connect({ apiKey: gateway.key, baseURL: `${gateway.url}/api/v1/anthropic` });
  const bearer = connect({ apiKey: null, authToken: gateway.key, baseURL: gateway.url });
  for (const one of [other, bearer]) {
    expect((await one.messages.create(ask("Hello"))).type).toBe("message");
    expect(
      (await one.messages.countTokens({ model: claude, messages: say("x") })).input_tokens,
    ).toBe(2);
    expect((await one.beta.messages.create(ask("Hello"))).type).toBe("message");
  }
});

describe("errors become the official client's own", () => {
  const refused = async (call: Promise<unknown>) => {
    try {
      await call;
    } catch (thrown) {
      if (thrown instanceof Anthropic.APIError) return thrown;
      throw thrown;
    }
    throw new Error("nothing was refused");
  };

  test("of ours", async () => {
    const limited = connect({
      apiKey: await gateway.mint({ rateLimit: { requestsPerMinute: 1 } }),
      baseURL: gateway.url,
    });
    const poor = connect({ apiKey: await gateway.mint({ limit: nano(0) }), baseURL: gateway.url });
    const narrow = connect({
      apiKey: await gateway.mint({ allowedModels: ["openai/gpt-4o-mini"] }),
      baseURL: gateway.url,
    });
    const stranger = connect({ apiKey: "lr_live_nobody", baseURL: gateway.url });
    const manager = connect({ apiKey: gateway.managementKey, baseURL: gateway.url });
    await limited.messages.create(ask("Hello"));
    const cases = [
      [
        () => client.messages.create(ask("Hello", { stop_sequences: [""], max_tokens: 0 })),
        Anthropic.BadRequestError,
        "invalid_request_error",
      ],
      [
        () =>
          client.messages.create(
            ask("Hello", {
              model: "openai/gpt-4o-mini",
              tools: [{ type: "web_search_20250305", name: "web_search" }],
            }),
          ),
        Anthropic.BadRequestError,
        "invalid_request_error",
      ],
      [
        () => stranger.messages.create(ask("Hello")),
        Anthropic.AuthenticationError,
        "authentication_error",
      ],
      [
        () => stranger.messages.countTokens({ model: claude, messages: say("x") }),
        Anthropic.AuthenticationError,
        "authentication_error",
      ],
      [
        () => manager.messages.create(ask("Hello")),
        Anthropic.PermissionDeniedError,
        "permission_error",
      ],
      [
        () => narrow.messages.create(ask("Hello")),
        Anthropic.PermissionDeniedError,
        "permission_error",
      ],
      [
        () => client.messages.create(ask("Hello", { model: "nobody/nothing" })),
        Anthropic.NotFoundError,
        "not_found_error",
      ],
      [() => limited.messages.create(ask("Hello")), Anthropic.RateLimitError, "rate_limit_error"],
      [() => poor.messages.create(ask("Hello")), Anthropic.APIError, "billing_error"],
    ] as const;
    for (const [call, kind, type] of cases) {
      const error = await refused(call());
      expect(error).toBeInstanceOf(kind);
      expect(at(error.error, "type")).toBe("error");
      expect(error.type).toBe(type);
      if (type === "rate_limit_error")
        expect(Number(error.headers?.get("retry-after"))).toBeGreaterThan(0);
    }
  });

  test.each([
    [400, Anthropic.BadRequestError, "invalid_request_error"],
    [401, Anthropic.InternalServerError, "api_error"],
    [429, Anthropic.RateLimitError, "rate_limit_error"],
    [500, Anthropic.InternalServerError, "api_error"],
    [529, Anthropic.InternalServerError, "api_error"],
  ] as const)("of an upstream that answers %i", async (status, kind, type) => {
    for (const model of models) {
      for (const stream of [false, true]) {
        await failing({ status }, async (failed) => {
          const error = await refused(
            stream
              ? failed.messages.stream(ask("Hello", { model })).finalMessage()
              : failed.messages.create(ask("Hello", { model })),
          );
          expect(error).toBeInstanceOf(kind);
          expect(error.type).toBe(type);
          expect(error.requestID).toStartWith("gen_");
        });
      }
    }
  });

  test("a body that is no JSON, in the same envelope", async () => {
    const { status, json } = await gateway.ask("/v1/messages", { body: "{" });
    expect([status, json]).toEqual([
      400,
      {
        type: "error",
        error: { type: "invalid_request_error", message: "Cannot parse the body as JSON" },
      },
    ]);
  });
});

test("a stream over the wire has named events, dense and in order", async () => {
  for (const model of models) {
    const { text } = await gateway.ask("/v1/messages", {
      body: { ...ask("The weather, two times", { model, tools: [weather, clock] }), stream: true },
    });
    const events = eventsOf(text);
    const starts = events.filter(({ type }) => type === "content_block_start");
    expect(starts.map(({ index }) => index)).toEqual(starts.map((_, index) => index));
    expect(events[0]?.type).toBe("message_start");
    expect(events.at(-1)?.type).toBe("message_stop");
  }
});

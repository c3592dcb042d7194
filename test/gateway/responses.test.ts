import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import type { ResponseInput } from "openai/resources/responses/responses";
import { fixture } from "#test/dialect/upstream-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

/** What the provider that speaks the wire itself got last, and what it answers. */
let received: string;
let path: string;
let answer: { body: string; type: string; status?: number } = { body: "", type: "text/plain" };
let gateway: TestGateway;
let upstream: ScriptedUpstream;
let client: OpenAI;
beforeAll(async () => {
  upstream = scriptedUpstream(async (request) => {
    path = new URL(request.url).pathname;
    received = await request.text();
    return new Response(answer.body, {
      status: answer.status ?? 200,
      headers: { "content-type": answer.type },
    });
  });
  gateway = await startGateway({
    config: (config) => {
      config.providers.own = {
        protocol: "openai-chat",
        base_url: upstream.url,
        also_speaks: ["openai-responses"],
        region: "eu-west",
      };
      config.models = [
        { id: "acme/native", provider: "own", upstream: "native-1", ...price },
        ...config.models,
      ];
    },
  });
  client = new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const price = {
  input_per_million: 1,
  output_per_million: 2,
  context_window: 100_000,
  tools: true,
  json_schema: true,
};
const weather = {
  type: "function" as const,
  name: "weather",
  description: "Weather of a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
  strict: true,
};
/** One model of each wire that is spoken to providers. */
const models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "google/gemini-2.5-flash"];

describe.each(models)("the official client, with %s behind another wire,", (model) => {
  test("gets a whole answer with usage, cost and the block", async () => {
    const response = await client.responses.create({ model, input: "Hello" });
    expect(response.output_text.length).toBeGreaterThan(0);
    expect(response.id).toStartWith("resp_");
    expect(response).toMatchObject({
      object: "response",
      status: "completed",
      model,
      error: null,
      store: false,
      output: [{ type: "message", role: "assistant", status: "completed" }],
    });
    expect(response.usage?.total_tokens).toBeGreaterThan(0);
    expect(at(response, "usage.cost")).toBeGreaterThan(0);
    expect(at(response, "lowrouter.generation_id")).toStartWith("gen_");
  });

  test("puts a stream together to the same as what its last event says", async () => {
    const stream = client.responses.stream({ model, input: "Hello", instructions: "Be brief" });
    let text = "";
    const types: string[] = [];
    const numbers: number[] = [];
    for await (const event of stream) {
      types.push(event.type);
      numbers.push(event.sequence_number);
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    const response = await stream.finalResponse();
    expect(response.output_text).toBe(text);
    expect(text.length).toBeGreaterThan(0);
    expect(types.slice(0, 4)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
    ]);
    expect(types.slice(-4)).toEqual([
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(response.usage?.output_tokens).toBeGreaterThan(0);
    expect(at(response, "lowrouter.generation_id")).toStartWith("gen_");
  });

  test.each([true, false])("calls functions over two turns, streamed: %p", async (streamed) => {
    const input: ResponseInput = [{ role: "user", content: "What is the weather in Oslo?" }];
    const ask = { model, input, tools: [weather] };
    const first = streamed
      ? await client.responses.stream(ask).finalResponse()
      : await client.responses.create(ask);
    const said = first.output.flatMap((item) =>
      item.type === "function_call" || item.type === "message" ? [item] : [],
    );
    const calls = said.flatMap((item) => (item.type === "function_call" ? [item] : []));
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      expect(call.name).toBe("weather");
      expect(JSON.parse(call.arguments)).toBeObject();
    }
    const outputs = calls.map(({ call_id }) => ({
      type: "function_call_output" as const,
      call_id,
      output: "Rain, 7 degrees",
    }));
    const second = await client.responses.create({
      ...ask,
      input: [...input, ...said, ...outputs],
    });
    expect(second.status).toBe("completed");
    expect(second.output_text).toContain("Rain, 7 degrees");
  });
});

test.each(["anthropic/claude-haiku-4.5", "google/gemini-2.5-flash"])(
  "the reasoning of %s is an item of its own, whose state comes back with the results of calls",
  async (model) => {
    const input: ResponseInput = [{ role: "user", content: "What is the weather in Oslo?" }];
    const reasoning = { effort: "low" as const, summary: "auto" as const };
    const ask = { model, tools: [weather], reasoning };
    const whole = await client.responses.create({ ...ask, input });
    const streamed = await client.responses.stream({ ...ask, input }).finalResponse();
    for (const { output } of [whole, streamed]) {
      const [thought] = output;
      expect(thought).toMatchObject({ type: "reasoning", summary: [{ type: "summary_text" }] });
      const said = output.flatMap((item) =>
        item.type === "function_call" || item.type === "reasoning" ? [item] : [],
      );
      const results = said.flatMap((item) =>
        item.type === "function_call"
          ? [{ type: "function_call_output" as const, call_id: item.call_id, output: "Rain" }]
          : [],
      );
      expect(results.length).toBeGreaterThan(0);
      const next = await client.responses.create({
        ...ask,
        input: [...input, ...said, ...results],
      });
      expect(next.output_text).toContain("Rain");
    }
    expect(whole.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0);
  },
);

/** A request as the Codex command line sends it. */
const codex = {
  instructions: "You are a coding agent.",
  input: [
    {
      type: "message" as const,
      role: "developer" as const,
      content: [{ type: "input_text" as const, text: "Sandbox: read-only" }],
    },
    {
      type: "message" as const,
      role: "user" as const,
      content: [{ type: "input_text" as const, text: "Which tool tells the weather?" }],
    },
  ],
  tools: [{ ...weather, name: "shell", strict: false }],
  tool_choice: "auto" as const,
  parallel_tool_calls: false,
  reasoning: { effort: "medium" as const, summary: "auto" as const },
  store: false,
  stream: true as const,
  include: ["reasoning.encrypted_content" as const],
  prompt_cache_key: "0199-thread",
};

test.each(models)(
  "the ai package with its OpenAI provider streams text and calls of %s",
  async (model) => {
    const openai = createOpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1` });
    const tools = {
      weather: tool({
        description: "Weather of a city",
        inputSchema: jsonSchema<{ city: string }>(weather.parameters),
        execute: () => Promise.resolve("Rain, 7 degrees"),
      }),
    };
    const result = streamText({
      model: openai.responses(model),
      prompt: "What is the weather in Oslo?",
      tools,
      stopWhen: stepCountIs(2),
    });
    expect(await result.text).toContain("Rain, 7 degrees");
    expect((await result.steps).map(({ finishReason }) => finishReason)).toEqual([
      "tool-calls",
      "stop",
    ]);
    const whole = await generateText({ model: openai.responses(model), prompt: "Hello" });
    expect(whole.text.length).toBeGreaterThan(0);
    expect(whole.usage.outputTokens).toBeGreaterThan(0);
  },
);

test.each(models)("a request of the Codex command line is served by %s", async (model) => {
  const stream = await client.responses.create({ ...codex, model });
  const types: string[] = [];
  const done: string[] = [];
  for await (const event of stream) {
    types.push(event.type);
    if (event.type === "response.output_item.done") done.push(event.item.type);
  }
  expect(done).toContain("function_call");
  expect(types.at(-1)).toBe("response.completed");
});

describe("what another wire cannot say is refused with the member at fault:", () => {
  const refused: [string, Record<string, unknown>, string?][] = [
    ["previous_response_id", { previous_response_id: "resp_1" }],
    ["conversation", { conversation: "conv_1" }],
    ["background", { background: true }],
    ["prompt", { prompt: { id: "pmpt_1" } }],
    ["tools[1]", { tools: [weather, { type: "web_search" }] }],
    ["input[0]", { input: [{ type: "item_reference", id: "msg_1" }] }],
    ["top_logprobs", { top_logprobs: 3 }, "OpenAI or Google"],
  ];
  test.each(refused)("%s", async (param, members, who = "speaks Responses") => {
    const sent = client.post("/responses", {
      body: { model: "anthropic/claude-haiku-4.5", input: "Hi", ...members },
    });
    const error: unknown = await sent.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, code: "unsupported_feature", param });
    expect(String(error)).toContain(who);
  });
});

test("bad input is refused with the member at fault, and never quoted", async () => {
  const bad: [string, unknown][] = [
    ["input", {}],
    ["input", { input: 4 }],
    ["input[0].role", { input: [{ role: "secret", content: "x" }] }],
    ["input[0].content[0].type", { input: [{ role: "user", content: [{ text: "secret" }] }] }],
    ["input[0].content[0].type", { input: [{ role: "user", content: [{ type: "text" }] }] }],
    ["input[0].call_id", { input: [{ type: "function_call_output", output: "secret" }] }],
    ["tools[0].name", { input: "x", tools: [{ type: "function" }] }],
    ["tools[0].function", { input: "x", tools: [{ type: "function", function: {} }] }],
    ["tool_choice", { input: "x", tool_choice: "secret" }],
    ["text.format.type", { input: "x", text: { format: { type: "secret" } } }],
    ["reasoning.effort", { input: "x", reasoning: { effort: "secret" } }],
    ["max_output_tokens", { input: "x", max_output_tokens: 0 }],
  ];
  for (const [param, body] of bad) {
    const reply = await gateway.ask("/api/v1/responses", { body });
    expect([param, reply.status, at(reply.json, "error.param")]).toEqual([param, 400, param]);
    expect(reply.text).not.toContain("secret");
  }
});

describe("a provider that speaks the wire itself", () => {
  const native = "acme/native";

  test("gets the request unchanged but for the model, its state included", async () => {
    answer = {
      body: decode(await fixture("openai-responses/reply.json")),
      type: "application/json",
    };
    const exact = '"big":98765432109876543210,"float":1.0,"words":"\\u00e9\\/"';
    const rest = `"previous_response_id":"resp_0","store":true,"tools":[{"type":"web_search"}],${exact}`;
    const reply = await gateway.ask("/v1/responses", {
      body: `{"model":"${native}","input":"Hi", ${rest},"route":{"fallback":false}}`,
    });
    expect(reply.status).toBe(200);
    expect(path).toBe("/v1/responses");
    expect(received).toBe(`{"model":"native-1","input":"Hi", ${rest}}`);
  });

  test("has its answer passed on under its own id, with model, cost and block", async () => {
    answer = {
      body: decode(await fixture("openai-responses/reply.json")),
      type: "application/json",
    };
    const response = await client.responses.create({ model: native, input: "Hi" });
    expect(response.id).toBe("resp_up1");
    expect(response.model).toBe(native);
    expect(response.output_text).toBe('Grüße! "model":"fake" 🌦\n.');
    expect(response.usage).toMatchObject({
      input_tokens: 12,
      input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
      output_tokens: 9,
    });
    expect(at(response, "usage.cost")).toBeCloseTo(0.00003, 9);
    expect(at(response, "lowrouter.provider")).toBe("own");
  });

  test("streams to the official accumulator, reasoning included", async () => {
    answer = {
      body: decode(await fixture("openai-responses/stream-text.sse")),
      type: "text/event-stream",
    };
    // An event that this release of the client does not know would break it, here as without a gateway.
    answer.body = answer.body.replace(/event: response\.tomorrow[^]*?\n\n/, "");
    const stream = client.responses.stream({ ...codex, model: native });
    const response = await stream.finalResponse();
    expect(response.output[0]).toMatchObject({
      type: "reasoning",
      encrypted_content: "gAAA-whole",
    });
    expect(response.output_text).toBe('Grüße! "model":"fake" 🌦\n.');
    expect(response.model).toBe(native);
    expect(at(response, "usage.cost")).toBeCloseTo(0.00003, 9);
    expect(at(response, "lowrouter.generation_id")).toStartWith("gen_");
    expect(JSON.parse(received)).toEqual({ ...codex, model: "native-1" });
  });

  test("has its refusal of a request passed on as BadRequestError", async () => {
    const message = "Previous response with id 'resp_0' not found.";
    const error = {
      message,
      type: "invalid_request_error",
      param: "previous_response_id",
      code: null,
    };
    answer = { body: JSON.stringify({ error }), type: "application/json", status: 400 };
    const sent = client.responses.create({
      model: native,
      input: "Hi",
      previous_response_id: "resp_0",
    });
    const thrown: unknown = await sent.catch((cause: unknown) => cause);
    expect(thrown).toBeInstanceOf(OpenAI.BadRequestError);
    expect(thrown).toMatchObject({ param: "previous_response_id" });
    expect(String(thrown)).toContain(message);
  });

  // Last: three failures in a row make the provider unavailable.
  test("that fails in mid-stream ends in a failed response under the same id", async () => {
    for (const name of ["stream-failed", "stream-error", "stream-cut"]) {
      answer = {
        body: decode(await fixture(`openai-responses/${name}.sse`)),
        type: "text/event-stream",
      };
      const stream = client.responses.stream({ model: native, input: "Hi" });
      const response = await stream.finalResponse();
      expect(response.status).toBe("failed");
      expect(response.id).toBe("resp_up1");
      expect(response.error).toMatchObject({
        code: "upstream_error",
        message: "upstream request failed",
      });
      expect(at(response, "lowrouter.generation_id")).toStartWith("gen_");
      expect(at(response, "lowrouter.eco")).toBeUndefined();
      expect(JSON.stringify(response)).not.toContain("secret");
    }
    await gateway.until(() => true);
    const rows = await gateway.rows();
    expect(rows.slice(-3).map(({ status }) => status)).toEqual(Array(3).fill("upstream_error"));
  });
});

test("a stream that breaks behind another wire ends in a failed response", async () => {
  for (const fault of ["cut_mid_stream", "no_terminal", "error_event"]) {
    const stream = client.responses.stream({
      model: "anthropic/claude-haiku-4.5",
      input: `simulate:fault=${fault},afterEvents=4`,
    });
    const response = await stream.finalResponse();
    expect(response.status).toBe("failed");
    expect(response.error).toMatchObject({ code: "upstream_error" });
    expect(response.id).toStartWith("resp_");
    expect(at(response, "lowrouter.eco")).toBeUndefined();
  }
});

describe("a model that is served by this wire alone", () => {
  let other: TestGateway;
  beforeAll(async () => {
    other = await startGateway({
      config: (config) => (config.providers.openai = { base_urls: { "us-east": upstream.url } }),
    });
  });
  afterAll(() => other.close());

  test("answers chat completions, whole and streamed, and gets its reasoning back", async () => {
    const model = "openai/gpt-5.3-codex";
    const chat = new OpenAI({ apiKey: other.key, baseURL: `${other.url}/v1`, maxRetries: 0 });
    const messages = [{ role: "user" as const, content: "Hi" }];
    answer = {
      body: decode(await fixture("openai-responses/reply.json")),
      type: "application/json",
    };
    const ask = { model, messages, reasoning_effort: "low" as const };
    const whole = await chat.chat.completions.create(ask);
    expect(path).toBe("/v1/responses");
    expect(JSON.parse(received)).toMatchObject({
      reasoning: { effort: "low", summary: "auto" },
      include: ["reasoning.encrypted_content"],
      store: false,
    });
    const [choice] = whole.choices;
    expect(choice?.finish_reason).toBe("tool_calls");
    expect(choice?.message.content).toBe('Grüße! "model":"fake" 🌦\n.');
    expect(whole.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 9 });
    if (choice === undefined) throw new Error("there is no choice");
    const calls = choice.message.tool_calls ?? [];
    const results = calls.map(({ id }) => ({
      role: "tool" as const,
      tool_call_id: id,
      content: "Rain",
    }));
    answer = {
      body: decode(await fixture("openai-responses/stream-text.sse")),
      type: "text/event-stream",
    };
    const stream = chat.chat.completions.stream({
      ...ask,
      messages: [...messages, choice.message, ...results],
    });
    expect(await stream.finalContent()).toBe('Grüße! "model":"fake" 🌦\n.');
    const { input } = JSON.parse(received);
    // It travelled behind the id of the call, and stands before what followed it again.
    expect(input.map(({ type }: { type: string }) => type)).toEqual([
      "message",
      "reasoning",
      "message",
      "function_call",
      "function_call_output",
    ]);
    expect(input[1]).toMatchObject({ encrypted_content: "gAAA-whole" });
    expect(input[3].call_id).toBe("call_a");
  });
});

test("a translated response repeats what was asked, whole and streamed", async () => {
  const ask = {
    model: "openai/gpt-4o-mini",
    input: "Hi",
    instructions: "Be brief.",
    max_output_tokens: 200,
    tools: [weather],
    tool_choice: "none" as const,
    metadata: { a: "b" },
    temperature: 0.5,
  };
  const { model: _, input: __, ...repeated } = ask;
  expect(await client.responses.create(ask)).toMatchObject({ ...repeated, store: false });
  const stream = await client.responses.create({ ...ask, stream: true });
  for await (const event of stream) {
    if (event.type === "response.created" || event.type === "response.completed")
      expect(event.response).toMatchObject({ ...repeated, store: false });
  }
});

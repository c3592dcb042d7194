import { describe, expect, test } from "bun:test";
import { bedrockUpstream } from "#src/dialect/bedrock/bedrock-converse.ts";
import type { Target } from "#src/dialect/dialect.ts";
import type { Message, ReasoningPart, TextPart, Tool, Turn, UserPart } from "#src/dialect/turn.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";
import { decode } from "#test/dialect/payload.ts";
import {
  bodyOf,
  callOf,
  refusalOf,
  resultsOf,
  say,
  targetOf,
  turnOf,
} from "#test/dialect/upstream-kit.ts";

const claude = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const nova = "eu.amazon.nova-2-lite-v1:0";
const qwen = "qwen.qwen3-32b-v1:0";
const write = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  bedrockUpstream.writeRequest(turnOf(turn), targetOf({ model: claude, ...target }));
const body = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  bodyOf(write(turn, target));
const messages = (...list: Message[]) => body({ messages: list }).messages;
const weather: Tool = {
  name: "weather",
  description: "Tells it",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};
const mark = (ttl?: string) => ({
  "anthropic-messages": { cache_control: { type: "ephemeral", ...(ttl ? { ttl } : {}) } },
});
const marked = (text: string, ttl?: string): TextPart => ({ type: "text", text, carry: mark(ttl) });
const point = { cachePoint: { type: "default" } };

test("a plain request goes to the model's own path with its messages and a limit", () => {
  const request = write();
  expect(request.path).toBe("/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse");
  expect(request.dropped).toEqual([]);
  expect(bodyOf(request)).toEqual({
    messages: [{ role: "user", content: [{ text: "Hi" }] }],
    inferenceConfig: { maxTokens: 4096 },
  });
});

test("a stream has a path of its own, and an ARN is one segment of it", () => {
  const arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc";
  expect(write({ stream: true }, { model: arn }).path).toBe(
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fabc/converse-stream",
  );
});

test("models of other makers get a limit only from the client, never above their own", () => {
  expect(body({}, { model: qwen }).inferenceConfig).toBeUndefined();
  expect(body({ maxOutputTokens: 1e6 }, { model: qwen }).inferenceConfig).toEqual({
    maxTokens: 64_000,
  });
});

test("system text, stop sequences and overrides are said", () => {
  const told = body(
    { system: [{ type: "text", text: "Be brief" }], stop: ["", " ", "END"] },
    { overrides: { serviceTier: { type: "default" } } },
  );
  expect(told).toMatchObject({
    system: [{ text: "Be brief" }],
    inferenceConfig: { stopSequences: ["END"] },
    serviceTier: { type: "default" },
  });
  expect(write({ stop: [" "] })).toMatchObject({ dropped: [], stops: { left: [" "] } });
  expect(write({ stop: [" "] }, { model: qwen })).toMatchObject({ stops: { sent: [" "] } });
});

test("what the wire cannot say is named, and what would change the answer is refused", () => {
  expect(
    write({ seed: 1, frequencyPenalty: 1, presencePenalty: 1, user: "alice", extra: { x: 1 } })
      .dropped,
  ).toEqual(["seed", "frequency_penalty", "presence_penalty", "user", "x"]);
  expect(refusalOf(() => write({ choices: 2 })).detail.param).toBe("n");
  expect(refusalOf(() => write({ extra: { logprobs: true } })).detail.param).toBe("logprobs");
});

describe("sampling", () => {
  test("temperature is 1 at most, and Claude gets no top_p beside it", () => {
    const both = { temperature: 1.5, topP: 0.5 };
    expect(body(both).inferenceConfig).toMatchObject({ temperature: 1 });
    expect(write(both).dropped).toEqual(["top_p"]);
    expect(body(both, { model: nova }).inferenceConfig).toEqual({ temperature: 1, topP: 0.5 });
  });
  test("top_k goes the way of the model's maker, or is dropped by name", () => {
    const fields = (model: string) => body({ topK: 5 }, { model }).additionalModelRequestFields;
    expect(fields(claude)).toEqual({ top_k: 5 });
    expect(fields("mistral.mistral-large-3")).toEqual({ top_k: 5 });
    expect(fields(nova)).toEqual({ inferenceConfig: { topK: 5 } });
    expect(write({ topK: 5 }, { model: qwen }).dropped).toEqual(["top_k"]);
  });
  test("a model without sampling gets none", () => {
    const told = write({ temperature: 0, topP: 0.5, topK: 5 }, { samplingParams: false });
    expect(told.dropped).toEqual(["temperature", "top_p", "top_k"]);
    expect(bodyOf(told).additionalModelRequestFields).toBeUndefined();
  });
});

describe("reasoning", () => {
  test("Claude thinks as on its own wire, by budget or by effort", () => {
    const budget = { reasoning: { budget: { min: 1024 } } };
    expect(body({ reasoning: { budgetTokens: 2000 }, temperature: 0 }, budget)).toMatchObject({
      inferenceConfig: { maxTokens: 4096 },
      additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 2000 } },
    });
    const efforts = { reasoning: { efforts: ["low", "medium", "high"] } };
    expect(body({ reasoning: { effort: "xhigh" } }, efforts).additionalModelRequestFields).toEqual({
      thinking: { type: "adaptive", display: "summarized" },
      output_config: { effort: "high" },
    });
  });
  test("Nova has levels; the highest takes neither limit nor sampling, so a limit lowers it", () => {
    const target = { model: nova, reasoning: { efforts: ["low", "medium", "high"] } };
    const high = write({ reasoning: { effort: "max" }, temperature: 0 }, target);
    expect(bodyOf(high)).toEqual({
      messages: [{ role: "user", content: [{ text: "Hi" }] }],
      additionalModelRequestFields: {
        reasoningConfig: { type: "enabled", maxReasoningEffort: "high" },
      },
    });
    expect(high.dropped).toEqual(["temperature"]);
    expect(body({ reasoning: { effort: "high" }, maxOutputTokens: 9 }, target)).toMatchObject({
      inferenceConfig: { maxTokens: 9 },
      additionalModelRequestFields: { reasoningConfig: { maxReasoningEffort: "medium" } },
    });
    expect(write({ reasoning: { effort: "none" } }, target).dropped).toEqual([]);
  });
  test("models of other makers reason as they do, and the wish is named", () => {
    const told = write({ reasoning: { effort: "high" } }, { model: qwen, reasoning: {} });
    expect(told.dropped).toEqual(["reasoning"]);
  });
  test("reasoning goes back to this wire alone, as it came", () => {
    const own = { "bedrock-converse": {} };
    const parts: ReasoningPart[] = [
      { type: "reasoning", text: "Hm", signature: "s", carry: own },
      { type: "reasoning", text: "", redacted: "r", carry: own },
      { type: "reasoning", text: "other", signature: "x", carry: { "anthropic-messages": {} } },
      { type: "reasoning", text: "unknown", signature: "x" },
      { type: "reasoning", text: "unsigned", carry: own },
    ];
    const said = { role: "assistant" as const, content: [...parts, callOf("a", "weather")] };
    expect(messages(say("user", "Hi"), said, resultsOf(["a", "ok"]))).toMatchObject([
      {},
      {
        content: [
          { reasoningContent: { reasoningText: { text: "Hm", signature: "s" } } },
          { reasoningContent: { redactedContent: "r" } },
          { text: expect.stringContaining("tool_call") },
        ],
      },
      {},
    ]);
  });
});

describe("tools", () => {
  const history: Message[] = [
    say("user", "Weather?"),
    { role: "assistant", content: [callOf("a", "weather", '{"n":12345678901234567890}')] },
    resultsOf(["a", "Sunny"]),
  ];
  test("tools, choices and strictness are said", () => {
    const spec = (choice: Turn["toolChoice"]) =>
      body({ tools: [weather], ...(choice ? { toolChoice: choice } : {}) }).toolConfig;
    const tools = [
      {
        toolSpec: {
          name: "weather",
          description: "Tells it",
          inputSchema: { json: weather.parameters },
        },
      },
    ];
    expect(spec(undefined)).toEqual({ tools });
    expect(spec("auto")).toEqual({ tools, toolChoice: { auto: {} } });
    expect(spec("required")).toEqual({ tools, toolChoice: { any: {} } });
    expect(spec({ name: "weather" })).toEqual({ tools, toolChoice: { tool: { name: "weather" } } });
    expect(spec("none")).toBeUndefined();
    const strict = { tools: [{ name: "f", strict: true }] };
    expect(body(strict).toolConfig).toEqual({
      tools: [
        {
          toolSpec: {
            name: "f",
            inputSchema: { json: { type: "object", properties: {} } },
            strict: true,
          },
        },
      ],
    });
    expect(write(strict, { jsonSchema: false }).dropped).toEqual(["strict"]);
    expect(write({ tools: [weather], parallelToolCalls: false }).dropped).toEqual([
      "parallel_tool_calls",
    ]);
  });
  test("calls and results are blocks, results first, failures marked where the model knows the mark", () => {
    const failed: Message[] = [
      ...history.slice(0, 2),
      {
        role: "tool",
        results: [{ callId: "a", content: [{ type: "text", text: "" }], isError: true }],
      },
      say("user", "So?"),
    ];
    const told = (model: string) =>
      body({ messages: failed, tools: [weather] }, { model }).messages;
    const result = { toolUseId: "a", content: [] };
    expect(told(claude)).toEqual([
      { role: "user", content: [{ text: "Weather?" }] },
      { role: "assistant", content: [{ toolUse: expect.objectContaining({ toolUseId: "a" }) }] },
      {
        role: "user",
        content: [{ toolResult: { ...result, status: "error" } }, { text: "So?" }],
      },
    ]);
    expect(told(qwen)).toMatchObject([{}, {}, { content: [{ toolResult: result }, {}] }]);
    const request = write({ messages: history, tools: [weather] });
    expect(decode(request.body)).toContain('"input":{"n":12345678901234567890}');
  });
  test("where no tool is offered, calls and results of the conversation are told as text", () => {
    for (const offered of [{}, { tools: [weather], toolChoice: "none" as const }]) {
      const told = body({ messages: history, ...offered });
      expect(told.toolConfig).toBeUndefined();
      expect(JSON.stringify(told)).not.toContain("toolUse");
      expect(told.messages).toMatchObject([
        {},
        { content: [{ text: expect.stringContaining('<tool_call name="weather">') }] },
        { content: [{ text: '<tool_result name="weather">\nSunny\n</tool_result>' }] },
      ]);
    }
  });
  test("ids beyond 64 characters are replaced alike in call and result", () => {
    const id = "x".repeat(100);
    const told = JSON.stringify(
      body({
        messages: [
          say("user", "Hi"),
          { role: "assistant", content: [callOf(id, "f")] },
          resultsOf([id, "ok"]),
        ],
        tools: [{ name: "f" }],
      }),
    );
    const ids = [...told.matchAll(/"toolUseId":"([^"]+)"/g)].map(([, found]) => found);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]?.length).toBeLessThanOrEqual(64);
  });
});

describe("response formats", () => {
  const format = {
    type: "json_schema" as const,
    name: "city",
    description: "A city",
    schema: { type: "object", properties: {} },
  };
  test("a schema is enforced by the host, as text", () => {
    expect(body({ responseFormat: format }).outputConfig).toEqual({
      textFormat: {
        type: "json_schema",
        structure: {
          jsonSchema: {
            schema: '{"type":"object","properties":{}}',
            name: "city",
            description: "A city",
          },
        },
      },
    });
  });
  test.each([
    ["Nova", { model: nova }],
    ["a model without schemas", { jsonSchema: false }],
  ])("one forced tool stands in for %s", (_, target) => {
    const told = body({ responseFormat: format }, target);
    expect(told.outputConfig).toBeUndefined();
    expect(told.toolConfig).toMatchObject({
      tools: [{ toolSpec: { name: "lowrouter_json_answer" } }],
      toolChoice: { tool: { name: "lowrouter_json_answer" } },
    });
    expect(body({ responseFormat: format, tools: [weather] }, target).toolConfig).toMatchObject({
      tools: [{}, {}],
      toolChoice: { any: {} },
    });
    const list = { ...format, schema: { type: "array" } };
    expect(refusalOf(() => write({ responseFormat: list }, target)).detail.param).toBe(
      "response_format",
    );
  });
  test("a JSON object is asked for in words", () => {
    expect(body({ responseFormat: { type: "json_object" } }).system).toMatchObject([
      { text: expect.stringContaining("JSON") },
    ]);
  });
});

describe("parts", () => {
  const content = (...parts: UserPart[]) =>
    body({ messages: [{ role: "user", content: parts }] }).messages;
  const of = (...blocks: JsonObject[]): Json => [{ role: "user", content: blocks }];
  test("pictures go as bytes, with the format that the bytes have", () => {
    const png = "iVBORw0KGgoAAAA";
    expect(content({ type: "image", source: { mediaType: "image/jpeg", base64: png } })).toEqual(
      of({ image: { format: "png", source: { bytes: png } } }),
    );
    expect(content({ type: "image", source: { mediaType: "image/webp", base64: "AAAA" } })).toEqual(
      of({ image: { format: "webp", source: { bytes: "AAAA" } } }),
    );
  });
  test("documents get a unique name of allowed characters, and a text where they stand alone", () => {
    const pdf = { mediaType: "application/pdf", base64: "JVBERi0=" };
    const file = { type: "file" as const, filename: "Q1_report.final.pdf", source: pdf };
    const document = (name: string) => ({
      document: { format: "pdf", name, source: { bytes: "JVBERi0=" } },
    });
    expect(content(file, file, { type: "text", text: "Sum up" })).toEqual(
      of(document("Q1 report final pdf"), document("Q1 report final pdf (2)"), { text: "Sum up" }),
    );
    const plain = { mediaType: "text/x-log", base64: "aGk=" };
    expect(content({ type: "file", source: plain })).toEqual(
      of(
        { document: { format: "txt", name: "document", source: { bytes: "aGk=" } } },
        { text: "." },
      ),
    );
    // What begins as a PDF is one, whatever it is called.
    const unnamed = { mediaType: "application/octet-stream", base64: "JVBERi0=" };
    expect(content({ type: "file", source: unnamed })).toEqual(
      of(document("document"), { text: "." }),
    );
  });
  test.each<[string, UserPart]>([
    ["a picture by address", { type: "image", source: { url: "https://a.example/b.png" } }],
    ["a file by address", { type: "file", source: { url: "https://a.example/b.pdf" } }],
    ["a file by id", { type: "file", source: { fileId: "file-1" } }],
    ["another picture", { type: "image", source: { mediaType: "image/bmp", base64: "Qk0=" } }],
    ["another file", { type: "file", source: { mediaType: "video/mp4", base64: "AA==" } }],
    ["audio", { type: "audio", format: "wav", base64: "AA==" }],
  ])("%s is refused", (_, part) => {
    expect(refusalOf(() => content(part)).code).toBe("unsupported_feature");
  });
});

describe("cache marks", () => {
  test("become points behind system text, messages, results and, for Claude, tools", () => {
    const turn: Partial<Turn> = {
      system: [marked("Rules", "1h")],
      tools: [{ ...weather, carry: mark() }],
      messages: [
        { role: "user", content: [marked("Hi")] },
        { role: "assistant", content: [callOf("a", "weather")] },
        { role: "tool", results: [{ callId: "a", content: [], carry: mark() }] },
      ],
    };
    expect(body(turn)).toMatchObject({
      system: [{ text: "Rules" }, { cachePoint: { type: "default", ttl: "1h" } }],
      toolConfig: { tools: [{}, point] },
      messages: [{ content: [{}, point] }, { content: [{}] }, { content: [{}, point] }],
    });
    const told = body(turn, { model: nova });
    expect(told).toMatchObject({ system: [{}, point], toolConfig: { tools: [{}] } });
    expect(JSON.stringify(body(turn, { model: qwen }))).not.toContain("cachePoint");
  });
  test("beyond four the last ones stay", () => {
    const content = Array.from({ length: 5 }, (_, at) => marked(`part ${at}`));
    const told = body({ system: [marked("Rules")], messages: [{ role: "user", content }] });
    expect(told.system).toEqual([{ text: "Rules" }]);
    const blocks: JsonObject[] = content.flatMap(({ text }) => [{ text }, point]);
    expect(told.messages).toEqual([{ role: "user", content: blocks.toSpliced(1, 1) }]);
  });
  test("a mark on the whole prompt is one point behind its last message", () => {
    const extra = { cache_control: { type: "ephemeral" } };
    const whole = [{ role: "user", content: [{ text: "Hi" }, point] }];
    expect(body({ extra }).messages).toEqual(whole);
    const messages: Message[] = [{ role: "user", content: [marked("Hi")] }];
    expect(body({ extra, messages }).messages).toEqual(whole);
    expect(write({ extra }).dropped).toEqual([]);
  });
});

test("a conversation that ends with the assistant goes on from its words, or from a user's turn", () => {
  const ended = [say("user", "Hi"), say("assistant", "Well \n")];
  expect(messages(...ended)).toMatchObject([{}, { content: [{ text: "Well" }] }]);
  const target = { reasoning: { efforts: ["low"] } };
  expect(body({ messages: ended }, target).messages).toMatchObject([
    {},
    {},
    { role: "user", content: [{ text: "Continue" }] },
  ]);
});

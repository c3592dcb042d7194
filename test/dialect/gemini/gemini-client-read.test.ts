import { expect, test } from "bun:test";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { geminiClient } from "#src/dialect/gemini/gemini-client.ts";
import { unsaid } from "#src/dialect/gemini/gemini-client-read.ts";
import { jsonSchemaOf } from "#src/dialect/gemini/gemini-client-schema.ts";
import { openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";
import { asked, bodyWith, turnFrom, urlOf } from "#test/dialect/gemini/gemini-client-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { bodyOf, fixture, refusalOf, targetOf } from "#test/dialect/upstream-kit.ts";

const full = async () => geminiClient.peek(await fixture("gemini/client-request.json"), urlOf());
const user = (...parts: JsonObject[]) => ({ role: "user", parts });
const model = (...parts: JsonObject[]) => ({ role: "model", parts });
const messagesOf = (...contents: JsonObject[]) => turnFrom({ contents }).messages;

test("a request becomes a turn with its calls, results and sampling", async () => {
  const turn = geminiClient.readRequest(await full());
  expect(turn.messages).toMatchObject([
    {
      role: "user",
      content: [
        { type: "text", text: "Wie ist das Wetter in Zürich?" },
        { type: "image", source: { mediaType: "image/png", base64: "aGk=" } },
      ],
    },
    {
      role: "assistant",
      content: [
        {
          type: "reasoning",
          text: "Two calls.",
          carry: { gemini: { thoughtSignature: "dGhvdWdodA==" } },
        },
        { type: "text", text: "Let me look." },
        {
          type: "tool_call",
          id: "fc_1",
          name: "weather",
          arguments: '{"station":12345678901234567890,"days":2}',
          carry: { gemini: { thoughtSignature: "c2lnbmVk", id: "fc_1" } },
        },
        { type: "tool_call", name: "clock", arguments: "{}" },
      ],
    },
    {
      role: "tool",
      results: [
        { content: [{ type: "text", text: "noon" }] },
        { callId: "fc_1", content: [{ type: "text", text: "no such station" }], isError: true },
      ],
    },
    { role: "assistant", content: [{ type: "text", text: "It is noon." }] },
    { role: "user", content: [{ type: "text", text: "Danke" }] },
  ]);
  expect(turn).toMatchObject({
    system: [{ type: "text", text: "Be brief." }],
    toolChoice: "required",
    maxOutputTokens: 4096,
    temperature: 0.5,
    topP: 0.9,
    topK: 40,
    seed: 7,
    presencePenalty: 0.1,
    frequencyPenalty: 0.2,
    stop: ["END"],
    choices: 1,
    reasoning: { budgetTokens: 2048 },
    stream: false,
  });
  expect(turn.tools).toEqual([
    {
      name: "weather",
      description: "Of a place",
      parameters: {
        type: "object",
        properties: { station: { type: "integer" } },
        required: ["station"],
      },
    },
    { name: "clock", description: undefined, parameters: undefined },
  ]);
  const [, said, results] = turn.messages;
  const call = said?.role === "assistant" ? said.content.at(-1) : undefined;
  const [clock] = results?.role === "tool" ? results.results : [];
  expect(call?.type === "tool_call" && call.id).toBe(clock?.callId ?? "");
});

test("written by the upstream half of this wire, the request says the same again", async () => {
  const turn = geminiClient.readRequest(await full());
  const target = targetOf({ reasoning: { budget: { min: 0, max: 24_576 } } });
  const written = geminiUpstream.writeRequest(turn, target);
  expect(written.dropped).toEqual([]);
  expect(decode(written.body)).toContain('"args":{"station":12345678901234567890,"days":2}');
  const given = JSON.parse(decode(await fixture("gemini/client-request.json")));
  const { safetySettings: _own, ...rest } = given;
  rest.contents[2].parts.reverse();
  rest.contents[2].parts[0].functionResponse.id = "fc_1";
  rest.tools[0].functionDeclarations[0] = {
    name: "weather",
    description: "Of a place",
    parametersJsonSchema: {
      type: "object",
      properties: { station: { type: "integer" } },
      required: ["station"],
    },
  };
  expect(bodyOf(written)).toEqual(rest);
});

test("other wires take it too, and say what they could not", async () => {
  const ask = await full();
  const turn = geminiClient.readRequest(ask);
  const chat = bodyOf(openaiChatUpstream.writeRequest(turn, targetOf()));
  expect(chat.messages).toMatchObject([
    { role: "system" },
    { role: "user" },
    { role: "assistant", content: "Let me look.", tool_calls: [{ id: "fc_1" }, {}] },
    { role: "tool", content: "noon" },
    { role: "tool", tool_call_id: "fc_1" },
    { role: "assistant", content: "It is noon." },
    { role: "user", content: "Danke" },
  ]);
  expect(chat).not.toHaveProperty("safetySettings");
  expect(unsaid(ask)).toEqual(["safetySettings"]);
  const blocks = bodyOf(anthropicMessagesUpstream.writeRequest(turn, targetOf()));
  expect(blocks).toMatchObject({ stop_sequences: ["END"], tool_choice: { type: "any" } });
  expect(JSON.stringify(blocks)).not.toContain("Two calls.");
});

test("ids are made alike each time, and differ between calls", () => {
  const contents = [
    user({ text: "Hi" }),
    model(
      { functionCall: { name: "f", args: { a: 1 } } },
      { functionCall: { name: "f", args: { a: 1 } } },
    ),
  ];
  const ids = () =>
    messagesOf(...contents).flatMap((message) =>
      message.role === "assistant"
        ? message.content.flatMap((part) => (part.type === "tool_call" ? [part.id] : []))
        : [],
    );
  expect(ids()).toEqual(ids());
  expect(new Set(ids()).size).toBe(2);
  for (const id of ids()) expect(id).toMatch(/^call_[0-9a-f]{24}$/);
});

test("results are matched by id, else by name and order", () => {
  const [, said, told] = messagesOf(
    user({ text: "Hi" }),
    model(
      { functionCall: { name: "f" } },
      { functionCall: { id: "a", name: "f" } },
      { functionCall: { name: "g" } },
    ),
    {
      role: "function",
      parts: [
        { functionResponse: { name: "g", response: { result: 1 } } },
        { functionResponse: { name: "f", response: { output: "second" }, id: "a" } },
        { function_response: { name: "f", response: { output: "first" } } },
      ],
    },
  );
  const calls = said?.role === "assistant" ? said.content : [];
  const results = told?.role === "tool" ? told.results : [];
  const ids = calls.flatMap((part) => (part.type === "tool_call" ? [part.id] : []));
  expect(results.map(({ callId }) => ids.indexOf(callId))).toEqual([2, 1, 0]);
});

test("a result without its call is refused", () => {
  const stray = user({ functionResponse: { name: "g", response: {} } });
  const calls = model({ functionCall: { name: "f" } });
  for (const contents of [
    [stray],
    [calls, stray],
    [
      calls,
      user({ text: "x" }),
      model({ text: "y" }),
      user({ functionResponse: { name: "f", response: {} } }),
    ],
  ]) {
    const error = refusalOf(() => turnFrom({ contents }));
    expect([error.code, error.status]).toEqual(["invalid_value", 400]);
    expect(error.detail.param).toEndWith(".parts[0].functionResponse");
  }
});

test.each<[JsonObject | undefined, string, boolean | undefined]>([
  [{ output: "text" }, "text", undefined],
  [{ result: { a: 1 } }, '{"a":1}', undefined],
  [{ error: "broken" }, "broken", true],
  [{ error: { code: 1 } }, '{"code":1}', true],
  [{ error: "broken", code: 1 }, '{"error":"broken","code":1}', true],
  [{ output: "x", error: null }, '{"output":"x","error":null}', undefined],
  [{ temperature: 20, unit: "C" }, '{"temperature":20,"unit":"C"}', undefined],
  [{}, "", undefined],
  [undefined, "", undefined],
])("the response %j says %s", (response, text, isError) => {
  const [, , told] = messagesOf(
    user({ text: "Hi" }),
    model({ functionCall: { name: "f" } }),
    user({ functionResponse: { name: "f", ...(response ? { response } : {}) } }),
  );
  const [result] = told?.role === "tool" ? told.results : [];
  expect(result?.isError).toBe(isError);
  expect(result?.content).toEqual(text === "" ? [] : [{ type: "text", text }]);
});

test("what the official client keeps of a stream, piece by piece, is one message again", () => {
  expect(
    messagesOf(
      user({ text: "Hi" }),
      model({ text: "think", thought: true }),
      model({ text: "ing", thought: true }),
      model({ text: "", thought: true, thoughtSignature: "cw==" }),
      model({ text: "Hel" }),
      model({ text: " " }),
      model({ text: "lo" }),
      model({ text: "" }),
      user({ text: "Bye" }),
    ),
  ).toEqual([
    { role: "user", content: [{ type: "text", text: "Hi" }] },
    {
      role: "assistant",
      content: [
        { type: "reasoning", text: "thinking", carry: { gemini: { thoughtSignature: "cw==" } } },
        { type: "text", text: "Hel lo" },
      ],
    },
    { role: "user", content: [{ type: "text", text: "Bye" }] },
  ]);
});

test.each<[string, JsonObject, JsonObject]>([
  [
    "sound",
    { inlineData: { mimeType: "audio/mpeg", data: "aGk=" } },
    { type: "audio", format: "mp3", base64: "aGk=" },
  ],
  [
    "wave",
    { inlineData: { mimeType: "audio/x-wav", data: "aGk=" } },
    { type: "audio", format: "wav", base64: "aGk=" },
  ],
  [
    "a PDF",
    { inlineData: { mimeType: "application/pdf", data: "aGk=" } },
    { type: "file", source: { mediaType: "application/pdf", base64: "aGk=" } },
  ],
  ["text", { inlineData: { mimeType: "text/plain", data: "aGk=" } }, { type: "text", text: "hi" }],
  [
    "a far picture",
    { fileData: { mimeType: "image/png", fileUri: "https://x/y" } },
    { type: "image", source: { url: "https://x/y" } },
  ],
  [
    "a far PDF by its name",
    { fileData: { fileUri: "https://x/y.PDF?z" } },
    { type: "file", source: { url: "https://x/y.PDF?z" } },
  ],
])("%s of the user has a canonical word", (_, given, expected) => {
  const [message] = messagesOf(user(given));
  expect<unknown>(message?.role === "user" && message.content[0]).toEqual(expected);
});

test("media resolution is the detail of pictures", () => {
  const picture = user({ inlineData: { mimeType: "image/png", data: "aGk=" } });
  const generationConfig = { mediaResolution: "MEDIA_RESOLUTION_LOW" };
  const [message] = turnFrom({ contents: [picture], generationConfig }).messages;
  expect(message).toMatchObject({ content: [{ detail: "low" }] });
});

const config = (members: JsonObject) => bodyWith({ generationConfig: members });
const unsupported: [string, JsonObject][] = [
  ["tools[0]", bodyWith({ tools: [{ googleSearch: {} }] })],
  ["tools[1]", bodyWith({ tools: [{ functionDeclarations: [] }, { code_execution: {} }] })],
  ["tools[0]", bodyWith({ tools: [{ urlContext: {}, functionDeclarations: [{ name: "f" }] }] })],
  ["cachedContent", bodyWith({ cached_content: "cachedContents/x" })],
  ["generationConfig.responseModalities", config({ responseModalities: ["TEXT", "IMAGE"] })],
  ["generationConfig.responseMimeType", config({ responseMimeType: "text/x.enum" })],
  ["contents[0].parts[0]", { contents: [user({ fileData: { fileUri: "gs://bucket/x.png" } })] }],
  ["contents[0].parts[0]", { contents: [user({ fileData: { fileUri: "https://youtu.be/x" } })] }],
  [
    "contents[0].parts[0]",
    { contents: [user({ inlineData: { mimeType: "video/mp4", data: "" } })] },
  ],
  ["contents[0].parts[1]", { contents: [user({ text: "a" }, { later: {} })] }],
  [
    "contents[0].parts[0]",
    { contents: [model({ inlineData: { mimeType: "image/png", data: "" } })] },
  ],
];

test.each(unsupported)("what only Google's models do is refused elsewhere: %s", (param, body) => {
  const { code, detail, status } = refusalOf(() => turnFrom(body));
  expect([code, detail.param, status]).toEqual(["unsupported_feature", param, 400]);
});

test("code that the provider ran itself is left out of what others see", () => {
  const [, said] = messagesOf(
    user({ text: "Hi" }),
    model({ executableCode: { code: "1" } }, { codeExecutionResult: {} }, { text: "1" }),
  );
  expect(said).toEqual({ role: "assistant", content: [{ type: "text", text: "1" }] });
});

test.each<[JsonObject, unknown]>([
  [{ thinkingBudget: 0 }, { effort: "none" }],
  [{ thinkingBudget: -1 }, { effort: "medium" }],
  [{ thinkingBudget: 500 }, { budgetTokens: 500 }],
  [{ thinkingLevel: "HIGH" }, { effort: "high" }],
  [
    { thinking_level: "minimal", include_thoughts: false },
    { effort: "minimal", exclude: true },
  ],
  [{ includeThoughts: true }, {}],
])("thinkingConfig %j is the reasoning %j", (thinkingConfig, reasoning) => {
  expect(turnFrom(config({ thinkingConfig })).reasoning).toEqual(reasoning ?? {});
});

test.each<[JsonObject | undefined, unknown, string[]]>([
  [undefined, undefined, ["f", "g", "h"]],
  [{ mode: "AUTO" }, "auto", ["f", "g", "h"]],
  [{ mode: "VALIDATED" }, "auto", ["f", "g", "h"]],
  [{ mode: "NONE" }, "none", ["f", "g", "h"]],
  [{ mode: "ANY" }, "required", ["f", "g", "h"]],
  [{ mode: "ANY", allowedFunctionNames: ["g"] }, { name: "g" }, ["g"]],
  [{ mode: "any", allowed_function_names: ["g", "h"] }, "required", ["g", "h"]],
])("the choice %j among functions", (choice, toolChoice, names) => {
  const tools = [
    { functionDeclarations: [{ name: "f" }, { name: "g" }] },
    { functionDeclarations: [{ name: "h" }] },
  ];
  const toolConfig = choice ? { toolConfig: { functionCallingConfig: choice } } : {};
  const turn = turnFrom(bodyWith({ tools, ...toolConfig }));
  expect<unknown>(turn.toolChoice).toEqual(toolChoice);
  expect(turn.tools.map(({ name }) => name)).toEqual(names);
});

test.each<[JsonObject, unknown]>([
  [{ responseMimeType: "text/plain" }, undefined],
  [{ responseMimeType: "application/json" }, { type: "json_object" }],
  [
    { responseMimeType: "application/json", responseSchema: { type: "STRING" } },
    { type: "json_schema", name: "answer", schema: { type: "string" } },
  ],
  [
    {
      response_mime_type: "application/json",
      response_json_schema: { type: "string", const: "STRING" },
    },
    { type: "json_schema", name: "answer", schema: { type: "string", const: "STRING" } },
  ],
])("the format %j", (members, format) => {
  expect<unknown>(turnFrom(config(members)).responseFormat).toEqual(format);
});

test.each<[string, Json, Json]>([
  [
    "an object in the order that was asked for",
    {
      type: "OBJECT",
      properties: {
        b: { type: "NUMBER", format: "double" },
        a: { type: "STRING", nullable: true },
      },
      propertyOrdering: ["a", "b"],
      required: ["a"],
    },
    {
      type: "object",
      properties: { a: { type: ["string", "null"] }, b: { type: "number" } },
      required: ["a"],
    },
  ],
  [
    "counts written as strings, under either name",
    { type: "ARRAY", minItems: "1", max_items: "3", items: { type: "INTEGER", format: "int64" } },
    { type: "array", items: { type: "integer" }, minItems: 1, maxItems: 3 },
  ],
  [
    "a nullable enum",
    { type: "STRING", format: "enum", enum: ["a", "b"], nullable: true },
    { type: ["string", "null"], enum: ["a", "b", null] },
  ],
  [
    "a choice, a format that both know and an example",
    { any_of: [{ type: "STRING", format: "date-time" }, { type: "NULL" }], example: 1 },
    { anyOf: [{ type: "string", format: "date-time" }, { type: "null" }], examples: [1] },
  ],
  [
    "what is JSON Schema already",
    { type: "object", properties: {} },
    { type: "object", properties: {} },
  ],
])("Google's schema as JSON Schema: %s", (_, schema, expected) => {
  expect(jsonSchemaOf(schema)).toEqual(expected);
});

test("properties keep their order on the wire", () => {
  const schema = { type: "OBJECT", properties: { b: {}, a: {} }, propertyOrdering: ["a", "b"] };
  expect(JSON.stringify(jsonSchemaOf(schema))).toBe(
    '{"type":"object","properties":{"a":{},"b":{}}}',
  );
});

test("log probabilities and the service tier go by the names that other wires have", () => {
  const body = bodyWith({
    serviceTier: "FLEX",
    labels: { team: "x" },
    generationConfig: { responseLogprobs: true, logprobs: 3, speechConfig: {} },
  });
  expect(turnFrom(body).extra).toEqual({ logprobs: true, top_logprobs: 3, service_tier: "flex" });
  expect(unsaid(asked(body))).toEqual(["labels", "generationConfig.speechConfig"]);
});

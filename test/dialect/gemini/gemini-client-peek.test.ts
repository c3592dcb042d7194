import { expect, test } from "bun:test";
import { geminiClient } from "#src/dialect/gemini/gemini-client.ts";
import { encode } from "#src/lib/bytes.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";
import { asked, bodyWith, urlOf } from "#test/dialect/gemini/gemini-client-kit.ts";
import { fixture, refusalOf } from "#test/dialect/upstream-kit.ts";

test.each([
  ["gemini-2.5-flash", "gemini-2.5-flash"],
  ["google/gemini-2.5-flash", "google/gemini-2.5-flash"],
  ["google%2Fgemini-2.5-flash", "google/gemini-2.5-flash"],
  ["models/gemini-2.5-flash", "gemini-2.5-flash"],
  ["models%2Fopenai%2Fgpt-4o-mini", "openai/gpt-4o-mini"],
  ["openai/gpt-4o-mini:floor", "openai/gpt-4o-mini:floor"],
])("the model of the path %s is %s", (path, model) => {
  expect(asked(bodyWith(), urlOf(path)).model).toBe(model);
});

test.each([
  [urlOf("m", "generateContent"), false],
  [urlOf("m", "generateContent", "?alt=sse"), false],
  [urlOf("m", "streamGenerateContent"), true],
  [urlOf("m", "streamGenerateContent", "?alt=sse&key=k"), true],
  [urlOf("m%3AstreamGenerateContent", "").slice(0, -1), true],
])("%s streams: %p", (url, stream) => {
  const ask = asked(bodyWith(), url);
  expect([ask.stream, ask.model]).toEqual([stream, "m"]);
});

test("a path that is not percent-encoded UTF-8 is refused, and a body cannot name another model", () => {
  expect(refusalOf(() => asked(bodyWith(), urlOf("%E0%A4%A"))).code).toBe("invalid_value");
  expect(asked(bodyWith({ model: "openai/gpt-4o" }), urlOf("gemini-x")).model).toBe("gemini-x");
});

test("route, provider and models of the body steer as elsewhere", () => {
  const ask = asked(
    bodyWith({
      models: ["openai/gpt-4o-mini"],
      route: { region: "eu-west" },
      provider: { only: ["Google"] },
    }),
  );
  expect(ask).toMatchObject({
    kind: "chat",
    dialect: "gemini",
    models: ["openai/gpt-4o-mini"],
    route: { region: "eu-west" },
    provider: { only: ["google"] },
  });
});

test("limits and candidates are read in either way of writing names", () => {
  const camel = { maxOutputTokens: 64, candidateCount: 3 };
  const snake = { max_output_tokens: 64, candidate_count: 3 };
  expect(asked(bodyWith({ generationConfig: camel }))).toMatchObject({
    maxOutputTokens: 64,
    choices: 3,
  });
  expect(asked(bodyWith({ generation_config: snake }))).toMatchObject({
    maxOutputTokens: 64,
    choices: 3,
  });
});

const functions = { tools: [{ functionDeclarations: [{ name: "f" }] }] };
const part = (value: JsonObject) => ({ contents: [{ role: "user", parts: [value] }] });

test.each<[string, JsonObject, string[]]>([
  ["plain text", bodyWith(), []],
  ["functions", bodyWith(functions), ["tools"]],
  ["a built-in tool alone", bodyWith({ tools: [{ googleSearch: {} }] }), []],
  ["a picture", part({ inlineData: { mimeType: "image/png", data: "aGk=" } }), ["vision"]],
  [
    "a far picture",
    part({ file_data: { mime_type: "image/png", file_uri: "gs://a" } }),
    ["vision"],
  ],
  ["a PDF", part({ inline_data: { mime_type: "application/pdf", data: "aGk=" } }), ["pdf"]],
  ["sound", part({ inlineData: { mimeType: "audio/wav", data: "aGk=" } }), ["audio"]],
  [
    "JSON",
    bodyWith({ generationConfig: { responseMimeType: "application/json" } }),
    ["jsonObject"],
  ],
  [
    "a schema",
    bodyWith({ generationConfig: { responseSchema: { type: "OBJECT" } } }),
    ["jsonSchema"],
  ],
  ["a full schema", bodyWith({ generationConfig: { responseJsonSchema: {} } }), ["jsonSchema"]],
  ["log probabilities", bodyWith({ generationConfig: { responseLogprobs: true } }), ["logprobs"]],
  ["thinking off", bodyWith({ generationConfig: { thinkingConfig: { thinkingBudget: 0 } } }), []],
  [
    "a budget",
    bodyWith({ generationConfig: { thinkingConfig: { thinkingBudget: -1 } } }),
    ["reasoning"],
  ],
  [
    "a level",
    bodyWith({ generationConfig: { thinkingConfig: { thinkingLevel: "HIGH" } } }),
    ["reasoning"],
  ],
])("%s needs what it needs of a model", (_, body, needed) => {
  const { needs } = asked(body);
  expect(Object.entries(needs).flatMap(([name, is]) => (is ? [name] : []))).toEqual(needed);
});

test("bytes that are inline weigh by their kind, and text by its length", () => {
  const plain = asked(bodyWith());
  expect(plain.inputTokensAtMost).toBe(JSON.stringify(bodyWith()).length);
  const picture = part({ inlineData: { mimeType: "image/png", data: "A".repeat(1_000_000) } });
  expect(asked(picture).inputTokensAtMost).toBeLessThan(3_200);
  const text = part({ inlineData: { mimeType: "text/plain", data: "A".repeat(10_000) } });
  expect(asked(text).inputTokensAtMost).toBeGreaterThan(10_000);
  const film = part({ fileData: { fileUri: "https://youtu.be/x" } });
  expect(asked(film).inputTokensAtMost).toBeGreaterThan(300_000);
  const cached = bodyWith({ cachedContent: "cachedContents/x" });
  expect(asked(cached).inputTokensAtMost).toBeGreaterThan(1_000_000);
});

test("parameters are named in the catalogue's words", async () => {
  const ask = geminiClient.peek(await fixture("gemini/client-request.json"), urlOf());
  expect(ask.parameters.toSorted()).toEqual([
    "frequency_penalty",
    "max_tokens",
    "presence_penalty",
    "reasoning",
    "seed",
    "stop",
    "temperature",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
  ]);
});

test("a single object is taken where a list of one belongs, as Google does", () => {
  const body = {
    contents: { parts: { text: "Hi" } },
    system_instruction: { parts: { text: "Be brief" } },
    tools: { function_declarations: { name: "f" } },
  };
  expect(geminiClient.readRequest(asked(body))).toMatchObject({
    system: [{ type: "text", text: "Be brief" }],
    messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
    tools: [{ name: "f" }],
  });
});

const secret = "SECRET";
const config = (members: JsonObject) => bodyWith({ generationConfig: members });
const wrongs: [string, JsonObject][] = [
  ["contents", {}],
  ["contents", { contents: secret }],
  ["contents", { contents: [] }],
  ["contents[0]", { contents: [secret] }],
  ["contents[0].role", { contents: [{ role: secret, parts: [] }] }],
  ["contents[0].parts", { contents: [{ role: "user" }] }],
  ["contents[0].parts", { contents: [{ role: "user", parts: secret }] }],
  ["contents[0].parts[0]", { contents: [{ parts: [secret] }] }],
  ["contents[0].parts[0].text", part({ text: 1 })],
  ["contents[0].parts[0].thought", part({ thought: secret })],
  ["contents[0].parts[0].thought_signature", part({ thought_signature: 1 })],
  ["contents[0].parts[0].inlineData", part({ inlineData: secret })],
  ["contents[0].parts[0].inlineData.mimeType", part({ inlineData: { data: secret } })],
  ["contents[0].parts[0].inline_data.data", part({ inline_data: { mime_type: secret } })],
  ["contents[0].parts[0].fileData.fileUri", part({ fileData: {} })],
  ["contents[0].parts[0].functionCall.name", part({ functionCall: {} })],
  ["contents[0].parts[0].functionCall.args", part({ functionCall: { name: "f", args: secret } })],
  [
    "contents[0].parts[0].functionResponse.response",
    part({ functionResponse: { name: "f", response: [secret] } }),
  ],
  ["systemInstruction", bodyWith({ systemInstruction: secret })],
  ["system_instruction.parts", bodyWith({ system_instruction: {} })],
  ["tools", bodyWith({ tools: secret })],
  ["tools[0]", bodyWith({ tools: [secret] })],
  ["tools[0].functionDeclarations[0].name", bodyWith({ tools: [{ functionDeclarations: [{}] }] })],
  [
    "tools[0].functionDeclarations[0].parameters",
    bodyWith({ tools: [{ functionDeclarations: [{ name: "f", parameters: secret }] }] }),
  ],
  [
    "toolConfig.functionCallingConfig.mode",
    bodyWith({ toolConfig: { functionCallingConfig: { mode: secret } } }),
  ],
  [
    "toolConfig.functionCallingConfig.allowedFunctionNames",
    bodyWith({ toolConfig: { functionCallingConfig: { allowedFunctionNames: secret } } }),
  ],
  ["generationConfig", bodyWith({ generationConfig: secret })],
  ["generationConfig.temperature", config({ temperature: 2.1 })],
  ["generationConfig.temperature", config({ temperature: secret })],
  ["generationConfig.topP", config({ topP: 1.1 })],
  ["generation_config.top_p", bodyWith({ generation_config: { top_p: -1 } })],
  ["generationConfig.topK", config({ topK: 0 })],
  ["generationConfig.candidateCount", config({ candidateCount: 9 })],
  ["generationConfig.maxOutputTokens", config({ maxOutputTokens: 0 })],
  ["generationConfig.stopSequences", config({ stopSequences: secret })],
  ["generationConfig.seed", config({ seed: 0.5 })],
  ["generationConfig.presencePenalty", config({ presencePenalty: 3 })],
  ["generationConfig.responseLogprobs", config({ responseLogprobs: secret })],
  ["generationConfig.responseMimeType", config({ responseMimeType: 1 })],
  ["generationConfig.responseSchema", config({ responseSchema: secret })],
  ["generationConfig.thinkingConfig", config({ thinkingConfig: secret })],
  [
    "generationConfig.thinkingConfig.thinkingBudget",
    config({ thinkingConfig: { thinkingBudget: -2 } }),
  ],
  [
    "generationConfig.thinkingConfig.thinkingLevel",
    config({ thinkingConfig: { thinkingLevel: secret } }),
  ],
  [
    "generationConfig.thinkingConfig",
    config({ thinkingConfig: { thinkingLevel: "LOW", thinkingBudget: 1 } }),
  ],
  ["safetySettings", bodyWith({ safetySettings: secret })],
  ["safetySettings[0].category", bodyWith({ safetySettings: [{ category: 1 }] })],
  ["cachedContent", bodyWith({ cachedContent: 1 })],
  ["route.region", bodyWith({ route: { region: 1 } })],
];

test.each(wrongs)("%s is refused by name and without quoting it", (param, body) => {
  const { code, detail, message, status } = refusalOf(() => asked(body));
  expect(["missing_field", "invalid_value"]).toContain(code);
  expect([detail.param, status]).toEqual([param, 400]);
  expect(message).not.toContain(secret);
});

test.each<[string, Json | string]>([
  ["nothing", ""],
  ["no JSON", "{SECRET"],
  ["an array", "[]"],
])("a body of %s is no request", (_, body) => {
  const error = refusalOf(() => geminiClient.peek(encode(String(body)), urlOf()));
  expect(error.code).toBe("invalid_json");
  expect(error.message).not.toContain(secret);
});

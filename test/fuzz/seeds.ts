import { join } from "node:path";
import { encode } from "#src/lib/bytes.ts";
import { framed } from "#test/dialect/bedrock/bedrock-frames.ts";
import { png } from "#test/gateway/matrix-kit.ts";

const fixtures = join(import.meta.dir, "../fixtures");

/** Recorded files whose paths below test/fixtures match. */
export async function recorded(pattern: string): Promise<Uint8Array[]> {
  const paths = [...new Bun.Glob(pattern).scanSync({ cwd: fixtures })].toSorted();
  return Promise.all(
    paths.map(async (path) =>
      path.endsWith(".events")
        ? framed(path.slice(path.lastIndexOf("/") + 1))
        : new Uint8Array(await Bun.file(join(fixtures, path)).arrayBuffer()),
    ),
  );
}

/** Texts, or values as JSON, as bytes. */
export function written(...values: (string | object)[]): Uint8Array[] {
  return values.map((value) => encode(typeof value === "string" ? value : JSON.stringify(value)));
}

const schema = {
  type: "object",
  properties: { city: { type: "string", enum: ["Paris", "Zürich"] }, days: { type: "integer" } },
  required: ["city"],
  additionalProperties: false,
};

/** A call id behind which state of another wire travels. */
const carried = `call_1-lr1-${Buffer.from(
  JSON.stringify({
    wire: "gemini",
    provider: "test",
    reasoning: [{ text: "Hm", signature: "c2ln" }],
    call: { thoughtSignature: "c2ln" },
  }),
)
  .toString("base64url")
  .replaceAll("_", "_0")
  .replaceAll("-", "_1")}`;

/** Requests that use much of what each client's dialect can say. */
export const requests = {
  chat: [
    { model: "openai/gpt-4o-mini", messages: [{ role: "user", content: "Hi 🦊" }] },
    {
      model: "openai/gpt-4o-mini",
      messages: [
        { role: "system", content: "Be short" },
        { role: "developer", content: [{ type: "text", text: "So" }] },
        {
          role: "user",
          name: "ann",
          content: [
            { type: "text", text: "What is it?", cache_control: { type: "ephemeral" } },
            {
              type: "image_url",
              image_url: { url: `data:image/png;base64,${png}`, detail: "low" },
            },
            { type: "image_url", image_url: { url: "https://example.com/a.png" } },
            {
              type: "file",
              file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
            },
            { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          reasoning_content: "Hm",
          tool_calls: [
            {
              id: carried,
              type: "function",
              function: { name: "weather", arguments: '{"city":"Paris"}' },
            },
          ],
        },
        { role: "tool", tool_call_id: carried, content: "sunny" },
        { role: "user", content: "And?" },
      ],
      tools: [
        {
          type: "function",
          function: { name: "weather", description: "w", parameters: schema, strict: true },
        },
        { type: "function", function: { name: "my.clock with a long name", parameters: {} } },
      ],
      tool_choice: { type: "function", function: { name: "weather" } },
      parallel_tool_calls: false,
    },
    {
      model: "openai/gpt-4o-mini:thinking",
      models: ["google/gemini-2.5-flash"],
      route: { region: "eu", country: "FR", prefer_low_carbon: true },
      provider: { order: ["openai"], sort: "price", max_price: { prompt: 1 }, only: ["a/b"] },
      messages: [{ role: "user", content: "Hi" }],
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 10,
      temperature: 0.5,
      top_p: 0.9,
      n: 2,
      stop: ["\n\n", "END"],
      seed: 9007199254740993,
      logit_bias: { "50256": -100 },
      logprobs: true,
      top_logprobs: 2,
      reasoning_effort: "high",
      response_format: { type: "json_schema", json_schema: { name: "a", schema, strict: true } },
      user: "u",
      metadata: { a: "b" },
    },
  ],
  completions: [
    {
      model: "mistral/codestral",
      prompt: "def f",
      suffix: "return",
      max_tokens: 5,
      best_of: 2,
      n: 1,
    },
    { model: "a/b", prompt: ["x", "y"], echo: true, logprobs: 3, stop: "\n", stream: true },
    { model: "a/b", prompt: [1, 2, 3] },
    { model: "a/b", prompt: [[1, 2], [3]] },
  ],
  responses: [
    { model: "openai/gpt-5", input: "Hi", store: false },
    {
      model: "openai/gpt-5",
      instructions: "Be short",
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "Hi" },
            { type: "input_image", image_url: `data:image/png;base64,${png}` },
            {
              type: "input_file",
              filename: "a.pdf",
              file_data: "data:application/pdf;base64,JVBERi0=",
            },
          ],
        },
        {
          type: "reasoning",
          id: "rs_1",
          summary: [{ type: "summary_text", text: "Hm" }],
          encrypted_content: "ZW5j",
        },
        {
          type: "message",
          role: "assistant",
          content: [
            { type: "output_text", text: "So", annotations: [] },
            { type: "refusal", refusal: "no" },
          ],
        },
        { type: "function_call", call_id: carried, name: "weather", arguments: '{"city":"Paris"}' },
        {
          type: "function_call_output",
          call_id: carried,
          output: [{ type: "input_text", text: "sunny" }],
        },
        { type: "message", role: "user", content: "And?" },
      ],
      tools: [
        { type: "function", name: "weather", description: "w", parameters: schema, strict: true },
      ],
      tool_choice: { type: "function", name: "weather" },
      text: { format: { type: "json_schema", name: "a", schema, strict: true }, verbosity: "low" },
      reasoning: { effort: "high", summary: "auto" },
      max_output_tokens: 100,
      include: ["reasoning.encrypted_content", "message.output_text.logprobs"],
      top_logprobs: 2,
      stream: true,
      store: false,
      prompt_cache_key: "k",
      service_tier: "auto",
      metadata: {},
      truncation: "disabled",
    },
  ],
  messages: [
    {
      model: "anthropic/claude-haiku-4.5",
      max_tokens: 2000,
      system: [{ type: "text", text: "Be short", cache_control: { type: "ephemeral", ttl: "1h" } }],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "Hi" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
            {
              type: "document",
              source: { type: "text", media_type: "text/plain", data: "x" },
              title: "t",
            },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "Hm", signature: "c2ln" },
            { type: "redacted_thinking", data: "eA==" },
            { type: "text", text: "So" },
            { type: "tool_use", id: carried, name: "weather", input: { city: "Paris" } },
          ],
        },
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: carried,
              content: [{ type: "text", text: "sunny" }],
              is_error: false,
            },
          ],
        },
      ],
      tools: [{ name: "weather", description: "w", input_schema: schema }],
      tool_choice: { type: "any", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 1024 },
      stop_sequences: ["END"],
      temperature: 1,
      top_k: 5,
      metadata: { user_id: "u" },
      output_config: { effort: "low", format: { type: "json_schema", schema } },
      stream: true,
    },
  ],
  gemini: [
    { contents: [{ role: "user", parts: [{ text: "Hi" }] }] },
    {
      systemInstruction: { parts: [{ text: "Be short" }] },
      contents: [
        {
          role: "user",
          parts: [
            { text: "Hi" },
            { inlineData: { mimeType: "image/png", data: png } },
            { fileData: { mimeType: "application/pdf", fileUri: "https://example.com/a.pdf" } },
          ],
        },
        {
          role: "model",
          parts: [
            { text: "Hm", thought: true },
            {
              functionCall: { id: carried, name: "weather", args: { city: "Paris" } },
              thoughtSignature: "c2ln",
            },
          ],
        },
        {
          role: "user",
          parts: [
            { functionResponse: { id: carried, name: "weather", response: { output: "sunny" } } },
          ],
        },
      ],
      tools: [
        {
          functionDeclarations: [
            {
              name: "weather",
              description: "w",
              parameters: {
                type: "OBJECT",
                properties: { city: { type: "STRING", nullable: true } },
              },
            },
          ],
        },
        { googleSearch: {} },
      ],
      toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] } },
      generationConfig: {
        maxOutputTokens: 10,
        temperature: 0,
        topK: 3,
        candidateCount: 2,
        stopSequences: ["END"],
        responseMimeType: "application/json",
        responseSchema: { type: "OBJECT", properties: { a: { type: "INTEGER" } } },
        thinkingConfig: { thinkingBudget: 100, includeThoughts: true },
        responseLogprobs: true,
        logprobs: 2,
      },
      safetySettings: [{ category: "HARM_CATEGORY_HATE_SPEECH", threshold: "BLOCK_NONE" }],
      route: { region: "eu" },
    },
    {
      contents: { parts: { text: "Hi" } },
      generation_config: { max_output_tokens: 3 },
      system_instruction: "So",
    },
  ],
  embeddings: [
    { model: "openai/text-embedding-3-small", input: "Hi" },
    {
      model: "a/b",
      input: ["Hi", "you"],
      dimensions: 8,
      encoding_format: "base64",
      user: "u",
      task_type: "query",
      input_type: "query",
    },
    { model: "a/b", input: [[1, 2], [3]] },
    { model: "a/b", input: [1, 2] },
  ],
} as const;

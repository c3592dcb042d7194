import { type Expected, hi, saying, testMatrix } from "#test/gateway/matrix-kit.ts";
import type { Client } from "#test/gateway/matrix-clients.ts";

/** Limits, sampling and the shape of an answer, as every client says them and every upstream takes them. */

const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const oslo = '{"city":"Oslo"}';
const isChat = (client: Client) => client === "OpenAI chat";
const jsonOnly =
  "Answer with one valid JSON object and nothing else: no other text, no code fence.";
/** The tool that stands in for a schema where the host enforces none. */
const standIn = {
  toolSpec: {
    name: "lowrouter_json_answer",
    description: "Gives the final answer to the user.",
    inputSchema: { json: schema },
  },
};
/** Refused by the name that the client asked by. */
const withoutLogprobs = (client: Client): Expected => ({
  refused: client === "Responses" ? "include" : "logprobs",
  says: "OpenAI or Google",
});
/** A schema's name is the client's where its dialect has one. */
const named = (client: Client) =>
  isChat(client) || client === "Responses"
    ? { type: "json_schema", name: "place", schema, strict: true }
    : { type: "json_schema", name: "answer", schema };
const chatNamed = (client: Client) => {
  const { type, ...json_schema } = named(client);
  return { type, json_schema };
};

testMatrix(
  [
    {
      name: "a plain question",
      asks: hi,
      wires: {
        "openai-chat": { sent: { messages: [{ role: "user", content: "Hi" }] } },
        "openai-responses": {
          sent: {
            input: [
              { type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
            ],
          },
        },
        "anthropic-messages": {
          sent: { messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }] },
        },
        gemini: { sent: { contents: [{ role: "user", parts: [{ text: "Hi" }] }] } },
        "cohere-v2": { sent: { messages: [{ role: "user", content: "Hi" }] } },
        "bedrock-converse": { sent: { messages: [{ role: "user", content: [{ text: "Hi" }] }] } },
      },
    },
    {
      name: "an output limit",
      asks: saying({
        "OpenAI chat": { max_tokens: 77 },
        Responses: { max_output_tokens: 77 },
        "Anthropic Messages": { max_tokens: 77 },
        Gemini: { generationConfig: { maxOutputTokens: 77 } },
      }),
      wires: {
        "openai-chat": { sent: { max_tokens: 77 } },
        "openai-responses": { sent: { max_output_tokens: 77 } },
        "anthropic-messages": { sent: { max_tokens: 77 } },
        gemini: { sent: { generationConfig: { maxOutputTokens: 77 } } },
        "cohere-v2": { sent: { max_tokens: 77 } },
        "bedrock-converse": { sent: { inferenceConfig: { maxTokens: 77 } } },
      },
    },
    {
      name: "one stop sequence",
      asks: saying({
        "OpenAI chat": { stop: ["END"] },
        Responses: undefined,
        "Anthropic Messages": { stop_sequences: ["END"] },
        Gemini: { generationConfig: { stopSequences: ["END"] } },
      }),
      wires: {
        "openai-chat": { sent: { stop: ["END"] } },
        "openai-responses": {
          elsewhere: "test/gateway/stop-cut.test.ts",
        },
        "anthropic-messages": { sent: { stop_sequences: ["END"] } },
        gemini: { sent: { generationConfig: { stopSequences: ["END"] } } },
        "cohere-v2": { sent: { stop_sequences: ["END"] } },
        "bedrock-converse": { sent: { inferenceConfig: { stopSequences: ["END"] } } },
      },
    },
    {
      name: "a temperature",
      asks: saying({
        "OpenAI chat": { temperature: 0.3 },
        Responses: { temperature: 0.3 },
        "Anthropic Messages": { temperature: 0.3 },
        Gemini: { generationConfig: { temperature: 0.3 } },
      }),
      wires: {
        "openai-chat": { sent: { temperature: 0.3 } },
        "openai-responses": { sent: {}, absent: ["temperature"], dropped: ["temperature"] },
        "anthropic-messages": { sent: { temperature: 0.3 } },
        gemini: { sent: { generationConfig: { temperature: 0.3 } } },
        "cohere-v2": { sent: { temperature: 0.3 } },
        "bedrock-converse": { sent: { inferenceConfig: { temperature: 0.3 } } },
      },
      // The models of this wire reason, and refuse sampling.
      own: { Responses: { sent: hi.Responses, absent: ["temperature"], dropped: ["temperature"] } },
    },
    {
      name: "top_p",
      asks: saying({
        "OpenAI chat": { top_p: 0.4 },
        Responses: { top_p: 0.4 },
        "Anthropic Messages": { top_p: 0.4 },
        Gemini: { generationConfig: { topP: 0.4 } },
      }),
      wires: {
        "openai-chat": { sent: { top_p: 0.4 } },
        "openai-responses": { sent: {}, absent: ["top_p"], dropped: ["top_p"] },
        "anthropic-messages": { sent: { top_p: 0.4 } },
        gemini: { sent: { generationConfig: { topP: 0.4 } } },
        "cohere-v2": { sent: { p: 0.4 } },
        "bedrock-converse": { sent: { inferenceConfig: { topP: 0.4 } } },
      },
      own: { Responses: { sent: hi.Responses, absent: ["top_p"], dropped: ["top_p"] } },
    },
    {
      name: "top_k",
      asks: saying({
        // The first is an extension of ours; the second dialect has none.
        "OpenAI chat": { top_k: 12 },
        Responses: undefined,
        "Anthropic Messages": { top_k: 12 },
        Gemini: { generationConfig: { topK: 12 } },
      }),
      wires: {
        "openai-chat": { sent: { top_k: 12 } },
        "openai-responses": { sent: {}, absent: ["top_k"], dropped: ["top_k"] },
        "anthropic-messages": { sent: { top_k: 12 } },
        gemini: { sent: { generationConfig: { topK: 12 } } },
        "cohere-v2": { sent: { k: 12 } },
        "bedrock-converse": {
          sent: { additionalModelRequestFields: { inferenceConfig: { topK: 12 } } },
        },
      },
    },
    {
      name: "JSON of any shape",
      asks: saying({
        "OpenAI chat": { response_format: { type: "json_object" } },
        Responses: { text: { format: { type: "json_object" } } },
        "Anthropic Messages": undefined,
        Gemini: { generationConfig: { responseMimeType: "application/json" } },
      }),
      answer: { text: oslo },
      wires: {
        "openai-chat": { sent: { response_format: { type: "json_object" } } },
        "openai-responses": { sent: { text: { format: { type: "json_object" } } } },
        // These two have no such mode: it is asked for in words.
        "anthropic-messages": { sent: { system: jsonOnly } },
        gemini: {
          sent: { generationConfig: { responseMimeType: "application/json" } },
          absent: ["generationConfig.responseJsonSchema"],
        },
        "cohere-v2": {
          sent: { response_format: { type: "json_object" } },
          absent: ["response_format.json_schema"],
        },
        "bedrock-converse": { sent: { system: [{ text: jsonOnly }] } },
      },
    },
    {
      name: "JSON by a schema",
      asks: saying({
        "OpenAI chat": {
          response_format: {
            type: "json_schema",
            json_schema: { name: "place", schema, strict: true },
          },
        },
        Responses: {
          text: { format: { type: "json_schema", name: "place", schema, strict: true } },
        },
        "Anthropic Messages": { output_config: { format: { type: "json_schema", schema } } },
        Gemini: {
          generationConfig: { responseMimeType: "application/json", responseJsonSchema: schema },
        },
      }),
      answer: { text: oslo },
      wires: {
        "openai-chat": (client) => ({ sent: { response_format: chatNamed(client) } }),
        "openai-responses": (client) => ({ sent: { text: { format: named(client) } } }),
        "anthropic-messages": {
          sent: { output_config: { format: { type: "json_schema", schema } } },
          absent: ["tools", "tool_choice"],
        },
        gemini: {
          sent: {
            generationConfig: { responseMimeType: "application/json", responseJsonSchema: schema },
          },
        },
        "cohere-v2": { sent: { response_format: { type: "json_object", json_schema: schema } } },
        "bedrock-converse": {
          sent: {
            toolConfig: {
              tools: [standIn],
              toolChoice: { tool: { name: "lowrouter_json_answer" } },
            },
          },
        },
      },
    },
    {
      name: "several answers",
      asks: saying({
        "OpenAI chat": { n: 2 },
        Responses: undefined,
        "Anthropic Messages": undefined,
        Gemini: { generationConfig: { candidateCount: 2 } },
      }),
      answer: { texts: ["Hello", "Good day"] },
      wires: {
        "openai-chat": { sent: { n: 2 } },
        "openai-responses": { refused: "n", says: "models that can: " },
        "anthropic-messages": { refused: "n", says: "models that can: " },
        gemini: { sent: { generationConfig: { candidateCount: 2 } } },
        "cohere-v2": { refused: "n", says: "models that can: " },
        "bedrock-converse": { refused: "n", says: "models that can: " },
      },
    },
    {
      name: "log probabilities",
      asks: saying({
        "OpenAI chat": { logprobs: true },
        Responses: { include: ["message.output_text.logprobs"] },
        "Anthropic Messages": undefined,
        Gemini: { generationConfig: { responseLogprobs: true } },
      }),
      answer: {
        text: "Good day",
        logprobs: [
          ["Good", -0.1],
          [" day", -0.2],
        ],
      },
      wires: {
        "openai-chat": {
          sent: { logprobs: true },
          told: {
            logprobs: [
              ["Good", -0.1],
              [" day", -0.2],
            ],
          },
        },
        // The models of this wire reason, and tell none.
        "openai-responses": withoutLogprobs,
        "anthropic-messages": withoutLogprobs,
        gemini: {
          sent: { generationConfig: { responseLogprobs: true } },
          told: {
            logprobs: [
              ["Good", -0.1],
              [" day", -0.2],
            ],
          },
        },
        "cohere-v2": {
          sent: { logprobs: true },
          told: {
            logprobs: [
              ["Good", -0.1],
              [" day", -0.2],
            ],
          },
        },
        "bedrock-converse": withoutLogprobs,
      },
    },
  ],
  { tried: 402, wordless: 72, elsewhere: 6 },
);

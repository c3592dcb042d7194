import { png, saying, testMatrix, type Feature } from "#test/gateway/matrix-kit.ts";
import type { Answer, Wire } from "#test/gateway/matrix-answers.ts";
import type { Client } from "#test/gateway/matrix-clients.ts";

/*
 * Tools, calls and results, as every client says them and every upstream takes them.
 * The wires' own words are the longest part of the table, which takes more than 300 lines.
 */

const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
};
const described = { name: "weather", description: "The weather of a city" };
const bare = { name: "clock", description: "The time" };

const tools: Record<Client, object[]> = {
  "OpenAI chat": [
    { type: "function", function: { ...described, parameters: schema } },
    { type: "function", function: bare },
  ],
  Responses: [
    { type: "function", ...described, parameters: schema, strict: false },
    { type: "function", ...bare, parameters: { type: "object", properties: {} }, strict: false },
  ],
  "Anthropic Messages": [
    { ...described, input_schema: schema },
    { ...bare, input_schema: { type: "object", properties: {} } },
  ],
  Gemini: [{ functionDeclarations: [{ ...described, parametersJsonSchema: schema }, bare] }],
};

/** The same tools as each upstream takes them. */
const offered: Record<Wire, object> = {
  "openai-chat": {
    tools: [
      { type: "function", function: { ...described, parameters: schema } },
      { type: "function", function: bare },
    ],
  },
  "openai-responses": {
    tools: [
      { type: "function", ...described, parameters: schema, strict: false },
      { type: "function", ...bare, parameters: { type: "object", properties: {} }, strict: false },
    ],
  },
  "anthropic-messages": {
    tools: [
      { ...described, input_schema: schema },
      { ...bare, input_schema: { type: "object", properties: {} } },
    ],
  },
  gemini: {
    tools: [{ functionDeclarations: [{ ...described, parametersJsonSchema: schema }, bare] }],
  },
  "cohere-v2": {
    tools: [
      { type: "function", function: { ...described, parameters: schema } },
      { type: "function", function: { ...bare, parameters: { type: "object", properties: {} } } },
    ],
  },
  "bedrock-converse": {
    toolConfig: {
      tools: [
        { toolSpec: { ...described, inputSchema: { json: schema } } },
        { toolSpec: { ...bare, inputSchema: { json: { type: "object", properties: {} } } } },
      ],
    },
  },
};

type Choice = Record<Client, object>;
function choosing(choice: Choice): Feature["asks"] {
  const more = (client: Client) => ({
    tools: JSON.parse(JSON.stringify(tools[client])),
    ...choice[client],
  });
  return saying({
    "OpenAI chat": more("OpenAI chat"),
    Responses: more("Responses"),
    "Anthropic Messages": more("Anthropic Messages"),
    Gemini: more("Gemini"),
  });
}

const called: Answer = {
  text: "Let me look.",
  finish: "tool_calls",
  calls: [
    { id: "weather_1", name: "weather", words: '{"city":"Zürich"}' },
    { id: "clock_2", name: "clock", words: "{}" },
  ],
};

const free: Feature = {
  name: "two calls at once, one of them without arguments",
  asks: choosing({ "OpenAI chat": {}, Responses: {}, "Anthropic Messages": {}, Gemini: {} }),
  answer: called,
  wires: {
    "openai-chat": { sent: offered["openai-chat"], absent: ["tool_choice"] },
    "openai-responses": { sent: offered["openai-responses"], absent: ["tool_choice"] },
    "anthropic-messages": { sent: offered["anthropic-messages"], absent: ["tool_choice"] },
    gemini: { sent: offered.gemini, absent: ["toolConfig"] },
    "cohere-v2": { sent: offered["cohere-v2"], absent: ["tool_choice"] },
    "bedrock-converse": { sent: offered["bedrock-converse"], absent: ["toolConfig.toolChoice"] },
  },
};

const left = { calls: [{ id: "clock_2", name: "clock", input: "" }] };
const empty: Feature = {
  ...free,
  // Bytes of the client's own wire are passed on as they are; a chat completion's calls are put right.
  own: {
    Responses: { sent: offered["openai-responses"], told: left },
  },
  name: "a call whose arguments the upstream leaves empty",
  answer: { finish: "tool_calls", calls: [{ id: "clock_2", name: "clock", words: "" }], text: "" },
};

const forced: Feature = {
  name: "a tool that must be called",
  asks: choosing({
    "OpenAI chat": { tool_choice: { type: "function", function: { name: "clock" } } },
    Responses: { tool_choice: { type: "function", name: "clock" } },
    "Anthropic Messages": { tool_choice: { type: "tool", name: "clock" } },
    Gemini: {
      toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["clock"] } },
    },
  }),
  answer: {
    finish: "tool_calls",
    calls: [{ id: "clock_2", name: "clock", words: "{}" }],
    text: "",
  },
  wires: {
    "openai-chat": { sent: { tool_choice: { type: "function", function: { name: "clock" } } } },
    "openai-responses": { sent: { tool_choice: { type: "function", name: "clock" } } },
    "anthropic-messages": { sent: { tool_choice: { type: "tool", name: "clock" } } },
    gemini: {
      sent: {
        toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["clock"] } },
      },
    },
    // It has no word for one tool: no other is offered.
    "cohere-v2": {
      sent: {
        tools: [
          {
            type: "function",
            function: { ...bare, parameters: { type: "object", properties: {} } },
          },
        ],
        tool_choice: "REQUIRED",
      },
    },
    "bedrock-converse": { sent: { toolConfig: { toolChoice: { tool: { name: "clock" } } } } },
  },
};

const required: Feature = {
  name: "some tool that must be called",
  asks: choosing({
    "OpenAI chat": { tool_choice: "required" },
    Responses: { tool_choice: "required" },
    "Anthropic Messages": { tool_choice: { type: "any" } },
    Gemini: { toolConfig: { functionCallingConfig: { mode: "ANY" } } },
  }),
  answer: called,
  wires: {
    "openai-chat": { sent: { ...offered["openai-chat"], tool_choice: "required" } },
    "openai-responses": { sent: { ...offered["openai-responses"], tool_choice: "required" } },
    "anthropic-messages": {
      sent: { ...offered["anthropic-messages"], tool_choice: { type: "any" } },
    },
    gemini: {
      sent: { ...offered.gemini, toolConfig: { functionCallingConfig: { mode: "ANY" } } },
      absent: ["toolConfig.functionCallingConfig.allowedFunctionNames"],
    },
    "cohere-v2": { sent: { ...offered["cohere-v2"], tool_choice: "REQUIRED" } },
    "bedrock-converse": { sent: { toolConfig: { toolChoice: { any: {} } } } },
  },
};

const forbidden: Feature = {
  name: "tools that must not be called",
  asks: choosing({
    "OpenAI chat": { tool_choice: "none" },
    Responses: { tool_choice: "none" },
    "Anthropic Messages": { tool_choice: { type: "none" } },
    Gemini: { toolConfig: { functionCallingConfig: { mode: "NONE" } } },
  }),
  wires: {
    "openai-chat": { sent: { ...offered["openai-chat"], tool_choice: "none" } },
    "openai-responses": { sent: { ...offered["openai-responses"], tool_choice: "none" } },
    "anthropic-messages": {
      sent: { ...offered["anthropic-messages"], tool_choice: { type: "none" } },
    },
    gemini: {
      sent: { ...offered.gemini, toolConfig: { functionCallingConfig: { mode: "NONE" } } },
    },
    "cohere-v2": { sent: { ...offered["cohere-v2"], tool_choice: "NONE" } },
    // It has no word for it: no tool is offered.
    "bedrock-converse": { sent: {}, absent: ["toolConfig"] },
  },
};

/** One call at a time, where the client's dialect can ask for that. */
const single: Feature = {
  name: "one call at a time",
  asks: {
    ...choosing({
      "OpenAI chat": { parallel_tool_calls: false },
      Responses: { parallel_tool_calls: false },
      "Anthropic Messages": { tool_choice: { type: "auto", disable_parallel_tool_use: true } },
      Gemini: {},
    }),
    Gemini: undefined,
  },
  answer: {
    finish: "tool_calls",
    calls: [{ id: "clock_2", name: "clock", words: "{}" }],
    text: "",
  },
  wires: {
    "openai-chat": { sent: { parallel_tool_calls: false } },
    "openai-responses": { sent: { parallel_tool_calls: false } },
    "anthropic-messages": {
      sent: { tool_choice: { type: "auto", disable_parallel_tool_use: true } },
    },
    gemini: { sent: offered.gemini, dropped: ["parallel_tool_calls"] },
    "cohere-v2": { sent: offered["cohere-v2"], dropped: ["parallel_tool_calls"] },
    "bedrock-converse": { sent: offered["bedrock-converse"], dropped: ["parallel_tool_calls"] },
  },
};

const weather = '{"city":"Zürich"}';
const degrees = '{"degrees":4,"sky":"grey"}';
const photo = `data:image/png;base64,${png}`;

/** A loop in which two calls were answered, one in text and one in JSON, out of order. */
const loop: Record<Client, object> = {
  "OpenAI chat": {
    messages: [
      { role: "user", content: "Weather and time?" },
      {
        role: "assistant",
        content: "Let me look.",
        tool_calls: [
          { id: "weather_1", type: "function", function: { name: "weather", arguments: weather } },
          { id: "clock_2", type: "function", function: { name: "clock", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "clock_2", content: "Noon" },
      { role: "tool", tool_call_id: "weather_1", content: degrees },
      { role: "user", content: "So?" },
    ],
  },
  Responses: {
    input: [
      { role: "user", content: "Weather and time?" },
      {
        type: "message",
        role: "assistant",
        content: [{ type: "output_text", text: "Let me look." }],
      },
      { type: "function_call", call_id: "weather_1", name: "weather", arguments: weather },
      { type: "function_call", call_id: "clock_2", name: "clock", arguments: "{}" },
      { type: "function_call_output", call_id: "clock_2", output: "Noon" },
      { type: "function_call_output", call_id: "weather_1", output: degrees },
      { role: "user", content: "So?" },
    ],
  },
  "Anthropic Messages": {
    messages: [
      { role: "user", content: "Weather and time?" },
      {
        role: "assistant",
        content: [
          { type: "text", text: "Let me look." },
          { type: "tool_use", id: "weather_1", name: "weather", input: { city: "Zürich" } },
          { type: "tool_use", id: "clock_2", name: "clock", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "clock_2", content: "Noon" },
          { type: "tool_result", tool_use_id: "weather_1", content: degrees },
          { type: "text", text: "So?" },
        ],
      },
    ],
  },
  Gemini: {
    contents: [
      { role: "user", parts: [{ text: "Weather and time?" }] },
      {
        role: "model",
        parts: [
          { text: "Let me look." },
          { functionCall: { id: "weather_1", name: "weather", args: { city: "Zürich" } } },
          { functionCall: { id: "clock_2", name: "clock", args: {} } },
        ],
      },
      {
        role: "user",
        parts: [
          { functionResponse: { id: "clock_2", name: "clock", response: { output: "Noon" } } },
          {
            functionResponse: {
              id: "weather_1",
              name: "weather",
              response: { degrees: 4, sky: "grey" },
            },
          },
          { text: "So?" },
        ],
      },
    ],
  },
};

const calls = [
  { id: "weather_1", type: "function", function: { name: "weather", arguments: weather } },
  { id: "clock_2", type: "function", function: { name: "clock", arguments: "{}" } },
];
/** Wires without an order of their own keep the client's; the others get the order of the calls. */
const chatResults = [
  { role: "tool", tool_call_id: "clock_2", content: "Noon" },
  { role: "tool", tool_call_id: "weather_1", content: degrees },
];

const results: Feature = {
  name: "results of two calls, as text and as JSON",
  asks: {
    "OpenAI chat": {
      ...loop["OpenAI chat"],
      tools: JSON.parse(JSON.stringify(tools["OpenAI chat"])),
    },
    Responses: { ...loop.Responses, tools: JSON.parse(JSON.stringify(tools.Responses)) },
    "Anthropic Messages": {
      ...loop["Anthropic Messages"],
      tools: JSON.parse(JSON.stringify(tools["Anthropic Messages"])),
    },
    Gemini: { ...loop.Gemini, tools: JSON.parse(JSON.stringify(tools.Gemini)) },
  },
  wires: {
    "openai-chat": {
      sent: {
        messages: [
          { role: "user", content: "Weather and time?" },
          { role: "assistant", content: "Let me look.", tool_calls: calls },
          ...chatResults,
          { role: "user", content: "So?" },
        ],
      },
    },
    "openai-responses": {
      sent: {
        input: [
          { role: "user", content: [{ type: "input_text", text: "Weather and time?" }] },
          { role: "assistant", content: [{ type: "output_text", text: "Let me look." }] },
          { type: "function_call", call_id: "weather_1", name: "weather", arguments: weather },
          { type: "function_call", call_id: "clock_2", name: "clock", arguments: "{}" },
          { type: "function_call_output", call_id: "clock_2", output: "Noon" },
          { type: "function_call_output", call_id: "weather_1", output: degrees },
          { role: "user", content: [{ type: "input_text", text: "So?" }] },
        ],
      },
    },
    "anthropic-messages": {
      sent: {
        messages: [
          { role: "user", content: [{ type: "text", text: "Weather and time?" }] },
          {
            role: "assistant",
            content: [
              { type: "text", text: "Let me look." },
              { type: "tool_use", id: "weather_1", name: "weather", input: { city: "Zürich" } },
              { type: "tool_use", id: "clock_2", name: "clock", input: {} },
            ],
          },
          {
            role: "user",
            content: [
              {
                type: "tool_result",
                tool_use_id: "weather_1",
                content: [{ type: "text", text: degrees }],
              },
              {
                type: "tool_result",
                tool_use_id: "clock_2",
                content: [{ type: "text", text: "Noon" }],
              },
              { type: "text", text: "So?" },
            ],
          },
        ],
      },
    },
    gemini: {
      sent: {
        contents: [
          { role: "user", parts: [{ text: "Weather and time?" }] },
          {
            role: "model",
            parts: [
              { text: "Let me look." },
              // Another model made these calls: the mark skips the check of its signature.
              {
                functionCall: { name: "weather", args: { city: "Zürich" } },
                thoughtSignature: "skip_thought_signature_validator",
              },
              { functionCall: { name: "clock", args: {} } },
            ],
          },
          {
            role: "user",
            parts: [
              { functionResponse: { name: "weather", response: { output: degrees } } },
              { functionResponse: { name: "clock", response: { output: "Noon" } } },
              { text: "So?" },
            ],
          },
        ],
      },
    },
    "cohere-v2": {
      sent: {
        messages: [
          { role: "user", content: "Weather and time?" },
          { role: "assistant", tool_plan: "Let me look.", tool_calls: calls },
          { role: "tool", tool_call_id: "weather_1", content: degrees },
          { role: "tool", tool_call_id: "clock_2", content: "Noon" },
          { role: "user", content: "So?" },
        ],
      },
    },
    "bedrock-converse": {
      sent: {
        messages: [
          { role: "user", content: [{ text: "Weather and time?" }] },
          {
            role: "assistant",
            content: [
              { text: "Let me look." },
              { toolUse: { toolUseId: "weather_1", name: "weather", input: { city: "Zürich" } } },
              { toolUse: { toolUseId: "clock_2", name: "clock", input: {} } },
            ],
          },
          {
            role: "user",
            content: [
              { toolResult: { toolUseId: "weather_1", content: [{ text: degrees }] } },
              { toolResult: { toolUseId: "clock_2", content: [{ text: "Noon" }] } },
              { text: "So?" },
            ],
          },
        ],
      },
    },
  },
};

/** What comes before the results, which is the same for every wire's own words. */
const asking: Record<Client, object[]> = {
  "OpenAI chat": [
    { role: "user", content: "Shoot" },
    {
      role: "assistant",
      content: null,
      tool_calls: [
        { id: "shoot_1", type: "function", function: { name: "shoot", arguments: "{}" } },
      ],
    },
  ],
  Responses: [
    { role: "user", content: "Shoot" },
    { type: "function_call", call_id: "shoot_1", name: "shoot", arguments: "{}" },
  ],
  "Anthropic Messages": [
    { role: "user", content: "Shoot" },
    {
      role: "assistant",
      content: [{ type: "tool_use", id: "shoot_1", name: "shoot", input: {} }],
    },
  ],
  Gemini: [
    { role: "user", parts: [{ text: "Shoot" }] },
    { role: "model", parts: [{ functionCall: { id: "shoot_1", name: "shoot", args: {} } }] },
  ],
};

const inlineData = { mimeType: "image/png", data: png };
const plain = (list: object[]) => JSON.parse(JSON.stringify(list));
const pictured: Feature = {
  name: "a picture in a result",
  asks: {
    "OpenAI chat": {
      messages: plain([
        ...asking["OpenAI chat"],
        {
          role: "tool",
          tool_call_id: "shoot_1",
          content: [
            { type: "text", text: "Here" },
            { type: "image_url", image_url: { url: photo } },
          ],
        },
      ]),
      tools: [{ type: "function", function: { name: "shoot" } }],
    },
    Responses: {
      input: plain([
        ...asking.Responses,
        {
          type: "function_call_output",
          call_id: "shoot_1",
          output: [
            { type: "input_text", text: "Here" },
            { type: "input_image", image_url: photo, detail: "auto" },
          ],
        },
      ]),
      tools: [
        {
          ...{ type: "function", name: "shoot", strict: false },
          parameters: { type: "object", properties: {} },
        },
      ],
    },
    "Anthropic Messages": {
      messages: plain([
        ...asking["Anthropic Messages"],
        {
          role: "user",
          content: [
            {
              type: "tool_result",
              tool_use_id: "shoot_1",
              content: [
                { type: "text", text: "Here" },
                { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
              ],
            },
          ],
        },
      ]),
      tools: [{ name: "shoot", input_schema: { type: "object", properties: {} } }],
    },
    Gemini: {
      contents: plain([
        ...asking.Gemini,
        {
          role: "user",
          parts: [
            {
              functionResponse: {
                ...{ id: "shoot_1", name: "shoot", response: { output: "Here" } },
                parts: [{ inlineData }],
              },
            },
          ],
        },
      ]),
      tools: [{ functionDeclarations: [{ name: "shoot" }] }],
    },
  },
  wires: {
    // This wire has no pictures in results: they follow in a message of the user.
    "openai-chat": {
      sent: {
        messages: [
          { role: "user", content: "Shoot" },
          { role: "assistant", content: null },
          { role: "tool", tool_call_id: "shoot_1", content: "Here" },
          { role: "user", content: [{ type: "image_url", image_url: { url: photo } }] },
        ],
      },
    },
    "openai-responses": {
      sent: {
        input: [
          { role: "user" },
          { type: "function_call", call_id: "shoot_1" },
          {
            type: "function_call_output",
            call_id: "shoot_1",
            output: [
              { type: "input_text", text: "Here" },
              { type: "input_image", image_url: photo },
            ],
          },
        ],
      },
    },
    "anthropic-messages": {
      sent: {
        messages: [
          { role: "user" },
          { role: "assistant" },
          {
            role: "user",
            content: [
              {
                type: "tool_result",
                tool_use_id: "shoot_1",
                content: [
                  { type: "text", text: "Here" },
                  { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
                ],
              },
            ],
          },
        ],
      },
    },
    gemini: {
      sent: {
        contents: [
          { role: "user" },
          { role: "model" },
          {
            role: "user",
            parts: [
              { functionResponse: { name: "shoot", response: { output: "Here" } } },
              { inlineData },
            ],
          },
        ],
      },
    },
    "cohere-v2": {
      sent: {
        messages: [
          { role: "user", content: "Shoot" },
          { role: "assistant" },
          { role: "tool", tool_call_id: "shoot_1", content: "Here" },
          { role: "user", content: [{ type: "image_url", image_url: { url: photo } }] },
        ],
      },
    },
    "bedrock-converse": {
      sent: {
        messages: [
          { role: "user" },
          { role: "assistant" },
          {
            role: "user",
            content: [
              {
                toolResult: {
                  toolUseId: "shoot_1",
                  content: [{ text: "Here" }, { image: { format: "png", source: { bytes: png } } }],
                },
              },
            ],
          },
        ],
      },
    },
  },
};

testMatrix([free, empty, forced, required, forbidden, single, results, pictured], {
  tried: 372,
  wordless: 12,
  elsewhere: 0,
});

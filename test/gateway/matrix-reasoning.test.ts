import { saying, testMatrix, type Feature } from "#test/gateway/matrix-kit.ts";
import type { Answer } from "#test/gateway/matrix-answers.ts";

/** Reasoning asked for, left out and shown, and marks for a prompt cache. */

const thought: Answer = { text: "Four", reasoning: { text: "Two and two.", proof: "proof-1" } };
const summary = "auto";
const include = ["reasoning.encrypted_content"];

const effort: Feature = {
  name: "much reasoning, which is shown",
  asks: saying({
    "OpenAI chat": { reasoning_effort: "high", max_tokens: 20_000 },
    Responses: { reasoning: { effort: "high", summary: "auto" }, max_output_tokens: 20_000 },
    "Anthropic Messages": { output_config: { effort: "high" }, max_tokens: 20_000 },
    Gemini: {
      generationConfig: {
        maxOutputTokens: 20_000,
        thinkingConfig: { thinkingLevel: "HIGH", includeThoughts: true },
      },
    },
  }),
  answer: thought,
  own: {
    // An effort alone asks for no thinking there, and this model refuses it.
    "Anthropic Messages": {
      sent: { max_tokens: 20_000 },
      absent: ["output_config", "thinking"],
      dropped: ["output_config.effort"],
    },
  },
  wires: {
    "openai-chat": { sent: { reasoning: { effort: "high" } } },
    "openai-responses": { sent: { reasoning: { effort: "high", summary }, include } },
    "anthropic-messages": { sent: { thinking: { type: "enabled", budget_tokens: 16_000 } } },
    gemini: {
      sent: {
        generationConfig: { thinkingConfig: { thinkingLevel: "HIGH", includeThoughts: true } },
      },
    },
    "cohere-v2": { sent: { thinking: { type: "enabled", token_budget: 16_000 } } },
    // High takes no output limit there, and the limit that is asked for holds.
    "bedrock-converse": {
      sent: {
        inferenceConfig: { maxTokens: 20_000 },
        additionalModelRequestFields: {
          reasoningConfig: { type: "enabled", maxReasoningEffort: "medium" },
        },
      },
    },
  },
};

const budget: Feature = {
  name: "a budget for reasoning",
  asks: saying({
    // The first is an extension of ours; the second dialect has none.
    "OpenAI chat": { reasoning: { max_tokens: 2048 } },
    Responses: undefined,
    "Anthropic Messages": {
      max_tokens: 4000,
      thinking: { type: "enabled", budget_tokens: 2048 },
    },
    Gemini: {
      generationConfig: { thinkingConfig: { thinkingBudget: 2048, includeThoughts: true } },
    },
  }),
  answer: thought,
  wires: {
    "openai-chat": { sent: { reasoning: { max_tokens: 2048 } } },
    // The least that this model takes.
    "openai-responses": { sent: { reasoning: { effort: "medium", summary }, include } },
    "anthropic-messages": { sent: { thinking: { type: "enabled", budget_tokens: 2048 } } },
    gemini: {
      sent: {
        generationConfig: { thinkingConfig: { thinkingLevel: "LOW", includeThoughts: true } },
      },
      absent: ["generationConfig.thinkingConfig.thinkingBudget"],
    },
    "cohere-v2": { sent: { thinking: { type: "enabled", token_budget: 2048 } } },
    "bedrock-converse": {
      sent: {
        additionalModelRequestFields: {
          reasoningConfig: { type: "enabled", maxReasoningEffort: "low" },
        },
      },
    },
  },
};

const none: Feature = {
  name: "no reasoning",
  asks: saying({
    "OpenAI chat": { reasoning_effort: "none" },
    Responses: { reasoning: { effort: "none" } },
    "Anthropic Messages": { thinking: { type: "disabled" } },
    Gemini: { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } },
  }),
  wires: {
    "openai-chat": { sent: { reasoning: { effort: "none" } } },
    // These two cannot rest: they do the least they can.
    "openai-responses": { sent: { reasoning: { effort: "medium" } } },
    gemini: {
      sent: {
        generationConfig: { thinkingConfig: { thinkingLevel: "MINIMAL", includeThoughts: false } },
      },
    },
    "anthropic-messages": { sent: {}, absent: ["thinking", "output_config"] },
    "cohere-v2": { sent: { thinking: { type: "disabled" } } },
    "bedrock-converse": { sent: {}, absent: ["additionalModelRequestFields"] },
  },
};

const cache_control = { type: "ephemeral" };
const point = { cachePoint: { type: "default" } };
const marked = (text: string) => ({ type: "text", text, cache_control });

const marks: Feature = {
  name: "marks for a prompt cache",
  asks: {
    "OpenAI chat": {
      messages: [
        { role: "system", content: [marked("Be brief")] },
        { role: "user", content: [marked("Long"), { type: "text", text: "Short" }] },
      ],
    },
    // The same in this dialect's own words.
    Responses: {
      input: [
        {
          role: "system",
          content: [
            { type: "input_text", text: "Be brief", prompt_cache_breakpoint: { mode: "explicit" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "input_text", text: "Long", prompt_cache_breakpoint: { mode: "explicit" } },
            { type: "input_text", text: "Short" },
          ],
        },
      ],
    },
    "Anthropic Messages": {
      system: [marked("Be brief")],
      messages: [{ role: "user", content: [marked("Long"), { type: "text", text: "Short" }] }],
    },
    // Its cache needs no marks.
    Gemini: undefined,
  },
  wires: {
    "openai-chat": {
      sent: {
        messages: [
          { role: "system", content: [marked("Be brief")] },
          { role: "user", content: [marked("Long"), { type: "text", text: "Short" }] },
        ],
      },
    },
    // A cache of the same provider takes marks in other words on its chat wire: that they are left out is said.
    "openai-responses": (client) => {
      const dropped = ["cache_control"];
      const texts = ["Long", "Short"].map((text) => ({ type: "input_text", text }));
      const user = { role: "user", content: texts };
      const system = { role: "system", content: [{ type: "input_text", text: "Be brief" }] };
      if (client === "OpenAI chat") return { sent: { input: [system, user] }, dropped };
      return { sent: { instructions: "Be brief", input: [user] }, dropped };
    },
    "anthropic-messages": {
      sent: {
        system: [marked("Be brief")],
        messages: [{ role: "user", content: [marked("Long"), { type: "text", text: "Short" }] }],
      },
    },
    gemini: {
      sent: { contents: [{ role: "user", parts: [{ text: "Long" }, { text: "Short" }] }] },
    },
    "cohere-v2": {
      sent: {
        messages: [
          { role: "system", content: "Be brief" },
          {
            role: "user",
            content: [
              { type: "text", text: "Long" },
              { type: "text", text: "Short" },
            ],
          },
        ],
      },
    },
    "bedrock-converse": {
      sent: {
        system: [{ text: "Be brief" }, point],
        messages: [{ role: "user", content: [{ text: "Long" }, point, { text: "Short" }] }],
      },
    },
  },
};

testMatrix([effort, budget, none, marks], { tried: 168, wordless: 24, elsewhere: 0 });

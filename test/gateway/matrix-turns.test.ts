import { describe, expect } from "bun:test";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { askIn, startedForTests, testCells } from "#test/gateway/matrix-kit.ts";
import type { Answer, Wire } from "#test/gateway/matrix-answers.ts";
import { type Client, ownWire, type Told } from "#test/gateway/matrix-clients.ts";
import { faultsOf } from "#test/gateway/matrix-wires.ts";
import { at, listAt } from "#test/lib/gateway.ts";

/** Two turns with tools: reasoning that an upstream signed comes back to it with the results, whatever the client is. */

const running = startedForTests();
const proof = "c2lnbmVk";
const thought = "Look it up.";
const called: Answer = {
  text: "",
  reasoning: { text: thought, proof },
  finish: "tool_calls",
  calls: [
    { id: "weather_1", name: "weather", words: '{"city":"Oslo"}' },
    { id: "clock_2", name: "clock", words: "{}" },
  ],
};

const schema = { type: "object", properties: { city: { type: "string" } } };
const names = ["weather", "clock"];
const question = "Weather and time?";

const first: Record<Client, JsonObject> = {
  "OpenAI chat": {
    messages: [{ role: "user", content: question }],
    tools: names.map((name) => ({ type: "function", function: { name, parameters: schema } })),
    reasoning_effort: "low",
    max_tokens: 4000,
  },
  Responses: {
    input: [{ role: "user", content: question }],
    tools: names.map((name) => ({ type: "function", name, parameters: schema, strict: false })),
    reasoning: { effort: "low" },
    max_output_tokens: 4000,
  },
  "Anthropic Messages": {
    messages: [{ role: "user", content: question }],
    tools: names.map((name) => ({ name, input_schema: schema })),
    thinking: { type: "enabled", budget_tokens: 2048 },
    max_tokens: 4000,
  },
  Gemini: {
    contents: [{ role: "user", parts: [{ text: question }] }],
    tools: [
      { functionDeclarations: names.map((name) => ({ name, parametersJsonSchema: schema })) },
    ],
    generationConfig: { maxOutputTokens: 4000, thinkingConfig: { thinkingLevel: "LOW" } },
  },
};

/** The next request of each client: what it was told, as it was told it, and a result for each call. */
const second: Record<Client, (told: Told) => JsonObject> = {
  "OpenAI chat": ({ calls }) => ({
    messages: [
      { role: "user", content: question },
      {
        role: "assistant",
        content: null,
        tool_calls: calls.map(({ id, name, input }) => ({
          ...{ id, type: "function" },
          function: { name, arguments: JSON.stringify(input) },
        })),
      },
      ...calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "ok" })),
    ],
  }),
  Responses: ({ answer, calls }) => ({
    input: [
      { role: "user", content: question },
      ...objects(listAt(answer, "output")),
      ...calls.map(({ id }) => ({ type: "function_call_output", call_id: id, output: "ok" })),
    ],
  }),
  "Anthropic Messages": ({ answer, calls }) => ({
    messages: [
      { role: "user", content: question },
      { role: "assistant", content: objects(listAt(answer, "content")) },
      {
        role: "user",
        content: calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "ok" })),
      },
    ],
  }),
  Gemini: ({ answer, calls }) => ({
    contents: [
      { role: "user", parts: [{ text: question }] },
      { role: "model", parts: objects(listAt(answer, "candidates.0.content.parts")) },
      {
        role: "user",
        parts: calls.map(({ id, name }) => ({
          functionResponse: { ...(id ? { id } : {}), name, response: { output: "ok" } },
        })),
      },
    ],
  }),
};

function objects(list: unknown[]): JsonObject[] {
  return list.filter(isObject);
}

const signedCall = { functionCall: { name: "weather" }, thoughtSignature: proof };
/** What comes back, and where; undefined where the upstream takes no reasoning back. */
const returned: Record<Wire, ((sent: unknown) => unknown[]) | undefined> = {
  "openai-chat": undefined,
  "openai-responses": (sent) => [
    listAt(sent, "input").slice(0, 3),
    [
      { role: "user" },
      { type: "reasoning", encrypted_content: proof },
      { type: "function_call", call_id: "weather_1" },
    ],
  ],
  "anthropic-messages": (sent) => [
    listAt(sent, "messages.1.content").slice(0, 2),
    [
      { type: "thinking", thinking: thought, signature: proof },
      { type: "tool_use", id: "weather_1" },
    ],
  ],
  gemini: (sent) => [
    listAt(sent, "contents.1.parts").filter((part) => at(part, "functionCall") !== undefined),
    [signedCall, { functionCall: { name: "clock" } }],
  ],
  "cohere-v2": undefined,
  // The models of this maker do not sign.
  "bedrock-converse": undefined,
};

describe("a loop with signed reasoning", () => {
  testCells(async (cell) => {
    const { client, wire } = cell;
    const matrix = running();
    matrix.answers(called);
    const told = await askIn(matrix, cell, first[client]);
    expect(told.calls.map(({ name, input }) => [name, input])).toEqual([
      ["weather", { city: "Oslo" }],
      ["clock", {}],
    ]);
    matrix.answers({ text: "Grey at noon" });
    const next = await askIn(matrix, cell, { ...first[client], ...second[client](told) });
    const sent = matrix.sent();
    expect([next.status, next.error, next.texts]).toEqual([200, undefined, ["Grey at noon"]]);
    expect(faultsOf(wire, sent ?? {}, wire === ownWire[client])).toEqual([]);
    const said = JSON.stringify(sent);
    // State that travelled behind the ids of calls goes no further than the gateway.
    expect(said).not.toContain("-lr1-");
    expect(said.match(/weather_1/g)?.length ?? 0).toBe(wire === "gemini" ? 0 : 2);
    const [got, wanted] = returned[wire]?.(sent) ?? [];
    if (wanted === undefined) {
      expect([said.includes(proof), said.includes(thought)]).toEqual([false, false]);
      return;
    }
    expect(got).toMatchObject(Object(wanted));
    if (wire === "anthropic-messages") expect(at(sent, "thinking.type")).toBe("enabled");
  });
});

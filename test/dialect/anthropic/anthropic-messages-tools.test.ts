import { describe, expect, test } from "bun:test";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import type { Target } from "#src/dialect/dialect.ts";
import type { Turn } from "#src/dialect/turn.ts";
import type { JsonObject } from "#src/lib/json.ts";
import {
  bodyOf,
  callOf,
  refusalOf,
  resultsOf,
  targetOf,
  turnOf,
} from "#test/dialect/upstream-kit.ts";

const write = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  anthropicMessagesUpstream.writeRequest(turnOf(turn), targetOf(target));
const body = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  bodyOf(write(turn, target));
const weather = {
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};

describe("tools", () => {
  test("a schema is of type object, also when it is absent", () => {
    const tools = [
      weather,
      { name: "clock", description: "Time" },
      { name: "s", strict: true, parameters: { properties: {} } },
    ];
    expect(body({ tools }).tools).toEqual([
      { name: "weather", input_schema: weather.parameters },
      { name: "clock", description: "Time", input_schema: { type: "object", properties: {} } },
      { name: "s", input_schema: { type: "object", properties: {} }, strict: true },
    ]);
    expect(write({ tools }, { jsonSchema: false }).dropped).toEqual(["strict"]);
  });
  const one = { disable_parallel_tool_use: true };
  const rows: [Turn["toolChoice"], boolean | undefined, JsonObject | undefined][] = [
    [undefined, undefined, undefined],
    [undefined, false, { type: "auto", ...one }],
    ["none", false, { type: "none" }],
    ["auto", true, { type: "auto" }],
    ["required", undefined, { type: "any" }],
    ["required", false, { type: "any", ...one }],
    [{ name: "weather" }, undefined, { type: "tool", name: "weather" }],
    [{ name: "weather" }, false, { type: "tool", name: "weather", ...one }],
  ];
  for (const [toolChoice, parallelToolCalls, said] of rows) {
    test(`tool_choice ${JSON.stringify(toolChoice)} with parallel ${parallelToolCalls}`, () => {
      expect(body({ tools: [weather], toolChoice, parallelToolCalls }).tool_choice).toEqual(said);
    });
  }
  test("calls in a conversation without tools get theirs told, and none may be called", () => {
    const messages: Turn["messages"] = [
      { role: "assistant", content: [callOf("a", "weather"), callOf("b", "clock")] },
      resultsOf(["a", "4 degrees"], ["b", "noon"]),
      { role: "assistant", content: [callOf("c", "weather")] },
      resultsOf(["c", "5 degrees"]),
    ];
    const empty = { type: "object", properties: {} };
    expect(body({ messages })).toMatchObject({
      tools: [
        { name: "weather", input_schema: empty },
        { name: "clock", input_schema: empty },
      ],
      tool_choice: { type: "none" },
    });
    expect(body({ messages, tools: [weather] }).tools).toHaveLength(1);
    expect(body({ messages, tools: [weather] }).tool_choice).toBeUndefined();
    const responseFormat = { type: "json_schema" as const, name: "p", schema: { type: "object" } };
    expect(body({ messages, responseFormat }, { jsonSchema: false }).tool_choice).toMatchObject({
      type: "tool",
    });
  });
  test("tool_choice without tools is left out; tools stay with none", () => {
    expect(body({ toolChoice: "auto" }).tool_choice).toBeUndefined();
    expect(body({ tools: [weather], toolChoice: "none" }).tools).toHaveLength(1);
  });
});

describe("response format", () => {
  const schema = { type: "object", properties: { city: { type: "string" } } };
  const responseFormat = { type: "json_schema" as const, name: "place", schema };
  const lacking = { jsonSchema: false };
  test("a schema is output_config.format where the model has it", () => {
    expect(body({ responseFormat }).output_config).toEqual({
      format: { type: "json_schema", schema },
    });
  });
  test("elsewhere one forced tool stands in", () => {
    const told = body({ responseFormat }, lacking);
    expect(told.tools).toMatchObject([{ name: "lowrouter_json_answer", input_schema: schema }]);
    expect(told.tool_choice).toEqual({
      type: "tool",
      name: "lowrouter_json_answer",
      disable_parallel_tool_use: true,
    });
  });
  test("beside other tools any of them must be called; a demanded call comes before the answer", () => {
    const free = body({ responseFormat, tools: [weather] }, lacking);
    expect(free.tools).toHaveLength(2);
    expect(free.tool_choice).toEqual({ type: "any" });
    const demanded = body({ responseFormat, tools: [weather], toolChoice: "required" }, lacking);
    expect(demanded.tools).toHaveLength(1);
    const never = body({ responseFormat, tools: [weather], toolChoice: "none" }, lacking);
    expect(never.tool_choice).toMatchObject({ type: "tool", name: "lowrouter_json_answer" });
  });
  test("a schema whose root is no object is refused where a tool would stand in", () => {
    const list = { ...responseFormat, schema: { type: "array" } };
    expect(refusalOf(() => write({ responseFormat: list }, lacking)).code).toBe(
      "unsupported_feature",
    );
  });
  test("json_object adds an instruction", () => {
    expect(String(body({ responseFormat: { type: "json_object" } }).system)).toContain(
      "JSON object",
    );
  });
});

test("a model that chooses for itself is not told to call a tool", () => {
  const model = "claude-sonnet-5-5";
  for (const toolChoice of ["required" as const, { name: "weather" }]) {
    const refused = refusalOf(() => write({ tools: [weather], toolChoice }, { model }));
    expect([refused.code, refused.detail.param]).toEqual(["unsupported_feature", "tool_choice"]);
  }
  const told = body({ tools: [weather], toolChoice: "auto" }, { model });
  expect(told.tool_choice).toEqual({ type: "auto" });
});

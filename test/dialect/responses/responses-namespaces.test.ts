import { describe, expect, test } from "bun:test";
import { responsesClient } from "#src/dialect/responses/openai-responses.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { peeked, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { refusalOf } from "#test/dialect/upstream-kit.ts";

const peek = (body: JsonObject) => peeked(responsesClient, { model: "m", input: "x", ...body });
const read = (body: JsonObject) => responsesClient.readRequest(peek(body));

const tool = (name: string, more = {}) => ({ type: "function", name, parameters: {}, ...more });
const space = {
  type: "namespace",
  name: "agents",
  description: "Of agents.",
  tools: [tool("open", { description: "Opens.", strict: false }), tool("close")],
};
const tools = [tool("close"), space, { ...space, name: "mcp__a__", tools: [tool("find")] }];

describe("functions in a namespace", () => {
  test("go to others by a name that holds both, and what is said of the namespace goes once", () => {
    const turn = read({ tools });
    expect(turn.tools.map(({ name, description }) => [name, description])).toEqual([
      ["close", undefined],
      ["agents__open", "Of agents.\n\nOpens."],
      ["agents__close", undefined],
      ["mcp__a__find", "Of agents."],
    ]);
    expect(turn.tools.map(({ strict }) => strict)).toEqual([
      undefined,
      false,
      undefined,
      undefined,
    ]);
    expect(peek({ tools: [space] }).needs.tools).toBe(true);
  });

  test("are chosen, and left, by both names", () => {
    const choice = { type: "function", name: "close", namespace: "agents" };
    expect(read({ tools, tool_choice: choice }).toolChoice).toEqual({ name: "agents__close" });
    const left = (...named: JsonObject[]) =>
      read({ tools, tool_choice: { type: "allowed_tools", mode: "auto", tools: named } }).tools.map(
        ({ name }) => name,
      );
    expect(left(choice)).toEqual(["agents__close"]);
    expect(left({ type: "function", name: "close" })).toEqual(["close"]);
    expect(left({ type: "namespace", name: "agents" })).toEqual(["agents__open", "agents__close"]);
  });

  test("were called by both names, and are again", () => {
    const called = { type: "function_call", call_id: "c", name: "close", arguments: "{}" };
    const { messages } = read({ tools, input: [{ ...called, namespace: "agents" }, called] });
    expect(listAt(messages, "0.content").map((part) => at(part, "name"))).toEqual([
      "agents__close",
      "close",
    ]);
    const calls = ["close", "agents__close"].map((name, index) => ({
      ...{ type: "tool_call" as const, id: `c${index}`, name, arguments: "{}" },
    }));
    const reply = { choices: [{ index: 0, parts: calls, finish: "tool_calls" as const }] };
    const summary = summaryOf({ asked: { tools } });
    const whole: unknown = JSON.parse(decode(responsesClient.writeReply(reply, summary)));
    expect(
      listAt(whole, "output").map((item) => [at(item, "namespace"), at(item, "name")]),
    ).toEqual([
      [undefined, "close"],
      ["agents", "close"],
    ]);
  });

  test.each([
    ["tools[0].name", [{ ...space, name: "" }]],
    ["tools[0].tools", [{ ...space, tools: undefined }]],
    ["tools[0].tools[1].name", [{ ...space, tools: [tool("a"), tool("")] }]],
  ])("are refused at %s", (param, wrong) => {
    const { code, detail } = refusalOf(() => peek(JSON.parse(JSON.stringify({ tools: wrong }))));
    expect([code, detail.param]).toEqual(["invalid_value", param]);
  });

  test("are of the caller's: what a provider runs itself is refused in its place", () => {
    const hosted = { ...space, tools: [tool("a"), { type: "custom", name: "b" }] };
    const { code, detail } = refusalOf(() => read({ tools: [hosted] }));
    expect([code, detail.param]).toEqual(["unsupported_feature", "tools[0].tools[1]"]);
  });
});

describe("a search of the web", () => {
  const cached = { type: "web_search", external_web_access: false };

  test("is left out and named where it may not go out to the web and nobody demands it", () => {
    const turn = read({ tools: [tool("a"), cached], tool_choice: "auto" });
    expect(turn.tools.map(({ name }) => name)).toEqual(["a"]);
    expect(Object.keys(turn.extra)).toEqual(["tools[1]"]);
  });

  test.each([
    ["goes out", { tools: [{ type: "web_search", external_web_access: true }] }],
    ["does not say", { tools: [{ type: "web_search" }] }],
    ["is demanded", { tools: [cached], tool_choice: "required" }],
  ])("is refused where it %s", (_, body) => {
    const { code, detail } = refusalOf(() => read(body));
    expect([code, detail.param]).toEqual(["unsupported_feature", "tools[0]"]);
  });
});

import { describe, expect, test } from "bun:test";
import { responsesClient } from "#src/dialect/responses/openai-responses.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { peeked } from "#test/dialect/openai/openai-kit.ts";
import { refusalOf } from "#test/dialect/upstream-kit.ts";

const peek = (body: JsonObject) => peeked(responsesClient, body);
const read = (body: JsonObject) => responsesClient.readRequest(peek({ model: "m", ...body }));

describe("peek()", () => {
  test("reads what routing needs", () => {
    const ask = peek({
      model: "openai/gpt-x",
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "Hi" },
            { type: "input_image", image_url: `data:image/png;base64,${"A".repeat(9000)}` },
            { type: "input_file", file_data: "data:application/pdf;base64,AAAA" },
          ],
        },
      ],
      tools: [{ type: "function", name: "f", parameters: {} }],
      text: { format: { type: "json_schema", name: "a", schema: {} }, verbosity: "low" },
      reasoning: { effort: "high", summary: "auto" },
      max_output_tokens: 9,
      stream: true,
      user: "u",
      route: { region: "eu-west" },
      provider: { only: ["OpenAI"] },
    });
    expect(ask).toMatchObject({
      dialect: "openai-responses",
      kind: "chat",
      model: "openai/gpt-x",
      stream: true,
      maxOutputTokens: 9,
      choices: 1,
      user: "u",
      route: { region: "eu-west" },
      provider: { only: ["openai"] },
      needs: { tools: true, vision: true, pdf: true, jsonSchema: true, reasoning: true },
    });
    expect(ask.inputTokensAtMost).toBeLessThan(6000);
    expect(ask.parameters.sort()).toEqual(
      ["max_tokens", "reasoning", "response_format", "tools", "verbosity"].sort(),
    );
  });

  test("lets through what only a provider of this wire can do", () => {
    for (const body of [
      { input: "x", previous_response_id: "resp_1" },
      { prompt: { id: "pmpt_1" } },
      { input: [{ type: "item_reference", id: "msg_1" }] },
      { input: [{ type: "web_search_call", id: "ws_1" }] },
      { input: "x", tools: [{ type: "web_search" }, { type: "mcp", server_url: "https://a" }] },
      { input: "x", background: true, conversation: { id: "conv_1" } },
      { input: "x", tool_choice: { type: "file_search" } },
    ])
      expect(() => peek(body)).not.toThrow();
  });

  test("a conversation that the provider keeps weighs more than what is sent", () => {
    const known = peek({ input: "x" }).inputTokensAtMost;
    const kept = peek({ input: "x", previous_response_id: "r" }).inputTokensAtMost;
    expect(kept).toBeGreaterThan(known + 50_000);
  });

  test("a body for chat completions is told where it belongs", () => {
    const { detail, message } = refusalOf(() => peek({ messages: [] }));
    expect(detail.param).toBe("input");
    expect(message).toContain("/v1/chat/completions");
  });
});

describe("readRequest()", () => {
  test("puts items that belong together into one message", () => {
    const turn = read({
      instructions: "Be brief",
      input: [
        { role: "developer", content: "D" },
        { type: "message", role: "user", content: [{ type: "input_text", text: "U" }] },
        {
          type: "reasoning",
          id: "rs_1",
          summary: [
            { type: "summary_text", text: "a" },
            { type: "summary_text", text: "b" },
          ],
          encrypted_content: "gAAA",
        },
        { type: "reasoning", id: "rs_2", summary: [] },
        {
          type: "message",
          id: "msg_1",
          role: "assistant",
          content: [
            { type: "output_text", text: "A", annotations: [] },
            { type: "refusal", refusal: "R" },
          ],
        },
        { type: "web_search_call", id: "ws_1", status: "completed" },
        { type: "function_call", id: "fc_1", call_id: "c1", name: "f", arguments: '{"a": 1}' },
        { type: "custom_tool_call", call_id: "c2", name: "g", input: "free" },
        { type: "function_call_output", call_id: "c1", output: "one" },
        {
          type: "custom_tool_call_output",
          call_id: "c2",
          output: [
            { type: "input_text", text: "two" },
            { type: "input_image", image_url: "https://a/b.png", detail: "low" },
          ],
        },
      ],
    });
    expect(turn.system).toEqual([{ type: "text", text: "Be brief" }]);
    expect(turn.messages).toEqual([
      { role: "system", content: [{ type: "text", text: "D" }] },
      { role: "user", content: [{ type: "text", text: "U" }] },
      {
        role: "assistant",
        content: [
          {
            type: "reasoning",
            text: "a\n\nb",
            redacted: "gAAA",
            carry: { "openai-responses": { id: "rs_1" } },
          },
          { type: "text", text: "A" },
          { type: "refusal", text: "R" },
          { type: "tool_call", id: "c1", name: "f", arguments: '{"a": 1}' },
          { type: "tool_call", id: "c2", name: "g", arguments: '{"input":"free"}' },
        ],
      },
      {
        role: "tool",
        results: [
          { callId: "c1", content: [{ type: "text", text: "one" }] },
          {
            callId: "c2",
            content: [
              { type: "text", text: "two" },
              { type: "image", source: { url: "https://a/b.png" }, detail: "low" },
            ],
          },
        ],
      },
    ]);
  });

  test("reads tools, strict or not as they say", () => {
    const tool = (name: string, more = {}) => ({ type: "function", name, parameters: {}, ...more });
    const { tools, toolChoice } = read({
      input: "x",
      tools: [tool("a"), tool("b", { strict: false }), tool("c", { strict: true })],
      tool_choice: {
        type: "allowed_tools",
        mode: "required",
        tools: [
          { type: "function", name: "a" },
          { type: "function", name: "b" },
        ],
      },
    });
    expect(tools.map(({ name, strict }) => [name, strict])).toEqual([
      ["a", undefined],
      ["b", false],
    ]);
    expect(toolChoice).toBe("required");
    const named = read({
      input: "x",
      tools: [tool("a")],
      tool_choice: { type: "function", name: "a" },
    });
    expect(named.toolChoice).toEqual({ name: "a" });
  });

  test("reads settings, and keeps for others only what others have a word for", () => {
    const turn = read({
      input: "Hi",
      text: {
        format: { type: "json_schema", name: "a", schema: {}, strict: true },
        verbosity: "low",
      },
      reasoning: { effort: "low", summary: "auto" },
      max_output_tokens: 7,
      temperature: 0.5,
      top_p: 0.5,
      service_tier: "flex",
      store: true,
      include: ["reasoning.encrypted_content"],
      truncation: "auto",
      metadata: { a: "b" },
      prompt_cache_key: "k",
      client_metadata: { a: 1 },
      background: false,
      previous_response_id: null,
      parallel_tool_calls: false,
    });
    expect(turn).toMatchObject({
      messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
      responseFormat: { type: "json_schema", name: "a", schema: {}, strict: true },
      reasoning: { effort: "low" },
      maxOutputTokens: 7,
      temperature: 0.5,
      topP: 0.5,
      parallelToolCalls: false,
    });
    expect(turn.extra).toEqual({
      verbosity: "low",
      service_tier: "flex",
      truncation: "auto",
      prompt_cache_key: "k",
    });
  });

  test.each([
    ["tools[0]", { tools: [{ type: "web_search" }] }, '"web_search"'],
    ["tools[0]", { tools: [{ type: "Please quote me" }] }, "its type"],
    ["tool_choice", { tool_choice: { type: "mcp", server_label: "s" } }, '"mcp"'],
    ["input[0].type", { input: [{ type: "computer_call", call_id: "c" }] }, "its type"],
    [
      "input[0].content[0]",
      { input: [{ role: "user", content: [{ type: "input_image", file_id: "f" }] }] },
      "file id",
    ],
    [
      "input[0].output[0]",
      {
        input: [
          {
            type: "function_call_output",
            call_id: "c",
            output: [{ type: "input_file", file_id: "f" }],
          },
        ],
      },
      "text and pictures",
    ],
  ])("refuses at %s what another wire cannot say", (param, body, said) => {
    const { code, detail, message } = refusalOf(() => read({ input: "x", ...body }));
    expect([code, detail.param]).toEqual(["unsupported_feature", param]);
    expect(message).toContain(said);
    expect(message).not.toContain("Please");
  });
});

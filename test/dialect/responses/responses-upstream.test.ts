import { describe, expect, test } from "bun:test";
import { responsesUpstream } from "#src/dialect/responses/openai-responses.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import { decode } from "#test/dialect/payload.ts";
import {
  bodyOf,
  byteByByte,
  callOf,
  fixture,
  hear,
  refusalOf,
  resultsOf,
  say,
  sse,
  targetOf,
  turnOf,
} from "#test/dialect/upstream-kit.ts";

const load = (name: string) => fixture(`openai-responses/${name}`);
const read = () => responsesUpstream.readStream();
const usage = { input: { fresh: 8, cacheRead: 4 }, output: { visible: 6, reasoning: 3 } };

describe("a stream", () => {
  test("becomes steps: reasoning, its encrypted form, text, and one finish", async () => {
    const {
      steps,
      id,
      ended,
      usage: counted,
      failure,
    } = hear(read(), [await load("stream-text.sse")]);
    expect(failure).toBeUndefined();
    expect(steps).toEqual([
      { type: "reasoning", choice: 0, text: "**Looking" },
      { type: "reasoning", choice: 0, text: "** it up" },
      { type: "reasoning", choice: 0, text: "\n\n" },
      { type: "reasoning", choice: 0, text: "Then" },
      { type: "reasoning", choice: 0, text: " say" },
      { type: "reasoning", choice: 0, text: "", redacted: "gAAA-whole" },
      { type: "text", choice: 0, text: "Grüße" },
      { type: "text", choice: 0, text: '! "model":"fake" ' },
      { type: "text", choice: 0, text: "🌦\n" },
      { type: "text", choice: 0, text: "." },
      { type: "finish", choice: 0, finish: "stop", nativeFinish: "completed" },
    ]);
    expect([id, ended]).toEqual(["resp_up1", true]);
    expect(counted).toMatchObject(usage);
  });

  test("has calls numbered by themselves, with arguments once and digit for digit", async () => {
    const { steps } = hear(read(), [await load("stream-tools.sse")]);
    expect(steps).toEqual([
      { type: "tool_start", choice: 0, index: 0, id: "call_a", name: "weather" },
      { type: "tool_arguments", choice: 0, index: 0, text: '{"station":1234567' },
      { type: "tool_arguments", choice: 0, index: 0, text: "8901234567890}" },
      { type: "tool_start", choice: 0, index: 1, id: "call_b", name: "clock" },
      { type: "tool_arguments", choice: 0, index: 1, text: "{}" },
      { type: "tool_start", choice: 0, index: 2, id: "call_c", name: "whole" },
      { type: "tool_arguments", choice: 0, index: 2, text: '{"a":1}' },
      { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "completed" },
    ]);
  });

  test("that was filtered ends so, with the refusal", async () => {
    const { steps } = hear(read(), [await load("stream-refusal.sse")]);
    expect(steps).toEqual([
      { type: "refusal", choice: 0, text: "I can" },
      { type: "refusal", choice: 0, text: "not" },
      { type: "finish", choice: 0, finish: "content_filter", nativeFinish: "content_filter" },
    ]);
  });

  const names = ["text", "tools", "refusal", "failed", "error", "cut"];
  test.each(names)("is read the same however %s arrives", async (name) => {
    const bytes = await load(`stream-${name}.sse`);
    const expected = hear(read(), [bytes]);
    expect(hear(read(), byteByByte(bytes))).toEqual(expected);
    const text = decode(bytes);
    const otherwise = [
      text.replaceAll("\n", "\r\n"),
      text.replace(/\n+$/, ""),
      text.replaceAll("data: ", ": a comment\ndata:"),
      text.replaceAll(/^event: .*\n/gm, ""),
      `${text}data: [DONE]\n\n`,
    ];
    for (const other of otherwise)
      expect(hear(read(), byteByByte(encode(other)))).toEqual(expected);
  });

  test("that failed throws the code alone, after what came before, and keeps its usage", async () => {
    const failed = hear(read(), [await load("stream-failed.sse")]);
    expect(failed.steps).toEqual([{ type: "text", choice: 0, text: "Hel" }]);
    expect(failed.failure).toBe(
      'UpstreamStreamError: The provider ended its answer with "server_error"',
    );
    expect(failed.usage).toMatchObject(usage);
    const error = hear(read(), [await load("stream-error.sse")]);
    expect(error.failure).toContain('with "rate_limit_exceeded"');
    const nested = { type: "error", error: { type: "server_error", message: "secret" } };
    expect(hear(read(), [sse(nested)]).failure).toContain('with "server_error"');
    expect(hear(read(), [sse({ error: { code: "x" } })]).failure).toContain('with "x"');
    expect(hear(read(), [encode("data: {garbage\n\n")]).failure).toContain("not JSON");
  });

  test("without its terminal event has not ended", async () => {
    expect(hear(read(), [await load("stream-cut.sse")]).ended).toBe(false);
  });

  test("that tells items and text only whole is read all the same", () => {
    const item = {
      type: "message",
      id: "msg_1",
      role: "assistant",
      content: [{ type: "output_text", text: "Hi" }],
    };
    const call = { type: "function_call", call_id: "call_1", name: "f", arguments: '{"a":1}' };
    const thought = { type: "reasoning", summary: [{ type: "summary_text", text: "Hm" }] };
    const expected: StreamStep[] = [
      { type: "reasoning", choice: 0, text: "Hm" },
      { type: "text", choice: 0, text: "Hi" },
      { type: "tool_start", choice: 0, index: 0, id: "call_1", name: "f" },
      { type: "tool_arguments", choice: 0, index: 0, text: '{"a":1}' },
      { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "completed" },
    ];
    const output = [thought, item, call];
    const items = output.map((one, output_index) => ({
      type: "response.output_item.done",
      output_index,
      item: one,
    }));
    const completed = { type: "response.completed", response: { id: "r", output } };
    expect(hear(read(), [sse(...items, completed)]).steps).toEqual(expected);
    expect(hear(read(), [sse(completed)]).steps).toEqual(expected);
    const text = {
      type: "response.output_text.done",
      output_index: 1,
      content_index: 0,
      text: "Hi",
    };
    expect(hear(read(), [sse(text, completed)]).steps[0]).toEqual({
      type: "text",
      choice: 0,
      text: "Hi",
    });
  });

  test("that ran into its limit says length", () => {
    const response = { incomplete_details: { reason: "max_output_tokens" }, output: [] };
    expect(hear(read(), [sse({ type: "response.incomplete", response })]).steps).toEqual([
      { type: "finish", choice: 0, finish: "length", nativeFinish: "max_output_tokens" },
    ]);
  });
});

describe("a whole answer", () => {
  test("becomes parts in their order, with usage", async () => {
    const { reply, usage: counted } = responsesUpstream.readReply(await load("reply.json"));
    expect(reply).toEqual({
      id: "resp_up1",
      choices: [
        {
          index: 0,
          parts: [
            {
              type: "reasoning",
              text: "**Looking** it up\n\nThen say",
              redacted: "gAAA-whole",
              carry: { "openai-responses": { id: "rs_1" } },
            },
            { type: "text", text: 'Grüße! "model":"fake" 🌦\n.' },
            {
              type: "tool_call",
              id: "call_a",
              name: "weather",
              arguments: '{"station":12345678901234567890}',
            },
          ],
          finish: "tool_calls",
          nativeFinish: "completed",
        },
      ],
    });
    expect(counted).toMatchObject(usage);
  });

  test.each([
    ["{}", "no response"],
    ["[]", "no response"],
    ["nonsense", "not JSON"],
    ['{"error":{"code":"server_error","message":"secret"},"output":[]}', '"server_error"'],
    ['{"status":"failed","error":null,"output":[]}', "an error"],
    ['{"status":"queued","output":[]}', "not finished"],
  ])("that is none is refused: %s", (body, why) => {
    expect(() => responsesUpstream.readReply(encode(body))).toThrow(why);
  });
});

describe("a request", () => {
  const write = (
    ...[turn, target]: [Parameters<typeof turnOf>[0]?, Parameters<typeof targetOf>[0]?]
  ) => responsesUpstream.writeRequest(turnOf(turn), targetOf(target));
  const weather = { name: "weather", parameters: { type: "object" } };

  test("is not kept by the provider, and says strictness out loud", () => {
    const request = write({ tools: [weather, { name: "now", strict: true }], stream: true });
    expect(request.path).toBe("/responses");
    expect(bodyOf(request)).toEqual({
      model: "model-x",
      input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] }],
      tools: [
        { type: "function", name: "weather", parameters: { type: "object" }, strict: false },
        {
          type: "function",
          name: "now",
          parameters: { type: "object", properties: {}, additionalProperties: false },
          strict: true,
        },
      ],
      store: false,
      stream: true,
    });
  });

  test("says the settings in this wire's words", () => {
    const schema = { type: "object" };
    const request = write(
      {
        system: [
          { type: "text", text: "Be" },
          { type: "text", text: "brief" },
        ],
        maxOutputTokens: 50,
        temperature: 0.5,
        topP: 0.9,
        toolChoice: { name: "weather" },
        tools: [weather],
        parallelToolCalls: false,
        responseFormat: { type: "json_schema", name: "a", schema, strict: true },
        reasoning: { effort: "max" },
        user: "u",
        extra: { verbosity: "low", service_tier: "flex", prompt_cache_key: "k" },
      },
      { reasoning: { efforts: ["low", "high"] } },
    );
    expect(bodyOf(request)).toMatchObject({
      instructions: "Be\n\nbrief",
      max_output_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      tool_choice: { type: "function", name: "weather" },
      parallel_tool_calls: false,
      text: {
        format: { type: "json_schema", name: "a", schema, strict: true },
        verbosity: "low",
      },
      reasoning: { effort: "high", summary: "auto" },
      include: ["reasoning.encrypted_content"],
      service_tier: "flex",
      prompt_cache_key: "k",
      user: "u",
    });
    expect(request.dropped).toEqual([]);
  });

  test("takes the history apart into items, and only its own reasoning back", () => {
    const own = { "openai-responses": { id: "rs_1" } };
    const request = write({
      messages: [
        say("system", "S"),
        {
          role: "user",
          content: [
            { type: "image", source: { url: "https://a/b.png" } },
            { type: "file", source: { mediaType: "application/pdf", base64: "AA==" } },
            { type: "file", source: { fileId: "file_1" } },
            { type: "file", source: { url: "https://a/b.pdf" }, filename: "b.pdf" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "Hm", redacted: "gAAA", carry: own },
            {
              type: "reasoning",
              text: "Foreign",
              redacted: "x",
              carry: { "anthropic-messages": {} },
            },
            { type: "reasoning", text: "Bare" },
            { type: "text", text: "A" },
            { type: "refusal", text: "B" },
            callOf("call_1", "weather", '{"a":1}'),
            callOf("call_2", "now", ""),
          ],
        },
        resultsOf(["call_1", "rain"]),
        {
          role: "tool",
          results: [
            {
              callId: "call_2",
              content: [{ type: "image", source: { mediaType: "image/png", base64: "AA==" } }],
            },
          ],
        },
      ],
    });
    expect(bodyOf(request).input).toEqual([
      { type: "message", role: "system", content: [{ type: "input_text", text: "S" }] },
      {
        type: "message",
        role: "user",
        content: [
          { type: "input_image", image_url: "https://a/b.png", detail: "auto" },
          {
            type: "input_file",
            filename: "document.pdf",
            file_data: "data:application/pdf;base64,AA==",
          },
          { type: "input_file", file_id: "file_1" },
          { type: "input_file", file_url: "https://a/b.pdf" },
        ],
      },
      {
        type: "reasoning",
        id: "rs_1",
        summary: [{ type: "summary_text", text: "Hm" }],
        encrypted_content: "gAAA",
      },
      {
        type: "message",
        role: "assistant",
        content: [
          { type: "output_text", text: "A" },
          { type: "refusal", refusal: "B" },
        ],
      },
      { type: "function_call", call_id: "call_1", name: "weather", arguments: '{"a":1}' },
      { type: "function_call", call_id: "call_2", name: "now", arguments: "{}" },
      { type: "function_call_output", call_id: "call_1", output: "rain" },
      {
        type: "function_call_output",
        call_id: "call_2",
        output: [{ type: "input_image", image_url: "data:image/png;base64,AA==", detail: "auto" }],
      },
    ]);
  });

  test("leaves out and names what does no harm", () => {
    const request = write(
      {
        temperature: 1,
        topK: 3,
        seed: 1,
        frequencyPenalty: 1,
        presencePenalty: 1,
        reasoning: { effort: "low" },
        extra: { logit_bias: { "1": 2 }, store: true, logprobs: false },
      },
      { samplingParams: false },
    );
    expect(request.dropped.sort()).toEqual([
      "frequency_penalty",
      "logit_bias",
      "presence_penalty",
      "reasoning",
      "seed",
      "temperature",
      "top_k",
    ]);
    expect(bodyOf(request)).toMatchObject({ store: true });
    expect(bodyOf(request)).not.toHaveProperty("reasoning");
  });

  test("asks for no summary where none was asked for, or reasoning is off", () => {
    const reasoning = { efforts: ["none", "low"] };
    expect(bodyOf(write({}, { reasoning }))).not.toHaveProperty("reasoning");
    expect(bodyOf(write({ reasoning: { effort: "none" } }, { reasoning })).reasoning).toEqual({
      effort: "none",
    });
    const hidden = write({ reasoning: { effort: "low", exclude: true } }, { reasoning });
    expect(bodyOf(hidden).reasoning).toEqual({ effort: "low" });
  });

  test.each([
    ["n", { choices: 2 }],
    ["logprobs", { extra: { logprobs: true } }],
    ["modalities", { extra: { modalities: ["audio"] } }],
  ])("that would mean something else is refused: %s", (param, changes) => {
    const { code, detail } = refusalOf(() => write(changes));
    expect([code, detail.param]).toEqual(["unsupported_feature", param]);
  });
});

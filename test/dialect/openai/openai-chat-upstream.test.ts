import { describe, expect, test } from "bun:test";
import { UpstreamStreamError, type Target } from "#src/dialect/dialect.ts";
import { openaiChatClient, openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import type { Turn } from "#src/dialect/turn.ts";
import { decode } from "#test/dialect/payload.ts";
import { encode } from "#src/lib/bytes.ts";
import type { JsonObject } from "#src/lib/json.ts";
import { peeked } from "#test/dialect/openai/openai-kit.ts";
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

const { readReply, readStream } = openaiChatUpstream;
const load = (name: string) => fixture(`openai-chat/${name}.sse`);
const write = (turn: Partial<Turn>, target: Partial<Target> = {}) =>
  openaiChatUpstream.writeRequest(turnOf(turn), targetOf(target));

describe("readStream()", () => {
  test.each([
    "stream-text",
    "stream-tools",
    "stream-mistral",
    "stream-deepseek",
    "stream-error",
    "stream-cut",
  ])("%s is the same whole and byte by byte", async (name) => {
    const bytes = await load(name);
    expect(hear(readStream(), byteByByte(bytes))).toEqual(hear(readStream(), [bytes]));
  });

  test("calls keep their ids, their order and their integers", async () => {
    const heard = hear(readStream(), [await load("stream-tools")]);
    expect(heard.steps).toEqual([
      { type: "tool_start", choice: 0, index: 0, id: "call_a", name: "weather" },
      { type: "tool_arguments", choice: 0, index: 0, text: '{"station":1234567' },
      { type: "tool_arguments", choice: 0, index: 0, text: "8901234567890}" },
      { type: "tool_start", choice: 0, index: 1, id: "call_b", name: "clock" },
      { type: "finish", choice: 0, finish: "tool_calls", nativeFinish: "tool_calls" },
    ]);
    expect(heard).toMatchObject({
      id: "chatcmpl-up1",
      ended: true,
      usage: { input: { fresh: 8, cacheRead: 4 }, output: { visible: 6, reasoning: 3 } },
    });
  });

  test("Mistral's thinking and DeepSeek's reasoning are reasoning", async () => {
    expect(hear(readStream(), [await load("stream-mistral")]).steps.slice(0, 2)).toEqual([
      { type: "reasoning", choice: 0, text: "Two plus two." },
      { type: "text", choice: 0, text: "Four" },
    ]);
    const heard = hear(readStream(), [await load("stream-deepseek")]);
    expect(heard.steps.map((step) => ("text" in step ? step.text : step.type))).toEqual([
      "Hm, ",
      "yes.",
      "Yes",
      "finish",
    ]);
    expect(heard.usage).toMatchObject({
      input: { fresh: 4, cacheRead: 6 },
      output: { visible: 3, reasoning: 4 },
    });
  });

  const call = (index: number, more: JsonObject) => ({
    id: "r",
    choices: [{ index: 0, delta: { tool_calls: [{ index, ...more }] }, finish_reason: null }],
  });
  const stop = { id: "r", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };

  test("a new id under an old index is a new call; a repeated one is not; calls win over stop", () => {
    const { steps } = hear(readStream(), [
      sse(
        call(0, { id: "a", function: { name: "f", arguments: "{" } }),
        call(0, { id: "a", function: { name: "f", arguments: "}" } }),
        call(0, { id: "b", function: { name: "g", arguments: "{}" } }),
        stop,
      ),
    ]);
    expect(
      steps.map((step) => [
        step.type,
        "index" in step ? step.index : "",
        "text" in step ? step.text : "",
      ]),
    ).toEqual([
      ["tool_start", 0, ""],
      ["tool_arguments", 0, "{"],
      ["tool_arguments", 0, "}"],
      ["tool_start", 1, ""],
      ["tool_arguments", 1, "{}"],
      ["finish", "", ""],
    ]);
    expect(steps.at(-1)).toMatchObject({ finish: "tool_calls", nativeFinish: "stop" });
  });

  test("a name that comes after the id is waited for, a missing id is made", () => {
    const { steps } = hear(readStream(), [
      sse(
        call(0, { id: "a", function: { arguments: "{" } }),
        call(0, { function: { name: "f", arguments: "}" } }),
        call(1, { function: { name: "g", arguments: { x: 1 } } }),
        stop,
      ),
    ]);
    expect(steps).toMatchObject([
      { type: "tool_start", id: "a", name: "f" },
      { type: "tool_arguments", text: "{}" },
      { type: "tool_start", id: expect.stringMatching(/^call_[0-9a-f]{24}$/), name: "g" },
      { type: "tool_arguments", text: '{"x":1}' },
      { type: "finish" },
    ]);
  });

  test("calls without indices in one chunk are as many calls, and so is another name", () => {
    const f = (name: string) => ({ function: { name, arguments: "{}" } });
    const twice = { id: "r", choices: [{ index: 0, delta: { tool_calls: [f("f"), f("f")] } }] };
    const together = { id: "r", choices: [{ index: 0, delta: { tool_calls: [f("f"), f("g")] } }] };
    const starts = (bytes: Uint8Array) =>
      hear(readStream(), [bytes]).steps.flatMap((step) =>
        step.type === "tool_start" ? [step] : [],
      );
    expect(starts(sse(together, stop))).toMatchObject([
      { index: 0, name: "f" },
      { index: 1, name: "g" },
    ]);
    expect(starts(sse(twice, stop))).toHaveLength(2);
    const apart = starts(
      sse(call(0, f("f")), call(0, f("g")), call(0, { function: { arguments: "" } }), stop),
    );
    expect(apart).toMatchObject([
      { index: 0, name: "f" },
      { index: 1, name: "g" },
    ]);
    expect(new Set(apart.map(({ id }) => id)).size).toBe(2);
  });

  test("a chunk after the finish neither reopens the choice nor repeats the finish", () => {
    const late = { id: "r", choices: [{ index: 0, delta: { content: "" }, finish_reason: null }] };
    const heard = hear(readStream(), [sse(stop, late, stop)]);
    expect(heard.steps).toHaveLength(1);
    expect(heard.ended).toBe(true);
  });

  test("an error event, a failed finish and garbage throw after what came before", async () => {
    const heard = hear(readStream(), [await load("stream-error")]);
    expect(heard.steps).toHaveLength(1);
    expect(heard.failure).toContain('"server_error"');
    expect(heard.failure).not.toContain("secret");
    const failed = {
      choices: [{ index: 0, delta: {}, finish_reason: "insufficient_system_resource" }],
    };
    expect(hear(readStream(), [sse(failed)]).failure).toContain("UpstreamStreamError");
    expect(hear(readStream(), [encode("data: secret\n\n")]).failure).not.toContain("secret");
  });
});

describe("readReply()", () => {
  test("reasoning, calls and usage are read", async () => {
    const { reply, usage } = readReply(await fixture("openai-chat/reply-tools.json"));
    expect(reply).toMatchObject({
      id: "chatcmpl-up2",
      choices: [
        {
          index: 0,
          finish: "tool_calls",
          nativeFinish: "stop",
          parts: [
            { type: "reasoning", text: "Two calls." },
            { type: "tool_call", id: "call_a", arguments: '{"station":12345678901234567890}' },
            { type: "tool_call", id: "call_b", arguments: "" },
          ],
        },
      ],
    });
    expect(usage).toMatchObject({ input: { fresh: 8, cacheRead: 4 } });
  });

  test("text, refusal, thinking parts and the deprecated call are read", () => {
    const partsOf = (message: JsonObject) =>
      readReply(encode(JSON.stringify({ choices: [{ message, finish_reason: "stop" }] }))).reply
        .choices[0]?.parts;
    expect(partsOf({ content: null, refusal: "No." })).toEqual([{ type: "refusal", text: "No." }]);
    const content = [
      { type: "thinking", thinking: [{ type: "text", text: "T" }] },
      { type: "text", text: "A" },
    ];
    expect(partsOf({ content })).toEqual([
      { type: "reasoning", text: "T" },
      { type: "text", text: "A" },
    ]);
    expect(partsOf({ function_call: { name: "f", arguments: "{}" } })).toMatchObject([
      { type: "tool_call", name: "f" },
    ]);
  });

  test.each([
    ["length", "length"],
    ["model_length", "length"],
    ["content_filter", "content_filter"],
    ["sensitive", "content_filter"],
    ["eos", "stop"],
    ["constructor", "stop"],
  ])("the ending %s is %s", (word, finish) => {
    const body = encode(JSON.stringify({ choices: [{ message: {}, finish_reason: word }] }));
    expect(readReply(body).reply.choices[0]?.finish).toBe<string | undefined>(finish);
  });

  test("what is no answer throws", () => {
    for (const text of ["", "<html>", "[]", "{}", '{"choices":[]}', '{"error":{"message":"x"}}'])
      expect(() => readReply(encode(text))).toThrow(UpstreamStreamError);
  });
});

describe("writeRequest()", () => {
  test("a conversation is written in this wire's words", () => {
    const image = {
      type: "image" as const,
      source: { mediaType: "image/png", base64: "AAAA" },
      detail: "low",
    };
    const { path, body, dropped } = write({
      system: [{ type: "text", text: "Be brief." }],
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "Look" },
            image,
            { type: "file", filename: "a.pdf", source: { url: "https://x/a.pdf" } },
          ],
        },
        {
          role: "assistant",
          content: [{ type: "reasoning", text: "hidden" }, callOf("call_a", "f", "")],
        },
        {
          role: "tool",
          results: [{ callId: "call_a", content: [{ type: "text", text: "ok" }, image] }],
        },
        say("assistant", "Done"),
      ],
      tools: [{ name: "f", description: "d", parameters: { type: "object" }, strict: true }],
      toolChoice: { name: "f" },
      maxOutputTokens: 9,
      temperature: 0.5,
      stop: ["x"],
      choices: 2,
      seed: 1,
      responseFormat: { type: "json_schema", name: "a", schema: {} },
      stream: true,
      extra: { logit_bias: { "1": 2 } },
    });
    const picture = {
      type: "image_url",
      image_url: { url: "data:image/png;base64,AAAA", detail: "low" },
    };
    expect(path).toBe("/chat/completions");
    expect(dropped).toEqual([]);
    expect(bodyOf({ path, body, dropped })).toEqual({
      model: "model-x",
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "Look" },
            picture,
            { type: "file", file: { filename: "a.pdf", file_data: "https://x/a.pdf" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "call_a", type: "function", function: { name: "f", arguments: "{}" } },
          ],
        },
        { role: "tool", tool_call_id: "call_a", content: "ok" },
        { role: "user", content: [picture] },
        { role: "assistant", content: "Done" },
      ],
      logit_bias: { "1": 2 },
      tools: [
        {
          type: "function",
          function: { name: "f", description: "d", parameters: { type: "object" }, strict: true },
        },
      ],
      tool_choice: { type: "function", function: { name: "f" } },
      max_tokens: 9,
      temperature: 0.5,
      seed: 1,
      n: 2,
      stop: ["x"],
      response_format: { type: "json_schema", json_schema: { name: "a", schema: {} } },
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test("providers get their own words", () => {
    const turn = { maxOutputTokens: 9, seed: 1, temperature: 1, reasoning: { budgetTokens: 1500 } };
    expect(bodyOf(write(turn, { provider: "mistral" }))).toMatchObject({
      max_tokens: 9,
      random_seed: 1,
    });
    const o = write(turn, { provider: "openai", reasoning: {}, samplingParams: false });
    expect(bodyOf(o)).toMatchObject({ max_completion_tokens: 9, reasoning_effort: "low" });
    expect(o.dropped).toEqual(["temperature"]);
    expect(bodyOf(write(turn, { provider: "openrouter", reasoning: {} })).reasoning).toEqual({
      max_tokens: 1500,
    });
    expect(bodyOf(write(turn))).not.toHaveProperty("reasoning_effort");
    const said = {
      messages: [
        {
          role: "assistant" as const,
          content: [{ type: "reasoning" as const, text: "T" }, callOf("a", "f")],
        },
        resultsOf(["a", "x"]),
      ],
    };
    expect(JSON.stringify(bodyOf(write(said, { provider: "deepseek" })))).toContain(
      '"reasoning_content":"T"',
    );
    expect(bodyOf(write({}, { overrides: { geo: "us" } })).geo).toBe("us");
  });

  test("what is written reads back as the same turn", () => {
    const turn = turnOf({
      messages: [
        say("system", "S"),
        {
          role: "user",
          content: [
            { type: "text", text: "é" },
            { type: "audio", format: "wav", base64: "AAAA" },
            { type: "file", source: { fileId: "f1" } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "text", text: "A" },
            callOf("a", "f", '{"n":12345678901234567890}'),
            callOf("b", "g"),
          ],
        },
        resultsOf(["a", "1"], ["b", "2"]),
        { role: "assistant", content: [{ type: "refusal", text: "No." }] },
      ],
      tools: [{ name: "f", parameters: { type: "object" } }],
      toolChoice: "required",
      parallelToolCalls: false,
      maxOutputTokens: 5,
      topP: 0.5,
      topK: 3,
      frequencyPenalty: 1,
      presencePenalty: -1,
      stop: ["a", "b"],
      responseFormat: { type: "json_object" },
      stream: true,
      user: "u",
      extra: { verbosity: "low" },
    });
    const bytes = openaiChatUpstream.writeRequest(turn, targetOf()).body;
    const read = openaiChatClient.readRequest(
      openaiChatClient.peek(encode(decode(bytes)), "http://x"),
    );
    expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(JSON.stringify(turn)));
  });
});

describe("readRequest()", () => {
  const read = (body: JsonObject) => openaiChatClient.readRequest(peeked(openaiChatClient, body));
  const messages = [{ role: "user", content: "Hi" }];

  test("the deprecated functions become tools, calls and results", () => {
    const turn = read({
      messages: [
        ...messages,
        { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
        { role: "function", name: "f", content: "1" },
      ],
      functions: [{ name: "f", parameters: {} }],
      function_call: { name: "f" },
    });
    expect(turn.tools).toMatchObject([{ name: "f", parameters: {} }]);
    expect(turn.toolChoice).toEqual({ name: "f" });
    expect(turn.messages.slice(1)).toEqual([
      { role: "assistant", content: [callOf("call_function_0", "f")] },
      {
        role: "tool",
        results: [{ callId: "call_function_0", content: [{ type: "text", text: "1" }] }],
      },
    ]);
  });

  test("results that follow one another are one message", () => {
    const turn = read({
      messages: [
        {
          role: "assistant",
          tool_calls: ["a", "b"].map((id) => ({
            id,
            type: "function",
            function: { name: "f", arguments: "" },
          })),
        },
        { role: "tool", tool_call_id: "a", content: "1" },
        { role: "tool", tool_call_id: "b", content: [{ type: "text", text: "2" }] },
      ],
    });
    expect(turn.messages[1]).toEqual(resultsOf(["a", "1"], ["b", "2"]));
  });

  test("a choice of allowed tools leaves these and their mode", () => {
    const tool = (name: string) => ({ type: "function", function: { name } });
    const allowed_tools = { mode: "required", tools: [tool("b")] };
    const turn = read({
      messages,
      tools: [tool("a"), tool("b")],
      tool_choice: { type: "allowed_tools", allowed_tools },
    });
    expect(turn.tools.map(({ name }) => name)).toEqual(["b"]);
    expect(turn.toolChoice).toBe("required");
  });

  test("a tool that only this wire knows is refused by name", () => {
    const tools = [{ type: "custom", custom: { name: "c" } }];
    expect(() => read({ messages, tools })).toThrow('Cannot send "tools[0]" to this model');
  });

  test("reasoning is read from either member", () => {
    expect(
      read({ messages, reasoning_effort: "low", reasoning: { effort: "high" } }).reasoning,
    ).toMatchObject({ effort: "low" });
    expect(read({ messages, reasoning: { enabled: true } }).reasoning).toMatchObject({
      effort: "medium",
    });
    expect(read({ messages, reasoning: { max_tokens: 99, exclude: true } }).reasoning).toEqual({
      effort: undefined,
      budgetTokens: 99,
      exclude: true,
    });
    expect(read({ messages }).reasoning).toBeUndefined();
  });

  test("data URIs become bytes, addresses stay, cache marks ride along", () => {
    const mark = { type: "ephemeral" };
    const turn = read({
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "x", cache_control: mark },
            { type: "image_url", image_url: { url: "https://x/y.png" } },
            { type: "file", file: { file_data: "data:text/plain,a%20b", filename: "a.txt" } },
          ],
        },
      ],
    });
    expect(turn.messages[0]).toMatchObject({
      content: [
        { type: "text", carry: { "anthropic-messages": { cache_control: mark } } },
        { type: "image", source: { url: "https://x/y.png" } },
        { type: "file", filename: "a.txt", source: { mediaType: "text/plain", base64: "YSBi" } },
      ],
    });
  });

  test("a part that no other wire has a place for is refused, not lost", () => {
    const file = { type: "file", file: { file_data: "data:application/pdf;base64,AA==" } };
    const picture = { type: "image_url", image_url: { url: "https://x/y.png" } };
    const rows: [string, JsonObject][] = [
      ["tool", file],
      ["system", picture],
      ["assistant", picture],
    ];
    for (const [role, part] of rows) {
      const message = { role, tool_call_id: "a", content: [{ type: "text", text: "x" }, part] };
      expect(refusalOf(() => read({ messages: [...messages, message] }))).toMatchObject({
        code: "unsupported_feature",
        detail: { param: "messages[1].content[1]" },
      });
    }
  });

  test("a breakpoint of OpenAI's is a mark, a message's mark goes on its last part", () => {
    const mark = (told?: JsonObject) => ({
      carry: { "anthropic-messages": { cache_control: { type: "ephemeral", ...told } } },
    });
    const point = { prompt_cache_breakpoint: { mode: "explicit" } };
    const long = { prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } };
    const own = { cache_control: { type: "ephemeral", ttl: "5m" } };
    const turn = read({
      messages: [
        { role: "system", content: "S", cache_control: { type: "ephemeral" } },
        {
          role: "user",
          content: [
            { type: "text", text: "a", ...point },
            { type: "image_url", image_url: { url: "https://x/y.png" }, ...long },
          ],
        },
        {
          role: "user",
          content: [{ type: "text", text: "b", ...own }],
          cache_control: { type: "ephemeral" },
        },
        { role: "assistant", content: "c", cache_control: { type: "ephemeral" } },
      ],
    });
    expect(turn.messages).toMatchObject([
      { content: [mark()] },
      { content: [mark(), mark({ ttl: "1h" })] },
      { content: [mark({ ttl: "5m" })] },
      { content: [mark()] },
    ]);
  });

  test("members without a place keep their names; the gateway's own are left out", () => {
    const turn = read({
      messages,
      route: "fallback",
      provider: {},
      models: [],
      plugins: [],
      lowrouter: 1,
      verbosity: "low",
      metadata: { a: "b" },
    });
    expect(turn.extra).toEqual({ verbosity: "low", metadata: { a: "b" } });
  });
});

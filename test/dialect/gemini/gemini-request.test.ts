import { describe, expect, test } from "bun:test";
import type { Target } from "#src/dialect/dialect.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import type { Message, Turn, UserPart } from "#src/dialect/turn.ts";
import { decode } from "#test/dialect/payload.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";
import {
  bodyOf,
  callOf,
  refusalOf,
  resultsOf,
  say,
  targetOf,
  turnOf,
} from "#test/dialect/upstream-kit.ts";

const write = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  geminiUpstream.writeRequest(turnOf(turn), targetOf(target));
const body = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  bodyOf(write(turn, target));
const contents = (...messages: Message[]) => body({ messages }).contents;
const user = (...parts: JsonObject[]): Json => ({ role: "user", parts });
const model = (...parts: JsonObject[]): Json => ({ role: "model", parts });

test("a plain request has contents and nothing more; the model is in the path", () => {
  expect(write().path).toBe("/models/model-x:generateContent");
  expect(write({ stream: true }).path).toBe("/models/model-x:streamGenerateContent?alt=sse");
  expect(write({}, { model: "a b/c?d" }).path).toBe("/models/a%20b/c%3Fd:generateContent");
  expect(body({ stream: true })).toEqual({ contents: [user({ text: "Hi" })] });
  expect(write().dropped).toEqual([]);
});

test("overrides are merged into the body", () => {
  const overrides = { labels: { a: "b" }, generationConfig: { topK: 1 } };
  expect(body({ seed: 5 }, { overrides })).toMatchObject({
    labels: { a: "b" },
    generationConfig: { seed: 5, topK: 1 },
  });
});

describe("conversation", () => {
  test("system text joins systemInstruction, later system text is wrapped in place", () => {
    const messages = [
      say("system", "B"),
      say("user", "Hi"),
      say("assistant", "Yes"),
      say("system", "C"),
    ];
    expect(body({ system: [{ type: "text", text: "A" }], messages })).toEqual({
      systemInstruction: { parts: [{ text: "A\n\nB" }] },
      contents: [
        user({ text: "Hi" }),
        model({ text: "Yes" }),
        user({ text: "<system>\nC\n</system>" }),
      ],
    });
  });
  test("system alone is the user's; an assistant's first message follows a user turn", () => {
    expect(contents(say("system", "A"))).toEqual([user({ text: "A" })]);
    expect(contents(say("assistant", "Yes"))).toEqual([
      user({ text: "." }),
      model({ text: "Yes" }),
    ]);
  });
  const calls: Message = {
    role: "assistant",
    content: [callOf("a", "f", ""), callOf("b", "g", '{"n":12345678901234567890}')],
  };
  test("results share one user turn in the order of the calls, with the names looked up", () => {
    const list = [
      say("user", "Hi"),
      calls,
      resultsOf(["b", "2"]),
      resultsOf(["a", "1"]),
      say("user", "So?"),
    ];
    expect(contents(...list)).toEqual([
      user({ text: "Hi" }),
      model(
        { functionCall: { name: "f", args: {} } },
        { functionCall: { name: "g", args: { n: 12345678901234567890 } } },
      ),
      user(
        { functionResponse: { name: "f", response: { output: "1" } } },
        { functionResponse: { name: "g", response: { output: "2" } } },
        { text: "So?" },
      ),
    ]);
    expect(decode(write({ messages: list }).body)).toContain('{"n":12345678901234567890}');
  });
  test("a missing result is an error, an unknown id and broken arguments are refused", () => {
    expect(contents(say("user", "Hi"), calls, resultsOf(["a", "1"]))).toMatchObject([
      {},
      {},
      { parts: [{}, { functionResponse: { name: "g", response: { error: expect.any(String) } } }] },
    ]);
    expect(
      refusalOf(() => contents(say("user", "Hi"), calls, resultsOf(["zz", "1"]))),
    ).toMatchObject({ code: "invalid_value" });
    const broken: Message = { role: "assistant", content: [callOf("call_7", "f", "{oops")] };
    expect(refusalOf(() => contents(say("user", "Hi"), broken)).code).toBe("invalid_value");
  });
  test("a failed result is an error, a result's picture follows the results", () => {
    const image = { type: "image" as const, source: { mediaType: "image/png", base64: "AAAA" } };
    const results = [
      { callId: "a", content: [{ type: "text" as const, text: "no" }, image], isError: true },
      { callId: "b", content: [] },
    ];
    expect(contents(say("user", "Hi"), calls, { role: "tool", results })).toMatchObject([
      {},
      {},
      user(
        { functionResponse: { name: "f", response: { error: "no" } } },
        { functionResponse: { name: "g", response: { output: "" } } },
        { inlineData: { mimeType: "image/png", data: "AAAA" } },
      ),
    ]);
  });
  test("signatures and the upstream's own ids go back on the parts that bore them", () => {
    const signed = {
      ...callOf("a", "f"),
      carry: { gemini: { thoughtSignature: "s", id: "fc_1" } },
    };
    const list: Message[] = [
      say("user", "Hi"),
      { role: "assistant", content: [signed] },
      resultsOf(["a", "1"]),
    ];
    expect(contents(...list)).toMatchObject([
      {},
      model({ functionCall: { id: "fc_1", name: "f", args: {} }, thoughtSignature: "s" }),
      user({ functionResponse: { id: "fc_1", name: "f", response: { output: "1" } } }),
    ]);
  });
  test("unsigned calls ask models with levels to skip the check, on the first call alone", () => {
    const told = body(
      { messages: [say("user", "Hi"), calls] },
      { reasoning: { efforts: ["low"] } },
    );
    expect(told.contents).toMatchObject([
      {},
      { parts: [{ thoughtSignature: "skip_thought_signature_validator" }, {}] },
      {},
    ]);
    expect(JSON.stringify(told).match(/thoughtSignature/g)).toHaveLength(1);
  });
  test("reasoning of other wires is left out", () => {
    const history: Message = {
      role: "assistant",
      content: [
        { type: "reasoning", text: "hm", signature: "s" },
        { type: "text", text: "Yes" },
      ],
    };
    expect(contents(say("user", "Hi"), history, say("user", "Go"))).toMatchObject([
      {},
      model({ text: "Yes" }),
      {},
    ]);
  });
});

describe("parts", () => {
  const content = (...parts: UserPart[]) => contents({ role: "user", content: parts });
  test("bytes of pictures, documents and audio go inline", () => {
    const png = { mediaType: "image/png", base64: "AAAA" };
    const pdf = { mediaType: "application/pdf", base64: "JVBERi0=" };
    expect(
      content(
        { type: "image", source: png },
        { type: "file", source: pdf },
        { type: "audio", format: "wav", base64: "UklG" },
      ),
    ).toEqual([
      user(
        { inlineData: { mimeType: "image/png", data: "AAAA" } },
        { inlineData: { mimeType: "application/pdf", data: "JVBERi0=" } },
        { inlineData: { mimeType: "audio/wav", data: "UklG" } },
      ),
    ]);
  });
  test("a picture or document is what it begins as, whatever it is called", () => {
    const jpeg = { mediaType: "image/png", base64: "/9j/AAAA" };
    const pdf = { mediaType: "application/octet-stream", base64: "JVBERi0=" };
    expect(content({ type: "image", source: jpeg }, { type: "file", source: pdf })).toMatchObject([
      {
        parts: [
          { inlineData: { mimeType: "image/jpeg" } },
          { inlineData: { mimeType: "application/pdf" } },
        ],
      },
    ]);
  });
  test("addresses are sent where the upstream fetches them, else refused with a way out", () => {
    const uri = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    expect(content({ type: "file", source: { url: uri } })).toEqual([
      user({ fileData: { fileUri: uri } }),
    ]);
    const picture = { type: "image" as const, source: { url: "https://a.example/secret.png" } };
    const error = refusalOf(() => content(picture));
    expect(error.code).toBe("unsupported_feature");
    expect(error.message).toContain("data URI");
    expect(error.message).not.toContain("secret");
    expect(refusalOf(() => content({ type: "file", source: { fileId: "file-1" } })).code).toBe(
      "unsupported_feature",
    );
  });
});

describe("tools", () => {
  const weather = {
    name: "weather",
    description: "W",
    parameters: { type: "object", properties: { city: { type: "string" } } },
  };
  test("declarations carry ordinary JSON Schema, and none where there are no properties", () => {
    const tools = [
      weather,
      { name: "clock" },
      { name: "ping", parameters: { type: "object", properties: {} } },
    ];
    expect(body({ tools }).tools).toEqual([
      {
        functionDeclarations: [
          { name: "weather", description: "W", parametersJsonSchema: weather.parameters },
          { name: "clock" },
          { name: "ping" },
        ],
      },
    ]);
  });
  const rows: [Turn["toolChoice"], Json | undefined][] = [
    [undefined, undefined],
    ["none", { mode: "NONE" }],
    ["auto", { mode: "AUTO" }],
    ["required", { mode: "ANY" }],
    [{ name: "weather" }, { mode: "ANY", allowedFunctionNames: ["weather"] }],
  ];
  for (const [toolChoice, config] of rows) {
    test(`tool_choice ${JSON.stringify(toolChoice)}`, () => {
      const said = config === undefined ? undefined : { functionCallingConfig: config };
      expect(body({ tools: [weather], toolChoice }).toolConfig).toEqual(said);
    });
  }
  test("parallel_tool_calls false has no word here and is dropped by name", () => {
    expect(write({ tools: [weather], parallelToolCalls: false }).dropped).toEqual([
      "parallel_tool_calls",
    ]);
  });
  const responseFormat = { type: "json_object" as const };
  test("tools beside a response format are refused on 2.x alone", () => {
    const error = refusalOf(() =>
      write({ tools: [weather], responseFormat }, { model: "gemini-2.5-pro" }),
    );
    expect(error).toMatchObject({
      code: "unsupported_feature",
      detail: { param: "response_format" },
    });
    expect(
      body({ tools: [weather], responseFormat }, { model: "gemini-3-pro" }).tools,
    ).toBeDefined();
    const never = { tools: [weather], responseFormat, toolChoice: "none" as const };
    expect(body(never, { model: "gemini-2.5-pro" }).tools).toBeUndefined();
  });
});

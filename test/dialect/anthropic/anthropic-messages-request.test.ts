import { describe, expect, test } from "bun:test";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import type { Target } from "#src/dialect/dialect.ts";
import type { Message, ReasoningPart, Turn, UserPart } from "#src/dialect/turn.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";
import { bodyOf, callOf, refusalOf, say, targetOf, turnOf } from "#test/dialect/upstream-kit.ts";

const write = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  anthropicMessagesUpstream.writeRequest(turnOf(turn), targetOf(target));
const body = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  bodyOf(write(turn, target));
const messages = (...list: Message[]) => body({ messages: list }).messages;
const text = (words: string) => ({ type: "text", text: words });
const weather = {
  name: "weather",
  parameters: { type: "object", properties: { city: { type: "string" } } },
};

test("a plain request has model, max_tokens and messages and nothing more", () => {
  expect(write().path).toBe("/messages");
  expect(write().dropped).toEqual([]);
  expect(body()).toEqual({
    model: "model-x",
    max_tokens: 4096,
    messages: [{ role: "user", content: [text("Hi")] }],
  });
});

test("max_tokens is the client's, 4096 without one, and never above the model's", () => {
  expect(body({ maxOutputTokens: 99 }).max_tokens).toBe(99);
  expect(body({}, { maxOutputTokens: 1000 }).max_tokens).toBe(1000);
  expect(body({ maxOutputTokens: 100_000 }).max_tokens).toBe(64_000);
  expect(body({}, { maxOutputTokens: undefined }).max_tokens).toBe(4096);
});

test("stream, stop, user and overrides are said; the user is hashed", () => {
  const told = body(
    { stream: true, stop: ["", "END"], user: "alice" },
    { overrides: { inference_geo: "us", metadata: { extra: 1 } } },
  );
  expect(told).toMatchObject({
    stream: true,
    stop_sequences: ["END"],
    inference_geo: "us",
    metadata: { user_id: sha256Hex("alice"), extra: 1 },
  });
  expect(write({ stop: [" ", "END"] })).toMatchObject({
    dropped: [],
    stops: { sent: ["END"], left: [" "] },
  });
});

test("a safety identifier names the user where nothing else does", () => {
  const extra = { safety_identifier: "s" };
  const told = write({ extra });
  expect(bodyOf(told).metadata).toEqual({ user_id: sha256Hex("s") });
  expect(told.dropped).toEqual([]);
  expect(body({ extra, user: "u" }).metadata).toEqual({ user_id: sha256Hex("u") });
});

describe("parts", () => {
  const content = (...parts: UserPart[]) =>
    body({ messages: [{ role: "user", content: parts }] }).messages;
  const of = (block: JsonObject): Json => [{ role: "user", content: [block] }];
  test("pictures go by address and by bytes, with the type that the bytes have", () => {
    expect(content({ type: "image", source: { url: "https://a.example/b.png" } })).toEqual(
      of({ type: "image", source: { type: "url", url: "https://a.example/b.png" } }),
    );
    const png = "iVBORw0KGgoAAAA";
    expect(content({ type: "image", source: { mediaType: "image/jpeg", base64: png } })).toEqual(
      of({ type: "image", source: { type: "base64", media_type: "image/png", data: png } }),
    );
    const bmp = { type: "image" as const, source: { mediaType: "image/bmp", base64: "Qk0=" } };
    expect(refusalOf(() => content(bmp)).code).toBe("unsupported_feature");
  });
  test("documents go by bytes, address or text", () => {
    const pdf = { mediaType: "application/pdf", base64: "JVBERi0=" };
    expect(content({ type: "file", filename: "a.pdf", source: pdf })).toEqual(
      of({
        type: "document",
        source: { type: "base64", media_type: "application/pdf", data: "JVBERi0=" },
        title: "a.pdf",
      }),
    );
    expect(content({ type: "file", source: { url: "https://a.example/b.pdf" } })).toEqual(
      of({ type: "document", source: { type: "url", url: "https://a.example/b.pdf" } }),
    );
    expect(
      content({ type: "file", source: { mediaType: "text/csv", base64: btoa("a,b") } }),
    ).toEqual(
      of({ type: "document", source: { type: "text", media_type: "text/plain", data: "a,b" } }),
    );
  });
  test("audio, unknown files and file ids are refused", () => {
    const zip = { type: "file" as const, source: { mediaType: "application/zip", base64: "" } };
    expect(refusalOf(() => content({ type: "audio", format: "wav", base64: "" })).code).toBe(
      "unsupported_feature",
    );
    expect(refusalOf(() => content(zip)).code).toBe("unsupported_feature");
    expect(refusalOf(() => content({ type: "file", source: { fileId: "file-1" } })).code).toBe(
      "unsupported_feature",
    );
  });
  test("a document is what it begins as, whatever it is called", () => {
    const pdf = { mediaType: "application/octet-stream", base64: "JVBERi0xLjcK" };
    expect(messages({ role: "user", content: [{ type: "file", source: pdf }] })).toMatchObject([
      { content: [{ type: "document", source: { media_type: "application/pdf" } }] },
    ]);
  });
  test("cache marks travel on parts, system and tools", () => {
    const mark = { cache_control: { type: "ephemeral" } };
    const carry = { "anthropic-messages": mark };
    const told = body({
      system: [{ type: "text", text: "A", carry }],
      messages: [{ role: "user", content: [{ type: "text", text: "Hi", carry }] }],
      tools: [{ ...weather, carry }],
    });
    expect(told).toMatchObject({ system: [mark], messages: [{ content: [mark] }], tools: [mark] });
  });
  test("of cache marks the last four stay, in the order in which the prompt is cached", () => {
    const mark = (ttl: string) => ({
      carry: { "anthropic-messages": { cache_control: { type: "ephemeral", ttl } } },
    });
    const turn: Partial<Turn> = {
      system: [{ type: "text", text: "A", ...mark("system") }],
      messages: [
        { role: "user", content: [{ type: "text", text: "Hi", ...mark("user") }] },
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "hm", signature: "s", ...mark("thinking") },
            callOf("a", "weather"),
          ],
        },
        {
          role: "tool",
          results: [
            {
              ...{ callId: "a", ...mark("result") },
              content: [{ type: "text", text: "wet", ...mark("within") }],
            },
          ],
        },
        say("system", "mid"),
        { role: "user", content: [{ type: "text", text: " ", ...mark("empty") }] },
      ],
      tools: [{ ...weather, ...mark("tool") }],
    };
    const kept = (told: JsonObject) =>
      [...JSON.stringify(told).matchAll(/"ttl":"(\w+)"/g)].map((found) => found[1]);
    expect(kept(body(turn)).toSorted()).toEqual(["result", "system", "user", "within"]);
    const auto = { extra: { cache_control: { type: "ephemeral", ttl: "whole" } } };
    expect(kept(body({ ...turn, ...auto })).toSorted()).toEqual([
      "result",
      "user",
      "whole",
      "within",
    ]);
  });
  test("the mark of a system text that is wrapped in place stays on it", () => {
    const carry = { "anthropic-messages": { cache_control: { type: "ephemeral" } } };
    const later = {
      role: "system" as const,
      content: [{ type: "text" as const, text: "S", carry }],
    };
    expect(messages(say("user", "Hi"), later)).toEqual([
      {
        role: "user",
        content: [
          text("Hi"),
          { ...text("<system>\nS\n</system>"), cache_control: { type: "ephemeral" } },
        ],
      },
    ]);
  });
  test("reasoning goes back with its proof, never without it or with another wire's", () => {
    const history = (part: Partial<ReasoningPart>) =>
      messages(
        say("user", "Hi"),
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "hm", ...part },
            { type: "text", text: "Yes" },
          ],
        },
        say("user", "Go"),
      );
    expect(history({ signature: "s" })).toMatchObject([
      {},
      { content: [{ type: "thinking", thinking: "hm", signature: "s" }, {}] },
      {},
    ]);
    expect(history({ redacted: "r" })).toMatchObject([
      {},
      { content: [{ type: "redacted_thinking", data: "r" }, {}] },
      {},
    ]);
    expect(history({})).toMatchObject([{}, { content: [text("Yes")] }, {}]);
    expect(history({ signature: "s", carry: { gemini: {} } })).toMatchObject([
      {},
      { content: [text("Yes")] },
      {},
    ]);
  });
});

describe("members the wire cannot say", () => {
  test("are dropped by name", () => {
    const extra = {
      logit_bias: { 1: 2 },
      prediction: {},
      service_tier: "flex",
      verbosity: null,
      logprobs: false,
      stream_options: {},
    };
    const { dropped } = write({ extra, seed: 1, frequencyPenalty: 1, presencePenalty: 0 });
    expect(dropped.sort()).toEqual([
      "frequency_penalty",
      "logit_bias",
      "prediction",
      "seed",
      "service_tier",
    ]);
  });
  const rows: [string, Partial<Turn>][] = [
    ["n", { choices: 2 }],
    ["logprobs", { extra: { logprobs: true } }],
    ["logprobs", { extra: { top_logprobs: 3 } }],
    ["modalities", { extra: { modalities: ["text", "audio"] } }],
  ];
  for (const [param, turn] of rows) {
    test(`${JSON.stringify(turn)} is refused naming ${param}`, () => {
      expect(refusalOf(() => write(turn))).toMatchObject({
        code: "unsupported_feature",
        status: 400,
        detail: { param },
      });
    });
  }
});

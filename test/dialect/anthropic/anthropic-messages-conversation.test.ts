import { describe, expect, test } from "bun:test";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import type { Target } from "#src/dialect/dialect.ts";
import type { Message, Turn } from "#src/dialect/turn.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { decode } from "#test/dialect/payload.ts";
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
  anthropicMessagesUpstream.writeRequest(turnOf(turn), targetOf(target));
const body = (turn: Partial<Turn> = {}, target: Partial<Target> = {}) =>
  bodyOf(write(turn, target));
const messages = (...list: Message[]) => body({ messages: list }).messages;
const text = (words: string) => ({ type: "text", text: words });

describe("conversation", () => {
  test("leading system messages join the system field in order", () => {
    const told = body({
      system: [{ type: "text", text: "A" }],
      messages: [say("system", "B"), say("user", "Hi")],
    });
    expect(told.system).toBe("A\n\nB");
    expect(told.messages).toEqual([{ role: "user", content: [text("Hi")] }]);
  });
  test("a system message in the middle is wrapped in place", () => {
    expect(
      messages(
        say("user", "Hi"),
        say("assistant", "Yes"),
        say("system", "Be brief"),
        say("user", "Go"),
      ),
    ).toEqual([
      { role: "user", content: [text("Hi")] },
      { role: "assistant", content: [text("Yes")] },
      { role: "user", content: [text("<system>\nBe brief\n</system>"), text("Go")] },
    ]);
  });
  test("a model that takes instructions amid gets them after the user; elsewhere they stay the user's words", () => {
    const amid = { instructsAmid: true };
    const told = (...list: Message[]) => body({ messages: list }, amid).messages;
    const brief = { role: "system", content: [text("Be brief")] };
    const wrapped = text("<system>\nBe brief\n</system>");
    expect(told(say("user", "Hi"), say("system", "Be brief"))).toEqual([
      { role: "user", content: [text("Hi")] },
      brief,
    ]);
    expect(
      told(
        say("user", "Hi"),
        say("system", "Be brief"),
        say("assistant", "Yes"),
        say("user", "Go"),
      ),
    ).toEqual([
      { role: "user", content: [text("Hi")] },
      brief,
      { role: "assistant", content: [text("Yes")] },
      { role: "user", content: [text("Go")] },
    ]);
    // Two instructions are one message; the user's word behind them keeps both in place.
    const more = [say("system", "Be brief"), say("system", "Be kind")];
    expect(told(say("user", "Hi"), ...more)).toEqual([
      { role: "user", content: [text("Hi")] },
      { role: "system", content: [text("Be brief"), text("Be kind")] },
    ]);
    expect(told(say("user", "Hi"), say("system", "Be brief"), say("user", "Go"))).toEqual([
      { role: "user", content: [text("Hi"), wrapped, text("Go")] },
    ]);
    // After the assistant there is no place for one.
    expect(told(say("user", "Hi"), say("assistant", "Yes"), say("system", "Be brief"))).toEqual([
      { role: "user", content: [text("Hi")] },
      { role: "assistant", content: [text("Yes")] },
      { role: "user", content: [wrapped] },
    ]);
    // Results stay ahead of everything.
    const call: Message = { role: "assistant", content: [callOf("a", "f")] };
    expect(told(say("user", "Hi"), call, resultsOf(["a", "r"]), say("system", "Be brief"))).toEqual(
      [
        { role: "user", content: [text("Hi")] },
        { role: "assistant", content: [{ type: "tool_use", id: "a", name: "f", input: {} }] },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "a", content: [text("r")] }],
        },
        brief,
      ],
    );
  });
  test("system alone is sent as the user's", () => {
    const told = body({ system: [{ type: "text", text: "A" }], messages: [] });
    expect(told.system).toBeUndefined();
    expect(told.messages).toEqual([{ role: "user", content: [text("A")] }]);
  });
  test("consecutive messages of one role are merged", () => {
    expect(
      messages(
        say("user", "a"),
        say("user", "b"),
        say("assistant", "c"),
        say("assistant", "d"),
        say("user", "e"),
      ),
    ).toEqual([
      { role: "user", content: [text("a"), text("b")] },
      { role: "assistant", content: [text("c"), text("d")] },
      { role: "user", content: [text("e")] },
    ]);
  });
  test("an assistant's first message follows a minimal user turn", () => {
    expect(messages(say("assistant", "Welcome"), say("user", "Hi"))).toMatchObject([
      { role: "user", content: [text(".")] },
      { role: "assistant" },
      { role: "user" },
    ]);
  });
  test("empty text is removed, and a message of nothing else with it", () => {
    expect(
      messages(say("user", "a"), say("assistant", " \n"), say("user", ""), say("user", "b")),
    ).toEqual([{ role: "user", content: [text("a"), text("b")] }]);
    expect(refusalOf(() => messages(say("user", ""))).code).toBe("invalid_value");
  });
  test("a last message of the assistant continues older models and is answered for newer ones", () => {
    const list: Message[] = [say("user", "Hi"), say("assistant", "Once upon  ")];
    expect(messages(...list)).toMatchObject([{}, { content: [text("Once upon")] }]);
    const newer = body({ messages: list }, { reasoning: { efforts: ["low"] } });
    expect(newer.messages).toMatchObject([{}, {}, { role: "user", content: [text("Continue")] }]);
  });
  test("a refusal in history is text", () => {
    const refusal: Message = { role: "assistant", content: [{ type: "refusal", text: "No" }] };
    expect(messages(say("user", "Hi"), refusal, say("user", "Why"))).toMatchObject([
      {},
      { content: [text("No")] },
      {},
    ]);
  });
});

describe("tool calls", () => {
  const calls: Message = {
    role: "assistant",
    content: [callOf("a", "f", ""), callOf("b", "g", '{"n":12345678901234567890}')],
  };
  test("results share one user turn, first in it, in the order of the calls", () => {
    const list = [
      say("user", "Hi"),
      calls,
      resultsOf(["b", "2"]),
      resultsOf(["a", "1"]),
      say("user", "So?"),
    ];
    expect(messages(...list)).toEqual([
      { role: "user", content: [text("Hi")] },
      {
        role: "assistant",
        content: [
          { type: "tool_use", id: "a", name: "f", input: {} },
          { type: "tool_use", id: "b", name: "g", input: { n: 12345678901234567890 } },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "a", content: [text("1")] },
          { type: "tool_result", tool_use_id: "b", content: [text("2")] },
          text("So?"),
        ],
      },
    ]);
  });
  test("big integers in arguments are sent digit for digit", () => {
    expect(decode(write({ messages: [say("user", "Hi"), calls] }).body)).toContain(
      '{"n":12345678901234567890}',
    );
  });
  test("a missing result is an error result, also at the end of the conversation", () => {
    const missing = { type: "tool_result", tool_use_id: "b", is_error: true };
    expect(messages(say("user", "Hi"), calls, resultsOf(["a", "1"]))).toMatchObject([
      {},
      {},
      { content: [{ tool_use_id: "a" }, missing] },
    ]);
    expect(messages(say("user", "Hi"), calls)).toMatchObject([
      {},
      {},
      { role: "user", content: [{ is_error: true }, missing] },
    ]);
  });
  test("a result that answers no call, or one twice, is refused, and not quoted", () => {
    const stray = [say("user", "Hi"), calls, resultsOf(["a", "1"], ["b", "2"], ["zz", "3"])];
    const twice = [say("user", "Hi"), calls, resultsOf(["a", "1"], ["b", "2"], ["b", "3"])];
    expect(refusalOf(() => messages(...stray))).toMatchObject({
      code: "invalid_value",
      status: 400,
    });
    expect(refusalOf(() => messages(...stray)).message).not.toContain("zz");
    expect(refusalOf(() => messages(...twice)).message).toContain("already has a result");
    expect(refusalOf(() => messages(say("user", "Hi"), resultsOf(["a", "1"]))).code).toBe(
      "invalid_value",
    );
  });
  test("arguments that are no object are refused, and not quoted; null means none", () => {
    for (const args of ["{oops", "[1]", '"x"']) {
      const broken: Message = { role: "assistant", content: [callOf("call_7", "f", args)] };
      const error = refusalOf(() => messages(say("user", "Hi"), broken));
      expect(error.code).toBe("invalid_value");
      expect(error.message).not.toContain("call_7");
      expect(error.message).not.toContain(args);
    }
    const none: Message = { role: "assistant", content: [callOf("c", "f", "null")] };
    expect(messages(say("user", "Hi"), none)).toMatchObject([{}, { content: [{ input: {} }] }, {}]);
  });
  test("ids that the wire refuses or that repeat are replaced alike in call and result", () => {
    const odd: Message = { role: "assistant", content: [callOf("functions.f:0", "f")] };
    const list = [
      say("user", "Hi"),
      odd,
      resultsOf(["functions.f:0", "1"]),
      odd,
      resultsOf(["functions.f:0", "2"]),
    ];
    const id = `call_${sha256Hex("functions.f:0").slice(0, 24)}`;
    expect(messages(...list)).toMatchObject([
      {},
      { content: [{ id }] },
      { content: [{ tool_use_id: id, content: [text("1")] }] },
      { content: [{ id: `${id}_2` }] },
      { content: [{ tool_use_id: `${id}_2`, content: [text("2")] }] },
    ]);
  });
  test("a result keeps its pictures and its failure", () => {
    const image = { type: "image" as const, source: { mediaType: "image/png", base64: "AAAA" } };
    const result: Message = {
      role: "tool",
      results: [{ callId: "a", content: [image], isError: true }],
    };
    const list: Message[] = [
      say("user", "Hi"),
      { role: "assistant", content: [callOf("a", "f")] },
      result,
    ];
    expect(messages(...list)).toMatchObject([
      {},
      {},
      { content: [{ is_error: true, content: [{ type: "image" }] }] },
    ]);
  });
});

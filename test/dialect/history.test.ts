import { describe, expect, test } from "bun:test";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import type { UpstreamDialect } from "#src/dialect/dialect.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { openaiChatClient, openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";
import { peeked, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { fixture, targetOf } from "#test/dialect/upstream-kit.ts";

const wires: [UpstreamDialect, string][] = [
  [openaiChatUpstream, "openai-chat/reply-tools.json"],
  [anthropicMessagesUpstream, "anthropic-messages/reply.json"],
  [geminiUpstream, "gemini/reply.json"],
];

/** The answer that a chat client gets, as it stands in its next request, with a result for every call. */
async function history(wire: UpstreamDialect, path: string): Promise<string> {
  const { reply } = wire.readReply(await fixture(path));
  const answer: Json = JSON.parse(decode(openaiChatClient.writeReply(reply, summaryOf())));
  const choices = isObject(answer) && Array.isArray(answer.choices) ? answer.choices : [];
  const message = isObject(choices[0]) && isObject(choices[0].message) ? choices[0].message : {};
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject) : [];
  expect(calls.length).toBeGreaterThan(1);
  const results = calls
    // The client answers in its own order.
    .toReversed()
    .map(({ id }): JsonObject => ({
      role: "tool",
      tool_call_id: id,
      content: `result of ${String(id)}`,
    }));
  return JSON.stringify({
    messages: [
      { role: "user", content: "Hi" },
      message,
      ...results,
      { role: "user", content: "So?" },
    ],
    tools: [{ type: "function", function: { name: "weather" } }],
  });
}

/** Every pair of call and result that a body tells, in the order of the calls. */
const pairs: Record<string, (body: string) => string[]> = {
  "openai-chat": (body) => found(body, /"(?:id|tool_call_id)":"([^"]*)"/g),
  "anthropic-messages": (body) => found(body, /"(?:id|tool_use_id)":"([^"]*)"/g),
  gemini: (body) =>
    found(body, /"function(?:Call|Response)":\{(?:"id":"[^"]*",)?"name":"([^"]*)"/g),
};

function found(body: string, pattern: RegExp): string[] {
  return [...body.matchAll(pattern)].map((match) => match[1] ?? "");
}

describe("an answer of one wire goes on at another with its calls, their arguments and their results", () => {
  for (const [from, path] of wires) {
    for (const [to] of wires) {
      test(`${from.id} to ${to.id}`, async () => {
        const ask = peeked(openaiChatClient, await history(from, path));
        const { body } = to.writeRequest(openaiChatClient.readRequest(ask), targetOf());
        const text = decode(body);
        expect(text).toContain("12345678901234567890");
        const told = pairs[to.id]?.(text) ?? [];
        const calls = told.slice(0, told.length / 2);
        const results = told.slice(told.length / 2);
        expect(calls.length).toBeGreaterThan(1);
        // The chat wire keeps the client's order, the others want that of the calls.
        expect(to === openaiChatUpstream ? results.toReversed() : results).toEqual(calls);
        const { reply } = from.readReply(await fixture(path));
        const made = (reply.choices[0]?.parts ?? []).flatMap((part) =>
          part.type === "tool_call" ? [to === geminiUpstream ? part.name : part.id] : [],
        );
        expect(calls).toEqual(made);
      });
    }
  }
});

test("an answer that is written for a chat client reads as the same answer", async () => {
  for (const [wire, path] of wires) {
    const { reply } = wire.readReply(await fixture(path));
    const written = openaiChatClient.writeReply(reply, summaryOf());
    const again = openaiChatUpstream.readReply(new TextEncoder().encode(decode(written))).reply;
    const plain = (parts: typeof reply.choices) =>
      parts.map((choice) => ({
        ...choice,
        nativeFinish: undefined,
        parts: choice.parts
          .filter((part) => part.type !== "reasoning" || part.text !== "")
          .map((part) => ({
            type: part.type,
            ...("text" in part ? { text: part.text } : {}),
            ...(part.type === "tool_call"
              ? { id: part.id, name: part.name, arguments: part.arguments || "{}" }
              : {}),
          })),
      }));
    expect(plain(again.choices)).toEqual(plain(reply.choices));
  }
});

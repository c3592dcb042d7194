import { describe, expect, test } from "bun:test";
import { anthropicMessagesUpstream } from "#src/dialect/anthropic/anthropic-messages.ts";
import type { UpstreamDialect } from "#src/dialect/dialect.ts";
import { geminiUpstream } from "#src/dialect/gemini/gemini.ts";
import { openaiChatClient, openaiChatUpstream } from "#src/dialect/openai/openai-chat.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import { encode } from "#src/lib/bytes.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";
import { eventsOf, headOf, summaryOf } from "#test/dialect/openai/openai-kit.ts";
import { decode } from "#test/dialect/payload.ts";
import { byteByByte, fixture, hear } from "#test/dialect/upstream-kit.ts";

const wires: [UpstreamDialect, string[]][] = [
  [
    openaiChatUpstream,
    ["stream-text", "stream-tools", "stream-mistral", "stream-deepseek", "stream-error"],
  ],
  [anthropicMessagesUpstream, ["stream-answer", "stream-tools", "stream-error"]],
  [geminiUpstream, ["stream-tools", "stream-two", "stream-blocked", "stream-error"]],
];
const rows = wires.flatMap(([wire, names]) => names.map((name) => ({ wire, name })));
const load = async (wire: UpstreamDialect, name: string) =>
  decode(await fixture(`${wire.id}/${name}.sse`)).replaceAll("\r\n", "\n");

/** What happens to streams on their way, and must change nothing. */
const disturbances: Record<string, (text: string) => string> = {
  "with CRLF": (text) => text.replaceAll("\n", "\r\n"),
  "with CR": (text) => text.replaceAll("\n", "\r"),
  "with a BOM": (text) => `\uFEFF${text}`,
  "with comments and blank lines everywhere": (text) =>
    `: hi\n\n\n${text.replaceAll("\n\n", "\n: OPENROUTER PROCESSING\n\n:\n\n\n")}`,
  "with fields that nobody knows": (text) =>
    text.replaceAll(/^data:/gm, "id: 1\nretry: 5\nx: y\ndata:"),
  "with events that nobody knows": (text) =>
    text.replaceAll("\n\n", '\n\nevent: ping\ndata: {"type":"ping"}\n\nevent: x\ndata:\n\n'),
  "without the space after the colon": (text) => text.replaceAll(/^data: /gm, "data:"),
  "without its last newline": (text) => text.trimEnd(),
};

for (const { wire, name } of rows) {
  describe(`${wire.id} ${name}`, () => {
    for (const [how, disturb] of Object.entries(disturbances)) {
      test(`says the same ${how}, whole and one byte per chunk`, async () => {
        const plain = await load(wire, name);
        const expected = hear(wire.readStream(), [encode(plain)]);
        expect(expected.steps.length).toBeGreaterThan(0);
        const bytes = encode(disturb(plain));
        expect(hear(wire.readStream(), [bytes])).toEqual(expected);
        expect(hear(wire.readStream(), byteByByte(bytes))).toEqual(expected);
      });
    }

    test("reaches a chat client with one role, one finish and one usage, indices dense, arguments whole", async () => {
      const heard = hear(wire.readStream(), [encode(await load(wire, name))]);
      const writer = openaiChatClient.writeStream({ ...headOf(), includeUsage: true });
      const text = heard.steps.map((step) => writer.steps([step])).join("");
      const events = eventsOf(text + writer.end(summaryOf())).filter(isObject);
      const choices = [...new Set(heard.steps.map(({ choice }) => choice))];
      expect(events.filter((event) => isObject(event.usage))).toHaveLength(1);
      for (const choice of choices) {
        const told = events.flatMap((event) => choiceOf(event, choice));
        // The last one is the summary's, which says nothing.
        expect(told.filter(({ delta }) => isObject(delta) && delta.role)).toHaveLength(1);
        expect(told.filter((one) => one.finish_reason)).toHaveLength(heard.ended ? 1 : 0);
        expect(callsOf(told)).toEqual(callsIn(heard.steps, choice));
      }
    });
  });
}

function choiceOf(event: JsonObject, index: number): JsonObject[] {
  const choices = Array.isArray(event.choices) ? event.choices.filter(isObject) : [];
  return choices.filter((choice) => choice.index === index);
}

/** Calls as a client puts them together, by index. */
function callsOf(told: JsonObject[]): JsonObject[] {
  const calls: JsonObject[] = [];
  for (const { delta } of told) {
    const deltas = isObject(delta) && Array.isArray(delta.tool_calls) ? delta.tool_calls : [];
    for (const call of deltas.filter(isObject)) {
      const said = isObject(call.function) ? call.function : {};
      const at = Number(call.index);
      if (call.id !== undefined) {
        expect(at).toBe(calls.length);
        calls.push({ id: call.id, name: said.name, arguments: "" });
      }
      const open = calls[at];
      if (open) open.arguments = `${String(open.arguments)}${String(said.arguments ?? "")}`;
    }
  }
  return calls;
}

function callsIn(steps: StreamStep[], choice: number): JsonObject[] {
  return steps.flatMap((start) => {
    if (start.type !== "tool_start" || start.choice !== choice) return [];
    const words = steps.map((step) => {
      const own = step.type === "tool_arguments" && step.choice === choice;
      return own && step.index === start.index ? step.text : "";
    });
    return [{ id: start.id, name: start.name, arguments: words.join("") || "{}" }];
  });
}

import type { Answer } from "#src/demo/answer.ts";
import { signature } from "#src/demo/anthropic-rules.ts";
import type { Render } from "#src/demo/wire.ts";
import { fragmentsOf, piecesOf } from "#src/demo/words.ts";
import type { Ids } from "#src/lib/id.ts";
import { stringOf, type JsonObject } from "#src/lib/json.ts";

const stops = {
  stop: "end_turn",
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  tool_calls: "tool_use",
} as const;
const sse = (value: { type: string } & JsonObject): string =>
  `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;

/** Writes an answer as a message. */
export function messageRender({ id, model }: { id: string; model: string }, ids: Ids): Render {
  function message(answer: Answer | undefined, content: JsonObject[]): JsonObject {
    return {
      id,
      type: "message",
      role: "assistant",
      model,
      content,
      stop_reason: answer ? stops[answer.ending] : null,
      stop_sequence: answer?.stopSequence ?? null,
    };
  }

  function contentOf(answer: Answer): JsonObject[] {
    const { thinking, text } = answer;
    return [
      ...(thinking === undefined ? [] : [{ type: "thinking", thinking, signature }]),
      ...(text === "" ? [] : [{ type: "text", text, citations: null }]),
      ...answer.calls.map((call) => ({
        type: "tool_use",
        id: ids.next("toolu"),
        name: call.name,
        input: call.arguments,
      })),
    ];
  }

  return {
    whole(answer, usage) {
      const whole = message(answer, contentOf(answer));
      return JSON.stringify(usage ? { ...whole, usage: usageOf(answer, outputOf(answer)) } : whole);
    },
    events(answer, usage) {
      const start = message(undefined, []);
      const counted = usage ? { ...start, usage: usageOf(answer, 1) } : start;
      const ended = {
        type: "message_delta",
        delta: { stop_reason: stops[answer.ending], stop_sequence: answer.stopSequence ?? null },
      };
      return {
        body: [
          sse({ type: "message_start", message: counted }),
          sse({ type: "ping" }),
          ...contentOf(answer).flatMap((block, index) => blockEvents(block, index)),
        ],
        terminal: [
          sse(usage ? { ...ended, usage: usageOf(answer, outputOf(answer)) } : ended),
          sse({ type: "message_stop" }),
        ],
      };
    },
    errorEvent: sse({
      type: "error",
      error: { type: "overloaded_error", message: "This failure is simulated" },
    }),
  };
}

/** The events of one block: what it starts as, its pieces, its end. */
function blockEvents(block: JsonObject, index: number): string[] {
  const [start, deltas] = parts(block);
  return [
    sse({ type: "content_block_start", index, content_block: start }),
    ...deltas.map((delta) => sse({ type: "content_block_delta", index, delta })),
    sse({ type: "content_block_stop", index }),
  ];
}

function parts(block: JsonObject): [JsonObject, JsonObject[]] {
  const { text, thinking } = block;
  if (typeof text === "string")
    return [
      { type: "text", text: "" },
      piecesOf(text).map((piece) => ({ type: "text_delta", text: piece })),
    ];
  if (typeof thinking === "string")
    return [
      { type: "thinking", thinking: "", signature: "" },
      [
        ...piecesOf(thinking).map((piece) => ({ type: "thinking_delta", thinking: piece })),
        { type: "signature_delta", signature: stringOf(block.signature) },
      ],
    ];
  return [
    { ...block, input: {} },
    ["", ...fragmentsOf(JSON.stringify(block.input))].map((piece) => ({
      type: "input_json_delta",
      partial_json: piece,
    })),
  ];
}

function outputOf({ tokens }: Answer): number {
  return tokens.visible + tokens.thinking;
}

/** The input without what was read from or written to the cache, as Anthropic counts. */
function usageOf({ tokens }: Answer, output: number): JsonObject {
  const { prompt, cached, written } = tokens;
  return {
    input_tokens: prompt - cached - written.tokens,
    cache_creation_input_tokens: written.tokens,
    cache_read_input_tokens: cached,
    cache_creation: {
      ephemeral_5m_input_tokens: written.ttl === "5m" ? written.tokens : 0,
      ephemeral_1h_input_tokens: written.ttl === "1h" ? written.tokens : 0,
    },
    output_tokens: output,
    output_tokens_details: { thinking_tokens: Math.min(tokens.thinking, output) },
    service_tier: "standard",
  };
}

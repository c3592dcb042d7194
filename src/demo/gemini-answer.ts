import type { Answer } from "#src/demo/answer.ts";
import { signs, thoughtSignature } from "#src/demo/gemini-rules.ts";
import type { Render } from "#src/demo/wire.ts";
import { countTokens, piecesOf } from "#src/demo/words.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** What all responses of an answer share; `thoughts` shows the thinking. */
export interface Frame {
  id: string;
  model: string;
  thoughts: boolean;
}

const finishes = {
  stop: "STOP",
  stop_sequence: "STOP",
  length: "MAX_TOKENS",
  tool_calls: "STOP",
} as const;
/** Words in one event: Gemini streams in larger pieces than others. */
const wordsPerEvent = 4;
const sse = (value: JsonObject): string => `data: ${JSON.stringify(value)}\r\n\r\n`;

/** Writes an answer as GenerateContentResponses. */
export function contentRender({ id, model, thoughts }: Frame): Render {
  function response(parts: JsonObject[], finish: string | undefined, usage: JsonObject) {
    const content = { role: "model", parts };
    const ended = finish === undefined ? {} : { finishReason: finish };
    return {
      candidates: [{ content, ...ended, index: 0 }],
      ...usage,
      modelVersion: model,
      responseId: id,
    };
  }

  function thoughtParts({ thinking }: Answer): JsonObject[] {
    return thinking === undefined || !thoughts ? [] : [{ text: thinking, thought: true }];
  }

  function callParts({ calls }: Answer): JsonObject[] {
    return calls.map((call, index) => {
      const part = { functionCall: { name: call.name, args: call.arguments } };
      return index === 0 && signs(model) ? { ...part, thoughtSignature } : part;
    });
  }

  return {
    whole(answer, usage) {
      const text = answer.text === "" ? [] : [{ text: answer.text }];
      const parts = [...thoughtParts(answer), ...text, ...callParts(answer)];
      const counted = usage ? usageOf(answer, answer.tokens.visible) : {};
      return JSON.stringify(response(parts, finishes[answer.ending], counted));
    },
    events(answer, usage) {
      let sent = "";
      const counted = (visible: number) => (usage ? usageOf(answer, visible) : {});
      const thinking = thoughtParts(answer).map((part) =>
        sse(response([part], undefined, counted(0))),
      );
      const texts = grouped(piecesOf(answer.text)).map((text) => {
        sent += text;
        return sse(response([{ text }], undefined, counted(countTokens(sent))));
      });
      const last = answer.calls.length > 0 ? callParts(answer) : [{ text: "" }];
      const ending = response(last, finishes[answer.ending], counted(answer.tokens.visible));
      return { body: [...thinking, ...texts], terminal: [sse(ending)] };
    },
    errorEvent: sse({
      error: { code: 503, message: "This failure is simulated", status: "UNAVAILABLE" },
    }),
  };
}

function grouped(pieces: string[]): string[] {
  return Array.from({ length: Math.ceil(pieces.length / wordsPerEvent) }, (_, index) =>
    pieces.slice(index * wordsPerEvent, (index + 1) * wordsPerEvent).join(""),
  );
}

/** Thoughts are counted beside the candidates, not in them. */
function usageOf({ tokens }: Answer, visible: number): JsonObject {
  const { prompt, cached, thinking } = tokens;
  return {
    usageMetadata: {
      promptTokenCount: prompt,
      ...(cached > 0 ? { cachedContentTokenCount: cached } : {}),
      candidatesTokenCount: visible,
      ...(thinking > 0 ? { thoughtsTokenCount: thinking } : {}),
      totalTokenCount: prompt + visible + thinking,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: prompt }],
    },
  };
}

import type { FinishReason } from "#src/dialect/turn.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** A call as it goes out, with arguments that are JSON. */
export interface ToldCall {
  id: string;
  name: string;
  words: string;
}

/** How calls are told in a message and in chunks; undefined is a call that has no place. */
export interface CallWords {
  whole(calls: readonly [ToldCall, ...ToldCall[]]): JsonObject;
  start(index: number, id: string, name: string): JsonObject | undefined;
  more(index: number, words: string): JsonObject | undefined;
  finish(finish: FinishReason): string;
}

const asTools: CallWords = {
  whole: (calls) => ({
    tool_calls: calls.map(({ id, name, words }) => ({
      id,
      type: "function",
      function: { name, arguments: words },
    })),
  }),
  start: (index, id, name) => ({
    tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }],
  }),
  more: (index, words) => ({ tool_calls: [{ index, function: { arguments: words } }] }),
  finish: (finish) => finish,
};

/** The deprecated shape, which holds one call: a model asks for the others again, once the first has its result. */
const asFunction: CallWords = {
  whole: ([{ name, words }]) => ({ function_call: { name, arguments: words } }),
  start: (index, _id, name) =>
    index === 0 ? { function_call: { name, arguments: "" } } : undefined,
  more: (index, words) => (index === 0 ? { function_call: { arguments: words } } : undefined),
  finish: (finish) => (finish === "tool_calls" ? "function_call" : finish),
};

/** The words that a client reads: those in which it offered what may be called. */
export function callWordsFor(asked: JsonObject = {}): CallWords {
  const offers = (name: string) => Array.isArray(asked[name]) && asked[name].length > 0;
  return offers("functions") && !offers("tools") ? asFunction : asTools;
}

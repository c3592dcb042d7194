import { type StreamReader, UpstreamStreamError } from "#src/dialect/dialect.ts";
import { finishOf, textOf, thinkingOf } from "#src/dialect/openai-chat-reply.ts";
import { lateUsage } from "#src/dialect/openai-splice.ts";
import { readUsage } from "#src/dialect/openai-usage.ts";
import { SseParser } from "#src/dialect/sse.ts";
import type { StreamStep } from "#src/dialect/turn.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { isObject, numberOf, stringOf, type JsonObject } from "#src/lib/json.ts";

/** Calls of one choice: the upstream's index to ours. A new id under an old index is a new call. */
interface Calls {
  byIndex: Map<number, { id: string; index: number }>;
  next: number;
}

/** Reads a chat completion stream into canonical steps. */
export function readChatStream(): StreamReader {
  const parser = new SseParser();
  const calls = new Map<number, Calls>();
  const open = new Set<number>();
  let id: string | undefined;
  let usage: Usage | undefined;
  let finished = false;

  function chunk(data: string): StreamStep[] {
    if (data === "[DONE]") return [];
    let parsed: unknown;
    try {
      parsed = JSON.parse(data);
    } catch {
      throw new UpstreamStreamError("The upstream sent an event that is not JSON");
    }
    if (!isObject(parsed))
      throw new UpstreamStreamError("The upstream sent an event that is no chunk");
    if (parsed.error !== undefined && parsed.error !== null)
      throw new UpstreamStreamError("The upstream sent an error event");
    id ??= stringOf(parsed.id) || undefined;
    usage = readUsage(parsed.usage, "") ?? lateUsage(parsed, "") ?? usage;
    const choices = Array.isArray(parsed.choices) ? parsed.choices : [];
    return choices.filter(isObject).flatMap(choiceSteps);
  }
  function choiceSteps(raw: JsonObject): StreamStep[] {
    const choice = numberOf(raw.index) ?? 0;
    const delta = isObject(raw.delta) ? raw.delta : {};
    const steps: StreamStep[] = [];
    const reasoning =
      stringOf(delta.reasoning_content) ?? stringOf(delta.reasoning) ?? thinkingOf(delta.content);
    if (reasoning) steps.push({ type: "reasoning", choice, text: reasoning });
    const text = textOf(delta.content);
    if (text) steps.push({ type: "text", choice, text });
    const refusal = stringOf(delta.refusal);
    if (refusal) steps.push({ type: "refusal", choice, text: refusal });
    for (const call of Array.isArray(delta.tool_calls) ? delta.tool_calls : [])
      if (isObject(call)) steps.push(...callSteps(choice, call));
    const word = stringOf(raw.finish_reason);
    if (word === undefined) {
      open.add(choice);
    } else {
      open.delete(choice);
      finished = true;
      steps.push({ type: "finish", choice, finish: finishOf(word), nativeFinish: word });
    }
    return steps;
  }
  function callSteps(choice: number, call: JsonObject): StreamStep[] {
    const known = calls.get(choice) ?? { byIndex: new Map(), next: 0 };
    calls.set(choice, known);
    const theirs = numberOf(call.index) ?? 0;
    const body = isObject(call.function) ? call.function : {};
    const callId = stringOf(call.id) || undefined;
    const before = known.byIndex.get(theirs);
    const steps: StreamStep[] = [];
    let current = before;
    if (current === undefined || (callId !== undefined && callId !== current.id)) {
      current = { id: callId ?? `call_${known.next}`, index: known.next++ };
      known.byIndex.set(theirs, current);
      steps.push({
        type: "tool_start",
        choice,
        index: current.index,
        id: current.id,
        name: stringOf(body.name) ?? "",
      });
    }
    const text = stringOf(body.arguments);
    if (text) steps.push({ type: "tool_arguments", choice, index: current.index, text });
    return steps;
  }
  return {
    push: (bytes) => parser.push(bytes).flatMap(({ data }) => chunk(data)),
    finish: () => parser.finish().flatMap(({ data }) => chunk(data)),
    get id() {
      return id;
    },
    get usage() {
      return usage;
    },
    get ended() {
      return finished && open.size === 0;
    },
  };
}

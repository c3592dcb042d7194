import { gatewayMembers } from "#src/dialect/ask.ts";
import {
  type Ask,
  type DialectId,
  type SpliceDialect,
  type StreamHead,
  type StreamRelay,
  type Summary,
  type Target,
  type UpstreamRequest,
  UpstreamStreamError,
} from "#src/dialect/dialect.ts";
import { chatFail, done, event, summaryEvent } from "#src/dialect/openai-chat-write.ts";
import { costMembers, readUsage, writeUsage } from "#src/dialect/openai-usage.ts";
import { edit, type Edits, membersOf } from "#src/dialect/splice.ts";
import { SseParser } from "#src/dialect/sse.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode, encode } from "#src/lib/bytes.ts";
import { isObject, stringOf, type Json, type JsonObject } from "#src/lib/json.ts";

/** What differs between chat and text completions on the byte path. */
interface Shape {
  id: DialectId;
  path: string;
  chunkObject: string;
}

/** The byte path of an OpenAI-shaped dialect: members are changed in place, everything else keeps its bytes. */
export function openaiSplice(shape: Shape): SpliceDialect {
  return {
    id: shape.id,
    retarget: (body, ask, target) => retarget(shape, body, ask, target),
    meterReply: meter,
    attach,
    relayStream: (head) => relayStream(shape, head),
  };
}

function retarget({ path }: Shape, body: Uint8Array, ask: Ask, target: Target): UpstreamRequest {
  const text = decode(body);
  const set: Edits["set"] = { model: JSON.stringify(target.model) };
  const add: Record<string, string> = { model: JSON.stringify(target.model) };
  const dropped: string[] = [];
  for (const name of gatewayMembers) if (name in ask.parsed) set[name] = undefined;
  if (ask.stream) {
    const options = isObject(ask.parsed.stream_options) ? ask.parsed.stream_options : {};
    const asked = JSON.stringify({ ...options, include_usage: true });
    set.stream_options = asked;
    add.stream_options = asked;
  }
  if (!target.samplingParams) {
    for (const name of ["temperature", "top_p", "top_k"]) {
      if (!(name in ask.parsed)) continue;
      set[name] = undefined;
      dropped.push(name);
    }
  }
  for (const [name, value] of Object.entries(target.overrides ?? {})) {
    set[name] = JSON.stringify(value);
    add[name] = JSON.stringify(value);
  }
  return { path, body: encode(edit(text, { set, add })), dropped };
}

/** What was parsed to meter an answer is parsed once: attach() follows on the same bytes. */
const metered = new WeakMap<Uint8Array, { text: string; parsed: JsonObject }>();

function meter(body: Uint8Array): { id: string | undefined; usage: Usage | undefined } {
  const text = decode(body);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new UpstreamStreamError("The upstream answered with something that is not JSON");
  }
  if (
    !isObject(parsed) ||
    (parsed.error !== undefined && parsed.error !== null) ||
    !Array.isArray(parsed.choices)
  ) {
    throw new UpstreamStreamError("The upstream answered with something that is not a completion");
  }
  metered.set(body, { text, parsed });
  return { id: stringOf(parsed.id), usage: readUsage(parsed.usage, "") };
}

function attach(body: Uint8Array, summary: Summary): Uint8Array<ArrayBuffer> {
  const { text, parsed } = metered.get(body) ?? { text: decode(body), parsed: undefined };
  const model = JSON.stringify(summary.model);
  const block = JSON.stringify(summary.block);
  const set: Edits["set"] = { model, lowrouter: undefined };
  if (summary.usage !== undefined) set.usage = usageText(text, parsed, summary, summary.usage);
  return encode(
    edit(text, {
      set:
        "lowrouter" in (parsed ?? {})
          ? { ...set, lowrouter: block }
          : { model, ...(set.usage === undefined ? {} : { usage: set.usage }) },
      add: {
        id: JSON.stringify(summary.completionId),
        model,
        ...(set.usage === undefined ? {} : { usage: set.usage }),
        lowrouter: block,
      },
    }),
  );
}

/** The upstream's usage object with the cost added; ours where the upstream gave none. */
function usageText(
  text: string,
  parsed: JsonObject | undefined,
  summary: Summary,
  usage: Usage,
): string {
  const member =
    parsed && isObject(parsed.usage)
      ? membersOf(text).findLast(({ key }) => key === "usage")
      : undefined;
  if (member === undefined) return JSON.stringify(writeUsage(usage, summary));
  return withCost(text.slice(member.valueStart, member.end), summary);
}

function withCost(usage: string, summary: Summary): string {
  const members = Object.entries(costMembers(summary)).map(
    ([name, value]) => [name, JSON.stringify(value)] as const,
  );
  return edit(usage, { set: Object.fromEntries(members), add: { ...Object.fromEntries(members) } });
}

function relayStream(shape: Shape, head: StreamHead): StreamRelay {
  const parser = new SseParser();
  const model = JSON.stringify(head.model);
  const unfinished = new Set<number>();
  let id: string | undefined;
  let usage: Usage | undefined;
  let usageAsTold: string | undefined;
  let finished = false;
  let outputBytes = 0;

  function relay(data: string): string {
    if (data === "[DONE]") return "";
    const parsed = parseChunk(data);
    id ??= stringOf(parsed.id) || undefined;
    const told = readUsage(parsed.usage, head.provider) ?? lateUsage(parsed, head.provider);
    if (told) {
      usage = told;
      const member = membersOf(data).findLast(({ key }) => key === "usage");
      if (member && isObject(parsed.usage)) usageAsTold = data.slice(member.valueStart, member.end);
    }
    const choices = Array.isArray(parsed.choices) ? parsed.choices : [];
    if (choices.length === 0 && told) return "";
    for (const choice of choices) count(choice);
    const set: Edits["set"] = { model };
    // Usage is told once, at the end, and only to those who asked.
    if (parsed.usage !== undefined && parsed.usage !== null)
      set.usage = head.includeUsage ? "null" : undefined;
    return `data: ${edit(data, { set })}\n\n`;
  }
  function count(choice: Json): void {
    if (!isObject(choice)) return;
    const index = typeof choice.index === "number" ? choice.index : 0;
    const delta = isObject(choice.delta) ? choice.delta : choice;
    outputBytes += deltaBytes(delta);
    if (typeof choice.finish_reason === "string") {
      unfinished.delete(index);
      finished = true;
    } else {
      unfinished.add(index);
    }
  }
  return {
    push(chunk) {
      let out = "";
      for (const { data } of parser.push(chunk)) out += relay(data);
      return out;
    },
    finish: () =>
      parser
        .finish()
        .map(({ data }) => relay(data))
        .join(""),
    get id() {
      return id;
    },
    get usage() {
      return usage;
    },
    get ended() {
      return finished && unfinished.size === 0;
    },
    get outputBytes() {
      return outputBytes;
    },
    end(summary) {
      const asked = head.includeUsage && summary.usage !== undefined;
      const text =
        usageAsTold === undefined
          ? JSON.stringify(summary.usage && writeUsage(summary.usage, summary))
          : withCost(usageAsTold, summary);
      const told = asked
        ? `data: ${JSON.stringify({ id: summary.completionId, object: shape.chunkObject, created: summary.created, model: summary.model, choices: [] }).slice(0, -1)},"usage":${text}}\n\n`
        : "";
      return told + summaryOf(shape, summary) + done;
    },
    fail(error, summary) {
      if (shape.id === "openai-chat") return chatFail(head, error, summary);
      const { code, type, message } = error;
      const failed = {
        id: summary.completionId,
        object: shape.chunkObject,
        created: head.created,
        model: head.model,
        error: { code, type, message },
        choices: [{ index: 0, text: "", logprobs: null, finish_reason: "error" }],
      };
      return event(failed) + summaryOf(shape, summary) + done;
    },
  };
}

/** The summary chunk; text completions have `text` where chat has `delta`. */
export function summaryOf(shape: Pick<Shape, "id">, summary: Summary): string {
  if (shape.id === "openai-chat") return summaryEvent(summary);
  return event({
    id: summary.completionId,
    object: "lowrouter.summary",
    created: summary.created,
    model: summary.model,
    choices: [{ index: 0, text: "", logprobs: null, finish_reason: null }],
    lowrouter: summary.block,
  });
}

function parseChunk(data: string): JsonObject {
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
  return parsed;
}

/** Usage where some providers hide it: in the last choice, or in a member of their own. */
export function lateUsage(chunk: JsonObject, provider: string): Usage | undefined {
  const groq = isObject(chunk.x_groq) ? readUsage(chunk.x_groq.usage, provider) : undefined;
  if (groq) return groq;
  const last = Array.isArray(chunk.choices) ? chunk.choices.at(-1) : undefined;
  return isObject(last) ? readUsage(last.usage, provider) : undefined;
}

/** Length of what a delta adds to the answer. */
function deltaBytes(delta: JsonObject): number {
  let bytes =
    length(delta.content) +
    length(delta.text) +
    length(delta.refusal) +
    length(delta.reasoning) +
    length(delta.reasoning_content);
  if (!Array.isArray(delta.tool_calls)) return bytes;
  for (const call of delta.tool_calls) {
    const body = isObject(call) && isObject(call.function) ? call.function : {};
    bytes += length(body.name) + length(body.arguments);
  }
  return bytes;
}

function length(value: Json | undefined): number {
  return typeof value === "string" ? value.length : 0;
}

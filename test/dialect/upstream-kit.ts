import type { StreamReader, Target, UpstreamRequest } from "#src/dialect/dialect.ts";
import type { Message, StreamStep, ToolCall, ToolResult, Turn } from "#src/dialect/turn.ts";
import { AppError } from "#src/lib/error.ts";
import { encode } from "#src/lib/bytes.ts";
import { decode } from "#test/dialect/payload.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A turn that says "Hi", with what a test changes about it. */
export function turnOf(changes: Partial<Turn> = {}): Turn {
  const messages: Turn["messages"] = [{ role: "user", content: [{ type: "text", text: "Hi" }] }];
  return {
    system: [],
    messages,
    tools: [],
    stop: [],
    choices: 1,
    stream: false,
    extra: {},
    ...changes,
  };
}

/** A target that takes everything, with what a test changes about it. */
export function targetOf(changes: Partial<Target> = {}): Target {
  return {
    model: "model-x",
    provider: "test",
    maxOutputTokens: 64_000,
    heldOutputTokens: 4096,
    samplingParams: true,
    jsonSchema: true,
    reasoning: undefined,
    ...changes,
  };
}

/** A message of one text. */
export function say<R extends "user" | "assistant" | "system">(role: R, text: string) {
  return { role, content: [{ type: "text" as const, text }] };
}

export function callOf(id: string, name: string, args = "{}"): ToolCall {
  return { type: "tool_call", id, name, arguments: args };
}

export function resultsOf(...results: [id: string, text: string][]) {
  const told = results.map(([callId, text]) => ({
    callId,
    content: [{ type: "text" as const, text }],
  }));
  return { role: "tool" as const, results: told };
}

/** A conversation in which each call of a message has one of these results, and nothing else has any. */
export function withResults(messages: Message[], told: ToolResult["content"][]): Message[] {
  const left = [...told];
  return messages.flatMap((message): Message[] => {
    if (message.role === "tool") return [];
    if (message.role !== "assistant") return [message];
    const ids = new Set<string>();
    const content = message.content.filter(
      (part) => part.type !== "tool_call" || ids.size < ids.add(part.id).size,
    );
    const results = [...ids].map((callId) => ({
      callId,
      content: left.pop() ?? [{ type: "text" as const, text: "Done" }],
    }));
    const said = { ...message, content };
    return results.length === 0 ? [said] : [said, { role: "tool", results }];
  });
}

/** The body of a request as JSON. */
export function bodyOf(request: UpstreamRequest): JsonObject {
  const value: Json = JSON.parse(decode(request.body));
  if (!isObject(value)) throw new Error("the body is no object");
  return value;
}

/** The AppError that the call throws. */
export function refusalOf(call: () => unknown): AppError {
  try {
    call();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

export interface Heard {
  steps: StreamStep[];
  id: string | undefined;
  usage: unknown;
  ended: boolean;
  failure: string | undefined;
}

/** Everything a reader tells of a stream that arrives in these chunks. */
export function hear(reader: StreamReader, chunks: Uint8Array[]): Heard {
  const steps: StreamStep[] = [];
  let failure: string | undefined;
  try {
    for (const chunk of chunks) steps.push(...reader.push(chunk));
    steps.push(...(reader.finish?.() ?? []));
  } catch (thrown) {
    failure = String(thrown);
  }
  return { steps, id: reader.id, usage: reader.usage, ended: reader.ended, failure };
}

export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return [...bytes].map((byte) => Uint8Array.of(byte));
}

/** The bytes cut at the given places. */
export function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const ends = [...places, bytes.length].sort((a, b) => a - b);
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
}

export async function fixture(path: string): Promise<Uint8Array> {
  return new Uint8Array(await Bun.file(`${import.meta.dir}/../fixtures/${path}`).arrayBuffer());
}

/** An event stream of these events, named by their type where they have one. */
export function sse(...events: JsonObject[]): Uint8Array {
  return encode(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));
}

import { answerJson } from "#src/dialect/provider-json.ts";
import {
  type Ask,
  type MeteredReply,
  type SpliceDialect,
  type Summary,
  type Target,
  type UpstreamRequest,
  UpstreamStreamError,
} from "#src/dialect/dialect.ts";
import { adaptContents, withoutSignatures } from "#src/dialect/gemini/gemini-client-adapt.ts";
import { nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { steering } from "#src/dialect/gemini/gemini-client-peek.ts";
import { writeUsage } from "#src/dialect/gemini/gemini-client-candidate.ts";
import { GeminiRelay } from "#src/dialect/gemini/gemini-relay.ts";
import { blockReason, faultText, readUsage } from "#src/dialect/gemini/gemini-usage.ts";
import { RawAnswer } from "#src/dialect/raw-answer.ts";
import { editedRequest } from "#src/dialect/edited.ts";
import { rawJson, rawOf } from "#src/dialect/raw-text.ts";
import { edit, valueIn } from "#src/dialect/splice.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { type Payload } from "#src/lib/bytes.ts";
import { isObject, stringOf, type JsonObject, type Json } from "#src/lib/json.ts";

/** The byte path of generateContent: members are changed in place, everything else keeps its bytes. */
export const geminiSplice: SpliceDialect = {
  id: "gemini",
  retarget(body, ask, target) {
    const action = ask.stream ? "streamGenerateContent?alt=sse" : "generateContent";
    return retarget(body, ask, target, action);
  },
  meterReply: (body) => new GeminiReply(body),
  relayStream: (head) => new GeminiRelay(head),
};

/** The path of an action on a model at an upstream. */
function pathOf(model: string, action: string): string {
  return `/models/${model.split("/").map(encodeURIComponent).join("/")}:${action}`;
}

/** A countTokens request to an upstream of the same wire. */
export function retargetCount(body: Uint8Array, ask: Ask, target: Target): UpstreamRequest {
  const raw = rawOf(body, ask);
  const set = withoutSteering(ask.parsed);
  const name = nameIn(ask.parsed, "generateContentRequest");
  if (isObject(ask.parsed[name])) {
    const model = rawJson(`models/${target.model}`);
    const inner = told(raw, name);
    set[name] = edit(inner, { set: { model }, add: { model } });
  }
  const bytes = editedRequest(raw, { set }, ask.ascii !== undefined);
  return { path: pathOf(target.model, "countTokens"), body: bytes, dropped: [] };
}

function retarget(body: Uint8Array, ask: Ask, target: Target, action: string): UpstreamRequest {
  const { parsed, ascii } = ask;
  const raw = rawOf(body, ask);
  const set = withoutSteering(parsed);
  const add: Record<string, string> = {};
  const dropped: string[] = [];
  const changed = new Map<string, string>();
  const current = (name: string): string => changed.get(name) ?? told(raw, name);
  if (!target.samplingParams) {
    const name = nameIn(parsed, "generationConfig");
    const config = parsed[name];
    const given = isObject(config)
      ? ["temperature", "topP", "topK"]
          .map((one) => nameIn(config, one))
          .filter((one) => one in config)
      : [];
    if (given.length > 0) {
      const gone = Object.fromEntries(given.map((one) => [one, undefined]));
      changed.set(name, edit(current(name), { set: gone }));
      dropped.push(...given);
    }
  }
  if (ask.withoutProof) {
    const bare = withoutSignatures(parsed, () => current("contents"), target);
    if (bare !== undefined) {
      changed.set("contents", bare);
      dropped.push("thoughtSignature");
    }
  }
  const contents = adaptContents(parsed, () => current("contents"), target);
  if (contents !== undefined) changed.set("contents", contents);
  for (const [documented, value] of Object.entries(target.overrides ?? {})) {
    const name = nameIn(parsed, documented);
    changed.set(name, isObject(value) ? merged(current(name), value) : rawJson(value ?? null));
  }
  for (const [name, value] of changed) set[name] = add[name] = value;
  const bytes = editedRequest(raw, { set, add }, ascii !== undefined);
  return { path: pathOf(target.model, action), body: bytes, dropped };
}

function withoutSteering(parsed: JsonObject): Record<string, string | undefined> {
  return Object.fromEntries(
    steering.filter((name) => name in parsed).map((name) => [name, undefined]),
  );
}

/** The value of a member in raw text; "" where there is none. */
function told(raw: string, name: string): string {
  return valueIn(raw, name) ?? "";
}

/** An object in raw text with members put, objects among them member by member. */
function merged(raw: string, members: JsonObject): string {
  if (!raw.startsWith("{")) return rawJson(members);
  const put: Record<string, string> = {};
  for (const [name, value] of Object.entries(members))
    put[name] = isObject(value) ? merged(told(raw, name), value) : rawJson(value ?? null);
  return edit(raw, { set: put, add: put });
}

class GeminiReply implements MeteredReply {
  readonly id: string | undefined;
  readonly usage: Usage | undefined;
  readonly #answer: RawAnswer;

  constructor(body: Uint8Array) {
    const answer = new RawAnswer(body);
    const parsed = readAnswer(answer.text);
    this.id = stringOf(parsed.responseId) || undefined;
    this.usage = readUsage(parsed.usageMetadata);
    answer.walk();
    this.#answer = answer;
  }

  attach(summary: Summary): Payload {
    const put: Record<string, string> = {
      modelVersion: rawJson(summary.model),
      responseId: rawJson(summary.completionId),
      lowrouter: rawJson(summary.block),
    };
    const { usage } = summary;
    const add =
      usage?.estimated === true ? { usageMetadata: rawJson(writeUsage(usage)), ...put } : put;
    return this.#answer.edited({ set: put, add });
  }
}

/** A whole answer; a blocked prompt is one. Throws UpstreamStreamError when it is none, also for an error under status 200. */
function readAnswer(text: string): JsonObject {
  const parsed: Json = answerJson(text);
  const answer = Array.isArray(parsed) ? parsed[0] : parsed;
  if (isObject(answer) && answer.error) throw new UpstreamStreamError(faultText(answer.error));
  if (!isObject(parsed))
    throw new UpstreamStreamError("The provider answered with something that is no answer");
  const { candidates } = parsed;
  if (Array.isArray(candidates) && candidates.length > 0) return parsed;
  if (blockReason(parsed) !== undefined) return parsed;
  throw new UpstreamStreamError("The provider answered without any candidate");
}

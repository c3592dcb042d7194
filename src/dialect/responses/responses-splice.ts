import { gatewayMembers } from "#src/dialect/ask-routing.ts";
import {
  type Ask,
  type MeteredReply,
  type Summary,
  type Target,
  type UpstreamRequest,
  UpstreamStreamError,
} from "#src/dialect/dialect.ts";
import { editedRequest } from "#src/dialect/edited.ts";
import { withMembers } from "#src/dialect/raw-answer.ts";
import { asciiOf, payload, rawJson, rawOf, toRaw } from "#src/dialect/raw-text.ts";
import { ownReasoningId } from "#src/dialect/responses/responses-output.ts";
import { readResponse } from "#src/dialect/responses/responses-reply.ts";
import { completeUsage, readUsage, writeUsage } from "#src/dialect/responses/responses-usage.ts";
import { edit, elementsOf, type Member, membersOf, valueIn } from "#src/dialect/splice.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode, type Payload } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, stringOf, type JsonObject } from "#src/lib/json.ts";

/** The client's body with the model replaced and routing members removed; its state and everything else stay. */
export function retarget(body: Uint8Array, ask: Ask, target: Target): UpstreamRequest {
  const { ascii, parsed } = ask;
  const raw = rawOf(body, ask);
  if (parsed.background === true && !ask.stream) {
    throw new AppError(
      "unsupported_feature",
      'Cannot answer in the "background": nothing here fetches the answer later; leave it out, or stream',
      { param: "background" },
    );
  }
  const model = rawJson(target.model);
  const set: Record<string, string | undefined> = { model };
  const add: Record<string, string> = { model };
  for (const name of gatewayMembers) if (name in parsed) set[name] = undefined;
  const dropped: string[] = target.samplingParams
    ? []
    : sampling.filter((name) => isGiven(parsed[name]));
  for (const name of dropped) set[name] = undefined;
  const members = membersOf(raw);
  const told = (name: string): string => valueOf(raw, members, name);
  if (ask.withoutProof && hasReasoning(parsed)) {
    set.input = withoutReasoning(told("input"), parsed);
    dropped.push("encrypted_content");
  } else if (raw.includes(ownReasoningId)) set.input = withoutOwnReasoning(told("input"), parsed);
  for (const [name, value] of Object.entries(target.overrides ?? {})) {
    const put = isObject(value) ? withMembers(told(name), value) : rawJson(value ?? null);
    set[name] = add[name] = put;
  }
  const written = editedRequest(raw, { set, add }, ascii !== undefined, members);
  return { path: "/responses", body: written, dropped };
}

/** What models without sampling parameters refuse. */
const sampling = ["temperature", "top_p"] as const;

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The last value of a member in raw text; "" where there is none. */
export function valueOf(raw: string, members: Member[], name: string): string {
  return valueIn(raw, name, members) ?? "";
}

/**
 * Input without the reasoning items that we wrote for answers of another wire, when the conversation moved here:
 * the provider would look for their ids and refuse the request.
 */
function withoutOwnReasoning(raw: string, { input }: JsonObject): string | undefined {
  if (!Array.isArray(input)) return raw === "" ? undefined : raw;
  const kept = elementsOf(raw, 0).filter((_, index) => {
    const item = input[index];
    const id = isObject(item) && item.type === "reasoning" ? stringOf(item.id) : undefined;
    return id === undefined || !id.startsWith(ownReasoningId);
  });
  return `[${kept.map(({ start, end }) => raw.slice(start, end)).join(",")}]`;
}

function hasReasoning({ input }: JsonObject): boolean {
  return Array.isArray(input) && input.some((one) => isObject(one) && one.type === "reasoning");
}

/** Input without any reasoning, and without the ids by which a provider would look for what went with it. */
function withoutReasoning(raw: string, { input }: JsonObject): string | undefined {
  if (!Array.isArray(input)) return raw === "" ? undefined : raw;
  const kept = elementsOf(raw, 0).flatMap(({ start, end }, index) => {
    const item = input[index];
    const text = raw.slice(start, end);
    if (!isObject(item)) return [text];
    if (item.type === "reasoning") return [];
    const isOwned = item.type === "function_call" || item.type === "message";
    return isOwned && "id" in item ? [edit(text, { set: { id: undefined } })] : [text];
  });
  return `[${kept.join(",")}]`;
}

/** A whole answer on the byte path. Throws `UpstreamStreamError` when it is none. */
export function meterReply(body: Uint8Array): MeteredReply {
  return new ResponsesReply(body);
}

class ResponsesReply implements MeteredReply {
  readonly id: string | undefined;
  readonly usage: Usage | undefined;
  readonly #raw: string;
  readonly #ascii: boolean;

  constructor(body: Uint8Array) {
    const ascii = asciiOf(body);
    const response = readResponse(ascii ?? decode(body));
    this.id = stringOf(response.id) || undefined;
    this.usage = readUsage(response.usage);
    this.#ascii = ascii !== undefined;
    this.#raw = ascii ?? toRaw(body);
  }

  attach(summary: Summary): Payload {
    return payload(attachTo(this.#raw, summary), this.#ascii);
  }
}

/**
 * The response at or after `from`, in raw text, with the resolved model, the cost and the block. Its id stays:
 * the provider keeps the conversation under it. Throws `UpstreamStreamError` when it is nested too deep.
 */
export function attachTo(raw: string, summary: Summary, from = 0): string {
  const { usage } = summary;
  try {
    const members = membersOf(raw, from);
    const put: Record<string, string> = {
      model: rawJson(summary.model),
      lowrouter: rawJson(summary.block),
    };
    const told = valueOf(raw, members, "usage");
    if (usage !== undefined) {
      const own = told.startsWith("{") && usage.estimated !== true;
      put.usage = own ? completeUsage(told, usage, summary) : rawJson(writeUsage(usage, summary));
    }
    return edit(raw, { set: put, add: put }, from, members);
  } catch (cause) {
    throw new UpstreamStreamError("The provider sent an answer that is nested too deep", { cause });
  }
}

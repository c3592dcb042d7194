import {
  type Ask,
  type MeteredReply,
  type SpliceDialect,
  type Summary,
  type Target,
  type UpstreamRequest,
  UpstreamStreamError,
} from "#src/dialect/dialect.ts";
import { gatewayMembers } from "#src/dialect/ask-routing.ts";
import { readAnswer } from "#src/dialect/openai-chunk.ts";
import type { Shape } from "#src/dialect/openai-ending.ts";
import { adapt } from "#src/dialect/openai-adapt.ts";
import { OpenaiRelay } from "#src/dialect/openai-relay.ts";
import { completeUsage, findUsage, writeUsage } from "#src/dialect/openai-usage.ts";
import { asciiOf, payload, rawJson, toRaw } from "#src/dialect/raw-text.ts";
import { edit, type Member, membersOf } from "#src/dialect/splice.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode, type Payload } from "#src/lib/bytes.ts";
import { isObject, stringOf, type JsonObject } from "#src/lib/json.ts";

/** The byte path of an OpenAI-shaped dialect: members are changed in place, everything else keeps its bytes. */
export function openaiSplice(shape: Shape): SpliceDialect {
  return {
    id: shape.id,
    retarget: (body, ask, target) => retarget(shape, body, ask, target),
    meterReply: (body) => new OpenaiReply(body),
    relayStream: (head) => new OpenaiRelay(shape, head),
  };
}

function retarget({ path }: Shape, body: Uint8Array, ask: Ask, target: Target): UpstreamRequest {
  const raw = ask.ascii ?? toRaw(body);
  const model = rawJson(target.model);
  const set: Record<string, string | undefined> = { model };
  const add: Record<string, string> = { model };
  for (const name of gatewayMembers) if (name in ask.parsed) set[name] = undefined;
  // Members are looked up only where one has to be changed from within.
  let members: Member[] | undefined;
  const told = (name: string): string | undefined => {
    if (!(name in ask.parsed)) return undefined;
    members ??= membersOf(raw);
    const member = members.findLast(({ key }) => key === name);
    return member && raw.slice(member.valueStart, member.end);
  };
  if (ask.stream) {
    const options = told("stream_options");
    set.stream_options = add.stream_options = withMembers(options, { include_usage: true });
  }
  const dropped = adapt(ask, target, { set, add }, told);
  for (const [name, value] of Object.entries(target.overrides ?? {})) {
    const put = isObject(value) ? withMembers(told(name), value) : rawJson(value ?? null);
    set[name] = add[name] = put;
  }
  return { path, body: payload(edit(raw, { set, add }), ask.ascii !== undefined), dropped };
}

/** An object, in raw text, with members put; a new object where there was none. */
function withMembers(raw: string | undefined, members: JsonObject): string {
  if (!raw?.startsWith("{")) return rawJson(members);
  const put: Record<string, string> = {};
  for (const [name, value] of Object.entries(members)) put[name] = rawJson(value ?? null);
  return edit(raw, { set: put, add: put });
}

class OpenaiReply implements MeteredReply {
  readonly id: string | undefined;
  readonly usage: Usage | undefined;
  readonly #raw: string;
  readonly #ascii: boolean;
  readonly #members: Member[];

  constructor(body: Uint8Array) {
    const ascii = asciiOf(body);
    const parsed = readAnswer(ascii ?? decode(body));
    this.id = stringOf(parsed.id) || undefined;
    this.usage = findUsage(parsed);
    this.#ascii = ascii !== undefined;
    this.#raw = ascii ?? toRaw(body);
    try {
      this.#members = membersOf(this.#raw);
    } catch (cause) {
      throw new UpstreamStreamError("The provider sent an answer that is nested too deep", {
        cause,
      });
    }
  }

  attach(summary: Summary): Payload {
    const put: Record<string, string> = {
      model: rawJson(summary.model),
      lowrouter: rawJson(summary.block),
      id: rawJson(summary.completionId),
    };
    const { usage } = summary;
    if (usage !== undefined) {
      const told = this.#last("usage");
      put.usage =
        told.startsWith("{") && usage.estimated !== true
          ? completeUsage(told, usage, summary)
          : rawJson(writeUsage(usage, summary));
    }
    return payload(edit(this.#raw, { set: put, add: put }, 0, this.#members), this.#ascii);
  }

  #last(name: string): string {
    const member = this.#members.findLast(({ key }) => key === name);
    return member === undefined ? "" : this.#raw.slice(member.valueStart, member.end);
  }
}

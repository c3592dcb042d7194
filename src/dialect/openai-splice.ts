import {
  type Ask,
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
import { fromRaw, rawJson, toRaw } from "#src/dialect/raw-text.ts";
import { edit, type Member, membersOf } from "#src/dialect/splice.ts";
import type { Usage } from "#src/dialect/usage.ts";
import { decode } from "#src/lib/bytes.ts";
import { isObject, stringOf, type JsonObject } from "#src/lib/json.ts";

/** The byte path of an OpenAI-shaped dialect: members are changed in place, everything else keeps its bytes. */
export function openaiSplice(shape: Shape): SpliceDialect {
  return {
    id: shape.id,
    retarget: (body, ask, target) => retarget(shape, body, ask, target),
    meterReply,
    attach,
    relayStream: (head) => new OpenaiRelay(shape, head),
  };
}

function retarget({ path }: Shape, body: Uint8Array, ask: Ask, target: Target): UpstreamRequest {
  const raw = toRaw(body);
  const model = rawJson(target.model);
  const set: Record<string, string | undefined> = { model };
  const add: Record<string, string> = { model };
  for (const name of gatewayMembers) set[name] = undefined;
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
  return { path, body: fromRaw(edit(raw, { set, add })), dropped };
}

/** An object, in raw text, with members put; a new object where there was none. */
function withMembers(raw: string | undefined, members: JsonObject): string {
  if (!raw?.startsWith("{")) return rawJson(members);
  const put: Record<string, string> = {};
  for (const [name, value] of Object.entries(members)) put[name] = rawJson(value ?? null);
  return edit(raw, { set: put, add: put });
}

/** What metering found in an answer, for attach() on the same bytes. */
interface Metered {
  raw: string;
  members: Member[];
}
const metered = new WeakMap<Uint8Array, Metered>();

function meterReply(body: Uint8Array): { id: string | undefined; usage: Usage | undefined } {
  const parsed = readAnswer(decode(body));
  metered.set(body, metering(body));
  return { id: stringOf(parsed.id) || undefined, usage: findUsage(parsed) };
}

function metering(body: Uint8Array): Metered {
  const raw = toRaw(body);
  try {
    return { raw, members: membersOf(raw) };
  } catch (cause) {
    throw new UpstreamStreamError("The provider sent an answer that is nested too deep", { cause });
  }
}

function attach(body: Uint8Array, summary: Summary): Uint8Array<ArrayBuffer> {
  const { raw, members } = metered.get(body) ?? metering(body);
  const last = (name: string): string => {
    const member = members.findLast(({ key }) => key === name);
    return member === undefined ? "" : raw.slice(member.valueStart, member.end);
  };
  const put: Record<string, string> = {
    model: rawJson(summary.model),
    lowrouter: rawJson(summary.block),
    id: rawJson(summary.completionId),
  };
  const { usage } = summary;
  if (usage !== undefined) {
    const told = last("usage");
    const theirs = told.startsWith("{") && usage.estimated !== true;
    put.usage = theirs ? completeUsage(told, usage, summary) : rawJson(writeUsage(usage, summary));
  }
  return fromRaw(edit(raw, { set: put, add: put }, 0, members));
}

import {
  type Ask,
  type MeteredReply,
  type SpliceDialect,
  type Summary,
  type Target,
  type UpstreamRequest,
} from "#src/dialect/dialect.ts";
import { editedRequest } from "#src/dialect/edited.ts";
import { gatewayMembers } from "#src/dialect/ask-routing.ts";
import { readAnswer } from "#src/dialect/openai/openai-chunk.ts";
import type { Shape } from "#src/dialect/openai/openai-ending.ts";
import { adapt } from "#src/dialect/openai/openai-adapt.ts";
import { mendChoices } from "#src/dialect/openai/openai-mend.ts";
import type { Mending } from "#src/dialect/openai/openai-mending.ts";
import { OpenaiRelay } from "#src/dialect/openai/openai-relay.ts";
import { completeUsage, findUsage, writeUsage } from "#src/dialect/openai/openai-usage.ts";
import { RawAnswer, withMembers } from "#src/dialect/raw-answer.ts";
import { rawJson, rawOf } from "#src/dialect/raw-text.ts";
import { type Member, membersOf, valueIn } from "#src/dialect/splice.ts";
import type { Usage } from "#src/dialect/usage.ts";
import type { Payload } from "#src/lib/bytes.ts";
import { isObject, stringOf } from "#src/lib/json.ts";

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
  const raw = rawOf(body, ask);
  const model = rawJson(target.model);
  const set: Record<string, string | undefined> = { model };
  const add: Record<string, string> = { model };
  for (const name of gatewayMembers) if (name in ask.parsed) set[name] = undefined;
  // Members are looked up only where one has to be changed from within.
  let members: Member[] | undefined;
  const told = (name: string): string | undefined => {
    if (!(name in ask.parsed)) return undefined;
    members ??= membersOf(raw);
    return valueIn(raw, name, members);
  };
  if (ask.stream) {
    const options = told("stream_options");
    set.stream_options = add.stream_options = withMembers(options, { include_usage: true });
  }
  const dropped = adapt(ask, target, { set, add }, told);
  for (const name in target.overrides) {
    const value = target.overrides[name];
    const put = isObject(value) ? withMembers(told(name), value) : rawJson(value ?? null);
    set[name] = add[name] = put;
  }
  return { path, body: editedRequest(raw, { set, add }, ask.ascii !== undefined), dropped };
}

class OpenaiReply implements MeteredReply {
  readonly id: string | undefined;
  readonly usage: Usage | undefined;
  readonly #answer: RawAnswer;
  /** Puts the choices right, where something is wrong with them. */
  readonly #mend: Mending | undefined;

  constructor(body: Uint8Array) {
    const answer = new RawAnswer(body);
    const parsed = readAnswer(answer.text);
    this.id = stringOf(parsed.id) || undefined;
    this.usage = findUsage(parsed);
    this.#mend = mendChoices(parsed.choices, this.id);
    answer.walk();
    this.#answer = answer;
  }

  attach(summary: Summary): Payload {
    const put: Record<string, string> = {
      model: rawJson(summary.model),
      lowrouter: rawJson(summary.block),
      id: rawJson(summary.completionId),
    };
    if (this.#mend !== undefined) put.choices = this.#mend(this.#answer.last("choices"));
    const { usage } = summary;
    if (usage !== undefined) {
      const told = this.#answer.last("usage");
      put.usage =
        told.startsWith("{") && usage.estimated !== true
          ? completeUsage(told, usage, summary)
          : rawJson(writeUsage(usage, summary));
    }
    return this.#answer.edited({ set: put, add: put });
  }
}

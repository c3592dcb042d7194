import type { Ask, ReasoningControl } from "#src/dialect/dialect.ts";
import { clampEffort, fitBudget, thinkingTokens } from "#src/dialect/effort.ts";
import { memberOf, nameIn } from "#src/dialect/gemini/gemini-client-names.ts";
import { withMembers } from "#src/dialect/raw-answer.ts";
import { fromRaw, rawJson, rawOf } from "#src/dialect/raw-text.ts";
import { edit, valueIn } from "#src/dialect/splice.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** The least that Anthropic's wire takes as a budget of reasoning tokens. */
const leastBudget = 1024;

/**
 * A request that turns reasoning on, in its own dialect's words: what `reasoning: {"enabled": true}` means. What it
 * says about reasoning itself stands, and all other bytes stay.
 */
export function askToThink(
  body: Uint8Array,
  ask: Ask,
  control: ReasoningControl,
): { body: Uint8Array; ask: Ask } {
  const put = memberOfDialect(ask, control);
  if (put === undefined) return { body, ask };
  const { name, within, value } = put;
  const raw = rawOf(body, ask);
  const old = valueIn(raw, name);
  const text =
    within === undefined
      ? withMembers(old, value)
      : nested(old?.startsWith("{") ? old : "{}", within, value);
  const edited = edit(raw, { set: { [name]: text }, add: { [name]: text } });
  const before = objectOf(ask.parsed[name]);
  const now =
    within === undefined
      ? { ...before, ...value }
      : { ...before, [within]: { ...objectOf(before[within]), ...value } };
  const parsed: JsonObject = { ...ask.parsed, [name]: now };
  const asked: Ask = { ...ask, parsed, needs: { ...ask.needs, reasoning: true } };
  delete asked.turn;
  if (ask.ascii !== undefined) asked.ascii = edited;
  if (ask.raw !== undefined) asked.raw = edited;
  return { body: fromRaw(edited), ask: asked };
}

interface Put {
  /** A member of the body, and one within it. */
  name: string;
  within?: string;
  value: JsonObject;
}

/** What to say and where; undefined where the request says it itself, or the dialect has no word. */
function memberOfDialect({ dialect, parsed }: Ask, control: ReasoningControl): Put | undefined {
  const wish = objectOf(parsed.reasoning);
  switch (dialect) {
    case "openai-chat": {
      const own = [parsed.reasoning_effort, wish.effort, wish.max_tokens, wish.enabled];
      return own.some(isGiven) ? undefined : { name: "reasoning", value: { enabled: true } };
    }
    case "openai-responses":
      return isGiven(wish.effort) ? undefined : { name: "reasoning", value: { effort: "medium" } };
    case "anthropic-messages":
      return isGiven(parsed.thinking) ? undefined : thinking(parsed, control);
    case "gemini":
      return thinkingConfig(parsed, control);
    default:
      return undefined;
  }
}

/** Models without a budget decide themselves how much to think. */
function thinking({ max_tokens: limit }: JsonObject, control: ReasoningControl): Put | undefined {
  const name = "thinking";
  if (control.budget === undefined && control.efforts !== undefined)
    return { name, value: { type: "adaptive" } };
  const most = typeof limit === "number" ? limit : undefined;
  const wanted = Math.max(leastBudget, thinkingTokens({ effort: "medium" }, most));
  const budget = fitBudget(wanted, leastBudget, most ?? Number.POSITIVE_INFINITY);
  return budget === undefined
    ? undefined
    : { name, value: { type: "enabled", budget_tokens: budget } };
}

function thinkingConfig(parsed: JsonObject, control: ReasoningControl): Put | undefined {
  const name = nameIn(parsed, "generationConfig");
  const config = objectOf(parsed[name]);
  const within = nameIn(config, "thinkingConfig");
  const own = objectOf(config[within]);
  if (isGiven(memberOf(own, "thinkingBudget")) || isGiven(memberOf(own, "thinkingLevel")))
    return undefined;
  const level =
    control.budget === undefined && control.efforts
      ? clampEffort("medium", control.efforts)
      : undefined;
  // -1 leaves the amount to the model.
  return { name, within, value: level ? { thinkingLevel: level } : { thinkingBudget: -1 } };
}

function isGiven(value: Json | undefined): boolean {
  return value !== undefined && value !== null;
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** An object in raw text with members put into one of its members. */
function nested(raw: string, name: string, value: JsonObject): string {
  const old = valueIn(raw, name);
  const text = old === undefined ? rawJson(value) : withMembers(old, value);
  return edit(raw, { set: { [name]: text }, add: { [name]: text } });
}

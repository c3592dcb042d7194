import type { ReasoningControl, Target } from "#src/dialect/dialect.ts";
import { type Effort, fitBudget, thinkingBudgets, thinkingTokens } from "#src/dialect/effort.ts";
import { rawJson } from "#src/dialect/raw-text.ts";
import { edit, elementsOf, lastOf, membersOf } from "#src/dialect/splice.ts";
import { isObject, numberOf, type Json, type JsonObject } from "#src/lib/json.ts";

/*
 * Clients write for the model whose name they see. Under a name of the gateway they write for the newest: what the
 * older ones refuse of that is said to them as they know it, and nothing else is touched.
 */

/** How a request asks to think, as the model takes it. */
export interface SuitedThinking {
  /** The member to send in the place of the client's; absent: the client's own. */
  thinking?: JsonObject;
  /** It has to go without thinking. */
  isLeftOut: boolean;
  /** The model has no efforts. */
  withoutEffort: boolean;
  dropped: string[];
}

const asItIs: SuitedThinking = { isLeftOut: false, withoutEffort: false, dropped: [] };
const leastBudget = 1024;

/** Thinking and effort as the model takes them: the older take a budget where the newer find their own. */
export function suitThinking(body: JsonObject, { reasoning }: Target): SuitedThinking {
  const { thinking, output_config: config } = body;
  const isAdaptive = isObject(thinking) && thinking.type === "adaptive";
  const effort = isObject(config) && isEffort(config.effort) ? config.effort : undefined;
  if (!isAdaptive && effort === undefined) return asItIs;
  const withoutEffort = effort !== undefined && !takesEffort(reasoning);
  const lost = withoutEffort ? ["output_config.effort"] : [];
  if (!isAdaptive) return { isLeftOut: false, withoutEffort, dropped: lost };
  if (reasoning === undefined)
    return { isLeftOut: true, withoutEffort, dropped: ["thinking", ...lost] };
  if (!isByBudget(reasoning)) return { isLeftOut: false, withoutEffort, dropped: lost };
  const least = Math.max(leastBudget, reasoning.budget?.min ?? leastBudget);
  const limit = numberOf(body.max_tokens);
  const share = thinkingTokens({ effort: effort ?? "high" }, limit);
  const tokens = Math.min(Math.max(share, least), reasoning.budget?.max ?? Infinity);
  const budget = fitBudget(tokens, least, limit ?? Infinity);
  if (budget === undefined)
    return { isLeftOut: true, withoutEffort, dropped: ["thinking", ...lost] };
  const display = thinking.display === undefined ? {} : { display: thinking.display };
  const enabled = { type: "enabled", budget_tokens: budget, ...display };
  return { thinking: enabled, isLeftOut: false, withoutEffort, dropped: [] };
}

/** Whether a model takes a budget and does not adapt, which came with the effort `max`. Unknown is taken for no. */
function isByBudget({ budget, efforts = [] }: ReasoningControl): boolean {
  return budget !== undefined && !efforts.includes("max") && !efforts.includes("xhigh");
}

/** Whether a model takes an effort, as far as is known of it. */
function takesEffort(control: ReasoningControl | undefined): boolean {
  return control !== undefined && (control.efforts !== undefined || control.budget === undefined);
}

function isEffort(value: Json | undefined): value is Effort {
  return typeof value === "string" && Object.hasOwn(thinkingBudgets, value);
}

/** `output_config` in raw text without its effort; undefined where nothing is left. */
export function withoutEffort(raw: string, { output_config: config }: JsonObject) {
  const rest = isObject(config) ? Object.keys(config).filter((name) => name !== "effort") : [];
  return rest.length === 0 ? undefined : edit(raw, { set: { effort: undefined } });
}

/** Whether the context is edited by clearing thinking, which is refused where none is asked for. */
export function clearsThinking({ context_management: managed }: JsonObject): boolean {
  return isObject(managed) && Array.isArray(managed.edits) && managed.edits.some(isClearing);
}

function isClearing(step: Json): boolean {
  return isObject(step) && typeof step.type === "string" && step.type.startsWith("clear_thinking_");
}

/** `context_management` in raw text without what clears thinking; undefined where nothing is left. */
export function withoutClearing(raw: string, { context_management: managed }: JsonObject) {
  const steps = isObject(managed) && Array.isArray(managed.edits) ? managed.edits : [];
  const edits = lastOf(membersOf(raw), "edits");
  if (edits === undefined || steps.every(isClearing)) return undefined;
  const list = raw.slice(edits.valueStart, edits.end);
  const kept = elementsOf(list, 0)
    .filter((_, index) => !isClearing(steps[index] ?? null))
    .map(({ start, end }) => list.slice(start, end));
  return edit(raw, { set: { edits: `[${kept.join(",")}]` } });
}

/** Whether an instruction stands amid the conversation, which only the newest models take. */
export function isInstruction(message: Json): boolean {
  return isObject(message) && message.role === "system";
}

/** Such an instruction, in raw text, as words of the user; none where it says nothing. */
export function asUserSays(raw: string, message: JsonObject): string[] {
  const { content } = message;
  const texts = Array.isArray(content) ? content.filter(isObject) : [{ text: content }];
  const said = texts.flatMap(({ text }) => (typeof text === "string" && text.trim() ? [text] : []));
  if (said.length === 0) return [];
  const marks = texts.flatMap((block: JsonObject) => block.cache_control ?? []);
  const mark = marks.at(-1);
  const text = `<system>\n${said.join("\n\n")}\n</system>`;
  const block = { type: "text", text, ...(mark === undefined ? {} : { cache_control: mark }) };
  return [edit(raw, { set: { role: rawJson("user"), content: rawJson([block]) } })];
}

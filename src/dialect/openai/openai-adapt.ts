import type { Ask, ReasoningControl, Target } from "#src/dialect/dialect.ts";
import { clampEffort, type Effort, effortOfBudget, shareOf } from "#src/dialect/effort.ts";
import { adaptMessages, mapElements } from "#src/dialect/openai/openai-adapt-messages.ts";
import { type Quirks, quirksOf } from "#src/dialect/openai/openai-quirks.ts";
import { reasoningOf } from "#src/dialect/openai/openai-reasoning.ts";
import { refuseChoices, requireSayable, withoutLogprobs } from "#src/dialect/leftover.ts";
import { rawJson } from "#src/dialect/raw-text.ts";
import { edit } from "#src/dialect/splice.ts";
import type { Reasoning } from "#src/dialect/turn.ts";
import { isObject, numberOf, type JsonObject } from "#src/lib/json.ts";

export interface Changes {
  set: Record<string, string | undefined>;
  add: Record<string, string>;
}

/** A member's value as the request has it, in raw text; undefined where it is absent. */
export type Told = (name: string) => string | undefined;

/**
 * Changes that a provider of the same wire needs, added to `changes`: what it would refuse, and no more.
 * Returns the names of what it cannot take. Throws `unsupported_feature` for what would change the answer.
 */
export function adapt(
  { parsed, dialect }: Pick<Ask, "parsed" | "dialect">,
  target: Target,
  changes: Changes,
  told: Told,
): string[] {
  const quirks = quirksOf(target);
  const dropped: string[] = [];
  if (!target.samplingParams) drop(["temperature", "top_p", "top_k"], parsed, changes, dropped);
  if (quirks.seed !== "seed" && "seed" in parsed) rename("seed", quirks.seed, changes, told);
  if (dialect !== "openai-chat") return dropped;
  refuseUnsayable(parsed, quirks);
  drop(quirks.refused, parsed, changes, dropped);
  nameOutputLimit(parsed, quirks, changes, told);
  if (quirks.endsEarly) tellLimit(parsed, target, changes);
  suitTemperature(parsed, quirks, changes);
  if ("reasoning" in parsed || "reasoning_effort" in parsed)
    dropped.push(...steer(parsed, quirks, target, changes));
  if (quirks.required !== "required" && parsed.tool_choice === "required")
    changes.set.tool_choice = rawJson(quirks.required);
  if (quirks.cacheMarks === "refused" || quirks.cacheMarks === "prompt_cache_breakpoint")
    unmarkTools(parsed, changes, told);
  const messages = adaptMessages(parsed.messages, quirks, () => told("messages"));
  if (messages.raw !== undefined) changes.set.messages = messages.raw;
  dropped.push(...messages.dropped);
  if (quirks.taken !== undefined) keepTaken(quirks.taken, parsed, changes, dropped);
  return dropped;
}

/** Members that speak to a prompt cache: nobody misses them. */
const silent: ReadonlySet<string> = new Set(["cache_control", "stream_options"]);

function drop(
  names: Iterable<string>,
  parsed: JsonObject,
  { set, add }: Changes,
  dropped: string[],
): void {
  for (const name of names) {
    if (!(name in parsed) && !(name in add)) continue;
    set[name] = undefined;
    delete add[name];
    const value = parsed[name];
    requireSayable(name, value);
    if (value !== null && value !== undefined && !silent.has(name) && !dropped.includes(name))
      dropped.push(name);
  }
}

/** Leaves a provider that refuses strange members with those that it knows. */
function keepTaken(
  taken: ReadonlySet<string>,
  parsed: JsonObject,
  changes: Changes,
  dropped: string[],
): void {
  const strange = Object.keys({ ...parsed, ...changes.add }).filter(
    // What is to be removed already has been named, or is the gateway's own.
    (name) => !taken.has(name) && !(name in changes.set && changes.set[name] === undefined),
  );
  drop(strange, parsed, changes, dropped);
}

function refuseUnsayable(parsed: JsonObject, { oneChoice, noLogprobs }: Quirks): void {
  if (oneChoice) refuseChoices(numberOf(parsed.n) ?? 1);
  if (noLogprobs && parsed.logprobs === true) throw withoutLogprobs();
}

function rename(from: string, to: string, { set, add }: Changes, told: Told): void {
  const value = told(from);
  set[from] = undefined;
  if (value !== undefined) set[to] = add[to] = value;
}

/** The output limit under the one name that the target takes; max_completion_tokens is the newer word and wins. */
function nameOutputLimit(
  parsed: JsonObject,
  { outputLimit }: Quirks,
  changes: Changes,
  told: Told,
): void {
  if (outputLimit === undefined) return;
  const other = outputLimit === "max_tokens" ? "max_completion_tokens" : "max_tokens";
  if (!(other in parsed)) return;
  const newer = isGiven(parsed.max_completion_tokens) ? "max_completion_tokens" : "max_tokens";
  if (newer === other) rename(other, outputLimit, changes, told);
  else changes.set[other] = undefined;
}

/** Servers that would stop after a few hundred tokens get the limit that the answer is held to. */
function tellLimit(parsed: JsonObject, target: Target, changes: Changes): void {
  if (isGiven(parsed.max_tokens) || isGiven(parsed.max_completion_tokens)) return;
  say("max_tokens", Math.min(target.heldOutputTokens, target.maxOutputTokens ?? Infinity), changes);
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function suitTemperature(
  { temperature }: JsonObject,
  { temperatureMost, noZeroTemperature }: Quirks,
  { set, add }: Changes,
): void {
  if (typeof temperature !== "number") return;
  if (temperatureMost !== undefined && temperature > temperatureMost)
    set.temperature = rawJson(temperatureMost);
  if (noZeroTemperature && temperature === 0) {
    set.temperature = undefined;
    set.do_sample = add.do_sample = "false";
  }
}

/** Tokens to think with where a model takes a number for an effort and the caller set no limit; the efforts above are left to it. */
const thinkingTokens: Partial<Record<Effort, number>> = { minimal: 1024, low: 2048, medium: 8192 };

/** The share of the caller's limit that an effort stands for, else a number for the lower efforts. */
function budgetOf(parsed: JsonObject, target: Target, effort: Effort): number | undefined {
  const limit = numberOf(parsed.max_completion_tokens) ?? numberOf(parsed.max_tokens);
  if (limit === undefined) return thinkingTokens[effort];
  const { min = 1, max = Infinity } = target.reasoning?.budget ?? {};
  const share = shareOf(Math.min(limit, target.maxOutputTokens ?? Infinity), effort);
  return Math.min(Math.max(share, min), max);
}

/** Says the wish for reasoning in the provider's words; its own words, where the client used them, stand. */
function steer(parsed: JsonObject, quirks: Quirks, target: Target, changes: Changes): string[] {
  if (quirks.reasoning === "object") return [];
  const { set } = changes;
  const inObject = isGiven(parsed.reasoning);
  if (inObject) set.reasoning = undefined;
  const wish = reasoningOf(parsed);
  if (wish === undefined) return [];
  // Without a word of its own, hiding the reasoning cannot be asked for.
  const dropped = wish.exclude ? ["reasoning.exclude"] : [];
  const named = inObject ? "reasoning" : "reasoning_effort";
  const amount = { off: isOff(wish), asked: isAsked(wish), effort: effortFor(wish, target) };
  const { reasoning: control } = target;
  if (control === undefined) {
    if (quirks.strict) set.reasoning_effort = undefined;
    if (amount.asked && (quirks.strict || inObject)) dropped.push(named);
  } else if (quirks.reasoning !== "effort") {
    const tokens = wish.budgetTokens ?? budgetOf(parsed, target, amount.effort ?? "high");
    steerInOwnWord(parsed, quirks.reasoning, control, { ...amount, tokens }, changes);
  } else if (control.efforts === undefined && quirks.listedEfforts) {
    set.reasoning_effort = undefined;
    if (amount.asked) dropped.push(named);
  } else {
    sayEffort(parsed, amount.effort, changes);
  }
  return dropped;
}

interface Amount {
  off: boolean;
  asked: boolean;
  /** The effort asked for, or the nearest that the model has. */
  effort: Effort | undefined;
  /** What a model is told that takes a number. */
  tokens: number | undefined;
}

function isOff({ effort, budgetTokens }: Reasoning): boolean {
  return effort === "none" || (effort === undefined && budgetTokens === 0);
}

function isAsked(wish: Reasoning): boolean {
  return !isOff(wish) && (wish.effort !== undefined || wish.budgetTokens !== undefined);
}

/** Switches reasoning with the provider's own member; models with efforts are told theirs as well. */
function steerInOwnWord(
  parsed: JsonObject,
  style: Exclude<Quirks["reasoning"], "effort" | "object">,
  control: ReasoningControl,
  { off, asked, effort, tokens }: Amount,
  changes: Changes,
): void {
  const held = off && control.mandatory !== true;
  const graded = control.efforts !== undefined && !held && style !== "enable_thinking";
  sayEffort(parsed, graded ? effort : undefined, changes);
  if (!held && !asked) return;
  if (style === "enabled") {
    if (!graded) say("reasoning", { enabled: !held }, changes);
  } else if (style === "thinking") {
    if (!isGiven(parsed.thinking))
      say("thinking", { type: held ? "disabled" : "enabled" }, changes);
  } else if (!isGiven(parsed.enable_thinking)) {
    say("enable_thinking", !held, changes);
    if (!held && tokens !== undefined && !isGiven(parsed.thinking_budget))
      say("thinking_budget", tokens, changes);
  }
}

function sayEffort(parsed: JsonObject, effort: Effort | undefined, changes: Changes): void {
  if (effort === undefined) changes.set.reasoning_effort = undefined;
  else if (parsed.reasoning_effort !== effort) say("reasoning_effort", effort, changes);
}

function say(name: string, value: JsonObject | string | number | boolean, { set, add }: Changes) {
  set[name] = add[name] = rawJson(value);
}

/** The effort to ask a target for; undefined leaves it to the model. */
export function effortFor(wish: Reasoning | undefined, target: Target): Effort | undefined {
  if (wish === undefined || target.reasoning === undefined) return undefined;
  const budget = wish.budgetTokens === undefined ? undefined : effortOfBudget(wish.budgetTokens);
  const wanted = wish.effort ?? budget;
  if (wanted === undefined) return undefined;
  return target.reasoning.efforts ? clampEffort(wanted, target.reasoning.efforts) : wanted;
}

function unmarkTools({ tools }: JsonObject, { set }: Changes, told: Told): void {
  const given = Array.isArray(tools) ? tools : [];
  if (!given.some((tool) => isObject(tool) && "cache_control" in tool)) return;
  const raw = told("tools") ?? "[]";
  set.tools = mapElements(raw, (tool) =>
    tool.startsWith("{") ? edit(tool, { set: { cache_control: undefined } }) : tool,
  );
}

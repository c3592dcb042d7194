import type { Ask, Target } from "#src/dialect/dialect.ts";
import { clampEffort, type Effort, effortOfBudget } from "#src/dialect/effort.ts";
import { type Quirks, quirksOf } from "#src/dialect/openai-quirks.ts";
import { reasoningOf } from "#src/dialect/openai-reasoning.ts";
import { rawJson } from "#src/dialect/raw-text.ts";
import { edit, elementsOf } from "#src/dialect/splice.ts";
import type { Reasoning } from "#src/dialect/turn.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

interface Changes {
  set: Record<string, string | undefined>;
  add: Record<string, string>;
}

/** Changes that a provider of the same wire needs, added to `changes`. Returns the names of what it cannot take. */
export function adapt(
  { parsed, dialect }: Ask,
  target: Target,
  changes: Changes,
  told: (name: string) => string | undefined,
): string[] {
  const dropped: string[] = [];
  const quirks = quirksOf(target);
  if (!target.samplingParams) {
    for (const name of ["temperature", "top_p", "top_k"]) {
      if (!(name in parsed)) continue;
      changes.set[name] = undefined;
      if (parsed[name] !== null) dropped.push(name);
    }
  }
  if (quirks.seed !== "seed" && "seed" in parsed) rename("seed", quirks.seed, changes, told);
  if (dialect !== "openai-chat") return dropped;
  nameOutputLimit(parsed, quirks, changes, told);
  if (isObject(parsed.reasoning) && !quirks.reasoningObject)
    dropped.push(...effortForObject(parsed, target, changes));
  if (!quirks.developerRole) systemForDeveloper(parsed, changes, told);
  return dropped;
}

function rename(
  from: string,
  to: string,
  { set, add }: Changes,
  told: (name: string) => string | undefined,
): void {
  const value = told(from);
  set[from] = undefined;
  if (value !== undefined) set[to] = add[to] = value;
}

/** The output limit under the one name that the target takes; max_completion_tokens is the newer word and wins. */
function nameOutputLimit(
  parsed: JsonObject,
  { outputLimit }: Quirks,
  changes: Changes,
  told: (name: string) => string | undefined,
): void {
  if (outputLimit === undefined) return;
  const other = outputLimit === "max_tokens" ? "max_completion_tokens" : "max_tokens";
  if (!(other in parsed)) return;
  const newer = isGiven(parsed.max_completion_tokens) ? "max_completion_tokens" : "max_tokens";
  if (newer === other) rename(other, outputLimit, changes, told);
  else changes.set[other] = undefined;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** `reasoning` said as `reasoning_effort`. */
function effortForObject(parsed: JsonObject, target: Target, { set, add }: Changes): string[] {
  set.reasoning = undefined;
  const wish = reasoningOf(parsed);
  // Without a word of its own, hiding the reasoning cannot be asked for.
  const dropped = wish?.exclude ? ["reasoning.exclude"] : [];
  const effort = effortFor(wish, target);
  if (effort !== undefined) {
    if (!isGiven(parsed.reasoning_effort))
      set.reasoning_effort = add.reasoning_effort = rawJson(effort);
  } else if (wish?.effort !== undefined && wish.effort !== "none") {
    dropped.push("reasoning");
  }
  return dropped;
}

/** The effort to ask a target for; undefined leaves it to the model. */
export function effortFor(wish: Reasoning | undefined, target: Target): Effort | undefined {
  if (wish === undefined || target.reasoning === undefined) return undefined;
  const budget = wish.budgetTokens === undefined ? undefined : effortOfBudget(wish.budgetTokens);
  const wanted = wish.effort ?? budget;
  if (wanted === undefined) return undefined;
  return target.reasoning.efforts ? clampEffort(wanted, target.reasoning.efforts) : wanted;
}

function systemForDeveloper(
  { messages }: JsonObject,
  { set }: Changes,
  told: (name: string) => string | undefined,
): void {
  const given = Array.isArray(messages) ? messages : [];
  if (!given.some((message) => isObject(message) && message.role === "developer")) return;
  const raw = told("messages") ?? "";
  let out = "";
  let at = 0;
  for (const [index, { start, end }] of elementsOf(raw, 0).entries()) {
    const message = given[index];
    if (!isObject(message) || message.role !== "developer") continue;
    out += raw.slice(at, start) + edit(raw.slice(start, end), { set: { role: '"system"' } });
    at = end;
  }
  set.messages = out + raw.slice(at);
}

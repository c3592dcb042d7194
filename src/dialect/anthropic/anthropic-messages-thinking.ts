import type { ReasoningControl, Target } from "#src/dialect/dialect.ts";
import {
  clampEffort,
  effortOfBudget,
  fitBudget,
  thinkingTokens,
  type Effort,
} from "#src/dialect/effort.ts";
import type { Reasoning, Turn } from "#src/dialect/turn.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** Thinking and the output limit, which must suit each other. */
export interface ThinkingPlan {
  maxTokens: number;
  thinking?: JsonObject;
  /** `output_config.effort`. */
  effort?: Effort;
  /** The model thinks, so sampling is restricted. */
  on: boolean;
  dropped: string[];
}

/** What stands against thinking in a request. */
export interface ThinkingObstacles {
  /** A tool call is demanded. */
  forced: boolean;
  /** The conversation ends in words put into the model's mouth. */
  prefill: boolean;
  /** A tool loop is open whose thinking did not come back with it. */
  unsignedLoop: boolean;
}

const leastBudget = 1024;

/**
 * Says reasoning on this wire. The order is fixed: what the client demands of the answer (a forced
 * tool, a prefill) beats thinking, thinking beats sampling, and the client's limit beats the budget.
 */
export function planThinking(
  turn: Turn,
  target: Target,
  obstacles: ThinkingObstacles,
): ThinkingPlan {
  const { reasoning } = turn;
  const control = target.reasoning;
  const asked = reasoning !== undefined && isAsked(reasoning);
  const plain = { maxTokens: limitOf(turn, target), on: false, dropped: [] };
  if (!asked && !control?.mandatory)
    return { ...plain, ...(reasoning ? off(reasoning, control) : {}) };
  if (!control) return { ...plain, dropped: ["reasoning"] };
  const { efforts } = control;
  const wanted = reasoning ?? {};
  if (efforts && isAdaptive(efforts, wanted, control)) {
    if (obstacles.forced && !control.mandatory) {
      return { ...plain, thinking: { type: "disabled" }, dropped: ["reasoning"] };
    }
    return adaptive(turn, target, wanted, efforts);
  }
  const blocked = obstacles.forced || obstacles.prefill || obstacles.unsignedLoop;
  if (blocked) return { ...plain, dropped: asked ? ["reasoning"] : [] };
  return manual(turn, target, wanted, control) ?? { ...plain, dropped: asked ? ["reasoning"] : [] };
}

/** Models that still take budgets adapt from 4.6 on, which brought the effort `max`; a budget asked for stands there. */
function isAdaptive(efforts: string[], wanted: Reasoning, { budget }: ReasoningControl): boolean {
  if (budget === undefined) return true;
  return (
    wanted.budgetTokens === undefined && (efforts.includes("max") || efforts.includes("xhigh"))
  );
}

function isAsked(reasoning: Reasoning): boolean {
  if (reasoning.effort !== undefined) return reasoning.effort !== "none";
  if (reasoning.budgetTokens !== undefined) return reasoning.budgetTokens > 0;
  // `exclude` alone hides reasoning, it does not ask for it; an empty object asks.
  return reasoning.exclude !== true;
}

function off(reasoning: Reasoning, control: ReasoningControl | undefined): Partial<ThinkingPlan> {
  const said = reasoning.effort === "none" || reasoning.budgetTokens === 0;
  return said && control?.efforts ? { thinking: { type: "disabled" } } : {};
}

function adaptive(turn: Turn, target: Target, wanted: Reasoning, efforts: string[]): ThinkingPlan {
  const named =
    wanted.effort ??
    (wanted.budgetTokens === undefined ? undefined : effortOfBudget(wanted.budgetTokens));
  const effort = named === undefined ? undefined : clampEffort(named, efforts);
  return {
    maxTokens: limitOf(turn, target),
    thinking: { type: "adaptive", display: wanted.exclude ? "omitted" : "summarized" },
    ...(effort ? { effort } : {}),
    on: true,
    dropped: [],
  };
}

function manual(
  turn: Turn,
  target: Target,
  wanted: Reasoning,
  control: ReasoningControl,
): ThinkingPlan | undefined {
  const least = Math.max(leastBudget, control.budget?.min ?? leastBudget);
  const maxTokens = limitOf(turn, target);
  const named = thinkingTokens(wanted, turn.maxOutputTokens === undefined ? undefined : maxTokens);
  const tokens = Math.min(Math.max(named, least), control.budget?.max ?? Infinity);
  const budget = fitBudget(tokens, least, maxTokens);
  if (budget === undefined) return undefined;
  const display = wanted.exclude ? { display: "omitted" } : {};
  const thinking = { type: "enabled", budget_tokens: budget, ...display };
  return { maxTokens, thinking, on: true, dropped: [] };
}

/** The limit holds for thinking and answer together; without the client's, it is what is held for the answer in money. */
function limitOf({ maxOutputTokens }: Turn, target: Target): number {
  const most = target.maxOutputTokens ?? Infinity;
  return Math.min(maxOutputTokens ?? target.heldOutputTokens, most);
}

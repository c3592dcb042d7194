import { planThinking } from "#src/dialect/anthropic/anthropic-messages-thinking.ts";
import type { Family } from "#src/dialect/bedrock/bedrock-family.ts";
import type { ToolPlan } from "#src/dialect/bedrock/bedrock-tools.ts";
import { endsInUnsignedLoop, type Entry } from "#src/dialect/conversation.ts";
import type { Target } from "#src/dialect/dialect.ts";
import { clampEffort, effortOfBudget } from "#src/dialect/effort.ts";
import type { Turn } from "#src/dialect/turn.ts";
import type { JsonObject } from "#src/lib/json.ts";

/** Reasoning, and what it leaves of the output limit and of sampling. */
export interface ReasoningPlan {
  /** Members of `additionalModelRequestFields`. */
  fields: JsonObject;
  maxTokens?: number | undefined;
  /** Sampling that the model takes while it reasons. */
  sampling: "all" | "wide-top-p" | "none";
  dropped: string[];
}

/** What else the request is, that reasoning must suit. */
interface Circumstances {
  tools: ToolPlan;
  prefill: boolean;
  entries: readonly Entry[];
}

/** Says reasoning as the maker of the model does; what the client set a limit to keeps its limit. */
export function planReasoning(
  turn: Turn,
  target: Target,
  family: Family,
  { tools, prefill, entries }: Circumstances,
): ReasoningPlan {
  if (family === "claude") {
    const { forced } = tools;
    const unsignedLoop = endsInUnsignedLoop(entries);
    const plan = planThinking(turn, target, { forced, prefill, unsignedLoop });
    const fields = {
      ...(plan.thinking ? { thinking: plan.thinking } : {}),
      ...(plan.effort ? { output_config: { effort: plan.effort } } : {}),
    };
    const { maxTokens, dropped } = plan;
    return { fields, maxTokens, sampling: plan.on ? "wide-top-p" : "all", dropped };
  }
  const most = target.maxOutputTokens ?? Infinity;
  const asked = turn.maxOutputTokens;
  // Without a word the host allows as much as the model can say.
  const maxTokens = asked === undefined ? undefined : Math.min(asked, most);
  const plain: ReasoningPlan = { fields: {}, maxTokens, sampling: "all", dropped: [] };
  const { effort, budgetTokens } = turn.reasoning ?? {};
  const wanted = effort ?? (budgetTokens === undefined ? undefined : effortOfBudget(budgetTokens));
  if (wanted === undefined || wanted === "none") return plain;
  const efforts = target.reasoning?.efforts;
  if (family !== "nova" || efforts === undefined) return { ...plain, dropped: ["reasoning"] };
  const named = clampEffort(wanted, efforts);
  // High effort takes no output limit and no sampling; the client's limit beats the effort.
  const level = named === "high" && maxTokens !== undefined ? "medium" : named;
  const fields = { reasoningConfig: { type: "enabled", maxReasoningEffort: level ?? "low" } };
  return { ...plain, fields, sampling: level === "high" ? "none" : "all" };
}

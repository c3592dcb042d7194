import type { Reasoning } from "#src/dialect/turn.ts";
import { isObject, numberOf, type JsonObject } from "#src/lib/json.ts";

/** Words for how much to reason, least first. */
export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

/** What a request says about reasoning, in `reasoning_effort` or the object `reasoning`; the first one wins. */
export function reasoningOf(body: JsonObject): Reasoning | undefined {
  const wish = isObject(body.reasoning) ? body.reasoning : {};
  const named = body.reasoning_effort ?? wish.effort;
  const budgetTokens = numberOf(wish.max_tokens);
  const told = wish.enabled === false ? "none" : efforts.find((effort) => effort === named);
  const bare = wish.enabled === true && budgetTokens === undefined ? "medium" : undefined;
  const effort = told ?? bare;
  const exclude = wish.exclude === true ? true : undefined;
  if (effort === undefined && budgetTokens === undefined && exclude === undefined) return undefined;
  return { effort, budgetTokens, exclude };
}

/** Whether a model that cannot reason would fall short of the request. */
export function needsReasoning(body: JsonObject): boolean {
  const wish = reasoningOf(body);
  if (wish === undefined || wish.effort === "none") return false;
  return wish.effort !== undefined || (wish.budgetTokens ?? 0) > 0;
}

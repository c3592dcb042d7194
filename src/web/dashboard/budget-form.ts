import type { CarbonBudget } from "#src/account/account.ts";
import { keptText } from "#src/web/dashboard/key-text.ts";
import { AppError } from "#src/lib/error.ts";

/** The form as the body that `PATCH /api/v1/account` takes. Numbers that are none stay text, for the reader to refuse by name. */
export function budgetBodyOf(form: URLSearchParams): Record<string, unknown> {
  const grams = keptText(form, "carbon_budget_g");
  if (grams === "")
    throw new AppError("missing_field", "Cannot set a budget without its grams", {
      param: "carbon_budget_g",
    });
  const under = keptText(form, "carbon_budget_action.route_under_g_per_1k");
  return {
    carbon_budget_g: numberOf(grams),
    carbon_budget_reset: keptText(form, "carbon_budget_reset"),
    carbon_budget_action:
      keptText(form, "carbon_budget_action") === "route"
        ? { route_under_g_per_1k: numberOf(under) }
        : "refuse",
  };
}

/** What the form shows of a budget. */
export function budgetFields(budget: CarbonBudget | undefined): URLSearchParams {
  const fields = new URLSearchParams();
  if (budget === undefined) return fields;
  const { grams, reset, action } = budget;
  fields.set("carbon_budget_g", String(grams));
  fields.set("carbon_budget_reset", reset);
  fields.set("carbon_budget_action", action === "refuse" ? action : "route");
  if (action !== "refuse")
    fields.set("carbon_budget_action.route_under_g_per_1k", String(action.routeUnderGPer1k));
  return fields;
}

function numberOf(text: string): number | string {
  const value = Number(text);
  return text === "" || Number.isNaN(value) ? text : value;
}

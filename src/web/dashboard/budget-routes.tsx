import type { AnyElysia } from "elysia";
import { carbonStanding, getCarbonBudget } from "#src/account/carbon-budget.ts";
import { keepCarbonBudget } from "#src/http/account-settings.ts";
import { readCarbonBudget } from "#src/http/carbon-budget-change.ts";
import { budgetBodyOf } from "#src/web/dashboard/budget-form.ts";
import { BudgetPage } from "#src/web/dashboard/budget.tsx";
import { pageAt } from "#src/web/dashboard/key-text.ts";
import { createRoom, type Guest, type Outcome, type Sender } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { seeOther } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";

const path = "/dashboard/budget";

/** The carbon budget of an account, for its admins: what is left of it, and what happens at its end. */
export function budgetRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const { store } = services;

  async function show(guest: Guest, outcome: Outcome): Promise<Response> {
    const { id } = guest.visitor.account;
    const budget = await getCarbonBudget(store, id);
    const standing = budget && (await carbonStanding(store, id, budget, app.clock.now()));
    return page(
      <BudgetPage
        guest={guest}
        outcome={outcome}
        standing={standing}
        alerts={app.config.eco.carbonAlerts}
        methodology={app.config.eco.methodology}
      />,
      { status: outcome.status ?? 200, personal: true },
    );
  }

  async function keep(sender: Sender, body: Record<string, unknown>): Promise<void> {
    const { visitor, knock } = sender;
    const { id } = visitor.account;
    // The form says all of it, so nothing of the budget before stays.
    const budget = readCarbonBudget(body, undefined);
    const by = { accountId: id, actor: visitor.person.id, address: knock.address };
    await keepCarbonBudget(by, budget, app, services);
  }

  const words = {
    changed: "The budget is changed: the next request meets it",
    lifted: "The account has no carbon budget any more",
  };
  return createRoom(desk, "budget", "admin", words)
    .get(path, show)
    .post(
      path,
      async (sender) => {
        await keep(sender, budgetBodyOf(sender.form));
        return seeOther(pageAt(sender, path, { done: "changed" }));
      },
      show,
    )
    .post(
      `${path}/lift`,
      async (sender) => {
        await keep(sender, {});
        return seeOther(pageAt(sender, path, { done: "lifted" }));
      },
      show,
    ).routes;
}

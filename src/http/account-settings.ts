import { type AnyElysia, Elysia } from "elysia";
import type { Caller, CarbonBudget } from "#src/account/account.ts";
import { carbonStanding, getCarbonBudget, setCarbonBudget } from "#src/account/carbon-budget.ts";
import { auditing } from "#src/account/people/audit.ts";
import type { App } from "#src/gateway/context.ts";
import { type ForCaller, requireManagement } from "#src/http/account.ts";
import { accountRecord, readCarbonBudget } from "#src/http/carbon-budget-change.ts";
import { addressOf, type Peers } from "#src/http/peer.ts";
import { readJson } from "#src/http/keys.ts";
import { json } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";

/** Who changes an account's settings: a person's id or a management key's hash, and the network address. */
export interface Changer {
  accountId: string;
  actor: string;
  address?: string | undefined;
}

/** Keeps an account's carbon budget, or lifts it, writes it down, and lets the next request meet it. */
export async function keepCarbonBudget(
  by: Changer,
  budget: CarbonBudget | undefined,
  app: App,
  { store, people, keys }: Services,
): Promise<void> {
  const entry = auditing(people, {
    action: "carbon_budget.changed",
    target: by.accountId,
    ...by,
    detail: budgetDetail(budget),
  });
  await setCarbonBudget(store, by.accountId, budget, { now: app.clock.now(), beside: [entry] });
  keys.invalidate();
  app.allowances.refresh(by.accountId);
}

/** A budget as the audit log has it. */
export function budgetDetail(budget: CarbonBudget | undefined): Record<string, string> {
  if (budget === undefined) return { grams: "lifted" };
  const { grams, reset, action } = budget;
  return {
    grams: String(grams),
    reset,
    action: action === "refuse" ? action : `route under ${action.routeUnderGPer1k} g per 1,000`,
  };
}

/** What an account may see and change of itself, with a management key. */
export function settingsRoutes(app: App, services: Services, forCaller: ForCaller): AnyElysia {
  const { store } = services;
  async function record({ account }: Caller) {
    const budget = await getCarbonBudget(store, account.id);
    const standing = budget && (await carbonStanding(store, account.id, budget, app.clock.now()));
    return json({ data: accountRecord(account, standing) });
  }
  const show = (request: Request) =>
    forCaller(request, (caller) => {
      requireManagement(caller);
      return record(caller);
    });
  const change = (request: Request, server: Peers | null) =>
    forCaller(request, async (caller) => {
      requireManagement(caller);
      const { account, key } = caller;
      const before = await getCarbonBudget(store, account.id);
      const budget = readCarbonBudget(await readJson(request, app), before);
      const by = { accountId: account.id, actor: key.hash, address: addressOf(request, server) };
      await keepCarbonBudget(by, budget, app, services);
      return record(caller);
    });
  const both = (base: "/v1" | "/api/v1"): AnyElysia =>
    new Elysia({ prefix: base })
      .get("/account", ({ request }) => show(request))
      .patch("/account", ({ request, server }) => change(request, server), { parse: "none" });
  return new Elysia({ name: "account-settings" }).use(both("/v1")).use(both("/api/v1"));
}

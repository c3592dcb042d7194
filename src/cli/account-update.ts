import type { AccountRouting } from "#src/account/account.ts";
import { getAccountRouting, setAccountRouting } from "#src/account/account-routing.ts";
import { getCarbonBudget, setCarbonBudget } from "#src/account/carbon-budget.ts";
import { freshnessOf } from "#src/account/key-cache.ts";
import { createCatalogue } from "#src/catalogue.ts";
import { carbonLine, carbonOf, routingLines, routingRecord } from "#src/cli/account.ts";
import { changedBudget } from "#src/cli/carbon.ts";
import { noted } from "#src/cli/noted.ts";
import { asUsage, CommandError, type Output, printJson } from "#src/cli/output.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { accountBy, withStore } from "#src/cli/runtime.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import { keptPolicy, keptProviders, keptRegion } from "#src/gateway/routing/kept-wishes.ts";
import { budgetDetail } from "#src/http/account-settings.ts";
import { systemClock } from "#src/lib/clock.ts";
import type { Store } from "#src/store/store.ts";

/** An account's wishes for routing as the command line takes them; `none` lifts one. */
export interface AccountOptions extends CommonOptions {
  policy?: string;
  region?: string;
  allowedProviders?: string[];
  ignoreProviders?: string[];
  dataCollection?: string;
  zdr?: boolean;
  preferLowCarbon?: boolean;
  carbonBudgetG?: string;
  carbonBudgetReset?: string;
  carbonBudgetAction?: string;
}

/** The `account update` command. */
export async function updateAccountCommand(
  id: string,
  options: AccountOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const account = await accountBy(store, id);
    if (isOfCarbon(options)) await updateBudget(store, account.id, options);
    if (isOfCarbon(options) && !isOfRouting(options)) {
      await Bun.sleep(freshnessOf(store) + 1);
      const data = { id: account.id, ...(await carbonOf(store, account.id)) };
      if (options.json) return printJson(output, { data });
      output.out(`Account "${account.name}" is changed; running gateways know\n`);
      return output.out(carbonLine(data));
    }
    const before = (await getAccountRouting(store, account.id)) ?? {};
    const { routes } = createCatalogue(config, systemClock);
    const routing = asUsage(() => changed(before, options, routes));
    await setAccountRouting(
      store,
      account.id,
      Object.keys(routing).length === 0 ? undefined : routing,
      [
        noted({
          action: "routing.changed",
          target: account.id,
          accountId: account.id,
          detail: detailOf(routing),
        }),
      ],
    );
    // The next request after this command meets the change.
    await Bun.sleep(freshnessOf(store) + 1);
    if (options.json)
      return printJson(output, { data: { id: account.id, routing: routingRecord(routing) } });
    output.out(`Account "${account.name}" is changed; running gateways know\n`);
    output.out(routingLines(routing));
  });
}

async function updateBudget(
  store: Store,
  accountId: string,
  options: AccountOptions,
): Promise<void> {
  const budget = changedBudget(await getCarbonBudget(store, accountId), options);
  const entry = noted({
    action: "carbon_budget.changed",
    target: accountId,
    accountId,
    detail: budgetDetail(budget),
  });
  const now = systemClock.now();
  await setCarbonBudget(store, accountId, budget, { now, beside: [entry] });
}

function isOfCarbon(options: AccountOptions): boolean {
  const { carbonBudgetG, carbonBudgetReset, carbonBudgetAction } = options;
  return [carbonBudgetG, carbonBudgetReset, carbonBudgetAction].some((one) => one !== undefined);
}

function isOfRouting(options: AccountOptions): boolean {
  const { policy, region, allowedProviders, ignoreProviders, dataCollection } = options;
  const { zdr, preferLowCarbon } = options;
  const given = [policy, region, allowedProviders, ignoreProviders, dataCollection];
  return [...given, zdr, preferLowCarbon].some((one) => one !== undefined);
}

/** The wishes after a change; what is lifted is absent. */
function changed(
  before: AccountRouting,
  options: AccountOptions,
  routes: RouteTable,
): AccountRouting {
  const { policy, region, allowedProviders, ignoreProviders, dataCollection } = options;
  const { zdr, preferLowCarbon } = options;
  const after: AccountRouting = { ...before };
  if (region === lifted) delete after.region;
  else if (region !== undefined) after.region = keptRegion(region, routes);
  if (policy === lifted) delete after.policy;
  else if (policy !== undefined) after.policy = keptPolicy(policy, after.region, routes);
  if (isLifted(allowedProviders)) delete after.allowedProviders;
  else if (allowedProviders)
    after.allowedProviders = keptProviders(allowedProviders, "--allowed-providers", routes);
  if (isLifted(ignoreProviders)) delete after.ignoredProviders;
  else if (ignoreProviders)
    after.ignoredProviders = keptProviders(ignoreProviders, "--ignore-providers", routes);
  if (dataCollection === "deny") after.dataCollection = "deny";
  else if (dataCollection === "allow") delete after.dataCollection;
  else if (dataCollection !== undefined)
    throw new CommandError(
      `Cannot use "${dataCollection}" for --data-collection: give allow or deny`,
      2,
    );
  if (zdr === true) after.zdr = true;
  else if (zdr === false) delete after.zdr;
  if (preferLowCarbon === true) after.preferLowCarbon = true;
  else if (preferLowCarbon === false) delete after.preferLowCarbon;
  if (!isOfRouting(options))
    throw new CommandError(
      'Cannot change nothing: give an option such as --region eu-west or --zdr\nRun "lowrouter account update --help" to see them',
      2,
    );
  return after;
}

/** What is wished, as the audit log has it. */
function detailOf(routing: AccountRouting): Record<string, string> {
  return Object.fromEntries(
    Object.entries(routing).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : String(value),
    ]),
  );
}

const lifted = "none";

function isLifted(list: readonly string[] | undefined): boolean {
  return list !== undefined && (list.length === 0 || (list.length === 1 && list[0] === lifted));
}

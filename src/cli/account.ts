import type { Account, AccountRouting } from "#src/account/account.ts";
import { getAccountRouting } from "#src/account/account-routing.ts";
import { carbonStanding, getCarbonBudget } from "#src/account/carbon-budget.ts";
import { openAccount } from "#src/account/administer.ts";
import { listAccounts } from "#src/account/accounts.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { nameOf } from "#src/cli/name.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { accountBy, withStore } from "#src/cli/runtime.ts";
import { tellUncounted, unsentRows } from "#src/cli/unsent.ts";
import { carbonRecord } from "#src/http/carbon-budget-change.ts";
import { fromUnits, toUnits } from "#src/ledger/money.ts";
import { balanceOf } from "#src/ledger/transactions.ts";
import { rfc3339, systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import type { Store } from "#src/store/store.ts";

/** The `account create` command. */
export async function createAccountCommand(
  options: CommonOptions & { name: string; plan: string; balance?: number },
  output: Output,
): Promise<void> {
  const { name, plan, balance } = options;
  if (plan !== "prepaid" && plan !== "metered")
    throw new CommandError(`Cannot use the plan "${plan}": give prepaid or metered`, 2);
  nameOf(name, "accounts");
  await withStore(options, async (store, config) => {
    const isTaken = (await listAccounts(store)).some((other) => other.name === name);
    const account = await openAccount(
      { store, clock: systemClock, ids: createIds(systemClock) },
      { actor: "cli" },
      { name, plan, credit: fromUnits(balance ?? 0) },
    );
    const record = await recordOf(store, account);
    if (options.json) printJson(output, { data: record });
    else
      output.out(
        `Account "${name}" ${account.id}, ${plan}, balance ${record.balance} ${config.billing.currency}\n`,
      );
    if (isTaken)
      output.err(`Another account is called "${name}" too: name each by its id from now on\n`);
  });
}

/** The `account list` command. */
export async function listAccountsCommand(options: CommonOptions, output: Output): Promise<void> {
  await withStore(options, async (store, config) => {
    tellUncounted(await unsentRows(store, config), output);
    const records = await Promise.all(
      (await listAccounts(store)).map((account) => recordOf(store, account)),
    );
    if (options.json) return printJson(output, { data: records });
    if (records.length === 0) {
      output.err(
        'No account yet\nRun "lowrouter init", or "lowrouter account create --name NAME"\n',
      );
      return;
    }
    const { currency } = config.billing;
    printTable(
      output,
      ["id", "name", "plan", `balance ${currency}`, "created"],
      records.map((one) => [
        one.id,
        one.name,
        one.plan,
        one.balance.toFixed(6),
        one.created_at.slice(0, 10),
      ]),
    );
  });
}

/** The `account show` command. */
export async function showAccountCommand(
  id: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const unsent = await unsentRows(store, config);
    const record = await recordOf(store, await accountBy(store, id));
    tellUncounted(unsent, output, record.id);
    if (options.json) return printJson(output, { data: record });
    const { currency } = config.billing;
    output.out(
      `id       ${record.id}\nname     ${record.name}\nplan     ${record.plan}\nbalance  ${record.balance} ${currency}\nused     ${record.used} ${currency}\ncreated  ${record.created_at}\n`,
    );
    output.out(routingLines(await getAccountRouting(store, record.id)));
    output.out(carbonLine(record));
  });
}

async function recordOf(store: Store, account: Account) {
  const { granted, used, balance } = await balanceOf(store, account.id);
  return {
    id: account.id,
    name: account.name,
    plan: account.plan,
    disabled: account.disabled,
    balance: toUnits(balance),
    granted: toUnits(granted),
    used: toUnits(used),
    created_at: rfc3339(account.createdAt),
    routing: routingRecord(await getAccountRouting(store, account.id)),
    ...(await carbonOf(store, account.id)),
  };
}

/** An account's carbon budget, with what is left. */
export async function carbonOf(store: Store, accountId: string) {
  const budget = await getCarbonBudget(store, accountId);
  return carbonRecord(
    budget && (await carbonStanding(store, accountId, budget, systemClock.now())),
  );
}

/** The same for people: nothing where there is no budget. */
export function carbonLine(record: Awaited<ReturnType<typeof carbonOf>>): string {
  const { carbon_budget_g: budget, carbon_left_g: left, carbon_budget_action: action } = record;
  if (budget === null) return "";
  const then =
    action === null || action === "refuse"
      ? "then refused"
      : `then routed under ${action.route_under_g_per_1k} g per 1,000 tokens`;
  return `budget   ${budget} g CO2e ${record.carbon_budget_reset}, ${left} g left, ${then}\n`;
}

/** An account's wishes for routing as they are printed; null where there is none. */
export function routingRecord(routing: AccountRouting | undefined) {
  return {
    policy: routing?.policy ?? null,
    region: routing?.region ?? null,
    allowed_providers: routing?.allowedProviders ?? [],
    ignored_providers: routing?.ignoredProviders ?? [],
    data_collection: routing?.dataCollection ?? "allow",
    zdr: routing?.zdr ?? false,
    prefer_low_carbon: routing?.preferLowCarbon ?? false,
  };
}

/** The same for people: what is wished, a line each. */
export function routingLines(routing: AccountRouting = {}): string {
  const { policy, region, allowedProviders, ignoredProviders, dataCollection } = routing;
  const wishes: [string, string | undefined][] = [
    ["policy", policy],
    ["region", region],
    ["only", allowedProviders?.join(", ")],
    ["ignored", ignoredProviders?.join(", ")],
    ["data", dataCollection === undefined ? undefined : "no training on it"],
    ["zdr", routing.zdr ? "only endpoints that retain nothing" : undefined],
    ["carbon", routing.preferLowCarbon ? "low carbon is preferred" : undefined],
  ];
  return wishes.flatMap(([name, wish]) => (wish ? [`${name.padEnd(7)}  ${wish}\n`] : [])).join("");
}

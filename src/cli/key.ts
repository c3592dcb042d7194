import type { ResetInterval } from "#src/account/account.ts";
import {
  createKey,
  deleteKey,
  getKey,
  hashOf,
  type KeyChange,
  listKeys,
  mintSecret,
  updateKey,
} from "#src/account/keys.ts";
import { freshnessOf } from "#src/account/key-cache.ts";
import { keyStandings } from "#src/account/carbon-budget.ts";
import { usageOf } from "#src/account/key-usage.ts";
import { carbonAction, carbonReset } from "#src/cli/carbon.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { noted } from "#src/cli/noted.ts";
import { nameOf } from "#src/cli/name.ts";
import { asUsage, CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { accountBy, withStore } from "#src/cli/runtime.ts";
import { createCatalogue } from "#src/catalogue.ts";
import type { Config } from "#src/config/load.ts";
import {
  keptModels,
  keptPolicy,
  keptProviders,
  keptRegion,
} from "#src/gateway/routing/kept-wishes.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { isDay, systemClock } from "#src/lib/clock.ts";
import { keyRecord } from "#src/report/key-record.ts";
import type { ApiKey } from "#src/account/account.ts";
import type { Store } from "#src/store/store.ts";

/** What lifts a limit that a key has. */
const lifted = "none";
type Lifted = typeof lifted;

/** Limits as the command line takes them. */
export interface KeyOptions extends CommonOptions {
  limit?: number | Lifted;
  limitReset?: string;
  allowedModels?: string[];
  allowedProviders?: string[];
  region?: string;
  policy?: string;
  rpm?: number | Lifted;
  carbonBudgetG?: number | Lifted;
  carbonBudgetReset?: string;
  carbonBudgetAction?: string;
  hedge?: boolean;
  expiresAt?: string;
}

const resets: readonly ResetInterval[] = ["daily", "weekly", "monthly"];

/** What is to change; of a key that is made, where there is none before. Throws CommandError. */
function changeOf(options: KeyOptions, config: Config, before?: ApiKey): KeyChange {
  const change: KeyChange = {};
  const { limit, limitReset, rpm, carbonBudgetG } = options;
  if (limit !== undefined) change.limit = limit === lifted ? undefined : fromUnits(limit);
  if (limitReset !== undefined)
    change.limitReset =
      limitReset === lifted ? undefined : oneOf("--limit-reset", limitReset, resets);
  if (options.allowedModels) change.allowedModels = modelsOf(options.allowedModels, config);
  if (options.allowedProviders)
    change.allowedProviders = providersOf(options.allowedProviders, config);
  const { region, policy } = options;
  if (region !== undefined || policy !== undefined) {
    const { routes } = createCatalogue(config, systemClock);
    const pin = region === lifted ? undefined : region;
    if (region !== undefined)
      change.region = pin === undefined ? undefined : asUsage(() => keptRegion(pin, routes));
    if (policy !== undefined)
      change.policy =
        policy === lifted ? undefined : asUsage(() => keptPolicy(policy, pin, routes));
  }
  if (rpm !== undefined) {
    // The key's other rates stay: there is no option for them here.
    const { requestsPerMinute: _, ...others } = before?.rateLimit ?? {};
    change.rateLimit = rpm === lifted ? others : { ...others, requestsPerMinute: rpm };
  }
  if (carbonBudgetG !== undefined)
    change.carbonBudgetG = carbonBudgetG === lifted ? undefined : carbonBudgetG;
  if (options.carbonBudgetReset !== undefined)
    change.carbonBudgetReset = carbonReset(options.carbonBudgetReset);
  if (options.carbonBudgetAction !== undefined)
    change.carbonBudgetAction = carbonAction(options.carbonBudgetAction);
  if (options.hedge !== undefined) change.hedge = options.hedge;
  if (options.expiresAt !== undefined)
    change.expiresAt =
      options.expiresAt === lifted ? undefined : timeOf(options.expiresAt, before === undefined);
  return change;
}

/** Throws CommandError for a name that no model has. */
function modelsOf(names: string[], config: Config): string[] {
  const kept = listed(names);
  if (kept.length === 0) return kept;
  const { routes } = createCatalogue(config, systemClock);
  return asUsage(() => keptModels(kept, "allowed_models", routes));
}

/** Throws CommandError for a name that no provider has. */
function providersOf(names: string[], config: Config): string[] {
  const kept = listed(names);
  if (kept.length === 0) return kept;
  const { routes } = createCatalogue(config, systemClock);
  return asUsage(() => keptProviders(kept, "allowed_providers", routes));
}

function listed(names: string[]): string[] {
  return names.length === 1 && names[0] === lifted ? [] : names;
}

/** Milliseconds since the epoch. A key that is made has to work at first. Throws CommandError. */
function timeOf(text: string, isNew: boolean): number {
  const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/i.test(text);
  const time = isTime && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new CommandError(
      `Cannot use "${text}" for --expires-at: give a time such as 2026-12-31T23:59:59Z`,
      2,
    );
  if (isNew && time <= systemClock.now())
    throw new CommandError(
      `Cannot make a key that expired at ${text}: give --expires-at a time to come`,
      2,
    );
  return time;
}

/** A name that tables and pages can show. Throws CommandError. */
function named(name: string): string {
  return nameOf(name, "keys");
}

function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text);
  if (found !== undefined) return found;
  throw new CommandError(`Cannot use "${text}" for ${option}: give ${allowed.join(", ")}`, 2);
}

/** The `key create` command. */
export async function createKeyCommand(
  options: KeyOptions & { account: string; name: string; type: string },
  output: Output,
): Promise<void> {
  const type = oneOf("--type", options.type, ["regular", "management"] as const);
  const name = named(options.name);
  await withStore(options, async (store, config) => {
    const account = await accountBy(store, options.account);
    const secret = mintSecret(type);
    const { key } = await createKey(
      store,
      systemClock,
      { accountId: account.id, name, type, ...changeOf(options, config) },
      secret,
      [
        noted({
          action: "key.created",
          target: hashOf(secret),
          accountId: account.id,
          detail: { name, type },
        }),
      ],
    );
    if (options.json) return printJson(output, { key: secret, data: await recordOf(store, key) });
    output.out(`${secret}\n`);
    output.err(`Key "${key.name}" of account "${account.name}". Keep it: it is not shown again\n`);
  });
}

/** The `key list` command. */
export async function listKeysCommand(
  options: CommonOptions & { account?: string },
  output: Output,
): Promise<void> {
  await withStore(options, async (store, config) => {
    const accountId =
      options.account === undefined ? undefined : (await accountBy(store, options.account)).id;
    const keys = await listKeys(store, { accountId, includeDisabled: true, pageSize: 1000 });
    const records = await Promise.all(keys.map((key) => recordOf(store, key)));
    if (options.json) return printJson(output, { data: records });
    if (records.length === 0) {
      output.err('No key yet\nRun "lowrouter key create --account ACCOUNT --name NAME"\n');
      return;
    }
    const { currency } = config.billing;
    printTable(
      output,
      ["hash", "name", "key", "type", `limit ${currency}`, `used ${currency}`, "state"],
      records.map((one) => [
        one.hash.slice(0, 16),
        one.name,
        one.label,
        one.key_type,
        one.limit === null ? "—" : String(one.limit),
        one.usage.toFixed(6),
        one.disabled ? "disabled" : "enabled",
      ]),
    );
  });
}

/** The `key show` command. */
export async function showKeyCommand(
  hash: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store) => {
    printJson(output, { data: await recordOf(store, await keyBy(store, hash)) });
  });
}

/** The `key update` command. */
export async function updateKeyCommand(
  hash: string,
  options: KeyOptions & { name?: string; disable?: boolean; enable?: boolean },
  output: Output,
): Promise<void> {
  if (options.disable && options.enable)
    throw new CommandError("Cannot use --disable with --enable: give one of them", 2);
  await withStore(options, async (store, config) => {
    const before = await keyBy(store, hash);
    const change = changeOf(options, config, before);
    if (options.name !== undefined) change.name = named(options.name);
    if (options.disable) change.disabled = true;
    if (options.enable) change.disabled = false;
    if (Object.keys(change).length === 0)
      throw new CommandError(
        'Cannot change nothing: give an option such as --limit 5.00 or --disable\nRun "lowrouter key update --help" to see them',
        2,
      );
    const { hash: whole, name, accountId } = before;
    const entry = noted({
      action: "key.changed",
      target: whole,
      accountId,
      detail: { name, changed: Object.keys(change).join(", ") },
    });
    const key = await updateKey(store, systemClock, undefined, whole, change, [entry]);
    await noticed(store);
    if (key && options.json) printJson(output, { data: await recordOf(store, key) });
    else output.out(`Key "${key?.name ?? whole}" is changed; running gateways know\n`);
  });
}

/** The `key revoke` command. */
export async function revokeKeyCommand(
  hash: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store) => {
    const key = await keyBy(store, hash);
    const { name, accountId } = key;
    const entry = noted({ action: "key.deleted", target: key.hash, accountId, detail: { name } });
    await deleteKey(store, systemClock, undefined, key.hash, [entry]);
    await noticed(store);
    if (options.json) printJson(output, { data: { deleted: true } });
    else output.out(`Key "${key.name}" is revoked\n`);
  });
}

/** Waits until running gateways have noticed: the next request after this command meets the change. */
async function noticed(store: Store): Promise<void> {
  await Bun.sleep(freshnessOf(store) + 1);
}

/** A key by its hash or the beginning of it. */
async function keyBy(store: Store, text: string): Promise<ApiKey> {
  const exact = await getKey(store, undefined, text);
  if (exact) return exact;
  const keys =
    text.length < 6 ? [] : await listKeys(store, { includeDisabled: true, pageSize: 1000 });
  const [found, other] = keys.filter((key) => key.hash.startsWith(text));
  if (found && !other) return found;
  throw new CommandError(
    `Cannot find the key "${text}"\nRun "lowrouter key list" to see the hashes`,
  );
}

async function recordOf(store: Store, key: ApiKey) {
  const now = systemClock.now();
  const [carbon] = await keyStandings(store, [key], now);
  return keyRecord(key, { usages: await usageOf(store, key.hash, now), carbon });
}

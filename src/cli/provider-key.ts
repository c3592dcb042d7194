import type { ProviderKey } from "#src/account/provider-key.ts";
import {
  addProviderKey,
  getProviderKey,
  listProviderKeys,
  removeProviderKey,
  updateProviderKey,
} from "#src/account/provider-keys.ts";
import { rotateMasterKey } from "#src/account/rotate.ts";
import { freshnessOf } from "#src/account/key-cache.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { noted } from "#src/cli/noted.ts";
import { nameOf } from "#src/cli/name.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { accountBy, withStore } from "#src/cli/runtime.ts";
import { readSecretInput } from "#src/cli/secret.ts";
import { createCatalogue } from "#src/catalogue.ts";
import type { Provider } from "#src/catalog/model.ts";
import type { Config } from "#src/config/load.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { readSecret, type ReadSecret } from "#src/provider/read-secret.ts";
import { storedPlaces } from "#src/provider/stored-places.ts";
import { providerKeyRecord } from "#src/report/provider-key-record.ts";
import { keyPlaceOf } from "#src/shared-keys.ts";
import type { Store } from "#src/store/store.ts";

/** A provider key's terms as the command line takes them. */
export interface ProviderKeyOptions extends CommonOptions {
  account?: string;
  label?: string;
  weight?: number;
  rpm?: number;
  region?: string;
  baseUrl?: string;
  deployment?: string;
  models?: string[];
  dailyBudget?: number;
  monthlyBudget?: number;
  alwaysUse?: boolean;
  fallback?: boolean;
}

/** The `provider key` command: keeps a key. */
export async function addProviderKeyCommand(
  id: string | undefined,
  rest: readonly string[],
  options: ProviderKeyOptions,
  output: Output,
): Promise<void> {
  if (rest.length > 0)
    throw new CommandError(
      'Cannot take a key as an argument: the list of processes and the shell\'s history would show it\nGive it on stdin, as in "lowrouter provider key openai < key.txt"; if it was real, renew it',
      2,
    );
  if (id === undefined)
    throw new CommandError(
      'Cannot tell which provider is meant: give its id, as in "lowrouter provider key openai"',
      2,
    );
  refuseOwnOnly(options);
  await withStore(options, async (store, config) => {
    const provider = providerBy(id, config);
    const accountId =
      options.account === undefined ? undefined : (await accountBy(store, options.account)).id;
    const read = readSecret(provider, await readSecretInput(`Key of ${provider.name}`, output));
    const terms = termsOf(options, read);
    requirePlace(provider, read, { ...terms, accountId }, config);
    const key = await addProviderKey(
      store,
      { clock: systemClock, ids: createIds(systemClock), place: keyPlaceOf(config) },
      {
        ...terms,
        label: options.label ?? provider.name,
        ...(accountId === undefined ? {} : { accountId }),
        provider: provider.id,
        secret: read.secret,
      },
    );
    await store.write([entry("created", key)]);
    await noticed(store);
    if (options.json) return printJson(output, { data: providerKeyRecord(key) });
    output.out(`${key.id}\n`);
    output.err(`Key ${key.shown} of ${provider.name} is kept, sealed; running gateways use it\n`);
  });
}

/** The `provider key list` command. */
export async function listProviderKeysCommand(
  options: CommonOptions & { account?: string },
  output: Output,
): Promise<void> {
  await withStore(options, async (store) => {
    const owner =
      options.account === undefined
        ? undefined
        : { accountId: (await accountBy(store, options.account)).id };
    const keys = await listProviderKeys(store, owner);
    if (options.json) return printJson(output, { data: keys.map(providerKeyRecord) });
    if (keys.length === 0) {
      output.err('No key is kept yet\nRun "lowrouter provider key NAME" to keep one\n');
      return;
    }
    printTable(
      output,
      ["id", "provider", "name", "key", "of", "weight", "state"],
      keys.map((key) => [
        key.id,
        key.provider,
        key.label,
        key.shown,
        key.accountId ?? "operator",
        String(key.weight),
        key.disabled ? "disabled" : "enabled",
      ]),
    );
  });
}

/** The `provider key remove` command. */
export async function removeProviderKeyCommand(
  id: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store) => {
    const key = await keyBy(store, id);
    await removeProviderKey(store, key.id, undefined, [entry("deleted", key)]);
    await noticed(store);
    if (options.json) printJson(output, { data: { deleted: true } });
    else output.out(`Key ${key.shown} of ${key.provider} is removed\n`);
  });
}

/** The `provider key disable` and `provider key enable` commands. */
export async function switchProviderKeyCommand(
  id: string,
  verb: "disable" | "enable",
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withStore(options, async (store) => {
    const key = await keyBy(store, id);
    const disabled = verb === "disable";
    const beside = [entry(`${verb}d`, key)];
    const changed =
      (await updateProviderKey(store, systemClock, key.id, { disabled }, undefined, beside)) ?? key;
    await noticed(store);
    if (options.json) printJson(output, { data: providerKeyRecord(changed) });
    else output.out(`Key ${key.shown} of ${key.provider} is ${verb}d\n`);
  });
}

/** The `provider rotate` command. */
export async function rotateCommand(options: CommonOptions, output: Output): Promise<void> {
  await withStore(options, async (store, config) => {
    const { keyId, resealed } = await rotateMasterKey(store, keyPlaceOf(config));
    await store.write([
      noted({ action: "master_key.rotated", target: keyId, detail: { resealed } }),
    ]);
    if (options.json) return printJson(output, { data: { key_id: keyId, resealed } });
    output.out(
      `${resealed} ${resealed === 1 ? "key is" : "keys are"} sealed anew under the master key ${keyId}\n`,
    );
  });
}

/** What was done to a key, as the audit log has it. */
function entry(done: "created" | "deleted" | "disabled" | "enabled", key: ProviderKey) {
  return noted({
    action: `provider_key.${done}`,
    target: key.id,
    accountId: key.accountId,
    detail: { provider: key.provider, name: key.label },
  });
}

/** What only an account's own key can be. */
function refuseOwnOnly({ account, alwaysUse, fallback }: ProviderKeyOptions): void {
  if (alwaysUse && fallback)
    throw new CommandError(
      "Cannot use --always-use with --fallback: a key is used before the operator's or behind them",
      2,
    );
  if (account !== undefined || (!alwaysUse && !fallback)) return;
  throw new CommandError(
    `Cannot use ${alwaysUse ? "--always-use" : "--fallback"} without --account: nothing stands beside the operator's own keys`,
    2,
  );
}

function termsOf(options: ProviderKeyOptions, read: ReadSecret) {
  const { weight, rpm, dailyBudget, monthlyBudget, models } = options;
  if (options.label !== undefined) nameOf(options.label, "keys", "--label");
  if (weight !== undefined && (weight < 1 || weight > 1000))
    throw new CommandError(`Cannot use ${weight} for --weight: give 1 to 1000`, 2);
  const region = options.region ?? read.region;
  const baseUrl = options.baseUrl ?? read.baseUrl;
  const deployment = options.deployment ?? read.deployment;
  if (baseUrl !== undefined && !/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? ""))
    throw new CommandError("Cannot use this for --base-url: give an address with https://", 2);
  return {
    ...(weight === undefined ? {} : { weight }),
    ...(rpm ? { rpmLimit: rpm } : {}),
    ...(region === undefined ? {} : { region }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(deployment === undefined ? {} : { deployment }),
    ...(models === undefined ? {} : { supportedModels: models }),
    ...(dailyBudget === undefined ? {} : { dailyBudget: fromUnits(dailyBudget) }),
    ...(monthlyBudget === undefined ? {} : { monthlyBudget: fromUnits(monthlyBudget) }),
    ...(options.alwaysUse ? { alwaysUse: true } : {}),
    ...(options.fallback ? { isFallback: true } : {}),
  };
}

/** Throws where the key would lead nowhere. */
function requirePlace(
  provider: Provider,
  { secret }: ReadSecret,
  terms: ReturnType<typeof termsOf> & { accountId: string | undefined },
  config: Config,
): void {
  const { accountId, baseUrl, region, deployment } = terms;
  const key = { id: "new", accountId, weight: 1, isFallback: false };
  const stored = { key, secret, baseUrl, region, deployment };
  if (storedPlaces(provider, stored, config, systemClock).length > 0) return;
  throw new CommandError(
    `Cannot reach ${provider.id} with this key${region === undefined ? "" : ` in ${region}`}\nGive --region or --base-url; "lowrouter provider show ${provider.id}" lists the regions`,
  );
}

function providerBy(id: string, config: Config): Provider {
  const { services } = createCatalogue(config, systemClock);
  const provider = services.providers.find((one) => one.id === id.toLowerCase());
  if (provider !== undefined) return provider;
  // What was typed may be a key that slipped there: it is not repeated.
  throw new CommandError(
    'Cannot find this provider\nRun "lowrouter provider list --all" to see the known ones',
  );
}

async function keyBy(store: Store, id: string): Promise<ProviderKey> {
  const key = await getProviderKey(store, id);
  if (key !== undefined) return key;
  throw new CommandError(
    'Cannot find this provider key\nRun "lowrouter provider key list" to see the ids',
  );
}

/** Waits until running gateways have noticed: the next request after this command meets the change. */
async function noticed(store: Store): Promise<void> {
  await Bun.sleep(freshnessOf(store) + 1);
}

import { auditing, record } from "#src/account/people/audit.ts";
import type { ProviderKey, ProviderKeyChange, Secret } from "#src/account/provider-key.ts";
import {
  addProviderKey,
  getProviderKey,
  removeProviderKey,
  replaceSecret,
  updateProviderKey,
} from "#src/account/provider-keys.ts";
import type { Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import type { App } from "#src/gateway/context.ts";
import { readByokChange } from "#src/http/byok-change.ts";
import type { Services } from "#src/http/services.ts";
import { AppError } from "#src/lib/error.ts";
import { checkOwnAddress } from "#src/provider/own-address.ts";
import { isGoogles, readSecret } from "#src/provider/read-secret.ts";
import { storedPlaces } from "#src/provider/stored-places.ts";

/** For which account, and who does it, as the audit log says it. */
export interface Doer {
  accountId: string;
  /** Id of a person, or hash of a management key. */
  actor: string;
  /** Network address, where it is known. */
  address?: string | undefined;
}

/** An account's own credentials of providers: what the API and the pages do with them. The next request meets it. */
export interface OwnKeys {
  /** Keeps what a body of `POST /v1/byok` holds. Throws `missing_field` and `invalid_value`, which quote no secret. */
  add(by: Doer, body: unknown): Promise<ProviderKey>;
  /** Changes what a body of `PATCH /v1/byok/{id}` holds; undefined where the account has no such key. */
  change(by: Doer, id: string, body: unknown): Promise<ProviderKey | undefined>;
  /** False where the account has no such key. */
  remove(by: Doer, id: string): Promise<boolean>;
}

/** The own keys of the accounts of one gateway. */
export function ownKeys(app: App, services: Services): OwnKeys {
  const { store, providerKeys, people } = services;
  const { clock, ids } = app;
  const { place } = providerKeys;
  const entry = (action: "created" | "changed" | "deleted", by: Doer, key: ProviderKey) => ({
    action: `provider_key.${action}` as const,
    ...by,
    target: key.id,
    detail: { provider: key.provider, name: key.label },
  });

  function providerOf(id: string): Provider {
    const provider = services.providers.find((one) => one.id === id.toLowerCase());
    if (provider !== undefined) return provider;
    throw invalid("provider", "GET /v1/providers lists the known ones");
  }

  /** Throws `invalid_value` for what could not be used, before anything is kept. */
  async function check(
    provider: Provider,
    secret: Secret | undefined,
    { baseUrl, region, deployment }: ProviderKeyChange,
    accountId: string,
  ): Promise<void> {
    if (baseUrl !== undefined) await checkOwnAddress(baseUrl, app.config);
    const isKnown = (name: string) =>
      app.routes.regions.has(name) || provider.regions.some(({ native }) => native === name);
    if (region !== undefined && provider.auth.type !== "oauth2" && !isKnown(region))
      throw invalid("region", "a region of GET /v1/providers is needed");
    if (secret === undefined) return;
    if (!isGoogles(secret))
      throw invalid("key", "the token_uri of a service account has to be Google's");
    const key = { id: "new", accountId, weight: 1, isFallback: false };
    try {
      const stored = { key, secret, baseUrl, region, deployment };
      if (storedPlaces(provider, stored, app.config, clock).length > 0) return;
    } catch (thrown) {
      if (!(thrown instanceof ConfigError)) throw thrown;
      throw invalid("region", thrown.message);
    }
    throw baseUrl === undefined && region === undefined
      ? invalid("region", `${provider.id} cannot be reached so: give a region, or a base_url`)
      : invalid("region", `${provider.id} cannot be reached there`);
  }

  return {
    async add(by, body) {
      const { provider: id, secret: given, change } = readByokChange(body);
      if (id === undefined) throw absent("provider", "the id of a provider");
      if (given === undefined) throw absent("key", "the provider's key");
      const { accountId } = by;
      const provider = providerOf(id);
      const { secret, ...beside } = readSecret(provider, given);
      const policy = { ...defined(beside), ...change };
      await check(provider, secret, policy, accountId);
      const label = policy.label ?? provider.name;
      const owned = { ...policy, label, accountId, provider: provider.id, secret };
      const key = await addProviderKey(store, { clock, ids, place }, owned);
      await record(people, entry("created", by, key));
      await providerKeys.refresh();
      return key;
    },
    async change(by, id, body) {
      const { provider: named, secret: given, change } = readByokChange(body);
      const { accountId } = by;
      const key = await getProviderKey(store, id, { accountId });
      if (key === undefined) return undefined;
      if (named !== undefined && named !== key.provider)
        throw invalid("provider", "the provider of a key cannot be changed: add another key");
      const provider = providerOf(key.provider);
      const read = given === undefined ? undefined : readSecret(provider, given);
      const { secret, ...beside } = read ?? {};
      const policy = { ...defined(beside), ...change };
      if (secret !== undefined || "baseUrl" in policy || "region" in policy)
        await check(provider, secret, { ...key, ...policy }, accountId);
      if (secret !== undefined) await replaceSecret(store, { clock, place }, key, secret);
      const noted = entry("changed", by, { ...key, ...policy });
      const detail = { ...noted.detail, secret: secret !== undefined };
      const changed = await updateProviderKey(store, clock, id, policy, { accountId }, [
        auditing(people, { ...noted, detail }),
      ]);
      await providerKeys.refresh();
      return changed;
    },
    async remove(by, id) {
      const { accountId } = by;
      const key = await getProviderKey(store, id, { accountId });
      if (key === undefined) return false;
      const noted = auditing(people, entry("deleted", by, key));
      const isGone = await removeProviderKey(store, id, { accountId }, [noted]);
      await providerKeys.refresh();
      return isGone;
    },
  };
}

/** Members that are there: one that is undefined would remove. */
function defined(change: ProviderKeyChange): ProviderKeyChange {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

function absent(param: string, what: string): AppError {
  return new AppError("missing_field", `The field "${param}" is missing: ${what} is needed`, {
    param,
  });
}

function invalid(param: string, why: string): AppError {
  return new AppError("invalid_value", `Cannot use this value for "${param}": ${why}`, { param });
}

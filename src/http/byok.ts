import { type AnyElysia, Elysia } from "elysia";
import type { Caller } from "#src/account/account.ts";
import type { ProviderKey, ProviderKeyChange, Secret } from "#src/account/provider-key.ts";
import {
  addProviderKey,
  getProviderKey,
  listProviderKeys,
  removeProviderKey,
  replaceSecret,
  updateProviderKey,
} from "#src/account/provider-keys.ts";
import type { Provider } from "#src/catalog/model.ts";
import { ConfigError } from "#src/config/error.ts";
import type { App } from "#src/gateway/context.ts";
import { type ForCaller, requireManagement } from "#src/http/account.ts";
import { readByokChange } from "#src/http/byok-change.ts";
import { json, readBody } from "#src/http/respond.ts";
import type { Services } from "#src/http/services.ts";
import { decode } from "#src/lib/bytes.ts";
import { AppError } from "#src/lib/error.ts";
import { checkOwnAddress } from "#src/provider/own-address.ts";
import { isGoogles, readSecret } from "#src/provider/read-secret.ts";
import { storedPlaces } from "#src/provider/stored-places.ts";
import { providerKeyRecord } from "#src/report/provider-key-record.ts";

/** A secret of the longest, its escapes, and all that may stand beside it. */
const longestBody = 65_536;

/** An account's own credentials of providers, with a management key. No answer and no error holds a secret. */
export function byokRoutes(app: App, services: Services, forCaller: ForCaller): AnyElysia {
  const { store, providerKeys } = services;
  const { clock, ids } = app;
  const { place } = providerKeys;
  const manage = (request: Request, handler: (caller: Caller) => Promise<Response>) =>
    forCaller(request, (caller) => {
      requireManagement(caller);
      return handler(caller);
    });
  const mine = ({ account }: Caller) => ({ accountId: account.id });
  const shown = (key: ProviderKey) => json({ data: providerKeyRecord(key) });
  const missing = () =>
    new AppError(
      "not_found",
      "Cannot find this provider key in this account: GET /api/v1/byok lists them",
      { param: "id" },
    );

  const create = (request: Request) =>
    manage(request, async (caller) => {
      const { provider: id, secret: given, change } = readByokChange(await readJson(request));
      if (id === undefined) throw absent("provider", "the id of a provider");
      if (given === undefined) throw absent("key", "the provider's key");
      const provider = providerOf(id);
      const { secret, ...beside } = readSecret(provider, given);
      const policy = { ...defined(beside), ...change };
      await check(provider, secret, policy, caller);
      const label = policy.label ?? provider.name;
      const owned = {
        ...policy,
        label,
        accountId: caller.account.id,
        provider: provider.id,
        secret,
      };
      const key = await addProviderKey(store, { clock, ids, place }, owned);
      await providerKeys.refresh();
      return json({ data: providerKeyRecord(key) }, { status: 201 });
    });
  const list = (request: Request) =>
    manage(request, async (caller) =>
      json({ data: (await listProviderKeys(store, mine(caller))).map(providerKeyRecord) }),
    );
  const get = (request: Request, id: string) =>
    manage(request, async (caller) => {
      const key = await getProviderKey(store, id, mine(caller));
      if (key === undefined) throw missing();
      return shown(key);
    });
  const update = (request: Request, id: string) =>
    manage(request, async (caller) => {
      const { provider: named, secret: given, change } = readByokChange(await readJson(request));
      const key = await getProviderKey(store, id, mine(caller));
      if (key === undefined) throw missing();
      if (named !== undefined && named !== key.provider)
        throw invalid("provider", "the provider of a key cannot be changed: add another key");
      const provider = providerOf(key.provider);
      const read = given === undefined ? undefined : readSecret(provider, given);
      const { secret, ...beside } = read ?? {};
      const policy = { ...defined(beside), ...change };
      if (secret !== undefined || "baseUrl" in policy || "region" in policy)
        await check(provider, secret, { ...key, ...policy }, caller);
      if (secret !== undefined) await replaceSecret(store, { clock, place }, key, secret);
      const changed = await updateProviderKey(store, clock, id, policy, mine(caller));
      if (changed === undefined) throw missing();
      await providerKeys.refresh();
      return shown(changed);
    });
  const remove = (request: Request, id: string) =>
    manage(request, async (caller) => {
      if (!(await removeProviderKey(store, id, mine(caller)))) throw missing();
      await providerKeys.refresh();
      return json({ data: { deleted: true } });
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
    { account }: Caller,
  ): Promise<void> {
    if (baseUrl !== undefined) await checkOwnAddress(baseUrl, app.config);
    const isKnown = (name: string) =>
      app.routes.regions.has(name) || provider.regions.some(({ native }) => native === name);
    if (region !== undefined && provider.auth.type !== "oauth2" && !isKnown(region))
      throw invalid("region", "a region of GET /v1/providers is needed");
    if (secret === undefined) return;
    if (!isGoogles(secret))
      throw invalid("key", "the token_uri of a service account has to be Google's");
    const key = { id: "new", accountId: account.id, weight: 1, isFallback: false };
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

  const both = (base: "/v1" | "/api/v1"): AnyElysia =>
    new Elysia({ prefix: base })
      .post("/byok", ({ request }) => create(request), { parse: "none" })
      .get("/byok", ({ request }) => list(request))
      .get("/byok/:id", ({ request, params }) => get(request, params.id))
      .patch("/byok/:id", ({ request, params }) => update(request, params.id), { parse: "none" })
      .delete("/byok/:id", ({ request, params }) => remove(request, params.id), { parse: "none" });
  return new Elysia({ name: "byok" }).use(both("/v1")).use(both("/api/v1"));
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

async function readJson(request: Request): Promise<unknown> {
  const body = await readBody(request, longestBody);
  try {
    return JSON.parse(decode(body));
  } catch {
    // The parser's own message quotes the body.
    throw new AppError("invalid_json", "Cannot parse the body as JSON");
  }
}

import type { AnyElysia } from "elysia";
import { getKey, listKeys } from "#src/account/keys.ts";
import type { ProviderKey } from "#src/account/provider-key.ts";
import { getProviderKey, pageOfProviderKeys } from "#src/account/provider-keys.ts";
import type { Provider } from "#src/catalog/model.ts";
import { ownKeys } from "#src/http/own-keys.ts";
import { AppError } from "#src/lib/error.ts";
import { pageAt } from "#src/web/dashboard/key-text.ts";
import { byokBodyOf, secretFields } from "#src/web/dashboard/provider-keys-form.ts";
import {
  DeleteProviderKeyPage,
  type GatewayProviders,
  NewProviderKeyPage,
  ProviderKeyPage,
  ProviderKeysPage,
  providerKeysSheet,
} from "#src/web/dashboard/provider-keys-page.tsx";
import { createRoom, type Guest, type Outcome } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { field, seeOther } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";

const path = "/dashboard/provider-keys";
const ofOne = `${path}/:id`;
const pageSize = 50;
/** Rows of a file; `after` on its address goes on from there. */
const mostRows = 1000;
/** API keys to choose from on a page. */
const mostKeys = 100;

/** An account's own credentials of providers, for its admins. */
export function providerKeysRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const { store } = services;
  const { currency, byokFeePct: feePct } = app.config.billing;
  const own = ownKeys(app, services);

  const isOff = ({ id }: Provider) => app.config.providers[id]?.enabled === false;
  const providerBy = (id: string) => services.providers.find((one) => one.id === id);
  const by = ({ visitor, knock }: Guest) => ({
    accountId: visitor.account.id,
    actor: visitor.person.id,
    address: knock.address,
  });
  const missing = () =>
    new AppError(
      "not_found",
      "Cannot find this provider key: /dashboard/provider-keys lists yours",
    );
  const mine = async ({ visitor, params }: Guest): Promise<ProviderKey> => {
    const owner = { accountId: visitor.account.id };
    const key = await getProviderKey(store, params["id"] ?? "", owner);
    if (key === undefined) throw missing();
    return key;
  };
  /** What a form is shown again with: nothing secret. */
  const shown = (outcome: Outcome): Outcome => {
    if (outcome.form === undefined) return outcome;
    const form = new URLSearchParams(outcome.form);
    for (const name of secretFields) form.delete(name);
    return { ...outcome, form };
  };

  async function list(guest: Guest, outcome: Outcome): Promise<Response> {
    const { searchParams } = guest.url;
    const isPage = !searchParams.has("format");
    const { keys, next } = await pageOfProviderKeys(
      store,
      { accountId: guest.visitor.account.id },
      {
        pageSize: isPage ? pageSize : mostRows,
        after: searchParams.get("after") ?? undefined,
      },
    );
    const sheet = providerKeysSheet(keys, { guest, currency });
    return (
      sheetAnswer(sheet, searchParams) ??
      page(
        <ProviderKeysPage
          guest={guest}
          outcome={outcome}
          sheet={sheet}
          next={next}
          providers={services.providers.filter((one) => !isOff(one)).toSorted(byName)}
          gateway={gateway()}
          feePct={feePct}
        />,
        { status: outcome.status ?? 200, personal: true },
      )
    );
  }

  /** As the operator has it: what this process reaches without any account's key. */
  function gateway(): GatewayProviders {
    const reached = new Set(app.routes.deployments.map(({ provider }) => provider.name));
    const off = services.providers.filter(isOff).map(({ name }) => name);
    return { reached: [...reached].toSorted(), off };
  }

  /** What the fields for a provider are made with. Chosen API keys are offered whatever became of them: with none, all may. */
  async function fields({ visitor }: Guest, provider: Provider, chosen: readonly string[] = []) {
    const listed = await listKeys(store, {
      accountId: visitor.account.id,
      type: "regular",
      includeDisabled: false,
      pageSize: mostKeys,
    });
    const others = chosen.filter((hash) => !listed.some((key) => key.hash === hash));
    const kept = others.map(async (hash) => {
      const key = await getKey(store, visitor.account.id, hash);
      return key ?? { hash, name: "a key that is gone", label: `${hash.slice(0, 12)}…` };
    });
    return { provider, currency, apiKeys: [...(await Promise.all(kept)), ...listed] };
  }

  async function fresh(guest: Guest, outcome: Outcome): Promise<Response> {
    const id = outcome.form?.get("provider") ?? guest.url.searchParams.get("provider") ?? "";
    const provider = providerBy(id);
    if (provider === undefined || isOff(provider)) {
      const fault = "Cannot keep a key of this provider: choose one of the list";
      return list(guest, { fault, status: outcome.status ?? 400 });
    }
    const { status = 200 } = outcome;
    return page(
      <NewProviderKeyPage
        {...await fields(guest, provider)}
        guest={guest}
        outcome={shown(outcome)}
      />,
      { status, personal: true },
    );
  }

  async function one(guest: Guest, outcome: Outcome): Promise<Response> {
    const key = await mine(guest);
    const provider = providerBy(key.provider);
    if (provider === undefined) throw missing();
    return page(
      <ProviderKeyPage
        {...await fields(guest, provider, key.allowedApiKeyHashes)}
        guest={guest}
        outcome={shown(outcome)}
        ownKey={key}
      />,
      { status: outcome.status ?? 200, personal: true },
    );
  }

  const words = {
    added: "The key is kept: the next request may use it",
    changed: "The key is changed: the next request follows",
    disabled: "The key is disabled",
    enabled: "The key is enabled",
    deleted: "The key is deleted",
  };
  return createRoom(desk, "provider keys", "admin", words)
    .get(path, list)
    .get(`${path}/new`, fresh)
    .post(
      path,
      async (sender) => {
        const { id } = await own.add(by(sender), byokBodyOf(sender.form));
        return seeOther(pageAt(sender, `${path}/${id}`, { done: "added" }));
      },
      fresh,
    )
    .get(ofOne, one)
    .post(
      ofOne,
      async (sender) => {
        const { id } = await mine(sender);
        if ((await own.change(by(sender), id, byokBodyOf(sender.form))) === undefined)
          throw missing();
        return seeOther(pageAt(sender, `${path}/${id}`, { done: "changed" }));
      },
      one,
    )
    .post(
      `${ofOne}/switch`,
      async (sender) => {
        const { id } = await mine(sender);
        const disabled = field(sender.form, "disabled") !== "false";
        await own.change(by(sender), id, { disabled });
        const done = disabled ? "disabled" : "enabled";
        return seeOther(pageAt(sender, `${path}/${id}`, { done }));
      },
      one,
    )
    .get(`${ofOne}/delete`, async (guest) =>
      page(<DeleteProviderKeyPage guest={guest} ownKey={await mine(guest)} />, { personal: true }),
    )
    .post(
      `${ofOne}/delete`,
      async (sender) => {
        const { id } = await mine(sender);
        if (!(await own.remove(by(sender), id))) throw missing();
        return seeOther(pageAt(sender, path, { done: "deleted" }));
      },
      one,
    ).routes;
}

function byName(a: Provider, b: Provider): number {
  return a.name.localeCompare(b.name);
}

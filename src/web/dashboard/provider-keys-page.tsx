import type { ProviderKey } from "#src/account/provider-key.ts";
import type { Provider } from "#src/catalog/model.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { Choice, fillingOf } from "#src/web/dashboard/key-lines.tsx";
import { formAt, money, pageAt } from "#src/web/dashboard/key-text.ts";
import {
  type ProviderFieldsFor,
  ProviderKeyFields,
} from "#src/web/dashboard/provider-keys-fields.tsx";
import { byokFields } from "#src/web/dashboard/provider-keys-form.ts";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { Act, Moment, Sheet as Form } from "#src/web/people/form.tsx";
import { Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";

const path = "/dashboard/provider-keys";

/** What the gateway is configured with: the operator's, and read-only here. */
export interface GatewayProviders {
  /** Names of those that the operator has a credential of, or needs none for. */
  reached: readonly string[];
  /** Names of those that the configuration switches off. */
  off: readonly string[];
}

/** An account's own credentials of providers. */
export function ProviderKeysPage(props: {
  guest: Guest;
  outcome: Outcome;
  sheet: Sheet<ProviderKey>;
  /** The last key of this page, where more follow. */
  next: string | undefined;
  /** Those that a key may be kept for. */
  providers: readonly Provider[];
  gateway: GatewayProviders;
  feePct: number;
}) {
  const { guest, outcome, sheet, next, providers, gateway, feePct } = props;
  const after = guest.url.searchParams.has("after");
  return (
    <Desktop
      guest={guest}
      title="Provider keys"
      lead={`Your own keys of providers. They bill you themselves; the gateway charges ${feePct === 0 ? "nothing" : `${feePct} % of the price`} for such a request.`}
      outcome={outcome}
    >
      {sheet.rows.length === 0 ? (
        <p class="notice">{after ? "There is no further key." : "There is no key yet."}</p>
      ) : (
        <SheetTable caption="Own provider keys, oldest first" sheet={sheet} />
      )}
      {next === undefined && !after ? null : (
        <nav class="pages" aria-label="Pages of provider keys">
          {after ? <a href={pageAt(guest, path)}>Oldest</a> : null}
          {next === undefined ? null : (
            <a rel="next" href={pageAt(guest, path, { after: next })}>
              Newer keys
            </a>
          )}
        </nav>
      )}
      <Formats path={path} query={accountQuery(guest)} />
      <h2 id="new">Keep a key</h2>
      <form class="filters" method="get" action={`${path}/new`}>
        {guest.url.searchParams.has("account") ? (
          <input type="hidden" name="account" value={guest.visitor.account.id} />
        ) : null}
        <Choice
          fill={{ values: new URLSearchParams() }}
          name="provider"
          label="Provider"
          options={providers.map(({ id, name }) => [id, name])}
        />
        <p class="line">
          <button type="submit">Go on</button>
        </p>
      </form>
      <h2 id="gateway">The gateway's own</h2>
      <p>
        Read-only: the operator sets these in the gateway's configuration.{" "}
        {gateway.reached.length === 0
          ? "It reaches no provider: only keys of yours can be used."
          : `It reaches ${gateway.reached.join(", ")}.`}{" "}
        {gateway.off.length === 0
          ? ""
          : `Switched off there, also for keys of yours: ${gateway.off.join(", ")}.`}
      </p>
    </Desktop>
  );
}

/** The form for a key of one provider. */
export function NewProviderKeyPage(
  props: Omit<ProviderFieldsFor, "fill" | "isKept"> & { guest: Guest; outcome: Outcome },
) {
  const { guest, outcome, provider } = props;
  const fill = fillingOf(outcome);
  return (
    <Desktop guest={guest} title={`Keep a key of ${provider.name}`} outcome={outcome}>
      <p class="crumbs">
        <a href={pageAt(guest, path)}>Provider keys</a>
      </p>
      {outcome.form === undefined ? null : (
        <p>What is secret has to be given again: it was not kept, and is not shown.</p>
      )}
      <Form action={formAt(guest, path)} button="Keep the key">
        <input type="hidden" name="provider" value={provider.id} />
        <ProviderKeyFields {...props} fill={fill} isKept={false} />
      </Form>
    </Desktop>
  );
}

/** One key: what is known of it, and the form that changes it. Its secret is on no page. */
export function ProviderKeyPage(
  props: Omit<ProviderFieldsFor, "fill" | "isKept"> & {
    guest: Guest;
    outcome: Outcome;
    ownKey: ProviderKey;
  },
) {
  const { guest, outcome, provider, ownKey } = props;
  const here = `${path}/${ownKey.id}`;
  const fill = fillingOf(outcome, byokFields(ownKey));
  return (
    <Desktop guest={guest} title={ownKey.label} outcome={outcome}>
      <p class="crumbs">
        <a href={pageAt(guest, path)}>Provider keys</a>
      </p>
      <dl class="facts">
        <dt>Provider</dt>
        <dd>
          <a href={`/providers/${provider.id}`}>{provider.name}</a>
        </dd>
        <dt>Key</dt>
        <dd>
          <code>{ownKey.shown}</code>
        </dd>
        <dt>State</dt>
        <dd>{stateOf(ownKey)}</dd>
        <dt>Kept since</dt>
        <dd>
          <Moment at={ownKey.createdAt} why="" />
        </dd>
        <dt>Changed</dt>
        <dd>
          <Moment at={ownKey.updatedAt} why="Never changed" />
        </dd>
        <dt>Last used</dt>
        <dd>
          <Moment at={ownKey.lastUsedAt} why="Never used" />
        </dd>
      </dl>
      <div class="buttons">
        <Act
          action={formAt(guest, `${here}/switch`)}
          name="disabled"
          value={ownKey.disabled ? "false" : "true"}
          button={ownKey.disabled ? "Enable" : "Disable"}
          about="this key"
        />
        <a class="button danger" href={pageAt(guest, `${here}/delete`)}>
          Delete
        </a>
      </div>
      <h2 id="settings">Settings</h2>
      <p>A change holds from the next request on.</p>
      <Form action={formAt(guest, here)} button="Change the key">
        <ProviderKeyFields {...props} fill={fill} isKept />
      </Form>
    </Desktop>
  );
}

/** Asks once: what is deleted has to be fetched from the provider again. */
export function DeleteProviderKeyPage({ guest, ownKey }: { guest: Guest; ownKey: ProviderKey }) {
  const here = `${path}/${ownKey.id}`;
  return (
    <Desktop guest={guest} title="Delete this provider key?" lead={ownKey.label}>
      <p>
        Requests no longer go out on <code>{ownKey.shown}</code>, from the next one on. It is not
        renewed or revoked at the provider. This cannot be undone.
      </p>
      <Form action={formAt(guest, `${here}/delete`)} button="Delete for good" danger />
      <p>
        <a href={pageAt(guest, here)}>Keep it</a>
      </p>
    </Desktop>
  );
}

/** Keys as a page, JSON and CSV. Members are those of the API; none is secret. */
export function providerKeysSheet(
  keys: readonly ProviderKey[],
  { guest, currency }: { guest: Guest; currency: string },
): Sheet<ProviderKey> {
  const budget = (amount: number | undefined) => (amount === undefined ? null : toUnits(amount));
  const time = (at: number | undefined) => (at === undefined ? null : rfc3339(at));
  return {
    name: "provider-keys",
    rows: keys,
    columns: [
      {
        name: "name",
        title: "Name",
        value: ({ label }) => label,
        show: ({ id, label, shown }) => (
          <>
            <a href={pageAt(guest, `${path}/${id}`)}>{label}</a>
            <br />
            <code class="small soft">{shown}</code>
          </>
        ),
      },
      { name: "id", value: ({ id }) => id },
      { name: "label", value: ({ shown }) => shown },
      { name: "provider", title: "Provider", value: ({ provider }) => provider },
      { name: "region", title: "Region", value: ({ region }) => region ?? null, why: "Any" },
      { name: "base_url", value: ({ baseUrl }) => baseUrl ?? null },
      { name: "taken", title: "Taken", value: takenOf },
      { name: "weight", title: "Weight", kind: "figure", value: ({ weight }) => weight },
      {
        name: "monthly_budget",
        title: `A month, ${currency}`,
        kind: "figure",
        value: ({ monthlyBudget }) => budget(monthlyBudget),
        show: ({ monthlyBudget }) => money(budget(monthlyBudget) ?? 0),
        why: "Without a budget",
      },
      { name: "daily_budget", value: ({ dailyBudget }) => budget(dailyBudget) },
      { name: "rpm_limit", value: ({ rpmLimit }) => rpmLimit ?? null },
      {
        name: "last_used_at",
        title: "Last used",
        kind: "short",
        value: ({ lastUsedAt }) => time(lastUsedAt),
        show: ({ lastUsedAt }) => <Moment at={lastUsedAt} why="Never used" />,
        why: "Never used",
      },
      { name: "state", title: "State", value: stateOf },
    ],
  };
}

function accountQuery({ url, visitor }: Guest): URLSearchParams {
  return new URLSearchParams(
    url.searchParams.has("account") ? { account: visitor.account.id } : {},
  );
}

function takenOf({ alwaysUse, isFallback }: ProviderKey): string {
  if (isFallback) return alwaysUse ? "always, last" : "last";
  return alwaysUse ? "always" : "first";
}

function stateOf({ disabled }: ProviderKey): string {
  return disabled ? "disabled" : "enabled";
}

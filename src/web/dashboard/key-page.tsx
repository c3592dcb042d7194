import type { ApiKey } from "#src/account/account.ts";
import type { KeyUsage } from "#src/account/key-usage.ts";
import { toUnits } from "#src/ledger/money.ts";
import { limitRemaining } from "#src/report/key-record.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { keyFields } from "#src/web/dashboard/key-form.ts";
import { fillingOf, TextLine } from "#src/web/dashboard/key-lines.tsx";
import { formAt, money, pageAt, stateOf } from "#src/web/dashboard/key-text.ts";
import { type FieldsFor, KeyFields } from "#src/web/dashboard/keys-fields.tsx";
import type { ListedKey } from "#src/web/dashboard/keys-list.ts";
import { whoIsMissing } from "#src/web/dashboard/keys-page.tsx";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { figure } from "#src/web/format.ts";
import { Table, Unknown } from "#src/web/layout.tsx";
import { Act, Moment, Sheet } from "#src/web/people/form.tsx";

const spans = [
  ["daily", "Today"],
  ["weekly", "This week"],
  ["monthly", "This month"],
  ["total", "In all"],
] as const satisfies readonly (readonly [keyof KeyUsage, string])[];

/** One key: what it is, what it spent, what it may, and the form that changes that. */
export function KeyPage(
  props: Omit<FieldsFor, "fill"> & {
    guest: Guest;
    outcome: Outcome;
    listed: ListedKey;
    now: number;
  },
) {
  const { guest, outcome, listed, now, currency, places } = props;
  const { key } = listed;
  const here = `/dashboard/keys/${key.hash}`;
  const fill = fillingOf(outcome, keyFields(key));
  return (
    <Desktop guest={guest} title={key.name} outcome={outcome}>
      <p class="crumbs">
        <a href={pageAt(guest, "/dashboard/keys")}>Keys</a>
      </p>
      <Facts listed={listed} now={now} currency={currency} />
      <div class="buttons">
        <Act
          action={formAt(guest, `${here}/switch`)}
          name="disabled"
          value={key.disabled ? "false" : "true"}
          button={key.disabled ? "Enable" : "Disable"}
          about="this key"
        />
        <a class="button danger" href={pageAt(guest, `${here}/delete`)}>
          Delete
        </a>
      </div>
      <h2 id="usage">Usage</h2>
      <Spent listed={listed} currency={currency} />
      <p>
        <a href={pageAt(guest, "/dashboard/usage", { key: key.hash })}>
          Its usage by day and model
        </a>
        , <a href={pageAt(guest, "/dashboard/transactions", { key: key.hash })}>its requests</a>
      </p>
      <h2 id="settings">Settings</h2>
      <p>A change holds from the next request on.</p>
      <Sheet action={formAt(guest, here)} button="Change the key">
        <TextLine fill={fill} name="name" label="Name" required />
        <KeyFields fill={fill} currency={currency} places={places} />
      </Sheet>
    </Desktop>
  );
}

/** Asks once: a deleted key does not come back. */
export function DeleteKeyPage({ guest, apiKey }: { guest: Guest; apiKey: ApiKey }) {
  const here = `/dashboard/keys/${apiKey.hash}`;
  return (
    <Desktop guest={guest} title="Delete this key?" lead={apiKey.name}>
      <p>
        Programs that call with <code>{apiKey.label}</code> are refused from the next request on.
        What it used stays in the history. This cannot be undone; to stop it for a while, disable
        it.
      </p>
      <Sheet action={formAt(guest, `${here}/delete`)} button="Delete for good" danger />
      <p>
        <a href={pageAt(guest, here)}>Keep it</a>
      </p>
    </Desktop>
  );
}

function Facts({
  listed: { key, usages, carbon, maker },
  now,
  currency,
}: {
  listed: ListedKey;
  now: number;
  currency: string;
}) {
  const left = limitRemaining(key, usages);
  return (
    <dl class="facts">
      <dt>State</dt>
      <dd>{stateOf(key, now)}</dd>
      <dt>Shown as</dt>
      <dd>
        <code>{key.label}</code>
      </dd>
      <dt>Hash</dt>
      <dd>
        <code>{key.hash}</code>
      </dd>
      <dt>Kind</dt>
      <dd>{key.type === "management" ? "management key" : "API key"}</dd>
      <dt>Made by</dt>
      <dd>{maker ?? <Unknown why={whoIsMissing(key.createdBy)} />}</dd>
      <dt>Made</dt>
      <dd>
        <Moment at={key.createdAt} why="" />
      </dd>
      <dt>Changed</dt>
      <dd>
        <Moment at={key.updatedAt} why="Never changed" />
      </dd>
      <dt>Last used</dt>
      <dd>
        <Moment
          at={key.lastUsedAt}
          why={usages.own.total + usages.byok.total > 0 ? "Within the last seconds" : "Never used"}
        />
      </dd>
      <dt>Expires</dt>
      <dd>
        <Moment at={key.expiresAt} why="It does not expire" />
      </dd>
      <dt>Left of the limit</dt>
      <dd>{left === null ? <Unknown why="Without a limit" /> : `${money(left)} ${currency}`}</dd>
      {carbon && (
        <>
          <dt>Left of the carbon budget</dt>
          <dd>
            {figure(carbon.leftG)} g CO2e of {figure(carbon.budget.grams)} g, until{" "}
            <Moment at={carbon.resetsAt} why="" />
          </dd>
        </>
      )}
    </dl>
  );
}

function Spent({ listed: { usages }, currency }: { listed: ListedKey; currency: string }) {
  return (
    <Table
      caption={`What it spent, ${currency}; days, weeks and months are UTC`}
      head={
        <tr>
          <th scope="col">Time</th>
          <th scope="col" class="n">
            Charged here
          </th>
          <th scope="col" class="n">
            On own provider keys, at the provider's price
          </th>
        </tr>
      }
    >
      {spans.map(([span, words]) => (
        <tr>
          <th scope="row">{words}</th>
          <td class="n">{money(toUnits(usages.own[span]))}</td>
          <td class="n">{money(toUnits(usages.byok[span]))}</td>
        </tr>
      ))}
    </Table>
  );
}

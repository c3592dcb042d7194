import type { AccountSummary } from "#src/account/administer.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { Choose, Figure, money, Pager } from "#src/web/operator/fields.tsx";
import { Line, Sheet as Form } from "#src/web/people/form.tsx";
import { type Column, Formats, type Sheet, SheetTable } from "#src/web/sheet.tsx";

/** Path of an account's page. */
export function accountPath(id: string): string {
  return `/operator/accounts/${encodeURIComponent(id)}`;
}

/** Accounts with what they have and do, in the configured currency. */
export function accountSheet(
  rows: readonly AccountSummary[],
  currency: string,
): Sheet<AccountSummary> {
  const columns: Column<AccountSummary>[] = [
    {
      name: "name",
      title: "Account",
      value: ({ name }) => name,
      show: ({ id, name }) => (
        <>
          <a href={accountPath(id)}>{name === "" ? id : name}</a>
          <br />
          <code class="small soft">{id}</code>
        </>
      ),
    },
    { name: "id", value: ({ id }) => id },
    { name: "plan", title: "Plan", value: ({ plan }) => plan },
    {
      name: "balance",
      title: `Balance, ${currency}`,
      kind: "figure",
      value: ({ balance }) => toUnits(balance),
      show: ({ balance }) => money(balance),
    },
    {
      name: "spent_this_month",
      title: "This month",
      kind: "figure",
      value: ({ spent }) => toUnits(spent),
      show: ({ spent }) => money(spent),
    },
    { name: "keys", title: "Keys", kind: "figure", value: ({ keys }) => keys },
    { name: "members", title: "Members", kind: "figure", value: ({ members }) => members },
    {
      name: "state",
      title: "State",
      value: ({ disabled }) => (disabled ? "disabled" : "active"),
      show: ({ disabled }) => <AccountState disabled={disabled} />,
    },
    {
      name: "created_at",
      title: "Since",
      kind: "short",
      value: ({ createdAt }) => rfc3339(createdAt),
      show: ({ createdAt }) => rfc3339(createdAt).slice(0, 10),
    },
  ];
  return { name: "accounts", columns, rows };
}

export function AccountState({ disabled }: { disabled: boolean }) {
  return disabled ? <span class="bad">Disabled</span> : <span class="good">Active</span>;
}

/** All accounts of the gateway, and the form that makes one. */
export function AccountsPage(props: {
  guest: Guest;
  outcome: Outcome;
  rows: readonly AccountSummary[];
  next: string | undefined;
  currency: string;
  anyProvider: boolean;
}) {
  const { guest, outcome, rows, next, currency, anyProvider } = props;
  const query = guest.url.searchParams;
  const kept = new URLSearchParams([...query].filter(([name]) => name !== "done"));
  return (
    <Desktop guest={guest} title="Accounts" outcome={outcome}>
      {anyProvider ? null : (
        <p class="notice bad">
          No provider is configured, so no request can be answered.{" "}
          <a href="/operator/welcome">What to set</a>
        </p>
      )}
      <form class="filters" method="get" action="/operator">
        <label>
          Name, id or a member’s address
          <br />
          <input type="search" name="q" value={query.get("q") ?? ""} maxlength={100} />
        </label>
        <label>
          State
          <br />
          <select name="state">
            {(["any", "active", "disabled"] as const).map((state) => (
              <option value={state === "any" ? "" : state} selected={state === query.get("state")}>
                {state}
              </option>
            ))}
          </select>
        </label>
        <button class="primary" type="submit">
          Show
        </button>
        <a class="button" href="/operator">
          Clear
        </a>
      </form>
      {rows.length === 0 ? (
        <p>No account is like this.</p>
      ) : (
        <SheetTable
          caption={`Accounts, the newest first; spent since the first of the month, UTC, in ${currency}`}
          sheet={accountSheet(rows, currency)}
        />
      )}
      <Pager path="/operator" query={kept} next={next} />
      <Formats path="/operator" query={kept} />
      <h2 id="make">Make an account</h2>
      <p>
        A prepaid account needs credit before each request. A metered one is priced and recorded,
        and only limits of its keys stop it. Somebody gets into it by{" "}
        <a href="/operator/invitations">an invitation</a>.
      </p>
      <Form action="/operator/accounts" button="Make the account">
        <Line name="name" label="Name" auto="off" most={100} />
        <Choose
          name="plan"
          label="Plan"
          options={[
            ["prepaid", "prepaid"],
            ["metered", "metered"],
          ]}
        />
        <Figure name="credit" label={`Opening credit, ${currency}`} optional />
      </Form>
    </Desktop>
  );
}

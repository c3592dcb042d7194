import type { Account, ApiKey } from "#src/account/account.ts";
import type { Member } from "#src/account/people/members.ts";
import type { Balance, Transaction } from "#src/ledger/transactions.ts";
import type { Totals } from "#src/ledger/rollups.ts";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import type { Guest, Outcome } from "#src/web/dashboard/room.ts";
import { figure } from "#src/web/format.ts";
import { Table, Unknown } from "#src/web/layout.tsx";
import { accountPath, AccountState } from "#src/web/operator/accounts.tsx";
import { Choose, Facts, Figure, money, Pager } from "#src/web/operator/fields.tsx";
import { pageIn } from "#src/web/page-in.ts";
import { Act, Line, Moment, Sheet as Form } from "#src/web/people/form.tsx";

/** Members of one page. */
const shownMembers = 50;

/** What the page of an account shows. */
export interface AccountView {
  account: Account;
  balance: Balance;
  /** Since the first of the month. */
  month: Totals;
  members: readonly Member[];
  keys: readonly ApiKey[];
  /** Whether there are more keys than these. */
  moreKeys: boolean;
  transactions: readonly Transaction[];
  currency: string;
  now: number;
}

/** One account: facts, money, people and keys. */
export function AccountPage(props: { guest: Guest; outcome: Outcome; view: AccountView }) {
  const { guest, outcome, view } = props;
  const { account, balance, month, currency } = view;
  const path = accountPath(account.id);
  return (
    <Desktop
      guest={guest}
      title={account.name === "" ? account.id : account.name}
      outcome={outcome}
    >
      <p class="crumbs">
        <a href="/operator">Accounts</a>
      </p>
      <Facts
        of={[
          ["Id", <code>{account.id}</code>],
          ["State", <AccountState disabled={account.disabled} />],
          ["Plan", account.plan],
          ["Balance", `${money(balance.balance)} ${currency}`],
          ["Granted and used", `${money(balance.granted)} and ${money(balance.used)} ${currency}`],
          [
            "This month",
            `${figure(month.requests)} requests, ${money(month.cost)} ${currency}, ${figure(month.inputTokens + month.outputTokens)} tokens`,
          ],
          ["Since", <Moment at={account.createdAt} why="" />],
        ]}
      />
      <p>
        <a href={`/operator/audit?of=${encodeURIComponent(account.id)}`}>
          What was done to it, in the audit log
        </a>
      </p>
      <h2 id="credit">Credit</h2>
      <p>It counts from the next request on. A negative amount takes credit away.</p>
      <Form action={`${path}/credit`} button="Give the credit">
        <Figure name="amount" label={`Amount, ${currency}`} />
        <Line name="note" label="Note, shown with the transaction" auto="off" optional />
      </Form>
      <Transactions rows={view.transactions} currency={currency} />
      <h2 id="state">State and plan</h2>
      <p>
        {account.disabled
          ? "Its keys answer 401 until it is enabled again."
          : "Disabling it refuses every key of it from the next request on; what is being answered ends as usual."}
      </p>
      <Form
        action={`${path}/${account.disabled ? "enable" : "disable"}`}
        button={account.disabled ? "Enable the account" : "Disable the account"}
        danger={!account.disabled}
      />
      <Form action={`${path}/plan`} button="Change the plan">
        <Choose
          name="plan"
          label="Plan"
          now={account.plan}
          options={[
            ["prepaid", "prepaid: needs credit before each request"],
            ["metered", "metered: is priced and recorded"],
          ]}
        />
      </Form>
      <Members guest={guest} members={view.members} accountId={account.id} />
      <Keys keys={view.keys} more={view.moreKeys} now={view.now} />
    </Desktop>
  );
}

function Transactions({ rows, currency }: { rows: readonly Transaction[]; currency: string }) {
  if (rows.length === 0) return <p>No money moved yet.</p>;
  return (
    <Table
      caption={`The last transactions, in ${currency}`}
      head={
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Kind</th>
          <th scope="col" class="n">
            Amount
          </th>
          <th scope="col">Description</th>
        </tr>
      }
    >
      {rows.map(({ createdAt, type, amount, description }) => (
        <tr>
          <th scope="row">
            <Moment at={createdAt} why="" />
          </th>
          <td>{type}</td>
          <td class="n">{money(amount)}</td>
          <td class="long">{description}</td>
        </tr>
      ))}
    </Table>
  );
}

function Members(props: { guest: Guest; members: readonly Member[]; accountId: string }) {
  const { guest, members, accountId } = props;
  const query = guest.url.searchParams;
  const { shown, next } = pageIn(members, ({ personId }) => personId, {
    after: query.get("after"),
    pageSize: shownMembers,
  });
  return (
    <>
      <h2 id="members">Members</h2>
      {members.length === 0 ? (
        <p>
          Nobody can sign in for it.{" "}
          <a href={`/operator/invitations?for=${encodeURIComponent(accountId)}`}>Invite somebody</a>
        </p>
      ) : (
        <Table
          caption="People who may act for it"
          head={
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Address</th>
              <th scope="col">Role</th>
              <th scope="col">Since</th>
              <th scope="col">
                <span class="said">Reset</span>
              </th>
            </tr>
          }
        >
          {shown.map(({ personId, name, email, role, since }) => (
            <tr>
              <th scope="row">{name}</th>
              <td class="long">{email}</td>
              <td>{role}</td>
              <td>
                <Moment at={since} why="" />
              </td>
              <td>
                <Act
                  action="/operator/invitations/reset"
                  name="person"
                  value={personId}
                  button="Password reset link"
                  about={`for ${name}`}
                />
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Pager
        path={accountPath(accountId)}
        query={new URLSearchParams(query.has("after") ? { after: "" } : {})}
        next={next}
      />
    </>
  );
}

function Keys({ keys, more, now }: { keys: readonly ApiKey[]; more: boolean; now: number }) {
  return (
    <>
      <h2 id="keys">Keys</h2>
      {keys.length === 0 ? (
        <p>It has no key.</p>
      ) : (
        <Table
          caption={`${more ? "The newest keys" : "Its keys"}: of a secret only the label is kept`}
          head={
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Label</th>
              <th scope="col">Kind</th>
              <th scope="col">State</th>
              <th scope="col">Made</th>
              <th scope="col">Last used</th>
            </tr>
          }
        >
          {keys.map((key) => (
            <tr>
              <th scope="row" class="long">
                {key.name}
              </th>
              <td class="short">
                <code>{key.label}</code>
              </td>
              <td>{key.type}</td>
              <td>{keyState(key, now)}</td>
              <td>
                <Moment at={key.createdAt} why="" />
              </td>
              <td>
                {key.lastUsedAt === undefined ? (
                  <Unknown why="It was never used" />
                ) : (
                  <Moment at={key.lastUsedAt} why="" />
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}

function keyState({ disabled, expiresAt }: ApiKey, now: number): string {
  if (disabled) return "disabled";
  return expiresAt !== undefined && expiresAt <= now ? "expired" : "active";
}

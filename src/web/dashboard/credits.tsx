import type { Child } from "hono/jsx";
import type { Move, Moves } from "#src/ledger/money-moves.ts";
import { toUnits } from "#src/ledger/money.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import type { Purchase } from "#src/payment/purchase.ts";
import { type AuditNames, readable } from "#src/web/dashboard/audit-names.ts";
import { priceOf } from "#src/web/dashboard/buy-page.tsx";
import { Desktop } from "#src/web/dashboard/frame.tsx";
import { pageAt } from "#src/web/dashboard/key-text.ts";
import { amount as money } from "#src/web/dashboard/usage-words.tsx";
import type { Guest } from "#src/web/dashboard/room.ts";
import { Table } from "#src/web/layout.tsx";
import { Moment } from "#src/web/people/form.tsx";
import { type Column, Formats, SheetTable } from "#src/web/sheet.tsx";

const path = "/dashboard/credits";

/** Columns of what moved a balance. */
export function moveColumns(options: {
  currency: string;
  accountId: string;
  names: AuditNames;
}): Column<Move>[] {
  const { currency, accountId, names } = options;
  return [
    {
      name: "date",
      title: "Time",
      kind: "short",
      value: (move) => (move.kind === "usage" ? move.day : rfc3339(move.at)),
      show: (move) =>
        move.kind === "usage" ? (
          <a href={`/dashboard/usage?${daySearch(move.day, accountId)}`}>{move.day}</a>
        ) : (
          <Moment at={move.at} why="" />
        ),
    },
    { name: "id", value: (move) => (move.kind === "usage" ? null : move.id) },
    { name: "type", title: "Kind", value: ({ kind }) => kind },
    {
      name: "amount",
      title: `Amount, ${currency}`,
      kind: "figure",
      value: ({ amount }) => toUnits(amount),
      show: ({ amount }) => `${amount > 0 ? "+" : ""}${money(amount)}`,
    },
    {
      name: "description",
      title: "What for",
      kind: "long",
      value: (move) =>
        move.kind === "usage"
          ? `${move.requests.toLocaleString("en-US")} ${move.requests === 1 ? "request" : "requests"} of the day, UTC`
          : move.description,
    },
    {
      name: "requests",
      value: (move) => (move.kind === "usage" ? move.requests : null),
    },
    {
      name: "by",
      title: "By",
      kind: "long",
      why: "Usage is by the account's keys",
      value: (move) => (move.kind === "usage" ? null : move.by),
      show: (move) => readable(move.kind === "usage" ? "" : move.by, names),
    },
  ];
}

/** Balance, granted and used, and what moved it. */
export function CreditsPage(props: {
  guest: Guest;
  moves: Moves;
  columns: readonly Column<Move>[];
  currency: string;
  before: string | undefined;
  /** The last purchases that gave no credit. */
  unpaid: readonly Purchase[];
  canBuy: boolean;
}) {
  const { guest, moves, columns, currency, before, unpaid, canBuy } = props;
  const { account } = guest.visitor;
  const { items, next, balance, granted, used } = moves;
  return (
    <Desktop
      guest={guest}
      title="Credits"
      lead="What was paid in and what was used. The sum of the list is the balance."
    >
      <ul class="cards">
        <Card title={`Balance, ${currency}`} amount={balance}>
          {account.plan === "prepaid"
            ? "A request needs credit for the most that it may cost."
            : "The account is metered: requests do not need credit."}
        </Card>
        <Card title={`Paid in, ${currency}`} amount={granted}>
          Credits, less refunds and adjustments. Credit does not expire.
        </Card>
        <Card title={`Used, ${currency}`} amount={used}>
          <a href={`/dashboard/usage?account=${encodeURIComponent(account.id)}`}>
            By model, key and more
          </a>
        </Card>
      </ul>
      {canBuy ? (
        <p>
          <a class="button primary" href={pageAt(guest, `${path}/buy`)}>
            Buy credit
          </a>
        </p>
      ) : (
        <p>The operator of this gateway adds credit.</p>
      )}
      {items.length === 0 ? (
        <p>No money moved yet.</p>
      ) : (
        <SheetTable
          caption={`What moved the balance, the newest first${before === undefined ? "" : ", older ones"}`}
          sheet={{ name: "credits", columns, rows: items }}
        />
      )}
      <nav class="pages" aria-label="Pages of the list">
        {before === undefined ? null : <a href={pageAt(guest, path)}>Newest</a>}
        {next === undefined ? null : (
          <a rel="next" href={pageAt(guest, path, { before: next })}>
            Older
          </a>
        )}
      </nav>
      <Formats path={path} query={new URLSearchParams({ account: account.id })} />
      <p class="small soft">
        Usage stands here by day, where its day is the one on which a request began, UTC. Every
        request by itself is{" "}
        <a href={pageAt(guest, "/dashboard/transactions")}>in the list of requests</a>.
      </p>
      {unpaid.length === 0 ? null : <Unpaid guest={guest} purchases={unpaid} />}
    </Desktop>
  );
}

const unpaidWords: Partial<Record<Purchase["state"], string>> = {
  open: "waits for the payment",
  failed: "the payment failed",
  expired: "not paid in time",
  held: "paid, and more than the account can be granted",
};

/** Purchases that were begun and moved nothing: each leads to what became of it. */
function Unpaid({ guest, purchases }: { guest: Guest; purchases: readonly Purchase[] }) {
  return (
    <>
      <h2 id="unpaid">Purchases without credit</h2>
      <Table
        caption="The last purchases that were begun and gave no credit"
        head={
          <tr>
            <th scope="col">Begun</th>
            <th scope="col" class="n">
              Price
            </th>
            <th scope="col">State</th>
            <th scope="col">Purchase</th>
          </tr>
        }
      >
        {purchases.map((one) => (
          <tr>
            <th scope="row" class="short">
              <Moment at={one.createdAt} why="" />
            </th>
            <td class="n">{priceOf(one)}</td>
            <td>{unpaidWords[one.state]}</td>
            <td class="long">
              <a href={pageAt(guest, `${path}/buy/${one.id}`)}>{one.id}</a>
            </td>
          </tr>
        ))}
      </Table>
    </>
  );
}

function Card(props: { title: string; amount: number; children: Child }) {
  return (
    <li class="card">
      <h2>{props.title}</h2>
      <p class="figure">{money(props.amount)}</p>
      <p class="small soft">{props.children}</p>
    </li>
  );
}

function daySearch(day: string, account: string): URLSearchParams {
  return new URLSearchParams({ from: day, to: day, account });
}

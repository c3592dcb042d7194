import type { AnyElysia } from "elysia";
import {
  type Administrator,
  changeAccount,
  grantCredit,
  noAccount,
  openAccount,
  searchAccounts,
} from "#src/account/administer.ts";
import { findAccount } from "#src/account/accounts.ts";
import { listKeys } from "#src/account/keys.ts";
import { listMembers } from "#src/account/people/members.ts";
import { nano } from "#src/ledger/money.ts";
import { totals } from "#src/ledger/rollups.ts";
import { balanceOf, listTransactions } from "#src/ledger/transactions.ts";
import { dayOf } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { createRoom, type Guest, type Outcome } from "#src/web/dashboard/room.ts";
import { AccountPage } from "#src/web/operator/account.tsx";
import { accountPath, accountSheet, AccountsPage } from "#src/web/operator/accounts.tsx";
import { amountIn, monthStart } from "#src/web/operator/fields.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { field, seeOther } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";
import { sheetAnswer } from "#src/web/sheet.tsx";

const perPage = 50;
/** Rows of a file, at most. */
const perFile = 10_000;
const shownKeys = 100;
const shownTransactions = 10;

const words = {
  made: "The account is made",
  credit: "The credit is booked, and counts from the next request on",
  disabled: "The account is disabled: its keys are refused from the next request on",
  enabled: "The account is enabled",
  plan: "The plan is changed",
} as const;

/** Who sent a form, as the audit log has it. */
export function administratorOf({ visitor, knock }: Guest): Administrator {
  return { actor: visitor.person.id, address: knock.address };
}

/** All accounts of the gateway, and what an operator does to one. */
export function accountsRoom(desk: Desk): AnyElysia {
  const { app, services, people } = desk;
  const { store } = services;
  const { currency } = app.config.billing;

  async function list(guest: Guest, outcome: Outcome): Promise<Response> {
    const query = guest.url.searchParams;
    const state = (["active", "disabled"] as const).find((one) => one === query.get("state"));
    const { items, nextPageToken } = await searchAccounts(store, {
      text: field(query, "q", 100),
      state,
      before: query.get("after") ?? undefined,
      most: query.has("format") ? perFile : perPage,
      sinceDay: monthStart(dayOf(app.clock.now())),
    });
    return (
      sheetAnswer(accountSheet(items, currency), query) ??
      page(
        <AccountsPage
          guest={guest}
          outcome={outcome}
          rows={items}
          next={nextPageToken}
          currency={currency}
          anyProvider={app.routes.anyProvider}
        />,
        { status: outcome.status ?? 200, personal: true },
      )
    );
  }

  async function show(guest: Guest, outcome: Outcome): Promise<Response> {
    const account = await findAccount(store, guest.params.id ?? "");
    if (account === undefined) throw noAccount();
    const { id } = account;
    const now = app.clock.now();
    const [balance, month, members, keys, transactions] = await Promise.all([
      balanceOf(store, id),
      totals(store, { account: id, fromDay: monthStart(dayOf(now)) }),
      listMembers(store, id),
      listKeys(store, { accountId: id, includeDisabled: true, pageSize: shownKeys + 1 }),
      listTransactions(store, id, { pageSize: shownTransactions }),
    ]);
    const view = {
      account,
      balance,
      month,
      members,
      keys: keys.slice(0, shownKeys),
      moreKeys: keys.length > shownKeys,
      transactions: transactions.items,
      currency,
      now,
    };
    return page(<AccountPage guest={guest} outcome={outcome} view={view} />, {
      status: outcome.status ?? 200,
      personal: true,
    });
  }

  const room = createRoom(desk, "operator accounts", "operator", words);
  room
    .get("/operator", list)
    .get("/operator/accounts/:id", show)
    .post(
      "/operator/accounts",
      async (sender) => {
        const { form } = sender;
        const name = field(form, "name", 100);
        if (name === "")
          throw new AppError("invalid_value", "Cannot make an account without a name", {
            param: "name",
          });
        const credit = amountIn(form, "credit") ?? nano(0);
        if (credit < 0)
          throw new AppError("invalid_value", "Cannot open an account with less than no credit", {
            param: "credit",
          });
        const account = await openAccount(people, administratorOf(sender), {
          name,
          plan: planIn(form),
          credit,
        });
        return seeOther(`${accountPath(account.id)}?done=made`);
      },
      list,
    )
    .post(
      "/operator/accounts/:id/credit",
      async (sender) => {
        const accountId = sender.params.id ?? "";
        const amount = amountIn(sender.form, "amount");
        if (amount === undefined || amount === 0)
          throw new AppError(
            "invalid_value",
            "Cannot book nothing: give an amount such as 5.00, or -5.00 to take it away",
            { param: "amount" },
          );
        const note = field(sender.form, "note");
        await grantCredit(people, administratorOf(sender), { accountId, amount, note });
        return changed(accountId, "credit");
      },
      show,
    )
    .post("/operator/accounts/:id/disable", (sender) => switched(sender, true), show)
    .post("/operator/accounts/:id/enable", (sender) => switched(sender, false), show)
    .post(
      "/operator/accounts/:id/plan",
      async (sender) => {
        const id = sender.params.id ?? "";
        await changeAccount(people, administratorOf(sender), id, { plan: planIn(sender.form) });
        return changed(id, "plan");
      },
      show,
    );

  async function switched(guest: Guest, disabled: boolean): Promise<Response> {
    const id = guest.params.id ?? "";
    await changeAccount(people, administratorOf(guest), id, { disabled });
    return changed(id, disabled ? "disabled" : "enabled");
  }

  function changed(id: string, done: keyof typeof words): Response {
    desk.accountChanged(id);
    return seeOther(`${accountPath(id)}?done=${done}`);
  }

  return room.routes;
}

function planIn(form: URLSearchParams): "prepaid" | "metered" {
  const text = field(form, "plan", 20);
  if (text === "prepaid" || text === "metered") return text;
  throw new AppError("invalid_value", `Cannot use the plan "${text}": choose prepaid or metered`, {
    param: "plan",
  });
}

import type { AnyElysia } from "elysia";
import { AppError } from "#src/lib/error.ts";
import { findPurchase, type Purchase } from "#src/payment/purchase.ts";
import type { Payments } from "#src/payment/payments.ts";
import { BuyPage, PurchasePage, ToStripePage } from "#src/web/dashboard/buy-page.tsx";
import { createRoom, type Guest, type Outcome, type Sender } from "#src/web/dashboard/room.ts";
import type { Desk } from "#src/web/people/desk.ts";
import { field } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";

const path = "/dashboard/credits/buy";

/** Buying credit: the amount, the way to where it is paid, and what became of it. */
export function buyRoom(desk: Desk): AnyElysia {
  const { app, services, throttles } = desk;
  const { store } = services;

  /** What sells; where nothing does, there is no such page. */
  function till(): Payments {
    if (services.payments !== undefined) return services.payments;
    throw new AppError("not_found", "Cannot buy credit here: the operator of this gateway adds it");
  }

  function show(guest: Guest, outcome: Outcome): Response {
    return page(<BuyPage guest={guest} outcome={outcome} terms={till().terms} />, {
      status: outcome.status ?? 200,
      personal: true,
    });
  }

  async function begin(sender: Sender): Promise<Response> {
    const { visitor, knock, form } = sender;
    const payments = till();
    const { account, person } = visitor;
    if (throttles.person.take(`buy ${account.id}`) > 0)
      throw new AppError(
        "rate_limit_exceeded",
        "Cannot begin another payment yet: wait a quarter of an hour",
      );
    const origin = app.config.publicUrl || knock.origin;
    const search = `?account=${encodeURIComponent(account.id)}`;
    const { purchase, url } = await payments.buy(
      { accountId: account.id, personId: person.id, email: person.email, address: knock.address },
      field(form, "amount", 20),
      (id) => ({
        paid: `${origin}${path}/${id}${search}`,
        cancelled: `${origin}${path}${search}&done=cancelled`,
      }),
    );
    return page(<ToStripePage guest={sender} purchase={purchase} url={url} />, { personal: true });
  }

  async function one(guest: Guest): Promise<Response> {
    const { visitor, params } = guest;
    const by = { id: params["id"] ?? "", accountId: visitor.account.id };
    const purchase: Purchase | undefined = await findPurchase(store, by);
    if (purchase === undefined)
      throw new AppError(
        "not_found",
        "Cannot find this purchase: /dashboard/credits lists what was paid",
      );
    return page(<PurchasePage guest={guest} purchase={purchase} />, { personal: true });
  }

  return createRoom(desk, "buy", "admin", { cancelled: "Nothing was paid" })
    .get(path, show)
    .post(path, begin, show)
    .get(`${path}/:id`, one).routes;
}

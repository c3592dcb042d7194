import type { AnyElysia } from "elysia";
import type { AccountRouting } from "#src/account/account.ts";
import { getAccountRouting, setAccountRouting } from "#src/account/account-routing.ts";
import { auditing } from "#src/account/people/audit.ts";
import { pageAt } from "#src/web/dashboard/key-text.ts";
import { createRoom, type Guest, type Outcome, type Sender } from "#src/web/dashboard/room.ts";
import { routingFields, routingOf } from "#src/web/dashboard/routing-form.ts";
import { RoutingPage } from "#src/web/dashboard/routing-page.tsx";
import type { Desk } from "#src/web/people/desk.ts";
import { seeOther } from "#src/web/people/respond.ts";
import { page } from "#src/web/respond.ts";

const path = "/dashboard/routing";

/** Routing of an account, for its admins. */
export function routingRoom(desk: Desk): AnyElysia {
  const { app, services } = desk;
  const { store, keys, people } = services;

  async function show(guest: Guest, outcome: Outcome): Promise<Response> {
    const routing = await getAccountRouting(store, guest.visitor.account.id);
    return page(
      <RoutingPage
        guest={guest}
        outcome={outcome}
        routing={routing}
        gateway={app.config.routing}
        places={app.routes}
      />,
      { status: outcome.status ?? 200, personal: true },
    );
  }

  async function keep(sender: Sender, routing: AccountRouting | undefined): Promise<void> {
    const { visitor, knock } = sender;
    const { id } = visitor.account;
    await setAccountRouting(store, id, routing, [
      auditing(people, {
        action: "routing.changed",
        actor: visitor.person.id,
        target: id,
        accountId: id,
        address: knock.address,
        detail: Object.fromEntries([...routingFields(routing)].filter(([, text]) => text !== "")),
      }),
    ]);
    keys.invalidate();
  }

  const words = {
    changed: "The routing is changed: the next request follows",
    lifted: "The account wishes nothing any more",
  };
  return createRoom(desk, "routing", "admin", words)
    .get(path, show)
    .post(
      path,
      async (sender) => {
        await keep(sender, routingOf(sender.form, app.routes));
        return seeOther(pageAt(sender, path, { done: "changed" }));
      },
      show,
    )
    .post(
      `${path}/lift`,
      async (sender) => {
        await keep(sender, undefined);
        return seeOther(pageAt(sender, path, { done: "lifted" }));
      },
      show,
    ).routes;
}

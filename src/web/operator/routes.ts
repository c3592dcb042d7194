import { type AnyElysia, Elysia } from "elysia";
import { accountsRoom } from "#src/web/operator/accounts-routes.tsx";
import { auditRoom } from "#src/web/operator/audit-routes.tsx";
import { catalogueRoom } from "#src/web/operator/catalogue-routes.tsx";
import { invitationsRoom } from "#src/web/operator/invitations-routes.tsx";
import { providersRoom } from "#src/web/operator/providers-routes.tsx";
import { operatorStatementsRoom } from "#src/web/operator/statement-routes.tsx";
import { systemRoom } from "#src/web/operator/system-routes.tsx";
import { welcomeRoom } from "#src/web/operator/welcome.tsx";
import type { Desk } from "#src/web/people/desk.ts";

/** Pages for who runs the gateway. A line for each room. */
export function operatorRoutes(desk: Desk): AnyElysia {
  return new Elysia({ name: "operator" })
    .use(accountsRoom(desk))
    .use(invitationsRoom(desk))
    .use(providersRoom(desk))
    .use(catalogueRoom(desk))
    .use(systemRoom(desk))
    .use(operatorStatementsRoom(desk))
    .use(auditRoom(desk))
    .use(welcomeRoom(desk));
}

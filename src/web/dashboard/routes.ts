import { type AnyElysia, Elysia } from "elysia";
import { membersRoom } from "#src/web/dashboard/members-routes.tsx";
import { budgetRoom } from "#src/web/dashboard/budget-routes.tsx";
import { buyRoom } from "#src/web/dashboard/buy-routes.tsx";
import { creditsRoom } from "#src/web/dashboard/credits-routes.tsx";
import { statementsRoom } from "#src/web/dashboard/statements-routes.tsx";
import { statementRoom } from "#src/web/dashboard/statement-routes.tsx";
import { auditRoom } from "#src/web/dashboard/audit-routes.tsx";
import { keysRoom } from "#src/web/dashboard/keys-routes.tsx";
import { providerKeysRoom } from "#src/web/dashboard/provider-keys-routes.tsx";
import { routingRoom } from "#src/web/dashboard/routing-routes.tsx";
import { liveRoom } from "#src/web/dashboard/live-routes.tsx";
import { requestsRoom } from "#src/web/dashboard/requests-routes.tsx";
import { usageRooms } from "#src/web/dashboard/usage-room.ts";
import { webhooksRoom } from "#src/web/dashboard/webhooks-routes.tsx";
import type { Desk } from "#src/web/people/desk.ts";

/** The dashboard: what an account did, what it costs, and who may do what. A line for each room. */
export function dashboardRoutes(desk: Desk): AnyElysia {
  return new Elysia({ name: "dashboard" })
    .use(keysRoom(desk))
    .use(routingRoom(desk))
    .use(budgetRoom(desk))
    .use(providerKeysRoom(desk))
    .use(webhooksRoom(desk))
    .use(usageRooms(desk))
    .use(requestsRoom(desk))
    .use(liveRoom(desk))
    .use(membersRoom(desk))
    .use(creditsRoom(desk))
    .use(buyRoom(desk))
    .use(statementsRoom(desk))
    .use(statementRoom(desk))
    .use(auditRoom(desk));
}

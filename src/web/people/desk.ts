import { createThrottles, type Throttles } from "#src/account/people/throttles.ts";
import type { People } from "#src/account/people/people.ts";
import type { App } from "#src/gateway/context.ts";
import type { Services } from "#src/http/services.ts";
import { visitOf } from "#src/web/visit.ts";
import type { Visit } from "#src/web/layout.tsx";

/** What the pages of people work with. */
export interface Desk {
  app: App;
  services: Services;
  people: People;
  throttles: Throttles;
  visitOf(request: Request): Visit;
  /** Keys and credit of an account changed: those that this process remembers are read anew. */
  accountChanged(accountId: string): void;
}

/** The desk of one gateway. */
export function createDesk(app: App, services: Services): Desk {
  return {
    app,
    services,
    people: services.people,
    throttles: createThrottles(app.clock),
    visitOf: (request) => visitOf(request, app),
    accountChanged(accountId) {
      services.keys.invalidate();
      app.allowances.refresh(accountId);
    },
  };
}

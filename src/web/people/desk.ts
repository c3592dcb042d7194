import type { Account } from "#src/account/account.ts";
import type { Link } from "#src/account/people/links.ts";
import type { Person } from "#src/account/people/person.ts";
import type { Throttles } from "#src/account/people/throttles.ts";
import type { People } from "#src/account/people/people.ts";
import type { App } from "#src/gateway/context.ts";
import type { Services } from "#src/http/services.ts";
import { sendInvitation } from "#src/mail/invite.ts";
import { shareThrottles } from "#src/web/people/shared-throttles.ts";
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
  /** Sends an invitation by mail. True where it is on its way; absent where there is no mail. */
  tellInvited?: ((invitation: InvitationLetter) => Promise<boolean>) | undefined;
}

/** What a mail says to who is invited. */
export interface InvitationLetter {
  email: string;
  /** The link that works once. */
  url: string;
  /** What it leads into; absent where it opens an account of one's own. */
  account: Account | undefined;
  by: Person;
  link: Link;
}

/** The desk of one gateway. */
export function createDesk(app: App, services: Services): Desk {
  const { post } = services;
  const throttles = shareThrottles(services.throttles, services.siblings);
  return {
    app,
    services,
    people: services.people,
    tellInvited:
      post &&
      (async (invitation) => {
        // Mail to anybody with a name that its sender chose: not without end.
        const { account, by } = invitation;
        if (throttles.person.take(`invite ${account?.id ?? by.id}`) > 0) return false;
        return sendInvitation(post, invitation);
      }),
    throttles,
    visitOf: (request) => visitOf(request, app),
    accountChanged(accountId) {
      services.keys.invalidate();
      app.allowances.refresh(accountId);
    },
  };
}

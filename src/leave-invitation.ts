import type { Kit } from "#src/account/people/kit.ts";
import type { Config } from "#src/config/load.ts";
import { type InvitationFacts, sendInvitation } from "#src/mail/invite.ts";
import { leavingLetter } from "#src/mail/post.ts";

/**
 * Leaves an invitation in the database, from where a running gateway mails it within seconds. False where no mail is
 * configured, or it cannot go to the address.
 */
export async function leaveInvitation(
  kit: Kit,
  { mail }: Pick<Config, "mail">,
  invitation: InvitationFacts,
): Promise<boolean> {
  if (mail.server === undefined) return false;
  return sendInvitation(
    { leave: async (letter) => void (await kit.store.write([leavingLetter(kit, letter)])) },
    invitation,
  );
}

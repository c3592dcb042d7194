import { rfc3339 } from "#src/lib/clock.ts";
import { invitationLetter, isAddress } from "#src/mail/letter.ts";
import type { Post } from "#src/mail/post.ts";

/** An invitation, as far as a letter tells of it. */
export interface InvitationFacts {
  email: string;
  /** The link that works once. */
  url: string;
  account: { name: string } | undefined;
  by: { name: string };
  link: { expiresAt: number };
}

/** Sends an invitation. False where mail cannot go to the address. */
export async function sendInvitation(
  post: Pick<Post, "leave">,
  { email, url, account, by, link }: InvitationFacts,
): Promise<boolean> {
  if (!isAddress(email)) return false;
  const until = `${rfc3339(link.expiresAt).slice(0, 16).replace("T", " ")} UTC`;
  await post.leave(invitationLetter(email, { url, by: by.name, into: account?.name, until }));
  return true;
}

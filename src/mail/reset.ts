import type { Kit } from "#src/account/people/kit.ts";
import { createLink } from "#src/account/people/links.ts";
import { resetLetter } from "#src/mail/letter.ts";
import type { Post } from "#src/mail/post.ts";
import { numberIn, textOf } from "#src/store/store.ts";

/** How long a link that came by mail works. */
export const resetMinutes = 60;
/** Letters of this kind to one person within that time: whoever knows an address may ask for them. */
const mostLetters = 3;

/** Sends who has this address a link to choose a new password. Whether there is anybody is told to nobody. */
export async function sendReset(
  kit: Kit,
  post: Post,
  { email, address }: { email: string; address: string },
): Promise<void> {
  const { store, clock } = kit;
  const [row] = await store.read(
    `SELECT id, email, (SELECT count(*) FROM one_use_link WHERE purpose = 'reset' AND person_id = person.id
      AND created_at > ?) AS links FROM person WHERE email = ? AND disabled = 0`,
    [clock.now() - resetMinutes * 60_000, email.toLowerCase()],
  );
  if (row === undefined || (numberIn(row, "links") ?? 0) >= mostLetters) return;
  const personId = textOf(row, "id") ?? "";
  const { token } = await createLink(kit, {
    purpose: "reset",
    createdBy: personId,
    personId,
    seconds: resetMinutes * 60,
    address,
  });
  const url = `${post.origin}/reset?token=${token}`;
  await post.leave(resetLetter(textOf(row, "email") ?? "", { url, minutes: resetMinutes }));
}

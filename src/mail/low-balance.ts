import { lowBalanceLetter, isAddress } from "#src/mail/letter.ts";
import type { Post } from "#src/mail/post.ts";
import { textOf, type Statement, type Store } from "#src/store/store.ts";

/** Statements that leave a letter for everybody who looks after an account, when its credit runs low. Then `Post.wake()`. */
export async function tellLowBalance(
  store: Store,
  post: Pick<Post, "leaving" | "origin">,
  accountId: string,
  facts: { balance: number; threshold: number; currency: string },
): Promise<Statement[]> {
  const rows = await store.read(
    `SELECT person.email, account.name FROM membership JOIN person ON person.id = membership.person_id
      JOIN account ON account.id = membership.account_id
      WHERE membership.account_id = ? AND membership.role IN ('owner', 'admin') AND person.disabled = 0`,
    [accountId],
  );
  const url = `${post.origin}/dashboard/credits?account=${accountId}`;
  return rows.flatMap((row) => {
    const email = textOf(row, "email") ?? "";
    // Somebody who cannot be reached must not keep the others from being told.
    if (!isAddress(email)) return [];
    const account = textOf(row, "name") ?? "";
    return [post.leaving(lowBalanceLetter(email, { ...facts, account, url }))];
  });
}

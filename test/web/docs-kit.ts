import { createAccount } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { type Book, createBook, type DocPage, fillOrigin } from "#src/web/docs/book.ts";
import { type Site, startSite } from "#test/web/site.ts";

/** A gateway with its documentation, and two keys of an account. */
export interface DocsSite extends Site {
  book: Book;
  key: string;
  managementKey: string;
}

/** Starts one; close() it. */
export async function startDocs(): Promise<DocsSite> {
  // The addresses of examples are nobody's.
  const site = await startSite((config) => {
    config.webhooks.allowPrivate = true;
    config.metrics.enabled = true;
  });
  const { store, services } = site.gateway;
  const made = { clock: systemClock, ids: createIds(systemClock) };
  const account = await createAccount(store, made, { name: "operator", plan: "metered" });
  const mint = async (type: "regular" | "management") =>
    (await createKey(store, systemClock, { accountId: account.id, name: type, type })).secret;
  return {
    ...site,
    book: createBook(services.providers),
    key: await mint("regular"),
    managementKey: await mint("management"),
  };
}

/** A block of code of a page. */
export interface Block {
  page: DocPage;
  language: string;
  text: string;
}

/** Every block of code of the documentation, the reader's address filled in. */
export function blocksOf({ pages }: Book, origin: string): Block[] {
  return pages.flatMap((page) =>
    [...page.markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
      ([, language = "", text = ""]) => ({ page, language, text: fillOrigin(text, origin) }),
    ),
  );
}

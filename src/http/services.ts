import type { KeyCache } from "#src/account/key-cache.ts";
import type { KeySpend } from "#src/account/key-usage.ts";
import type { KeyPlace } from "#src/account/master-key.ts";
import type { People } from "#src/account/people/people.ts";
import type { Throttles } from "#src/account/people/throttles.ts";
import type { EcoTables } from "#src/eco/load.ts";
import type { CatalogServices } from "#src/http/catalog.ts";
import type { Unsent } from "#src/http/unsent.ts";
import type { Watch } from "#src/ledger/watch.ts";
import type { Post } from "#src/mail/post.ts";
import type { Payments } from "#src/payment/payments.ts";
import type { Soon } from "#src/lib/soon.ts";
import type { StatementShelf } from "#src/statement/open.ts";
import type { Store } from "#src/store/store.ts";
import type { Webhooks } from "#src/webhook/open.ts";
import type { Siblings } from "#src/workers/siblings.ts";

/** What the surface reads and writes besides inference. */
export interface Services extends CatalogServices {
  store: Store;
  keys: KeyCache;
  /** What keys spent. */
  keySpend: KeySpend;
  /** Credentials of providers: where their master key is, and how this process reads them anew. */
  providerKeys: { place: KeyPlace; refresh(): Soon<void> };
  /** Who signs in. */
  people: People;
  tables: EcoTables;
  /** Footprint statements, kept for a moment. */
  statements: StatementShelf;
  processId: string;
  /** What this machine answered and a database elsewhere may not have yet; absent where it is a file. */
  unsent: Unsent | undefined;
  /** The other processes of this gateway on this machine; absent where it is one. */
  siblings: Siblings | undefined;
  /** What was tried at the door of this process. */
  throttles: Throttles;
  /** Who looks on while requests are kept. */
  watch: Watch;
  /** Who wants to be told what happens. */
  webhooks: Webhooks;
  /** Where credit is bought; absent where it is not. */
  payments: Payments | undefined;
  /** Where mail is left; absent where none is sent. */
  post: Post | undefined;
}

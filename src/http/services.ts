import type { KeyCache } from "#src/account/key-cache.ts";
import type { EcoTables } from "#src/eco/load.ts";
import type { CatalogServices } from "#src/http/catalog.ts";
import type { Store } from "#src/store/store.ts";

/** What the surface reads and writes besides inference. */
export interface Services extends CatalogServices {
  store: Store;
  keys: KeyCache;
  tables: EcoTables;
  processId: string;
}

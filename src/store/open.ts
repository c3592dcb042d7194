import { openFile } from "#src/store/file.ts";
import { openRemote } from "#src/store/remote.ts";
import type { Store } from "#src/store/store.ts";

export interface StoreOptions {
  /** `file:path`, else `libsql://`, `https://` or `http://`. */
  url: string;
  authToken?: string;
  /** `normal` survives the death of the process; `full` also a power cut, at five times the price. */
  synchronous?: "normal" | "full";
}

/** Opens the database, without touching its schema: see migrate.ts. */
export async function openStore(options: StoreOptions): Promise<Store> {
  return options.url.startsWith("file:") ? await openFile(options) : await openRemote(options);
}

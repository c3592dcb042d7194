import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";

/** A new folder that is gone when the block ends. */
export function temporaryFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "lowrouter-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A migrated store in a folder of its own, closed and removed when the block ends. */
export async function temporaryStore(): Promise<{ store: Store; path: string } & Disposable> {
  const folder = temporaryFolder();
  const path = join(folder.path, "test.db");
  const store = await openStore({ url: `file:${path}` });
  await migrate(store, createFakeClock());
  return {
    store,
    path,
    [Symbol.dispose]() {
      store.close();
      folder[Symbol.dispose]();
    },
  };
}

import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "#src/lib/clock.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import type { Store } from "#src/store/store.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";

const abandonedMs = 3_600_000;
let isSwept = false;

/** A new folder that is gone when the block ends. What a run that was killed or failed left, a later run removes. */
export function temporaryFolder(): { path: string } & Disposable {
  if (!isSwept) removeAbandoned(tmpdir(), systemClock.now());
  isSwept = true;
  const path = mkdtempSync(join(tmpdir(), `lowrouter-${process.pid}-`));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Removes the folders of test processes that are gone, an hour after they were last written to. What cannot be removed, as
 * something is mounted there or another process removes it just now, stays, and is no matter of the test that runs.
 */
export function removeAbandoned(parent: string, now: number): void {
  for (const name of readdirSync(parent)) {
    const pid = Number(/^lowrouter-(\d+)-/.exec(name)?.[1] ?? process.pid);
    const path = join(parent, name);
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now;
    // The hour is for processes of another container that shares the directory: they cannot be seen.
    if (lives(pid) || now - written <= abandonedMs) continue;
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // It stays.
    }
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return !(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH");
  }
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

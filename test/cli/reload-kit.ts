import { afterEach, beforeEach } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { endServing, type Serving, startServing } from "#test/lib/serving.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { until } from "#test/workers/kit.ts";

/** A data directory and a configuration file for each test of a file. */
export interface Bench {
  readonly path: string;
  write(text: string): void;
  /** Serves by the file, in an environment. */
  start(env: Record<string, string>, ...more: string[]): ReturnType<typeof startServing>;
}

/** Lays out one before each test, and clears it and what served away after it. */
export function layOut(): Bench {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => {
    endServing();
    folder[Symbol.dispose]();
  });
  const file = () => join(folder.path, "lowrouter.toml");
  return {
    get path() {
      return folder.path;
    },
    write: (text) => writeFileSync(file(), text),
    start: (env, ...more) =>
      startServing({
        args: ["--config", file(), "--data-dir", join(folder.path, "state"), ...more],
        env,
      }),
  };
}

/** How often the log of a gateway names an event. */
export function events(serving: Serving, name: string): number {
  return serving.err().split(`"${name}"`).length - 1;
}

/** Has it read the file, and waits until it did. */
export async function reload(serving: Serving): Promise<void> {
  const before = events(serving, "configuration_read");
  serving.signal("SIGHUP");
  await until("it is read", () => events(serving, "configuration_read") > before);
}

/** What a machine needs of its own: everything else is the same everywhere. */
export interface Needed {
  /** The npm package that holds its libSQL addon. */
  addon: string;
  /** The npm package that holds its Bun. */
  runtime: string;
}

/** Each machine that can be compiled for. */
export const targets = {
  "bun-linux-x64": { addon: "@libsql/linux-x64-gnu", runtime: "@oven/bun-linux-x64" },
  "bun-linux-arm64": { addon: "@libsql/linux-arm64-gnu", runtime: "@oven/bun-linux-aarch64" },
  "bun-linux-x64-musl": { addon: "@libsql/linux-x64-musl", runtime: "@oven/bun-linux-x64-musl" },
  "bun-linux-arm64-musl": {
    addon: "@libsql/linux-arm64-musl",
    runtime: "@oven/bun-linux-aarch64-musl",
  },
  "bun-darwin-x64": { addon: "@libsql/darwin-x64", runtime: "@oven/bun-darwin-x64" },
  "bun-darwin-arm64": { addon: "@libsql/darwin-arm64", runtime: "@oven/bun-darwin-aarch64" },
} as const satisfies Record<string, Needed>;

/** A machine that the executable can be compiled for. */
export type Target = keyof typeof targets;

/** Whether there is such a machine. */
export function isTarget(name: string): name is Target {
  return name in targets;
}

/** All of them, in the order in which they are built. */
export const allTargets: readonly Target[] = Object.keys(targets).filter(isTarget);

/** What its executable is called among others, such as "lowrouter-linux-arm64-musl". */
export function fileOf(target: Target): string {
  return `lowrouter-${target.slice("bun-".length)}`;
}

/** The target that is this machine. */
export function hostTarget(): Target {
  const musl = process.platform === "linux" && !usesGlibc() ? "-musl" : "";
  const target = `bun-${process.platform}-${process.arch}${musl}`;
  if (!isTarget(target))
    throw new Error(`Cannot compile on "${target}": use ${allTargets.join(", ")}`);
  return target;
}

function usesGlibc(): boolean {
  try {
    const { exitCode, stdout } = Bun.spawnSync(["getconf", "GNU_LIBC_VERSION"], {
      stderr: "ignore",
    });
    return exitCode === 0 && stdout.toString().startsWith("glibc");
  } catch {
    // No such program: busybox has none, and there is no glibc without one.
    return false;
  }
}

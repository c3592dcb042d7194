import { mkdirSync, statfsSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "#test/store/temporary.ts";

const megabyte = 1024 * 1024;

/** A file system of its own, in memory, small enough to be filled. Needs root. */
export interface SmallDisk {
  path: string;
  /** Leaves no byte free. */
  fill(): Promise<void>;
  [Symbol.dispose](): void;
}

export function mountSmallDisk(size: string): SmallDisk {
  const folder = temporaryFolder();
  const path = join(folder.path, "disk");
  mkdirSync(path);
  run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path);
  return {
    path,
    fill: () => fill(ballastOf(path), path),
    [Symbol.dispose]() {
      spawnOnce("umount", "-l", path);
      folder[Symbol.dispose]();
    },
  };
}

/** The file that fills a small disk: without it there is room again. */
export function ballastOf(disk: string): string {
  return join(disk, "ballast");
}

/** Writes until there is no byte left. */
async function fill(path: string, disk: string): Promise<void> {
  for (let size = megabyte; size >= 1; size = Math.floor(size / 16)) {
    const block = Buffer.alloc(size);
    for (;;) {
      const { bavail, bsize } = statfsSync(disk);
      if (bavail * bsize < size) break;
      const ok = await appendFile(path, block).then(
        () => true,
        () => false,
      );
      if (!ok) break;
    }
  }
}

/** Why nothing can be mounted; undefined: it can. */
export function cannotMount(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
  const folder = temporaryFolder();
  try {
    const { code } = spawnOnce("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path);
    if (code !== 0) return "nothing can be mounted here";
    spawnOnce("umount", folder.path);
    return undefined;
  } finally {
    folder[Symbol.dispose]();
  }
}

export function spawnOnce(...command: string[]): { code: number; out: string } {
  const { exitCode, stdout } = Bun.spawnSync(command, { stdout: "pipe", stderr: "ignore" });
  return { code: exitCode, out: stdout.toString() };
}

export function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}: ${stderr}`);
}

/**
 * Compiles the executable: `bun src/build.ts [--outfile dist/lowrouter] [--target bun-linux-x64]`, or for every machine with
 * `--all`, into dist/release with checksums, bill of materials and licences. `--notice` brings NOTICE up to date. Dev only.
 */
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "#src/build/compile.ts";
import { readLockfile } from "#src/build/lockfile.ts";
import { npmPack, type Parts, partsFor } from "#src/build/parts.ts";
import { noteLibraries, releaseAll } from "#src/build/release.ts";
import { allTargets, hostTarget, isTarget, type Target, targets } from "#src/build/targets.ts";

export { hostTarget, type Target } from "#src/build/targets.ts";

/** What to compile, for which machine, and where to put it. */
export interface BuildOptions {
  entry: string;
  outfile: string;
  target: Target;
}

const root = join(import.meta.dir, "..");
const stock = { folder: join(root, "node_modules/.cache/lowrouter"), obtain: npmPack };

if (import.meta.main) await main(process.argv.slice(2));

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      entry: { type: "string", default: join(root, "src/main.ts") },
      outfile: { type: "string", default: join(root, "dist/lowrouter") },
      target: { type: "string", default: hostTarget() },
      all: { type: "boolean", default: false },
      notice: { type: "boolean", default: false },
    },
  });
  const { entry, outfile, target } = values;
  if (values.all) {
    const folder = join(root, "dist/release");
    await releaseAll({ root, entry, folder, stock, ...(await sourcesOf()) });
    return;
  }
  if (values.notice) {
    await noteLibraries(root, entry);
    return;
  }
  if (!isTarget(target)) {
    throw new Error(`Cannot compile for "${target}": use ${allTargets.join(", ")}`);
  }
  await build({ entry, outfile, target });
  const bytes = (await stat(outfile)).size;
  console.log(`${outfile} for ${target}: ${(bytes / 1e6).toFixed(1)} MB`);
}

/** Compiles one executable; throws when the bundler or the addon's loader refuses. */
export async function build({ entry, outfile, target }: BuildOptions): Promise<void> {
  const parts =
    target === hostTarget()
      ? await partsHere(target)
      : await partsFor(target, readLockfile(await Bun.file(join(root, "bun.lock")).text()), stock);
  await compile({ entry, outfile, target, parts, ...(await sourcesOf()) });
}

/** Of this machine everything is installed: its addon beside the library, and the Bun that runs this. */
async function partsHere(target: Target): Promise<Parts> {
  const name = targets[target].addon;
  // Named for the machine, as it is then found in the executable.
  const addon = join(stock.folder, `${name.slice("@libsql/".length)}.node`);
  // Under its own name only when whole: another build may be reading the one that is there.
  const aside = `${addon}.${process.pid}`;
  await Bun.write(aside, Bun.file(Bun.resolveSync(name, join(root, "node_modules/libsql"))));
  await rename(aside, addon);
  return { addon, runtime: process.execPath };
}

/** What the executable says of where it comes from. */
async function sourcesOf(): Promise<{ version: string; commit: string }> {
  return { version: await readVersion(), commit: readCommit() };
}

async function readVersion(): Promise<string> {
  const manifest: unknown = await Bun.file(join(root, "package.json")).json();
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) {
    return String(manifest.version);
  }
  throw new Error("Cannot read the version: package.json has none");
}

function readCommit(): string {
  try {
    const git = Bun.spawnSync(["git", "rev-parse", "HEAD"], { cwd: root, stderr: "ignore" });
    return git.exitCode === 0 ? git.stdout.toString().trim() : "unknown";
  } catch {
    // A machine without git: the executable says so itself.
    return "unknown";
  }
}

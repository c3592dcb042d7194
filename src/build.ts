/** Compiles the executable: `bun src/build.ts [--outfile dist/lowrouter] [--target bun-linux-x64]`. Dev only. */
import type { BunPlugin } from "bun";
import { mkdtemp, mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";

/** What to compile, for which machine, and where to put it. */
export interface BuildOptions {
  entry: string;
  outfile: string;
  target: Target;
}

const root = join(import.meta.dir, "..");

/** Each machine that can be compiled for, with the package that holds its libSQL addon. */
const addons = {
  "bun-linux-x64": "@libsql/linux-x64-gnu",
  "bun-linux-arm64": "@libsql/linux-arm64-gnu",
  "bun-linux-x64-musl": "@libsql/linux-x64-musl",
  "bun-linux-arm64-musl": "@libsql/linux-arm64-musl",
  "bun-darwin-x64": "@libsql/darwin-x64",
  "bun-darwin-arm64": "@libsql/darwin-arm64",
  "bun-windows-x64": "@libsql/win32-x64-msvc",
} as const;

/** A machine that the executable can be compiled for. */
export type Target = keyof typeof addons;

if (import.meta.main) await main(process.argv.slice(2));

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      entry: { type: "string", default: join(root, "src/main.ts") },
      outfile: { type: "string", default: join(root, "dist/lowrouter") },
      target: { type: "string", default: hostTarget() },
    },
  });
  const { entry, outfile, target } = values;
  if (!isTarget(target)) {
    throw new Error(`Cannot compile for "${target}": use ${Object.keys(addons).join(", ")}`);
  }
  await build({ entry, outfile, target });
  const bytes = (await stat(outfile)).size;
  console.log(`${outfile} for ${target}: ${(bytes / 1e6).toFixed(1)} MB`);
}

/** Compiles one executable; throws when the bundler or the addon's loader refuses. */
export async function build({ entry, outfile, target }: BuildOptions): Promise<void> {
  await mkdir(dirname(outfile), { recursive: true });
  // A running executable cannot be written to: the new one is made aside and takes its name. Its
  // source map is inside it, so the loose copy goes with the folder.
  const aside = await mkdtemp(join(dirname(outfile), ".build-"));
  try {
    const made = join(aside, basename(outfile));
    await compile(entry, made, target);
    await rename(made, outfile);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function compile(entry: string, outfile: string, target: Target): Promise<void> {
  const result = await Bun.build({
    entrypoints: [entry],
    minify: true,
    sourcemap: "linked",
    bytecode: true,
    // Bytecode defaults to CommonJS, which has no top-level await.
    format: "esm",
    define: {
      LOWROUTER_VERSION: JSON.stringify(await readVersion()),
      LOWROUTER_COMMIT: JSON.stringify(readCommit()),
    },
    // The executable reads no file that the operator did not name.
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      ...(target === hostTarget() ? {} : { target }),
    },
    plugins: [embedAddon(addons[target])],
  });
  if (!result.success) throw new AggregateError(result.logs, `Cannot compile ${entry}`);
}

/** The target that is this machine. */
export function hostTarget(): Target {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const musl = os === "linux" && !usesGlibc() ? "-musl" : "";
  const target = `bun-${os}-${process.arch}${musl}`;
  if (!isTarget(target)) throw new Error(`Cannot compile on "${target}"`);
  return target;
}

/**
 * libSQL picks its native addon with a computed require(), which a bundler cannot follow: the
 * executable then fails away from node_modules (bun#18909). This names the package instead.
 */
function embedAddon(addon: string): BunPlugin {
  return {
    name: "libsql-addon",
    setup(builder) {
      builder.onLoad(
        { filter: /node_modules[\\/]libsql[\\/](index|promise)\.js$/ },
        async ({ path }) => {
          const before = await Bun.file(path).text();
          const after = before.replace("require(`@libsql/${target}`)", `require("${addon}")`);
          if (after === before) {
            throw new Error("Cannot embed the libSQL addon: its loader changed shape");
          }
          return { contents: after, loader: "js" };
        },
      );
    },
  };
}

function isTarget(name: string): name is Target {
  return name in addons;
}

function usesGlibc(): boolean {
  const { exitCode, stdout } = Bun.spawnSync(["getconf", "GNU_LIBC_VERSION"], { stderr: "ignore" });
  return exitCode === 0 && stdout.toString().startsWith("glibc");
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

import type { BunPlugin } from "bun";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Parts } from "#src/build/parts.ts";
import type { Target } from "#src/build/targets.ts";

/** What to compile, of which parts, for which machine, and where to put it. */
export interface CompileOptions {
  entry: string;
  outfile: string;
  target: Target;
  parts: Parts;
  version: string;
  /** The commit of the sources, or "unknown". */
  commit: string;
}

/** Compiles one executable; throws when the bundler or the addon's loader refuses, or the addon is not inside. */
export async function compile(options: CompileOptions): Promise<void> {
  const { entry, outfile, target, parts, version, commit } = options;
  await mkdir(dirname(outfile), { recursive: true });
  // A running executable cannot be written to: the new one is made aside and takes its name. Its
  // source map is inside it, so the loose copy goes with the folder.
  const aside = await mkdtemp(join(dirname(outfile), ".build-"));
  try {
    const made = join(aside, basename(outfile));
    const result = await Bun.build({
      entrypoints: [entry],
      minify: true,
      sourcemap: "linked",
      bytecode: true,
      // Bytecode defaults to CommonJS, which has no top-level await.
      format: "esm",
      define: {
        LOWROUTER_VERSION: JSON.stringify(version),
        LOWROUTER_COMMIT: JSON.stringify(commit),
      },
      // The executable reads no file that the operator did not name.
      compile: {
        outfile: made,
        target,
        // Named, so that nothing is downloaded that the lockfile does not pin.
        executablePath: parts.runtime,
        autoloadDotenv: false,
        autoloadBunfig: false,
      },
      plugins: [embedAddon(parts.addon)],
    });
    if (!result.success) throw new AggregateError(result.logs, `Cannot compile ${entry}`);
    await requireAddon(made, parts.addon);
    await rename(made, outfile);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

/**
 * libSQL picks its native addon with a computed require(), which a bundler cannot follow: the
 * executable then fails away from node_modules (bun#18909). This names the file instead, also
 * where a variable would load one from the folder of the sources: neither that door nor the
 * folder's name goes into the executable.
 */
export function embedAddon(addon: string): BunPlugin {
  // Not by its path: the source map would tell where it was built, and differ from place to place.
  const name = "lowrouter-libsql-addon";
  const load = `require("${name}")`;
  return {
    name: "libsql-addon",
    setup(builder) {
      builder.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: addon }));
      builder.onLoad(
        { filter: /node_modules[\\/]libsql[\\/](index|promise)\.js$/ },
        async ({ path }) => {
          const before = await Bun.file(path).text();
          const named = before.replace("require(`@libsql/${target}`)", load);
          const after = named.replace("load(__dirname)", load);
          if (named === before || after === named || after.includes("__dirname")) {
            throw new Error("Cannot embed the libSQL addon: its loader changed shape");
          }
          return { contents: after, loader: "js" };
        },
      );
    },
  };
}

/** Throws where an executable does not hold an addon, by its name and byte for byte, or holds another besides. */
export async function requireAddon(executable: string, addon: string): Promise<void> {
  const bytes = Buffer.from(await Bun.file(executable).bytes());
  const inside = addonsIn(bytes);
  const wanted = basename(addon, ".node");
  if (inside.length !== 1 || inside[0] !== wanted)
    throw new Error(
      `Cannot use ${executable}: it holds ${inside.join(", ") || "no libSQL addon"} instead of ${wanted}`,
    );
  if (!bytes.includes(Buffer.from(await Bun.file(addon).bytes())))
    throw new Error(`Cannot use ${executable}: its libSQL addon is not the one of ${wanted}`);
}

/** Names of the libSQL addons in an executable, such as "linux-arm64-musl". */
function addonsIn(bytes: Buffer): string[] {
  const names = /bunfs\/root\/((?:linux|darwin)-[a-z0-9-]+)-[a-z0-9]{8}\.node/g;
  return [...new Set([...bytes.toString("latin1").matchAll(names)].map(([, name = ""]) => name))];
}

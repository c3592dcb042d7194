import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, say, unpackedPackages } from "#test/build/debian.ts";

/** A compiler and linker for a machine. */
interface Tools {
  compiler: string[];
  /** What its programs need to run. */
  env: Record<string, string>;
}

/**
 * Makes the C++ library that an executable for musl asks for: Debian has none, so what it needs of Debian's own is linked
 * anew, with what that asks of glibc beside it.
 */
export function cxxOnMusl(made: {
  architecture: Architecture;
  executable: string;
  root: string;
  loader: string;
  folder: string;
}): void {
  const { architecture, executable, root, loader, folder } = made;
  const { compiler, env } = toolsOf(architecture, folder);
  const wanted = asked(executable).difference(offered(join(root, "lib", loader)));
  const archive = (name: string) => say([...compiler, `-print-file-name=${name}`], { env }).trim();
  const object = join(folder, `${architecture}-musl.o`);
  const source = join(import.meta.dir, "musl-runtime.c");
  const flags = ["-O1", "-fPIC", "-fno-stack-protector", "-U_FORTIFY_SOURCE"];
  say([...compiler, "-c", ...flags, source, "-o", object], { env });
  const names = join(folder, `${architecture}-musl.names`);
  writeFileSync(names, [...wanted].map((name) => `-Wl,-u,${name}`).join("\n"));
  say(
    [
      ...[...compiler, "-shared", "-nostdlib", "-Wl,-soname,libstdc++.so.6"],
      ...["-o", join(root, "lib/libstdc++.so.6"), object, `@${names}`, archive("libstdc++.a")],
      ...[join(root, "lib/libgcc_s.so.1"), archive("libgcc.a")],
    ],
    { env },
  );
}

/** What an executable cannot run without, by the names that a linker knows. */
function asked(executable: string): Set<string> {
  const undefinedNames = say(["nm", "-D", "--undefined-only", executable]).split("\n");
  const strong = undefinedNames.flatMap((line) => /^ +U ([^@\s]+)/.exec(line)?.[1] ?? []);
  // Classes of which it holds a copy are in it, and are to be in the library, too.
  const relocations = say(["readelf", "-rW", executable]).split("\n");
  const copied = relocations.flatMap((line) => /_COPY +\S+ +([^@\s]+)/.exec(line)?.[1] ?? []);
  return new Set([...strong, ...copied]);
}

function offered(library: string): Set<string> {
  const lines = say(["nm", "-D", "--defined-only", library]).split("\n");
  return new Set(lines.map((line) => line.split(" ").at(-1) ?? ""));
}

function toolsOf(architecture: Architecture, folder: string): Tools {
  if (architecture === "amd64") return { compiler: ["gcc"], env: {} };
  const version = say(["gcc", "-dumpversion"]).trim();
  const root = unpackedPackages(
    "amd64",
    [
      "binutils-aarch64-linux-gnu",
      `cpp-${version}-aarch64-linux-gnu`,
      `gcc-${version}-aarch64-linux-gnu`,
      `libgcc-${version}-dev-arm64-cross`,
      `libstdc++-${version}-dev-arm64-cross`,
      "libc6-dev-arm64-cross",
      "linux-libc-dev-arm64-cross",
    ],
    folder,
  );
  const programs = join(root, "usr/bin");
  const name = readdirSync(programs).find((file) => /^aarch64-linux-gnu-gcc-\d+$/.test(file)) ?? "";
  return {
    compiler: [
      join(programs, name),
      `-B${programs}/aarch64-linux-gnu-`,
      ...["-isystem", join(root, "usr/aarch64-linux-gnu/include")],
    ],
    env: { LD_LIBRARY_PATH: join(root, "usr/lib/x86_64-linux-gnu") },
  };
}

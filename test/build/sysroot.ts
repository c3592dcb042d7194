import { chmodSync, copyFileSync, cpSync, linkSync, mkdirSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import type { Target } from "#src/build/targets.ts";
import { type Architecture, say, unpackedPackages } from "#test/build/debian.ts";
import { cxxOnMusl } from "#test/build/musl.ts";

/** A Linux machine that this one can play: with its C library, and with its processor emulated where that is another. */
export const played = {
  "bun-linux-arm64": { architecture: "arm64", machine: "aarch64", isMusl: false },
  "bun-linux-x64-musl": { architecture: "amd64", machine: "x86_64", isMusl: true },
  "bun-linux-arm64-musl": { architecture: "arm64", machine: "aarch64", isMusl: true },
} as const satisfies Partial<
  Record<Target, { architecture: Architecture; machine: string; isMusl: boolean }>
>;

/** A machine that can be played. */
export type Played = keyof typeof played;

/** A root directory with an executable, what it needs of its C library, and nothing else. */
export interface Sysroot {
  /** Its directory for data and temporary files, as this machine sees it and as the executable does. */
  state: { outside: string; inside: string };
  /** The command that runs the executable in it. It takes the place of the process that it is started as. */
  command(args: readonly string[]): string[];
}

/** Where the executable is in it. */
const inside = "/usr/local/bin/lowrouter";

/**
 * Makes a root directory of packages of Debian. The C++ library of musl is made of Debian's own, as it has none. Throws where
 * a package cannot be had.
 */
export function makeSysroot(target: Played, executable: string, folder: string): Sysroot {
  const { architecture, machine, isMusl } = played[target];
  const root = join(folder, target);
  for (const part of ["lib", "proc", "dev", "state", "usr/local/bin"])
    mkdirSync(join(root, part), { recursive: true });
  const packages = unpackedPackages(architecture, ["libc6", "libgcc-s1", "musl"], folder);
  const libraries = join(packages, `lib/${machine}-linux-gnu`);
  const loader = `ld-musl-${machine}.so.1`;
  if (isMusl) {
    copyFileSync(join(packages, `lib/${machine}-linux-musl/libc.so`), join(root, "lib", loader));
    chmodSync(join(root, "lib", loader), 0o755);
    symlinkSync(loader, join(root, `lib/libc.musl-${machine}.so.1`));
    copyFileSync(join(libraries, "libgcc_s.so.1"), join(root, "lib/libgcc_s.so.1"));
    cxxOnMusl({ architecture, executable, root, loader, folder });
  } else {
    cpSync(libraries, join(root, `lib/${machine}-linux-gnu`), {
      recursive: true,
      dereference: true,
    });
    symlinkSync(
      `${machine}-linux-gnu/ld-linux-aarch64.so.1`,
      join(root, "lib/ld-linux-aarch64.so.1"),
    );
  }
  // Another name of the same file where that can be: it is large.
  try {
    linkSync(executable, join(root, inside));
  } catch {
    copyFileSync(executable, join(root, inside));
  }
  const emulator = architecture === "arm64" ? emulatorOf(folder) : "";
  return {
    state: { outside: join(root, "state"), inside: "/state" },
    command: (args) => [
      ...["unshare", "--user", "--map-root-user", "--mount"],
      ...["sh", "-euc", enter, basename(root), root, emulator, inside, ...args],
    ],
  };
}

/** The kernel hands programs of arm64 to the emulator, in the namespaces of this one process only (Linux 6.7). */
const enter = `
root=$1 emulator=$2
shift 2
if [ -n "$emulator" ]; then
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
  printf %s ":arm64:M::${elfOf(0xb7)}:${elfMask()}:$emulator:F" > /proc/sys/fs/binfmt_misc/register
fi
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
`;

/** How an executable of a machine begins: 64 bits, little-endian, type and machine. Source: elf(5) */
function elfOf(machine: number): string {
  return escaped([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...Array(9).fill(0), 2, 0, machine, 0]);
}

/** What of that is looked at: not the system's own byte, and both kinds of executable. */
function elfMask(): string {
  return escaped([...Array(7).fill(255), 0, ...Array(8).fill(255), 254, 255, 255, 255]);
}

function escaped(bytes: readonly number[]): string {
  return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

function emulatorOf(folder: string): string {
  return join(
    unpackedPackages("amd64", ["qemu-user-static"], folder),
    "usr/bin/qemu-aarch64-static",
  );
}

/** Why no machine can be played here; nothing where all can. */
export function whyNotPlayed(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "this is not Linux on x64";
  for (const program of ["apt-get", "dpkg", "gcc", "g++", "nm", "readelf", "unshare", "chroot"])
    if (Bun.which(program) === null) return `there is no ${program}`;
  try {
    const mount = "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc";
    say(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount]);
  } catch {
    return "no namespace can be made that hands programs of another processor to an emulator: Linux 6.7 does";
  }
  return undefined;
}

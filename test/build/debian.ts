import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanEnvironment } from "#test/bin/executable.ts";

/** A machine of Debian, as its packages name it. */
export type Architecture = "amd64" | "arm64";

/** Runs a program to its end and returns what it said. Throws with its errors where it failed. */
export function say(
  command: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): string {
  const child = Bun.spawnSync(command, {
    cwd: options.cwd,
    env: { ...cleanEnvironment(), ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  if (child.exitCode === 0) return child.stdout.toString();
  throw new Error(`Cannot run ${command[0]}: ${child.stderr.toString().trim()}`);
}

/** Packages of Debian for a machine, unpacked into a folder and not installed. Throws where one cannot be had. */
export function unpackedPackages(
  architecture: Architecture,
  names: readonly string[],
  folder: string,
): string {
  const root = join(folder, `packages-${architecture}`);
  const key = [root, ...names].join(" ");
  if (unpacked.has(key)) return root;
  const env = { APT_CONFIG: configurationOf(architecture, folder) };
  mkdirSync(root, { recursive: true });
  const downloads = mkdtempSync(join(folder, "downloads-"));
  say(["apt-get", "download", "-qq", ...names], { cwd: downloads, env });
  for (const name of readdirSync(downloads)) say(["dpkg", "-x", join(downloads, name), root]);
  unpacked.add(key);
  return root;
}

const unpacked = new Set<string>();

/** A configuration that leaves what is installed, and its lists, alone. */
function configurationOf(architecture: Architecture, folder: string): string {
  const own = join(folder, `apt-${architecture}`);
  const path = join(own, "apt.conf");
  if (existsSync(path)) return path;
  for (const part of ["state/lists/partial", "cache/archives/partial"])
    mkdirSync(join(own, part), { recursive: true });
  writeFileSync(join(own, "state/status"), "");
  const lines = [
    `APT::Architecture "${architecture}";`,
    `APT::Architectures { "${architecture}"; };`,
    `APT::Sandbox::User "";`,
    `Dir::State "${own}/state";`,
    `Dir::State::status "${own}/state/status";`,
    `Dir::Cache "${own}/cache";`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  say(["apt-get", "update", "-qq"], { env: { APT_CONFIG: path } });
  return path;
}

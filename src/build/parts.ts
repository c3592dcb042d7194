import { existsSync } from "node:fs";
import { chmod, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { Locked, Lockfile } from "#src/build/lockfile.ts";
import { type Target, targets } from "#src/build/targets.ts";

/** What of another machine is needed to compile for it, as files. */
export interface Parts {
  /** The libSQL addon, named for the machine: that name is found in the executable. */
  addon: string;
  /** Bun of that machine. */
  runtime: string;
}

/** Where parts are kept, and how a package's tarball gets there. */
export interface Stock {
  folder: string;
  /** Puts the tarball of a package at a version into a folder; throws where it cannot be had. */
  obtain(id: string, folder: string): Promise<void>;
}

/**
 * The parts for a machine, each from the tarball whose hash bun.lock holds, and from the registry only where the stock lacks
 * it. Throws, and names it, where one cannot be had or is not the one that is pinned.
 */
export async function partsFor(target: Target, lock: Lockfile, stock: Stock): Promise<Parts> {
  const { addon, runtime } = targets[target];
  const [addonFile, runtimeFile] = [
    join(stock.folder, `${addon.slice("@libsql/".length)}.node`),
    join(stock.folder, runtime.replaceAll("/", "-")),
  ];
  await unpack(addon, "package/index.node", addonFile, { lock, stock });
  await unpack(runtime, "package/bin/bun", runtimeFile, { lock, stock });
  await chmod(runtimeFile, 0o755);
  return { addon: addonFile, runtime: runtimeFile };
}

/** The licence that a package's tarball states: what is for other machines is not installed. */
export async function licenceIn(name: string, lock: Lockfile, stock: Stock): Promise<string> {
  const file = await memberOf(name, "package/package.json", lock, stock);
  return v.parse(v.looseObject({ license: v.string() }), await file.json()).license;
}

/** The tarball's name, as npm gives it. */
export function tarballOf({ name, version }: Pick<Locked, "name" | "version">): string {
  return `${name.replace(/^@/, "").replaceAll("/", "-")}-${version}.tgz`;
}

/** Gets tarballs from the registry by npm's own client. */
export async function npmPack(id: string, folder: string): Promise<void> {
  const child = Bun.spawn(
    ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder, id],
    { cwd: folder, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  const said = await child.stderr.text();
  if ((await child.exited) !== 0) throw new Error(said.trim().split("\n").at(-1) ?? "");
}

async function unpack(name: string, member: string, to: string, from: From): Promise<void> {
  const file = await memberOf(name, member, from.lock, from.stock);
  // Under its own name only when whole: another build may be reading the one that is there.
  const aside = `${to}.${process.pid}`;
  await Bun.write(aside, file);
  await rename(aside, to);
}

interface From {
  lock: Lockfile;
  stock: Stock;
}

async function memberOf(name: string, member: string, lock: Lockfile, stock: Stock): Promise<File> {
  const locked = lock.packages.get(name);
  if (locked === undefined) throw new Error(`Cannot get ${name}: bun.lock does not pin it`);
  const bytes = await tarball(locked, stock);
  const file = (await new Bun.Archive(bytes).files(member)).get(member);
  if (file === undefined) throw new Error(`Cannot find ${member} in ${name}`);
  return file;
}

async function tarball(locked: Locked, stock: Stock): Promise<Uint8Array<ArrayBuffer>> {
  await mkdir(stock.folder, { recursive: true });
  const id = `${locked.name}@${locked.version}`;
  const path = join(stock.folder, tarballOf(locked));
  if (!existsSync(path)) {
    await stock.obtain(id, stock.folder).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Cannot get ${id}: ${why}\nWithout a registry, put its tarball at ${path}`, {
        cause,
      });
    });
  }
  const bytes = await Bun.file(path).bytes();
  const integrity = `sha512-${new Bun.CryptoHasher("sha512").update(bytes).digest("base64")}`;
  if (integrity !== locked.integrity)
    throw new Error(`Cannot use ${path}: it is not the ${id} that bun.lock pins. Remove it`);
  return bytes;
}

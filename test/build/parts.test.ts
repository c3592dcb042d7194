import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Lockfile, readLockfile } from "#src/build/lockfile.ts";
import { partsFor, type Stock } from "#src/build/parts.ts";
import { allTargets, type Target, targets } from "#src/build/targets.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const lockText = readFileSync(join(import.meta.dir, "../../bun.lock"), "utf8");

/** A tarball as a registry gives it, and its hash as the lockfile writes it. */
async function pack(member: string, content: string) {
  const bytes = await new Bun.Archive({ [member]: content }, { compress: "gzip" }).bytes();
  const digest = new Bun.CryptoHasher("sha512").update(bytes).digest("base64");
  return { bytes, integrity: `sha512-${digest}` };
}

/** A registry with the two packages of a target, a lockfile that pins them, and what was asked for. */
async function registry(target: Target, folder: string) {
  const { addon, runtime } = targets[target];
  const packs = new Map([
    [`${addon}@1.0.0`, await pack("package/index.node", "addon")],
    [`${runtime}@1.0.0`, await pack("package/bin/bun", "runtime")],
  ]);
  const asked: string[] = [];
  const lock: Lockfile = {
    direct: [],
    development: [],
    packages: new Map(
      [addon, runtime].map((name) => [
        name,
        {
          place: name,
          name,
          version: "1.0.0",
          integrity: packs.get(`${name}@1.0.0`)?.integrity ?? "",
          asks: [],
          isForSomeMachines: true,
        },
      ]),
    ),
  };
  const stock: Stock = {
    folder,
    obtain: async (id, to) => {
      asked.push(id);
      const found = packs.get(id);
      if (found === undefined) throw new Error(`404 ${id}`);
      await Bun.write(
        join(to, `${id.replace(/^@/, "").replace("/", "-").replace("@", "-")}.tgz`),
        found.bytes,
      );
    },
  };
  return { lock, stock, asked, packs };
}

test("every machine has an addon and a Bun of its own, which the lockfile pins", () => {
  const lock = readLockfile(lockText);
  expect(allTargets).toEqual([
    "bun-linux-x64",
    "bun-linux-arm64",
    "bun-linux-x64-musl",
    "bun-linux-arm64-musl",
    "bun-darwin-x64",
    "bun-darwin-arm64",
  ]);
  const names = allTargets.flatMap((target) => [targets[target].addon, targets[target].runtime]);
  expect(new Set(names).size).toBe(12);
  for (const name of names) {
    const library = name.startsWith("@oven/") ? "bun" : "libsql";
    expect(lock.packages.get(name)?.version).toBe(lock.packages.get(library)?.version ?? "");
  }
});

test("parts are taken from pinned tarballs, which are asked for once", async () => {
  using folder = temporaryFolder();
  const { lock, stock, asked } = await registry("bun-linux-arm64-musl", folder.path);
  const parts = await partsFor("bun-linux-arm64-musl", lock, stock);
  expect(parts.addon).toBe(join(folder.path, "linux-arm64-musl.node"));
  expect(readFileSync(parts.addon, "utf8")).toBe("addon");
  expect(readFileSync(parts.runtime, "utf8")).toBe("runtime");
  expect(statSync(parts.runtime).mode & 0o111).not.toBe(0);
  await partsFor("bun-linux-arm64-musl", lock, stock);
  expect(asked).toEqual(["@libsql/linux-arm64-musl@1.0.0", "@oven/bun-linux-aarch64-musl@1.0.0"]);
  expect(readdirSync(folder.path).filter((name) => /\.\d+$/.test(name))).toEqual([]);
});

test("a tarball that is not the pinned one is refused, and nothing is taken from it", async () => {
  using folder = temporaryFolder();
  const { lock, stock, packs } = await registry("bun-darwin-x64", folder.path);
  packs.set("@libsql/darwin-x64@1.0.0", await pack("package/index.node", "another"));
  await expect(partsFor("bun-darwin-x64", lock, stock)).rejects.toThrow(
    /^Cannot use .*libsql-darwin-x64-1\.0\.0\.tgz: it is not the @libsql\/darwin-x64@1\.0\.0 that bun\.lock pins/,
  );
  expect(existsSync(join(folder.path, "darwin-x64.node"))).toBe(false);
});

test("what cannot be had is named, with the place where it can be put", async () => {
  using folder = temporaryFolder();
  const { lock, stock, packs } = await registry("bun-darwin-arm64", folder.path);
  packs.delete("@oven/bun-darwin-aarch64@1.0.0");
  await expect(partsFor("bun-darwin-arm64", lock, stock)).rejects.toThrow(
    `Cannot get @oven/bun-darwin-aarch64@1.0.0: 404 @oven/bun-darwin-aarch64@1.0.0\nWithout a registry, put its tarball at ${folder.path}/oven-bun-darwin-aarch64-1.0.0.tgz`,
  );
});

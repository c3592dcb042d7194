import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { bundledPackages } from "#src/build/bundled.ts";
import { compile } from "#src/build/compile.ts";
import { checkLicences, isAllowed, shippable } from "#src/build/licences.ts";
import { type Lockfile, readLockfile } from "#src/build/lockfile.ts";
import { licenceIn, partsFor, type Stock } from "#src/build/parts.ts";
import { billOfMaterials, type Material } from "#src/build/sbom.ts";
import { allTargets, fileOf, targets } from "#src/build/targets.ts";
import { librariesTitle, notedLibraries, thirdParties } from "#src/build/third-parties.ts";

/** What a release is made of, and where it goes. */
export interface ReleaseOptions {
  /** The repository. */
  root: string;
  entry: string;
  folder: string;
  stock: Stock;
  version: string;
  commit: string;
}

/**
 * Compiles for every machine, each with its own libSQL addon, and writes beside them the bill of materials, the licences of
 * what is inside, and SHA256SUMS. Throws where a part cannot be had or a licence may not be shipped.
 */
export async function releaseAll(options: ReleaseOptions): Promise<void> {
  const { root, entry, folder, stock, version, commit } = options;
  const lock = await lockOf(root);
  const libraries = await bundledLibraries(root, entry, lock);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const target of allTargets) {
    const parts = await partsFor(target, lock, stock);
    await compile({ entry, outfile: join(folder, fileOf(target)), target, parts, version, commit });
    console.log(`${fileOf(target)}: compiled`);
  }
  const sbom = billOfMaterials(
    { version, commit },
    [...libraries, ...(await machineParts(lock, stock))],
    lock,
  );
  await Bun.write(join(folder, "lowrouter.cdx.json"), `${JSON.stringify(sbom, undefined, 2)}\n`);
  await Bun.write(join(folder, "THIRD-PARTY.txt"), thirdParties(root, libraries));
  for (const name of ["LICENSE", "NOTICE"]) await copyFile(join(root, name), join(folder, name));
  await Bun.write(join(folder, "SHA256SUMS"), await checksums(folder));
  console.log(
    `${folder}: ${allTargets.length} executables, SHA256SUMS, bill of materials, licences`,
  );
}

/** The packages that are bundled, with their licences. Throws where one may not be shipped. */
export async function bundledLibraries(
  root: string,
  entry: string,
  lock: Lockfile,
): Promise<Material[]> {
  const bundled = await bundledPackages(entry, lock);
  const { licences, faults } = checkLicences(root, lock, bundled);
  if (faults.length > 0) throw new Error(`Cannot release: ${faults.join("; ")}`);
  return bundled.map((locked) => ({ ...locked, licence: licences.get(locked.place) ?? "" }));
}

/** Writes the libraries that are bundled now at the end of NOTICE. */
export async function noteLibraries(root: string, entry: string): Promise<void> {
  const libraries = await bundledLibraries(root, entry, await lockOf(root));
  const path = join(root, "NOTICE");
  const [before = ""] = (await Bun.file(path).text()).split(librariesTitle);
  await Bun.write(path, `${before.trimEnd()}\n\n${notedLibraries(libraries)}`);
}

async function lockOf(root: string): Promise<Lockfile> {
  return readLockfile(await Bun.file(join(root, "bun.lock")).text());
}

/** What differs from machine to machine: the libSQL addon and Bun itself. Throws where one may not be shipped. */
async function machineParts(lock: Lockfile, stock: Stock): Promise<Material[]> {
  const materials: Material[] = [];
  for (const target of allTargets)
    for (const name of [targets[target].addon, targets[target].runtime]) {
      const locked = lock.packages.get(name);
      if (locked === undefined) throw new Error(`Cannot list ${name}: bun.lock does not pin it`);
      const licence = await licenceIn(name, lock, stock);
      if (!isAllowed(licence, shippable))
        throw new Error(`Cannot release: ${name} is under ${licence}`);
      const isPlatform = name === targets[target].runtime;
      materials.push({ ...locked, licence, targets: [fileOf(target)], isPlatform });
    }
  return materials;
}

/** SHA-256 of each file of a folder, in the form that `sha256sum --check` reads, in order of name. */
export async function checksums(folder: string): Promise<string> {
  const names = await Array.fromAsync(new Bun.Glob("*").scan(folder));
  const lines = names
    .filter((name) => name !== "SHA256SUMS")
    .toSorted()
    .map(async (name) => {
      const hash = new Bun.CryptoHasher("sha256");
      for await (const bytes of Bun.file(join(folder, name)).stream()) hash.update(bytes);
      return `${hash.digest("hex")}  ${name}\n`;
    });
  return (await Promise.all(lines)).join("");
}

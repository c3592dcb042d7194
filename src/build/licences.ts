import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Locked, Lockfile } from "#src/build/lockfile.ts";

/** SPDX ids of what may be inside the executable: none asks for the sources of what it is built into. */
export const shippable: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "MIT-0",
  "OFL-1.1",
  "Zlib",
]);

/** What may moreover be worked with: it is not handed on. */
const usable: ReadonlySet<string> = new Set([
  ...shippable,
  "BlueOak-1.0.0",
  "MPL-2.0",
  "Public Domain",
  "Unlicense",
]);

const manifest = v.looseObject({ name: v.string(), version: v.string(), license: v.string() });

/** What the licence check found. */
export interface LicenceReport {
  /** SPDX expression by the place of the package, of all that are installed. */
  licences: ReadonlyMap<string, string>;
  /** Places of packages for other machines, which are not installed here and were not looked at. */
  elsewhere: readonly string[];
  /** What may not stay so, in words; empty when all is well. */
  faults: readonly string[];
}

/**
 * Reads the licence of every package of the lockfile from the package itself. A fault is a package that is missing, is not
 * the pinned one, states no licence, or one that is not allowed; `bundled` are held to what may be shipped.
 */
export function checkLicences(
  root: string,
  lock: Lockfile,
  bundled: readonly Locked[],
): LicenceReport {
  const licences = new Map<string, string>();
  const elsewhere: string[] = [];
  const faults: string[] = [];
  const shipped = new Set(bundled.map(({ place }) => place));
  for (const { place, name, version, isForSomeMachines } of lock.packages.values()) {
    const id = `${name}@${version}`;
    const path = join(root, "node_modules", place, "package.json");
    if (!existsSync(path)) {
      if (isForSomeMachines) elsewhere.push(place);
      else faults.push(`${id} is not installed`);
      continue;
    }
    const read = v.safeParse(manifest, JSON.parse(readFileSync(path, "utf8")));
    if (!read.success) {
      faults.push(`${id} states no licence`);
      continue;
    }
    const { license } = read.output;
    if (read.output.name !== name || read.output.version !== version)
      faults.push(`${id} is installed as ${read.output.name}@${read.output.version}`);
    const allowed = shipped.has(place) ? shippable : usable;
    if (!isAllowed(license, allowed))
      faults.push(
        `${id} is under ${license}, which is not allowed ${shipped.has(place) ? "in the executable" : "here"}`,
      );
    licences.set(place, license);
  }
  return { licences, elsewhere, faults };
}

/** Whether an SPDX expression of names, AND, OR and one pair of brackets is met by what is allowed. */
export function isAllowed(expression: string, allowed: ReadonlySet<string>): boolean {
  const plain = expression.replace(/^\((.*)\)$/, "$1");
  // Brackets within are nobody's here: they are not understood, so not allowed.
  return plain
    .split(" OR ")
    .some((choice) => choice.split(" AND ").every((name) => allowed.has(name)));
}

/** The texts that a package carries of its licence and of whom to name, in order of file name. */
export function licenceTexts(root: string, { place }: Locked): string[] {
  const folder = join(root, "node_modules", place);
  return readdirSync(folder)
    .filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
    .toSorted()
    .map((name) => readFileSync(join(folder, name), "utf8").trim());
}

import { expect, test } from "bun:test";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { bundledPackages } from "#src/build/bundled.ts";
import { checkLicences, isAllowed, licenceTexts } from "#src/build/licences.ts";
import { type Locked, readLockfile } from "#src/build/lockfile.ts";
import { bundledLibraries, checksums } from "#src/build/release.ts";
import { billOfMaterials } from "#src/build/sbom.ts";
import { notedLibraries, thirdParties } from "#src/build/third-parties.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const root = join(import.meta.dir, "../..");
const entry = join(root, "src/main.ts");
const lockText = await Bun.file(join(root, "bun.lock")).text();
const lock = readLockfile(lockText);
const bundled = await bundledPackages(entry, lock);
const libraries = await bundledLibraries(root, entry, lock);

/** CycloneDX 1.6, as far as we use it: a member that is not here is not one of ours. Source: cyclonedx.org/docs/1.6/json */
const ref = v.pipe(v.string(), v.minLength(1));
const component = v.strictObject({
  type: v.picklist(["application", "library", "platform"]),
  "bom-ref": ref,
  group: v.optional(v.string()),
  name: v.pipe(v.string(), v.minLength(1)),
  version: v.pipe(v.string(), v.maxLength(1024)),
  // Either ids or one expression, never both.
  licenses: v.union([
    v.strictTuple([v.strictObject({ expression: v.pipe(v.string(), v.regex(/ (AND|OR) /)) })]),
    v.strictTuple([
      v.strictObject({ license: v.strictObject({ id: v.pipe(v.string(), v.regex(/^[\w.-]+$/)) }) }),
    ]),
  ]),
  purl: v.optional(v.pipe(v.string(), v.regex(/^pkg:npm\/(%40[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+$/))),
  hashes: v.optional(
    v.array(
      v.strictObject({
        alg: v.literal("SHA-512"),
        content: v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/)),
      }),
    ),
  ),
  properties: v.optional(v.array(v.strictObject({ name: v.string(), value: v.string() }))),
});
const document = v.strictObject({
  $schema: v.literal("http://cyclonedx.org/schema/bom-1.6.schema.json"),
  bomFormat: v.literal("CycloneDX"),
  specVersion: v.literal("1.6"),
  serialNumber: v.pipe(
    v.string(),
    v.regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
  ),
  version: v.literal(1),
  metadata: v.strictObject({
    component,
    lifecycles: v.array(v.strictObject({ phase: v.literal("build") })),
  }),
  components: v.array(component),
  dependencies: v.array(v.strictObject({ ref, dependsOn: v.array(ref) })),
});

const product = { version: "1.2.3", commit: "abc" };

test("the bill of materials is CycloneDX 1.6, lists each package that is bundled, and every reference in it leads somewhere", () => {
  const written = JSON.stringify(billOfMaterials(product, libraries, lock));
  const { components, dependencies, metadata } = v.parse(document, JSON.parse(written));
  const refs = components.map((one) => one["bom-ref"]);
  expect(new Set(refs).size).toBe(refs.length);
  const names = (all: readonly { name: string; group?: string }[]) =>
    [
      ...new Set(all.map(({ group, name }) => (group === undefined ? name : `${group}/${name}`))),
    ].toSorted();
  expect(names(components)).toEqual(names(bundled));
  const known = new Set([metadata.component["bom-ref"], ...refs]);
  const edges = new Map(dependencies.map(({ ref: from, dependsOn }) => [from, dependsOn]));
  expect(new Set(edges.keys())).toEqual(known);
  for (const to of [...edges.values()].flat()) expect(known).toContain(to);
  // Whatever is inside was asked for by what is inside.
  const reached = new Set<string>();
  const walk = (from: string) => {
    if (reached.has(from)) return;
    reached.add(from);
    for (const to of edges.get(from) ?? []) walk(to);
  };
  walk(metadata.component["bom-ref"]);
  expect([...known].filter((one) => !reached.has(one))).toEqual([]);
});

test("the same materials give the same bill, others another", () => {
  const bill = (of: typeof product) => JSON.stringify(billOfMaterials(of, libraries, lock));
  expect(bill(product)).toBe(bill({ ...product }));
  const { serialNumber } = billOfMaterials(product, libraries, lock);
  const later = billOfMaterials({ ...product, commit: "abd" }, libraries, lock);
  expect(later.serialNumber).not.toBe(serialNumber);
});

test("every package of the lockfile is under a licence that is allowed, and of the executable each is read", () => {
  const { faults, licences, elsewhere } = checkLicences(root, lock, bundled);
  expect(faults).toEqual([]);
  expect(licences.size + elsewhere.length).toBe(lock.packages.size);
  expect(bundled.filter(({ place }) => !licences.has(place))).toEqual([]);
});

test("a licence that is unknown, missing or not for shipping is a fault, as is another version than the pinned one", () => {
  using folder = temporaryFolder();
  const locked = (name: string): Locked => ({
    place: name,
    name,
    version: "1.0.0",
    integrity: "",
    asks: [],
    isForSomeMachines: name === "elsewhere",
  });
  const install = (name: string, manifest: object) => {
    mkdirSync(join(folder.path, "node_modules", name), { recursive: true });
    writeFileSync(
      join(folder.path, "node_modules", name, "package.json"),
      JSON.stringify({ name, version: "1.0.0", ...manifest }),
    );
  };
  install("fine", { license: "(GPL-3.0 OR MIT)" });
  install("copyleft", { license: "(MIT AND GPL-3.0)" });
  install("tool", { license: "MPL-2.0" });
  install("inside", { license: "MPL-2.0" });
  install("silent", {});
  install("old", { license: "MIT", version: "0.9.0" });
  const all = ["fine", "copyleft", "tool", "inside", "silent", "old", "gone", "elsewhere"];
  const packages = new Map(all.map((name) => [name, locked(name)]));
  const report = checkLicences(folder.path, { direct: [], development: [], packages }, [
    locked("inside"),
  ]);
  expect(report.faults).toEqual([
    "copyleft@1.0.0 is under (MIT AND GPL-3.0), which is not allowed here",
    "inside@1.0.0 is under MPL-2.0, which is not allowed in the executable",
    "silent@1.0.0 states no licence",
    "old@1.0.0 is installed as old@0.9.0",
    "gone@1.0.0 is not installed",
  ]);
  expect(report.elsewhere).toEqual(["elsewhere"]);
  expect(isAllowed("MIT OR (GPL-3.0 AND MIT", new Set(["GPL-3.0 AND MIT"]))).toBe(false);
});

test("NOTICE names every library that is inside the executable, under its licence", async () => {
  // `bun src/build.ts --notice` writes it.
  expect(await Bun.file(join(root, "NOTICE")).text()).toEndWith(`\n\n${notedLibraries(libraries)}`);
});

test("the licence texts of all of them go with a release", () => {
  const text = thirdParties(root, libraries);
  for (const library of libraries) {
    expect(text).toContain(`${library.name} ${library.version}, ${library.licence}\n`);
    for (const own of licenceTexts(root, library)) expect(text).toContain(own);
  }
  expect(libraries.filter((one) => licenceTexts(root, one).length > 0).length).toBeGreaterThan(70);
});

test("what is said of the number of packages is so, wherever it is said", async () => {
  const inside = new Set(bundled.map(({ name }) => name)).size;
  const said = `${lock.direct.length} packages are asked for by name, ${inside} are inside the executable`;
  const install = await Bun.file(join(root, "src/web/content/operating/install.md")).text();
  expect(install).toContain(said);
  const others = (await Bun.file(join(root, "README.md")).text()).match(
    /\d+ packages are asked for by name, \d+ are inside the executable/g,
  );
  expect(new Set([...(others ?? []), said]).size).toBe(1);
});

test("a lockfile in which a package has no version or no hash is not read", () => {
  const spoilt = (from: string, to: string) => () => readLockfile(lockText.replace(from, to));
  expect(spoilt('"elysia@1.4.30"', '"elysia@github:elysiajs/elysia"')).toThrow();
  expect(spoilt('"sha512-', '"sha1-')).toThrow();
  expect(spoilt('"lockfileVersion": 2', '"lockfileVersion": 3')).toThrow();
});

test("checksums are what sha256sum reads", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "b"), "two");
  cpSync(join(folder.path, "b"), join(folder.path, "a"));
  const sums = await checksums(folder.path);
  writeFileSync(join(folder.path, "SHA256SUMS"), sums);
  expect(await checksums(folder.path)).toBe(sums);
  const check = () =>
    Bun.spawnSync(["sha256sum", "--check", "--strict", "SHA256SUMS"], { cwd: folder.path });
  expect(check().stdout.toString()).toBe("a: OK\nb: OK\n");
  writeFileSync(join(folder.path, "a"), "one");
  expect(check().exitCode).toBe(1);
});

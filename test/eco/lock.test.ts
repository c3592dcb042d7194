import { expect, test } from "bun:test";
import fc from "fast-check";
import cloudFile from "#data/cloud-regions.json" with { type: "json" };
import lock from "#data/methodologies.lock.json" with { type: "json" };
import { loadCatalog } from "#src/catalog/load.ts";
import { gridFor } from "#src/eco/grid.ts";
import { fingerprint, inputsOf, leavesOf, withLeaf } from "#test/eco/fingerprint.ts";
import { known, tables } from "#test/eco/sample.ts";

/*
 * A record keeps the version that made it, so a version stands for one set of inputs for ever.
 * When this fails, a value behind the figures was changed: give the methodologies that use it a new
 * version in data/methodologies.json (and the default in the configuration), then add the new hash
 * to data/methodologies.lock.json. A locked hash is never edited.
 */
test("every methodology version stands for the inputs that it was published with", () => {
  const now = tables.methodologies.map((record) => [
    record.version,
    fingerprint(inputsOf(tables, record)),
  ]);
  expect(lock.versions).toMatchObject(Object.fromEntries(now));
});

test("no two versions are locked to the same inputs", () => {
  const hashes = Object.values(lock.versions);
  expect(new Set(hashes).size).toBe(hashes.length);
  for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{64}$/);
});

/*
 * Where a provider's region draws its power decides a figure as much as the grid's own value does. A place that is new
 * changes no figure that was ever given: add its line to the lock. One that moves does: give the methodologies a new
 * version, and the lock a new entry for it.
 */
test.each(tables.methodologies.map(({ version }) => version))(
  "%s stands for the grid zone of each place that it was published with",
  (version) => {
    const locked = lock.places.filter(({ versions }) => versions.includes(version));
    expect(locked).toHaveLength(1);
    expect(zonesOfProviders()).toEqual({ ...locked[0]?.zones });
    expect(zonesOfClouds()).toEqual({ ...locked[0]?.clouds });
  },
);

test("the zone of a place is known for all that say where they are", () => {
  const stated = loadCatalog().providers.flatMap(({ id, regions }) =>
    regions.flatMap((region) =>
      region.country !== undefined || region.gridZone !== undefined ? [`${id}/${region.id}`] : [],
    ),
  );
  const zones = zonesOfProviders();
  expect(stated.length).toBeGreaterThan(40);
  expect(stated.filter((place) => zones[place] === null)).toEqual([]);
});

/** By provider and region: the zone whose intensity is taken, null where none is known. */
function zonesOfProviders(): Record<string, string | null> {
  return Object.fromEntries(
    loadCatalog().providers.flatMap(({ id, regions }) =>
      regions.map(({ id: region, country, gridZone }) => {
        const place = { provider: id, region, country, zone: gridZone };
        return [`${id}/${region}`, gridFor(tables, place)?.zone ?? null] as const;
      }),
    ),
  );
}

/** By cloud and its own name of a region. */
function zonesOfClouds(): Record<string, string> {
  return Object.fromEntries(
    cloudFile.regions.map(({ provider, region, gridZone }) => [`${provider}/${region}`, gridZone]),
  );
}

test("a change of any one value behind the figures changes the hash", () => {
  for (const record of tables.methodologies) {
    const inputs = inputsOf(tables, record);
    const whole = fingerprint(inputs);
    const leaves = leavesOf(inputs);
    expect(leaves.length).toBeGreaterThan(1000);
    const first = leaves.filter(({ path }) => path[0] === "coefficients" || path[0] === "weights");
    const rest = fc.sample(fc.constantFrom(...leaves), 150);
    for (const { path, value } of [...first, ...rest]) {
      const other =
        typeof value === "number" ? value + Math.max(1e-9, Math.abs(value) * 1e-9) : "x";
      const changed = fingerprint(withLeaf(inputs, path, other));
      expect([path.join("."), changed === whole]).toEqual([path.join("."), false]);
    }
  }
});

test("a row that is removed or added changes the hash", () => {
  const record = known(tables.methodologies[0]);
  const whole = fingerprint(inputsOf(tables, record));
  const parameters = new Map(tables.parameters);
  parameters.delete(known([...parameters.keys()][0]));
  expect(fingerprint(inputsOf({ ...tables, parameters }, record))).not.toBe(whole);
  const zones = new Map(tables.zones);
  zones.set("new", { ...known(zones.get("FRA")), zone: "new" });
  expect(fingerprint(inputsOf({ ...tables, zones }, record))).not.toBe(whole);
});

test("the order of members and the wording of a source change no hash", () => {
  expect(fingerprint({ a: 1, b: { c: 2, d: 3 } })).toBe(fingerprint({ b: { d: 3, c: 2 }, a: 1 }));
  const record = known(tables.methodologies[0]);
  const zones = new Map(
    [...tables.zones].map(([zone, row]) => [zone, { ...row, source: "elsewhere" }]),
  );
  expect(fingerprint(inputsOf({ ...tables, zones }, record))).toBe(
    fingerprint(inputsOf(tables, record)),
  );
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import lock from "#data/methodologies.lock.json" with { type: "json" };
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

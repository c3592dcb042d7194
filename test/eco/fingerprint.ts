import type { EcoTables, Methodology } from "#src/eco/load.ts";
import { sha256Hex } from "#src/lib/bytes.ts";
import { isObject, type Json } from "#src/lib/json.ts";

/** Members that say where a value comes from; a better address changes no figure. */
const prose: ReadonlySet<string> = new Set([
  "source",
  "sourceUrl",
  "licence",
  "read",
  "note",
  "origin",
  "title",
  "name",
  "sites",
]);

/** Everything that figures of a methodology are made from, without prose. */
export function inputsOf(tables: EcoTables, { formula, coefficients, weights }: Methodology): Json {
  const inputs: Json = JSON.parse(
    JSON.stringify({
      formula,
      coefficients,
      weights,
      parameters: [...tables.parameters.values()],
      grid: [...tables.zones.values()],
      regions: [...tables.regions.values()],
      datacenters: [...tables.datacenters.values()],
    }),
  );
  return withoutProse(inputs);
}

/** SHA-256 of a value's canonical JSON: members by name, no spaces. */
export function fingerprint(value: Json): string {
  return sha256Hex(canonical(value));
}

/** A leaf of a value: where it stands, and what it is. */
export interface Leaf {
  path: (string | number)[];
  value: Json;
}

/** Every leaf of a value. */
export function leavesOf(value: Json, path: (string | number)[] = []): Leaf[] {
  if (Array.isArray(value)) return value.flatMap((entry, at) => leavesOf(entry, [...path, at]));
  if (!isObject(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([name, member]) =>
    member === undefined ? [] : leavesOf(member, [...path, name]),
  );
}

/** The value with one leaf put in another's place. */
export function withLeaf(value: Json, path: readonly (string | number)[], leaf: Json): Json {
  const [first, ...rest] = path;
  if (first === undefined) return leaf;
  if (Array.isArray(value))
    return value.map((entry, at) => (at === first ? withLeaf(entry, rest, leaf) : entry));
  if (!isObject(value)) throw new Error(`There is no member at ${path.join(".")}`);
  return { ...value, [first]: withLeaf(value[first] ?? null, rest, leaf) };
}

function withoutProse(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutProse);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) =>
      member === undefined || prose.has(name) ? [] : [[name, withoutProse(member)] as const],
    ),
  );
}

function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`);
  return `{${members.join()}}`;
}

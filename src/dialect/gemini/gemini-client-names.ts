import type { Json, JsonObject } from "#src/lib/json.ts";

const written = new Map<string, string>();

/** The name with underscores, as Google takes every name besides. */
function underscored(name: string): string {
  let found = written.get(name);
  if (found === undefined) {
    found = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    written.set(name, found);
  }
  return found;
}

/** The name under which an object has a member that is documented as `name`; that name where it has none. */
export function nameIn(holder: JsonObject, name: string): string {
  if (name in holder) return name;
  const other = underscored(name);
  return other in holder ? other : name;
}

/** A member by its documented name, in either way of writing it. Null is absent. */
export function memberOf(holder: JsonObject, name: string): Json | undefined {
  return holder[nameIn(holder, name)] ?? undefined;
}

/** A repeated member: Google takes a single object for a list of one. */
export function listOf(value: Json | undefined): Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

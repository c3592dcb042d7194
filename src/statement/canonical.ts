import type { Breath } from "#src/lib/breath.ts";

/**
 * The one text of a JSON value: members sorted by their names' UTF-16 code units, no space, numbers and text as ECMAScript
 * writes them. RFC 8785.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = membersOf(value).map(
      ([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`,
    );
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value);
}

/** Lists that are worth a pause lie no deeper in what is written. */
const deep = 5;

/** The same, with pauses. */
export async function canonicalInPieces(
  value: unknown,
  breathe: Breath,
  depth = 0,
): Promise<string> {
  if (depth > deep || typeof value !== "object" || value === null) {
    await breathe();
    return canonical(value);
  }
  const pieces: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value) pieces.push(await canonicalInPieces(item, breathe, depth + 1));
    return `[${pieces.join(",")}]`;
  }
  for (const [name, member] of membersOf(value)) {
    const text = await canonicalInPieces(member, breathe, depth + 1);
    pieces.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${pieces.join(",")}}`;
}

function membersOf(value: object): [string, unknown][] {
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

import { isRaw } from "#src/dialect/exact-json.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A schema's members, where it is an object: a big number that is kept as text is none. */
export function membersOf(schema: Json | undefined): JsonObject | undefined {
  return isObject(schema) && !isRaw(schema) ? schema : undefined;
}

/**
 * What a JSON pointer within a schema names, such as `#/$defs/Node` (RFC 6901). Throws `unsupported_feature` for what
 * is elsewhere or nowhere; `param` is the member of the request that holds the schema.
 */
export function resolveRef(ref: string, root: Json, param: string): Json {
  if (ref.length > longestRef)
    throw refuseSchema(param, `it refers to a definition by more than ${longestRef} characters`);
  let found: Json | undefined = ref === "#" || ref.startsWith("#/") ? root : undefined;
  for (const step of ref.split("/").slice(1)) {
    const name = unescaped(step);
    found = Array.isArray(found) ? found[Number(name)] : ownOf(membersOf(found), name);
  }
  if (found !== undefined) return found;
  throw refuseSchema(param, "it refers to a definition that is not in it");
}

function ownOf(members: JsonObject | undefined, name: string): Json | undefined {
  return members !== undefined && Object.hasOwn(members, name) ? members[name] : undefined;
}

function unescaped(step: string): string {
  let name = step;
  try {
    name = decodeURIComponent(step);
  } catch {
    // A percent sign that escapes nothing stands for itself.
  }
  return name.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** A reference is read each time that it is met. */
const longestRef = 2000;
/** Definitions that refer to each other can unfold without an end in sight. */
export const mostSchemas = 5000;
export const deepestSchema = 200;

export function tooLarge(param: string): AppError {
  return refuseSchema(
    param,
    `its definitions unfold to more than ${mostSchemas} schemas, deeper than ${deepestSchema}, or to too many names`,
  );
}

/** Names of keywords that a wire could not say, as members of the request: `tools.pattern`. */
export function loosenedNames(
  member: "tools" | "response_format",
  keywords: Iterable<string>,
): string[] {
  return [...new Set(keywords)].map((keyword) => `${member}.${keyword}`);
}

/** The refusal of a schema by its place in the request: names within it are the client's own and are not quoted. */
export function refuseSchema(param: string, why: string): AppError {
  return new AppError(
    "unsupported_feature",
    `Cannot send the schema of "${param}" to this model: ${why}`,
    { param },
  );
}

import {
  deepestSchema,
  membersOf,
  mostSchemas,
  refuseSchema,
  resolveRef,
  tooLarge,
} from "#src/dialect/schema-refs.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

/** A schema as a wire takes it, and the keywords that could not be said in full: it admits more without them. */
export interface Adapted {
  schema: JsonObject;
  loosened: readonly string[];
}

const unions = ["anyOf", "oneOf", "allOf"] as const;

/** A schema with an object at its root. */
export interface Rooted extends Adapted {
  /** The schema admits other values than objects. */
  narrowed: boolean;
}

/**
 * A schema with an object at its root and no alternatives beside it, which is what Anthropic takes for a tool's
 * parameters. Alternatives become one object: all their properties, of which those are required that all of them
 * require. A property that some of them do not name is taken as the others do. Throws `unsupported_feature` where the
 * root is no object.
 */
export function objectRoot(given: Json | undefined, param: string): Rooted {
  const schema = membersOf(given);
  if (schema === undefined || Object.keys(schema).length === 0)
    return { schema: { type: "object", properties: {} }, loosened: [], narrowed: false };
  if (schema.$ref === undefined && unions.every((name) => schema[name] === undefined)) {
    if (!admitsObject(schema)) throw noObject(param);
    return { schema: { ...schema, type: "object" }, loosened: [], narrowed: admitsOthers(schema) };
  }
  const loosened = new Set<string>();
  const flattening: Flattening = {
    root: schema,
    param,
    loosened,
    active: new Set(),
    count: 0,
    work: 0,
    narrowed: false,
  };
  const flat = flattened(schema, flattening);
  if (flat === undefined) throw noObject(param);
  const { narrowed } = flattening;
  return { schema: { ...flat, type: "object" }, loosened: [...loosened], narrowed };
}

function noObject(param: string): Error {
  return refuseSchema(param, 'its root has to be of type "object"');
}

function admitsObject({ type, enum: list, const: constant }: JsonObject): boolean {
  const isTyped =
    type === undefined || (Array.isArray(type) ? type.includes("object") : type === "object");
  const isListed = !Array.isArray(list) || list.some(isMembers);
  return isTyped && isListed && (constant === undefined || isMembers(constant));
}

function isMembers(value: Json): boolean {
  return membersOf(value) !== undefined;
}

/** Keywords that speak of objects, or that only list what fits. */
const ofObjects = [
  ...["properties", "required", "additionalProperties", "patternProperties", "propertyNames"],
  ...["minProperties", "maxProperties", "unevaluatedProperties", "propertyOrdering"],
  ...["dependentRequired", "dependentSchemas", "dependencies", "enum", "const"],
];
/** Keywords that speak of what is no object. */
const ofOthers = [
  ...["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"],
  ...["unevaluatedItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum"],
  ...["exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
];

/** Whether a schema that admits objects is meant for other values as well: one that says no type means that of which it speaks. */
function admitsOthers(schema: JsonObject): boolean {
  const { type, enum: list } = schema;
  if (Array.isArray(type)) return type.some((one) => one !== "object");
  if (type !== undefined) return false;
  if (Array.isArray(list) && !list.every(isMembers)) return true;
  return (
    ofOthers.some((name) => schema[name] !== undefined) &&
    ofObjects.every((name) => schema[name] === undefined)
  );
}

interface Flattening {
  root: JsonObject;
  param: string;
  loosened: Set<string>;
  /** Schemas that are being flattened: one that comes again holds itself. */
  active: Set<JsonObject>;
  /** An alternative that is no object was let go. */
  narrowed: boolean;
  /** Schemas so far, each as often as it is referred to. */
  count: number;
  /** Names and characters that were gone through. */
  work: number;
}

/** A definition that is referred to often is merged as often, however long it is. */
const mostWork = 5_000_000;
/** What a name costs in characters. */
const nameWork = 20;

function work(flattening: Flattening, amount: number): void {
  flattening.work += amount;
  if (flattening.work > mostWork) throw tooLarge(flattening.param);
}

function nameCount({ properties, required }: JsonObject): number {
  const listed = Array.isArray(required) ? required.length : 0;
  return Object.keys(membersOf(properties) ?? {}).length + listed;
}

/** One object for a schema and all that stands beside it; undefined where no object fits. */
function flattened(given: Json | undefined, flattening: Flattening): JsonObject | undefined {
  const schema = given === true ? {} : membersOf(given);
  if (schema === undefined || !admitsObject(schema)) return undefined;
  const { param, active } = flattening;
  if (active.has(schema)) throw refuseSchema(param, "it is defined by itself");
  if (++flattening.count > mostSchemas || active.size > deepestSchema) throw tooLarge(param);
  if (admitsOthers(schema)) flattening.narrowed = true;
  active.add(schema);
  const flat = flattenedBody(schema, flattening);
  active.delete(schema);
  return flat;
}

function flattenedBody(schema: JsonObject, flattening: Flattening): JsonObject | undefined {
  const { root, param, loosened } = flattening;
  work(flattening, Object.keys(schema).length * nameWork);
  const { $ref, anyOf, oneOf, allOf, ...own } = schema;
  const all: JsonObject[] = [own];
  const also = Array.isArray(allOf) ? [...allOf] : [];
  if (typeof $ref === "string") also.push(resolveRef($ref, root, param));
  for (const one of also) {
    const flat = flattened(one, flattening);
    if (flat === undefined) return undefined;
    all.push(flat);
  }
  for (const [name, list] of Object.entries({ anyOf, oneOf })) {
    if (!Array.isArray(list)) continue;
    const flat = list.map((one) => flattened(one, flattening)).filter((one) => one !== undefined);
    if (flat.length === 0) return undefined;
    if (flat.length < list.length) flattening.narrowed = true;
    if (flat.length > 1) loosened.add(name);
    all.push(either(flat, flattening));
  }
  return both(all, flattening);
}

/** Keywords that speak of where a schema stands, and not of what fits it. */
const placed: ReadonlySet<string> = new Set([
  ...["$schema", "$id", "$anchor", "$defs", "definitions", "type"],
]);

/** What fits all of some objects: of keywords that cannot be merged, that of the first stands. */
function both([first = {}, ...others]: JsonObject[], flattening: Flattening): JsonObject {
  if (others.length === 0) return first;
  const { loosened } = flattening;
  const merged = { ...first };
  const properties = propertiesTogether("allOf", [first, ...others], flattening);
  const required = new Set(namesOf(first.required));
  for (const other of others) {
    for (const name of namesOf(other.required)) required.add(name);
    for (const [keyword, value] of Object.entries(other)) {
      if (keyword === "properties" || keyword === "required" || placed.has(keyword)) continue;
      if (!Object.hasOwn(merged, keyword)) define(merged, keyword, value ?? null);
      else if (!notes.has(keyword)) loosened.add(keyword);
    }
  }
  for (const bound of bounds) {
    if (!Object.hasOwn(merged, bound)) continue;
    // Patterns that were let go would be shut out.
    if (loosened.has("patternProperties")) delete merged[bound];
    else if (!isLooser(bound, [first, ...others], properties, flattening)) continue;
    loosened.add(bound);
  }
  merged.properties = properties;
  if (required.size > 0) merged.required = [...required];
  return merged;
}

/** Keywords that speak of the properties that do not stand beside them. */
const bounds = ["additionalProperties", "unevaluatedProperties"] as const;

/** Whether a bound lets more pass than it did: where it stood, some of the properties did not. */
function isLooser(
  bound: string,
  parts: readonly JsonObject[],
  properties: JsonObject,
  flattening: Flattening,
): boolean {
  const names = Object.keys(properties);
  return parts.some((part) => {
    if (part[bound] === undefined) return false;
    work(flattening, names.length * nameWork);
    const beside = membersOf(part.properties) ?? {};
    return names.some((name) => !Object.hasOwn(beside, name));
  });
}

/** Keywords that only describe. */
const notes: ReadonlySet<string> = new Set(["title", "description", "default", "examples"]);

/** What fits one of some objects, or at least looks like it. */
function either(objects: readonly JsonObject[], flattening: Flattening): JsonObject {
  const [only] = objects;
  if (objects.length === 1 && only !== undefined) return only;
  const properties = propertiesTogether("anyOf", objects, flattening);
  const [first, ...others] = objects.map(({ required }) => new Set(namesOf(required)));
  const required = [...(first ?? [])].filter((name) => others.every((names) => names.has(name)));
  const closed = objects.every(
    ({ additionalProperties, patternProperties }) =>
      additionalProperties === false && patternProperties === undefined,
  );
  return {
    properties,
    ...(required.length > 0 ? { required } : {}),
    ...(closed ? { additionalProperties: false } : {}),
  };
}

/** The properties of some objects, each as all of them say it together. */
function propertiesTogether(
  keyword: "anyOf" | "allOf",
  objects: readonly JsonObject[],
  flattening: Flattening,
): JsonObject {
  const told = new Map<string, Set<Json>>();
  for (const object of objects) {
    work(flattening, nameCount(object) * nameWork);
    for (const [name, value = {}] of Object.entries(membersOf(object.properties) ?? {})) {
      const known = told.get(name);
      if (known === undefined) told.set(name, new Set([value]));
      else known.add(value);
    }
  }
  const properties: JsonObject = {};
  for (const [name, schemas] of told)
    define(properties, name, together(keyword, schemas, flattening));
  return properties;
}

/** Different schemas of one property as one. */
function together(
  keyword: "anyOf" | "allOf",
  schemas: ReadonlySet<Json>,
  flattening: Flattening,
): Json {
  const [single, ...others] = schemas;
  if (others.length === 0) return single ?? {};
  const byText = new Map<string, Json>();
  for (const schema of schemas) {
    const text = JSON.stringify(schema);
    work(flattening, text.length);
    if (!byText.has(text)) byText.set(text, schema);
  }
  const [only, ...more] = byText.values();
  return more.length === 0 && only !== undefined ? only : { [keyword]: [...byText.values()] };
}

/** Sets a member by any name, `__proto__` too. */
export function define(members: JsonObject, name: string, value: Json): void {
  Object.defineProperty(members, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** The strings of a list. */
export function namesOf(list: Json | undefined): string[] {
  return Array.isArray(list) ? list.filter((name) => typeof name === "string") : [];
}

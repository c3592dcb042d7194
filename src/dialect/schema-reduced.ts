import { isRaw } from "#src/dialect/exact-json.ts";
import { define } from "#src/dialect/schema-root.ts";
import { isObject, type Json, type JsonObject } from "#src/lib/json.ts";

/** A reduced schema, while it is being made: null alone is a type of its own, and what nothing fits is undefined. */
export interface Reduced {
  type?: Type | "NULL";
  nullable?: true;
  anyOf?: Reduced[];
  /** Strings. */
  enum?: string[];
  items?: Reduced;
  properties?: Map<string, Reduced>;
  required?: string[];
  /** The other keywords by their names. */
  more: JsonObject;
}

/** Types of the subset, in its own words. */
export type Type = "STRING" | "NUMBER" | "INTEGER" | "BOOLEAN" | "ARRAY" | "OBJECT";

/** Formats that the subset knows. */
export const formats: Partial<Record<Type, readonly string[]>> = {
  STRING: ["date-time"],
  NUMBER: ["float", "double"],
  INTEGER: ["int32", "int64"],
};

const least = ["minItems", "minLength", "minimum", "minProperties"];
const most = ["maxItems", "maxLength", "maximum", "maxProperties"];
const notes = ["title", "description", "default", "example"];

/** Fits anything. */
export function open(): Reduced {
  return { more: {} };
}

/** Fits null alone. */
export const nothingElse: Reduced = { type: "NULL", more: {} };

/** Joins reduced schemas and writes them, and keeps the names of keywords without which they admit more. */
export class Joiner {
  readonly loosened = new Set<string>();
  #joins = 0;

  /** In the place of what nothing fits, for which there is no word. */
  nothing(keyword: string): Reduced {
    this.loosened.add(keyword);
    return open();
  }

  /** What fits both of two schemas; undefined where nothing does. */
  both(a: Reduced, b: Reduced): Reduced | undefined {
    if (isOpen(a)) return { ...b, more: { ...b.more, ...a.more } };
    if (isOpen(b)) return { ...a, more: { ...b.more, ...a.more } };
    const isNullable = admitsNull(a) && admitsNull(b);
    const joined = this.#values(a, b);
    const fits = joined && withMore(joined, { ...notesOf(b), ...notesOf(a) });
    if (!isNullable) return fits;
    return fits === undefined ? nothingElse : nullable(fits);
  }

  /** What fits both, null left aside. */
  #values(a: Reduced, b: Reduced): Reduced | undefined {
    const [some, others] = [a.anyOf ?? [a], b.anyOf ?? [b]];
    this.#joins += some.length * others.length;
    if (some.length * others.length > mostPairs || this.#joins > mostJoins) {
      this.loosened.add("allOf");
      return withoutNull(a);
    }
    return either(some.flatMap((one) => others.map((other) => this.#joined(one, other))));
  }

  #joined(a: Reduced, b: Reduced): Reduced | undefined {
    const type = commonType(a.type, b.type);
    if (type === undefined || type === "NULL") return undefined;
    const joined: Reduced = { type, more: { ...notesOf(b), ...notesOf(a), ...limitsOf(a) } };
    for (const [name, value] of Object.entries(limitsOf(b))) {
      if (value === undefined) continue;
      if (least.includes(name) || most.includes(name)) narrow(joined.more, name, value);
      else if (joined.more[name] === undefined) joined.more[name] = value;
      else if (joined.more[name] !== value) this.loosened.add(name);
    }
    const { format } = joined.more;
    if (typeof format === "string" && !formats[type]?.includes(format)) delete joined.more.format;
    const choices = commonOf(a.enum, b.enum);
    if (choices?.length === 0) return undefined;
    if (choices) joined.enum = choices;
    if (type === "ARRAY") {
      const [ones, others] = [a.items ?? open(), b.items ?? open()];
      joined.items = this.both(ones, others) ?? this.nothing("items");
    }
    if (type === "OBJECT") {
      joined.properties = this.#properties(a, b);
      joined.required = [...new Set([...(a.required ?? []), ...(b.required ?? [])])];
    }
    return joined;
  }

  #properties(a: Reduced, b: Reduced): Map<string, Reduced> {
    const properties = new Map(a.properties);
    for (const [name, other] of b.properties ?? []) {
      const own = properties.get(name);
      const joined = own === undefined ? other : this.both(own, other);
      if (joined !== undefined) properties.set(name, joined);
      else {
        properties.delete(name);
        this.loosened.add("properties");
      }
    }
    return properties;
  }

  /** The keywords in the wire's shape. */
  write(reduced: Reduced): JsonObject {
    const { type, anyOf, items, properties, required = [], more } = reduced;
    if (type === "NULL") {
      this.loosened.add("type");
      return { nullable: true, ...notesOf(reduced) };
    }
    if (isBlank(reduced) || anyOf?.some(isBlank)) {
      // An object without properties is refused: nothing is said of it, then.
      this.loosened.add("type");
      return notesOf(reduced);
    }
    const isNullable = reduced.nullable ? { nullable: true } : {};
    if (anyOf)
      return { anyOf: anyOf.map((one) => this.write(one)), ...isNullable, ...notesOf(reduced) };
    const written: JsonObject = type === undefined ? {} : { type };
    Object.assign(written, isNullable, more);
    if (reduced.enum) written.enum = reduced.enum;
    if (items) written.items = this.write(items);
    if (properties) this.#writeProperties(written, properties, required);
    return written;
  }

  #writeProperties(
    written: JsonObject,
    properties: Map<string, Reduced>,
    required: readonly string[],
  ): void {
    const told: JsonObject = {};
    for (const [name, one] of properties) define(told, name, this.write(one));
    written.properties = told;
    if (Array.isArray(written.propertyOrdering))
      written.propertyOrdering = written.propertyOrdering.filter(
        (name) => typeof name === "string" && properties.has(name),
      );
    const known = required.filter((name) => properties.has(name));
    if (known.length < required.length) this.loosened.add("required");
    if (known.length > 0) written.required = known;
  }
}

/** More pairs of alternatives are not worked out, at one place and in all: one of the two schemas stands for both. */
const mostPairs = 16;
const mostJoins = 1000;

export function numberIn(value: Json | undefined): number | undefined {
  if (typeof value === "number") return value;
  return isObject(value) && isRaw(value) ? Number(value.rawJSON) : undefined;
}

/** Sets a bound unless there is a narrower one. */
export function narrow(bounds: JsonObject, name: string, value: Json): void {
  const [known, other] = [numberIn(bounds[name]), numberIn(value) ?? 0];
  const isNarrower = known === undefined || (least.includes(name) ? other > known : other < known);
  if (isNarrower) bounds[name] = value;
}

function isOpen({ type, anyOf }: Reduced): boolean {
  return type === undefined && anyOf === undefined;
}

/** An object of which nothing can be said. */
function isBlank({ type, properties }: Reduced): boolean {
  return type === "OBJECT" && (properties === undefined || properties.size === 0);
}

function admitsNull(reduced: Reduced): boolean {
  return isOpen(reduced) || reduced.type === "NULL" || reduced.nullable === true;
}

export function nullable(reduced: Reduced): Reduced {
  return isOpen(reduced) || reduced.type === "NULL" ? reduced : { ...reduced, nullable: true };
}

function withoutNull({ nullable: _nullable, ...rest }: Reduced): Reduced {
  return rest;
}

/** What fits one of some schemas. Null is said beside them, and alternatives of alternatives are alternatives. */
export function either(schemas: readonly (Reduced | undefined)[]): Reduced | undefined {
  const fitting = schemas.filter((one) => one !== undefined);
  if (fitting.some(isOpen)) return open();
  const values = fitting.flatMap((one): Reduced[] => {
    if (one.type === "NULL") return [];
    return one.anyOf ?? [withoutNull(one)];
  });
  const [only] = values;
  if (only === undefined) return fitting.length === 0 ? undefined : nothingElse;
  const joined = values.length === 1 ? only : { anyOf: values, more: {} };
  return fitting.some(admitsNull) ? nullable(joined) : joined;
}

function commonType(a: Reduced["type"], b: Reduced["type"]): Reduced["type"] {
  if (a === b) return a;
  const isNumber = (type: Reduced["type"]) => type === "INTEGER" || type === "NUMBER";
  return isNumber(a) && isNumber(b) ? "INTEGER" : undefined;
}

function commonOf(a: string[] | undefined, b: string[] | undefined): string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const others = new Set(b);
  return a.filter((one) => others.has(one));
}

function withMore(reduced: Reduced, more: JsonObject): Reduced {
  return { ...reduced, more: { ...more, ...reduced.more } };
}

function notesOf({ more }: Reduced): JsonObject {
  return Object.fromEntries(Object.entries(more).filter(([name]) => notes.includes(name)));
}

function limitsOf({ more }: Reduced): JsonObject {
  return Object.fromEntries(Object.entries(more).filter(([name]) => !notes.includes(name)));
}

/** What a schema says for itself, before what the schemas in it say. */
export function withNotes(schema: JsonObject, reduced: Reduced): Reduced {
  const more = { ...reduced.more };
  for (const name of ["title", "description"] as const) {
    const told = schema[name];
    if (typeof told === "string") more[name] = told;
  }
  if (schema.default !== undefined) more.default = schema.default;
  const { examples } = schema;
  const example = schema.example ?? (Array.isArray(examples) ? examples[0] : undefined);
  if (example !== undefined) more.example = example;
  return { ...reduced, more };
}

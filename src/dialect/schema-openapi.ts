import { isRaw } from "#src/dialect/exact-json.ts";
import {
  deepestSchema,
  membersOf,
  mostSchemas,
  refuseSchema,
  resolveRef,
  tooLarge,
} from "#src/dialect/schema-refs.ts";
import {
  either,
  formats,
  Joiner,
  narrow,
  nothingElse,
  nullable,
  numberIn,
  open,
  type Reduced,
  type Type,
  withNotes,
} from "#src/dialect/schema-reduced.ts";
import { type Adapted, namesOf } from "#src/dialect/schema-root.ts";
import type { Json, JsonObject } from "#src/lib/json.ts";

/*
 * JSON Schema reduced to the subset of OpenAPI's that older Gemini models take. What fits a schema fits what it is
 * reduced to; what the subset has no word for is left out, which admits more, and is named. A schema that says no type
 * is taken for that of which its keywords speak.
 */

const types: Readonly<Record<string, Type | "NULL">> = {
  string: "STRING",
  number: "NUMBER",
  integer: "INTEGER",
  boolean: "BOOLEAN",
  array: "ARRAY",
  object: "OBJECT",
  null: "NULL",
};

/** Keywords that speak of one type alone: those of the subset, and those that it has no word for. */
const spoken: readonly [type: Type, told: readonly string[], untold: readonly string[]][] = [
  ["STRING", ["pattern", "minLength", "maxLength"], []],
  ["NUMBER", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], ["multipleOf"]],
  [
    "ARRAY",
    ["items", "prefixItems", "minItems", "maxItems"],
    ["uniqueItems", "contains", "minContains", "maxContains", "unevaluatedItems"],
  ],
  [
    "OBJECT",
    ["properties", "required", "minProperties", "maxProperties", "additionalProperties"],
    [
      ...["patternProperties", "propertyNames", "dependentRequired", "dependentSchemas"],
      ...["dependencies", "unevaluatedProperties"],
    ],
  ],
];

/** Keywords with lists of words: each is gone through wherever its schema is joined with another. */
const lists = ["enum", "required", "propertyOrdering", "type"] as const;
const mostListed = 20_000;

/** Keywords of any type that the subset has no word for; those with a `$` are named without it. */
const untold = ["not", "if", "$dynamicRef", "$recursiveRef"];

/**
 * A schema in the subset. Throws `unsupported_feature`, which names `param`, for one that holds itself, which cannot be
 * written out, and for one that refers to what is not in it.
 */
export function reduceSchema(schema: Json, param: string): Adapted {
  const reducer = new Reducer(schema, param);
  const reduced = reducer.reduce(schema);
  const { joiner } = reducer;
  const written = joiner.write(reduced ?? joiner.nothing("not"));
  return { schema: written, loosened: [...joiner.loosened] };
}

class Reducer {
  readonly joiner = new Joiner();
  readonly #root: Json;
  readonly #param: string;
  /** Schemas that are being reduced: one that comes again holds itself. */
  readonly #active = new Set<JsonObject>();
  #count = 0;
  /** Entries of lists so far, each as often as its schema is referred to. */
  #listed = 0;

  constructor(root: Json, param: string) {
    this.#root = root;
    this.#param = param;
  }

  /** Undefined where nothing fits. */
  reduce(given: Json | undefined): Reduced | undefined {
    if (given === false) return undefined;
    const schema = membersOf(given);
    if (schema === undefined) return open();
    if (this.#active.has(schema))
      throw refuseSchema(this.#param, "it holds itself, and can be written to no fixed depth");
    if (++this.#count > mostSchemas || this.#active.size > deepestSchema)
      throw tooLarge(this.#param);
    for (const name of lists) {
      const list = schema[name];
      if (Array.isArray(list)) this.#listed += list.length;
    }
    if (this.#listed > mostListed) throw tooLarge(this.#param);
    this.#active.add(schema);
    const reduced = this.#all(schema);
    this.#active.delete(schema);
    return reduced && withNotes(schema, reduced);
  }

  /** A schema is what all of its keywords say together. */
  #all(schema: JsonObject): Reduced | undefined {
    const { $ref, const: constant, enum: list, allOf, anyOf, oneOf } = schema;
    for (const name of untold)
      if (schema[name] !== undefined) this.joiner.loosened.add(name.replace("$", ""));
    let reduced = this.#typed(schema);
    const join = (other: Reduced | undefined): void => {
      reduced = reduced && other && this.joiner.both(reduced, other);
    };
    if (constant !== undefined) join(this.#oneOf([constant], "const"));
    if (Array.isArray(list)) join(this.#oneOf(list, "enum"));
    if (typeof $ref === "string") join(this.reduce(resolveRef($ref, this.#root, this.#param)));
    if (Array.isArray(allOf)) for (const one of allOf) join(this.reduce(one));
    if (Array.isArray(anyOf)) join(either(anyOf.map((one) => this.reduce(one))));
    if (Array.isArray(oneOf)) {
      if (oneOf.length > 1) this.joiner.loosened.add("oneOf");
      join(either(oneOf.map((one) => this.reduce(one))));
    }
    return reduced;
  }

  /** What the types and their own keywords say. */
  #typed(schema: JsonObject): Reduced | undefined {
    const given = typesOf(schema);
    const said =
      given ?? spoken.flatMap(([type, told, lost]) => (speaks(schema, told, lost) ? [type] : []));
    if (said.length === 0) return open();
    const reduced = either(said.map((type) => this.#one(type, schema)));
    return reduced && given !== undefined && schema.nullable === true ? nullable(reduced) : reduced;
  }

  #one(type: Type | "NULL", schema: JsonObject): Reduced {
    for (const [spokenOf, , lost] of spoken)
      if (spokenOf === (type === "INTEGER" ? "NUMBER" : type))
        for (const name of lost) if (asksFor(name, schema[name])) this.joiner.loosened.add(name);
    switch (type) {
      case "NULL":
        return nothingElse;
      case "BOOLEAN":
        return { type, more: {} };
      case "STRING":
        return { type, more: this.#kept(type, schema, ["pattern", "minLength", "maxLength"]) };
      case "NUMBER":
      case "INTEGER":
        return { type, more: this.#bounds(type, schema) };
      case "ARRAY":
        return this.#array(schema);
      case "OBJECT":
        return this.#object(schema);
    }
  }

  #kept(type: Type, schema: JsonObject, names: readonly string[]): JsonObject {
    const kept: JsonObject = {};
    for (const name of names) {
      const value = schema[name];
      const fits = name === "pattern" ? typeof value === "string" : numberIn(value) !== undefined;
      if (fits && value !== undefined) kept[name] = value;
    }
    const { format } = schema;
    if (typeof format !== "string") return kept;
    if (formats[type]?.includes(format)) kept.format = format;
    // What a format says of another type says nothing here.
    else if (type === "STRING") this.joiner.loosened.add("format");
    return kept;
  }

  #bounds(type: "NUMBER" | "INTEGER", schema: JsonObject): JsonObject {
    const kept = this.#kept(type, schema, ["minimum", "maximum"]);
    for (const [name, open, step] of [
      ["minimum", "exclusiveMinimum", 1],
      ["maximum", "exclusiveMaximum", -1],
    ] as const) {
      const bound = schema[open];
      if (bound === true) this.joiner.loosened.add(open);
      const beyond = numberIn(bound);
      if (beyond === undefined || bound === undefined) continue;
      const exact = type === "INTEGER" && Number.isSafeInteger(beyond + step) && !isRaw(bound);
      if (!exact) this.joiner.loosened.add(open);
      narrow(kept, name, exact ? beyond + step : bound);
    }
    return kept;
  }

  #array(schema: JsonObject): Reduced {
    const { items, prefixItems, additionalItems } = schema;
    const more = this.#kept("ARRAY", schema, ["minItems", "maxItems"]);
    const listed = Array.isArray(prefixItems)
      ? prefixItems
      : Array.isArray(items)
        ? items
        : undefined;
    if (listed === undefined) {
      return { type: "ARRAY", items: this.reduce(items) ?? this.joiner.nothing("items"), more };
    }
    this.joiner.loosened.add(Array.isArray(prefixItems) ? "prefixItems" : "items");
    const rest = Array.isArray(items) ? additionalItems : items;
    const each = [...listed, rest ?? true].map((one) => this.reduce(one));
    return { type: "ARRAY", items: either(each) ?? this.joiner.nothing("items"), more };
  }

  #object(schema: JsonObject): Reduced {
    const { additionalProperties } = schema;
    const properties = new Map<string, Reduced>();
    for (const [name, one] of Object.entries(membersOf(schema.properties) ?? {})) {
      const reduced = this.reduce(one);
      if (reduced !== undefined) properties.set(name, reduced);
      else this.joiner.loosened.add("properties");
    }
    if (!isIdle(additionalProperties)) this.joiner.loosened.add("additionalProperties");
    const more = this.#kept("OBJECT", schema, ["minProperties", "maxProperties"]);
    const { propertyOrdering } = schema;
    const order = namesOf(propertyOrdering).filter((name) => properties.has(name));
    if (order.length > 0) more.propertyOrdering = order;
    return { type: "OBJECT", properties, required: namesOf(schema.required), more };
  }

  /** One of some values: the subset lists strings alone. */
  #oneOf(values: readonly Json[], keyword: string): Reduced | undefined {
    const strings = values.filter((value) => typeof value === "string");
    const numbers = values.filter((value) => numberIn(value) !== undefined);
    const choices: Reduced[] = [];
    const add = (reduced: Reduced, isExact: boolean): void => {
      choices.push(reduced);
      if (!isExact) this.joiner.loosened.add(keyword);
    };
    if (strings.length > 0) {
      // An empty string is refused as a choice.
      const isTaken = !strings.includes("");
      const listed = isTaken ? { enum: [...new Set(strings)] } : {};
      add({ type: "STRING", ...listed, more: {} }, isTaken);
    }
    if (numbers.length > 0) add(rangeOf(numbers), new Set(numbers.map(numberIn)).size === 1);
    const switches = new Set(values.filter((value) => typeof value === "boolean"));
    if (switches.size > 0) add({ type: "BOOLEAN", more: {} }, switches.size === 2);
    if (values.includes(null)) add(nothingElse, true);
    if (values.some(Array.isArray)) add({ type: "ARRAY", items: open(), more: {} }, false);
    if (values.some((value) => membersOf(value) !== undefined)) add(open(), false);
    return either(choices);
  }
}

function typesOf({ type }: JsonObject): (Type | "NULL")[] | undefined {
  if (type === undefined) return undefined;
  const named = (Array.isArray(type) ? type : [type]).flatMap((one) => {
    const known = typeof one === "string" ? one.toLowerCase() : "";
    return Object.hasOwn(types, known) ? (types[known] ?? []) : [];
  });
  if (named.length === 0) return undefined;
  // Every integer is a number.
  return named.filter((one) => one !== "INTEGER" || !named.includes("NUMBER"));
}

function speaks(schema: JsonObject, told: readonly string[], lost: readonly string[]): boolean {
  return [...told, ...lost].some((name) => schema[name] !== undefined);
}

/** Whether a keyword without a word of its own asks for something. */
function asksFor(name: string, value: Json | undefined): boolean {
  if (name === "uniqueItems") return value === true;
  return name === "contains" ? value !== undefined : !isIdle(value);
}

/** Whether a keyword asks for nothing: it is absent, or lets everything pass. */
function isIdle(value: Json | undefined): boolean {
  if (value === undefined || value === true || value === null) return true;
  const members = membersOf(value);
  return members !== undefined && Object.keys(members).length === 0;
}

/** The numbers from the smallest to the largest of some. */
function rangeOf(numbers: readonly Json[]): Reduced {
  const sorted = numbers.toSorted((a, b) => (numberIn(a) ?? 0) - (numberIn(b) ?? 0));
  const [minimum, maximum] = [sorted[0] ?? null, sorted.at(-1) ?? null];
  const isWhole = numbers.every((one) => Number.isInteger(numberIn(one)));
  return { type: isWhole ? "INTEGER" : "NUMBER", more: { minimum, maximum } };
}

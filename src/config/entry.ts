import * as v from "valibot";
import { fileSchema } from "#src/config/schema.ts";
import { isObject, type JsonObject } from "#src/lib/json.ts";

/** What the schema of the file has at a path; empty where it has nothing. */
export function entryAt(path: readonly string[]): JsonObject {
  let schema: unknown = fileSchema;
  for (const key of path) {
    const { entries, value, item } = shapeOf(schema);
    schema = (isObject(entries) ? entries[key] : undefined) ?? value ?? item;
  }
  return shapeOf(schema);
}

/** What v.optional() wraps, else the schema itself. */
function shapeOf(schema: unknown): JsonObject {
  if (!isObject(schema)) return {};
  return isObject(schema.wrapped) ? schema.wrapped : schema;
}

const kinds = new Map([
  ["string", "a text"],
  ["Array", "a list"],
  ["Object", "a section"],
]);

/** A kind of value in words, where it is one; a value itself stays as it is. */
export function kindOf(named: string): string {
  return kinds.get(named) ?? named;
}

/** What would have been right, in words: `a whole number from 1 to 64`. */
export function allowedBy(issue: v.BaseIssue<unknown>): string {
  const { type, expected, message } = issue;
  switch (type) {
    case "number":
    case "integer":
    case "gt_value":
    case "min_value":
    case "max_value":
      return numberAt((issue.path ?? []).map(({ key }) => String(key)));
    case "boolean":
      return "true or false";
    case "min_length":
      return "a text that is not empty";
    case "picklist":
      return `one of ${expected?.replace(/^\((.*)\)$/, "$1").replaceAll(" | ", ", ")}`;
    case "url":
      return "an address such as https://api.example.org";
    case "regex":
      // Its own words; what is expected would be the pattern.
      return message;
    default:
      return kindOf(expected ?? message);
  }
}

/** The numbers that the schema takes at a path. */
function numberAt(path: readonly string[]): string {
  const actions = actionsOf(entryAt(path));
  const bound = (type: string) => actions.findLast((one) => one.type === type)?.requirement;
  const [least, above, most] = [bound("min_value"), bound("gt_value"), bound("max_value")];
  const kind = actions.some(({ type }) => type === "integer") ? "a whole number" : "a number";
  if (above !== undefined)
    return `${kind} above ${String(above)}${most === undefined ? "" : ` and up to ${String(most)}`}`;
  if (least === undefined) return kind;
  return most === undefined
    ? `${kind} of at least ${String(least)}`
    : `${kind} from ${String(least)} to ${String(most)}`;
}

/** What a schema asks beside its kind, that of a pipe within a pipe first. */
function actionsOf({ pipe }: JsonObject): JsonObject[] {
  const [inner, ...own] = (Array.isArray(pipe) ? pipe : []).filter(isObject);
  return inner === undefined ? [] : [...actionsOf(inner), ...own];
}

import * as v from "valibot";
import { allowedBy, entryAt } from "#src/config/entry.ts";
import { ConfigError } from "#src/config/error.ts";
import { fileSchema } from "#src/config/schema.ts";

/**
 * Holds a setting that is given as text against what the file may have at its path, wherever the text is from.
 * Throws ConfigError that names the variable, what was found and what is allowed.
 */
export function checkSetting(path: string, text: string, variable: string | undefined): void {
  const keys = path.split(".");
  const value = valueOf(text, entryAt(keys).type);
  const [issue] = v.safeParse(fileSchema, fileOf(keys, value)).issues ?? [];
  if (issue === undefined) return;
  const found = variable === undefined ? `"${text}"` : `${variable}="${text}"`;
  throw new ConfigError(`Cannot use ${found} for ${path}: allowed is ${allowedBy(issue)}`);
}

/** The text as the file would have it; what does not fit its kind stays text, and is refused. */
function valueOf(text: string, kind: unknown): unknown {
  if (kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (kind === "number") return numberOf(text);
  if (kind !== "array") return text;
  const parts = text.split(",").filter((part) => part.trim() !== "");
  return parts.map(numberOf);
}

function numberOf(text: string): unknown {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) ? value : text;
}

/** A file with this one value. */
function fileOf(keys: readonly string[], value: unknown): unknown {
  return keys.reduceRight((inner, key) => ({ [key]: inner }), value);
}

import * as v from "valibot";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { allowedBy, entryAt, kindOf } from "#src/config/entry.ts";
import { ConfigError } from "#src/config/error.ts";
import { type FileConfig, fileSchema } from "#src/config/schema.ts";
import { isObject } from "#src/lib/json.ts";

/** Environment variables as the process has them. */
export type Environment = Record<string, string | undefined>;

/** Where the file is looked for when nobody names one. */
export function defaultFile(env: Environment): string | undefined {
  const directory = present(env.CONFIGURATION_DIRECTORY);
  const candidates = [...(directory ? [join(directory, "lowrouter.toml")] : []), "lowrouter.toml"];
  return candidates.find((path) => existsSync(path));
}

/** A configuration file, or its text where that was read before; none means nothing set. Throws ConfigError. */
export function readFile(path: string | undefined, text?: string): FileConfig {
  if (path === undefined) return {};
  return parseFile(path, text ?? fileText(path));
}

/** The text of a configuration file. Throws ConfigError. */
export function fileText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(
      `Cannot read the configuration file "${path}": give an existing file with --config`,
      { cause },
    );
  }
}

/** A TOML text as configuration. Throws ConfigError naming the key, what was found and what is allowed. */
export function parseFile(path: string, text: string): FileConfig {
  let raw: unknown;
  try {
    raw = Bun.TOML.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Cannot parse "${path}" as TOML${faultyLine(text)}: ${reason}`, {
      cause,
    });
  }
  const parsed = v.safeParse(fileSchema, raw);
  if (parsed.success) return parsed.output;
  const lines = parsed.issues.map((issue) => {
    const key = v.getDotPath(issue) ?? "(top level)";
    if (issue.expected === "never")
      return `unknown key "${key}", allowed here are ${keysBeside(key).join(", ")}`;
    // TOML has no such value.
    if (issue.received === "undefined") return `${key} is missing`;
    // What is received would be how long it is.
    const found = issue.type === "min_length" ? '""' : kindOf(issue.received);
    return `${key}: found ${found}, allowed is ${allowedBy(issue)}`;
  });
  throw new ConfigError(`Cannot use the configuration file "${path}": ${lines.join("; ")}`);
}

/** What is searched for its faulty line: a file that people write is shorter, and each line is a try. */
const searched = { lines: 500, characters: 16_384 };

/** Where what cannot be parsed begins, counted from 1: all before it can be. The parser tells no place. */
function faultyLine(text: string): string {
  const lines = text.split("\n");
  if (lines.length > searched.lines || text.length > searched.characters) return "";
  let read = lines.length - 1;
  while (read > 0 && !isToml(lines.slice(0, read).join("\n"))) read--;
  return `, line ${read + 1}`;
}

function isToml(text: string): boolean {
  try {
    Bun.TOML.parse(text);
    return true;
  } catch {
    return false; // it is asked for nothing else
  }
}

/** The keys that the schema has where this one was found. */
function keysBeside(path: string): string[] {
  const { entries } = entryAt(path.split(".").slice(0, -1));
  return isObject(entries) ? Object.keys(entries) : [];
}

/** `host:port`, `:port` or `[v6]:port`. Throws ConfigError. */
export function parseListen(text: string): { hostname: string; port: number } {
  const match = /^(\[[^\]]+\]|[^:]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65535) {
    throw new ConfigError(`Cannot use "${text}" for listen: give HOST:PORT such as 127.0.0.1:4000`);
  }
  const host = (match[1] ?? "").replace(/^\[|\]$/g, "");
  return { hostname: host === "" ? "0.0.0.0" : host, port };
}

/** A credential file that the supervisor handed over, or undefined. */
export function credential(env: Environment, name: string): string | undefined {
  const directory = present(env.CREDENTIALS_DIRECTORY);
  if (directory === undefined) return undefined;
  try {
    return present(readFileSync(join(directory, name), "utf8").trim());
  } catch {
    return undefined; // no such credential: the next origin is asked
  }
}

/** An environment variable that says something. */
export function present(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : value;
}

import { ConfigError } from "#src/config/error.ts";
import { checkSetting } from "#src/config/setting.ts";
import { credential, type Environment, present } from "#src/config/file.ts";

/** Where a value came from, in the order that wins. */
export type Origin = "flag" | "credential" | "environment" | "file" | "default";

/** Path of a value to where it came from. */
export type Origins = Map<string, { origin: Origin; name: string | undefined }>;

export type Picker = ReturnType<typeof createPicker>;

/**
 * Reads one value at a time from wherever it was given first, and notes where that was. Each throws ConfigError for what the
 * schema does not allow at the path.
 */
export function createPicker(env: Environment, origins: Origins) {
  function pick(
    path: string,
    variable: string,
    fromFile: unknown,
    fallback: string,
    flag?: string,
  ): string {
    const candidates: [Origin, string | undefined, string | undefined][] = [
      ["flag", flag, undefined],
      ["credential", credential(env, variable), variable],
      ["environment", present(env[variable]), variable],
      ["file", fromFile === undefined ? undefined : String(fromFile), undefined],
    ];
    for (const [origin, value, name] of candidates) {
      if (value === undefined) continue;
      checkSetting(path, value, name);
      origins.set(path, { origin, name });
      return value;
    }
    origins.set(path, { origin: "default", name: undefined });
    return fallback;
  }
  function number(
    path: string,
    variable: string,
    fromFile: number | undefined,
    fallback: number,
  ): number {
    return Number(pick(path, variable, fromFile, String(fallback)));
  }
  function choice<T extends string>(
    path: string,
    variable: string,
    fromFile: T | undefined,
    allowed: readonly T[],
    fallback: T,
  ): T {
    const text = pick(path, variable, fromFile, fallback);
    const found = allowed.find((one) => one === text);
    if (found === undefined) {
      throw new ConfigError(`Cannot use "${text}" for ${path}: allowed are ${allowed.join(", ")}`);
    }
    return found;
  }
  function flag(path: string, variable: string, fromFile: boolean | undefined): boolean {
    const given = fromFile === undefined ? undefined : fromFile ? "true" : "false";
    return choice(path, variable, given, ["true", "false"] as const, "false") === "true";
  }
  return { pick, number, choice, flag };
}

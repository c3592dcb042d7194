import { ConfigError } from "#src/config/error.ts";
import { policies, policyPattern } from "#src/config/schema.ts";
import { credential, type Environment, present } from "#src/config/file.ts";

/** Where a value came from, in the order that wins. */
export type Origin = "flag" | "credential" | "environment" | "file" | "default";

/** Path of a value to where it came from. */
export type Origins = Map<string, { origin: Origin; name: string | undefined }>;

export type Picker = ReturnType<typeof createPicker>;

/** Reads one value at a time from wherever it was given first, and notes where that was. Each throws ConfigError. */
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
    least = 0,
  ): number {
    const text = pick(path, variable, fromFile, String(fallback));
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || value < least) {
      throw new ConfigError(
        `Cannot use ${variable}="${text}" for ${path}: a number of at least ${least} is needed`,
      );
    }
    return value;
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
  function policy(
    path: string,
    variable: string,
    fromFile: string | undefined,
    fallback: string,
  ): string {
    const text = pick(path, variable, fromFile, fallback);
    const needsMore = text === "prefer-region" || text === "fixed-provider";
    if (policyPattern.test(text) && !needsMore) return text;
    throw new ConfigError(
      `Cannot use "${text}" for ${path}: allowed are ${policies.join(", ")}, as prefer-region:eu-west and fixed-provider:mistral`,
    );
  }
  return { pick, number, choice, flag, policy };
}

import type { Shape } from "#test/fuzz/mutate.ts";
import { AppError } from "#src/lib/error.ts";
import { Chance } from "#test/fuzz/chance.ts";

/** A reader of bytes that strangers send. */
export interface Target {
  /** Letters, digits and hyphens: the folder of its corpus has that name. */
  name: string;
  shape: Shape;
  /** Recorded inputs, from which others are made. */
  seeds: () => Promise<Uint8Array[]>;
  /**
   * Reads the bytes and tells what was read. The first text is the kind of outcome: inputs of a new kind are kept. Throws
   * what the reader throws, and BrokenClaim where what was read cannot be right.
   */
  read: (input: Uint8Array) => string[];
  /** Whether what was thrown is a refusal that the reader promises. */
  refuses: (thrown: unknown) => boolean;
  /** Bytes that may be told for each byte of input, beside a fixed part; 64 where it is absent. */
  growth?: number;
}

/** What was read cannot be right. */
export class BrokenClaim extends Error {
  override readonly name = "BrokenClaim";
}

/** Throws BrokenClaim unless the claim holds. */
export function claim(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BrokenClaim(what);
}

/** The refusals of what clients send: 4xx, in few words. */
export function refusesClients(thrown: unknown): boolean {
  return (
    thrown instanceof AppError &&
    thrown.status >= 400 &&
    thrown.status < 500 &&
    thrown.message.length <= 1000 &&
    (thrown.detail.param ?? "").length <= 400
  );
}

/** Whether an ending is one of those of the canonical form. */
export function isFinish(finish: unknown): boolean {
  return (
    typeof finish === "string" && /^(stop|length|tool_calls|content_filter|error)$/.test(finish)
  );
}

/** Nothing that it is given makes it throw. */
export const never = (): boolean => false;

/** Chance that is the same for the same input. */
export function chanceOf(input: Uint8Array): Chance {
  return new Chance(String(Bun.hash.crc32(input)));
}

/** A value in few words: what kind of outcome it is. */
export function kindOf(value: unknown, depth = 2): string {
  if (Array.isArray(value)) return `[${value.length > 0 ? kindOf(value[0], depth - 1) : ""}]`;
  if (typeof value !== "object" || value === null) return typeof value;
  if (depth <= 0) return "{}";
  const told = Object.entries(value).slice(0, 12);
  return `{${told.map(([name, member]) => `${name.slice(0, 20)}:${kindOf(member, depth - 1)}`).join()}}`;
}

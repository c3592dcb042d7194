import type { Generation } from "#src/ledger/generation.ts";

/** Those who look on while requests are kept. Where nobody does, nothing is called. */
export interface Watch {
  /** Told of each row after its commit, before the last byte of its answer leaves: quick, and never throwing. */
  readonly listeners: Set<(generation: Generation) => void>;
  /** Aborted when the gateway shuts down: whoever holds a connection open only to look on lets go. */
  readonly signal: AbortSignal;
  end(): void;
}

/** A watch of those who look on already; nobody, where none are given. */
export function createWatch(listeners: Watch["listeners"] = new Set()): Watch {
  const ending = new AbortController();
  return { listeners, signal: ending.signal, end: () => ending.abort() };
}

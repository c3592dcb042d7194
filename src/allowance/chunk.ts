import type { Demand, Standing } from "#src/allowance/allowance.ts";

/** What this process knows of one allowance: its own leased chunk, exact, and the rest as last read. */
export interface Chunk {
  readonly kind: Demand["kind"];
  readonly owner: string;
  readonly windowStart: number;
  windowEnd: number | undefined;
  /** Leased by this process and not used yet. */
  leased: number;
  /** Of `leased`, promised to requests that run. */
  held: number;
  /** Used and leased by all, this process included. Undefined until read. */
  committed: number | undefined;
  /** The limit that the chunk was leased under. */
  limit: number | undefined;
  /** Read the store before the next lease: the limit may have changed. */
  isStale: boolean;
  /** A lease, or what is given back, that is on its way; only with a remote store. */
  refilling: Promise<void> | undefined;
  /** Taken from since the last tick. */
  isWarm: boolean;
  /** Ticks since anything of it was last taken, or promised. */
  coldTicks: number;
  /** Movements that were settled and that the store does not have yet. */
  pending: number;
  /** What they take from the lease. */
  settled: number;
  /** Changes of `leased`, to see whether it moved in between. */
  moves: number;
}

/** Where a chunk is kept in the map. */
export function nameOf({
  kind,
  owner,
  windowStart,
}: {
  kind: string;
  owner: string;
  windowStart: number;
}): string {
  return `${kind} ${owner} ${windowStart}`;
}

/** A chunk of nothing. */
export function emptyChunk({ kind, owner, windowStart, windowEnd }: Demand): Chunk {
  return {
    kind,
    owner,
    windowStart,
    windowEnd,
    leased: 0,
    held: 0,
    committed: undefined,
    limit: undefined,
    isStale: false,
    refilling: undefined,
    isWarm: true,
    coldTicks: 0,
    pending: 0,
    settled: 0,
    moves: 0,
  };
}

/** What may be taken without asking the store. */
export function free(chunk: Chunk): number {
  return chunk.leased - chunk.held;
}

/** True when a demand is counted and never refused. */
export function isCountedOnly({ kind, limit, unlimited }: Demand): boolean {
  return unlimited === true || (limit === undefined && kind !== "credit");
}

/** How the allowance looks from here. */
export function standingOf(chunk: Chunk): Standing {
  const { committed = 0, limit } = chunk;
  const used = committed - Math.max(0, chunk.leased);
  if (limit === undefined) return { limit, used, remaining: undefined };
  return { limit, used, remaining: Math.max(0, limit - committed + free(chunk)) };
}

/** How much to lease when `need` is missing: far from the limit enough for 64 such requests, at the edge just it. */
export function leaseSize(need: number, remainder: number): number {
  return Math.max(need, Math.min(need * 64, Math.floor(remainder / 4)));
}

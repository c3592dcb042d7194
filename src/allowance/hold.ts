import type { Demand, Hold, Movement } from "#src/allowance/allowance.ts";
import { free, isCountedOnly, type Chunk } from "#src/allowance/chunk.ts";

/** A demand and the chunk that it takes from. */
export interface Claim {
  demand: Demand;
  chunk: Chunk;
}

/** The first claim that its chunk does not cover, or undefined after all were taken. Takes all or none. */
export function takeAll(claims: readonly Claim[]): Claim | undefined {
  for (const [at, claim] of claims.entries()) {
    if (!take(claim)) {
      for (const taken of claims.slice(0, at)) putBack(taken);
      return claim;
    }
  }
  return undefined;
}

/** The hold on claims that were taken. */
export function holdOf(claims: readonly Claim[]): Hold {
  let isOpen = true;
  return {
    demands: claims.map(({ demand }) => demand),
    settle(used) {
      if (!isOpen) return [];
      isOpen = false;
      return claims.map((claim, at) => settleOne(claim, used[at] ?? 0)).filter(isMoving);
    },
  };
}

function take({ demand, chunk }: Claim): boolean {
  if (chunk.committed === undefined || chunk.isStale) return false;
  chunk.isWarm = true;
  if (isCountedOnly(demand)) return true;
  if (chunk.limit !== undefined && demand.limit !== undefined) {
    if (demand.limit < chunk.limit) return false;
    chunk.limit = demand.limit;
  }
  if (free(chunk) < demand.amount) return false;
  chunk.held += demand.amount;
  return true;
}

function putBack({ demand, chunk }: Claim): void {
  if (!isCountedOnly(demand)) chunk.held -= demand.amount;
}

function settleOne(claim: Claim, used: number): Movement {
  const { demand, chunk } = claim;
  putBack(claim);
  const fromLease = isCountedOnly(demand) ? 0 : Math.min(used, Math.max(0, chunk.leased));
  chunk.leased -= fromLease;
  // What was used beyond the lease is new to the store; what was leased it counted before.
  chunk.committed = (chunk.committed ?? 0) + used - fromLease;
  const { kind, owner, windowStart } = demand;
  return { kind, owner, windowStart, used, fromLease };
}

function isMoving({ used }: Movement): boolean {
  return used !== 0;
}

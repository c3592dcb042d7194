import type { Demand, Hold, Movement } from "#src/allowance/allowance.ts";
import { free, isCountedOnly, type Chunk } from "#src/allowance/chunk.ts";

/** A demand and the chunk that it takes from. */
export interface Claim {
  demand: Demand;
  chunk: Chunk;
}

/** The first claim that its chunk does not cover, or undefined after all were taken. Takes all or none. */
export function takeAll(claims: readonly Claim[]): Claim | undefined {
  for (let at = 0; at < claims.length; at++) {
    const claim = claims[at];
    if (claim === undefined || take(claim)) continue;
    for (const taken of claims.slice(0, at)) putBack(taken);
    return claim;
  }
  return undefined;
}

/** The hold on claims that were taken. */
export function holdOf(claims: readonly Claim[]): Hold {
  return new ClaimedHold(claims);
}

class ClaimedHold implements Hold {
  readonly demands: Demand[] = [];
  readonly #claims: readonly Claim[];
  #isOpen = true;

  constructor(claims: readonly Claim[]) {
    this.#claims = claims;
    for (const { demand } of claims) this.demands.push(demand);
  }

  settle(used: readonly number[]): Movement[] {
    const movements: Movement[] = [];
    if (!this.#isOpen) return movements;
    this.#isOpen = false;
    for (let at = 0; at < this.#claims.length; at++) {
      const claim = this.#claims[at];
      if (claim === undefined) continue;
      const movement = settleOne(claim, used[at] ?? 0);
      if (movement.used === 0) continue;
      claim.chunk.pending++;
      claim.chunk.settled += movement.fromLease ?? 0;
      movements.push(movement);
    }
    return movements;
  }
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
  chunk.moves++;
  // What was used beyond the lease is new to the store; what was leased it counted before.
  chunk.committed = (chunk.committed ?? 0) + used - fromLease;
  const { kind, owner, windowStart } = demand;
  return { kind, owner, windowStart, used, fromLease };
}

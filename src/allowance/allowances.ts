import { hostname } from "node:os";
import type { Allowances, Demand, Hold, Refusal } from "#src/allowance/allowance.ts";
import {
  emptyChunk,
  free,
  isCountedOnly,
  leaseSize,
  nameOf,
  standingOf,
  type Chunk,
} from "#src/allowance/chunk.ts";
import { holdOf, takeAll, type Claim } from "#src/allowance/hold.ts";
import {
  abandonStatements,
  deadProcesses,
  joinStatement,
  lease,
  returnStatements,
  sweepStatements,
  type Lessee,
  type Snapshot,
} from "#src/allowance/lease.ts";
import type { Clock } from "#src/lib/clock.ts";
import { then, type Soon } from "#src/lib/soon.ts";
import type { Store } from "#src/store/store.ts";

export interface AllowanceOptions {
  store: Store;
  clock: Clock;
  /** Id of this process, never used before. */
  processId: string;
  pid?: number;
  /** The machine; its own name unless given. */
  host?: string;
  /** Whether a process of this host lives. */
  isAlive?: (pid: number) => boolean;
  /** How long leases hold without a tick. */
  leaseMilliseconds?: number;
}

/** Allowances that lease from the store, with what keeps the leases alive. */
export interface LeasedAllowances extends Allowances {
  /** Joins the store and takes back what dead processes had leased. Before the first reserve. */
  start(): Promise<void>;
  /** Every ten seconds or so: renews our leases, returns idle ones and those of the dead. */
  tick(): Promise<void>;
}

/** What may be spent, held in memory against chunks leased from the store. */
export function createAllowances(options: AllowanceOptions): LeasedAllowances {
  const { store, clock, leaseMilliseconds = 60_000, isAlive = lives } = options;
  const lessee: Lessee = {
    id: options.processId,
    pid: options.pid ?? 0,
    host: options.host || hostname(),
  };
  const chunks = new Map<string, Chunk>();
  let leasedUntil = 0;
  let joining: Promise<void> | undefined;

  function chunkOf(demand: Demand): Chunk {
    const name = nameOf(demand);
    const known = chunks.get(name);
    if (known !== undefined) return known;
    const chunk = emptyChunk(demand);
    chunks.set(name, chunk);
    return chunk;
  }

  function reserve(demands: Demand[]): Soon<Hold | Refusal> {
    // After a pause longer than the leases, others may have taken them back.
    if (clock.now() >= leasedUntil) return then(rejoin(), () => reserve(demands));
    const claims = demands.map((demand) => ({ demand, chunk: chunkOf(demand) }));
    const busy = claims.find(({ chunk }) => chunk.refilling !== undefined);
    if (busy?.chunk.refilling !== undefined) return busy.chunk.refilling.then(() => pursue(claims));
    return pursue(claims);
  }

  function pursue(claims: Claim[]): Soon<Hold | Refusal> {
    const short = takeAll(claims);
    if (short === undefined) return holdOf(claims);
    const { demand, chunk } = short;
    // Someone's lease is on its way: it may do for this one too.
    if (chunk.refilling !== undefined) return chunk.refilling.then(() => pursue(claims));
    const judge = (isEnough: boolean): Soon<Hold | Refusal> =>
      isEnough ? pursue(claims) : { refused: demand, standing: standingOf(chunk) };
    const outcome = leaseMore(short);
    return outcome instanceof Promise ? shared(chunk, outcome, judge) : judge(outcome);
  }

  /** Lets others wait for a lease on its way; whoever asked for it takes from it first. */
  async function shared(
    chunk: Chunk,
    outcome: Promise<boolean>,
    judge: (isEnough: boolean) => Soon<Hold | Refusal>,
  ): Promise<Hold | Refusal> {
    const waiting = Promise.withResolvers<void>();
    chunk.refilling = waiting.promise;
    try {
      const isEnough = await outcome;
      chunk.refilling = undefined;
      const judged = judge(isEnough);
      waiting.resolve();
      return await judged;
    } finally {
      if (chunk.refilling === waiting.promise) chunk.refilling = undefined;
      waiting.resolve();
    }
  }

  function leaseMore(claim: Claim): Soon<boolean> {
    const { demand, chunk } = claim;
    const isLowered = demand.limit !== undefined && demand.limit < (chunk.limit ?? 0);
    if (chunk.committed === undefined || chunk.isStale || isLowered) {
      return then(reread(chunk), (seen) => {
        learn(claim, seen);
        return isCountedOnly(demand) || free(chunk) >= demand.amount || leaseMore(claim);
      });
    }
    const need = demand.amount - free(chunk);
    const remainder = limitOf(claim) - chunk.committed;
    // Known to be too little: but others may have returned something since, so the store has the last word.
    const amount = leaseSize(need, remainder);
    return then(lease(store, lessee, chunk, amount, demand.limit), (seen) => {
      learn(claim, seen);
      if (seen.isTaken) {
        chunk.leased += amount;
        return true;
      }
      const left = limitOf(claim) - seen.committed;
      // The chunk was too large for what others left; a smaller one may do.
      return left >= need && amount > need ? leaseMore(claim) : false;
    });
  }

  /** Returns the free part of our chunk, leased under an old limit, and reads the allowance as it is now. */
  function reread(chunk: Chunk): Soon<Snapshot> {
    const spare = Math.max(0, free(chunk));
    chunk.isStale = false;
    const returned = spare > 0 ? store.write(returnStatements(lessee, chunk, spare)) : [];
    chunk.leased -= spare;
    return then(returned, () => lease(store, lessee, chunk, 0, undefined));
  }

  /** Returns what this process had leased, if anything, and starts anew. */
  function rejoin(): Soon<void> {
    if (joining !== undefined) return joining;
    const now = clock.now();
    const until = now + leaseMilliseconds;
    for (const chunk of chunks.values()) {
      chunk.leased = 0;
      chunk.committed = undefined;
    }
    const join = joinStatement(lessee, now, until);
    const joined = then(store.write([...abandonStatements(lessee.id), join]), () => {
      leasedUntil = until;
    });
    if (!(joined instanceof Promise)) return;
    joining = joined.finally(() => {
      joining = undefined;
    });
    return joining;
  }

  async function recover(): Promise<void> {
    const dead = await deadProcesses(store, lessee, clock.now(), isAlive);
    if (dead.length > 0) await store.write(dead.flatMap(abandonStatements));
  }

  /** Returns what is free in the chunks that `isChosen` picks. */
  async function giveBack(isChosen: (chunk: Chunk) => boolean): Promise<void> {
    const spares = [...chunks.values()].filter(
      (chunk) => chunk.refilling === undefined && free(chunk) > 0 && isChosen(chunk),
    );
    if (spares.length === 0) return;
    const statements = spares.flatMap((chunk) => {
      const spare = free(chunk);
      // Before the write: nobody may take what is on its way back.
      chunk.leased -= spare;
      chunk.committed = (chunk.committed ?? 0) - spare;
      return returnStatements(lessee, chunk, spare);
    });
    await store.write(statements);
  }

  async function tick(): Promise<void> {
    const now = clock.now();
    if (now >= leasedUntil) await rejoin();
    const until = now + leaseMilliseconds;
    await store.write([joinStatement(lessee, now, until), ...sweepStatements(lessee, now)]);
    leasedUntil = until;
    await giveBack((chunk) => !chunk.isWarm || isOver(chunk, now));
    for (const [name, chunk] of chunks) {
      chunk.isWarm = false;
      // Nothing else would show what other processes used of an allowance that is only counted.
      if (chunk.limit === undefined) chunk.isStale = true;
      if (isOver(chunk, now) && chunk.held === 0 && chunk.leased <= 0) chunks.delete(name);
    }
    await recover();
  }

  return {
    reserve,
    standing(demand) {
      const chunk = chunks.get(nameOf(demand));
      return chunk?.committed === undefined ? undefined : standingOf(chunk);
    },
    refresh(owner) {
      for (const chunk of chunks.values()) if (chunk.owner === owner) chunk.isStale = true;
    },
    giveBack: () => giveBack(() => true),
    async start() {
      await rejoin();
      await recover();
    },
    tick,
  };
}

function limitOf({ demand, chunk }: Claim): number {
  return demand.limit ?? chunk.limit ?? 0;
}

function learn({ demand, chunk }: Claim, seen: Snapshot): void {
  chunk.committed = seen.committed;
  chunk.limit = demand.kind === "credit" ? seen.granted : demand.limit;
}

function isOver({ windowEnd }: Chunk, now: number): boolean {
  return windowEnd !== undefined && windowEnd <= now;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Only ESRCH means that it is gone; EPERM that it is someone else's.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

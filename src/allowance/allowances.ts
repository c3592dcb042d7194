/** Over 300 lines: reserving, renewing and giving back change the same few figures, and have to be read together. */
import { hostname } from "node:os";
import type { Allowances, Demand, Hold, Movement, Refusal } from "#src/allowance/allowance.ts";
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
  joinStatements,
  lease,
  type Leased,
  readLeases,
  renewStatement,
  returnStatements,
  type Sender,
  settleLeases,
  sweepStatements,
  type Lessee,
  type Snapshot,
} from "#src/allowance/lease.ts";
import type { Clock } from "#src/lib/clock.ts";
import { lives } from "#src/lib/lives.ts";
import { then, type Soon } from "#src/lib/soon.ts";
import { StoreError } from "#src/store/error.ts";
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
  /** Whether an id is that of another gateway of this process. */
  isKin?: (processId: string) => boolean;
  /** How long this process takes from its leases without having renewed them. */
  leaseMilliseconds?: number;
  /**
   * How long others leave them alone: what was admitted before has until then to end. What a process that was away for longer
   * had admitted can go beyond a limit, by no more than it had leased.
   */
  takeBackMilliseconds?: number;
  /** True while nothing more can be spent, as nobody could note it. */
  isFull?: () => boolean;
  /** Resolves when all that was spent is in the store; rejects where that takes too long. Absent: it always is. */
  settled?: () => Promise<void>;
  /** Whether a process that is gone spent what the store does not know yet. */
  isOwed?: (processId: string) => boolean;
}

/** Allowances that lease from the store, with what keeps the leases alive. */
export interface LeasedAllowances extends Allowances {
  /** Joins the store and takes back what dead processes had leased. Before the first reserve. */
  start(): Promise<void>;
  /** Every ten seconds or so: renews our leases, returns idle ones and those of the dead. */
  tick(): Promise<void>;
  /** Movements that the store has, or that will never be written. Needed over a network alone, where answers are lost. */
  written(movements: readonly Movement[]): void;
}

/** Two minutes, where a tick is ten seconds. */
const forgottenAfterTicks = 12;

/** What may be spent, held in memory against chunks leased from the store. */
export function createAllowances(options: AllowanceOptions): LeasedAllowances {
  const { store, clock, leaseMilliseconds = 60_000, takeBackMilliseconds = 300_000 } = options;
  const { isAlive = lives, isKin = () => false, isFull, settled, isOwed } = options;
  const lessee: Lessee = {
    id: options.processId,
    pid: options.pid ?? 0,
    host: options.host || hostname(),
  };
  const chunks = new Map<string, Chunk>();
  // By both clocks: one may be set back, and the other stands still while the machine sleeps.
  let leasedUntil = 0;
  let steadyUntil = 0;
  let joining: Promise<void> | undefined;
  /** How often what was spent will never be written. */
  let losses = 0;
  /** Questions to a remote store that have no answer yet. */
  const underway = new Set<Promise<unknown>>();
  /** Why what we have leased may not be what the store has: rows that are on their way, or an answer that was lost. */
  let doubt: "none" | "rows" | "lost" = "none";
  /** The epoch that our statements say, which the store has begun; and the last that it was asked for. */
  let epoch = 0;
  let lastEpoch = 0;

  function isJoined(): boolean {
    return clock.now() < leasedUntil && clock.monotonic() < steadyUntil;
  }

  /** Goes on taking from leases; not where something was lost meanwhile, which only another beginning brings back. */
  function extend({ now, steady, before }: { now: number; steady: number; before: number }): void {
    if (losses !== before) return;
    leasedUntil = now + leaseMilliseconds;
    steadyUntil = steady + leaseMilliseconds;
  }

  /** Keeps in mind what is on its way, and whether an answer was lost: then it is not known what was done. */
  function sent<T>(operation: Soon<T>): Soon<T> {
    if (!(operation instanceof Promise)) return operation;
    const watched: Promise<unknown> = operation.then(
      () => underway.delete(watched),
      () => {
        underway.delete(watched);
        doubt = "lost";
      },
    );
    underway.add(watched);
    return operation;
  }

  function sender(): Sender {
    return { id: lessee.id, epoch: store.kind === "remote" ? epoch : undefined };
  }

  function chunkOf(demand: Demand): Chunk {
    const name = nameOf(demand);
    const known = chunks.get(name);
    if (known !== undefined) return known;
    const chunk = emptyChunk(demand);
    chunks.set(name, chunk);
    return chunk;
  }

  function reserve(demands: Demand[]): Soon<Hold | Refusal> {
    if (isFull?.() === true)
      throw new StoreError("unavailable", "Cannot take a request: its row could not be kept");
    // After a pause longer than the leases, others may take them back.
    if (!isJoined()) return then(rejoin(), () => reserve(demands));
    const claims = demands.map((demand) => ({ demand, chunk: chunkOf(demand) }));
    const busy = claims.find(({ chunk }) => chunk.refilling !== undefined);
    if (busy?.chunk.refilling !== undefined)
      return busy.chunk.refilling.then(() => pursueAnew(claims));
    return pursue(claims);
  }

  /** After a wait, in which a window that was over may have been forgotten, and in which the machine may have slept. */
  function pursueAnew(claims: readonly Claim[]): Soon<Hold | Refusal> {
    if (!isJoined()) return reserve(claims.map(({ demand }) => demand));
    return pursue(claims.map(({ demand }) => ({ demand, chunk: chunkOf(demand) })));
  }

  function pursue(claims: Claim[]): Soon<Hold | Refusal> {
    const short = takeAll(claims);
    if (short === undefined) return holdOf(claims);
    const { demand, chunk } = short;
    // Someone's lease is on its way: it may do for this one too.
    if (chunk.refilling !== undefined) return chunk.refilling.then(() => pursueAnew(claims));
    const judge = (isEnough: boolean): Soon<Hold | Refusal> =>
      isEnough ? pursueAnew(claims) : { refused: demand, standing: standingOf(chunk) };
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
    if (joining !== undefined) return joining.then(() => leaseMore(claim));
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
    const from = sender();
    return then(sent(lease(store, from, chunk, amount, demand.limit)), (seen) => {
      learn(claim, seen);
      if (seen.epoch !== from.epoch) return then(overtaken(from, seen), () => leaseMore(claim));
      if (seen.isTaken) {
        chunk.leased += amount;
        chunk.moves++;
        return true;
      }
      const left = limitOf(claim) - seen.committed;
      // The chunk was too large for what others left; a smaller one may do.
      return left >= need && amount > need ? leaseMore(claim) : false;
    });
  }

  /** After a lease that did nothing, as the store was in another epoch. */
  function overtaken(from: Sender, { epoch: its }: Snapshot): Soon<void> {
    // An earlier one, or none: the store was put back to what it had been.
    if (its === undefined || its < (from.epoch ?? 0)) return rejoin();
    // A later one, which we asked for, and whose answer is on its way or lost.
    epoch = Math.max(epoch, its);
  }

  /** Returns the free part of our chunk, leased under an old limit, and reads the allowance as it is now. */
  function reread(chunk: Chunk): Soon<Snapshot> {
    chunk.isStale = false;
    const returned = free(chunk) > 0 ? sent(giveUp([chunk])) : [];
    return then(returned, () => sent(lease(store, sender(), chunk, 0, undefined)));
  }

  /** Returns what is free in chunks: out of our hands before the store knows, so that nobody takes what is on its way. */
  function giveUp(spares: readonly Chunk[]): Soon<unknown> {
    const given = spares.map((chunk) => ({ chunk, spare: free(chunk) }));
    const from = sender();
    const statements = given.flatMap(({ chunk, spare }) => returnStatements(from, chunk, spare));
    for (const { chunk, spare } of given) move(chunk, -spare);
    try {
      return store.write(statements);
    } catch (error) {
      // At once, so nothing was written: it is ours as before.
      for (const { chunk, spare } of given) move(chunk, spare);
      throw error;
    }
  }

  /** Returns what this process had leased but not promised, and starts anew. */
  function rejoin(): Soon<void> {
    if (joining !== undefined) return joining;
    // What was spent has to be known first: what is returned is free for others.
    const joined =
      settled !== undefined
        ? settled().then(allAnswered).then(join)
        : underway.size > 0
          ? allAnswered().then(join)
          : join();
    if (!(joined instanceof Promise)) return;
    joining = joined.finally(() => {
      joining = undefined;
    });
    return joining;
  }

  async function allAnswered(): Promise<void> {
    while (underway.size > 0) await Promise.all(underway);
  }

  function join(): Soon<void> {
    const begun = { now: clock.now(), steady: clock.monotonic(), before: losses };
    const kept: Leased[] = [];
    for (const chunk of chunks.values()) {
      const { kind, owner, windowStart, held, settled } = chunk;
      chunk.leased = held;
      chunk.committed = undefined;
      chunk.moves++;
      // What was used and is not written yet; on a file that is a moment.
      const amount = store.kind === "remote" ? held + settled : held;
      if (amount > 0) kept.push({ kind, owner, windowStart, amount });
    }
    // What ends or is written meanwhile may be so before this or after.
    doubt = kept.length > 0 ? "rows" : "none";
    const term = { now: begun.now, milliseconds: takeBackMilliseconds };
    const next = ++lastEpoch;
    return then(sent(store.write(joinStatements(store, lessee, next, kept, term))), () => {
      epoch = next;
      extend(begun);
    });
  }

  async function renew(): Promise<void> {
    const begun = { now: clock.now(), steady: clock.monotonic(), before: losses };
    const { now } = begun;
    const term = { now, milliseconds: takeBackMilliseconds };
    const statements = [
      renewStatement(store, lessee, term),
      ...sweepStatements(store, lessee, now),
    ];
    const [found] = await sent(store.write(statements));
    if (found?.length === 0) {
      // Others may have taken back what we had leased, or will.
      leasedUntil = 0;
      return rejoin();
    }
    extend(begun);
  }

  async function recover(): Promise<void> {
    const dead = await deadProcesses(store, lessee, clock.now(), isAlive, isKin);
    const gone = isOwed === undefined ? dead : dead.filter(({ id }) => !isOwed(id));
    if (gone.length > 0) await store.write(abandonStatements(store, gone, clock.now()));
  }

  /** Returns what is free in the chunks that `isChosen` picks. */
  async function giveBack(isChosen: (chunk: Chunk) => boolean): Promise<void> {
    if (joining !== undefined) await joining;
    const spares = [...chunks.values()].filter(
      (chunk) => chunk.refilling === undefined && free(chunk) > 0 && isChosen(chunk),
    );
    if (spares.length === 0) return;
    const written = giveUp(spares);
    if (written instanceof Promise) await withheld(spares, sent(written));
  }

  /** Lets whoever wants more of some chunks wait: the store must not see it the other way round. */
  async function withheld(some: readonly Chunk[], written: Promise<unknown>): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    for (const chunk of some) chunk.refilling = waiting.promise;
    try {
      await written;
    } finally {
      for (const chunk of some)
        if (chunk.refilling === waiting.promise) chunk.refilling = undefined;
      waiting.resolve();
    }
  }

  /** Nothing is held, leased, or on its way to the store; on a file that is a moment. */
  function isIdle({ held, leased, pending, refilling }: Chunk): boolean {
    if (held > 0 || leased > 0 || refilling !== undefined) return false;
    return pending === 0 || store.kind === "file";
  }

  /** What the store says that we have, after which nothing that was asked for before can change it any more. */
  async function settle(): Promise<Map<string, Leased>> {
    const next = ++lastEpoch;
    const found = await sent(settleLeases(store, lessee, next));
    epoch = Math.max(epoch, next);
    return found;
  }

  /**
   * Makes what we have and what the store says that we have the same, where nothing is on its way. What it has beyond is returned:
   * some of it was kept, whatever the limit said, for rows that were there already, and is not ours to spend.
   */
  async function reconcile(): Promise<void> {
    if (joining !== undefined) return;
    const isLost = doubt === "lost";
    doubt = "none";
    const still = new Map<Chunk, number>();
    for (const chunk of chunks.values())
      if (chunk.pending === 0 && chunk.refilling === undefined) still.set(chunk, chunk.moves);
    let isWhole = still.size === chunks.size;
    const found = await (isLost ? settle() : sent(readLeases(store, lessee)));
    if (joining !== undefined) {
      // It may fail before it reaches the store.
      if (doubt === "none") doubt = "rows";
      return;
    }
    // Windows that are over, and that nobody asked for since.
    const beyond = [...found].flatMap(([name, part]) => (chunks.has(name) ? [] : [part]));
    const above: Chunk[] = [];
    for (const [chunk, moves] of still) {
      if (chunk.moves !== moves || chunk.pending > 0 || chunk.refilling !== undefined) {
        isWhole = false;
        continue;
      }
      const part = found.get(nameOf(chunk));
      const amount = part?.amount ?? 0;
      if (part !== undefined && amount > chunk.leased) {
        beyond.push({ ...part, amount: amount - Math.max(0, chunk.leased) });
        above.push(chunk);
      } else chunk.leased = amount;
    }
    if (!isWhole && doubt === "none") doubt = "rows";
    if (beyond.length === 0) return;
    const from = sender();
    const statements = beyond.flatMap((part) => returnStatements(from, part, part.amount));
    const written = sent(store.write(statements));
    if (written instanceof Promise) await withheld(above, written);
  }

  async function tick(): Promise<void> {
    await (isJoined() ? renew() : rejoin());
    const now = clock.now();
    if (store.kind === "remote" && doubt !== "none") await reconcile();
    await giveBack((chunk) => !chunk.isWarm || isOver(chunk, now));
    for (const [name, chunk] of chunks) {
      chunk.coldTicks = chunk.isWarm || chunk.held > 0 ? 0 : chunk.coldTicks + 1;
      chunk.isWarm = false;
      // Nothing else would show what other processes used of an allowance that is only counted.
      if (chunk.limit === undefined) chunk.isStale = true;
      if ((isOver(chunk, now) || isForgettable(chunk)) && isIdle(chunk)) chunks.delete(name);
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
    lost() {
      losses++;
      leasedUntil = 0;
    },
    giveBack: () => giveBack(() => true),
    async start() {
      await rejoin();
      await recover();
    },
    tick,
    written(movements) {
      for (const movement of movements) {
        const chunk = chunks.get(nameOf(movement));
        if (chunk === undefined || chunk.pending === 0) continue;
        chunk.pending--;
        chunk.settled -= movement.fromLease ?? 0;
      }
    },
  };
}

/** Changes what is leased, and what all together have. */
function move(chunk: Chunk, amount: number): void {
  chunk.leased += amount;
  if (chunk.committed !== undefined) chunk.committed += amount;
  chunk.moves++;
}

function limitOf({ demand, chunk }: Claim): number {
  return demand.limit ?? chunk.limit ?? 0;
}

function learn({ demand, chunk }: Claim, seen: Snapshot): void {
  chunk.committed = seen.committed;
  chunk.limit = demand.kind === "credit" ? seen.granted : demand.limit;
}

/** Of a key that may be gone by now: one that is not is read again. What an account bought is asked for without that. */
function isForgettable({ kind, windowEnd, coldTicks }: Chunk): boolean {
  return windowEnd === undefined && kind !== "credit" && coldTicks >= forgottenAfterTicks;
}

function isOver({ windowEnd }: Chunk, now: number): boolean {
  return windowEnd !== undefined && windowEnd <= now;
}

import * as v from "valibot";
import type { Generation } from "#src/ledger/generation.ts";
import { findGeneration, isAsked } from "#src/ledger/generations.ts";
import type { SpoolState } from "#src/ledger/spool-check.ts";
import { type FiledRows, filedGeneration } from "#src/ledger/spool-filed.ts";
import { entryOf, lineOf } from "#src/ledger/spool-line.ts";
import type { Spool } from "#src/ledger/spool.ts";
import type { Store } from "#src/store/store.ts";
import type { Siblings } from "#src/workers/siblings.ts";

/*
 * Requests that this machine answered and that its database elsewhere may not have yet: those of this process, of the other
 * workers, and what stands in the files of processes that ended. Nothing here is on the way of a request to a model.
 */

/** How many requests of this machine an answer may leave out, because its database does not have them yet; absent for none. */
export const uncountedHeader = "X-LowRouter-Uncounted-Requests";

/** Whose requests are meant; absent is all. */
export interface Meant {
  accountId?: string | undefined;
  /** Hashes of keys. */
  keyIds?: readonly string[] | undefined;
}

/** What this machine answered and its database may not have. */
export interface Unsent {
  /** A request of this process. */
  find(accountId: string, id: string): Generation | undefined;
  /** One of the other workers, or of a process that ended here. */
  findElsewhere(accountId: string, id: string): Promise<Generation | undefined>;
  /** How many lists and totals that are read from now on may leave out. */
  count(meant: Meant): Promise<number>;
  /** Whether more may be kept here. */
  hasRoom(): boolean;
  /** What waits in this process. */
  state(): SpoolState;
  /** What waits in all workers. */
  stateOfAll(): Promise<SpoolState>;
}

const question = v.strictObject({
  accountId: v.optional(v.string()),
  keyIds: v.optional(v.array(v.string())),
  /** Of a request that is looked for. */
  id: v.optional(v.string()),
});
const stateSchema = v.strictObject({
  rows: v.number(),
  bytes: v.number(),
  mostBytes: v.number(),
  oldest: v.optional(v.number()),
  refused: v.number(),
  faults: v.number(),
  leftBytes: v.number(),
});
const answer = v.strictObject({
  process: v.string(),
  count: v.number(),
  /** The request that is looked for, as a line of a spool. */
  line: v.optional(v.string()),
  state: stateSchema,
});
const questionText = v.pipe(v.string(), v.parseJson(), question);
const answerText = v.pipe(v.string(), v.parseJson(), answer);
type Told = v.InferOutput<typeof answer>;

/** Begins to answer the other workers, and can ask them. */
export function createUnsent(options: {
  processId: string;
  spool: Spool;
  filed: FiledRows;
  siblings: Siblings | undefined;
  state(): SpoolState;
}): Unsent {
  const { processId, spool, filed, siblings, state: stateHere } = options;

  function told({ accountId, keyIds, id }: v.InferOutput<typeof question>): Told {
    const found = id === undefined ? undefined : spool.find(accountId, id);
    const { oldest, ...rest } = stateHere();
    return {
      process: processId,
      count: spool.count(meantBy({ accountId, keyIds })),
      ...(found === undefined ? {} : { line: lineOf({ generation: found, movements: [] }) }),
      state: { ...rest, ...(oldest === undefined ? {} : { oldest }) },
    };
  }
  siblings?.answer("unsent", (detail) => {
    const asked = v.safeParse(questionText, detail);
    return asked.success ? JSON.stringify(told(asked.output)) : "";
  });

  /** What each worker says, this one included. Who says nothing in time is known by its files. */
  async function ask(asked: Meant & { id?: string }): Promise<Told[]> {
    const { accountId, keyIds, id } = asked;
    const detail = { accountId, id, ...(keyIds === undefined ? {} : { keyIds: [...keyIds] }) };
    const answers = (await siblings?.ask("unsent", JSON.stringify(detail))) ?? [];
    const all = answers.flatMap(({ text }) => {
      const read = v.safeParse(answerText, text);
      return read.success ? [read.output] : [];
    });
    return all.some(({ process }) => process === processId) ? all : [...all, told(detail)];
  }
  const known = (all: readonly Told[]) => new Set(all.map(({ process }) => process));

  return {
    find: (accountId, id) => spool.find(accountId, id),
    async findElsewhere(accountId, id) {
      const all = await ask({ accountId, id });
      for (const { line } of all) {
        const found = line === undefined ? undefined : entryOf(line.trimEnd())?.generation;
        if (found !== undefined && isAsked(found, accountId, id)) return found;
      }
      // Not only what the database lacks: it may be away, and who looks it up has asked it before.
      const look = async () => {
        const row = (await filed.all(known(all))).find((one) => isAsked(one, accountId, id));
        return row && filedGeneration(row);
      };
      // Once more, for a file that somebody took upon himself to send has another name then.
      return (await look()) ?? look();
    },
    async count(meant) {
      const all = await ask(meant);
      const isMeant = meantBy(meant);
      const others = known(all);
      // While the database is away nobody can say what it has: rather one too many than one too few.
      const rows = await filed.missing(others).catch(() => filed.all(others));
      const left = rows.filter(isMeant);
      return all.reduce((sum, { count }) => sum + count, left.length);
    },
    hasRoom: () => !spool.isFull(),
    state: stateHere,
    async stateOfAll() {
      return joined((await ask({})).map(({ state: one }) => ({ oldest: undefined, ...one })));
    },
  };
}

/** A request of an account, and whether the database may not have it yet: then lists and totals do not hold it. */
export async function findRequest(
  { store, unsent }: { store: Store; unsent: Unsent | undefined },
  accountId: string,
  id: string,
): Promise<{ row: Generation; waits: boolean } | undefined> {
  if (unsent === undefined) {
    const row = await findGeneration(store, accountId, id);
    return row && { row, waits: false };
  }
  const own = unsent.find(accountId, id);
  if (own !== undefined) return { row: own, waits: true };
  try {
    const row = await findGeneration(store, accountId, id);
    if (row !== undefined) return { row, waits: false };
  } catch (thrown) {
    const elsewhere = await unsent.findElsewhere(accountId, id);
    if (elsewhere !== undefined) return { row: elsewhere, waits: true };
    throw thrown;
  }
  const elsewhere = await unsent.findElsewhere(accountId, id);
  if (elsewhere !== undefined) return { row: elsewhere, waits: true };
  // It may have been sent between the two.
  const row = await findGeneration(store, accountId, id);
  return row && { row, waits: false };
}

function meantBy({ accountId, keyIds }: Meant) {
  return (one: { accountId: string; keyId: string }): boolean =>
    (accountId === undefined || one.accountId === accountId) &&
    (keyIds === undefined || keyIds.includes(one.keyId));
}

/** Workers share a data directory: what is left there is not counted twice. */
function joined(states: readonly SpoolState[]): SpoolState {
  return states.reduce((one, other) => ({
    rows: one.rows + other.rows,
    bytes: one.bytes + other.bytes,
    mostBytes: one.mostBytes + other.mostBytes,
    oldest:
      one.oldest === undefined || other.oldest === undefined
        ? (one.oldest ?? other.oldest)
        : Math.min(one.oldest, other.oldest),
    refused: one.refused + other.refused,
    faults: one.faults + other.faults,
    leftBytes: Math.max(one.leftBytes, other.leftBytes),
  }));
}

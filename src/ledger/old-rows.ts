import { chainStart, linkHash, momentOf, momentStatements } from "#src/ledger/chain.ts";
import type { Generation } from "#src/ledger/generation.ts";
import type { Head } from "#src/ledger/heads-log.ts";
import { type Removal, removedSums } from "#src/ledger/removal.ts";
import { generationOf } from "#src/ledger/row.ts";
import type { Breath } from "#src/lib/breath.ts";
import { numberIn, type Row, type Store, textOf } from "#src/store/store.ts";

/** Rows of one chain that may go together. */
export interface Old {
  removal: Removal;
  rows: readonly Row[];
  /** What they come to, by account. */
  accounts: readonly Account[];
}

interface Account {
  id: string;
  cost: number;
  requests: number;
  lastId: string;
  lastAt: number;
}

/** Picks old rows from those that are there, in the order of their positions. */
export interface OldRows {
  /** Looks at the next rows. Returns how many of them may be removed. */
  pick(page: readonly Row[], breathe: Breath): Promise<number>;
  /** Takes as many of a chain as are told, and not fewer, from those that were picked. Undefined where there are none. */
  take(rows: number): Old | undefined;
  /** Takes what is left of a chain. */
  takeRest(): Old | undefined;
}

interface Place {
  sequence: number;
  hash: string;
}

/** What is known of a chain while its rows are picked. */
interface Chain extends Place {
  rows: { row: Row; generation: Generation }[];
  /** The first row that stays was seen: so do all after it. */
  isOver: boolean;
}

/**
 * Begins where earlier removals ended. Only what verifies is picked: a row that was changed, or does not follow the one before it, is
 * evidence, and stays with all that follow it.
 */
export async function oldRows(
  store: Store,
  {
    before,
    heads,
    onStopped,
  }: { before: number; heads: readonly Head[]; onStopped(message: string): void },
): Promise<OldRows> {
  const { starts } = momentOf(await store.snapshot(momentStatements));
  const published = new Map(heads.map((head) => [`${head.chain} ${head.sequence}`, head.hash]));
  const chains = new Map<string, Chain>();

  function chainOf(id: string): Chain {
    let chain = chains.get(id);
    if (chain === undefined) {
      const start = starts.get(id) ?? { sequence: 0, hash: chainStart(id) };
      chains.set(id, (chain = { ...start, rows: [], isOver: false }));
    }
    return chain;
  }

  function taken(least: number, most = least): Old | undefined {
    for (const { rows } of chains.values())
      if (rows.length >= least) return oldOf(rows.splice(0, most));
    return undefined;
  }

  /** Whether a row may be removed. */
  function look(row: Row): boolean {
    const id = textOf(row, "chain") ?? "";
    const chain = chainOf(id);
    if (chain.isOver) return false;
    const read = generationIn(row);
    if (read !== undefined && read.createdAt >= before) {
      chain.isOver = true;
      return false;
    }
    const [sequence, hash] = [numberIn(row, "sequence") ?? 0, textOf(row, "hash") ?? ""];
    const head = published.get(`${id} ${sequence}`);
    const follows = sequence === chain.sequence + 1 && textOf(row, "previous") === chain.hash;
    if (read === undefined || !follows || (head !== undefined && head !== hash)) {
      chain.isOver = true;
      onStopped(
        `Cannot remove old usage from row ${sequence} of chain ${id} on: it is not what was written. Run "lowrouter audit verify"`,
      );
      return false;
    }
    chain.rows.push({ row, generation: read });
    chain.sequence = sequence;
    chain.hash = hash;
    return true;
  }

  return {
    async pick(page, breathe) {
      let picked = 0;
      for (const row of page) {
        const pause = breathe();
        if (pause !== undefined) await pause;
        if (look(row)) picked++;
      }
      return picked;
    },
    take: (rows) => taken(rows),
    takeRest: () => taken(1, Infinity),
  };
}

/** The generation of a row that is what its hash was made of. */
function generationIn(row: Row): Generation | undefined {
  const record = textOf(row, "record") ?? "";
  if (linkHash(textOf(row, "previous") ?? "", record) !== textOf(row, "hash")) return undefined;
  try {
    const generation = generationOf(record);
    const isSame =
      generation.id === textOf(row, "id") && generation.accountId === textOf(row, "account_id");
    return isSame ? generation : undefined;
  } catch {
    // Whatever it is, it stays.
    return undefined;
  }
}

function oldOf(picked: Chain["rows"]): Old {
  const rows = picked.map(({ row }) => row);
  const generations = picked.map(({ generation }) => generation);
  const [first, last] = [rows[0], rows.at(-1)];
  const removal: Removal = {
    chain: (first && textOf(first, "chain")) ?? "",
    first: numberIn(first, "sequence") ?? 0,
    last: numberIn(last, "sequence") ?? 0,
    previous: (first && textOf(first, "previous")) ?? "",
    hash: (last && textOf(last, "hash")) ?? "",
    until: generations.reduce((most, { createdAt }) => Math.max(most, createdAt), 0),
    sums: removedSums(generations),
  };
  return { removal, rows, accounts: accountsOf(generations) };
}

function accountsOf(generations: readonly Generation[]): Account[] {
  const accounts = new Map<string, Account>();
  for (const { id, accountId, cost = 0, createdAt } of generations) {
    const before = accounts.get(accountId);
    accounts.set(accountId, {
      id: accountId,
      cost: (before?.cost ?? 0) + cost,
      requests: (before?.requests ?? 0) + 1,
      lastId: before !== undefined && before.lastId > id ? before.lastId : id,
      lastAt: Math.max(before?.lastAt ?? 0, createdAt),
    });
  }
  return [...accounts.values()];
}

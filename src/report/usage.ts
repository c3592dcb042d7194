import {
  type Grouping,
  openDay,
  type Order,
  type RollupAnswer,
  rollupAnswer,
  type RollupFilter,
  type RollupQuestion,
  rollupStatement,
  type UsageRow,
} from "#src/ledger/rollups.ts";
import { type Clock, dayOf } from "#src/lib/clock.ts";
import { inOrder, joined, merged, placeName } from "#src/report/totals.ts";
import type { Statement, Store } from "#src/store/store.ts";

/** Days, UTC, both included, of what the rest of the filter picks. */
export interface PeriodFilter extends RollupFilter {
  fromDay: string;
  toDay: string;
}

/** The same of one account, as its own pages ask. */
export interface UsageFilter extends PeriodFilter {
  account: string;
}

/** Totals for pages. */
export interface UsageReader {
  /** Answers to questions about the same requests at the same moment, whatever they group by. */
  ask(filter: PeriodFilter, questions: readonly RollupQuestion[]): Promise<RollupAnswer[]>;
}

const dayMs = 86_400_000;
/** How long totals of closed days are kept. */
const keptMs = 600_000;
/** Rows that are kept, of all answers: some fifteen megabytes. */
const keptRows = 40_000;
/** Characters of a question that take the room of a row: anybody may ask any number that no row answers. */
const rowCharacters = 100;
/** Combinations up to which an answer without days is put together of two parts, and kept. */
const mergeRows = 20_000;

interface Kept {
  at: number;
  /** Which reading of the database it is of. */
  reading: number;
  part: Part;
}

/** Totals of closed days, to which those of the open ones are added: every view does it, and these are few. */
class Part {
  readonly answer: RollupAnswer;
  readonly #groupBy: readonly Grouping[];
  #places: Map<string, UsageRow> | undefined;
  readonly #ordered = new Map<Order, readonly UsageRow[]>();

  constructor(answer: RollupAnswer, groupBy: readonly Grouping[]) {
    this.answer = answer;
    this.#groupBy = groupBy;
  }

  /** Whether it has every combination. */
  get isWhole(): boolean {
    return this.answer.count === this.answer.rows.length;
  }

  /** How many there are, and none of them. */
  asCount(): Part {
    return new Part({ rows: [], count: this.answer.count }, this.#groupBy);
  }

  /** Its rows, and others, those of the same place as one: in an order, in which its own are kept. */
  with(others: readonly UsageRow[], order: Order): UsageRow[] {
    const groupBy = this.#groupBy;
    const known = this.#ordered.get(order) ?? inOrder(this.answer.rows, groupBy, order);
    this.#ordered.set(order, known);
    const changed = new Set<UsageRow>();
    const fresh: UsageRow[] = [];
    for (const row of others) {
      const before = this.#atPlaceOf(row);
      if (before !== undefined) changed.add(before);
      fresh.push(before === undefined ? row : merged(before, row, groupBy));
    }
    const still = changed.size === 0 ? known : known.filter((row) => !changed.has(row));
    return joined(still, inOrder(fresh, groupBy, order), groupBy, order);
  }

  #atPlaceOf(row: UsageRow): UsageRow | undefined {
    this.#places ??= new Map(this.answer.rows.map((one) => [placeName(one, this.#groupBy), one]));
    return this.#places.get(placeName(row, this.#groupBy));
  }
}

/**
 * Makes one. Days that are over do not change: their totals are kept in memory for ten minutes, and only what may still
 * change is read for every page.
 */
export function createUsageReader({
  store,
  clock,
}: {
  store: Pick<Store, "snapshot">;
  clock: Clock;
}): UsageReader {
  const kept = new Map<string, Kept>();
  let rowCount = 0;
  let readings = 0;

  function drop(name: string): void {
    const found = kept.get(name);
    if (found === undefined) return;
    rowCount -= roomOf(name, found.part);
    kept.delete(name);
  }

  /** All of one reading, or none: a row that came late is else in one answer and not in the one beside it. */
  function find(names: readonly string[], now: number): Part[] {
    const found = names.flatMap((name) => kept.get(name) ?? []);
    const isWhole = found.length === names.length;
    const isOfOne = found.every(({ reading }) => reading === found[0]?.reading);
    const isFresh = found.every(({ at }) => now - at < keptMs);
    return isWhole && isOfOne && isFresh ? found.map(({ part }) => part) : [];
  }

  function keep(name: string, part: Part, { at, reading }: Omit<Kept, "part">): void {
    drop(name);
    if (part.answer.rows.length > keptRows / 2) return;
    kept.set(name, { at, reading, part });
    rowCount += roomOf(name, part);
    for (const oldest of kept.keys()) {
      if (rowCount <= keptRows) return;
      drop(oldest);
    }
  }

  async function read(
    filter: PeriodFilter,
    questions: readonly RollupQuestion[],
  ): Promise<RollupAnswer[]> {
    const rows = await store.snapshot(
      questions.map((question) => rollupStatement(filter, question)),
    );
    return Promise.all(questions.map(({ groupBy }, at) => rollupAnswer(rows[at] ?? [], groupBy)));
  }

  return {
    async ask(filter, questions) {
      const now = clock.now();
      const openFrom = openDay(now);
      const { fromDay, toDay } = filter;
      if (fromDay >= openFrom) return read(filter, questions);
      const closed: PeriodFilter = { ...filter, toDay: least(toDay, dayBefore(openFrom)) };
      const open: PeriodFilter = { ...filter, fromDay: openFrom };
      const hasOpen = toDay >= openFrom;
      const parts = questions.map(partOf);
      const names = parts.map((part) => JSON.stringify([closed, part]));
      const known = find(names, now);
      const reading = { at: now, reading: readings++ };
      const unknown = parts.filter((_, at) => known[at] === undefined);
      const statements: Statement[] = [
        ...unknown.map((part) => rollupStatement(closed, part)),
        ...(hasOpen ? parts.map((part) => rollupStatement(open, part)) : []),
      ];
      const rows = statements.length === 0 ? [] : await store.snapshot(statements);
      const asked = [...unknown, ...(hasOpen ? parts : [])];
      const answers = await Promise.all(
        asked.map(({ groupBy }, at) => rollupAnswer(rows[at] ?? [], groupBy)),
      );
      let next = 0;
      const before = parts.map(({ groupBy }, at) => {
        const answer = known[at] === undefined ? answers[next++] : undefined;
        if (answer === undefined) return known[at];
        const part = new Part(answer, groupBy);
        keep(names[at] ?? "", hasDay(groupBy) || part.isWhole ? part : part.asCount(), reading);
        return part;
      });
      const since = parts.map(() => (hasOpen ? answers[next++] : undefined));
      const merged = questions.map((question, at) => merge(question, before[at], since[at]));
      const whole = merged.filter((answer) => answer !== undefined);
      // What is too large to be put together is asked of the database in one, and all else with it: of one moment.
      return whole.length === questions.length ? whole : read(filter, questions);
    },
  };
}

/** Room that a kept answer takes, in rows. */
function roomOf(name: string, { answer }: Part): number {
  return answer.rows.length + Math.ceil(name.length / rowCharacters);
}

/** What a part of the days is asked: where a combination may be in both parts, all of them. */
function partOf(question: RollupQuestion): RollupQuestion {
  return hasDay(question.groupBy) ? question : { ...question, order: "place", limit: mergeRows };
}

/** Two parts of an answer as one; undefined where one of them is not whole. */
function merge(
  { groupBy, order, limit }: RollupQuestion,
  before: Part | undefined,
  since: RollupAnswer | undefined,
): RollupAnswer | undefined {
  const parts = [before?.answer, since].filter((part) => part !== undefined);
  if (hasDay(groupBy)) {
    const rows = parts.flatMap((part) => part.rows);
    const count = parts.reduce((sum, part) => sum + part.count, 0);
    return { rows: inOrder(rows, groupBy, order).slice(0, limit), count };
  }
  if (parts.some((part) => part.count > part.rows.length)) return undefined;
  const open = since?.rows ?? [];
  const all = before === undefined ? inOrder(open, groupBy, order) : before.with(open, order);
  return { rows: all.slice(0, limit), count: all.length };
}

function hasDay(groupBy: readonly Grouping[]): boolean {
  return groupBy.includes("day");
}

/** The day before another. */
export function dayBefore(day: string): string {
  return dayAt(day, -1);
}

/** A day some days after another, or before it. */
export function dayAt(day: string, days: number): string {
  return dayOf(Date.parse(day) + days * dayMs);
}

function least(a: string, b: string): string {
  return a < b ? a : b;
}

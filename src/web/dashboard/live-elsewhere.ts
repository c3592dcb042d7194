import * as v from "valibot";
import type { Clock } from "#src/lib/clock.ts";
import type { Generation } from "#src/ledger/generation.ts";
import {
  type Here,
  mostRows,
  type Onlooker,
  type Open,
  type Sight,
} from "#src/web/dashboard/live-here.ts";
import { endedRow, type LiveRow } from "#src/web/dashboard/live-rows.ts";
import type { Siblings } from "#src/workers/siblings.ts";

/*
 * What the other workers of this machine have. Who has viewers asks the others again and again, with what its viewers may see,
 * and the others answer no more than that. Who is asked no more keeps nothing.
 */

const rows = v.array(
  v.strictObject({
    id: v.string(),
    href: v.nullable(v.string()),
    cells: v.pipe(
      v.array(v.union([v.string(), v.strictObject({ why: v.string() })])),
      v.readonly(),
    ),
  }),
);
const question = v.strictObject({
  /** Who asks. */
  process: v.string(),
  /** Whether it will ask again, and wants what ends until then. */
  again: v.boolean(),
  sights: v.array(
    v.strictObject({
      accountId: v.string(),
      only: v.optional(v.array(v.string())),
      /** Process to the number of the last row that it was told of. */
      heard: v.record(v.string(), v.number()),
    }),
  ),
});
const answer = v.strictObject({
  process: v.string(),
  /** In the order of the question. */
  sights: v.array(
    v.strictObject({
      open: v.strictObject({ rows, total: v.number() }),
      ended: rows,
      /** The number of the last of them, from 1; grows over all sights of a process. */
      last: v.number(),
      /** Ended besides, since it is kept for who asks. */
      missed: v.number(),
    }),
  ),
});
const questionText = v.pipe(v.string(), v.parseJson(), question);
const answerText = v.pipe(v.string(), v.parseJson(), answer);
type Told = v.InferOutput<typeof answer>["sights"][number];

/** The requests of the other workers, as they told of them. */
export interface Elsewhere {
  /** Asks with each sight that somebody has; resolves when they have answered, or a second is over. Never rejects. */
  look(): Promise<void>;
  /** What they said last. */
  open(sight: Sight): Open[];
  /** Asks once. Returns what they have under way, by process. */
  once(sight: Sight): Promise<ReadonlyMap<string, Open>>;
}

/** Sights in one question, so that no answer is longer than some hundred kilobytes. */
const mostSights = 8;
/** Who was not asked for so long is asked no more; who did not answer for so long has nothing. */
const usualLapseMs = 5000;

/** Begins to answer the others, and can ask them. */
export function createElsewhere(options: {
  siblings: Siblings;
  here: Here;
  clock: Clock;
  processId: string;
  /** Sights that somebody has now. */
  sights(): Sight[];
  /** Takes what ended elsewhere, by the key of a sight of these. */
  onEnded(key: string, ended: readonly LiveRow[], missed: number): void;
  /** Milliseconds; tests do not wait that long. */
  lapseMs?: number;
}): Elsewhere {
  const { siblings, clock, processId, sights, onEnded, lapseMs = usualLapseMs } = options;
  siblings.answer("live", answerer(options));
  /** What others told, by sight and process. */
  const feeds = new Map<string, Map<string, { told: Told; at: number }>>();
  let queued: Promise<void> | undefined;
  let round = Promise.resolve();

  async function ask(wanted: readonly Sight[], again: boolean) {
    const detail = JSON.stringify({
      process: processId,
      again,
      sights: wanted.map((sight) => ({
        accountId: sight.accountId,
        ...(sight.only === undefined ? {} : { only: [...sight.only] }),
        heard: Object.fromEntries(
          [...(feeds.get(sightKey(sight)) ?? [])].map(([process, { told }]) => [
            process,
            told.last,
          ]),
        ),
      })),
    });
    const answers = await siblings.ask("live", detail);
    return answers.flatMap(({ text }) => {
      // This one has nothing to say to itself, nor who is just being started to anybody.
      const read = v.safeParse(answerText, text);
      return read.success ? [read.output] : [];
    });
  }

  async function lookAll(): Promise<void> {
    const wanted = new Map(sights().map((sight) => [sightKey(sight), sight]));
    for (const key of feeds.keys()) if (!wanted.has(key)) feeds.delete(key);
    const all = [...wanted];
    for (let at = 0; at < all.length; at += mostSights) {
      const some = all.slice(at, at + mostSights);
      const answers = await ask(
        some.map(([, sight]) => sight),
        true,
      );
      for (const [index, [key]] of some.entries())
        for (const { process, sights: told } of answers) {
          const one = told[index];
          if (one !== undefined) take(key, process, one);
        }
    }
  }

  function take(key: string, process: string, told: Told): void {
    let feed = feeds.get(key);
    if (feed === undefined) feeds.set(key, (feed = new Map()));
    const before = feed.get(process)?.told.missed ?? 0;
    feed.set(process, { told, at: clock.monotonic() });
    // Where it began to count anew, all of it is new.
    const missed = told.missed >= before ? told.missed - before : told.missed;
    if (told.ended.length > 0 || missed > 0) onEnded(key, told.ended, missed);
  }

  return {
    look() {
      // One round at a time, and one more for who came meanwhile.
      queued ??= round.then(() => {
        queued = undefined;
        round = lookAll();
        return round;
      });
      return queued;
    },
    open(sight) {
      const since = clock.monotonic() - lapseMs;
      return [...(feeds.get(sightKey(sight))?.values() ?? [])].flatMap(({ told, at }) =>
        at < since ? [] : [told.open],
      );
    },
    async once(sight) {
      const found = new Map<string, Open>();
      for (const { process, sights: told } of await ask([sight], false)) {
        const [one] = told;
        if (one !== undefined) found.set(process, one.open);
      }
      return found;
    },
  };
}

/** What is kept for somebody elsewhere, until that one has heard of it. */
interface Kept extends Onlooker {
  lapse: ReturnType<typeof setTimeout> | undefined;
  /** At most twice `mostRows`: an answer may be lost, so that what it said stays until it is known to have come. */
  ended: { number: number; generation: Generation }[];
  /** Of these, how many no answer said yet. */
  fresh: number;
  missed: number;
}

/** Answers others. */
function answerer(options: {
  here: Here;
  processId: string;
  lapseMs?: number;
}): (detail: string) => string {
  const { here, processId, lapseMs = usualLapseMs } = options;
  const keptFor = new Map<string, Kept>();
  let last = 0;

  function keep(name: string, sight: Sight): Kept {
    let kept = keptFor.get(name);
    if (kept === undefined) {
      const made: Kept = {
        sight,
        lapse: undefined,
        ended: [],
        fresh: 0,
        missed: 0,
        tell(generation) {
          if (made.fresh < mostRows && made.ended.length < 2 * mostRows) {
            made.ended.push({ number: ++last, generation });
            made.fresh++;
          } else made.missed++;
        },
      };
      keptFor.set(name, made);
      here.enter(made);
      kept = made;
    }
    const asked = kept;
    clearTimeout(asked.lapse);
    asked.lapse = setTimeout(() => {
      keptFor.delete(name);
      here.leave(asked);
    }, lapseMs);
    asked.lapse.unref();
    return asked;
  }

  return (detail) => {
    const read = v.safeParse(questionText, detail);
    if (!read.success || read.output.process === processId) return "";
    const { process, again, sights } = read.output;
    return JSON.stringify({
      process: processId,
      sights: sights.map(({ accountId, only, heard }): Told => {
        const sight = { accountId, only: only && new Set(only) };
        const open = here.open(sight);
        if (!again) return { open, ended: [], last, missed: 0 };
        const kept = keep(`${process} ${sightKey(sight)}`, sight);
        const known = heard[processId] ?? 0;
        kept.ended = kept.ended.filter(({ number }) => number > known);
        kept.fresh = 0;
        return {
          open,
          ended: kept.ended.map(({ generation }) => endedRow(generation)),
          last,
          missed: kept.missed,
        };
      }),
    });
  };
}

/** The same for sights of the same requests. */
export function sightKey({ accountId, only }: Sight): string {
  return only === undefined ? accountId : `${accountId} ${[...only].toSorted().join()}`;
}

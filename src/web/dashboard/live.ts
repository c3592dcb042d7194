import type { App } from "#src/gateway/context.ts";
import type { Generation } from "#src/ledger/generation.ts";
import type { Watch } from "#src/ledger/watch.ts";
import { AppError } from "#src/lib/error.ts";
import { createElsewhere, sightKey } from "#src/web/dashboard/live-elsewhere.ts";
import {
  createHere,
  mostRows,
  type Onlooker,
  type Open,
  type Sight,
} from "#src/web/dashboard/live-here.ts";
import { endedRow, type LiveRow } from "#src/web/dashboard/live-rows.ts";
import type { Siblings } from "#src/workers/siblings.ts";

/** Looks on at requests, for as long as anybody wants to. With nobody there, it does nothing at all. */
export interface Live {
  /** Requests under way that somebody may see, in all workers that answer within a second. */
  open(sight: Sight): Promise<Open & { processes: readonly string[] }>;
  /**
   * What happens from now on, as server-sent events: `running`, what is under way, and `ended`, what ended since. `check`
   * says every few seconds what may still be seen; undefined ends the stream. Throws `rate_limit_exceeded` beyond
   * `mostStreams` of one person.
   */
  events(viewer: {
    personId: string;
    sight: Sight;
    check: () => Promise<Sight | undefined>;
    signal: AbortSignal;
  }): AsyncGenerator<string, void, void>;
  /** Streams that are open. */
  readonly streams: number;
}

interface Viewer extends Onlooker {
  /** Ended since they were last told, here and elsewhere, at most `mostRows`. */
  ended: (Generation | LiveRow)[];
  /** Ended besides. */
  missed: number;
}

/** Streams of one person in one process: more tabs than anybody looks at. */
export const mostStreams = 5;
const turnMs = 500;
/** Turns between two looks at the session, two tellings of what is under way, two looks at other workers, and two signs of life. */
const checkTurns = 4;
const tellTurns = 2;
const askTurns = 2;
const quietTurns = 16;

/** Looks on at the requests of one gateway: those of this process, and of its siblings where there are any. */
export function createLive(
  app: App,
  watch: Watch,
  family?: { siblings: Siblings | undefined; processId: string },
): Live {
  const viewers = new Set<Viewer>();
  const streamsOf = new Map<string, number>();
  const here = createHere(app, watch);
  const elsewhere =
    family?.siblings &&
    createElsewhere({
      siblings: family.siblings,
      processId: family.processId,
      here,
      clock: app.clock,
      sights: () => [...viewers].map(({ sight }) => sight),
      onEnded(key, ended, missed) {
        for (const viewer of viewers) {
          if (sightKey(viewer.sight) !== key) continue;
          viewer.missed += missed;
          for (const row of ended) add(viewer, row);
        }
      },
    });
  let turn = Promise.withResolvers<void>();
  let turning: ReturnType<typeof setInterval> | undefined;
  let turns = 0;

  function add(viewer: Viewer, row: Generation | LiveRow): void {
    if (viewer.ended.length < mostRows) viewer.ended.push(row);
    else viewer.missed++;
  }

  function next(): void {
    if (viewers.size > 0 && ++turns % askTurns === 0) void elsewhere?.look();
    const past = turn;
    turn = Promise.withResolvers();
    past.resolve();
  }

  function enter(viewer: Viewer, personId: string): () => void {
    const open = streamsOf.get(personId) ?? 0;
    if (open >= mostStreams)
      throw new AppError(
        "rate_limit_exceeded",
        `Cannot open another live view: ${mostStreams} are open, close one of them`,
        { retryAfterSeconds: 10 },
      );
    streamsOf.set(personId, open + 1);
    viewers.add(viewer);
    here.enter(viewer);
    turning ??= setInterval(next, turnMs);
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      const left = (streamsOf.get(personId) ?? 1) - 1;
      if (left === 0) streamsOf.delete(personId);
      else streamsOf.set(personId, left);
      viewers.delete(viewer);
      here.leave(viewer);
      if (viewers.size > 0) return;
      clearInterval(turning);
      turning = undefined;
      next();
    };
  }

  function openEvent({ sight }: Viewer): { ids: string; text: string } {
    const { rows, total } = joined([here.open(sight), ...(elsewhere?.open(sight) ?? [])]);
    return { ids: rows.map(({ id }) => id).join(), text: event("running", { rows, total }) };
  }

  function endedEvent(viewer: Viewer): string {
    const { ended, missed } = viewer;
    if (ended.length === 0) return "";
    viewer.ended = [];
    viewer.missed = 0;
    const rows = ended.map((row) => ("cells" in row ? row : endedRow(row)));
    return event("ended", { rows: rows.reverse(), missed });
  }

  async function* stream(
    viewer: Viewer,
    leave: () => void,
    check: () => Promise<Sight | undefined>,
    signal: AbortSignal,
  ): AsyncGenerator<string, void, void> {
    const isOver = () => signal.aborted || watch.signal.aborted;
    try {
      await elsewhere?.look();
      let told = openEvent(viewer);
      yield `retry: 3000\n\n${told.text}`;
      let quiet = 0;
      let checkedAt = app.clock.monotonic();
      for (let turns = 1; !isOver(); turns++) {
        await turn.promise;
        if (isOver()) return;
        // A reader that was slow for long is let see no more before it is asked who it is.
        const isLate = app.clock.monotonic() - checkedAt > checkTurns * turnMs;
        if (isLate || turns % checkTurns === 0) {
          checkedAt = app.clock.monotonic();
          const sight = await check();
          if (sight === undefined) {
            yield event("gone", {});
            return;
          }
          viewer.sight = sight;
        }
        const now = openEvent(viewer);
        const isDue = now.ids !== "" && turns % tellTurns === 0;
        const text = (now.ids !== told.ids || isDue ? now.text : "") + endedEvent(viewer);
        told = now;
        quiet = text === "" ? quiet + 1 : 0;
        if (text !== "") yield text;
        else if (quiet % quietTurns === 0) yield ": nothing new\n\n";
      }
    } finally {
      leave();
    }
  }

  return {
    async open(sight) {
      const others = (await elsewhere?.once(sight)) ?? new Map<string, Open>();
      return { ...joined([here.open(sight), ...others.values()]), processes: [...others.keys()] };
    },
    events({ personId, sight, check, signal }) {
      const viewer: Viewer = {
        sight,
        ended: [],
        missed: 0,
        tell: (generation) => add(viewer, generation),
      };
      const leave = enter(viewer, personId);
      // Who hangs up before the first event never starts the stream, nor reaches its end.
      signal.addEventListener("abort", leave, { once: true });
      return stream(viewer, leave, check, signal);
    },
    get streams() {
      return viewers.size;
    },
  };
}

/** The newest of several processes; ids sort by the time they were made. */
function joined(all: readonly Open[]): Open {
  const [only] = all;
  if (only !== undefined && all.length === 1) return only;
  const newest = all
    .flatMap(({ rows }) => rows)
    .toSorted((one, other) => (one.id < other.id ? 1 : -1))
    .slice(0, mostRows);
  return { rows: newest, total: all.reduce((sum, { total }) => sum + total, 0) };
}

/** JSON has no line break of its own, so that one line holds it. */
function event(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}

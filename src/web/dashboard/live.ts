import type { App } from "#src/gateway/context.ts";
import type { Job } from "#src/gateway/settle.ts";
import type { Generation } from "#src/ledger/generation.ts";
import type { Watch } from "#src/ledger/watch.ts";
import { AppError } from "#src/lib/error.ts";
import { endedRow, openRow } from "#src/web/dashboard/live-rows.ts";

/** Which requests somebody may see. */
export interface Sight {
  accountId: string;
  /** Hashes of keys; undefined: every request of the account. */
  only: ReadonlySet<string> | undefined;
}

/** Looks on at requests, for as long as anybody wants to. With nobody there, it does nothing at all. */
export interface Live {
  /** Requests under way that somebody may see, newest first, and how many there are in all. */
  open(sight: Sight): { jobs: Job[]; total: number };
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

interface Viewer {
  sight: Sight;
  /** Ended since they were last told, at most `mostRows`. */
  ended: Generation[];
  /** Ended besides. */
  missed: number;
}

/** Streams of one person: more tabs than anybody looks at. */
export const mostStreams = 5;
/** Rows of each kind in one event. */
export const mostRows = 50;
const turnMs = 500;
/** Turns between two looks at the session, two tellings of what is under way, and two signs of life. */
const checkTurns = 4;
const tellTurns = 2;
const quietTurns = 16;

/** Looks on at the requests of one gateway. */
export function createLive(app: App, watch: Watch): Live {
  const viewers = new Set<Viewer>();
  const streamsOf = new Map<string, number>();
  let turn = Promise.withResolvers<void>();
  let turning: ReturnType<typeof setInterval> | undefined;

  function tell(generation: Generation): void {
    for (const viewer of viewers) {
      if (!isSeen(viewer.sight, generation.accountId, generation.keyId)) continue;
      if (viewer.ended.length < mostRows) viewer.ended.push(generation);
      else viewer.missed++;
    }
  }

  function next(): void {
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
    watch.listeners.add(tell);
    turning ??= setInterval(next, turnMs);
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      const left = (streamsOf.get(personId) ?? 1) - 1;
      if (left === 0) streamsOf.delete(personId);
      else streamsOf.set(personId, left);
      viewers.delete(viewer);
      if (viewers.size > 0) return;
      watch.listeners.delete(tell);
      clearInterval(turning);
      turning = undefined;
      next();
    };
  }

  function open(sight: Sight): { jobs: Job[]; total: number } {
    const seen: Job[] = [];
    for (const job of app.open.values()) {
      const { account, key } = job.caller;
      if (isSeen(sight, account.id, key.hash)) seen.push(job);
    }
    // They stand in the order in which they began.
    return { jobs: seen.slice(-mostRows).reverse(), total: seen.length };
  }

  function openEvent({ sight }: Viewer): { ids: string; text: string } {
    const { jobs, total } = open(sight);
    const now = app.clock.monotonic();
    return {
      ids: jobs.map(({ generationId }) => generationId).join(),
      text: event("running", { rows: jobs.map((job) => openRow(job, now)), total }),
    };
  }

  function endedEvent(viewer: Viewer): string {
    const { ended, missed } = viewer;
    if (ended.length === 0) return "";
    viewer.ended = [];
    viewer.missed = 0;
    return event("ended", { rows: ended.map(endedRow).reverse(), missed });
  }

  async function* stream(
    viewer: Viewer,
    leave: () => void,
    check: () => Promise<Sight | undefined>,
    signal: AbortSignal,
  ): AsyncGenerator<string, void, void> {
    const isOver = () => signal.aborted || watch.signal.aborted;
    try {
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
    open,
    events({ personId, sight, check, signal }) {
      const viewer: Viewer = { sight, ended: [], missed: 0 };
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

function isSeen({ accountId, only }: Sight, account: string, key: string): boolean {
  return account === accountId && (only === undefined || only.has(key));
}

/** JSON has no line break of its own, so that one line holds it. */
function event(name: string, value: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}

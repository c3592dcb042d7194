import { Bag, type Placed } from "#src/lib/bag.ts";
import type { Clock } from "#src/lib/clock.ts";

/** A deadline that can be moved and cancelled. */
export interface Deadline {
  /** Starts again from now. */
  extend(): void;
  cancel(): void;
}

/** Many coarse timers for the price of one: accurate to the sweep interval. */
export interface Deadlines {
  /** Calls `expire` once, after the given time without `extend`. 0 means never. */
  after(milliseconds: number, expire: () => void): Deadline;
  stop(): void;
}

const never: Deadline = { extend() {}, cancel() {} };

/** One of many, in the list of those that are swept. */
class Entry implements Deadline, Placed {
  at: number;
  place = -1;

  constructor(
    readonly all: Bag<Entry>,
    readonly clock: Clock,
    readonly milliseconds: number,
    readonly expire: () => void,
  ) {
    this.at = clock.monotonic() + milliseconds;
    all.add(this);
  }

  extend(): void {
    this.at = this.clock.monotonic() + this.milliseconds;
  }

  cancel(): void {
    this.all.delete(this);
  }
}

/** Sweeps all deadlines at one interval; a timer per request would cost more than the request. */
export function createDeadlines(clock: Clock, sweepMilliseconds = 100): Deadlines {
  const entries = new Bag<Entry>();
  const timer = setInterval(() => {
    if (entries.size === 0) return;
    const now = clock.monotonic();
    const due: Entry[] = [];
    for (const entry of entries) if (entry.at <= now) due.push(entry);
    // One that expires may cancel others.
    for (const entry of due) if (entries.delete(entry)) entry.expire();
  }, sweepMilliseconds);
  timer.unref();
  return {
    after: (milliseconds, expire) =>
      milliseconds <= 0 ? never : new Entry(entries, clock, milliseconds, expire),
    stop() {
      clearInterval(timer);
    },
  };
}

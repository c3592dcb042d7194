/** A time that passes only from one event to the next. */
export interface Timeline {
  /** Milliseconds since the start. */
  now(): number;
  /** Events so far. */
  steps(): number;
  /** Does something later, in the order of times, and of calls where times are the same. */
  after(milliseconds: number, act: () => void): void;
  /** Goes from event to event until `steps` more are done or nothing waits; what promises do in between is done too. */
  run(steps: number, until?: number): Promise<void>;
}

interface Event {
  at: number;
  order: number;
  act: () => void;
}

/** Begins at 0. */
export function createTimeline(): Timeline {
  const heap: Event[] = [];
  let now = 0;
  let order = 0;
  let done = 0;

  const isBefore = (one: Event, other: Event) =>
    one.at < other.at || (one.at === other.at && one.order < other.order);

  function push(event: Event): void {
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  function pop(): Event | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below++;
      }
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return first;
  }

  return {
    now: () => now,
    steps: () => done,
    after(milliseconds, act) {
      push({ at: now + Math.max(0, milliseconds), order: order++, act });
    },
    async run(steps, until = Infinity) {
      for (let left = steps; left > 0; left--) {
        if ((heap[0]?.at ?? Infinity) > until) break;
        const event = pop();
        if (event === undefined) break;
        now = event.at;
        done++;
        event.act();
        // Everything that promises can do by themselves, before the next event.
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (until !== Infinity) now = Math.max(now, until);
    },
  };
}

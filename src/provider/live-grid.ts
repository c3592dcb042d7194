import type { LiveGridName } from "#src/config/eco.ts";
import { boundedText, TooLong } from "#src/lib/bounded-text.ts";
import type { Clock } from "#src/lib/clock.ts";
import {
  type LiveQuery,
  type LiveReading,
  type LiveSource,
  NoReading,
} from "#src/provider/live-grid-sources.ts";

/*
 * Grid intensities as they are now, fetched on a timer and never in a request. They order routes where low carbon is
 * preferred, and make a second figure beside the recorded one, which stays the annual average.
 */

/** How a zone stands: what was told last, and whether it may still be used. */
export interface LiveState {
  zone: string;
  source: LiveGridName;
  state: "live" | "stale" | "failed";
  /** What was told last; absent while nothing was. */
  reading: LiveReading | undefined;
  /** Why the last look brought nothing. */
  why: string | undefined;
}

/** Live intensities of the zones that one source covers. */
export interface LiveGrid {
  readonly source: LiveGridName;
  /** g CO2 per kWh now; undefined where the zone is not covered, or what was told is too old. Without I/O. */
  gramsAt(zone: string | undefined): number | undefined;
  /** Undefined where the zone is not covered. */
  stateOf(zone: string | undefined): LiveState | undefined;
  states(): LiveState[];
  /** Looks at these zones from now on, too. Returns those that are new, and covered. */
  follow(zones: ReadonlyMap<string, string | undefined>): string[];
  /** Takes what another process was told. */
  take(reading: LiveReading): void;
  /** Looks at every zone that is due. Never rejects. */
  refresh(): Promise<void>;
  /** Begins to look every minute for zones that are due. */
  start(): void;
  close(): Promise<void>;
}

export interface LiveGridOptions {
  source: LiveSource;
  /** Instead of the source's own address. */
  baseUrl?: string | undefined;
  /** Zones that are routed to, each with its country where it is one. */
  zones: ReadonlyMap<string, string | undefined>;
  clock: Clock;
  /** Milliseconds for one answer, its body included. */
  deadlineMs?: number;
  /** Told of each reading that this process fetched. */
  onReading?(reading: LiveReading): void;
  /** Told of a zone that begins or ceases to fail. */
  onTurn?(state: LiveState): void;
}

const minute = 60_000;
/** Beyond it a reading says nothing of now. */
export const staleMs = 120 * minute;
/** How far ahead of this machine's clock a reading may be: a slot's length, and some. */
const aheadMs = 35 * minute;
/** After a failure, the next look. */
const retryMs = 5 * minute;
const tickMs = minute;
/** No answer of a source is as long. */
const maxBytes = 256 * 1024;

interface Zone {
  id: string;
  query: LiveQuery;
  dueAt: number;
  reading: LiveReading | undefined;
  why: string | undefined;
}

/** Makes one. Nothing is fetched before the first refresh. */
export function createLiveGrid(options: LiveGridOptions): LiveGrid {
  const { source, clock, deadlineMs = 10_000, onTurn, onReading } = options;
  const base = options.baseUrl || source.baseUrl;
  const closing = new AbortController();
  const zones = new Map<string, Zone>();
  follow(options.zones);
  let timer: ReturnType<typeof setInterval> | undefined;
  let running: Promise<void> | undefined;

  function follow(wanted: LiveGridOptions["zones"]): string[] {
    const added: string[] = [];
    for (const [id, country] of wanted) {
      const query = zones.has(id) ? undefined : source.query(id, country);
      if (query === undefined) continue;
      const dueAt = Number.NEGATIVE_INFINITY;
      zones.set(id, { id, query, dueAt, reading: undefined, why: undefined });
      added.push(id);
    }
    return added;
  }

  function isFresh({ reading }: Zone): boolean {
    return reading !== undefined && clock.now() - reading.at <= staleMs;
  }

  function state(zone: Zone): LiveState {
    const { id, reading, why } = zone;
    const stands = isFresh(zone) ? "live" : reading === undefined ? "failed" : "stale";
    return { zone: id, source: source.name, state: stands, reading, why };
  }

  function keep(zone: Zone, reading: LiveReading): void {
    // A late answer may be older than what is known.
    if (zone.reading === undefined || reading.at >= zone.reading.at) zone.reading = reading;
  }

  async function look(zone: Zone): Promise<void> {
    const before = zone.why;
    try {
      const reading = zone.query.read(await ask(zone.query));
      if (reading.at > clock.now() + aheadMs)
        throw new NoReading("its time lies ahead: one of the clocks is wrong");
      keep(zone, reading);
      onReading?.(reading);
      zone.why = undefined;
      zone.dueAt = clock.monotonic() + source.everyMs;
    } catch (thrown) {
      if (closing.signal.aborted) return;
      zone.why = thrown instanceof NoReading ? thrown.message : "it does not answer";
      zone.dueAt = clock.monotonic() + retryMs;
    }
    if ((before === undefined) !== (zone.why === undefined)) onTurn?.(state(zone));
  }

  /** The answer to a query, as JSON. Throws NoReading. */
  async function ask({ path, headers }: LiveQuery): Promise<unknown> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(deadlineMs)]);
    const response = await fetch(base + path, {
      headers,
      signal,
      // A redirect could carry the key to another host.
      redirect: "manual",
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new NoReading(`it answers ${response.status}`);
    }
    const text = await boundedText(response, maxBytes).catch((thrown: unknown) => {
      throw thrown instanceof TooLong ? new NoReading("its answer is too long") : thrown;
    });
    try {
      return JSON.parse(text);
    } catch {
      // The reason would quote the answer.
      throw new NoReading("it answers something else than JSON");
    }
  }

  async function refreshDue(): Promise<void> {
    const now = clock.monotonic();
    // One after the other: nobody waits for it.
    for (const zone of zones.values()) if (zone.dueAt <= now) await look(zone);
  }

  function refresh(): Promise<void> {
    running ??= refreshDue().finally(() => {
      running = undefined;
    });
    return running;
  }

  return {
    source: source.name,
    gramsAt(zone) {
      const found = zone === undefined ? undefined : zones.get(zone);
      return found !== undefined && isFresh(found) ? found.reading?.gPerKwh : undefined;
    },
    stateOf(zone) {
      const found = zone === undefined ? undefined : zones.get(zone);
      return found && state(found);
    },
    states: () => [...zones.values()].map(state),
    follow,
    take(reading) {
      const zone = zones.get(reading.zone);
      if (zone !== undefined) keep(zone, reading);
    },
    refresh,
    start() {
      void refresh();
      timer = setInterval(() => void refresh(), tickMs);
      timer.unref();
    },
    async close() {
      clearInterval(timer);
      closing.abort();
      await running;
    },
  };
}

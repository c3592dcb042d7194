import type { EndedRequest, Moments } from "#src/observe/ended.ts";
import { batchSize, Exporter, type Post } from "#src/observe/exporter.ts";
import type { Log } from "#src/observe/log.ts";
import { Meter } from "#src/observe/meter.ts";
import { metricsExport } from "#src/observe/otlp-metrics.ts";
import type { Sender } from "#src/observe/otlp-json.ts";
import { type Hex, traceExport, type TracedRequest } from "#src/observe/otlp-trace.ts";
import type { Sights } from "#src/observe/sights.ts";
import { traceContextOf } from "#src/observe/trace-context.ts";

/** What is told to the outside about requests. It only looks: nothing that it does may reach a request. */
export interface Telemetry {
  readonly meter: Meter;
  readonly counted: Counted;
  /** What is to be seen now; undefined while nothing stands yet. */
  look(): Sights | undefined;
  /** A request's row is durable. `headers` are the client's. */
  ended(request: EndedRequest, moments: Moments, headers: Pick<Headers, "get">): void;
  /** An error is the answer. */
  refused(code: string): void;
  committed(rows: number, milliseconds: number): void;
  commitFailed(): void;
  /** Sends what waits. */
  flush(): Promise<void>;
  /** Sends what waits, for a few seconds at most, and no more. */
  close(): Promise<void>;
}

/** What was counted, and since when: it goes on where another configuration takes the place of the one before. */
export interface Counted {
  meter: Meter;
  /** Who counts, as collectors tell them apart. */
  instance: string;
  startedAt: number;
  currency: string;
}

/** Where traces and metrics are sent. */
export interface Collector {
  /** Without a slash at its end; each kind has its path below. */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
}

export interface TelemetryOptions {
  collector: Collector | undefined;
  clock: { now(): number; monotonic(): number };
  log: Log;
  version: string;
  /** Tells this process from others. */
  instance: string;
  currency: string;
  isKnownModel(model: string): boolean;
  /** What is to be seen beside what is counted; undefined while nothing stands yet. */
  look(): Sights | undefined;
  /** Whether nobody has taken the place of this one: two would tell different things of one process. */
  isLatest(): boolean;
  post: Post;
  hex: Hex;
  /** What the process counted before. */
  before?: Counted | undefined;
}

/** How often spans are sent, and counters. */
const spansMs = 5000;
const countersMs = 60_000;

/** Counts, and sends where there is a collector. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const counted = countedOn(options);
  const { meter } = counted;
  const sending = options.collector && createSending(options.collector, counted, options);
  return {
    meter,
    counted,
    look: options.look,
    ended(request, moments, headers) {
      meter.ended(request, moments);
      sending?.ended(request, headers);
    },
    refused: (code) => meter.refused(code),
    committed: (rows, milliseconds) => meter.committed(rows, milliseconds),
    commitFailed: () => void meter.commitFaults++,
    flush: async () => sending?.flush(),
    close: async () => sending?.close(),
  };
}

/** Goes on with what was counted before; sums in another currency begin anew. */
function countedOn({ before, clock, instance, currency, isKnownModel }: TelemetryOptions): Counted {
  if (before === undefined || before.currency !== currency)
    return { meter: new Meter(isKnownModel), instance, startedAt: clock.now(), currency };
  before.meter.isKnown = isKnownModel;
  return before;
}

/** Keeps no process alive. */
function after(milliseconds: number, call: () => void): () => void {
  const timer = setTimeout(call, milliseconds);
  timer.unref();
  return () => clearTimeout(timer);
}

interface Sending {
  ended(request: EndedRequest, headers: Pick<Headers, "get">): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

function createSending(
  collector: Collector,
  { meter, instance, startedAt, currency }: Counted,
  options: TelemetryOptions,
): Sending {
  const { clock, log, version, look, isLatest, post, hex } = options;
  const { endpoint, headers, serviceName } = collector;
  const sender: Sender = { serviceName, version, instance };
  const now = () => clock.monotonic();
  const lost = (kind: string) => (count: number, why: string) =>
    log.write("warn", "telemetry_lost", { kind, count, why });
  const spans = new Exporter<TracedRequest>({
    url: `${endpoint}/v1/traces`,
    headers,
    post,
    now,
    after,
    encode: (batch) => traceExport(batch, sender, currency, hex),
    onLost: lost("spans"),
  });
  // One that waits is enough: sums are since the start, so the next one says all that the last would have.
  const counters = new Exporter<number>({
    url: `${endpoint}/v1/metrics`,
    headers,
    post,
    now,
    after,
    encode: () =>
      metricsExport(meter, sender, { currency, startedAt, now: clock.now(), sights: seen() }),
    onLost: lost("metrics"),
  });
  /** What cannot be looked at must not keep back what was counted. */
  function seen(): Sights | undefined {
    try {
      return isLatest() ? look() : undefined;
    } catch (cause) {
      log.write("warn", "telemetry_failed", {}, cause);
      return undefined;
    }
  }
  function sendCounters(): Promise<void> {
    if (counters.waiting === 0) counters.add(0);
    return counters.flush();
  }
  const timers = [
    setInterval(() => void spans.flush(), spansMs),
    setInterval(() => void sendCounters(), countersMs),
  ];
  for (const timer of timers) timer.unref();
  return {
    ended(request, given) {
      const context = traceContextOf(given.get("traceparent"), given.get("tracestate"));
      if (context?.isSampled === false) return;
      // What is sent is written later, when nobody waits for it.
      spans.add({ request, context });
      if (spans.waiting === batchSize) setImmediate(() => void spans.flush());
    },
    async flush() {
      await Promise.all([spans.flush(), sendCounters()]);
    },
    async close() {
      for (const timer of timers) clearInterval(timer);
      if (counters.waiting === 0) counters.add(0);
      await Promise.all([spans.close(), counters.close()]);
    },
  };
}

import * as v from "valibot";
import { requireOfficial } from "#test/observe/official-otlp.ts";

/** A span as it came over the wire, its attributes as a map. */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  traceState: string | undefined;
  name: string;
  kind: number;
  start: bigint;
  end: bigint;
  facts: Record<string, unknown>;
  events: { name: string; facts: Record<string, unknown> }[];
  status: { code?: number | undefined; message?: string | undefined };
}

/** A metric as it came, its points with their attributes as maps. */
export interface Metric {
  name: string;
  unit: string;
  /** What may be done with it: those of several processes add up, but a gauge. */
  kind: "counter" | "level" | "gauge" | "histogram";
  points: { facts: Record<string, unknown>; value: number; counts: number[]; bounds: number[] }[];
}

/** A stand-in for a collector: reads the wire strictly, and keeps what it was sent. */
export interface Collector extends Disposable {
  url: string;
  spans: Span[];
  metrics: Map<string, Metric>;
  resources: Record<string, unknown>[];
  requests: { path: string; headers: Headers; text: string }[];
  /** What it answers next; by default that it took everything. */
  answer(next: (path: string) => Response | undefined | Promise<Response | undefined>): void;
}

const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const whole = v.pipe(v.string(), v.regex(/^\d+$/));
const value = v.union([
  v.strictObject({ stringValue: v.string() }),
  v.strictObject({ boolValue: v.boolean() }),
  v.strictObject({ intValue: v.pipe(v.string(), v.regex(/^-?\d+$/)) }),
  v.strictObject({ doubleValue: v.number() }),
  v.strictObject({
    arrayValue: v.strictObject({ values: v.array(v.strictObject({ stringValue: v.string() })) }),
  }),
]);
const attributes = v.array(v.strictObject({ key: v.string(), value }));
const resource = v.strictObject({ attributes });
const scope = v.strictObject({ name: v.string(), version: v.string() });
const traces = v.strictObject({
  resourceSpans: v.array(
    v.strictObject({
      resource,
      scopeSpans: v.array(
        v.strictObject({
          scope,
          spans: v.array(
            v.strictObject({
              traceId: hex(32),
              spanId: hex(16),
              parentSpanId: v.optional(hex(16)),
              traceState: v.optional(v.string()),
              name: v.string(),
              kind: v.picklist([1, 2, 3, 4, 5]),
              startTimeUnixNano: whole,
              endTimeUnixNano: whole,
              attributes,
              events: v.array(
                v.strictObject({ name: v.string(), timeUnixNano: whole, attributes }),
              ),
              status: v.strictObject({
                code: v.optional(v.picklist([0, 1, 2])),
                message: v.optional(v.string()),
              }),
            }),
          ),
        }),
      ),
    }),
  ),
});
const times = { startTimeUnixNano: whole, timeUnixNano: whole, attributes };
const temporality = v.literal(2);
const sum = v.strictObject({
  aggregationTemporality: temporality,
  isMonotonic: v.boolean(),
  dataPoints: v.array(
    v.union([
      v.strictObject({ ...times, asInt: whole }),
      v.strictObject({ ...times, asDouble: v.number() }),
    ]),
  ),
});
const histogram = v.strictObject({
  aggregationTemporality: temporality,
  dataPoints: v.array(
    v.pipe(
      v.strictObject({
        ...times,
        count: whole,
        sum: v.number(),
        bucketCounts: v.array(whole),
        explicitBounds: v.array(v.number()),
      }),
      v.check(
        ({ bucketCounts, explicitBounds, count }) =>
          bucketCounts.length === explicitBounds.length + 1 &&
          bucketCounts.reduce((total, one) => total + Number(one), 0) === Number(count),
        "buckets that add up to the count",
      ),
    ),
  ),
});
const gauge = v.strictObject({
  dataPoints: v.array(v.strictObject({ timeUnixNano: whole, attributes, asDouble: v.number() })),
});
const metricsBody = v.strictObject({
  resourceMetrics: v.array(
    v.strictObject({
      resource,
      scopeMetrics: v.array(
        v.strictObject({
          scope,
          metrics: v.array(
            v.union([
              v.strictObject({ name: v.string(), unit: v.string(), sum }),
              v.strictObject({ name: v.string(), unit: v.string(), gauge }),
              v.strictObject({ name: v.string(), unit: v.string(), histogram }),
            ]),
          ),
        }),
      ),
    }),
  ),
});

/** Starts one on loopback. */
export function startCollector(): Collector {
  const spans: Span[] = [];
  const metrics = new Map<string, Metric>();
  const resources: Record<string, unknown>[] = [];
  const requests: Collector["requests"] = [];
  let answer: Parameters<Collector["answer"]>[0] = () => undefined;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname: path } = new URL(request.url);
      const text = await request.text();
      requests.push({ path, headers: request.headers, text });
      const other = await answer(path);
      if (other !== undefined) return other;
      if (path.startsWith("/v1/")) requireOfficial(path, JSON.parse(text));
      if (path === "/v1/traces") readSpans(JSON.parse(text));
      else if (path === "/v1/metrics") readMetrics(JSON.parse(text));
      else return new Response("no such path", { status: 404 });
      return Response.json({});
    },
  });

  function readSpans(body: unknown): void {
    for (const one of v.parse(traces, body).resourceSpans) {
      resources.push(factsOf(one.resource.attributes));
      for (const span of one.scopeSpans.flatMap((scoped) => scoped.spans))
        spans.push({
          ...span,
          parentSpanId: span.parentSpanId,
          traceState: span.traceState,
          start: BigInt(span.startTimeUnixNano),
          end: BigInt(span.endTimeUnixNano),
          facts: factsOf(span.attributes),
          events: span.events.map((event) => ({
            name: event.name,
            facts: factsOf(event.attributes),
          })),
        });
    }
  }

  function readMetrics(body: unknown): void {
    for (const metric of metricsIn(body)) metrics.set(metric.name, metric);
  }

  return {
    url: `http://127.0.0.1:${server.port}`,
    spans,
    metrics,
    resources,
    requests,
    answer: (next) => void (answer = next),
    [Symbol.dispose]: () => void server.stop(true),
  };
}

/** The metrics of an export. Throws for what a collector would not take. */
export function metricsIn(body: unknown): Metric[] {
  return v
    .parse(metricsBody, body)
    .resourceMetrics.flatMap((one) => one.scopeMetrics.flatMap((scoped) => scoped.metrics))
    .map((metric): Metric => {
      const { name, unit } = metric;
      if ("histogram" in metric) {
        const points = metric.histogram.dataPoints.map((point) => ({
          facts: factsOf(point.attributes),
          value: point.sum,
          counts: point.bucketCounts.map(Number),
          bounds: point.explicitBounds,
        }));
        return { name, unit, kind: "histogram", points };
      }
      const { dataPoints } = "sum" in metric ? metric.sum : metric.gauge;
      const points = dataPoints.map((point) => ({
        facts: factsOf(point.attributes),
        value: "asInt" in point ? Number(point.asInt) : point.asDouble,
        counts: [],
        bounds: [],
      }));
      if (!("sum" in metric)) return { name, unit, kind: "gauge", points };
      return { name, unit, kind: metric.sum.isMonotonic ? "counter" : "level", points };
    });
}

function factsOf(pairs: v.InferOutput<typeof attributes>): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map(({ key, value: one }) => {
      if ("intValue" in one) return [key, Number(one.intValue)];
      if ("arrayValue" in one)
        return [key, one.arrayValue.values.map(({ stringValue }) => stringValue)];
      return [key, Object.values(one)[0]];
    }),
  );
}

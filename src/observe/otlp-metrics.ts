import { endedStatuses } from "#src/observe/ended.ts";
import type { Histogram } from "#src/observe/histogram.ts";
import type { Meter, Series } from "#src/observe/meter.ts";
import {
  type Attributes,
  attributes,
  unixNano,
  resource,
  scope,
  type Sender,
} from "#src/observe/otlp-json.ts";
import { providerName } from "#src/observe/otlp-trace.ts";
import { tokenClasses } from "#src/observe/prometheus.ts";

/** Sums are since the start of the process. */
const cumulative = 2;

interface Sample {
  facts: Attributes;
  value: number;
}

/** The body of an export of the counters. Times in Unix milliseconds. */
export function metricsExport(
  meter: Meter,
  sender: Sender,
  { currency, startedAt, now }: { currency: string; startedAt: number; now: number },
): object {
  const times = { startTimeUnixNano: unixNano(startedAt), timeUnixNano: unixNano(now) };
  const { series } = meter;
  const sum = (name: string, unit: string, samples: readonly Sample[], isWhole: boolean) => ({
    name,
    unit,
    sum: {
      aggregationTemporality: cumulative,
      isMonotonic: true,
      dataPoints: samples.map(({ facts, value }) => ({
        ...times,
        attributes: attributes(facts),
        ...(isWhole ? { asInt: String(value) } : { asDouble: value }),
      })),
    },
  });
  const histogram = (name: string, unit: string, parts: readonly [Attributes, Histogram][]) => ({
    name,
    unit,
    histogram: {
      aggregationTemporality: cumulative,
      dataPoints: parts
        .filter(([, { count }]) => count > 0)
        .map(([facts, one]) => ({
          ...times,
          attributes: attributes(facts),
          count: String(one.count),
          sum: one.sum,
          bucketCounts: [...one.counts].map(String),
          explicitBounds: one.bounds,
        })),
    },
  });
  const metrics = [
    histogram(
      "gen_ai.client.operation.duration",
      "s",
      series.map((one) => [placeOf(one), one.duration]),
    ),
    histogram(
      "gen_ai.client.token.usage",
      "{token}",
      series.flatMap((one): [Attributes, Histogram][] => [
        [{ ...placeOf(one), "gen_ai.token.type": "input" }, one.inputTokens],
        [{ ...placeOf(one), "gen_ai.token.type": "output" }, one.outputTokens],
      ]),
    ),
    histogram(
      "lowrouter.first_byte.duration",
      "s",
      series.map((one) => [placeOf(one), one.firstByte]),
    ),
    histogram("lowrouter.overhead.duration", "s", [
      [{ "lowrouter.part": "before" }, meter.before],
      [{ "lowrouter.part": "after" }, meter.after],
    ]),
    sum(
      "lowrouter.requests",
      "{request}",
      series.flatMap((one) =>
        endedStatuses
          .filter((status) => one.requests[status] > 0)
          .map((status) => ({
            facts: { ...placeOf(one), "lowrouter.status": status },
            value: one.requests[status],
          })),
      ),
      true,
    ),
    sum(
      "lowrouter.tokens",
      "{token}",
      series.flatMap((one) =>
        tokenClasses(one)
          .filter(([, value]) => value > 0)
          .map(([name, value]) => ({
            facts: { ...placeOf(one), "lowrouter.token.class": name },
            value,
          })),
      ),
      true,
    ),
    sum(
      "lowrouter.cost",
      currency,
      series.map((one) => ({ facts: placeOf(one), value: one.cost / 1e9 })),
      false,
    ),
    sum("lowrouter.eco.energy", "W.h", ecoOf(series, "energyWh"), false),
    sum("lowrouter.eco.carbon", "g", ecoOf(series, "carbonG"), false),
    sum(
      "lowrouter.requests_without_estimate",
      "{request}",
      series.map((one) => ({ facts: placeOf(one), value: one.withoutEstimate })),
      true,
    ),
    sum(
      "lowrouter.refusals",
      "{request}",
      [...meter.refusals].map(([code, value]) => ({ facts: { "error.type": code }, value })),
      true,
    ),
  ];
  return {
    resourceMetrics: [
      { resource: resource(sender), scopeMetrics: [{ scope: scope(sender), metrics }] },
    ],
  };
}

function ecoOf(series: readonly Series[], name: "energyWh" | "carbonG"): Sample[] {
  return series.flatMap((one) =>
    [...one.eco].map(([methodology, sums]) => ({
      facts: { ...placeOf(one), "lowrouter.eco.methodology_version": methodology },
      value: sums[name],
    })),
  );
}

function placeOf({ provider, model, region, operation }: Series): Attributes {
  return {
    "gen_ai.operation.name": operation,
    "gen_ai.provider.name": providerName(provider),
    "gen_ai.response.model": model,
    "lowrouter.region": region,
  };
}

import { endedStatuses } from "#src/observe/ended.ts";
import type { Histogram } from "#src/observe/histogram.ts";
import type { Meter, Series } from "#src/observe/meter.ts";
import {
  counter,
  fractionCounter,
  histogram,
  type Sample,
  type Times,
} from "#src/observe/otlp-instruments.ts";
import { type Attributes, resource, scope, type Sender } from "#src/observe/otlp-json.ts";
import { commitMetrics, sightMetrics } from "#src/observe/otlp-sights.ts";
import { providerName } from "#src/observe/otlp-trace.ts";
import { tokenClasses } from "#src/observe/prometheus.ts";
import type { Sights } from "#src/observe/sights.ts";

/** The body of an export of everything that was counted, and of what is to be seen now. */
export function metricsExport(
  meter: Meter,
  sender: Sender,
  { currency, sights, ...times }: Times & { currency: string; sights: Sights | undefined },
): object {
  const metrics = [
    ...requestMetrics(meter, currency, times),
    ...commitMetrics(meter, times),
    ...(sights === undefined ? [] : sightMetrics(sights, times)),
  ];
  return {
    resourceMetrics: [
      { resource: resource(sender), scopeMetrics: [{ scope: scope(sender), metrics }] },
    ],
  };
}

function requestMetrics(meter: Meter, currency: string, times: Times): object[] {
  const { series } = meter;
  return [
    histogram(
      "gen_ai.client.operation.duration",
      "s",
      series.map((one) => [placeOf(one), one.duration]),
      times,
    ),
    histogram(
      "gen_ai.client.token.usage",
      "{token}",
      series.flatMap((one): [Attributes, Histogram][] => [
        [{ ...placeOf(one), "gen_ai.token.type": "input" }, one.inputTokens],
        [{ ...placeOf(one), "gen_ai.token.type": "output" }, one.outputTokens],
      ]),
      times,
    ),
    histogram(
      "lowrouter.first_byte.duration",
      "s",
      series.map((one) => [placeOf(one), one.firstByte]),
      times,
    ),
    histogram(
      "lowrouter.overhead.duration",
      "s",
      [
        [{ "lowrouter.part": "before" }, meter.before],
        [{ "lowrouter.part": "after" }, meter.after],
      ],
      times,
    ),
    counter("lowrouter.requests", "{request}", series.flatMap(endings), times),
    counter("lowrouter.tokens", "{token}", series.flatMap(tokens), times),
    fractionCounter(
      "lowrouter.cost",
      currency,
      series.map((one) => ({ facts: placeOf(one), value: one.cost / 1e9 })),
      times,
    ),
    fractionCounter("lowrouter.eco.energy", "W.h", ecoOf(series, "energyWh"), times),
    fractionCounter("lowrouter.eco.carbon", "g", ecoOf(series, "carbonG"), times),
    counter(
      "lowrouter.requests_without_estimate",
      "{request}",
      series.map((one) => ({ facts: placeOf(one), value: one.withoutEstimate })),
      times,
    ),
    counter(
      "lowrouter.refusals",
      "{request}",
      [...meter.refusals].map(([code, value]) => ({ facts: { "error.type": code }, value })),
      times,
    ),
    counter("lowrouter.failed_attempts", "{attempt}", failedAttempts(meter), times),
  ];
}

function endings(one: Series): Sample[] {
  return endedStatuses
    .filter((status) => one.requests[status] > 0)
    .map((status) => ({
      facts: { ...placeOf(one), "lowrouter.status": status },
      value: one.requests[status],
    }));
}

function tokens(one: Series): Sample[] {
  return tokenClasses(one)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => ({
      facts: { ...placeOf(one), "lowrouter.token.class": name },
      value,
    }));
}

function failedAttempts({ failedAttempts: providers }: Meter): Sample[] {
  return [...providers].flatMap(([provider, reasons]) =>
    [...reasons].map(([reason, value]) => ({
      facts: { "gen_ai.provider.name": providerName(provider), "lowrouter.reason": reason },
      value,
    })),
  );
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

import type { Meter } from "#src/observe/meter.ts";
import {
  counter,
  fractionCounter,
  gauge,
  histogram,
  level,
  type Sample,
  type Times,
} from "#src/observe/otlp-instruments.ts";
import { providerName } from "#src/observe/otlp-trace.ts";
import { type Sights, type SpoolSight, worstCircuits } from "#src/observe/sights.ts";

/** Groups of rows that were written. */
export function commitMetrics(meter: Meter, times: Times): object[] {
  return [
    counter("lowrouter.commits", "{commit}", alone(meter.commits), times),
    counter("lowrouter.commit.rows", "{row}", alone(meter.commitRows), times),
    counter("lowrouter.commit.faults", "{fault}", alone(meter.commitFaults), times),
    histogram("lowrouter.commit.duration", "s", [[{}, meter.commitSeconds]], times),
  ];
}

/** What is to be seen of the process, of providers and of what waits for a database elsewhere. */
export function sightMetrics(sights: Sights, times: Times): object[] {
  const { providers, spool } = sights;
  const process = { startedAt: sights.startedAt * 1000, now: times.now };
  const atProviders = (name: "inFlight" | "waiting"): Sample[] =>
    providers.map((one) => ({
      facts: { "gen_ai.provider.name": providerName(one.provider) },
      value: one[name],
    }));
  const circuits = worstCircuits(sights).map(({ provider, model, region, value }) => ({
    facts: {
      "gen_ai.provider.name": providerName(provider),
      "gen_ai.response.model": model,
      "lowrouter.region": region,
    },
    value,
  }));
  return [
    level("lowrouter.active_requests", "{request}", alone(sights.inFlight), times),
    level("lowrouter.provider.active_requests", "{request}", atProviders("inFlight"), times),
    level("lowrouter.provider.waiting_requests", "{request}", atProviders("waiting"), times),
    gauge("lowrouter.circuit.state", "1", circuits, times),
    ...(spool === undefined ? [] : spoolMetrics(spool, times.now)),
    level("process.memory.usage", "By", alone(sights.residentBytes), process),
    fractionCounter("process.cpu.time", "s", processorTime(sights), process),
  ];
}

function spoolMetrics(spool: SpoolSight, now: number): object[] {
  const times = { startedAt: spool.since, now };
  return [
    level("lowrouter.spool.rows", "{row}", alone(spool.rows), times),
    level("lowrouter.spool.usage", "By", alone(spool.bytes), times),
    level("lowrouter.spool.limit", "By", alone(spool.mostBytes), times),
    gauge("lowrouter.spool.oldest_age", "s", alone(spool.oldestSeconds), times),
    counter("lowrouter.spool.refused_rows", "{row}", alone(spool.refused), times),
    counter("lowrouter.spool.write_faults", "{fault}", alone(spool.faults), times),
    // Workers see the same files: a sum would count them several times.
    gauge("lowrouter.spool.left_usage", "By", alone(spool.leftBytes), times),
  ];
}

function processorTime({ cpuSeconds: { user, system } }: Sights): Sample[] {
  return [
    { facts: { "cpu.mode": "user" }, value: user },
    { facts: { "cpu.mode": "system" }, value: system },
  ];
}

function alone(value: number): Sample[] {
  return [{ facts: {}, value }];
}

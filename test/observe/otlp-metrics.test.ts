import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGateway } from "#src/app.ts";
import { loadConfig } from "#src/config/load.ts";
import type { Legacy } from "#src/kin.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import { Meter } from "#src/observe/meter.ts";
import { metricsExport } from "#src/observe/otlp-metrics.ts";
import { prometheusText } from "#src/observe/prometheus.ts";
import type { Sights } from "#src/observe/sights.ts";
import { openStore } from "#src/store/open.ts";
import { StoreError } from "#src/store/error.ts";
import type { Store } from "#src/store/store.ts";
import { type Collector, metricsIn, startCollector } from "#test/observe/collector.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** Each family of /metrics, and what says the same to a collector, with its unit. */
const counterparts: Readonly<Record<string, readonly [name: string, unit: string]>> = {
  lowrouter_requests_total: ["lowrouter.requests", "{request}"],
  lowrouter_tokens_total: ["lowrouter.tokens", "{token}"],
  lowrouter_cost_total: ["lowrouter.cost", "EUR"],
  lowrouter_energy_wh_total: ["lowrouter.eco.energy", "W.h"],
  lowrouter_carbon_grams_total: ["lowrouter.eco.carbon", "g"],
  lowrouter_requests_without_estimate_total: ["lowrouter.requests_without_estimate", "{request}"],
  lowrouter_request_seconds: ["gen_ai.client.operation.duration", "s"],
  lowrouter_first_byte_seconds: ["lowrouter.first_byte.duration", "s"],
  lowrouter_overhead_seconds: ["lowrouter.overhead.duration", "s"],
  lowrouter_refusals_total: ["lowrouter.refusals", "{request}"],
  lowrouter_failed_attempts_total: ["lowrouter.failed_attempts", "{attempt}"],
  lowrouter_requests_in_flight: ["lowrouter.active_requests", "{request}"],
  lowrouter_provider_in_flight: ["lowrouter.provider.active_requests", "{request}"],
  lowrouter_provider_waiting: ["lowrouter.provider.waiting_requests", "{request}"],
  lowrouter_circuit_state: ["lowrouter.circuit.state", "1"],
  lowrouter_commits_total: ["lowrouter.commits", "{commit}"],
  lowrouter_commit_rows_total: ["lowrouter.commit.rows", "{row}"],
  lowrouter_commit_faults_total: ["lowrouter.commit.faults", "{fault}"],
  lowrouter_commit_seconds: ["lowrouter.commit.duration", "s"],
  lowrouter_spool_rows: ["lowrouter.spool.rows", "{row}"],
  lowrouter_spool_bytes: ["lowrouter.spool.usage", "By"],
  lowrouter_spool_capacity_bytes: ["lowrouter.spool.limit", "By"],
  lowrouter_spool_oldest_seconds: ["lowrouter.spool.oldest_age", "s"],
  lowrouter_spool_refused_total: ["lowrouter.spool.refused_rows", "{row}"],
  lowrouter_spool_write_faults_total: ["lowrouter.spool.write_faults", "{fault}"],
  lowrouter_spool_left_bytes: ["lowrouter.spool.left_usage", "By"],
  process_resident_memory_bytes: ["process.memory.usage", "By"],
  process_cpu_seconds_total: ["process.cpu.time", "s"],
};

/** Families that a collector gets otherwise, and how. */
const saidOtherwise: Readonly<Record<string, string>> = {
  lowrouter_build_info: "the resource's service.version",
  process_start_time_seconds: "the time from which process.cpu.time is counted",
};

/** What a collector gets that /metrics has in another shape. */
const besides = ["gen_ai.client.token.usage"];

/** One that has counted something of everything. */
function busyMeter(): Meter {
  const meter = new Meter(() => true);
  const moments = { startedAt: 0, sentAt: 2, firstByteAt: 1000, endedAt: 1003 };
  const failed = { region: "eu-west", model: "c", decision: "failed" } as const;
  const trace = [{ ...failed, provider: "bedrock", reason: "upstream_500" }];
  meter.ended(sampleGeneration(), moments);
  meter.ended(sampleGeneration({ streamed: true }), moments);
  meter.ended(sampleGeneration({ trace, methodology: undefined }), moments);
  meter.refused("not_found");
  meter.committed(5, 7);
  meter.commitFaults = 11;
  return meter;
}

/** No two of these are alike. */
const sights: Sights = {
  version: "1.2.3",
  startedAt: 1_700_000_000,
  residentBytes: 101,
  cpuSeconds: { user: 10.25, system: 0.5 },
  inFlight: 103,
  currency: "EUR",
  providers: [
    { provider: "bedrock", inFlight: 104, waiting: 105 },
    { provider: "openai", inFlight: 106, waiting: 107 },
  ],
  circuits: [
    { provider: "openai", model: "a", region: "eu-west", state: "ok" },
    { provider: "bedrock", model: "a", region: "eu-west", state: "degraded" },
    { provider: "openai", model: "b", region: "eu-west", state: "unavailable" },
  ],
  spool: {
    since: 1_700_000_001_000,
    rows: 108,
    bytes: 109,
    mostBytes: 110,
    oldestSeconds: 11.5,
    refused: 112,
    faults: 113,
    leftBytes: 114,
  },
};
const sender = { serviceName: "x", version: "1.2.3", instance: "proc_1" };
const times = { startedAt: 1_700_000_002_000, now: 1_700_000_003_000, currency: "EUR" };

interface Family {
  type: string;
  /** Of all samples; of a histogram, of what it added up. */
  sum: number;
}

function familiesOf(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  for (const line of text.split("\n")) {
    const [, head, type = ""] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (head !== undefined) families.set(head, { type, sum: 0 });
    const [, name = "", value] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
    const family = families.get(name) ?? families.get(name.replace(/_sum$/, ""));
    if (family !== undefined) family.sum += Number(value);
  }
  return families;
}

const kinds: Readonly<Record<string, readonly string[]>> = {
  counter: ["counter"],
  gauge: ["level", "gauge"],
  histogram: ["histogram"],
};

test("a collector is sent what /metrics says, family by family, and what it is not is listed with the reason", () => {
  const meter = busyMeter();
  const families = familiesOf(prometheusText(meter, sights));
  expect([...families.keys()].toSorted()).toEqual(
    [...Object.keys(counterparts), ...Object.keys(saidOtherwise)].toSorted(),
  );
  const sent = metricsIn(metricsExport(meter, sender, { ...times, sights }));
  expect(sent.map(({ name }) => name).toSorted()).toEqual(
    [...Object.values(counterparts).map(([name]) => name), ...besides].toSorted(),
  );
  for (const [family, [name, unit]] of Object.entries(counterparts)) {
    const { type = "", sum = 0 } = families.get(family) ?? {};
    const metric = sent.find((one) => one.name === name);
    const value = metric?.points.reduce((all, point) => all + point.value, 0);
    expect([name, metric?.unit, value]).toEqual([name, unit, sum]);
    expect([name, sum > 0]).toEqual([name, true]);
    expect(kinds[type]).toContain(metric?.kind);
  }
});

test("what no sum means anything of is a gauge: several processes would add up the same files, ages and states", () => {
  const sent = metricsIn(metricsExport(busyMeter(), sender, { ...times, sights }));
  const gauges = sent.filter(({ kind }) => kind === "gauge").map(({ name }) => name);
  expect(gauges.toSorted()).toEqual([
    "lowrouter.circuit.state",
    "lowrouter.spool.left_usage",
    "lowrouter.spool.oldest_age",
  ]);
});

test("what is counted since another moment says since when", () => {
  const text = JSON.stringify(metricsExport(busyMeter(), sender, { ...times, sights }));
  const since = (name: string) =>
    new RegExp(`"name":"${name}".*?"startTimeUnixNano":"(\\d+)"`).exec(text)?.[1];
  expect(since("lowrouter.spool.refused_rows")).toBe("1700000001000000000");
  expect(since("process.cpu.time")).toBe("1700000000000000000");
  expect(since("lowrouter.commits")).toBe("1700000002000000000");
});

test("the documentation names every metric that is sent, and no other", async () => {
  const file = join(import.meta.dir, "../../src/web/content/operating/opentelemetry.md");
  const [, part = ""] = (await Bun.file(file).text()).split(/^## Metrics$/m);
  const [section = ""] = part.split(/^## /m);
  const rows = [...section.matchAll(/^\|\s*(`.+?)\s*\|\s*(.+?)\s*\|/gm)];
  const told = rows.flatMap(([, names = ""]) => names.match(/(?<=`)[\w.]+(?=`)/g) ?? []);
  const sent = metricsIn(metricsExport(busyMeter(), sender, { ...times, sights }));
  expect(told.toSorted()).toEqual(sent.map(({ name }) => name).toSorted());
});

describe("a gateway", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let collector: Collector;
  let file: Store;
  let lines: string[];
  beforeEach(async () => {
    folder = temporaryFolder();
    collector = startCollector();
    file = await openStore({ url: loadConfig({ dataDir: folder.path }, {}).database.url });
    lines = [];
  });
  afterEach(async () => {
    await file.close();
    collector[Symbol.dispose]();
    folder[Symbol.dispose]();
  });
  const log = createLog({
    clock: systemClock,
    level: "warn",
    format: "json",
    write: (line) => void lines.push(line),
  });
  const now = (name: string) => collector.metrics.get(name)?.points[0]?.value;
  function start(store: Store, legacy?: Legacy) {
    const config = loadConfig({ dataDir: folder.path }, {});
    config.otel = { endpoint: collector.url, serviceName: "x", headers: {} };
    return createGateway({ config, store, log, legacy });
  }

  test("whose database is elsewhere sends what waits for it", async () => {
    let isAway = false;
    const store: Store = {
      ...file,
      kind: "remote",
      async write(statements) {
        if (isAway) throw new StoreError("unavailable", "away");
        return file.write(statements);
      },
    };
    const { app, close } = await start(store);
    await app.telemetry?.flush();
    expect(now("lowrouter.spool.rows")).toBe(0);
    isAway = true;
    for (let rows = 0; rows < 3; rows++)
      await app.ledger.record({ generation: sampleGeneration(), movements: [] });
    await app.telemetry?.flush();
    expect(now("lowrouter.spool.rows")).toBe(3);
    expect(now("lowrouter.spool.usage")).toBeGreaterThan(1000);
    expect(now("lowrouter.spool.limit")).toBeGreaterThan(now("lowrouter.spool.usage") ?? Infinity);
    expect(now("lowrouter.spool.oldest_age")).toBeGreaterThan(0);
    expect(now("lowrouter.spool.write_faults")).toBe(0);
    // What cannot be looked at keeps back nothing else.
    renameSync(join(folder.path, "spool"), join(folder.path, "moved"));
    writeFileSync(join(folder.path, "spool"), "");
    app.telemetry?.refused("not_found");
    collector.metrics.clear();
    await app.telemetry?.flush();
    expect([now("lowrouter.refusals"), now("lowrouter.spool.rows")]).toEqual([1, undefined]);
    expect(lines.join("")).toContain('"telemetry_failed"');
    rmSync(join(folder.path, "spool"));
    renameSync(join(folder.path, "moved"), join(folder.path, "spool"));
    await close();
  }, 20_000);

  test("whose place another takes goes on to send what both count, and leaves what is to be seen to that one", async () => {
    const first = await start(file);
    const second = await start(file, first.legacy());
    second.app.telemetry?.refused("not_found");
    await first.app.telemetry?.flush();
    expect([now("lowrouter.refusals"), now("lowrouter.active_requests")]).toEqual([1, undefined]);
    expect(first.app.telemetry?.look()?.inFlight).toBe(0);
    await second.app.telemetry?.flush();
    expect([now("lowrouter.refusals"), now("lowrouter.active_requests")]).toEqual([1, 0]);
    await first.close();
    await second.close();
  });
});

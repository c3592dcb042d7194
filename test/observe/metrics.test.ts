import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Meter, mostSeries } from "#src/observe/meter.ts";
import { prometheusText } from "#src/observe/prometheus.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";

/** A sample of the exposition. */
interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*)\})? (\S+)$/;

/** Reads the text format as Prometheus does, and throws for what it would not take. */
function read(text: string): Sample[] {
  const types = new Map<string, string>();
  const seen = new Set<string>();
  expect(text.endsWith("\n")).toBe(true);
  return text.split("\n").flatMap((one): Sample[] => {
    if (one === "") return [];
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(one) ?? [];
    if (kind === "TYPE") {
      expect(types.has(name)).toBe(false);
      types.set(name, rest);
    }
    if (kind !== undefined) return [];
    const found = line.exec(one);
    if (found === null) throw new Error(`Not a sample: ${one}`);
    const [, full = "", labels = "", value = ""] = found;
    const family = types.has(full) ? full : full.replace(/_(bucket|sum|count)$/, "");
    expect([one, types.has(family)]).toEqual([one, true]);
    const id = `${full}{${labels}}`;
    expect([id, seen.has(id)]).toEqual([id, false]);
    seen.add(id);
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, label = "", told = ""]) => [label, told] as const,
    );
    const parsed = value === "+Inf" ? Infinity : Number(value);
    expect([one, Number.isNaN(parsed)]).toEqual([one, false]);
    return [{ name: full, labels: Object.fromEntries(pairs), value: parsed }];
  });
}

const total = (samples: Sample[], name: string, labels: Record<string, string> = {}) =>
  samples
    .filter((one) => one.name === name)
    .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);

const sights = {
  version: "1.2.3",
  startedAt: 0,
  residentBytes: 1,
  cpuSeconds: { user: 1, system: 0 },
  inFlight: 0,
  currency: "EUR",
  providers: [],
  circuits: [],
};
const moments = { startedAt: 0, sentAt: 2, firstByteAt: 1000, endedAt: 1003 };

describe("/metrics", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ config: (config) => (config.metrics.enabled = true) });
  });
  afterAll(() => gateway.close());
  const scrape = async () => {
    const told = await gateway.ask("/metrics", { key: null });
    expect(told.status).toBe(200);
    expect(told.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    return read(told.text);
  };

  test("adds up to what the ledger holds, and names no key, user or prompt", async () => {
    const canary = "CANARY-metrics";
    await gateway.chat({ user: "somebody", messages: [{ role: "user", content: canary }] });
    await (await gateway.open({ stream: true })).text();
    await gateway.chat({ model: "mistral/mistral-small-3.2" });
    const missing = await gateway.chat({ model: "nobody/nothing" });
    expect(missing.status).toBe(404);
    await gateway.ask("/v1/chat/completions", { key: "lr_live_wrong", body: {} });
    const samples = await scrape();
    const [row] = await gateway.store.read(
      `SELECT count(*) AS requests, sum(energy_wh) AS energy, sum(carbon_g) AS carbon, sum(cost) AS cost,
       sum(output_visible) AS output, sum(latency_ms) AS latency FROM generation`,
      [],
    );
    expect(total(samples, "lowrouter_requests_total")).toBe(Number(row?.["requests"]));
    expect(total(samples, "lowrouter_requests_total", { model: "mistral/mistral-small-3.2" })).toBe(
      1,
    );
    expect(total(samples, "lowrouter_energy_wh_total")).toBeCloseTo(Number(row?.["energy"]), 9);
    expect(
      total(samples, "lowrouter_carbon_grams_total", { methodology_version: "v0.4-2026-01" }),
    ).toBeCloseTo(Number(row?.["carbon"]), 9);
    expect(total(samples, "lowrouter_cost_total", { currency: "USD" })).toBeCloseTo(
      Number(row?.["cost"]) / 1e9,
      12,
    );
    expect(total(samples, "lowrouter_tokens_total", { class: "output" })).toBe(
      Number(row?.["output"]),
    );
    expect(total(samples, "lowrouter_request_seconds_count")).toBe(Number(row?.["requests"]));
    expect(total(samples, "lowrouter_first_byte_seconds_count")).toBe(1);
    expect(total(samples, "lowrouter_overhead_seconds_count", { part: "before" })).toBe(3);
    expect(total(samples, "lowrouter_overhead_seconds_count", { part: "after" })).toBe(2);
    expect(total(samples, "lowrouter_refusals_total", { code: "model_not_found" })).toBe(1);
    expect(total(samples, "lowrouter_refusals_total", { code: "invalid_api_key" })).toBe(1);
    expect(total(samples, "lowrouter_commit_rows_total")).toBe(Number(row?.["requests"]));
    expect(total(samples, "lowrouter_requests_in_flight")).toBe(0);
    expect(samples.some(({ name }) => name === "lowrouter_circuit_state")).toBe(true);
    const names = new Set(samples.flatMap(({ labels }) => Object.keys(labels)));
    expect([...names].filter((name) => /key|user|app|account/.test(name))).toEqual([]);
    const { text } = await gateway.ask("/metrics", { key: null });
    for (const secret of [canary, "somebody", gateway.key, "test key"])
      expect(text).not.toContain(secret);
  });

  test("shows attempts that failed, and what is shut", async () => {
    const place = gateway.places.all.mistralFr;
    place.behave({ status: 503 });
    for (let tries = 0; tries < 3; tries++)
      await gateway.chat({ model: "mistral/mistral-small-3.2", route: { provider: "mistral" } });
    place.behave({});
    const samples = await scrape();
    expect(
      total(samples, "lowrouter_failed_attempts_total", {
        provider: "mistral",
        reason: "upstream_503",
      }),
    ).toBeGreaterThanOrEqual(3);
    expect(total(samples, "lowrouter_circuit_state", { provider: "mistral" })).toBe(2);
  });

  test.each(["x-forwarded-for", "forwarded", "x-real-ip", "via"])(
    "is not shown through a proxy that sets %s",
    async (name) => {
      const told = await gateway.ask("/metrics", { key: null, headers: { [name]: "203.0.113.9" } });
      expect(told.status).toBe(401);
      expect(at(told.json, "error.message")).toContain("LOWROUTER_METRICS_TOKEN");
    },
  );
});

test("/metrics is not there where it is off", async () => {
  const gateway = await startGateway();
  expect((await gateway.ask("/metrics", { key: null })).status).toBe(404);
  await gateway.close();
});

test("/metrics says the same start of the process whenever it is asked, also where the clock was set", async () => {
  const clock = createFakeClock(systemClock.now());
  const gateway = await startGateway({
    clock,
    config: (config) => (config.metrics.enabled = true),
  });
  const start = async () => {
    const { text } = await gateway.ask("/metrics", { key: null });
    return total(read(text), "process_start_time_seconds");
  };
  const first = await start();
  expect(Math.abs(first - (systemClock.now() / 1000 - process.uptime()))).toBeLessThan(5);
  for (const set of [400, 3_600_000, -7_200_000]) {
    clock.set(clock.now() + set);
    expect(await start()).toBe(first);
  }
  await gateway.close();
});

test("/metrics with a token is shown to whoever has it, from anywhere, and to nobody else", async () => {
  const gateway = await startGateway({
    config: (config) =>
      (config.metrics = { enabled: true, overheadHeader: false, token: "sesame" }),
  });
  const ask = async (headers: Record<string, string>) =>
    (await gateway.ask("/metrics", { key: null, headers })).status;
  expect(await ask({})).toBe(401);
  expect(await ask({ authorization: "Bearer wrong" })).toBe(401);
  expect(await ask({ authorization: `Bearer ${gateway.key}` })).toBe(401);
  expect(await ask({ authorization: "Bearer sesame" })).toBe(200);
  expect(await ask({ authorization: "Bearer sesame", "x-forwarded-for": "203.0.113.9" })).toBe(200);
  await gateway.close();
});

describe("a meter", () => {
  test("tells so many models, providers and regions apart, and counts the rest together", () => {
    const meter = new Meter(() => true);
    for (let at = 0; at < mostSeries + 50; at++)
      meter.ended(sampleGeneration({ model: `maker/model-${at}` }), moments);
    expect(meter.series).toHaveLength(mostSeries + 1);
    const samples = read(prometheusText(meter, sights));
    expect(total(samples, "lowrouter_requests_total")).toBe(mostSeries + 50);
    expect(total(samples, "lowrouter_requests_total", { model: "other" })).toBe(50);
  });

  test("names no model that the catalogue does not: a client may write anything", () => {
    const meter = new Meter((model) => model === "openai/gpt-5.4");
    for (const model of ["openai/gpt-5.4", 'a"b\\c\n<script>', "x".repeat(9000), "openai/gpt-5.4"])
      meter.ended(sampleGeneration({ model }), moments);
    const text = prometheusText(meter, sights);
    expect(text).not.toContain("script");
    expect(text).not.toContain("xxxx");
    const samples = read(text);
    expect(total(samples, "lowrouter_requests_total", { model: "other" })).toBe(2);
    expect(total(samples, "lowrouter_requests_total", { model: "openai/gpt-5.4" })).toBe(2);
  });

  test("escapes what stands in a label", () => {
    const meter = new Meter(() => true);
    meter.ended(sampleGeneration({ region: 'a"b\\c\nd' }), moments);
    const [one] = read(prometheusText(meter, sights));
    expect(one?.labels["region"]).toBe('a\\"b\\\\c\\nd');
  });

  test("keeps the carbon of each methodology apart, and counts what has no estimate", () => {
    const meter = new Meter(() => true);
    const none = { energyWh: undefined, carbonG: undefined, methodology: undefined };
    meter.ended(sampleGeneration({ carbonG: 1, methodology: "v0.4-2026-01" }), moments);
    meter.ended(sampleGeneration({ carbonG: 2, methodology: "v0.11-2026-10" }), moments);
    meter.ended(sampleGeneration(none), moments);
    const samples = read(prometheusText(meter, sights));
    const of = (version: string) =>
      total(samples, "lowrouter_carbon_grams_total", { methodology_version: version });
    expect([of("v0.4-2026-01"), of("v0.11-2026-10")]).toEqual([1, 2]);
    expect(total(samples, "lowrouter_requests_without_estimate_total")).toBe(1);
  });

  test("has buckets that are cumulative and end with all", () => {
    const meter = new Meter(() => true);
    for (const endedAt of [1, 500, 500_000])
      meter.ended(sampleGeneration(), { ...moments, endedAt });
    const samples = read(prometheusText(meter, sights));
    const buckets = samples.filter(({ name }) => name === "lowrouter_request_seconds_bucket");
    const values = buckets.map(({ value }) => value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect([values[0], values.at(-2), values.at(-1)]).toEqual([1, 2, 3]);
    expect(total(samples, "lowrouter_request_seconds_sum")).toBeCloseTo(500.501, 9);
  });

  test("counts no attempt as failed whose client left, of a hedged request neither of both", () => {
    const meter = new Meter(() => true);
    const at = { provider: "a", region: "b", model: "c", decision: "failed" } as const;
    const left = { ...at, reason: "client_left" };
    meter.ended(sampleGeneration({ trace: [left, left] }), moments);
    expect(total(read(prometheusText(meter, sights)), "lowrouter_failed_attempts_total")).toBe(0);
    const trace = [{ ...at, reason: "upstream_500" }, left];
    meter.ended(sampleGeneration({ trace }), moments);
    expect(meter.failedAttempts).toEqual(new Map([["a", new Map([["upstream_500", 1]])]]));
  });

  test("counts what comes before the upstream only where the first that was tried answered", () => {
    const meter = new Meter(() => true);
    const failed = {
      provider: "a",
      region: "b",
      model: "c",
      decision: "failed",
      reason: "x",
    } as const;
    meter.ended(sampleGeneration({ trace: [failed] }), moments);
    expect([meter.before.count, meter.after.count]).toEqual([0, 1]);
    meter.ended(sampleGeneration({ streamed: true }), moments);
    expect([meter.before.count, meter.after.count]).toEqual([1, 1]);
    expect(meter.before.sum).toBeCloseTo(0.002, 9);
    expect(meter.after.sum).toBeCloseTo(0.003, 9);
  });
});

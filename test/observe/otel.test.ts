import type { JsonObject } from "#src/lib/json.ts";
import { requireOfficial } from "#test/observe/official-otlp.ts";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { millisecondsUntil } from "#test/lib/milliseconds-until.ts";
import { type Collector, startCollector } from "#test/observe/collector.ts";

const canary = "CANARY-7f3a-secret-words";
const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";

let collector: Collector;
let gateway: TestGateway;
beforeAll(async () => {
  collector = startCollector();
  gateway = await startGateway({
    config: (config) => {
      config.otel = {
        endpoint: collector.url,
        serviceName: "gateway-of-tests",
        headers: { "x-collector-key": "sesame" },
      };
    },
  });
});
afterAll(async () => {
  await gateway.close();
  collector[Symbol.dispose]();
});

const flush = () => gateway.app.telemetry?.flush();
/** The span of an answer. */
async function spanOf(generationId: unknown) {
  await flush();
  const found = collector.spans.filter(
    (span) => span.facts["lowrouter.generation_id"] === generationId,
  );
  expect(found).toHaveLength(1);
  const [span] = found;
  if (span === undefined) throw new Error("There is no span");
  return span;
}

describe("traces", () => {
  test("hold one span for a request, which goes on in the client's trace, with usage, cost and eco", async () => {
    const told = await gateway.chat(
      { messages: [{ role: "user", content: canary }], user: "somebody" },
      { traceparent: `00-${trace}-${parent}-01`, tracestate: "vendor=1" },
    );
    expect(told.status).toBe(200);
    const span = await spanOf(at(told.json, "lowrouter.generation_id"));
    expect(span).toMatchObject({
      traceId: trace,
      parentSpanId: parent,
      traceState: "vendor=1",
      name: "chat openai/gpt-4o-mini",
      kind: 3,
      status: {},
    });
    expect(span.end).toBeGreaterThanOrEqual(span.start);
    expect(span.start).toBeGreaterThan(1_700_000_000_000_000_000n);
    expect(span.facts).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.response.model": "openai/gpt-4o-mini",
      "gen_ai.usage.input_tokens": at(told.json, "usage.prompt_tokens"),
      "gen_ai.usage.output_tokens": at(told.json, "usage.completion_tokens"),
      "lowrouter.region": at(told.json, "lowrouter.region"),
      "lowrouter.cost": at(told.json, "usage.cost"),
      "lowrouter.currency": "USD",
      "lowrouter.eco.energy_wh": at(told.json, "lowrouter.eco.energy_wh"),
      "lowrouter.eco.carbon_g": at(told.json, "lowrouter.eco.carbon_g"),
      "lowrouter.eco.accuracy": at(told.json, "lowrouter.eco.accuracy"),
      "lowrouter.eco.methodology_version": at(told.json, "lowrouter.eco.methodology_version"),
    });
    expect(collector.resources.at(-1)).toMatchObject({ "service.name": "gateway-of-tests" });
    const sent = collector.requests.find(({ path }) => path === "/v1/traces");
    expect(sent?.headers.get("x-collector-key")).toBe("sesame");
    expect(sent?.headers.get("content-type")).toBe("application/json");
  });

  test("hold streams and refusals of providers, with the attempts that failed", async () => {
    const streamed = await gateway.open({ stream: true });
    const text = await streamed.text();
    const [, id = ""] = /"generation_id":"(gen_\w+)"/.exec(text) ?? [];
    const span = await spanOf(id);
    expect(span.facts).toMatchObject({ "lowrouter.streamed": true, "lowrouter.status": "ok" });
    expect(span.parentSpanId).toBeUndefined();
    for (const place of Object.values(gateway.places.all)) place.behave({ status: 500 });
    try {
      const broken = await gateway.chat();
      expect(broken.status).toBeGreaterThanOrEqual(500);
      const failed = await spanOf(broken.headers.get("x-lowrouter-generation-id"));
      expect(failed.status).toMatchObject({ code: 2 });
      expect(failed.facts["error.type"]).toBe("upstream_error");
      expect(failed.events.length).toBeGreaterThan(0);
      expect(failed.events[0]).toMatchObject({
        name: "lowrouter.attempt_failed",
        facts: { "lowrouter.reason": "upstream_500" },
      });
    } finally {
      for (const place of Object.values(gateway.places.all)) place.behave({});
    }
  });

  test("hold no failed attempt of a provider whose client left", async () => {
    for (const place of Object.values(gateway.places.all)) place.behave({ fault: "silent" });
    try {
      const leave = new AbortController();
      const asked = gateway.open({}, leave.signal).catch(() => undefined);
      const isAsked = () => gateway.app.inFlight.crowd("openai").inFlight > 0;
      await millisecondsUntil(isAsked);
      leave.abort();
      await asked;
      const read = "SELECT id, trace FROM generation WHERE status = 'client_cancelled'";
      const rows = () => gateway.store.read(read, []);
      await gateway.until(async () => (await rows()).length === 1);
      const [row] = await rows();
      expect(row?.["trace"]).toContain("client_left");
      const span = await spanOf(row?.["id"]);
      expect([span.facts["lowrouter.status"], span.events]).toEqual(["client_cancelled", []]);
    } finally {
      for (const place of Object.values(gateway.places.all)) place.behave({});
    }
  });

  test("leave out what the client does not record, and read no broken traceparent", async () => {
    const unsampled = await gateway.chat({}, { traceparent: `00-${trace}-${parent}-00` });
    await flush();
    const id = at(unsampled.json, "lowrouter.generation_id");
    expect(collector.spans.some(({ facts }) => facts["lowrouter.generation_id"] === id)).toBe(
      false,
    );
    const broken = await gateway.chat({}, { traceparent: "00-nonsense" });
    const span = await spanOf(at(broken.json, "lowrouter.generation_id"));
    expect(span.parentSpanId).toBeUndefined();
    expect(span.traceId).not.toBe(trace);
  });

  test("hold no word of a prompt or an answer, no key and no user", async () => {
    await flush();
    const all = collector.requests.map(({ text }) => text).join();
    expect(all).toContain("lowrouter.generation_id");
    expect(all).not.toContain(canary);
    expect(all).not.toContain("somebody");
    expect(all).not.toContain(gateway.key);
    expect(all).not.toContain("key_id");
  });
});

describe("metrics", () => {
  test("add up to what the ledger holds", async () => {
    await flush();
    const [row] = await gateway.store.read(
      `SELECT count(*) AS requests, sum(energy_wh) AS energy, sum(carbon_g) AS carbon, sum(cost) AS cost,
       sum(input_fresh + cache_read + cache_write_5m + cache_write_1h) AS input FROM generation`,
      [],
    );
    const total = (name: string, picked: Record<string, unknown> = {}) =>
      (collector.metrics.get(name)?.points ?? [])
        .filter(({ facts }) => Object.entries(picked).every(([key, value]) => facts[key] === value))
        .reduce((sum, { value }) => sum + value, 0);
    expect(total("lowrouter.requests")).toBe(Number(row?.["requests"]));
    expect(total("lowrouter.eco.energy")).toBeCloseTo(Number(row?.["energy"]), 9);
    expect(total("lowrouter.eco.carbon")).toBeCloseTo(Number(row?.["carbon"]), 9);
    expect(total("lowrouter.cost")).toBeCloseTo(Number(row?.["cost"]) / 1e9, 12);
    expect(total("gen_ai.client.token.usage", { "gen_ai.token.type": "input" })).toBe(
      Number(row?.["input"]),
    );
    const durations = collector.metrics.get("gen_ai.client.operation.duration");
    expect(durations?.unit).toBe("s");
    const counted = durations?.points.flatMap(({ counts }) => counts) ?? [];
    expect(counted.reduce((sum, one) => sum + one, 0)).toBe(Number(row?.["requests"]));
    expect(total("lowrouter.refusals", { "error.type": "upstream_error" })).toBe(1);
  });

  test("tell what is at a provider now, and the rows that were written", async () => {
    const openai = { "gen_ai.provider.name": "openai" };
    const at = (name: string) =>
      collector.metrics
        .get(name)
        ?.points.filter(({ facts }) => facts["gen_ai.provider.name"] === "openai")
        .map(({ facts, value }) => ({ facts, value }));
    for (const place of Object.values(gateway.places.all)) place.behave({ fault: "silent" });
    try {
      const leave = new AbortController();
      const asked = gateway.open({}, leave.signal).catch(() => undefined);
      const { open, inFlight } = gateway.app;
      await millisecondsUntil(() => open.size === 1 && inFlight.crowd("openai").inFlight === 1);
      await flush();
      expect(collector.metrics.get("lowrouter.active_requests")?.points[0]?.value).toBe(1);
      expect(at("lowrouter.provider.active_requests")).toEqual([{ facts: openai, value: 1 }]);
      expect(at("lowrouter.provider.waiting_requests")).toEqual([{ facts: openai, value: 0 }]);
      leave.abort();
      await asked;
    } finally {
      for (const place of Object.values(gateway.places.all)) place.behave({});
    }
    await gateway.until(() => gateway.app.open.size === 0);
    await flush();
    expect(collector.metrics.get("lowrouter.active_requests")?.points[0]?.value).toBe(0);
    const [row] = await gateway.store.read("SELECT count(*) AS rows FROM generation", []);
    expect(collector.metrics.get("lowrouter.commit.rows")?.points[0]?.value).toBe(
      Number(row?.["rows"]),
    );
    expect(collector.metrics.has("lowrouter.spool.rows")).toBe(false);
  });
});

test("a collector that is silent, refuses or is away keeps no request waiting", async () => {
  using silent = startCollector();
  const { promise: never, resolve: letGo } = Promise.withResolvers<undefined>();
  silent.answer(() => never);
  const away = "http://127.0.0.1:9";
  for (const endpoint of [silent.url, away]) {
    const stuck = await startGateway({
      config: (config) => (config.otel = { endpoint, serviceName: "x", headers: {} }),
    });
    expect((await stuck.chat()).status).toBe(200);
    void stuck.app.telemetry?.flush();
    expect((await stuck.chat()).status).toBe(200);
    const from = performance.now();
    await stuck.close();
    expect(performance.now() - from).toBeLessThan(6000);
  }
  letGo(undefined);
}, 20_000);

test("nothing is counted or sent where nobody wants to know", async () => {
  const quiet = await startGateway();
  expect(quiet.app.telemetry).toBeUndefined();
  await quiet.close();
});

test("the stand-in for a collector takes nothing that the official protocol does not carry", () => {
  const metric = { name: "m", unit: "s", gauge: { dataPoints: [{ asDouble: 1.5 }] } };
  const body = (one: JsonObject) => ({ resourceMetrics: [{ scopeMetrics: [{ metrics: [one] }] }] });
  expect(() => requireOfficial("/v1/metrics", body(metric))).not.toThrow();
  for (const wrong of [
    { ...metric, units: "s" },
    { ...metric, gauge: { points: [{}] } },
  ])
    expect(() => requireOfficial("/v1/metrics", body(wrong))).toThrow();
  expect(() => requireOfficial("/v1/traces", body(metric))).toThrow();
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { Meter } from "#src/observe/meter.ts";
import { prometheusText } from "#src/observe/prometheus.ts";
import { at, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { startDocs } from "#test/web/docs-kit.ts";

const content = join(import.meta.dir, "../../src/web/content");

/** Alert rules as Prometheus takes them. Source: prometheus.io/docs/prometheus/latest/configuration/alerting_rules */
const rules = v.strictObject({
  groups: v.array(
    v.strictObject({
      name: v.string(),
      rules: v.array(
        v.strictObject({
          alert: v.pipe(v.string(), v.regex(/^LowRouter[A-Z][A-Za-z]+$/)),
          expr: v.string(),
          for: v.optional(v.pipe(v.string(), v.regex(/^\d+[smh]$/))),
          labels: v.strictObject({ severity: v.picklist(["warning", "critical"]) }),
          annotations: v.strictObject({ summary: v.string(), description: v.string() }),
        }),
      ),
    }),
  ),
});
const dashboard = v.looseObject({
  uid: v.literal("lowrouter"),
  templating: v.looseObject({ list: v.array(v.looseObject({ name: v.string() })) }),
  panels: v.array(
    v.looseObject({
      id: v.number(),
      title: v.pipe(v.string(), v.minLength(1)),
      gridPos: v.strictObject({ h: v.number(), w: v.number(), x: v.number(), y: v.number() }),
      targets: v.optional(v.array(v.looseObject({ expr: v.string(), refId: v.string() }))),
    }),
  ),
});

/** Labels that Prometheus adds to every sample. */
const scraped = ["job", "instance"];
/** Words of the query language that stand where a name could. */
const words = new Set(
  "sum rate increase max min count absent changes histogram_quantile by and on".split(" "),
);

/** What a gateway with a remote database has besides. */
function remoteText(): string {
  const none = {
    since: 0,
    rows: 0,
    bytes: 0,
    oldestSeconds: 0,
    refused: 0,
    faults: 0,
    leftBytes: 0,
  };
  const text = prometheusText(new Meter(() => true), {
    ...{ version: "1.2.3", startedAt: 0, residentBytes: 1, inFlight: 0 },
    ...{ cpuSeconds: { user: 1, system: 0 } },
    ...{ currency: "EUR", providers: [], circuits: [] },
    spool: { ...none, mostBytes: 1 },
  });
  const lines = text.split("\n").filter((line) => line.includes("lowrouter_spool_"));
  return lines.join("\n");
}

interface Query {
  metrics: string[];
  labels: string[];
}

/** The metrics and labels that a query names. Throws for brackets that do not close. */
function read(expr: string): Query {
  const plain = expr.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  let closing = "";
  for (const [mark] of plain.matchAll(/[()[\]{}]/g)) {
    if (mark === "(") closing = `)${closing}`;
    else if (mark === "[") closing = `]${closing}`;
    else if (mark === "{") closing = `}${closing}`;
    else if (closing.startsWith(mark)) closing = closing.slice(1);
    else throw new Error(`Unexpected ${mark} in ${expr}`);
  }
  if (closing !== "") throw new Error(`${closing} is missing in ${expr}`);
  const grouped = [...plain.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(
    ([, names = ""]) => names.match(/\w+/g) ?? [],
  );
  const matched = [...plain.matchAll(/\{([^}]*)\}/g)].flatMap(
    ([, names = ""]) => names.match(/\w+(?=\s*(?:=|!))/g) ?? [],
  );
  const rest = plain
    .replace(/\b(by|on) \([^)]*\)/g, "")
    .replace(/\{[^}]*\}/g, "")
    .replace(/\[[^\]]*\]/g, "");
  const metrics = (rest.match(/[a-z_]\w*/g) ?? []).filter((name) => !words.has(name));
  return { metrics, labels: [...grouped, ...matched] };
}

describe("the dashboard and the alert rules", () => {
  let gateway: TestGateway;
  let exposed: Map<string, Set<string>>;
  beforeAll(async () => {
    gateway = await startGateway({ config: (config) => (config.metrics.enabled = true) });
    // Something of everything: whole, streamed, refused, failed at an upstream, without an estimate.
    await gateway.chat();
    await (await gateway.open({ stream: true })).text();
    await gateway.chat({ model: "nobody/nothing" });
    for (const place of Object.values(gateway.places.all)) place.behave({ status: 500 });
    await gateway.chat();
    const told = await gateway.ask("/metrics", { key: null });
    exposed = new Map();
    for (const line of (told.text + remoteText()).split("\n")) {
      const family = /^# TYPE (\S+) (\S+)/.exec(line);
      if (family) {
        const [, name = "", type] = family;
        for (const suffix of type === "histogram" ? ["_bucket", "_sum", "_count"] : [""])
          exposed.set(name + suffix, new Set(scraped));
      }
      const [, name = "", labels = ""] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
      for (const [, label = ""] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g))
        exposed.get(name)?.add(label);
    }
  });
  afterAll(() => gateway.close());

  const alertText = () => Bun.file(join(content, "downloads/lowrouter-alerts.yml")).text();
  const alerts = async () =>
    v.parse(rules, Bun.YAML.parse(await alertText())).groups.flatMap((group) => group.rules);
  const panels = async () => {
    const file = Bun.file(join(content, "downloads/lowrouter-dashboard.json"));
    return v.parse(dashboard, await file.json()).panels;
  };
  /** Labels that a query may name; of a family without a sample so far, those that all of its kind have. */
  const known = (metric: string) => {
    const labels = exposed.get(metric);
    if (labels?.size === scraped.length)
      for (const one of ["provider", "model", "region"]) labels.add(one);
    return labels;
  };
  const faultsOf = (expr: string): string[] => {
    const { metrics, labels } = read(expr);
    const unknown = metrics.filter((name) => !exposed.has(name)).map((name) => `no ${name}`);
    const all = new Set(metrics.flatMap((name) => [...(known(name) ?? [])]));
    const lost = labels.filter((label) => !all.has(label)).map((label) => `no label ${label}`);
    return metrics.length === 0 ? ["no metric"] : [...unknown, ...lost];
  };

  test("ask only for what /metrics has, by labels that it has", async () => {
    const asked = [
      ...(await alerts()).map(({ expr }) => expr),
      ...(await panels()).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ];
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.flatMap((expr) => faultsOf(expr).map((fault) => `${fault}: ${expr}`))).toEqual([]);
    // What would be wrong is seen.
    expect(faultsOf("rate(lowrouter_request_total[5m])")).toEqual(["no lowrouter_request_total"]);
    expect(faultsOf("sum by (key) (lowrouter_requests_in_flight)")).toEqual(["no label key"]);
    expect(() => read("sum(rate(lowrouter_requests_total[5m])")).toThrow("is missing");
  });

  test("leave out no metric that the documentation lists", async () => {
    const used = new Set(
      (await panels()).flatMap(({ targets = [] }) =>
        targets.flatMap(({ expr }) => read(expr).metrics),
      ),
    );
    const families = new Set(
      [...exposed.keys()].map((name) => name.replace(/_(bucket|sum|count)$/, "")),
    );
    const shown = new Set([...used].map((name) => name.replace(/_(bucket|sum|count)$/, "")));
    expect([...families].filter((name) => !shown.has(name))).toEqual([]);
  });

  test("each alert is named once, says what to look at, and fills in only labels that it has", async () => {
    const all = await alerts();
    expect(new Set(all.map(({ alert }) => alert)).size).toBe(all.length);
    const page = await Bun.file(join(content, "operating/metrics.md")).text();
    expect(all).toHaveLength(15);
    expect(page).toContain("fifteen rules");
    for (const { alert, expr, annotations } of all) {
      const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.match(/\w+/g);
      const labels = new Set(
        kept ?? read(expr).metrics.flatMap((name) => [...(known(name) ?? [])]),
      );
      for (const text of Object.values(annotations)) {
        expect(text).not.toBe("");
        for (const [, label = ""] of text.matchAll(/\$labels\.(\w+)/g))
          expect([alert, label, labels.has(label)]).toEqual([alert, label, true]);
      }
    }
  });

  test("what an alert says to look at is there", async () => {
    const named = (await alerts()).flatMap(({ annotations }) =>
      Object.values(annotations).flatMap((text) => text.match(/lowrouter_\w+/g) ?? []),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !exposed.has(name))).toEqual([]);
  });

  test("requests that are turned away wake nobody at night, for /readyz may be content", async () => {
    const none = await gateway.chat({ route: { region: "ap-south" } });
    const ready = await gateway.ask("/readyz", { key: null });
    expect([none.status, at(none.json, "error.code")]).toEqual([503, "service_unavailable"]);
    expect(ready.status).toBe(200);
    const alert = (await alerts()).find(({ expr }) => expr.includes('code="service_unavailable"'));
    expect(alert?.labels.severity).toBe("warning");
    for (const place of ["/readyz", "lowrouter_circuit_state", "lowrouter_provider_waiting"])
      expect(alert?.annotations.description).toContain(place);
  });

  test("panels do not lie on each other, and each has an id of its own", async () => {
    const all = await panels();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const cells = new Set<string>();
    for (const { title, gridPos } of all) {
      const { x, y, w, h } = gridPos;
      expect([title, x + w <= 24]).toEqual([title, true]);
      for (let column = x; column < x + w; column++)
        for (let line = y; line < y + h; line++) {
          const cell = `${column},${line}`;
          expect([title, cell, cells.has(cell)]).toEqual([title, cell, false]);
          cells.add(cell);
        }
    }
  });
});

test("both come out of the gateway as files to keep; others are not there", async () => {
  const site = await startDocs();
  try {
    const alerts = await site.get("/docs/downloads/lowrouter-alerts.yml");
    expect([alerts.status, alerts.headers.get("content-type")]).toEqual([
      200,
      "application/yaml; charset=utf-8",
    ]);
    expect(alerts.headers.get("content-disposition")).toBe(
      'attachment; filename="lowrouter-alerts.yml"',
    );
    expect(await alerts.text()).toBe(
      await Bun.file(join(content, "downloads/lowrouter-alerts.yml")).text(),
    );
    const board = await site.get("/docs/downloads/lowrouter-dashboard.json");
    expect(board.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await board.json()).toEqual(
      await Bun.file(join(content, "downloads/lowrouter-dashboard.json")).json(),
    );
    const none = await site.get("/docs/downloads/other.yml");
    expect(none.status).toBe(404);
    expect(await none.text()).toContain("lowrouter-alerts.yml and lowrouter-dashboard.json");
  } finally {
    await site.close();
  }
});

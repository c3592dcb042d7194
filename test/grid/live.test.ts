import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ConfigError } from "#src/config/error.ts";
import { createCatalogue } from "#src/catalogue.ts";
import { loadConfig } from "#src/config/load.ts";
import { loadEco } from "#src/eco/load.ts";
import type { RouteTable } from "#src/gateway/context.ts";
import { gridsOfFile } from "#src/imported-grids.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import { openLiveGrid } from "#src/open-live-grid.ts";
import { createLiveGrid, type LiveState } from "#src/provider/live-grid.ts";
import { liveSource } from "#src/provider/live-grid-sources.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { at, listAt, startGateway } from "#test/lib/gateway.ts";
import { routeAt } from "#test/provider/route.ts";

/** A double of the sources on loopback, that answers what a test says. */
let answer: (request: Request) => Response | Promise<Response>;
let asked: { path: string; headers: Headers }[];
let server: ReturnType<typeof Bun.serve>;
beforeEach(() => {
  asked = [];
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname, search } = new URL(request.url);
      asked.push({ path: pathname + search, headers: request.headers });
      return answer(request);
    },
  });
});
afterEach(() => server.stop(true));

const clockAt = Date.UTC(2026, 0, 15, 10, 30);
const zones = new Map([
  ["GBR", "GB"],
  ["FRA", "FR"],
  ["US-SRVC", undefined],
]);

type Source = Parameters<typeof liveSource>[0];

function live(source: Source, clock: FakeClock = createFakeClock(clockAt)) {
  const turns: LiveState[] = [];
  const grid = createLiveGrid({
    source: liveSource(source, "a-key"),
    baseUrl: `http://127.0.0.1:${server.port}`,
    zones,
    clock,
    deadlineMs: 200,
    onTurn: (state) => void turns.push(state),
  });
  return { grid, clock, turns };
}

/** Answers of the shapes that the sources give, as their documentation has it (none can be reached where tests run), with times near the clock's. */
const british = (forecast: number | null, actual: number | null, from = "2026-01-15T10:00Z") =>
  `{"data":[{"from":"${from}","to":"2026-01-15T10:30Z","intensity":{"forecast":${forecast},"actual":${actual},"index":"moderate"}}]}`;
const french = (rate: unknown, time = "2026-01-15T10:15:00+00:00") =>
  `{"total_count": 7312, "results": [{"date_heure": "${time}", "taux_co2": ${JSON.stringify(rate)}}]}`;
const mapped = (zone: string, change: Record<string, unknown> = {}) =>
  JSON.stringify({
    zone,
    carbonIntensity: 42,
    datetime: "2026-01-15T10:00:00.000Z",
    updatedAt: "2026-01-15T10:05:12.000Z",
    createdAt: "2026-01-12T10:00:00.000Z",
    emissionFactorType: "lifecycle",
    isEstimated: false,
    estimationMethod: null,
    ...change,
  });

describe("each source is asked in its own way and read", () => {
  test("the British, whose running slot has a forecast alone", async () => {
    answer = () => new Response(british(266, null));
    const { grid } = live("uk-carbon-intensity");
    await grid.refresh();
    expect(asked.map(({ path }) => path)).toEqual(["/intensity"]);
    expect(grid.states()).toMatchObject([
      {
        zone: "GBR",
        state: "live",
        reading: {
          gPerKwh: 266,
          at: Date.UTC(2026, 0, 15, 10),
          basis: "direct",
          scope: "consumption",
          estimated: true,
        },
      },
    ]);
    expect(grid.gramsAt("FRA")).toBeUndefined();
    expect(grid.stateOf("FRA")).toBeUndefined();
  });

  test("the British, where the measured figure is there", async () => {
    answer = () => new Response(british(266, 263));
    const { grid } = live("uk-carbon-intensity");
    await grid.refresh();
    expect(grid.stateOf("GBR")?.reading).toMatchObject({ gPerKwh: 263, estimated: false });
  });

  test("the French, for the newest row that has a value", async () => {
    answer = () => new Response(french(17));
    const { grid } = live("rte-eco2mix");
    await grid.refresh();
    expect(asked[0]?.path).toContain("/datasets/eco2mix-national-tr/records?");
    expect(asked[0]?.path).toContain("taux_co2+is+not+null");
    expect(grid.stateOf("FRA")?.reading).toMatchObject({
      gPerKwh: 17,
      at: Date.UTC(2026, 0, 15, 10, 15),
      basis: "direct",
      scope: "production",
    });
  });

  test("the one that covers the world, with its key, zone by zone, and no zone that has no country", async () => {
    answer = ({ url }) => new Response(mapped(new URL(url).searchParams.get("zone") ?? ""));
    const { grid } = live("electricity-maps");
    await grid.refresh();
    expect(asked.map(({ path }) => path)).toEqual([
      "/v3/carbon-intensity/latest?zone=GB",
      "/v3/carbon-intensity/latest?zone=FR",
    ]);
    expect(asked.map(({ headers }) => headers.get("auth-token"))).toEqual(["a-key", "a-key"]);
    expect(grid.stateOf("FRA")?.reading).toMatchObject({
      gPerKwh: 42,
      basis: "lifecycle",
      scope: "consumption",
    });
    expect(grid.stateOf("US-SRVC")).toBeUndefined();
  });
});

describe("what cannot be used is not", () => {
  const wrong: [string, Source, string, string][] = [
    ["no JSON", "uk-carbon-intensity", "<html>busy</html>", "something else than JSON"],
    ["an empty list", "uk-carbon-intensity", '{"data":[]}', "no slot"],
    ["neither figure", "uk-carbon-intensity", british(null, null), "figure is missing"],
    ["another shape", "uk-carbon-intensity", '{"data":{"intensity":3}}', '"data"'],
    ["kilograms", "uk-carbon-intensity", british(0.266, null), "not from 1 to 2000"],
    ["milligrams", "uk-carbon-intensity", british(266000, null), "not from 1 to 2000"],
    ["less than nothing", "uk-carbon-intensity", british(-5, null), "not from 1 to 2000"],
    ["text for a figure", "rte-eco2mix", french("17"), "taux_co2"],
    ["a row without a value", "rte-eco2mix", french(null), "no row with a value"],
    ["a time without a zone", "rte-eco2mix", french(17, "2026-01-15T10:15:00"), "without a zone"],
    ["no time", "rte-eco2mix", french(17, "soon"), "time is missing"],
    ["another unit", "electricity-maps", mapped("GB", { unit: "lbCO2/MWh" }), "another unit"],
    ["another zone", "electricity-maps", mapped("DE"), "of another zone"],
    [
      "a time ahead",
      "electricity-maps",
      mapped("GB", { datetime: "2026-01-15T12:00:00Z" }),
      "clocks",
    ],
    [
      "a factor nobody knows",
      "electricity-maps",
      mapped("GB", { emissionFactorType: "x" }),
      "Type",
    ],
  ];
  test.each(wrong)("%s from %s", async (_, source, text, why) => {
    answer = () => new Response(text);
    const { grid, turns } = live(source);
    await grid.refresh();
    const [state] = grid.states();
    expect(state).toMatchObject({ state: "failed", reading: undefined });
    expect(state?.why).toContain(why);
    expect(grid.gramsAt(state?.zone)).toBeUndefined();
    expect(turns[0]?.why).toBe(String(state?.why));
  });

  test.each([
    ["an error", () => new Response("no", { status: 500 }), "answers 500"],
    ["a refusal of the key", () => new Response("{}", { status: 401 }), "answers 401"],
    [
      "a redirect, which could carry the key away",
      () => Response.redirect("http://127.0.0.1:1/x"),
      "answers 302",
    ],
    ["silence", () => new Promise<Response>(() => {}), "does not answer"],
    ["an endless answer", () => new Response(endless()), "too long"],
    ["a body that stalls", () => new Response(stalling()), "does not answer"],
  ])("%s", async (_, script, why) => {
    answer = script;
    const { grid } = live("uk-carbon-intensity");
    await grid.refresh();
    expect(grid.states()[0]).toMatchObject({ state: "failed", why: expect.stringContaining(why) });
  });
});

test("a reading counts for two hours, then the annual average does, and a new one counts again", async () => {
  let text = british(266, 263);
  answer = () => new Response(text);
  const { grid, clock, turns } = live("uk-carbon-intensity");
  await grid.refresh();
  answer = () => new Response("down", { status: 503 });
  clock.advance(90 * 60_000);
  await grid.refresh();
  expect(grid.stateOf("GBR")).toMatchObject({ state: "live", why: "it answers 503" });
  expect(grid.gramsAt("GBR")).toBe(263);
  clock.advance(1);
  expect(grid.gramsAt("GBR")).toBeUndefined();
  expect(grid.stateOf("GBR")?.state).toBe("stale");
  text = british(100, null, "2026-01-15T12:30Z");
  answer = () => new Response(text);
  clock.advance(60 * 60_000);
  await grid.refresh();
  expect(grid.gramsAt("GBR")).toBe(100);
  expect(turns.map(({ why }) => why)).toEqual(["it answers 503", undefined]);
});

test("a clock of ours that runs late or early takes no reading for one of now", async () => {
  answer = () => new Response(british(266, null));
  const late = live("uk-carbon-intensity", createFakeClock(clockAt - 3 * 3_600_000));
  await late.grid.refresh();
  expect(late.grid.states()[0]).toMatchObject({ state: "failed" });
  const early = live("uk-carbon-intensity", createFakeClock(clockAt + 3 * 3_600_000));
  await early.grid.refresh();
  expect(early.grid.states()[0]).toMatchObject({ state: "stale" });
  expect(early.grid.gramsAt("GBR")).toBeUndefined();
});

test("is asked no oftener than it changes, and sooner after a failure", async () => {
  answer = () => new Response(british(266, null));
  const { grid, clock } = live("uk-carbon-intensity");
  const asks = async (minutes: number) => {
    clock.advance(minutes * 60_000);
    await grid.refresh();
    return asked.length;
  };
  expect([await asks(0), await asks(29), await asks(1)]).toEqual([1, 1, 2]);
  answer = () => new Response("", { status: 500 });
  expect([await asks(30), await asks(4), await asks(1)]).toEqual([3, 3, 4]);
});

test("a place that credentials add while it runs is looked at, too", async () => {
  answer = () => new Response(french(20));
  const config = loadConfig({ dataDir: "unused" }, {});
  config.eco.liveGrid = "rte-eco2mix";
  config.eco.liveGridUrl = `http://127.0.0.1:${server.port}`;
  const { routes: bundled } = createCatalogue(
    config,
    systemClock,
    gridsOfFile(config, systemClock),
  );
  const route = routeAt("house", "eu-west", "house/model");
  const table = (zone: string): RouteTable => ({
    ...bundled,
    models: [route.model],
    of: () => [{ ...route, zone }],
  });
  let routes = table("US-SRVC");
  const grid = openLiveGrid({
    config,
    tables: loadEco(),
    routes: () => routes,
    clock: createFakeClock(clockAt),
    log: createLog({ clock: systemClock, level: "error", format: "json", write: () => {} }),
    siblings: undefined,
  });
  await grid?.refresh();
  expect([grid?.states(), grid?.gramsAt("FRA")]).toEqual([[], undefined]);
  routes = table("FRA");
  await grid?.refresh();
  expect([grid?.states().length, grid?.gramsAt("FRA")]).toEqual([1, 20]);
  await grid?.close();
});

test("closing ends a look that is on its way", async () => {
  answer = () => new Promise<Response>(() => {});
  const grid = createLiveGrid({
    source: liveSource("uk-carbon-intensity", undefined),
    baseUrl: `http://127.0.0.1:${server.port}`,
    zones,
    clock: createFakeClock(clockAt),
    deadlineMs: 60_000,
  });
  const look = grid.refresh();
  await grid.close();
  await look;
  expect(grid.states()[0]?.why).toBeUndefined();
});

describe("a gateway that looks at a live grid", () => {
  const model = "openai/gpt-4o-mini";
  async function started(text: () => string) {
    answer = () => new Response(text());
    const gateway = await startGateway({
      config(config) {
        config.eco.liveGrid = "rte-eco2mix";
        config.eco.liveGridUrl = `http://127.0.0.1:${server.port}`;
      },
    });
    await gateway.app.liveGrid?.refresh();
    return gateway;
  }
  const now = () => new Date(Date.now() - 60_000).toISOString();

  test("keeps the recorded figure on the annual average, and tells the live one beside it", async () => {
    const gateway = await started(() => french(20, now()));
    const reply = await gateway.chat({ model: "mistral/mistral-small-3.2" });
    expect(reply.status).toBe(200);
    const block = at(reply.json, "lowrouter");
    expect(Object.keys(Object(block))).toEqual(["generation_id", "provider", "region", "eco"]);
    const id = String(at(block, "generation_id"));
    const explained = await gateway.ask(`/v1/generation/${id}/eco`);
    expect(at(explained.json, "live")).toMatchObject({
      source: "rte-eco2mix",
      zone: "FRA",
      state: "live",
      g_per_kwh: 20,
      basis: "direct",
      scope: "production",
    });
    const energy = Number(at(block, "eco.energy_wh"));
    expect(at(explained.json, "live.carbon_g")).toBeCloseTo((energy * 20) / 1000, 12);
    expect(at(explained.json, "recorded")).toEqual(at(block, "eco"));
    expect(at(block, "eco.carbon_g")).not.toBeCloseTo((energy * 20) / 1000, 6);
    await gateway.close();
  });

  test("says in the trace and on /status that the annual average stands in", async () => {
    const gateway = await started(() => french(20, "2020-01-15T10:15:00+00:00"));
    const reply = await gateway.chat({ model: "mistral/mistral-small-3.2" });
    const id = String(at(reply.json, "lowrouter.generation_id"));
    const row = await gateway.ask(`/v1/generation/${id}`);
    expect(JSON.stringify(at(row.json, "routing_trace"))).toContain(
      '"live_grid":{"source":"rte-eco2mix","zone":"FRA","state":"stale"}',
    );
    const explained = await gateway.ask(`/v1/generation/${id}/eco`);
    expect(at(explained.json, "live")).toMatchObject({ state: "stale", carbon_g: null });
    expect(gateway.app.liveGrid?.states()).toMatchObject([{ zone: "FRA", state: "stale" }]);
    await gateway.close();
  });

  test("orders by the grid as it is now where low carbon is preferred, and nowhere else", async () => {
    answer = () => new Response(british(1500, null, `${now().slice(0, 16)}Z`));
    const gateway = await startGateway({
      config(config) {
        config.eco.liveGrid = "uk-carbon-intensity";
        config.eco.liveGridUrl = `http://127.0.0.1:${server.port}`;
        const { openai, cloudferro } = config.providers;
        const measured = { protocol: "openai-chat" as const, wh_per_1k_tokens: 1 };
        const price = { input_per_million: 1, output_per_million: 1 };
        config.providers["german"] = {
          ...measured,
          region: "eu-central",
          country: "DE",
          base_url: cloudferro?.base_urls?.["eu-central"],
        };
        config.providers["brit"] = {
          ...measured,
          region: "uk-south",
          country: "GB",
          base_url: openai?.base_urls?.["eu-west"],
        };
        config.models.push(
          { id: "house/pole", provider: "german", upstream: "m", ...price },
          { id: "house/brit", provider: "brit", upstream: "m", ...price },
        );
      },
    });
    const chosen = async (prefer: boolean) => {
      const plugins = [{ id: "auto-router", allowed_models: ["house/*"] }];
      const route = { prefer_low_carbon: prefer };
      const reply = await gateway.chat({ model: "lowrouter/auto", plugins, route });
      const id = String(at(reply.json, "lowrouter.generation_id"));
      const row = await gateway.ask(`/v1/generation/${id}`);
      const taken = listAt(row.json, "routing_trace").find(
        (one) => at(one, "decision") === "selected",
      );
      return `${at(reply.json, "lowrouter.provider")} ${at(taken, "reason")}`;
    };
    await gateway.app.liveGrid?.refresh();
    expect(gateway.app.liveGrid?.gramsAt("GBR")).toBe(1500);
    expect(await chosen(true)).toEndWith("lowest_carbon");
    expect(await chosen(true)).toStartWith("german ");
    expect(await chosen(false)).toStartWith("brit ");
    await gateway.close();
  });

  test("a source that is down holds up neither start nor request", async () => {
    answer = () => new Promise<Response>(() => {});
    const gateway = await startGateway({
      config(config) {
        config.eco.liveGrid = "rte-eco2mix";
        config.eco.liveGridUrl = `http://127.0.0.1:${server.port}`;
      },
    });
    expect((await gateway.chat({ model, route: { prefer_low_carbon: true } })).status).toBe(200);
    await gateway.close();
  });
});

test("the configuration names a source, and a key where it needs one", () => {
  const eco = (env: Record<string, string>) => loadConfig({}, env).eco;
  expect(eco({}).liveGrid).toBe("");
  expect(eco({ LOWROUTER_LIVE_GRID: "rte-eco2mix" }).liveGrid).toBe("rte-eco2mix");
  expect(() => eco({ LOWROUTER_LIVE_GRID: "electricity-maps" })).toThrow("ELECTRICITY_MAPS_TOKEN");
  expect(() => eco({ LOWROUTER_LIVE_GRID: "watttime" })).toThrow(ConfigError);
  const both = { LOWROUTER_LIVE_GRID: "electricity-maps", ELECTRICITY_MAPS_TOKEN: "k" };
  expect(eco(both)).toMatchObject({ liveGrid: "electricity-maps", liveGridToken: "k" });
});

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024).fill(32)),
  });
}

function stalling(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"data":[')),
  });
}

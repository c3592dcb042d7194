import type { Model, Provider } from "#src/catalog/model.ts";
import { loadEco } from "#src/eco/load.ts";
import { choose } from "#src/gateway/routing/choose.ts";
import type { App } from "#src/gateway/context.ts";
import { createRouteTable, gridsOf } from "#src/gateway/routing/route-table.ts";
import { systemClock } from "#src/lib/clock.ts";
import type { Deployment } from "#src/provider/deployment.ts";
import { createHealth } from "#src/provider/health.ts";
import { number, type Table } from "#test/bench/table.ts";
import { askFor, type Market, openMarket } from "#test/gateway/routing/market.ts";

const models = 250;
const providers = 35;
const countries = ["FR", "SE", "DE", "US", "IN"];

const requests: [name: string, body: object][] = [
  ["one model, 35 providers", { model: "m/small-7" }],
  ["the same, pinned to the EU", { model: "m/small-7", route: { region: "eu" } }],
  ["the same, by latency", { model: "m/small-7", provider: { sort: "latency" } }],
  [
    "the same, with ignore, zdr and max_price",
    {
      model: "m/small-7",
      provider: { ignore: ["p1", "p2/r2"], zdr: true, max_price: { prompt: 9 } },
    },
  ],
  ["three models", { models: ["m/small-7", "m/small-8", "m/small-9"] }],
  ["auto", { model: "auto" }],
  [
    "auto, the last that is allowed",
    {
      model: "auto",
      plugins: [{ id: "auto-router", allowed_models: ["m/small-248", "m/small-249"] }],
    },
  ],
];

/** How long it takes to choose, in this process and without any I/O. `rounds` of each request. */
export async function measureRouting(rounds: number): Promise<Table> {
  const market = await openMarket();
  try {
    const app = largeMarket(market);
    const rows = requests.map(([name, body]) => {
      const ask = askFor(body);
      const times = new Float64Array(rounds);
      for (let round = 0; round < rounds / 5; round++) choose(ask, market.caller, app);
      for (let round = 0; round < rounds; round++) {
        const start = performance.now();
        choose(ask, market.caller, app);
        times[round] = performance.now() - start;
      }
      times.sort();
      const at = (share: number) => number((times[Math.floor(rounds * share)] ?? 0) * 1000, 1);
      return [name, at(0.5), at(0.99)];
    });
    return { columns: ["request", "p50 µs", "p99 µs"], rows };
  } finally {
    await market.close();
  }
}

/** Every model at every provider, with five minutes of measured answers. */
function largeMarket({ app }: Market): App {
  const [, small] = app.routes.models;
  const [endpoint] = small?.endpoints ?? [];
  const [{ provider } = { provider: undefined }] = app.routes.deployments;
  if (small === undefined || endpoint === undefined || provider === undefined)
    throw new Error("The market is empty");
  const sellers: Provider[] = Array.from({ length: providers }, (_, at) => ({
    ...provider,
    id: `p${at}`,
    regions: [{ id: `r${at}`, country: countries[at % countries.length], basis: "published" }],
  }));
  const wares: Model[] = Array.from({ length: models }, (_, at) => ({
    ...small,
    id: `m/small-${at}`,
    endpoints: sellers.map(({ id, regions }, place) => ({
      ...endpoint,
      id: `m/small-${at}#${id}`,
      provider: id,
      regions: regions.map((region) => region.id),
      prices: endpoint.prices.map((row) => ({
        ...row,
        input: String(1 + place / 10),
        output: String(2 + place / 10),
      })),
    })),
  }));
  const deployments = sellers.flatMap((seller): Deployment[] =>
    seller.regions.map(({ id, country, basis }) => ({
      provider: seller,
      region: id,
      basis,
      country,
      gridZone: undefined,
      alsoSpeaks: [],
      baseUrl: seller.baseUrl,
      headers: {},
    })),
  );
  const tables = loadEco();
  const routes = createRouteTable({
    models: wares,
    providers: sellers,
    deployments,
    tables,
    grids: gridsOf(deployments, tables),
    methodology: app.config.eco.methodology,
    day: "2026-01-15",
  });
  const health = createHealth(systemClock);
  for (const model of wares)
    for (const [at, route] of routes.of(model).entries())
      for (let sample = 0; sample < 20; sample++) health.succeeded(route, 100 + at * sample);
  const config = { ...app.config, routing: { ...app.config.routing, maxAttempts: 3 } };
  return { ...app, config, routes, health, random: () => 0.5 };
}

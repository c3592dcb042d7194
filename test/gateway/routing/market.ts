import type { AccountRouting, ApiKey, Caller } from "#src/account/account.ts";
import { createGateway } from "#src/app.ts";
import type { Capabilities, Endpoint, Model, Provider } from "#src/catalog/model.ts";
import { loadConfig } from "#src/config/load.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { peekChat } from "#src/dialect/openai/openai-chat-peek.ts";
import { loadEco } from "#src/eco/load.ts";
import { type Choice, choose } from "#src/gateway/routing/choose.ts";
import type { App } from "#src/gateway/context.ts";
import { createRouteTable, gridsOf } from "#src/gateway/routing/route-table.ts";
import { createSticky } from "#src/gateway/routing/sticky.ts";
import { AppError } from "#src/lib/error.ts";
import { createLog } from "#src/observe/log.ts";
import type { Deployment, Route } from "#src/provider/deployment.ts";
import type { HealthState, Measure, Percentile } from "#src/provider/health.ts";
import { openStore } from "#src/store/open.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/*
 * A market of six providers, four regions and five models. Grids in g CO2e per kWh: eu-north (SE) 20, eu-west (FR) 50,
 * us-east (US) 400, ap-south (IN) 700, which is very dirty.
 */

const origin = { source: "test", read: "2026-01-01" };
const grids: Record<string, [country: string, zone: string, gPerKwh: number]> = {
  "eu-north": ["SE", "SWE", 20],
  "eu-west": ["FR", "FRA", 50],
  "us-east": ["US", "USA", 400],
  "ap-south": ["IN", "IND", 700],
};

interface Seller {
  regions: string[];
  /** USD per million tokens of the model of 8 billion, in and out alike; others in proportion. */
  price: number;
  basis: Deployment["basis"];
  trains: boolean | null;
  retentionDays: number | null;
  zdr: "default" | "none" | "depends" | "unknown";
  quantization?: string;
}

const sellers: Record<string, Seller> = {
  alpha: {
    regions: ["eu-west", "us-east"],
    price: 2,
    basis: "published",
    trains: false,
    retentionDays: 30,
    zdr: "default",
    quantization: "bf16",
  },
  bravo: {
    regions: ["eu-north", "us-east"],
    price: 3,
    basis: "published",
    trains: false,
    retentionDays: 30,
    zdr: "none",
    quantization: "fp8",
  },
  carol: {
    regions: ["eu-west"],
    price: 1,
    basis: "assumed",
    trains: true,
    retentionDays: null,
    zdr: "unknown",
  },
  delta: {
    regions: ["ap-south", "eu-north"],
    price: 0.5,
    basis: "published",
    trains: null,
    retentionDays: null,
    zdr: "unknown",
    quantization: "int4",
  },
  echo: {
    regions: ["us-east", "ap-south"],
    price: 1.5,
    basis: "published",
    trains: false,
    retentionDays: 0,
    zdr: "depends",
    quantization: "fp8",
  },
  fox: {
    regions: ["eu-west"],
    price: 0,
    basis: "operator-config",
    trains: false,
    retentionDays: 0,
    zdr: "unknown",
  },
};

interface Ware {
  activeB: number;
  sellers: string[];
  can: Partial<Capabilities>;
  context: number;
  parameters?: string[];
}

const wares: Record<string, Ware> = {
  "m/tiny": { activeB: 3, sellers: ["alpha", "fox"], can: {}, context: 8000 },
  "m/small": {
    activeB: 8,
    sellers: ["alpha", "bravo", "carol", "delta", "echo", "fox"],
    can: { tools: true },
    context: 32_000,
    parameters: ["tools", "temperature"],
  },
  "m/vision": {
    activeB: 20,
    sellers: ["alpha", "bravo"],
    can: { tools: true, vision: true, pdf: true },
    context: 64_000,
    parameters: ["tools", "temperature", "seed"],
  },
  "m/reason": {
    activeB: 40,
    sellers: ["bravo", "delta"],
    can: { tools: true, reasoning: true, structuredOutputs: true },
    context: 64_000,
  },
  "m/large": {
    activeB: 200,
    sellers: ["alpha", "echo"],
    can: { tools: true, vision: true, pdf: true, reasoning: true, structuredOutputs: true },
    context: 1_000_000,
  },
};

function endpointOf(id: string, ware: Ware, name: string): Endpoint {
  const { regions, price, basis, trains, retentionDays, zdr, quantization } = seller(name);
  const usd = String((price * ware.activeB) / 8);
  return {
    id: `${id}#${name}`,
    provider: name,
    upstreamModel: id,
    protocol: "openai-chat",
    regions,
    regionBasis: basis,
    // One seller serves the small model with more room.
    contextWindow: id === "m/small" && name === "echo" ? 128_000 : ware.context,
    prices: [{ input: usd, output: usd, ...origin }],
    quantization,
    dataPolicy: { trainsOnData: trains, retentionDays, zdr, ...origin },
    selfHosted: name === "fox",
  };
}

function seller(name: string): Seller {
  const found = sellers[name];
  if (found === undefined) throw new Error(`No seller ${name}`);
  return found;
}

const cannot: Capabilities = {
  tools: false,
  structuredOutputs: false,
  jsonMode: true,
  reasoning: false,
  streaming: true,
  vision: false,
  pdf: false,
  audio: false,
  samplingParams: true,
  promptCaching: false,
};

const models: Model[] = Object.entries(wares).map(([id, ware]) => ({
  id,
  author: "m",
  name: id.slice(2),
  kind: "chat",
  openWeights: true,
  contextWindow: ware.context,
  inputModalities: ["text"],
  outputModalities: ["text"],
  capabilities: { ...cannot, ...ware.can },
  reasoning: ware.can.reasoning ? { efforts: ["low", "medium", "high"] } : undefined,
  parameters: ware.parameters,
  aliases: [],
  status: "active",
  endpoints: ware.sellers.map((name) => endpointOf(id, ware, name)),
  ...origin,
}));

const providers: Provider[] = Object.entries(sellers).map(([id, { regions, basis }]) => ({
  id,
  name: id,
  protocol: "openai-chat",
  baseUrl: `https://${id}.test/v1`,
  auth: { type: "none" },
  env: [],
  regions: regions.map((region) => ({ id: region, country: grids[region]?.[0], basis })),
  dataPolicy: { trainsOnData: null, retentionDays: null, zdr: "unknown", ...origin },
  selfHosted: false,
  ...origin,
}));

const deployments: Deployment[] = providers.flatMap((provider) =>
  provider.regions.map(({ id, country, basis }) => ({
    provider,
    region: id,
    basis,
    country,
    gridZone: undefined,
    alsoSpeaks: [],
    baseUrl: provider.baseUrl,
    headers: {},
  })),
);

function tablesOfMarket() {
  const tables = loadEco();
  for (const [, zone, gPerKwh] of Object.values(grids)) {
    const row = tables.zones.get(zone);
    if (row !== undefined) tables.zones.set(zone, { ...row, gPerKwh });
  }
  for (const [model, { activeB }] of Object.entries(wares)) {
    const size = { min: activeB, max: activeB };
    tables.parameters.set(model, {
      model,
      architecture: "dense",
      activeB: size,
      totalB: size,
      accuracy: "accurate",
      licence: "test",
      ...origin,
    });
  }
  return tables;
}

/** What the gateway has seen of the market, by `provider/region` or `provider`. */
export interface Weather {
  state?: Record<string, HealthState>;
  /** Those of the unavailable that may be asked when nobody else is left. */
  resorts?: string[];
  outage?: string[];
  /** Milliseconds to the first byte, every percentile alike. */
  latency?: Record<string, number>;
  /** Tokens per second, every percentile alike. */
  throughput?: Record<string, number>;
}

/** Who asks, and what the operator decided. */
export interface Setting {
  key?: Partial<ApiKey>;
  account?: AccountRouting;
  plan?: "prepaid" | "metered";
  routing?: Partial<App["config"]["routing"]>;
  weather?: Weather;
  /** What chance says, again and again. */
  random?: number;
}

export interface Market {
  clock: FakeClock;
  app: App;
  caller: Caller;
  /** Chooses for a chat request. */
  choose(body: object, setting?: Setting): Choice;
  /** The same as text: routes in order with their reasons, then `-` those that are out; or the error's code. */
  tell(body: object, setting?: Setting): string[];
  close(): Promise<void>;
}

/** Opens the market. */
export async function openMarket(): Promise<Market> {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  const config = loadConfig({ dataDir: folder.path }, {});
  config.routing.maxAttempts = 20;
  const store = await openStore({ url: config.database.url });
  const log = createLog({ clock, level: "error", format: "json", write: () => undefined });
  const gateway = await createGateway({ config, store, log, clock });
  const tables = tablesOfMarket();
  const routes = createRouteTable({
    models,
    providers,
    deployments,
    tables,
    grids: gridsOf(deployments, tables),
    methodology: config.eco.methodology,
    day: "2026-01-15",
  });
  const app: App = { ...gateway.app, routes, sticky: createSticky(clock), random: () => 0 };
  const caller: Caller = {
    account: { id: "acc_1", name: "a", plan: "metered", disabled: false, createdAt: 0 },
    key: {
      hash: "k",
      accountId: "acc_1",
      name: "k",
      label: "k",
      type: "regular",
      disabled: false,
      allowedProviders: [],
      allowedModels: [],
      preferLowCarbon: false,
      rateLimit: {},
      carbonBudgetAction: "refuse",
      createdAt: 0,
    },
  };
  const market: Market = {
    clock,
    app,
    caller,
    choose: (body, setting = {}) =>
      choose(askFor(body), callerIn(caller, setting), appIn(app, setting)),
    tell(body, setting = {}) {
      try {
        return told(market.choose(body, setting));
      } catch (thrown) {
        if (thrown instanceof AppError) return [thrown.code];
        throw thrown;
      }
    },
    async close() {
      await gateway.close();
      store.close();
      folder[Symbol.dispose]();
    },
  };
  return market;
}

/** A chat request as it is read from its bytes. */
export function askFor(body: object): Ask {
  const messages = [{ role: "user", content: "Hello" }];
  return peekChat(new TextEncoder().encode(JSON.stringify({ messages, ...body })));
}

function callerIn({ key, account }: Caller, setting: Setting): Caller {
  const plan = setting.plan ?? account.plan;
  return {
    key: { ...key, ...setting.key },
    account: { ...account, plan, ...(setting.account ? { routing: setting.account } : {}) },
  };
}

function appIn(app: App, { routing, weather = {}, random }: Setting): App {
  const at = <T>(by: Record<string, T> | undefined, { deployment }: Route): T | undefined =>
    by?.[`${deployment.provider.id}/${deployment.region}`] ?? by?.[deployment.provider.id];
  return {
    ...app,
    config: { ...app.config, routing: { ...app.config.routing, ...routing } },
    random: random === undefined ? app.random : () => random,
    health: {
      ...app.health,
      state: (route) => at(weather.state, route) ?? "ok",
      isLastResort: ({ deployment: { provider, region } }) =>
        weather.resorts?.includes(`${provider.id}/${region}`) ?? false,
      outage: ({ deployment: { provider, region } }) =>
        weather.outage?.some((one) => one === provider.id || one === `${provider.id}/${region}`) ??
        false,
      percentile: (route: Route, kind: Measure, _: Percentile) => at(weather[kind], route),
    },
  };
}

function told({ routes, reasons, trace }: Choice): string[] {
  const models = new Set([
    ...routes.map(({ model }) => model.id),
    ...trace.map((one) => one.model),
  ]);
  const named = (provider: string, region: string, model: string, why: string) =>
    `${provider}/${region}${models.size > 1 ? ` ${model}` : ""} ${why}`;
  return [
    ...routes.map((route) =>
      named(
        route.deployment.provider.id,
        route.deployment.region,
        route.model.id,
        reasons.get(route) ?? "",
      ),
    ),
    ...trace.map(
      ({ provider, region, model, reason, decision }) =>
        `${decision === "filtered" ? "-" : "~"}${named(provider, region, model, reason)}`,
    ),
  ];
}

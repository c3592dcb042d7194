import { abilitiesAt } from "#src/catalog/abilities.ts";
import type { Capabilities, Endpoint, Model, PriceRow, Provider } from "#src/catalog/model.ts";
import type { App } from "#src/gateway/context.ts";
import { basisOf } from "#src/gateway/routing/pins.ts";
import type { StickyCounts } from "#src/gateway/routing/sticky.ts";
import type { CatalogServices } from "#src/http/catalog.ts";
import { pricesOn } from "#src/catalog/price.ts";
import { shownPerToken } from "#src/catalog/shown-price.ts";
import type { Grid } from "#src/eco/methodology.ts";
import { dayOf, rfc3339 } from "#src/lib/clock.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { Standing } from "#src/provider/health.ts";

/** What of the gateway a description is made from. `sticky` is in the memory of the process that serves; another one cannot tell. */
export type CatalogView = Pick<App, "routes" | "health" | "inFlight" | "clock" | "config"> &
  Partial<Pick<App, "sticky">>;

/** What is charged for a token of each class, the platform fee with it, in the currency. */
function pricing(row: PriceRow | undefined, { billing }: CatalogView["config"]) {
  if (row === undefined) return null;
  const perToken = (price: string) => shownPerToken(price, billing);
  return {
    prompt: perToken(row.input),
    completion: perToken(row.output),
    ...(row.cacheRead === undefined ? {} : { input_cache_read: perToken(row.cacheRead) }),
    ...(row.cacheWrite === undefined ? {} : { input_cache_write: perToken(row.cacheWrite) }),
    request: "0",
    image: "0",
  };
}

/** Names of what a model can do at one endpoint at least, as cards show them. */
function capabilities(model: Model, endpoints: readonly Endpoint[]): string[] {
  const somewhere = endpoints.map((endpoint) => abilitiesAt(model, endpoint));
  const all = somewhere.length > 0 ? somewhere : [model.capabilities];
  const can = (name: keyof Capabilities): boolean =>
    all.some((abilities) => Boolean(abilities[name]));
  return [
    ...(can("tools") ? ["tool_use"] : []),
    ...(can("vision") ? ["vision"] : []),
    ...(can("structuredOutputs") ? ["structured_output"] : []),
    ...(can("streaming") ? ["streaming"] : []),
    ...(can("reasoning") ? ["reasoning"] : []),
    ...(can("pdf") ? ["pdf"] : []),
  ];
}

/** A model as GET /v1/models shows it. */
export function describeModel(model: Model, app: CatalogView, services: CatalogServices) {
  const routes = app.routes.of(model);
  const offered: Endpoint[] =
    routes.length > 0 ? routes.map((route) => route.endpoint) : model.endpoints;
  const top = offered[0];
  const day = dayOf(app.clock.now());
  const eco = model.kind === "embedding" ? undefined : services.ecoOfModel(model.id);
  const providers =
    routes.length > 0
      ? routes.map((route) => route.deployment.provider.id)
      : model.endpoints.map((endpoint) => endpoint.provider);
  const regions =
    routes.length > 0
      ? routes.map((route) => route.deployment.region)
      : model.endpoints.flatMap((endpoint) => endpoint.regions);
  return {
    id: model.id,
    object: "model",
    created: model.releaseDate ? Math.floor(Date.parse(fullDate(model.releaseDate)) / 1000) : 0,
    owned_by: model.author,
    canonical_slug: model.id,
    name: model.name,
    context_length: model.contextWindow,
    architecture: {
      input_modalities: model.inputModalities,
      output_modalities: model.kind === "embedding" ? ["embeddings"] : model.outputModalities,
      tokenizer: null,
      instruct_type: null,
    },
    pricing: top ? pricing(pricesOn(top, day), app.config) : null,
    top_provider: {
      context_length: top?.contextWindow ?? model.contextWindow,
      max_completion_tokens: top?.maxOutputTokens ?? model.maxOutputTokens ?? null,
      is_moderated: false,
    },
    per_request_limits: null,
    supported_parameters: model.parameters ?? [],
    default_parameters: null,
    expiration_date: top?.deprecationDate ?? null,
    lowrouter: {
      routable: routes.length > 0,
      providers: [...new Set(providers)],
      regions: [...new Set(regions)],
      capabilities: capabilities(model, offered),
      ...(eco === undefined
        ? {}
        : {
            eco: {
              active_params_b: eco.activeParamsB,
              energy_wh_per_1k_tokens: eco.energyWhPer1kTokens,
              accuracy: eco.accuracy,
              methodology_version: eco.methodologyVersion,
            },
          }),
    },
  };
}

/** A month without a day is taken as its first. */
function fullDate(date: string): string {
  return /^\d{4}-\d{2}$/.test(date) ? `${date}-01` : date;
}

/** The automatic choices, listed as models without a footprint of their own. */
export function pseudoModels() {
  return [
    { id: "lowrouter/auto", name: "Auto: the smallest capable model on the cleanest grid" },
    { id: "lowrouter/auto-cheap", name: "Auto: the cheapest capable model" },
    { id: "auto", name: "Same as lowrouter/auto" },
  ].map(({ id, name }) => ({
    id,
    object: "model",
    created: 0,
    owned_by: "lowrouter",
    canonical_slug: id === "auto" ? "lowrouter/auto" : id,
    name,
    context_length: null,
    architecture: {
      input_modalities: ["text"],
      output_modalities: ["text"],
      tokenizer: null,
      instruct_type: null,
    },
    pricing: null,
    supported_parameters: [],
    lowrouter: { routable: true, providers: [], regions: [], capabilities: [] },
  }));
}

/** Where a model can be called, or could be with a credential. */
export function describeEndpoints(model: Model, app: CatalogView, services: CatalogServices) {
  const day = dayOf(app.clock.now());
  const routes = app.routes.of(model);
  return routes.map((route) => {
    const { endpoint, deployment } = route;
    const grid = services.gridOf(deployment.provider.id, deployment.region);
    return {
      provider_id: deployment.provider.id,
      provider_name: deployment.provider.name,
      slug: `${deployment.provider.id}/${deployment.region}`,
      model: model.id,
      region: deployment.region,
      region_basis: basisOf(route),
      context_length: endpoint.contextWindow,
      max_completion_tokens: endpoint.maxOutputTokens ?? null,
      pricing: pricing(pricesOn(endpoint, day), app.config),
      quantization: endpoint.quantization ?? "unknown",
      is_zdr: endpoint.dataPolicy.zdr === "default" || endpoint.dataPolicy.retentionDays === 0,
      supported_parameters: model.parameters ?? [],
      health: app.health.state(route),
      grid_g_per_kwh: grid?.gPerKwh ?? null,
      carbon_per_1k_tokens_g: carbonOn(grid, route) ?? null,
    };
  });
}

/** Grams for 1,000 tokens on the grid that is shown, which need not be the one that counts. */
function carbonOn(grid: Grid | undefined, { carbonPer1k, gridGPerKwh }: Route): number | undefined {
  if (grid === undefined || carbonPer1k === undefined) return undefined;
  if (grid.gPerKwh === gridGPerKwh) return carbonPer1k;
  return gridGPerKwh ? (carbonPer1k / gridGPerKwh) * grid.gPerKwh : undefined;
}

/** A provider with its regions, their grids and their state. */
export function describeProvider(provider: Provider, app: CatalogView, services: CatalogServices) {
  const reachable = app.routes.deployments.filter(
    (deployment) => deployment.provider.id === provider.id,
  );
  const known = provider.regions.map((region) => region.id);
  const standings = app.health.all().filter((one) => one.provider === provider.id);
  const { limit, inFlight, waiting, waited, refused } = app.inFlight.crowd(provider.id);
  const regions = [...new Set([...reachable.map((deployment) => deployment.region), ...known])].map(
    (id) => {
      const grid = services.gridOf(provider.id, id);
      return {
        id,
        status: app.health.regionState(provider.id, id),
        routable: reachable.some((deployment) => deployment.region === id),
        grid_intensity_g_per_kwh: grid?.gPerKwh ?? null,
        grid_source: grid?.rows[0]?.row.source ?? null,
        grid_year: grid?.year ?? null,
        ...(grid?.assumption ? { grid_assumption: grid.assumption } : {}),
        models: standings.filter((one) => one.region === id).map(describeStanding),
      };
    },
  );
  const states = regions.filter((region) => region.routable).map((region) => region.status);
  const worst =
    states.length > 0 && states.every((state) => state === "unavailable")
      ? "unavailable"
      : states.some((state) => state !== "ok")
        ? "degraded"
        : "ok";
  const { trainsOnData, zdr } = provider.dataPolicy;
  return {
    id: provider.id,
    name: provider.name,
    headquarters: provider.headquarters ?? null,
    status: worst,
    configured: reachable.length > 0,
    data_collection: trainsOnData === false ? "deny" : trainsOnData === true ? "allow" : null,
    zdr: zdr === "default",
    in_flight: { now: inFlight, limit: limit ?? null, waiting, waited, refused },
    ...(app.sticky ? { conversations: describeConversations(app.sticky.of(provider.id)) } : {}),
    regions,
    privacy_policy_url: null,
    terms_of_service_url: null,
    status_page_url: provider.statusPage ?? null,
  };
}

/** How many answers met the prompt cache of the turn before, came from elsewhere, or began something new; since the start. */
function describeConversations({ hits, moves, starts }: StickyCounts) {
  const turns = hits + moves;
  const share = turns === 0 ? null : Math.round((hits / turns) * 1000) / 1000;
  return { stayed: hits, moved_here: moves, begun: starts, stayed_share: share };
}

/** What requests of the last minutes found of a model in a region. Times to the first byte in ms, output in tokens/s. */
function describeStanding(standing: Standing) {
  const { model, state, reason, since, wait, latency, throughput, keys } = standing;
  const credentials = keys?.map((one) => ({
    id: one.id,
    status: one.state,
    reason: one.reason ?? null,
  }));
  return {
    id: model,
    status: state,
    reason: reason ?? null,
    since: since === undefined ? null : rfc3339(since),
    retry_after_s: Math.ceil(wait / 1000),
    latency_ms: latency ? { p50: tenth(latency.p50), p95: tenth(latency.p95) } : null,
    throughput_tps: throughput ? { p50: tenth(throughput.p50) } : null,
    ...(credentials === undefined ? {} : { credentials }),
  };
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

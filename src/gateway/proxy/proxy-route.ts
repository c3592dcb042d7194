import type { Caller } from "#src/account/account.ts";
import type { Endpoint, Model } from "#src/catalog/model.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { refuseUncounted } from "#src/gateway/proxy/proxy-carbon.ts";
import { choose } from "#src/gateway/routing/choose.ts";
import type { App } from "#src/gateway/context.ts";
import { listsModel, listsName } from "#src/gateway/routing/allowed-models.ts";
import { eligible } from "#src/gateway/routing/eligible.ts";
import { isPinned } from "#src/gateway/routing/pins.ts";
import { noneLeft, providerNotAllowed } from "#src/gateway/routing/explain-none.ts";
import type { Errand } from "#src/gateway/proxy/proxy-ask.ts";
import { pathOf, repeats } from "#src/gateway/proxy/proxy-target.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { AppError } from "#src/lib/error.ts";
import { isObject } from "#src/lib/json.ts";
import { crossRegion } from "#src/provider/registry.ts";
import type { Deployment, Route } from "#src/provider/deployment.ts";

/** Where a proxied call goes. */
export interface Way {
  /** Without a price and a footprint, where the catalogue does not know what is asked for. */
  route: Route;
  /** A model of the catalogue: charged by its tokens. */
  isListed: boolean;
  /** Deployments of the provider that may not serve. */
  trace: TraceEntry[];
}

/** Throws `provider_not_allowed` where a key may use none of a provider's regions. */
export function refuseProvider(provider: string, { key }: Caller): void {
  const { allowedProviders: allowed } = key;
  const isAllowed = (slug: string) => slug.toLowerCase().split("/")[0] === provider;
  if (allowed.length > 0 && !allowed.some(isAllowed)) throw providerNotAllowed(provider);
}

/** Throws `service_unavailable` where a provider has no address. */
export function requireAddress(provider: string, app: App): void {
  const isThere = app.routes.deployments.some((one) => one.provider.id === provider);
  if (!isThere) throw unreachable(provider, [], app);
}

/** What a proxied call is for, and the addresses that its path can mean. */
export interface Bound {
  errand: Errand;
  provider: string;
  addresses: ReadonlySet<string>;
}

/**
 * The addresses of a provider that a path can mean: those whose own path it repeats, else all of them, below which the
 * same paths mean the same. Throws `invalid_value` for a path that is at none of several.
 */
export function addressesOf(provider: string, path: string, app: App): ReadonlySet<string> {
  const all = app.routes.deployments.filter((one) => one.provider.id === provider);
  const addresses = all.map(({ baseUrl }) => baseUrl);
  const repeated = addresses.filter((address) => repeats(address, path));
  if (repeated.length > 0) return new Set(repeated);
  const paths = new Set(addresses.map(pathOf));
  // Below a version, they are places of different things, and not the same in other regions.
  const areApart = paths.size > 1 && [...paths].every((one) => /\/v\d\w*\/./i.test(one));
  if (areApart && /^\/(v\d\w*|projects)\//i.test(path)) throw atNoPlace(provider);
  return new Set(addresses);
}

/** The refusal of a path that would lead nowhere; it is not repeated, for it may hold a key. */
function atNoPlace(provider: string): AppError {
  return new AppError(
    "invalid_value",
    `Cannot tell where this path is at ${provider}, which has several addresses: give the whole path of one that this gateway has, or what is below it, such as /models/…`,
    { param: "path" },
  );
}

/**
 * The deployment of the provider that takes a proxied call: one, for what it answers is the answer.
 * Throws 403 for what the key or the plan does not allow, 503 where no deployment may serve.
 */
export function wayOf(bound: Bound, caller: Caller, app: App): Way {
  const { errand, provider, addresses } = bound;
  const { ask } = errand;
  const model = errand.kind === "inference" ? listed(errand.model, provider, app) : undefined;
  if (model === undefined) return unlistedWay(bound, caller, app);
  const kind = model.kind === "embedding" ? "embedding" : "chat";
  // How long an answer may be, and how many, is for the provider to judge.
  const sought: Ask = { ...ask, kind, model: model.id, maxOutputTokens: undefined, choices: 1 };
  const { routes, trace } = choose(sought, caller, app);
  const route = routes.find(
    (one) =>
      addresses.has(one.deployment.baseUrl) && isWhatIsSaid(one, errand, provider, caller, app),
  );
  if (route === undefined) throw unreachable(provider, ["region_pin"], app);
  refuseSilent(errand.ask, route, caller, app);
  return { route, isListed: true, trace: trace.filter((entry) => entry.provider === provider) };
}

/** The bytes are not changed, so where they run, and at what price, is what they say themselves. */
function isWhatIsSaid(
  { endpoint }: Route,
  { ask }: Errand,
  provider: string,
  caller: Caller,
  app: App,
): boolean {
  const bare = ask.model?.replace(/^models\//, "") ?? "";
  if (namesAt(provider, app).has(bare) && endpoint.upstreamModel !== bare) return false;
  if (!isPinned(ask, caller, app)) return true;
  return Object.entries(endpoint.requestOverrides ?? {}).every(
    ([name, value]) => ask.parsed[name] === value,
  );
}

/** A stream that tells no usage hides what its model reasoned, which is charged. */
function refuseSilent(ask: Ask, { model }: Route, { account }: Caller, app: App): void {
  if (account.plan !== "prepaid" || app.config.billing.unknownPrice === "allow") return;
  const { stream_options: options } = ask.parsed;
  const tells = isObject(options) && options.include_usage === true;
  const isOpenai = ask.dialect === "openai-chat" || ask.dialect === "openai-completions";
  if (!ask.stream || !isOpenai || tells || !model.capabilities.reasoning) return;
  throw new AppError(
    "not_meterable",
    `Cannot charge a stream of "${model.id}" that tells no usage: set stream_options.include_usage`,
    { param: "stream_options.include_usage" },
  );
}

/** The model of the catalogue that a provider means by a name. */
function listed(name: string, provider: string, app: App): Model | undefined {
  const { routes } = app;
  const isServed = (model: Model) =>
    routes.of(model).some(({ deployment }) => deployment.provider.id === provider);
  const bare = name.replace(/^models\//, "");
  const own = namesAt(provider, app).get(bare);
  if (own !== undefined) return own;
  const found = routes.find(bare);
  const isPlain = found !== undefined && found.variant === undefined;
  return isPlain && isServed(found.model) ? found.model : undefined;
}

const names = new WeakMap<App["routes"], Map<string, ReadonlyMap<string, Model>>>();

/** Models that a provider serves, by its own names. */
function namesAt(provider: string, { routes }: App): ReadonlyMap<string, Model> {
  const known = names.get(routes) ?? new Map<string, ReadonlyMap<string, Model>>();
  names.set(routes, known);
  const here = known.get(provider);
  if (here !== undefined) return here;
  const made = new Map<string, Model>();
  for (const model of routes.models) {
    for (const { deployment, endpoint } of routes.of(model)) {
      const { upstreamModel } = endpoint;
      if (deployment.provider.id === provider && !made.has(upstreamModel))
        made.set(upstreamModel, model);
    }
  }
  known.set(provider, made);
  return made;
}

/** What the catalogue has no price for. */
function unlistedWay({ errand, provider, addresses }: Bound, caller: Caller, app: App): Way {
  const { ask, kind } = errand;
  // A list of models runs none: like vectors, it has no footprint.
  const judge = eligible(kind === "free" ? { ...ask, kind: "embedding" } : ask, caller, app);
  if (kind !== "free") {
    refuseUncharged(errand, provider, caller, app);
    refuseModel(ask, provider, caller, app);
    refuseUncounted(ask, provider, caller, app);
  }
  const reasons: string[] = [];
  for (const deployment of app.routes.deployments) {
    if (deployment.provider.id !== provider || !addresses.has(deployment.baseUrl)) continue;
    // The name of any model that is asked for would make the health of each another matter, to be kept for ever.
    const refusal = judge.refuse(unlisted(deployment, anything));
    if (refusal !== undefined) {
      reasons.push(refusal);
      continue;
    }
    return { route: unlisted(deployment, ask.model ?? anything), isListed: false, trace: [] };
  }
  throw unreachable(provider, reasons, app);
}

const anything = "*";

/** A prepaid account pays for what it used, so the use has to have a price. */
function refuseUncharged(errand: Errand, provider: string, caller: Caller, app: App): void {
  const { ask, kind } = errand;
  const { account } = caller;
  if (isPinned(ask, caller, app) && isRegionless(ask.model))
    throw unreachable(provider, ["region_pin"], app);
  // What is neither a model's tokens nor a list is what accounts left at the provider, where all are one customer.
  const isPaid = account.plan !== "prepaid" && kind !== "other";
  if (isPaid || app.config.billing.unknownPrice === "allow") return;
  const what = ask.model === undefined ? "this call" : `"${ask.model}" for this call`;
  throw new AppError(
    "not_meterable",
    `Cannot charge for ${what} at ${provider}: chat, completions, messages, responses, generateContent and embeddings with a model of GET /v1/models can be charged, and listing models is free; the operator may set billing.unknown_price = "allow"`,
    { metadata: { provider } },
  );
}

/** Names of places at Bedrock that span regions, or do not tell theirs. */
function isRegionless(model: string | undefined): boolean {
  return model !== undefined && (crossRegion.test(model) || model.startsWith("arn:"));
}

/** A key that may use some models alone may use no other, named or not. */
function refuseModel({ model }: Ask, provider: string, { key }: Caller, app: App): void {
  if (key.allowedModels.length === 0) return;
  const known = model === undefined ? undefined : listed(model, provider, app);
  const isAllowed =
    known === undefined
      ? model !== undefined && listsName(key.allowedModels, provider, model)
      : listsModel(key.allowedModels, known);
  if (isAllowed) return;
  throw new AppError(
    "model_not_allowed",
    `Cannot use ${model === undefined ? "a call that names no model" : `"${model}"`} with this API key: it may use ${key.allowedModels.join(", ")}`,
    { param: "model" },
  );
}

function unreachable(provider: string, reasons: string[], app: App): AppError {
  if (reasons.length > 0 && reasons.every((reason) => reason === "key_providers"))
    return providerNotAllowed(provider);
  const why =
    reasons.length === 0
      ? "it is not enabled, or has no credential or address"
      : [...new Set(reasons)].join(", ");
  return new AppError("service_unavailable", noneLeft(`Cannot reach ${provider}: ${why}`, app), {
    retryAfterSeconds: 30,
    metadata: { provider, reasons },
  });
}

/** A route to a model that the catalogue does not know: without price and footprint. */
function unlisted(deployment: Deployment, name: string): Route {
  const { provider } = deployment;
  const origin = { source: provider.source, read: provider.read };
  const id = `${provider.id}/${name}`;
  const endpoint: Endpoint = {
    id,
    provider: provider.id,
    upstreamModel: name,
    protocol: provider.protocol,
    regions: [deployment.region],
    regionBasis: deployment.basis,
    contextWindow: Number.POSITIVE_INFINITY,
    prices: [],
    dataPolicy: provider.dataPolicy,
    selfHosted: provider.selfHosted,
  };
  const model: Model = {
    id,
    author: provider.id,
    name,
    kind: "chat",
    openWeights: false,
    contextWindow: endpoint.contextWindow,
    inputModalities: [],
    outputModalities: [],
    capabilities: {
      tools: true,
      structuredOutputs: true,
      jsonMode: true,
      reasoning: true,
      streaming: true,
      vision: true,
      pdf: true,
      audio: true,
      samplingParams: true,
      promptCaching: false,
    },
    aliases: [],
    status: "active",
    endpoints: [endpoint],
    ...origin,
  };
  return {
    model,
    endpoint,
    deployment,
    gridGPerKwh: undefined,
    carbonPer1k: undefined,
    activeB: undefined,
    price: undefined,
  };
}

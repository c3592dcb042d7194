import type { Caller } from "#src/account/account.ts";
import { abilitiesAt } from "#src/catalog/abilities.ts";
import type { Model } from "#src/catalog/model.ts";
import { dearestPrice } from "#src/catalog/price.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { gramsLeft, needsFootprint } from "#src/gateway/carbon.ts";
import type { App } from "#src/gateway/context.ts";
import {
  explainNone,
  givesChoices,
  lack,
  noneLeft,
  notAgain,
  overCarbon,
  providerNotAllowed,
  secondsUntil,
} from "#src/gateway/routing/explain-none.ts";
import { allowsModel } from "#src/gateway/routing/allowed-models.ts";
import { mayRetain, mayTrain } from "#src/gateway/routing/data-terms.ts";
import { matchesGlob } from "#src/gateway/routing/glob.ts";
import { mayUse } from "#src/gateway/routing/may-use.ts";
import { takes } from "#src/gateway/routing/parameters.ts";
import {
  isKnownPin,
  missed,
  outside,
  type Pin,
  pinOf,
  type Pins,
  pinsOf,
} from "#src/gateway/routing/pins.ts";
import { type Policy, policyOf } from "#src/gateway/routing/policy.ts";
import { leavesOut, type Slug, slugAt, slugOf, slugsOf } from "#src/gateway/routing/slug.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { dayOf } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

/** Filters of request, key, account and operator. Throws for pins that name nothing or contradict the key. */
export function eligible(ask: Ask, caller: Caller, app: App): Judge {
  checkPins(ask, caller, app);
  return new Judge(ask, caller, app);
}

/** Decides of each route whether it may serve a request, and says why not. */
export class Judge {
  readonly #ask: Ask;
  readonly #caller: Caller;
  readonly #app: App;
  readonly #pinned: Slug | undefined;
  readonly #keyProviders: readonly Slug[];
  readonly #accountProviders: readonly Slug[];
  readonly #accountIgnored: readonly Slug[];
  readonly #only: readonly Slug[] | undefined;
  readonly #ignored: readonly Slug[];
  /** With fallbacks off, nobody but these. */
  readonly #ordered: readonly Slug[] | undefined;
  /** With `fallback: false`, the preferred region is the only one. */
  readonly #within: Pin | undefined;
  readonly #denyTraining: boolean;
  readonly #zdr: boolean;
  /** g CO2e per 1,000 tokens that a caller over its carbon budget may use; read once. */
  readonly #grams: number | undefined;
  readonly #needsFootprint: boolean;
  readonly policy: Policy;
  readonly pins: Pins;

  constructor(ask: Ask, caller: Caller, app: App) {
    const { key, account } = caller;
    const { provider: wish, route } = ask;
    this.#ask = ask;
    this.#caller = caller;
    this.#app = app;
    this.pins = pinsOf(ask, caller, app);
    this.policy = policyOf(ask, caller, app);
    this.#pinned = route.provider === undefined ? this.policy.provider : slugOf(route.provider);
    this.#keyProviders = slugsOf(key.allowedProviders);
    this.#accountProviders = slugsOf(account.routing?.allowedProviders ?? none);
    this.#accountIgnored = slugsOf(account.routing?.ignoredProviders ?? none);
    this.#only = wish.only && slugsOf(wish.only);
    this.#ignored = wish.ignore === undefined ? [] : slugsOf(wish.ignore);
    this.#ordered = wish.order && wish.allowFallbacks === false ? slugsOf(wish.order) : undefined;
    const { region } = this.policy;
    this.#within = route.fallback === false && region !== undefined ? pinOf(region) : undefined;
    this.#denyTraining =
      wish.dataCollection === "deny" || account.routing?.dataCollection === "deny";
    this.#zdr = wish.zdr === true || account.routing?.zdr === true;
    this.#grams = gramsLeft(ask, caller, app);
    this.#needsFootprint = needsFootprint(ask, caller);
  }

  /** Why this route is out; undefined when it may serve. */
  refuse(route: Route): string | undefined {
    return (
      this.#refusePlace(route) ??
      this.#refuseProvider(route) ??
      this.#refuseModel(route) ??
      this.#refuseTerms(route) ??
      (this.#app.health.state(route) === "unavailable" ? "unavailable" : undefined)
    );
  }

  #refusePlace(route: Route): string | undefined {
    const { routes } = this.#app;
    const refusal = outside(this.pins, route, routes);
    if (refusal !== undefined || this.#within === undefined) return refusal;
    return missed(this.#within, route, routes) === undefined
      ? undefined
      : "outside_preferred_region";
  }

  #refuseProvider({ deployment }: Route): string | undefined {
    const pinned = this.#pinned;
    if (pinned !== undefined && pinned.provider !== deployment.provider.id) return "provider_pin";
    if (pinned?.region !== undefined && pinned.region !== deployment.region) return "provider_pin";
    if (leavesOut(this.#keyProviders, deployment)) return "key_providers";
    if (leavesOut(this.#accountProviders, deployment)) return "account_providers";
    if (this.#only !== undefined && slugAt(this.#only, deployment) < 0) return "provider_only";
    if (slugAt(this.#ignored, deployment) >= 0) return "provider_ignored";
    if (slugAt(this.#accountIgnored, deployment) >= 0) return "account_ignored";
    if (this.#ordered !== undefined && slugAt(this.#ordered, deployment) < 0) return "not_in_order";
    return undefined;
  }

  #refuseModel(route: Route): string | undefined {
    const { endpoint, model, variant } = route;
    const ask = this.#ask;
    const lacking = lack(ask, abilitiesAt(model, endpoint));
    if (lacking !== undefined) return `lacks_${lacking}`;
    if (variant === "thinking" && !model.capabilities.reasoning) return "lacks_reasoning";
    if (ask.choices > 1 && !givesChoices(ask, route)) return "lacks_choices";
    const isText = ask.dialect === "openai-completions";
    if (model.kind === "completion") {
      if (!isText) return "text_completions_only";
      if (endpoint.protocol !== "openai-completions") return "wrong_endpoint";
    }
    if (ask.maxOutputTokens !== undefined && ask.maxOutputTokens >= endpoint.contextWindow)
      return "context_too_small";
    return undefined;
  }

  #refuseTerms(route: Route): string | undefined {
    const { endpoint, model } = route;
    const { provider: wish, parameters } = this.#ask;
    if (this.#denyTraining && mayTrain(endpoint)) return "data_collection";
    if (this.#zdr && mayRetain(endpoint)) return "not_zdr";
    if (wish.quantizations && !wish.quantizations.includes(endpoint.quantization ?? "unknown"))
      return "quantization";
    if (wish.maxPrice !== undefined && this.#isTooDear(route)) return "max_price";
    if (wish.requireParameters && !takes(parameters, model)) return "parameters";
    const grams = this.#grams;
    const { carbonPer1k } = route;
    if (this.#needsFootprint && carbonPer1k === undefined) return "footprint_unknown";
    if (grams === undefined) return undefined;
    return carbonPer1k !== undefined && carbonPer1k <= grams ? undefined : "carbon_budget";
  }

  /** Endpoints charge by tokens alone, so no bound on a request or a picture is ever broken. */
  #isTooDear({ endpoint }: Route): boolean {
    const { provider, inputTokensAtMost } = this.#ask;
    const { prompt, completion } = provider.maxPrice ?? {};
    const price = dearestPrice(endpoint, inputTokensAtMost, dayOf(this.#app.clock.now()));
    if (price === undefined) return true;
    const { usdRate, platformFeePer1k } = this.#app.config.billing;
    const shown = (usd: number) => usd * usdRate + platformFeePer1k * 1000;
    return (
      (prompt !== undefined && shown(price.input) > prompt) ||
      (completion !== undefined && shown(price.output) > completion)
    );
  }

  /** The key may use every model. */
  get allowsAll(): boolean {
    return this.#caller.key.allowedModels.length === 0;
  }

  allowsModel(model: Model): boolean {
    return allowsModel(this.#caller.key.allowedModels, model);
  }

  /** Narrowed by the auto-router plugin. */
  allowsAuto({ id }: Model): boolean {
    const patterns = this.#ask.autoAllowed;
    return patterns === undefined || patterns.some((pattern) => matchesGlob(pattern, id));
  }

  /** Throws `model_not_allowed` when the key may use none of them. */
  checkModels(models: readonly Model[]): void {
    if (models.length === 0 || models.some((model) => this.allowsModel(model))) return;
    throw new AppError(
      "model_not_allowed",
      `Cannot use ${models.map((model) => `"${model.id}"`).join(", ")} with this API key: it may use ${this.#caller.key.allowedModels.join(", ")}`,
      { param: "model" },
    );
  }

  /** The error that says why nothing was left. */
  explain(models: Model[], trace: TraceEntry[]): AppError {
    const bounds = {
      where: this.pins.where,
      mayServe: this.#mayServe(),
      mayUse: mayUse(this.#caller, this.#app),
    };
    return explainNone(models, trace, this.#capped, this.#app, bounds);
  }

  /** The request with what a carbon budget leaves it. */
  get #capped(): Ask {
    const { gramsPer1kAtMost = this.#grams } = this.#ask;
    return gramsPer1kAtMost === undefined ? this.#ask : { ...this.#ask, gramsPer1kAtMost };
  }

  /** Says of a route whether it is within the pins, and the caller may use it, whatever the request says of providers. */
  #mayServe(): (route: Route) => boolean {
    const isOpen = mayUse(this.#caller, this.#app);
    return (route) => isOpen(route) && this.#refusePlace(route) === undefined;
  }

  /** The error that says why the automatic choice found nothing. */
  explainAuto(): AppError {
    const { routes, health } = this.#app;
    const named = routes.smallest.filter(
      (model) => this.allowsModel(model) && this.allowsAuto(model),
    );
    if (this.#ask.autoAllowed !== undefined && named.length === 0)
      return new AppError(
        "model_not_found",
        "Cannot choose a model: none that can be called here matches plugins.auto-router.allowed_models",
        { param: "plugins" },
      );
    if (this.#grams !== undefined)
      return overCarbon("any model", this.#capped, this.#app, this.#mayServe());
    const all = named.flatMap((model) => routes.of(model));
    const reasons = [...new Set(all.flatMap((route) => this.refuse(route) ?? []))];
    const shut = all
      .filter((route) => this.refuse(route) === "unavailable")
      .flatMap((route) => (route.keys ?? [route]).map((one) => health.standing(one)));
    const why = reasons.length === 0 ? "" : `: ${reasons.join(", ")}`;
    const what = `No model that is reachable now can serve this request${this.pins.where}${why}`;
    return new AppError("service_unavailable", noneLeft(what, this.#app), {
      retryAfterSeconds: secondsUntil(shut),
      ...(shut.length === 0 ? { headers: notAgain } : {}),
      metadata: { reasons },
    });
  }
}

function checkPins(ask: Ask, { key }: Caller, app: App): void {
  const { provider, policy } = ask.route;
  const { only, order } = ask.provider;
  if (policy !== undefined) checkPolicy(policy, app);
  if (provider === undefined && only === undefined && order === undefined) return;
  if (provider !== undefined) requireProvider(provider, "route.provider", app);
  for (const slug of only ?? none) requireProvider(slug, "provider.only", app);
  for (const slug of order ?? none) requireProvider(slug, "provider.order", app);
  const allowed = slugsOf(key.allowedProviders);
  if (allowed.length === 0) return;
  const { allowFallbacks } = ask.provider;
  const pinned = provider === undefined ? undefined : [provider];
  const bounds = [pinned, only, allowFallbacks === false ? order : undefined];
  for (const bound of bounds) {
    const named = slugsOf(bound ?? none).map((slug) => slug.provider);
    const [first] = named;
    if (first !== undefined && !allowed.some((one) => named.includes(one.provider)))
      throw providerNotAllowed(first);
  }
}

/** What a policy of the request is about has to be known. */
function checkPolicy(policy: string, app: App): void {
  const colon = policy.indexOf(":");
  if (colon < 0) return;
  const about = policy.slice(colon + 1);
  if (policy.startsWith("fixed-provider")) return requireProvider(about, "route.provider", app);
  if (isKnownPin(pinOf(about), app.routes)) return;
  throw new AppError(
    "invalid_value",
    `Cannot prefer the region "${about.slice(0, 60)}": known regions are ${[...app.routes.regions].join(", ")}`,
    { param: "route.region" },
  );
}

function requireProvider(slug: string, param: string, { routes }: App): void {
  const { provider } = slugOf(slug);
  if (routes.providers.has(provider)) return;
  throw new AppError(
    "invalid_value",
    `Cannot route to the provider "${provider.slice(0, 60)}": GET /v1/providers lists the known ones`,
    { param },
  );
}

const none: readonly string[] = [];

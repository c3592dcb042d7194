import type { Caller } from "#src/account/account.ts";
import type { Model } from "#src/catalog/model.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { explainNone, lack, noneLeft, providerNotAllowed } from "#src/gateway/explain-none.ts";
import type { App } from "#src/gateway/context.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

/** Filters of request, key and account, most specific first. Throws for pins that name nothing or contradict the key. */
export function eligible(ask: Ask, caller: Caller, app: App): Judge {
  checkPins(ask, caller, app);
  return new Judge(ask, caller, app);
}

/** Decides of each route whether it may serve a request, and says why not. */
export class Judge {
  readonly #ask: Ask;
  readonly #caller: Caller;
  readonly #app: App;
  readonly #region: string | undefined;
  readonly #pinned: string | undefined;
  readonly #keyProviders: readonly string[];
  readonly #keyModels: readonly string[];

  constructor(ask: Ask, caller: Caller, app: App) {
    const { key } = caller;
    this.#ask = ask;
    this.#caller = caller;
    this.#app = app;
    this.#region = ask.route.region ?? key.region;
    this.#pinned = ask.route.provider?.toLowerCase();
    this.#keyProviders = lower(key.allowedProviders);
    this.#keyModels = lower(key.allowedModels);
  }

  /** Why this route is out; undefined when it may serve. */
  refuse(route: Route): string | undefined {
    const { deployment, endpoint, model } = route;
    const ask = this.#ask;
    const { key } = this.#caller;
    const region = this.#region;
    const pinned = this.#pinned;
    const keyProviders = this.#keyProviders;
    if (region !== undefined && deployment.region !== region) return "region_pin";
    if (region !== undefined && deployment.basis === "assumed") return "region_only_assumed";
    if (pinned !== undefined && !matches(pinned, route)) return "provider_pin";
    if (keyProviders.length > 0 && !keyProviders.some((slug) => matches(slug, route)))
      return "key_providers";
    const wish = ask.provider;
    if (wish.only && !wish.only.some((slug) => matches(slug, route))) return "provider_only";
    if (wish.ignore?.some((slug) => matches(slug, route))) return "provider_ignored";
    if (
      wish.allowFallbacks === false &&
      wish.order &&
      !wish.order.some((slug) => matches(slug, route))
    )
      return "not_in_order";
    const lacking = lack(ask, model);
    if (lacking !== undefined) return `lacks_${lacking}`;
    if (
      ask.dialect === "openai-completions" &&
      model.kind === "completion" &&
      endpoint.protocol !== "openai-completions"
    )
      return "wrong_endpoint";
    if (ask.dialect !== "openai-completions" && model.kind === "completion")
      return "text_completions_only";
    if (ask.maxOutputTokens !== undefined && ask.maxOutputTokens >= endpoint.contextWindow)
      return "context_too_small";
    if (wish.dataCollection === "deny" && endpoint.dataPolicy.trainsOnData !== false)
      return "data_collection";
    if (
      wish.zdr &&
      endpoint.dataPolicy.zdr !== "default" &&
      endpoint.dataPolicy.retentionDays !== 0
    )
      return "not_zdr";
    if (wish.quantizations && !wish.quantizations.includes(endpoint.quantization ?? "unknown"))
      return "quantization";
    if (tooDear(ask, route)) return "max_price";
    if (wish.requireParameters && !takes(ask, model)) return "parameters";
    const grams =
      typeof key.carbonBudgetAction === "object"
        ? key.carbonBudgetAction.routeUnderGPer1k
        : undefined;
    if (
      grams !== undefined &&
      ask.kind === "chat" &&
      overBudget(this.#caller, this.#app) &&
      !(route.carbonPer1k !== undefined && route.carbonPer1k <= grams)
    )
      return "carbon_budget";
    if (this.#app.health.state(route) === "unavailable") return "unavailable";
    return undefined;
  }

  allowsModel(model: Model): boolean {
    return (
      this.#keyModels.length === 0 ||
      this.#keyModels.some(
        (name) =>
          name === model.id || model.id.endsWith(`/${name}`) || model.aliases.includes(name),
      )
    );
  }

  /** Narrowed by the auto-router plugin. */
  allowsAuto(model: Model): boolean {
    const { autoAllowed } = this.#ask;
    return autoAllowed === undefined || autoAllowed.some((pattern) => glob(pattern, model.id));
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
    return explainNone(models, trace, this.#ask, this.#app, this.#region);
  }

  explainAuto(): AppError {
    const region = this.#region;
    return this.#ask.autoAllowed === undefined
      ? new AppError(
          "service_unavailable",
          noneLeft(
            `No model that is reachable now can serve this request${region ? ` in ${region}` : ""}`,
            this.#app,
          ),
          { retryAfterSeconds: 30 },
        )
      : new AppError(
          "model_not_found",
          "Cannot choose a model: no reachable model matches plugins.auto-router.allowed_models",
          { param: "plugins" },
        );
  }
}

function checkPins(ask: Ask, { key }: Caller, app: App): void {
  const { region, provider } = ask.route;
  if (region !== undefined && !app.routes.regions.has(region)) {
    throw new AppError(
      "invalid_value",
      `Cannot route to the region "${region.slice(0, 60)}": known regions are ${[...app.routes.regions].join(", ")}`,
      { param: "route.region" },
    );
  }
  if (region !== undefined && key.region !== undefined && region !== key.region) {
    throw new AppError(
      "region_not_allowed",
      `Cannot route to ${region}: this API key is pinned to ${key.region}`,
      { param: "route.region", metadata: { region } },
    );
  }
  const { only, order } = ask.provider;
  if (provider === undefined && only === undefined && order === undefined) return;
  const named = [provider, ...(only ?? []), ...(order ?? [])];
  for (const slug of named) {
    const id = slug?.toLowerCase().split("/")[0];
    if (id === undefined) continue;
    if (!app.routes.providers.has(id)) {
      throw new AppError(
        "invalid_value",
        `Cannot route to the provider "${id.slice(0, 60)}": GET /v1/providers lists the known ones`,
        { param: slug === provider ? "route.provider" : "provider" },
      );
    }
  }
  const allowed = lower(key.allowedProviders);
  const pinned = provider?.toLowerCase();
  if (
    pinned !== undefined &&
    allowed.length > 0 &&
    !allowed.some((slug) => slug.split("/")[0] === pinned.split("/")[0])
  ) {
    throw providerNotAllowed(pinned);
  }
}

/** `id` matches every region of a provider, `id/region` one of them. */
export function matches(slug: string, { deployment }: Route): boolean {
  const id = deployment.provider.id;
  return slug === id || slug === `${id}/${deployment.region}`;
}

function tooDear({ provider: { maxPrice } }: Ask, { price }: Route): boolean {
  if (maxPrice === undefined) return false;
  if (price === undefined) return true;
  return (
    (maxPrice.prompt !== undefined && price.input > maxPrice.prompt) ||
    (maxPrice.completion !== undefined && price.output > maxPrice.completion)
  );
}

function takes(ask: Ask, model: Model): boolean {
  const known = model.parameters;
  return known === undefined || ask.parameters.every((name) => known.includes(name));
}

/** Whether a key that routes by carbon has used up its grams in the window. */
function overBudget({ key }: Caller, app: App): boolean {
  const start = app.windowStart(key.carbonBudgetReset ?? "monthly");
  const standing = app.allowances.standing({ kind: "carbon", owner: key.hash, windowStart: start });
  return (
    standing !== undefined &&
    key.carbonBudgetG !== undefined &&
    standing.used >= key.carbonBudgetG * 1e6
  );
}

const none: readonly string[] = [];

function lower(list: readonly string[]): readonly string[] {
  if (list.length === 0) return none;
  return list.map((entry) => entry.toLowerCase());
}

function glob(pattern: string, text: string): boolean {
  const source = pattern
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${source}$`, "i").test(text);
}

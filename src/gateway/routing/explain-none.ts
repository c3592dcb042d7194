import { abilitiesAt } from "#src/catalog/abilities.ts";
import type { Capabilities, Model } from "#src/catalog/model.ts";
import { givesSeveral } from "#src/dialect/choices.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import { untaken } from "#src/gateway/routing/parameters.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { Standing } from "#src/provider/health.ts";

/** What the request needs and is not there; undefined when all is. */
export function lack({ needs }: Ask, capabilities: Capabilities): string | undefined {
  if (needs.tools && !capabilities.tools) return "tools";
  if (needs.vision && !capabilities.vision) return "vision";
  if (needs.pdf && !capabilities.pdf) return "pdf";
  if (needs.audio && !capabilities.audio) return "audio";
  if (needs.jsonSchema && !capabilities.structuredOutputs) return "structured_outputs";
  if (needs.jsonObject && !capabilities.jsonMode && !capabilities.structuredOutputs)
    return "json_mode";
  return undefined;
}

/** Whether a route gives as many choices as are asked for. Several prompts of one text request are another matter. */
export function givesChoices(
  { choices, dialect, needs }: Ask,
  { endpoint, deployment }: Route,
): boolean {
  if (choices <= 1 || dialect === "openai-completions") return true;
  const { protocol, upstreamModel: model } = endpoint;
  return givesSeveral(protocol, deployment.provider.id, { model, tools: needs.tools });
}

/** The 403 for a provider that the key may not use. */
export function providerNotAllowed(provider: string): AppError {
  return new AppError(
    "provider_not_allowed",
    `provider '${provider}' is not allowed for this API key`,
    { metadata: { provider } },
  );
}

/** What holds a request, whatever else it asks for. */
export interface Bounds {
  /** Its pins in words; empty where there are none. */
  where: string;
  /** Whether a route is within the pins, and allowed to the key and the account. */
  mayServe: (route: Route) => boolean;
  /** Whether a route is allowed to the key and the account, wherever the request pins itself. */
  mayUse: (route: Route) => boolean;
}

/** Told with a refusal that no waiting heals: the official clients try every 503 and 429 again that does not say so. */
export const notAgain: Readonly<Record<string, string>> = { "X-Should-Retry": "false" };

/** The members of a request that rule out a route by themselves, by the reason in the trace. */
const paramOf: Readonly<Record<string, string>> = {
  provider_only: "provider.only",
  provider_ignored: "provider.ignore",
  not_in_order: "provider.order",
  quantization: "provider.quantizations",
  max_price: "provider.max_price",
};

/** The error that says why no route was left, from the reasons in the trace. */
export function explainNone(
  models: Model[],
  trace: TraceEntry[],
  ask: Ask,
  app: App,
  { where, mayServe, mayUse }: Bounds,
): AppError {
  const reasons = new Set(trace.map((entry) => entry.reason));
  const names = models.map((model) => `"${model.id}"`).join(", ");
  if (reasons.size === 0) {
    return new AppError(
      "service_unavailable",
      noneLeft(
        `Cannot reach ${names}: no provider that serves it has a credential or address`,
        app,
      ),
      {
        retryAfterSeconds: 30,
        headers: notAgain,
        metadata: {
          providers: [
            ...new Set(
              models.flatMap((model) => model.endpoints.map((endpoint) => endpoint.provider)),
            ),
          ].slice(0, 12),
        },
      },
    );
  }
  const emitting = outOfCarbon(reasons, names, ask, app, mayServe);
  if (emitting !== undefined) return emitting;
  const lacking = [...reasons].find((reason) => reason.startsWith("lacks_"));
  // What a model lacks it lacks at every provider, also at those that a pin left out before.
  const lacksAll = models.every(({ id }) =>
    trace.some(({ model, reason }) => model === id && reason.startsWith("lacks_")),
  );
  if (
    lacking !== undefined &&
    (lacksAll ||
      [...reasons].every((reason) => reason.startsWith("lacks_") || reason === "unavailable"))
  ) {
    const feature = lacking.slice("lacks_".length);
    const able = app.routes.models
      .filter((model) => !models.includes(model) && isServed(model, ask, app, mayServe))
      .slice(0, 5);
    const could =
      able.length > 0
        ? `models that can: ${able.map((model) => model.id).join(", ")}`
        : "no reachable model can";
    if (feature === "choices")
      return new AppError(
        "unsupported_feature",
        `Cannot give ${ask.choices} choices with ${names}: ask for 1; ${could}`,
        {
          param: ask.dialect === "gemini" ? "generationConfig.candidateCount" : "n",
          metadata: { feature },
        },
      );
    return new AppError(
      "unsupported_feature",
      `Cannot serve this request with ${names}: ${feature} is not supported; ${could}`,
      { param: "model", metadata: { feature } },
    );
  }
  if (reasons.has("context_too_small") && reasons.size === 1) {
    return new AppError(
      "context_length_exceeded",
      `Cannot allow max_tokens ${ask.maxOutputTokens} for ${names}: it must be below the context window`,
      { param: "max_tokens" },
    );
  }
  if (reasons.has("text_completions_only")) {
    return new AppError(
      "unsupported_feature",
      `Cannot chat with ${names}: it serves POST /v1/completions only`,
      { param: "model" },
    );
  }
  const isForeign = ({ reason }: TraceEntry) =>
    reason === "key_providers" || reason === "account_providers";
  const foreign = trace.find(isForeign);
  if (foreign && trace.every((entry) => isForeign(entry) || entry.reason.endsWith("_pin")))
    return providerNotAllowed(foreign.provider);
  const routes = models.flatMap((model) => app.routes.of(model));
  const slugOf = ({ deployment: { provider, region } }: Route) => `${provider.id}/${region}`;
  // What a pin or a wish leaves out is no matter of health.
  const shut = new Set(
    trace.flatMap(({ reason, provider, region, model }) =>
      reason === "unavailable" ? [`${provider}/${region} ${model}`] : [],
    ),
  );
  const isShut = (route: Route) => shut.has(`${slugOf(route)} ${route.model.id}`);
  const standings = routes
    .filter(isShut)
    .flatMap((route) => (route.keys ?? [route]).map((one) => app.health.standing(one)));
  const ill = [
    ...new Set(
      standings.map(
        ({ provider, region, reason }) => `${provider}/${region} is ${reason ?? "unavailable"}`,
      ),
    ),
  ];
  const lost = reasons.has("parameters") ? untakenBy(models, ask) : [];
  const why = [...reasons].flatMap((reason) => {
    if (reason === "unavailable" && ill.length > 0) return ill;
    return reason === "parameters" ? [`parameters (it does not take ${quoted(lost)})`] : [reason];
  });
  const retryAfterSeconds = secondsUntil(standings);
  // A place that is left alone is no way out, and neither is one that is closed to whoever asks.
  const elsewhere = [
    ...new Set(routes.filter((route) => !isShut(route) && mayUse(route)).map(slugOf)),
  ];
  const passes = reasons.has("unavailable");
  const otherwise = passes
    ? `ask again in ${retryAfterSeconds} s`
    : "nowhere else may this API key use it; GET /v1/models lists what it may call";
  const could = elsewhere.length > 0 ? `reachable at ${elsewhere.join(", ")}` : otherwise;
  const [only] = reasons.size === 1 ? reasons : [];
  return new AppError(
    "service_unavailable",
    `Cannot route ${names}${where}: ${why.join(", ")}; ${could}`,
    {
      retryAfterSeconds,
      param: only === "parameters" ? lost[0] : paramOf[only ?? ""],
      ...(passes ? {} : { headers: notAgain }),
      metadata: { reasons: [...reasons] },
    },
  );
}

/** Parameters of the request that one of the models is known not to take, each once. */
function untakenBy(models: readonly Model[], { parameters }: Ask): string[] {
  return [...new Set(models.flatMap((model) => untaken(parameters, model)))];
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

/** The refusal where a carbon budget alone left out a route: all else about it was right. */
function outOfCarbon(
  reasons: ReadonlySet<string>,
  names: string,
  ask: Ask,
  app: App,
  mayServe: (route: Route) => boolean,
): AppError | undefined {
  if (reasons.has("carbon_budget")) return overCarbon(names, ask, app, mayServe);
  if (!reasons.has("footprint_unknown")) return undefined;
  return new AppError("not_meterable", uncounted(names), {
    param: "model",
    metadata: { reasons: [...reasons] },
  });
}

/** Why a request cannot be counted against a carbon budget. */
export function uncounted(what: string): string {
  return `Cannot count ${what} against the carbon budget: its footprint is not known; name a model with an estimate, as /models shows them, or ask for a budget that routes instead of refusing`;
}

/** The 402 for a carbon budget that is used up, where only clean routes are left. */
export function overCarbon(
  names: string,
  ask: Ask,
  app: App,
  mayServe: (route: Route) => boolean,
): AppError {
  const under = ask.gramsPer1kAtMost ?? Number.POSITIVE_INFINITY;
  const isClean = (route: Route) => (route.carbonPer1k ?? Number.POSITIVE_INFINITY) <= under;
  const able = Number.isFinite(under)
    ? app.routes.models
        .filter((model) => model.kind === "chat")
        .filter((model) =>
          app.routes.of(model).some((one) => can(ask, one) && isClean(one) && mayServe(one)),
        )
        .slice(0, 5)
    : [];
  const bound = Number.isFinite(under) ? `at most ${under} g CO2e for 1,000 tokens` : "less";
  const could =
    able.length > 0 ? `; models that do: ${able.map((model) => model.id).join(", ")}` : "";
  return new AppError(
    "carbon_budget_reached",
    `Cannot use ${names}: the carbon budget is used up, and until it starts anew only routes that emit ${bound} may serve${could}`,
    Number.isFinite(under) ? { metadata: { route_under_g_per_1k: under } } : {},
  );
}

/** Whether nothing that the request needs is missing there. */
function can(ask: Ask, { model, endpoint }: Route): boolean {
  return lack(ask, abilitiesAt(model, endpoint)) === undefined;
}

/** Whether a model is of the kind that is asked for, and may serve where it can and gives as many choices. */
function isServed(
  model: Model,
  ask: Ask,
  { routes }: App,
  mayServe: (route: Route) => boolean,
): boolean {
  const isText = model.kind === "completion" && ask.dialect === "openai-completions";
  if (model.kind !== ask.kind && !isText) return false;
  return routes
    .of(model)
    .some((route) => can(ask, route) && givesChoices(ask, route) && mayServe(route));
}

/** Seconds until the first of them may be asked again, 1 to 600; 30 where there are none, for nothing is known of others. */
export function secondsUntil(standings: readonly Standing[]): number {
  if (standings.length === 0) return 30;
  const soonest = Math.min(...standings.map(({ wait }) => wait));
  return Math.min(600, Math.max(1, Math.ceil(soonest / 1000)));
}

/** A message that says so when nothing is configured at all. */
export function noneLeft(message: string, app: App): string {
  return app.routes.anyProvider
    ? message
    : `${message}; no provider is configured: set a provider key such as OPENAI_API_KEY and restart`;
}

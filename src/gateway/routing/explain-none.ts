import type { Model } from "#src/catalog/model.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { Standing } from "#src/provider/health.ts";

/** What the request needs and the model has not; undefined when it has all. */
export function lack({ needs }: Ask, { capabilities }: Model): string | undefined {
  if (needs.tools && !capabilities.tools) return "tools";
  if (needs.vision && !capabilities.vision) return "vision";
  if (needs.pdf && !capabilities.pdf) return "pdf";
  if (needs.audio && !capabilities.audio) return "audio";
  if (needs.jsonSchema && !capabilities.structuredOutputs) return "structured_outputs";
  if (needs.jsonObject && !capabilities.jsonMode && !capabilities.structuredOutputs)
    return "json_mode";
  return undefined;
}

/** The 403 for a provider that the key may not use. */
export function providerNotAllowed(provider: string): AppError {
  return new AppError(
    "provider_not_allowed",
    `provider '${provider}' is not allowed for this API key`,
    { metadata: { provider } },
  );
}

/** The error that says why no route was left, from the reasons in the trace. */
export function explainNone(
  models: Model[],
  trace: TraceEntry[],
  ask: Ask,
  app: App,
  where: string,
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
      .filter((model) => lack(ask, model) === undefined && app.routes.of(model).length > 0)
      .slice(0, 5);
    const could =
      able.length > 0
        ? `models that can: ${able.map((model) => model.id).join(", ")}`
        : "no reachable model can";
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
  const known = [...new Set(routes.map(slugOf))];
  // What a pin or a wish leaves out is no matter of health.
  const shut = new Set(
    trace.flatMap(({ reason, provider, region, model }) =>
      reason === "unavailable" ? [`${provider}/${region} ${model}`] : [],
    ),
  );
  const standings = routes
    .filter((route) => shut.has(`${slugOf(route)} ${route.model.id}`))
    .flatMap((route) => (route.keys ?? [route]).map((one) => app.health.standing(one)));
  const ill = [
    ...new Set(
      standings.map(
        ({ provider, region, reason }) => `${provider}/${region} is ${reason ?? "unavailable"}`,
      ),
    ),
  ];
  const why = [...reasons].flatMap((reason) =>
    reason === "unavailable" && ill.length > 0 ? ill : [reason],
  );
  return new AppError(
    "service_unavailable",
    `Cannot route ${names}${where}: ${why.join(", ")}; reachable at ${known.join(", ")}`,
    {
      retryAfterSeconds: secondsUntil(standings),
      metadata: { reasons: [...reasons] },
    },
  );
}

/** Seconds until the first of them may be asked again; of others nothing is known. */
function secondsUntil(standings: readonly Standing[]): number {
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

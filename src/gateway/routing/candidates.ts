import type { Model } from "#src/catalog/model.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { automatic, autoNameOf, type Chosen } from "#src/gateway/routing/automatic.ts";
import type { App } from "#src/gateway/context.ts";
import type { Judge } from "#src/gateway/routing/eligible.ts";
import { traced } from "#src/gateway/routing/traced.ts";
import { routesOf, variantOf } from "#src/gateway/routing/variant.ts";
import type { Variant } from "#src/catalog/find.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

/** A model that may answer, and the ways that lead there. */
export interface Candidate {
  model: Model;
  variant: Variant | undefined;
  /** Not judged yet, but for those of a model that we chose. */
  routes: readonly Route[];
  /** Why we chose it; undefined where the caller did. */
  reason: string | undefined;
  /** Whose offer of the model was named; undefined where it may be anybody's. */
  provider?: string | undefined;
}

/**
 * The models that a request names, in its order, or those that we choose for it. Throws 404 for a name that means
 * none, 403 where the key may use none of them. `trace` gets the models that were passed over.
 */
export function candidatesOf(ask: Ask, judge: Judge, app: App, trace: TraceEntry[]): Candidate[] {
  const found: Candidate[] = [];
  const { asked, spare } = namesOf(ask, app);
  let unmet: AppError | undefined;
  for (const name of [...asked, ...spare]) {
    try {
      for (const candidate of byName(name, ask, judge, app, trace)) add(found, candidate);
    } catch (thrown) {
      // The others may serve where we find none ourselves, and the client knows nothing of the operator's.
      const isOne = found.length > 0 && spare.includes(name);
      if (!(thrown instanceof AppError)) throw thrown;
      if (!isOne && thrown.code !== "service_unavailable") throw thrown;
      unmet ??= thrown;
    }
  }
  if (found.length === 0 && unmet !== undefined) throw unmet;
  tellOthers(found, app, trace);
  if (judge.allowsAll) return found;
  judge.checkModels(found.map(({ model }) => model));
  return found.filter(({ model, routes: [first] }) => {
    const isAllowed = judge.allowsModel(model);
    if (!isAllowed && first !== undefined) trace.push(traced(first, "filtered", "key_models"));
    return isAllowed;
  });
}

/** Names of models, in order. */
interface Names {
  /** `model`, then `models`. */
  asked: readonly string[];
  /** Where the request names no others, those that the operator puts behind it. */
  spare: readonly string[];
}

function namesOf({ model, models, kind }: Ask, { config, routes }: App): Names {
  const { fallbacks, defaultModel } = config.routing;
  if (model === undefined)
    return { asked: models.length > 0 ? models : [defaultModel], spare: none };
  if (models.length > 0) return { asked: [model, ...models], spare: none };
  // Vectors of different models cannot be compared, and an automatic choice has its own next.
  if (kind === "embedding" || autoNameOf(model) !== undefined)
    return { asked: [model], spare: none };
  const further = fallbacks[model] ?? fallbacks[routes.find(model)?.model.id ?? ""];
  return { asked: [model], spare: further ?? fallbacks["*"] ?? none };
}

const none: readonly string[] = [];

function byName(name: string, ask: Ask, judge: Judge, app: App, trace: TraceEntry[]): Candidate[] {
  const found = app.routes.find(name);
  const auto = found === undefined ? autoNameOf(name) : undefined;
  if (auto !== undefined && ask.kind === "chat") {
    const variant = variantOf(auto.suffix, auto.name);
    return automatic(auto.name, variant, { ask, judge }, app, trace).map((chosen) =>
      toCandidate(chosen, variant),
    );
  }
  if (found === undefined) {
    const why =
      auto !== undefined
        ? `Cannot choose an embedding model for "${auto.name}": vectors of different models cannot be compared; name one of GET /v1/models`
        : `Cannot find the model "${name.slice(0, 200)}": GET /v1/models lists what can be called`;
    throw new AppError("model_not_found", why, { param: "model" });
  }
  const { model, provider } = found;
  if ((model.kind === "embedding") !== (ask.kind === "embedding")) throw misplaced(model);
  const variant = variantOf(found.variant, model.id);
  const all = routesOf(model, variant, app);
  const routes =
    provider === undefined
      ? all
      : all.filter(({ deployment }) => deployment.provider.id === provider);
  return [{ model, variant, routes, reason: undefined, provider }];
}

/** Adds what a name means to what those before it mean: of the same model, the offers that are not there yet. */
function add(found: Candidate[], candidate: Candidate): void {
  const before = found.filter(({ model }) => model === candidate.model);
  if (before.length === 0) return void found.push(candidate);
  const has = (id: string) =>
    before.some(({ provider }) => provider === undefined || provider === id);
  const routes = candidate.routes.filter(({ deployment }) => !has(deployment.provider.id));
  if (routes.length > 0) found.push({ ...candidate, routes });
}

/** Says of who else serves a model that the request named the offer of another. */
function tellOthers(found: readonly Candidate[], { routes }: App, trace: TraceEntry[]): void {
  for (const { model, provider } of found) {
    if (provider === undefined) continue;
    const ofIt = found.filter((one) => one.model === model);
    if (ofIt[0]?.provider !== provider || ofIt.some((one) => one.provider === undefined)) continue;
    for (const route of routes.of(model))
      if (!ofIt.some((one) => one.provider === route.deployment.provider.id))
        trace.push(traced(route, "filtered", "provider_pin"));
  }
}

function toCandidate({ model, routes, reason }: Chosen, variant: Variant | undefined): Candidate {
  return { model, variant, routes, reason };
}

/** The 404 for a model that makes words where vectors are asked for, or the other way round. */
function misplaced({ id, kind }: Model): AppError {
  const why =
    kind === "embedding"
      ? `Cannot generate text with "${id}": it makes embeddings, at POST /v1/embeddings`
      : `Cannot make embeddings with "${id}": it generates text, at POST /v1/${kind === "chat" ? "chat/completions" : "completions"}`;
  return new AppError("model_not_found", why, { param: "model" });
}

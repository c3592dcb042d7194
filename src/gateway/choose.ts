import type { Caller } from "#src/account/account.ts";
import type { Model } from "#src/catalog/model.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { eligible, type Judge } from "#src/gateway/eligible.ts";
import type { App } from "#src/gateway/context.ts";
import { rank } from "#src/gateway/rank.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

/** What was decided for a request: where to try, in order, and why. */
export interface Choice {
  /** At least one, at most as many as there may be attempts. */
  routes: Route[];
  /** Why each route has its place. */
  reasons: ReadonlyMap<Route, string>;
  /** Routes that may not serve, with the reason. */
  trace: TraceEntry[];
}

const autoNames: ReadonlySet<string> = new Set(["auto", "lowrouter/auto", "lowrouter/auto-cheap"]);
/** How many models the automatic choice puts in line. */
const autoModels = 3;

/**
 * Where a request can be served, best first. Pure over what the process knows; no I/O.
 * Throws 404 for an unknown model, 403 for what the key may not, 400 for what no endpoint can, 503 when none is left.
 */
export function choose(ask: Ask, caller: Caller, app: App): Choice {
  const judge = eligible(ask, caller, app);
  const models = candidates(ask, judge, app);
  const trace: TraceEntry[] = [];
  const routes: Route[] = [];
  const reasons = new Map<Route, string>();
  for (const { model, reason } of models) {
    const fit: Route[] = [];
    for (const route of app.routes.of(model)) {
      const refusal = judge.refuse(route);
      if (refusal === undefined) fit.push(route);
      else trace.push(entry(route, "filtered", refusal));
    }
    for (const { route, why } of rank(fit, ask, caller, app)) {
      routes.push(route);
      reasons.set(route, reason ?? why);
    }
  }
  const limit =
    ask.provider.allowFallbacks === false && !ask.provider.order
      ? 1
      : app.config.routing.maxAttempts;
  const chosen = withinRegion(routes, ask).slice(0, limit);
  if (chosen.length === 0)
    throw judge.explain(
      models.map(({ model }) => model),
      trace,
    );
  return { routes: chosen, reasons, trace };
}

/** With `fallback: false` the request may fail over inside the first choice's region only. */
function withinRegion(routes: Route[], ask: Ask): Route[] {
  const first = routes[0];
  if (ask.route.fallback !== false || first === undefined) return routes;
  return routes.filter((route) => route.deployment.region === first.deployment.region);
}

function entry(route: Route, decision: TraceEntry["decision"], reason: string): TraceEntry {
  return {
    provider: route.deployment.provider.id,
    region: route.deployment.region,
    model: route.model.id,
    decision,
    reason,
  };
}

interface Candidate {
  model: Model;
  /** Why the automatic choice put it here. */
  reason: string | undefined;
}

function candidates(ask: Ask, judge: Judge, app: App): Candidate[] {
  const names = ask.model === undefined ? ask.models : [ask.model, ...ask.models];
  const wanted = names.length > 0 ? names : [app.config.routing.defaultModel];
  const found: Candidate[] = [];
  for (const name of wanted) {
    for (const candidate of byName(name, ask, judge, app)) {
      if (!found.some(({ model }) => model === candidate.model)) found.push(candidate);
    }
  }
  judge.checkModels(found.map(({ model }) => model));
  return found.filter(({ model }) => judge.allowsModel(model));
}

function byName(name: string, ask: Ask, judge: Judge, app: App): Candidate[] {
  if (autoNames.has(name) && ask.kind === "chat") return automatic(name, judge, app);
  const found = app.routes.find(name);
  if (found === undefined) {
    const why =
      autoNames.has(name) && ask.kind === "embedding"
        ? `Cannot choose an embedding model for "${name}": vectors of different models cannot be compared; name one of GET /v1/models`
        : `Cannot find the model "${name.slice(0, 200)}": GET /v1/models lists what can be called`;
    throw new AppError("model_not_found", why, { param: "model" });
  }
  if ((found.model.kind === "embedding") !== (ask.kind === "embedding"))
    throw misplaced(found.model);
  if (found.variant !== undefined) {
    throw new AppError(
      "model_not_found",
      `Cannot find the variant ":${found.variant.slice(0, 60)}" of "${found.model.id}": call the model without it`,
      {
        param: "model",
      },
    );
  }
  return [{ model: found.model, reason: undefined }];
}

/** The 404 for a model that makes words where vectors are asked for, or the other way round. */
function misplaced({ id, kind }: Model): AppError {
  const why =
    kind === "embedding"
      ? `Cannot generate text with "${id}": it makes embeddings, at POST /v1/embeddings`
      : `Cannot make embeddings with "${id}": it generates text, at POST /v1/${kind === "chat" ? "chat/completions" : "completions"}`;
  return new AppError("model_not_found", why, { param: "model" });
}

/** The smallest (or cheapest) models that can do what is asked and are reachable now. */
function automatic(name: string, judge: Judge, app: App): Candidate[] {
  const cheap = name === "lowrouter/auto-cheap";
  const found: Candidate[] = [];
  for (const model of cheap ? app.routes.cheapest : app.routes.smallest) {
    if (model.kind !== "chat" || !judge.allowsModel(model) || !judge.allowsAuto(model)) continue;
    if (!app.routes.of(model).some((route) => judge.refuse(route) === undefined)) continue;
    found.push({ model, reason: cheap ? "cheapest_capable_model" : "smallest_capable_model" });
    if (found.length === autoModels) break;
  }
  if (found.length === 0) throw judge.explainAuto();
  return found;
}

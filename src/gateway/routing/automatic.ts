import { abilitiesAt } from "#src/catalog/abilities.ts";
import type { Model } from "#src/catalog/model.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { App } from "#src/gateway/context.ts";
import type { Judge } from "#src/gateway/routing/eligible.ts";
import { lack } from "#src/gateway/routing/explain-none.ts";
import { namedAtMost, tellMore, traced } from "#src/gateway/routing/traced.ts";
import { routesOf } from "#src/gateway/routing/variant.ts";
import type { Variant } from "#src/catalog/find.ts";
import type { TraceEntry } from "#src/ledger/generation.ts";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";

type AutoName = "lowrouter/auto" | "lowrouter/auto-cheap";

const autoNames: ReadonlyMap<string, AutoName> = new Map([
  ["auto", "lowrouter/auto"],
  ["lowrouter/auto", "lowrouter/auto"],
  ["lowrouter/auto-cheap", "lowrouter/auto-cheap"],
]);

/** How many models the automatic choice puts in line. */
const inLine = 3;
/** Bytes of a prompt that a token has at least, as a rule: prose has four, code and most scripts have more tokens. */
const bytesPerToken = 3;

/** A name that leaves the model to us, and its suffix; undefined for any other. */
export function autoNameOf(given: string): { name: AutoName; suffix?: string } | undefined {
  const text = given.toLowerCase();
  const whole = autoNames.get(text);
  if (whole !== undefined) return { name: whole };
  const colon = text.lastIndexOf(":");
  const name = colon < 0 ? undefined : autoNames.get(text.slice(0, colon));
  return name && { name, suffix: text.slice(colon + 1) };
}

/** A model of our choice, with those of its routes that may serve. */
export interface Chosen {
  model: Model;
  routes: readonly Route[];
  reason: typeof smallest | typeof cheapest;
}

export const smallest = "smallest_capable_model";
export const cheapest = "cheapest_capable_model";

/**
 * The smallest models, or the cheapest, that can do what is asked, may be used, and are reachable now; never a larger
 * one for its own sake. The same request finds the same models as long as prices, health and the key are the same.
 */
export function automatic(
  name: AutoName,
  variant: Variant | undefined,
  { ask, judge }: { ask: Ask; judge: Judge },
  app: App,
  trace: TraceEntry[],
): Chosen[] {
  const isCheap = name === "lowrouter/auto-cheap" || judge.policy.by === "price";
  const reason = isCheap ? cheapest : smallest;
  const found: Chosen[] = [];
  /** Those whose only fault is an open circuit. */
  const open: Chosen[] = [];
  let clean = 0;
  const passed: TraceEntry[] = [];
  /** Models that are passed over and not named: the catalogue has hundreds. */
  let more = 0;
  const tell = (route: Route | undefined, why: string): void => {
    if (route === undefined) return;
    if (passed.length < namedAtMost) passed.push(traced(route, "filtered", why));
    else more++;
  };
  for (const model of isCheap ? app.routes.cheapest : app.routes.smallest) {
    if (!judge.allowsModel(model) || !judge.allowsAuto(model)) continue;
    const all = offered(model, variant, app);
    const lacking = shortOf(ask, model, all, variant);
    if (lacking !== undefined) {
      tell(all[0], lacking);
      continue;
    }
    const routes: Route[] = [];
    const resorts: Route[] = [];
    let refusal: string | undefined;
    for (const route of all) {
      const why = isRoomy(ask, route, app) ? judge.refuse(route) : "context_too_small";
      if (why === undefined) routes.push(route);
      else refusal ??= why;
      if (why === "unavailable" && app.health.isLastResort(route)) resorts.push(route);
    }
    if (routes.length === 0) {
      if (resorts.length > 0 && open.length < inLine) open.push({ model, routes: resorts, reason });
      tell(all[0], refusal ?? "not_offered");
      continue;
    }
    found.push({ model, routes, reason });
    for (const route of routes) if (!isDirty(route, app)) clean++;
    const isEnough = clean >= app.config.routing.maxAttempts && !goesAcross(ask, judge);
    if (found.length === inLine || isEnough) break;
  }
  if (found.length === 0) {
    found.push(...open);
    const isNamed = ({ model: { id } }: Chosen) => passed.some(({ model }) => model === id);
    more -= open.filter((one) => !isNamed(one)).length;
  }
  if (found.length === 0) throw judge.explainAuto();
  tellMore(passed, more);
  trace.push(...passed);
  return found;
}

/** Whether the order is to go across the models, so that those further back may come first. */
function goesAcross({ provider: { sort } }: Ask, { policy }: Judge): boolean {
  return policy.by === "carbon" || sort?.partition === "none";
}

function isDirty({ gridGPerKwh = 0 }: Route, { config }: App): boolean {
  return gridGPerKwh > config.routing.highCarbonGPerKwh;
}

/** Routes of a variant; none where the model has no such. */
function offered(model: Model, variant: Variant | undefined, app: App): readonly Route[] {
  try {
    return routesOf(model, variant, app);
  } catch (thrown) {
    if (thrown instanceof AppError) return [];
    throw thrown;
  }
}

/** What a model of our choice has to have besides what any model needs: what a caller names, it may do without. */
function shortOf(
  ask: Ask,
  model: Model,
  routes: readonly Route[],
  variant: Variant | undefined,
): string | undefined {
  const lackAt = ({ endpoint }: Route) => lack(ask, abilitiesAt(model, endpoint));
  const [first] = routes;
  const lacking = first && lackAt(first);
  if (lacking !== undefined && routes.every((route) => lackAt(route) !== undefined))
    return `lacks_${lacking}`;
  const { reasoning, logprobs } = model.capabilities;
  if ((ask.needs.reasoning || variant === "thinking") && !reasoning) return "lacks_reasoning";
  return ask.needs.logprobs && logprobs === false ? "lacks_logprobs" : undefined;
}

/** Whether prompt and answer fit, as far as the prompt's tokens can be told from its bytes. */
function isRoomy(ask: Ask, { endpoint, model }: Route, { config }: App): boolean {
  const { maxOutputTokens: wanted } = ask;
  const most = endpoint.maxOutputTokens ?? model.maxOutputTokens;
  if (wanted !== undefined && most !== undefined && wanted > most) return false;
  const prompt = ask.inputTokensAtMost / bytesPerToken;
  const answer = wanted ?? Math.min(config.billing.defaultMaxTokens, most ?? Infinity);
  return prompt + answer <= endpoint.contextWindow;
}

import type { Caller } from "#src/account/account.ts";
import type { App } from "#src/gateway/context.ts";
import { allowsModel } from "#src/gateway/routing/allowed-models.ts";
import { mayRetain, mayTrain } from "#src/gateway/routing/data-terms.ts";
import { outside, standingPins } from "#src/gateway/routing/pins.ts";
import { leavesOut, slugAt, slugsOf } from "#src/gateway/routing/slug.ts";
import type { Route } from "#src/provider/deployment.ts";

/**
 * Says of each route whether a caller may use it at all, whatever a request asks for: the lists, pins and terms of the
 * key, the account and the operator. Health, credit and budgets are no matter of it, for they change by the minute.
 */
export function mayUse(caller: Caller, app: App): (route: Route) => boolean {
  const { key, account } = caller;
  const { allowedProviders = none, ignoredProviders = none } = account.routing ?? {};
  const pins = standingPins(caller, app);
  const ofKey = slugsOf(key.allowedProviders);
  const ofAccount = slugsOf(allowedProviders);
  const ignored = slugsOf(ignoredProviders);
  const noTraining = account.routing?.dataCollection === "deny";
  const noRetention = account.routing?.zdr === true;
  return (route) => {
    const { deployment, endpoint, model } = route;
    if (!allowsModel(key.allowedModels, model)) return false;
    if (outside(pins, route, app.routes) !== undefined) return false;
    if (leavesOut(ofKey, deployment) || leavesOut(ofAccount, deployment)) return false;
    if (slugAt(ignored, deployment) >= 0) return false;
    return !(noTraining && mayTrain(endpoint)) && !(noRetention && mayRetain(endpoint));
  };
}

/** The gateway with the routes alone that a caller may use: what lists of models are made from. */
export function openTo(caller: Caller, everyones: App): App {
  const app = everyones.seenBy(caller);
  const isOpen = mayUse(caller, app);
  return { ...app, routes: { ...app.routes, of: (model) => app.routes.of(model).filter(isOpen) } };
}

/** Whether there is a model that an automatic choice can take. */
export function hasChoice({ routes }: Pick<App, "routes">): boolean {
  return routes.smallest.some((model) => routes.of(model).length > 0);
}

const none: readonly string[] = [];

import type { Choice } from "#src/gateway/routing/choose.ts";
import type { App } from "#src/gateway/context.ts";
import type { Fault } from "#src/gateway/fault.ts";
import { seemsFull } from "#src/gateway/keys/key-hold.ts";
import { tierOf } from "#src/gateway/keys/keyed-routes.ts";
import type { Route } from "#src/provider/deployment.ts";

/** The choice with a route for each credential that may be taken, the first to be tried first. The same where no place has several. */
export function withCredentials(choice: Choice, app: App): Choice {
  if (choice.routes.every(({ keys }) => keys === undefined)) return choice;
  const reasons = new Map<Route, string>(choice.reasons);
  const routes = choice.routes.flatMap((place) => {
    const reason = choice.reasons.get(place);
    const lined = keysInLine(place, app);
    for (const route of lined) if (reason !== undefined) reasons.set(route, reason);
    return lined;
  });
  return { ...choice, routes, reasons };
}

/**
 * Credentials of a place, in the order in which they are tried: an account's own, the operator's, the account's that
 * stand in. Among their like drawn by weight; those that are ill or have no room come last.
 */
export function keysInLine(place: Route, app: App): Route[] {
  const { keys, variant } = place;
  if (keys === undefined) return [place];
  return keys
    .map((route) => {
      const isLate = app.health.state(route) === "unavailable" || seemsFull(route, app);
      const weight = route.deployment.key?.weight ?? 1;
      // Drawing by weight without putting back: the smallest of -ln(u)/w first.
      const score = weight > 0 ? -Math.log(1 - app.random()) / weight : Number.POSITIVE_INFINITY;
      return { route: variant === undefined ? route : varied(route, variant), isLate, score };
    })
    .sort(
      (one, other) =>
        tierOf(one.route) - tierOf(other.route) ||
        Number(one.isLate) - Number(other.isLate) ||
        one.score - other.score,
    )
    .map(({ route }) => route);
}

const made = new WeakMap<Route, Map<string, Route>>();

/** The route under a suffix of its model's name; the same object each time, by which its health is found. */
function varied(route: Route, variant: NonNullable<Route["variant"]>): Route {
  const known = made.get(route) ?? new Map<string, Route>();
  made.set(route, known);
  const found = known.get(variant) ?? { ...route, variant };
  known.set(variant, found);
  return found;
}

/** Whether a route is paid by the account itself. */
export function isOwn({ deployment: { key } }: Route): boolean {
  return key?.accountId !== undefined;
}

/** What failed is the place, and not its credential: routes that lead there with another come last. */
export function putBehind(line: Route[], failed: Route): void {
  if (failed.deployment.key === undefined) return;
  const siblings = line.filter((one) => isSibling(one, failed));
  const others = line.filter((one) => !isSibling(one, failed));
  line.splice(0, line.length, ...others, ...siblings);
}

/** Whether two routes lead to the same model at the same place, whatever the credential. */
function isSibling(one: Route, other: Route): boolean {
  return (
    one.model === other.model &&
    one.deployment.provider.id === other.deployment.provider.id &&
    one.deployment.region === other.deployment.region
  );
}

/** Whether a fault concerns the credential alone: refused, without credit, or asked too often. */
export function isOfKey({ refused, status, reason }: Fault): boolean {
  return refused !== undefined || status === 429 || reason === "no_credential";
}

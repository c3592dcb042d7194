import type { Caller } from "#src/account/account.ts";
import type { Hold } from "#src/allowance/allowance.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { routedUnder } from "#src/gateway/carbon.ts";
import { choose, type Choice } from "#src/gateway/routing/choose.ts";
import type { App } from "#src/gateway/context.ts";
import { isOwn, withCredentials } from "#src/gateway/keys/credentials.ts";
import { reserve } from "#src/gateway/reserve.ts";
import { AppError } from "#src/lib/error.ts";
import { type Soon, then } from "#src/lib/soon.ts";

/** A request that may be tried: where, and what it holds. */
export interface Admitted {
  choice: Choice;
  hold: Hold;
}

/** Takes what the dearest route may use. Throws 402 and 429. */
export function admit(caller: Caller, ask: Ask, choice: Choice, app: App): Soon<Admitted> {
  const under = ask.gramsPer1kAtMost === undefined ? routedUnder(caller) : undefined;
  if (under === undefined) return admitTo(caller, ask, choice, app);
  return withinCarbon(ask, under, (isMet) =>
    admitTo(caller, ask, isMet ? chooseAgain(caller, ask, app) : choice, app),
  );
}

/** Where a carbon budget is met that goes on cleaner, does it again with routes that emit less than `under`. */
export async function withinCarbon<T>(
  ask: Ask,
  under: number,
  take: (isMet: boolean) => Soon<T>,
): Promise<T> {
  try {
    return await take(false);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== "carbon_budget_reached") throw thrown;
    ask.gramsPer1kAtMost = under;
    return take(true);
  }
}

function chooseAgain(caller: Caller, ask: Ask, app: App): Choice {
  return withCredentials(choose(ask, caller, app.seenBy(caller)), app);
}

function admitTo(caller: Caller, ask: Ask, choice: Choice, app: App): Soon<Admitted> {
  const { routes } = choice;
  if (routes.some(isOwn) && !routes.every(isOwn)) return admitMixed(caller, ask, choice, app);
  return then(reserve(caller, ask, routes, app), (hold) => ({ choice, hold }));
}

/** A caller who cannot pay for the dearest route, and has own credentials that cost less, keeps to those. */
async function admitMixed(caller: Caller, ask: Ask, choice: Choice, app: App): Promise<Admitted> {
  try {
    return { choice, hold: await reserve(caller, ask, choice.routes, app) };
  } catch (thrown) {
    if (!isUnpaid(thrown)) throw thrown;
    const own = choice.routes.filter(isOwn);
    return { choice: { ...choice, routes: own }, hold: await reserve(caller, ask, own, app) };
  }
}

/** Whether a caller was refused for want of credit, or of what the key may spend. */
export function isUnpaid(thrown: unknown): boolean {
  return (
    thrown instanceof AppError &&
    (thrown.code === "insufficient_credits" || thrown.code === "key_limit_exceeded")
  );
}

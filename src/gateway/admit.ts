import type { Caller } from "#src/account/account.ts";
import type { Hold } from "#src/allowance/allowance.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import type { Choice } from "#src/gateway/routing/choose.ts";
import type { App } from "#src/gateway/context.ts";
import { isOwn } from "#src/gateway/keys/credentials.ts";
import { reserve } from "#src/gateway/reserve.ts";
import { AppError } from "#src/lib/error.ts";

/** A request that may be tried: where, and what it holds. */
export interface Admitted {
  choice: Choice;
  hold: Hold;
}

/**
 * Takes what the dearest route may use. A caller who cannot pay for that, and has own credentials that cost less, keeps
 * to those. Throws 402 and 429.
 */
export async function admit(caller: Caller, ask: Ask, choice: Choice, app: App): Promise<Admitted> {
  try {
    return { choice, hold: await reserve(caller, ask, choice.routes, app) };
  } catch (thrown) {
    const own = choice.routes.filter(isOwn);
    const isUnpaid =
      thrown instanceof AppError &&
      (thrown.code === "insufficient_credits" || thrown.code === "key_limit_exceeded");
    if (!isUnpaid || own.length === 0 || own.length === choice.routes.length) throw thrown;
    return { choice: { ...choice, routes: own }, hold: await reserve(caller, ask, own, app) };
  }
}

import { plainIds } from "#src/dialect/carrier.ts";
import type { Ask, SpliceDialect } from "#src/dialect/dialect.ts";
import { authenticateInference } from "#src/gateway/authenticate.ts";
import { choose } from "#src/gateway/routing/choose.ts";
import type { App, Call } from "#src/gateway/context.ts";
import { withCredentials } from "#src/gateway/keys/credentials.ts";
import { estimateUsage } from "#src/gateway/estimate-usage.ts";
import { classify, thrownFault } from "#src/gateway/fault.ts";
import { peek } from "#src/gateway/peek.ts";
import { reserve, spend } from "#src/gateway/reserve.ts";
import { forwarded, targetOf } from "#src/gateway/trying/try-route.ts";
import { wireOf } from "#src/gateway/wire.ts";
import type { Route } from "#src/provider/deployment.ts";
import { send } from "#src/provider/send.ts";

/** The tokens of a prompt: as the upstream that would serve it tells them, or by our own rule of thumb. */
export type Count = { told: Uint8Array } | { estimated: number };

/** Counts a request's tokens without running it. Free of charge: it counts against the limits of requests, and no row is written. */
export async function count(
  call: Call,
  retarget: SpliceDialect["retarget"],
  app: App,
): Promise<Count> {
  const caller = await authenticateInference(call.request, app);
  const ask = peek(call);
  const { routes } = withCredentials(choose(ask, caller, app.seenBy(caller)), app);
  // The limits of requests hold here too; nothing else is used up.
  const hold = await reserve(caller, { ...ask, inputTokensAtMost: 0, maxOutputTokens: 0 }, [], app);
  try {
    for (const route of routes) {
      if (wireOf(route, ask, call.front) !== call.front.wire) continue;
      // Nobody waits for the answer as for that of a model, so one that is left alone is not probed for it.
      if (app.health.state(route) === "unavailable") continue;
      const seat = await seatAt(route, call, app);
      if (seat === undefined) continue;
      try {
        const told = await askUpstream(call, ask, retarget, route, app);
        if (told !== undefined) return { told };
      } finally {
        seat.leave();
      }
    }
    return { estimated: estimateUsage(ask, 0).input.fresh };
  } finally {
    spend(hold, { cost: 0, tokens: 0, carbon: 0 });
  }
}

/** A place at the provider, which is waited for as long as for a first byte; undefined when none came. */
function seatAt({ deployment }: Route, { request }: Call, { inFlight, config }: App) {
  const { id } = deployment.provider;
  return inFlight.take(id) ?? inFlight.wait(id, config.timeouts.firstByteMs, request.signal);
}

/** The upstream's own words; undefined when it has none to say. Throws what it says is wrong with the request. */
async function askUpstream(
  call: Call,
  ask: Ask,
  retarget: SpliceDialect["retarget"],
  route: Route,
  app: App,
): Promise<Uint8Array | undefined> {
  const { timeouts } = app.config;
  const { signal } = call.request;
  const plain = plainIds(call.body, ask);
  const { path, body } = retarget(plain.body, plain.ask, targetOf(route, ask, app));
  const exchange = send(route.deployment, path, body, {
    stream: false,
    connectMs: timeouts.connectMs,
    extra: forwarded(call),
  });
  const stop = () => exchange.abort(new Error("The count was not waited for"));
  const deadline = app.deadlines.after(timeouts.firstByteMs, stop);
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  try {
    const head = await exchange.head;
    const answer = await exchange.bytes();
    if (head.status >= 200 && head.status < 300) return answer;
    throw classify(head, answer, route, call.front.wire);
  } catch (thrown) {
    const { error, moveOn } = thrownFault(thrown, route);
    if (!moveOn) throw error;
    return undefined;
  } finally {
    deadline.cancel();
    signal.removeEventListener("abort", stop);
  }
}

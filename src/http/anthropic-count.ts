import { peekCount } from "#src/dialect/anthropic-client-peek.ts";
import { retargetCount } from "#src/dialect/anthropic-client-splice.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { errorObject } from "#src/dialect/fault.ts";
import { targetOf } from "#src/gateway/attempt.ts";
import { authenticateInference } from "#src/gateway/authenticate.ts";
import { choose } from "#src/gateway/choose.ts";
import type { App, Call, Front } from "#src/gateway/context.ts";
import { estimateUsage } from "#src/gateway/estimate-usage.ts";
import { classify, thrownFault } from "#src/gateway/fault.ts";
import { peek } from "#src/gateway/peek.ts";
import { wireOf } from "#src/gateway/wire.ts";
import type { InferenceRoute } from "#src/http/inference.ts";
import { json, readBody, respond } from "#src/http/respond.ts";
import { countOf } from "#src/lib/json.ts";
import type { Route } from "#src/provider/deployment.ts";
import { send } from "#src/provider/send.ts";

/** Counts the tokens of a Messages request: by the upstream that would serve it, else by our own rule of thumb. */
export function countRoute(front: Front, app: App): InferenceRoute {
  const counting: Front = { ...front, peek: peekCount };
  return {
    POST: (request) =>
      respond(request, app, front.writeError, async () => {
        const receivedAt = app.clock.now();
        const startedAt = app.clock.monotonic();
        const body = await readBody(request, app.config.limits.maxBodyBytes);
        return count({ request, body, front: counting, receivedAt, startedAt }, app);
      }),
  };
}

/** Free of charge, so nothing is held or recorded. */
async function count(call: Call, app: App): Promise<Response> {
  const caller = await authenticateInference(call.request, app);
  const ask = peek(call);
  const { routes } = choose(ask, caller, app);
  for (const route of routes) {
    if (wireOf(route, ask, call.front) !== call.front.wire) continue;
    const told = await askUpstream(call, ask, route, app);
    if (told !== undefined) return json({ input_tokens: told });
  }
  return json({ input_tokens: estimateUsage(ask, 0).input.fresh, estimated: true });
}

/** The upstream's count; undefined when it gave none. Throws what it says is wrong with the request. */
async function askUpstream(
  call: Call,
  ask: Ask,
  route: Route,
  app: App,
): Promise<number | undefined> {
  const { timeouts } = app.config;
  const { path, body } = retargetCount(call.body, ask, targetOf(route));
  const betas = call.request.headers.get("anthropic-beta");
  const exchange = send(route.deployment, path, body, {
    stream: false,
    connectMs: timeouts.connectMs,
    ...(betas === null ? {} : { extra: { "anthropic-beta": betas } }),
  });
  const stop = () => exchange.abort(new Error("The count was not waited for"));
  const deadline = app.deadlines.after(timeouts.firstByteMs, stop);
  call.request.signal.addEventListener("abort", stop, { once: true });
  try {
    const head = await exchange.head;
    const answer = await exchange.bytes();
    if (head.status >= 200 && head.status < 300)
      return countOf(errorObject(answer)?.input_tokens) || undefined;
    throw classify(head, answer, route, call.front.wire);
  } catch (thrown) {
    const { error, moveOn } = thrownFault(thrown, route);
    if (!moveOn) throw error;
    return undefined;
  } finally {
    deadline.cancel();
    call.request.signal.removeEventListener("abort", stop);
  }
}

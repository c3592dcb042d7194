import { writeGeminiError } from "#src/dialect/gemini-client-errors.ts";
import { peekCount } from "#src/dialect/gemini-client-peek.ts";
import { retargetCount } from "#src/dialect/gemini-client-splice.ts";
import { targetOf } from "#src/gateway/attempt.ts";
import { authenticateInference } from "#src/gateway/authenticate.ts";
import { choose } from "#src/gateway/choose.ts";
import type { App, Call, Front } from "#src/gateway/context.ts";
import { estimateUsage } from "#src/gateway/estimate-usage.ts";
import { classify, thrownFault } from "#src/gateway/fault.ts";
import { peek } from "#src/gateway/peek.ts";
import { wireOf } from "#src/gateway/wire.ts";
import type { Ask } from "#src/dialect/dialect.ts";
import { json, readBody, respond } from "#src/http/respond.ts";
import type { Route } from "#src/provider/deployment.ts";
import { send } from "#src/provider/send.ts";

/** Counts the tokens of contents: by the upstream that would serve them, else by our own rule of thumb. */
export function countTokens(front: Front, request: Request, app: App): Promise<Response> {
  const counting: Front = { ...front, peek: peekCount };
  return respond(request, app, writeGeminiError, async () => {
    const receivedAt = app.clock.now();
    const startedAt = app.clock.monotonic();
    const body = await readBody(request, app.config.limits.maxBodyBytes);
    return count({ request, body, front: counting, receivedAt, startedAt }, app);
  });
}

/** Free of charge, so nothing is held or recorded. */
async function count(call: Call, app: App): Promise<Response> {
  const caller = await authenticateInference(call.request, app);
  const ask = peek(call);
  const { routes } = choose(ask, caller, app);
  for (const route of routes) {
    if (wireOf(route, ask, call.front) !== call.front.wire) continue;
    const told = await askUpstream(call, ask, route, app);
    if (told === undefined) continue;
    return new Response(told, { headers: { "content-type": "application/json" } });
  }
  return json({ totalTokens: estimateUsage(ask, 0).input.fresh });
}

/** The upstream's own words; undefined when it has none to say. Throws what it says is wrong with the request. */
async function askUpstream(
  call: Call,
  ask: Ask,
  route: Route,
  app: App,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { timeouts } = app.config;
  const { signal } = call.request;
  const { path, body } = retargetCount(call.body, ask, targetOf(route));
  const exchange = send(route.deployment, path, body, {
    stream: false,
    connectMs: timeouts.connectMs,
  });
  const stop = () => exchange.abort(new Error("The count was not waited for"));
  const deadline = app.deadlines.after(timeouts.firstByteMs, stop);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const head = await exchange.head;
    const answer = await exchange.bytes();
    // The connection's buffer serves the next answer too.
    if (head.status >= 200 && head.status < 300) return Uint8Array.from(answer);
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

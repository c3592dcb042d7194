import type { RouteWish } from "#src/dialect/dialect.ts";
import { ClientLeft, timeout } from "#src/gateway/attempt.ts";
import { authenticateInference } from "#src/gateway/authenticate.ts";
import type { App, Call } from "#src/gateway/context.ts";
import { type Errand, errandOf } from "#src/gateway/proxy-ask.ts";
import { attemptFailed } from "#src/gateway/proxy-fault.ts";
import { forwardedHeaders, redirected } from "#src/gateway/proxy-headers.ts";
import { type Answered, passOn } from "#src/gateway/proxy-relay.ts";
import { addressOf, refuseProvider, type Way, wayOf } from "#src/gateway/proxy-route.ts";
import { chargedTab, freeTab } from "#src/gateway/proxy-tab.ts";
import { placeAt, type ProxyPath, proxyPath } from "#src/gateway/proxy-target.ts";
import { reserve } from "#src/gateway/reserve.ts";
import { ConnectTimeout, type Exchange } from "#src/provider/exchange.ts";
import { send } from "#src/provider/send.ts";

/** A call in a provider's own words, to a path of its own. Its front is that in which we refuse. */
export interface ProxyCall extends Call {
  provider: string;
  /** Of the path below the provider, as the server's router saw it; see proxyPath(). */
  segments: readonly string[] | undefined;
}

/** One proxied call, from key to ledger: as handle(), but not a byte of body or answer is changed. */
export async function proxy(call: ProxyCall, app: App): Promise<Response> {
  const { request, body, provider } = call;
  const caller = await authenticateInference(request, app); // 401, 403
  refuseProvider(provider, caller); // 403
  const address = addressOf(provider, app); // 503
  const target = proxyPath(provider, call.segments, request.url); // 400
  const { endpoint } = placeAt(address, target.path);
  const route = { ...wishOf(request), provider };
  const errand = errandOf({ method: request.method, endpoint, query: target.query, body, route }); // 400
  const way = wayOf(errand, provider, caller, app); // 403, 503
  const hold = await reserve(caller, errand.ask, pricedAt(errand, way), app); // 402, 429
  const admitted = { call, ask: errand.ask, caller, hold, way };
  const tab = errand.kind === "free" ? freeTab(admitted, app) : chargedTab(admitted, app);
  try {
    const answered = await exchangeWith(call, target, { ask: errand.ask, tab, way }, app);
    return await passOn(answered, app); // settles
  } catch (thrown) {
    throw await tab.refused(thrown); // settles what failed before the first byte
  }
}

/** The region pin, in its header: the body is the provider's. */
function wishOf({ headers }: Request): RouteWish {
  const region = headers.get("x-lowrouter-region");
  // A proxy that echoes an answer's headers must not turn a fact into a pin.
  return region === null || headers.has("x-lowrouter-generation-id")
    ? {}
    : { region: region.trim() };
}

/** Where there is a model, there may be a price to hold. */
function pricedAt({ kind, ask }: Errand, { route }: Way) {
  return kind === "free" || ask.model === undefined ? [] : [route];
}

type Course = Pick<Answered, "ask" | "tab"> & { way: Way };

/** Sends the request on, as it came, and waits for the answer's head. */
async function exchangeWith(
  call: ProxyCall,
  { path, query }: ProxyPath,
  { ask, tab, way }: Course,
  app: App,
): Promise<Answered> {
  const { request } = call;
  const { route, isListed } = way;
  const { baseUrl } = placeAt(route.deployment.baseUrl, path);
  const extra = forwardedHeaders(request);
  const started = app.clock.monotonic();
  const { firstByteMs, connectMs } = app.config.timeouts;
  const isEmpty = call.body.length === 0 && /^(GET|HEAD|OPTIONS)$/.test(request.method);
  const exchange = send(
    redirected(route.deployment, baseUrl, extra),
    path + query,
    isEmpty ? undefined : call.body,
    { stream: ask.stream, method: request.method, connectMs, extra },
  );
  stopWith(request.signal, exchange);
  const late = app.deadlines.after(firstByteMs, () =>
    exchange.abort(timeout("first byte", firstByteMs, route)),
  );
  try {
    const head = await exchange.head;
    tab.began();
    if (isListed && head.status < 300) app.health.succeeded(route, app.clock.monotonic() - started);
    return { request, ask, way, tab, exchange, head };
  } catch (thrown) {
    const cause =
      thrown instanceof ConnectTimeout ? timeout("connection", connectMs, route) : thrown;
    throw attemptFailed(cause, { request, ask, way }, app);
  } finally {
    late.cancel();
  }
}

/** The client's leaving is the upstream's, at any moment of the exchange. */
function stopWith(signal: AbortSignal, exchange: Exchange): void {
  const leave = () => exchange.abort(new ClientLeft());
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
}

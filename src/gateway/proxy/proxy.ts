import type { Caller } from "#src/account/account.ts";
import type { Hold } from "#src/allowance/allowance.ts";
import type { RouteWish } from "#src/dialect/dialect.ts";
import { isUnpaid, withinCarbon } from "#src/gateway/admit.ts";
import { authenticateInference } from "#src/gateway/authenticate.ts";
import { routedUnder } from "#src/gateway/carbon.ts";
import type { App, Call } from "#src/gateway/context.ts";
import { forgetQuestion } from "#src/gateway/forget.ts";
import { isOwn } from "#src/gateway/keys/credentials.ts";
import { type Errand, errandOf } from "#src/gateway/proxy/proxy-ask.ts";
import { attemptFailed } from "#src/gateway/proxy/proxy-fault.ts";
import { forwardedHeaders, redirected } from "#src/gateway/proxy/proxy-headers.ts";
import { type Answered, passOn, totalTimer } from "#src/gateway/proxy/proxy-relay.ts";
import {
  addressesOf,
  refuseProvider,
  requireAddress,
  type Way,
  wayOf,
} from "#src/gateway/proxy/proxy-route.ts";
import { chargedTab, freeTab } from "#src/gateway/proxy/proxy-tab.ts";
import { placeAt, type ProxyPath, proxyPath } from "#src/gateway/proxy/proxy-target.ts";
import { credentialsOf, type KeyedWay, keyedWay } from "#src/gateway/proxy/proxy-key.ts";
import { reserve } from "#src/gateway/reserve.ts";
import { allFull, allShut } from "#src/gateway/trying/refusals.ts";
import { ClientLeft } from "#src/gateway/trying/run.ts";
import { timeout, totalLeft } from "#src/gateway/trying/timers.ts";
import { AppError } from "#src/lib/error.ts";
import { ConnectTimeout, type Exchange } from "#src/provider/exchange.ts";
import type { Route } from "#src/provider/deployment.ts";
import { type Seat, SeatedExchange } from "#src/provider/in-flight.ts";
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
  const mine = app.seenBy(caller);
  requireAddress(provider, mine); // 503
  const target = proxyPath(provider, call.segments, request.url); // 400
  const addresses = addressesOf(provider, target.path, mine); // 400
  const [address = ""] = addresses;
  const { endpoint } = placeAt(address, target.path);
  const route = { ...wishOf(request), provider };
  const errand = errandOf({ method: request.method, endpoint, query: target.query, body, route }); // 400
  const take = async () => {
    const found = wayOf({ errand, provider, addresses }, caller, mine); // 403, 503
    refuseReshaped(errand, endpoint, found); // 400
    return takenWith(caller, errand, found, app); // 402, 429
  };
  const under = routedUnder(caller);
  const taken = await (under === undefined ? take() : withinCarbon(errand.ask, under, take));
  const { way } = taken;
  const admitted = { call, ask: errand.ask, caller, ...taken };
  const tab = errand.kind === "free" ? freeTab(admitted) : chargedTab(admitted, app);
  try {
    const answered = await exchangeWith(call, target, { ask: errand.ask, tab, way }, app);
    return await passOn(answered, app); // settles
  } catch (thrown) {
    throw await tab.refused(thrown); // settles what failed before the first byte
  }
}

/** A credential and what the call may use at most. A caller who cannot pay keeps to own credentials, as on every other route. */
async function takenWith(caller: Caller, errand: Errand, found: Way, app: App) {
  const line = credentialsOf(found, app);
  const takeOf = async (lined: readonly Route[]) => {
    const keyed = await keyedWay(errand, found, lined, app);
    return { ...keyed, hold: await holdOf(caller, errand, keyed, app) };
  };
  try {
    return await takeOf(line);
  } catch (thrown) {
    const own = line.filter(isOwn);
    if (!isUnpaid(thrown) || own.length === 0) throw thrown;
    return takeOf(own);
  }
}

/** Takes what the call may use at most; what was taken of the credential goes back where that is refused. */
async function holdOf(
  caller: Caller,
  errand: Errand,
  { way, keyHolds }: KeyedWay,
  app: App,
): Promise<Hold> {
  try {
    return await reserve(caller, errand.ask, pricedAt(errand, way), app);
  } catch (refusal) {
    for (const one of keyHolds) one.hold.settle([]);
    throw refusal;
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

/** Throws where the address would take the request in another shape: its bytes are not changed. */
function refuseReshaped({ kind, ask }: Errand, endpoint: string, { route }: Way): void {
  const { provider, reshape } = route.deployment;
  if (kind !== "inference" || reshape === undefined) return;
  const { path } = reshape(endpoint, JSON.stringify({ model: ask.model }));
  if (path.split("?")[0] === endpoint) return;
  throw new AppError(
    "invalid_value",
    `Cannot pass on this path at ${provider.id}: there the model stands in the path; give the provider's own path and body, or call the gateway's own routes, as /v1/messages and /v1/chat/completions`,
    { param: "path" },
  );
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
  const proof: Record<string, string> = {};
  const started = app.clock.monotonic();
  const { firstByteMs, connectMs } = app.config.timeouts;
  const isEmpty = call.body.length === 0 && /^(GET|HEAD|OPTIONS)$/.test(request.method);
  const refuse = (why: AppError) =>
    attemptFailed(why, { request, ask, way, admission: "usual" }, app);
  const seat = await seatAt(way, call, app);
  if (seat === undefined) throw refuse(allFull(route, app));
  // There is no other route: one that is open is the last resort.
  const admission = isListed ? app.health.enterLast(route) : "usual";
  if (admission === "refused") {
    seat.leave();
    throw refuse(allShut([route], app));
  }
  const giveUp = () => {
    seat.leave();
    if (admission === "probe") app.health.leave(route);
  };
  const exchange = seated(seat, giveUp, () =>
    send(
      redirected(route.deployment, baseUrl, extra, proof),
      path + query,
      isEmpty ? undefined : call.body,
      { stream: ask.stream, method: request.method, connectMs, extra },
    ),
  );
  stopWith(request.signal, exchange);
  const total = totalTimer({ exchange, way, startedAt: call.startedAt }, app);
  const late = app.deadlines.after(firstByteMs, () =>
    exchange.abort(timeout("first_byte", firstByteMs, route)),
  );
  try {
    const head = await exchange.head;
    forgetQuestion(call, ask);
    tab.began();
    if (isListed && head.status < 300) app.health.succeeded(route, app.clock.monotonic() - started);
    const { startedAt } = call;
    return { request, startedAt, ask, way, admission, tab, exchange, head, proof };
  } catch (thrown) {
    const cause = thrown instanceof ConnectTimeout ? timeout("connect", connectMs, route) : thrown;
    exchange.abort(new Error("The try failed"));
    throw attemptFailed(cause, { request, ask, way, admission }, app);
  } finally {
    late.cancel();
    total.cancel();
  }
}

/** A place at the provider, which is waited for as long as for a first byte; undefined when none came. */
function seatAt({ route }: Way, { request, startedAt }: ProxyCall, app: App) {
  const { id } = route.deployment.provider;
  const free = app.inFlight.take(id);
  if (free !== undefined) return free;
  const left = [app.config.timeouts.firstByteMs, totalLeft({ startedAt }, app)];
  const [ms = 0] = left.filter((limit) => limit > 0).sort((one, other) => one - other);
  return app.inFlight.wait(id, ms, request.signal);
}

/** An exchange that gives its place back, also where it cannot begin. */
function seated(seat: Seat, giveUp: () => void, begin: () => Exchange): Exchange {
  try {
    return new SeatedExchange(begin(), seat);
  } catch (cause) {
    giveUp();
    throw cause;
  }
}

/** The client's leaving is the upstream's, at any moment of the exchange. */
function stopWith(signal: AbortSignal, exchange: Exchange): void {
  const leave = () => exchange.abort(new ClientLeft());
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
}

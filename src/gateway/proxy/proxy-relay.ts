import type { Ask } from "#src/dialect/dialect.ts";
import { type Meter, meterOf } from "#src/dialect/meter/meter.ts";
import type { App } from "#src/gateway/context.ts";
import { ClientLeft } from "#src/gateway/trying/run.ts";
import { classify, thrownFault } from "#src/gateway/fault.ts";
import { attemptFailed, refuseSecret } from "#src/gateway/proxy/proxy-fault.ts";
import { returnedHeaders, Secrets } from "#src/gateway/proxy/proxy-headers.ts";
import type { Way } from "#src/gateway/proxy/proxy-route.ts";
import type { Tab } from "#src/gateway/proxy/proxy-tab.ts";
import { timeout, totalLeft } from "#src/gateway/trying/timers.ts";
import { bodyOf } from "#src/gateway/trying/try-route.ts";
import type { Deadline } from "#src/lib/deadline.ts";
import { AppError } from "#src/lib/error.ts";
import type { Admission } from "#src/provider/circuit.ts";
import type { Exchange, Head } from "#src/provider/exchange.ts";

/** A provider that answered a proxied call: the head is here, the body to come. */
export interface Answered {
  request: Request;
  /** Monotonic milliseconds when the call was accepted. */
  startedAt: number;
  ask: Ask;
  way: Way;
  admission: Admission;
  tab: Tab;
  exchange: Exchange;
  head: Head;
  /** Headers that proved the request, beside those that every one to there has. */
  proof: Readonly<Record<string, string>>;
}

/** Answers of a known length up to this go on in one piece, with their length. */
const wholeBytes = 262_144;
/** Statuses that come without a body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** The provider's own answer: its status, its bytes, and of its headers those that are for the client. */
export async function passOn(answered: Answered, app: App): Promise<Response> {
  try {
    return await answerWith(answered, app);
  } catch (thrown) {
    // Nobody reads it any more: its connection would stay open for good.
    answered.exchange.abort(new Error("The answer could not be passed on"));
    throw thrown;
  }
}

async function answerWith(answered: Answered, app: App): Promise<Response> {
  const { request, tab, exchange, head, way, proof } = answered;
  const { status } = head;
  const { deployment } = way.route;
  const secrets = new Secrets(deployment, proof);
  const init = () => ({ status, headers: { ...returnedHeaders(head, secrets), ...tab.headers() } });
  const meter = meterOf(readable(head), deployment.provider.id);
  const isGood = status >= 200 && status < 300;
  if (request.method === "HEAD" || bodiless.has(status)) {
    exchange.abort(new Error("No body follows"));
    await tab.complete(meter);
    return new Response(null, init());
  }
  const length = lengthOf(head);
  if (isGood && (length === undefined || length > wholeBytes || meter.isStream))
    return new Response(flow(answered, meter, secrets, app), init());
  const body = await wholeOf(answered, secrets, app);
  if (isGood) {
    meter.push(body);
    meter.finish();
    await conclude(tab, meter);
  } else {
    const fault = classify(head, body, way.route, answered.ask.dialect);
    await tab.failed(thrownFault(fault, way.route), meter);
  }
  return new Response(Buffer.from(body), init());
}

/** All of the body, before any of it is sent on. */
async function wholeOf(answered: Answered, secrets: Secrets, app: App): Promise<Uint8Array> {
  const { exchange, way } = answered;
  const total = totalTimer(answered, app);
  try {
    const body = await bodyOf(exchange, way.route, app);
    refuseSecret(secrets.isIn(body), way.route);
    return body;
  } catch (thrown) {
    exchange.abort(new Error("The try failed"));
    throw attemptFailed(thrown, answered, app);
  } finally {
    total.cancel();
  }
}

/** Pieces as they come, metered in passing. The one with which the answer says that it is complete leaves after the row is committed. */
async function* flow(
  answered: Answered,
  meter: Meter,
  secrets: Secrets,
  app: App,
): AsyncGenerator<Uint8Array, void, void> {
  const { request, tab, exchange, head } = answered;
  const { route } = answered.way;
  /** Whether the client is waited for: what is late then is not the upstream. */
  let isClientsTurn = false;
  const total = totalTimer(answered, app, () => isClientsTurn);
  let toCome = lengthOf(head) ?? Number.POSITIVE_INFINITY;
  let isSettled = false;
  try {
    for (;;) {
      const piece = await nextOf(answered, app);
      if (piece === undefined) break;
      refuseSecret(secrets.endsIn(piece), route);
      meter.push(piece);
      toCome -= piece.length;
      if (!isSettled && (meter.ended || toCome <= 0)) {
        isSettled = true;
        await conclude(tab, meter);
      }
      isClientsTurn = true;
      yield piece;
      isClientsTurn = false;
    }
    meter.finish();
    if (isSettled) return;
    isSettled = true;
    await conclude(tab, meter);
  } catch (thrown) {
    if (request.signal.aborted || thrown instanceof ClientLeft) return;
    if (!isSettled) {
      isSettled = true;
      const fault = thrownFault(thrown, route);
      const provider = route.deployment.provider.id;
      app.log.write("warn", "stream_broken", { provider, reason: fault.reason }, thrown);
      await tab.failed(fault, meter);
    }
    // Breaks the connection, for an answer that was cut must not look complete; anything but undefined would be printed.
    throw undefined;
  } finally {
    total.cancel();
    exchange.abort(new ClientLeft());
    if (!isSettled) await tab.left(meter);
  }
}

/** Ends the exchange when the time for the whole call is over; a client that is waited for then has left. */
export function totalTimer(
  { exchange, way, startedAt }: Pick<Answered, "exchange" | "way" | "startedAt">,
  app: App,
  isClientsTurn = () => false,
): Deadline {
  const { totalMs } = app.config.timeouts;
  return app.deadlines.after(totalLeft({ startedAt }, app), () =>
    exchange.abort(isClientsTurn() ? new ClientLeft() : timeout("total", totalMs, way.route)),
  );
}

/** The next piece. Only waiting for the upstream is limited: a client may read as slowly as it likes. */
async function nextOf({ exchange, way }: Answered, app: App): Promise<Uint8Array | undefined> {
  const { idleMs } = app.config.timeouts;
  const idle = app.deadlines.after(idleMs, () =>
    exchange.abort(timeout("idle", idleMs, way.route)),
  );
  try {
    return await exchange.read();
  } finally {
    idle.cancel();
  }
}

/** Writes down an answer that came to its end, and may itself say that it failed. */
function conclude(tab: Tab, meter: Meter): Promise<void> {
  if (!meter.failed && !meter.cut) return tab.complete(meter);
  const error = new AppError("upstream_error", "upstream request failed");
  const reason = meter.failed ? "bad_answer" : "cut";
  return tab.failed({ error, reason, status: undefined, upstreamFailed: true }, meter);
}

/** The content type of a body that can be read as it is. */
function readable(head: Head): string | undefined {
  const coding = head.header("content-encoding") ?? "identity";
  return coding === "identity" ? head.header("content-type") : undefined;
}

function lengthOf(head: Head): number | undefined {
  const text = head.header("content-length");
  return text === undefined ? undefined : Number(text);
}

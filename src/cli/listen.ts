import type { Gateway } from "#src/app.ts";
import { type Answering, openAnswering, retire } from "#src/cli/answering.ts";
import { CommandError } from "#src/cli/output.ts";
import type { Config } from "#src/config/load.ts";
import { eachRoute, parting, whileDraining } from "#src/http/drain.ts";
import { serverIdleSeconds } from "#src/http/inference.ts";
import { notify } from "#src/lib/sd-notify.ts";
import { systemClock } from "#src/lib/clock.ts";
import type { Store } from "#src/store/store.ts";
import type { Link } from "#src/workers/link.ts";

/** A gateway that listens. */
export interface Serving {
  /** The one that answers now. */
  readonly gateway: Gateway;
  /** Base address, such as http://127.0.0.1:4000. */
  url: string;
  /** Resolves when it has stopped, whatever stopped it. */
  stopped: Promise<void>;
  /** Drains: what is under way ends, and what is new is refused. A second call ends it. */
  stop(): Promise<void>;
  /** Another process takes over: what still comes here is answered, then it stops. */
  leave(): Promise<void>;
  /**
   * Answers by another configuration from now on; what is under way ends by the one that it began with. Resolves with whether it
   * did: not where it stops. Throws what createGateway() throws, and then goes on as it was. One call at a time.
   */
  replace(next: Config): Promise<boolean>;
  /** Drains without listening, so that the address is free. */
  abandon(): Promise<void>;
}

/** Who leaves stops listening when no request came for this long: clients with kept connections were told by then. */
const quietMs = 1000;
/** It stops listening after this in any case. */
const longestPartingMs = 5000;

/** What to say of an address that cannot be listened on. */
export function listenError({ listen: { hostname, port } }: Config, cause: unknown): CommandError {
  const busy = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  return new CommandError(
    busy
      ? `Cannot listen on ${hostname}:${port}: the address is in use\nChoose another with --listen HOST:PORT`
      : `Cannot listen on ${hostname}:${port}\nChoose another address with --listen HOST:PORT`,
  );
}

/** Listens for a gateway. Where it cannot, everything is closed; throws CommandError. */
async function bind({ config, gateway, handlers }: Answering, store: Store, link?: Link) {
  const { hostname, port } = config.listen;
  try {
    return Bun.serve({
      hostname,
      port,
      reusePort: link !== undefined,
      idleTimeout: serverIdleSeconds,
      maxRequestBodySize: 4 * config.limits.maxBodyBytes,
      development: false,
      ...handlers,
    });
  } catch (cause) {
    await gateway.close();
    store.close();
    throw listenError(config, cause);
  }
}

/** Builds the gateway and listens; with a link, beside other processes and when it is its turn. */
export async function listen(
  config: Config,
  store: Store,
  { demo, link }: { demo: boolean; link?: Link },
): Promise<Serving> {
  let current = await openAnswering(config, store, { demo, siblings: link });
  await link?.turn();
  const bound = await bind(current, store, link);
  current.server.server = bound;
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let stopping = false;
  /** It was told to end at once. */
  let isForced = false;
  /** Nobody is waited for any longer. */
  let isOver = false;
  /** Gateways whose place was taken, until they are closed; and who is about to take it. */
  const others = new Set<Promise<unknown>>();
  /** Ends the time in which who leaves still answers. */
  let hurry = () => {};

  /** Waits until nothing is under way, or a moment of the monotonic clock has come. */
  async function answered(until: number): Promise<void> {
    while (bound.pendingRequests > 0 && systemClock.monotonic() < until) await Bun.sleep(10);
  }

  /** Waits for what is under way, and ends. */
  async function end(
    until = systemClock.monotonic() + current.config.timeouts.drainMs,
  ): Promise<void> {
    await answered(until);
    await bound.stop(true);
    isOver = true;
    await Promise.all(others);
    await current.gateway.close();
    store.close();
    current.log.write("info", "stopped");
    resolve();
  }

  /** Whether this is the first who ends it; the second does not wait. */
  async function begins(): Promise<boolean> {
    if (stopping) {
      isForced = true;
      hurry();
      await bound.stop(true);
      return false;
    }
    stopping = true;
    current.gateway.services.watch.end();
    current.log.write("info", "draining");
    return true;
  }

  async function stop(): Promise<void> {
    if (!(await begins())) return;
    current.refuse();
    if (link === undefined) notify("STOPPING=1");
    part(() => {});
    const { drainMs, leaveMs } = current.config.timeouts;
    await leaveFor(leaveMs);
    const from = systemClock.monotonic();
    // What kept connections still bring is answered as long as there is as much time again for it to end.
    await answered(from + drainMs / 2);
    // Still listening, so that who asks /readyz is told: stop() would refuse every connection.
    if (!isForced) bound.reload({ fetch: whileDraining(current.server), routes: {} });
    await end(from + drainMs);
  }

  /** Answers as ever, and asks clients to come back on another connection. */
  function part(onRequest: () => void): void {
    const { fetch, routes } = current.handlers;
    bound.reload({
      fetch: parting(fetch, onRequest),
      routes: eachRoute(routes, (handler) => parting(handler, onRequest)),
    });
  }

  /** The time in which a balancer learns from /readyz that it should ask others. */
  async function leaveFor(milliseconds: number): Promise<void> {
    if (milliseconds === 0) return;
    await new Promise<void>((resolve) => {
      const over = setTimeout(resolve, milliseconds);
      hurry = () => {
        clearTimeout(over);
        resolve();
      };
    });
  }

  async function leave(): Promise<void> {
    if (!(await begins())) return;
    const from = systemClock.monotonic();
    let lastAt = from;
    part(() => (lastAt = systemClock.monotonic()));
    for (let now = from; now - lastAt < quietMs && now - from < longestPartingMs;) {
      await Bun.sleep(10);
      now = systemClock.monotonic();
    }
    // What is under way goes on, and so do connections that are kept.
    void bound.stop();
    link?.send({ type: "closed" });
    await end();
  }

  async function abandon(): Promise<void> {
    if (!(await begins())) return;
    current.log.write("warn", "supervisor_gone");
    current.refuse();
    bound.reload({ fetch: whileDraining(current.server), routes: {} });
    void bound.stop();
    await end();
  }

  /** Keeps in mind what has to end before the store is closed. */
  function beside<T>(work: Promise<T>): Promise<T> {
    const one = work.catch(() => undefined).finally(() => others.delete(one));
    others.add(one);
    return work;
  }

  async function takePlace(next: Config): Promise<boolean> {
    const come = await openAnswering(next, store, { demo, legacy: current.gateway.legacy() });
    if (stopping) {
      await come.gateway.close();
      return false;
    }
    const former = current;
    current = come;
    come.server.server = bound;
    // Nothing is closed: every connection that is open, and all that wait, are answered by what comes now.
    bound.reload(come.handlers);
    void beside(endFormer(former));
    return true;
  }

  async function endFormer(former: Answering): Promise<void> {
    await retire(former, () => isOver);
    former.log.write("info", "former_gateway_ended");
  }

  const { hostname, port } = config.listen;
  const shown = hostname.includes(":")
    ? `[${hostname}]`
    : hostname === "0.0.0.0"
      ? "127.0.0.1"
      : hostname;
  const url = `http://${shown}:${bound.port ?? port}`;
  return {
    get gateway() {
      return current.gateway;
    },
    url,
    stopped,
    stop,
    replace: async (next) => !stopping && (await beside(takePlace(next))),
    leave,
    abandon,
  };
}

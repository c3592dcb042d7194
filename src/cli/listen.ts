import { createGateway, type Gateway } from "#src/app.ts";
import { CommandError } from "#src/cli/output.ts";
import type { Config } from "#src/config/load.ts";
import { parting, partingRoutes, whileDraining } from "#src/http/drain.ts";
import { serverIdleSeconds } from "#src/http/inference.ts";
import { dispatchedRoutes, surface } from "#src/http/server.ts";
import { notify } from "#src/lib/sd-notify.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog, type Log } from "#src/observe/log.ts";
import type { Store } from "#src/store/store.ts";
import { errorPages } from "#src/web/errors.tsx";
import { webRoutes } from "#src/web/routes.tsx";
import type { Link } from "#src/workers/link.ts";

/** A gateway that listens. */
export interface Serving {
  gateway: Gateway;
  /** Base address, such as http://127.0.0.1:4000. */
  url: string;
  /** Resolves when it has stopped, whatever stopped it. */
  stopped: Promise<void>;
  /** Drains: what is under way ends, and what is new is refused. A second call ends it. */
  stop(): Promise<void>;
  /** Another process takes over: what still comes here is answered, then it stops. */
  leave(): Promise<void>;
  /** Drains without listening, so that the address is free. */
  abandon(): Promise<void>;
}

/** Who leaves stops listening when no request came for this long: clients with kept connections were told by then. */
const quietMs = 1000;
/** It stops listening after this in any case. */
const longestPartingMs = 5000;

/** The log of a command that serves, on stderr. */
export function servingLog(config: Config): Log {
  return createLog({
    clock: systemClock,
    level: config.log.level,
    format: config.log.format ?? (process.stderr.isTTY ? "pretty" : "json"),
    write: (line) => void process.stderr.write(line),
  });
}

/** What to say of an address that cannot be listened on. */
export function listenError({ listen: { hostname, port } }: Config, cause: unknown): CommandError {
  const busy = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  return new CommandError(
    busy
      ? `Cannot listen on ${hostname}:${port}: the address is in use\nChoose another with --listen HOST:PORT`
      : `Cannot listen on ${hostname}:${port}\nChoose another address with --listen HOST:PORT`,
  );
}

/** Builds the gateway and listens; with a link, beside other processes and when it is its turn. */
export async function listen(
  config: Config,
  store: Store,
  { demo, link }: { demo: boolean; link?: Link },
): Promise<Serving> {
  const log = servingLog(config);
  const gateway = await createGateway({ config, store, log, demo, siblings: link });
  const { app, services } = gateway;
  let accepting = true;
  const server = surface({
    app,
    services,
    readiness: {
      accepting: () => accepting,
      databaseAnswers: async () => (await store.read("SELECT 1", [])).length === 1,
      anyProvider: () => app.routes.anyProvider,
      spoolHasRoom: services.unsent?.hasRoom,
    },
    pages: webRoutes(app, services),
    errorPage: errorPages(app),
  });
  const { hostname, port } = config.listen;
  await link?.turn();
  try {
    server.listen({
      hostname,
      port,
      reusePort: link !== undefined,
      idleTimeout: serverIdleSeconds,
      maxRequestBodySize: 4 * config.limits.maxBodyBytes,
    });
  } catch (cause) {
    await gateway.close();
    store.close();
    throw listenError(config, cause);
  }
  const bound = server.server;
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let stopping = false;
  /** It was told to end at once. */
  let isForced = false;
  /** Ends the time in which who leaves still answers. */
  let hurry = () => {};

  /** Waits until nothing is under way, or a moment of the monotonic clock has come. */
  async function answered(until: number): Promise<void> {
    while ((bound?.pendingRequests ?? 0) > 0 && systemClock.monotonic() < until)
      await Bun.sleep(10);
  }

  /** Waits for what is under way, and ends. */
  async function end(until = systemClock.monotonic() + config.timeouts.drainMs): Promise<void> {
    await answered(until);
    await bound?.stop(true);
    await gateway.close();
    store.close();
    log.write("info", "stopped");
    resolve();
  }

  /** Whether this is the first who ends it; the second does not wait. */
  async function begins(): Promise<boolean> {
    if (stopping) {
      isForced = true;
      hurry();
      await bound?.stop(true);
      return false;
    }
    stopping = true;
    services.watch.end();
    log.write("info", "draining");
    return true;
  }

  async function stop(): Promise<void> {
    if (!(await begins())) return;
    accepting = false;
    if (link === undefined) notify("STOPPING=1");
    part(() => {});
    await leaveFor(config.timeouts.leaveMs);
    const { drainMs } = config.timeouts;
    const from = systemClock.monotonic();
    // What kept connections still bring is answered as long as there is as much time again for it to end.
    await answered(from + drainMs / 2);
    // Still listening, so that who asks /readyz is told: stop() would refuse every connection.
    if (!isForced) bound?.reload({ fetch: whileDraining(server), routes: {} });
    await end(from + drainMs);
  }

  /** Answers as ever, and asks clients to come back on another connection. */
  function part(onRequest: () => void): void {
    const handle = (request: Request) => server.handle(request);
    bound?.reload({
      fetch: parting(handle, onRequest),
      routes: partingRoutes(dispatchedRoutes(app), onRequest),
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
    void bound?.stop();
    link?.send({ type: "closed" });
    await end();
  }

  async function abandon(): Promise<void> {
    if (!(await begins())) return;
    log.write("warn", "supervisor_gone");
    accepting = false;
    bound?.reload({ fetch: whileDraining(server), routes: {} });
    void bound?.stop();
    await end();
  }

  const shown = hostname.includes(":")
    ? `[${hostname}]`
    : hostname === "0.0.0.0"
      ? "127.0.0.1"
      : hostname;
  const url = `http://${shown}:${bound?.port ?? port}`;
  return { gateway, url, stopped, stop, leave, abandon };
}

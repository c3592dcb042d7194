import { createGateway } from "#src/app.ts";
import type { Config } from "#src/config/load.ts";
import { counted, eachRoute } from "#src/http/drain.ts";
import { dispatchedRoutes, surface } from "#src/http/server.ts";
import type { Legacy } from "#src/kin.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog, type Log } from "#src/observe/log.ts";
import type { Store } from "#src/store/store.ts";
import { errorPages } from "#src/web/errors.tsx";
import { webRoutes } from "#src/web/routes.tsx";
import type { Siblings } from "#src/workers/siblings.ts";

/** A gateway with everything that a server asks it. It does not listen itself. */
export type Answering = Awaited<ReturnType<typeof openAnswering>>;

/** The log of a command that serves, on stderr. */
export function servingLog(config: Config): Log {
  return createLog({
    clock: systemClock,
    level: config.log.level,
    format: config.log.format ?? (process.stderr.isTTY ? "pretty" : "json"),
    write: (line) => void process.stderr.write(line),
  });
}

/** Builds a gateway and its surface. Throws what createGateway() throws. */
export async function openAnswering(
  config: Config,
  store: Store,
  options: { demo: boolean; siblings?: Siblings | undefined; legacy?: Legacy | undefined },
) {
  const log = servingLog(config);
  const gateway = await createGateway({ config, store, log, ...options });
  const { app, services } = gateway;
  const count = { waiting: 0 };
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
  return {
    config,
    log,
    gateway,
    server,
    /** What the server dispatches, and what it hands over for the rest. */
    handlers: {
      fetch: counted((request: Request) => server.handle(request), count),
      routes: eachRoute(dispatchedRoutes(app), (handler) => counted(handler, count)),
    },
    /** From now on /readyz says that it takes no more. */
    refuse() {
      accepting = false;
    },
    /** Requests that are not answered, or whose answers go on. */
    underWay: () => count.waiting + app.open.own,
  };
}

/** Closes a gateway that gets no more requests once it has answered those that it has, or at once when `isOver` says so. */
export async function retire(
  former: Pick<Answering, "gateway" | "underWay" | "log">,
  isOver: () => boolean,
): Promise<void> {
  const { gateway, underWay, log } = former;
  // At once: who comes next may need just that.
  gateway.spare().catch((cause: unknown) => log.write("warn", "leases_not_returned", {}, cause));
  gateway.services.watch.end();
  while (underWay() > 0 && !isOver()) await Bun.sleep(lookMs);
  await gateway.close();
}

const lookMs = 20;

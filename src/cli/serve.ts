import { createGateway, type Gateway } from "#src/app.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output } from "#src/cli/output.ts";
import { configOf } from "#src/cli/configuration.ts";
import { storeOf } from "#src/cli/runtime.ts";
import type { Config } from "#src/config/load.ts";
import { whileDraining } from "#src/http/drain.ts";
import { surface } from "#src/http/server.ts";
import { notify } from "#src/lib/sd-notify.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import { bootstrap } from "#src/cli/init.ts";
import { setupSeconds, setupToken } from "#src/account/people/setup.ts";
import type { Store } from "#src/store/store.ts";
import { errorPages } from "#src/web/errors.tsx";
import { webRoutes } from "#src/web/routes.tsx";

/** A gateway that listens. */
export interface Serving {
  gateway: Gateway;
  /** Base address, such as http://127.0.0.1:4000. */
  url: string;
  /** Resolves when it has stopped, whatever stopped it. */
  stopped: Promise<void>;
  stop(): Promise<void>;
}

/** The `serve` command. Returns when the gateway has stopped. */
export async function serve(
  options: CommonOptions & { listen?: string },
  output: Output,
): Promise<void> {
  if (process.env.LISTEN_FDS) {
    throw new CommandError(
      "Cannot take over a socket from systemd: remove the .socket unit and let the service listen by itself",
    );
  }
  const config = configOf(options);
  const store = await storeOf(config);
  const serving = await listen(config, store, { demo: false });
  // Only now: a key made before an address that is in use would never be shown.
  const first = await bootstrap(store, { by: "serve" }).catch(async (thrown: unknown) => {
    await serving.stop();
    throw thrown;
  });
  output.err(`LowRouter listens on ${serving.url}\n${providersFound(serving.gateway)}`);
  if (first) output.err(firstRun(serving.url, first.key));
  const token = await setupToken(serving.gateway.services.people);
  if (token !== undefined) output.err(setupLine(serving.url, token));
  notify("READY=1");
  await serving.stopped;
}

/** Builds the gateway, listens, and handles signals: the first drains, the second forces. */
export async function listen(
  config: Config,
  store: Store,
  { demo }: { demo: boolean },
): Promise<Serving> {
  const log = createLog({
    clock: systemClock,
    level: config.log.level,
    format: config.log.format ?? (process.stderr.isTTY ? "pretty" : "json"),
    write: (line) => void process.stderr.write(line),
  });
  const gateway = await createGateway({ config, store, log, demo });
  let accepting = true;
  const server = surface({
    app: gateway.app,
    services: gateway.services,
    readiness: {
      accepting: () => accepting,
      databaseAnswers: async () => (await store.read("SELECT 1", [])).length === 1,
      anyProvider: () => gateway.app.routes.anyProvider,
    },
    pages: webRoutes(gateway.app, gateway.services),
    errorPage: errorPages(gateway.app),
  });
  const { hostname, port } = config.listen;
  try {
    server.listen({
      hostname,
      port,
      reusePort: false,
      idleTimeout: 120,
      maxRequestBodySize: 4 * config.limits.maxBodyBytes,
    });
  } catch (cause) {
    store.close();
    const busy = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    throw new CommandError(
      busy
        ? `Cannot listen on ${hostname}:${port}: the address is in use\nChoose another with --listen HOST:PORT`
        : `Cannot listen on ${hostname}:${port}\nChoose another address with --listen HOST:PORT`,
    );
  }
  const bound = server.server;
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let stopping = false;
  async function stop(): Promise<void> {
    if (stopping) {
      await bound?.stop(true);
      return;
    }
    stopping = true;
    accepting = false;
    gateway.services.watch.end();
    notify("STOPPING=1");
    log.write("info", "draining");
    // Still listening, so that who asks /readyz is told: stop() would refuse every connection.
    bound?.reload({ fetch: whileDraining(server), routes: {} });
    const end = systemClock.monotonic() + config.timeouts.drainMs;
    while ((bound?.pendingRequests ?? 0) > 0 && systemClock.monotonic() < end) await Bun.sleep(10);
    await bound?.stop(true);
    await gateway.close();
    store.close();
    log.write("info", "stopped");
    resolve();
  }
  process.on("SIGTERM", () => void stop());
  process.on("SIGINT", () => void stop());
  const shown = hostname.includes(":")
    ? `[${hostname}]`
    : hostname === "0.0.0.0"
      ? "127.0.0.1"
      : hostname;
  return { gateway, url: `http://${shown}:${bound?.port ?? port}`, stopped, stop };
}

/** What can be reached, where, and how clean its grid is. */
export function providersFound({ app, services }: Gateway): string {
  if (!app.routes.anyProvider) {
    return "No provider is configured: set a key such as OPENAI_API_KEY, ANTHROPIC_API_KEY or MISTRAL_API_KEY and start again.\n";
  }
  const lines = app.routes.deployments.map((deployment) => {
    const grid = services.gridOf(deployment.provider.id, deployment.region);
    const intensity = grid
      ? `${grid.gPerKwh.toFixed(0)} g CO2e/kWh${grid.assumption ? " (assumed)" : ""}`
      : "grid unknown";
    return `  ${deployment.provider.name} in ${deployment.region}: ${intensity}\n`;
  });
  return `Providers:\n${lines.join("")}`;
}

function firstRun(url: string, key: string): string {
  return `
This is the first start: an account "operator" was created, with this key. It is shown once:

  ${key}

Try it:

  curl ${url}/v1/chat/completions \\
    -H "Authorization: Bearer ${key}" \\
    -H "Content-Type: application/json" \\
    -d '{"model": "lowrouter/auto", "messages": [{"role": "user", "content": "Hello"}]}'

`;
}

function setupLine(url: string, token: string): string {
  return `Nobody can sign in yet. To become the administrator, open this within ${setupSeconds / 60} minutes; it works once:

  ${url}/register?invite=${token}

`;
}

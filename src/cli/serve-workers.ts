import { keyPlaceOf } from "#src/shared-keys.ts";
import { createPeople } from "#src/account/people/people.ts";
import { setupToken } from "#src/account/people/setup.ts";
import { bootstrap } from "#src/cli/init.ts";
import { servingLog } from "#src/cli/answering.ts";
import { listenError } from "#src/cli/listen.ts";
import { CommandError, type Output } from "#src/cli/output.ts";
import { createReloading, readAnew, readConfig, refuseMoves } from "#src/cli/reload.ts";
import { storeOf } from "#src/cli/runtime.ts";
import { greeting, type ServeOptions } from "#src/cli/serve.ts";
import { decline, nothingToOpen } from "#src/cli/signals.ts";
import type { Config } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { keepWatchdog, notify } from "#src/lib/sd-notify.ts";
import type { Store } from "#src/store/store.ts";
import {
  type Crew,
  createSupervisor,
  type Supervisor,
  WorkerFault,
} from "#src/workers/supervise.ts";

/** `serve` with several workers: this process starts and replaces them, and answers no request. Returns when all have ended. */
export async function serveByWorkers(options: ServeOptions, output: Output): Promise<void> {
  const read = readConfig(options);
  const { config } = read;
  if (process.platform !== "linux")
    throw new CommandError(
      `Cannot serve by ${config.workers} workers on ${process.platform}: only Linux spreads connections over them\nServe with --workers 1`,
    );
  const log = servingLog(config);
  const port = freePort(config);
  // Brought up to date once, before several would try.
  const store = await storeOf(config);
  const crew: Crew = { workers: config.workers, fileText: read.text };
  const command = commandOf(options);
  const { leaveMs } = config.timeouts;
  const drainMs = config.timeouts.drainMs + leaveMs;
  const supervisor = createSupervisor({ command, port, drainMs, clock: systemClock, log }, crew);
  let isStopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      isStopping = true;
      notify("STOPPING=1");
      supervisor.stop();
    });
  decline([nothingToOpen], () => log);
  const found = await started(supervisor, config, store);
  const whileReloading = createReloading(() => isStopping);
  process.on("SIGHUP", () => void whileReloading(takeAnew));
  process.on("SIGUSR2", () => void whileReloading(() => renew(crew, "renewed")));
  output.err(greeting(found));
  notify("READY=1");
  keepWatchdog();
  if (!(await supervisor.stopped))
    throw new CommandError("A worker did not end as it should: see the log");

  async function renew({ workers, fileText: text }: Crew, event: string): Promise<string> {
    log.write("info", "replacing_workers", { workers });
    if (!(await supervisor.replace({ workers, fileText: text }))) {
      if (isStopping) return "The gateway stops";
      log.write("error", "workers_kept", { why: "a new one could not start" });
      return "The workers were kept: a new one could not start";
    }
    crew.fileText = text;
    crew.workers = workers;
    log.write("info", event, { workers });
    return `${workers} workers serve`;
  }

  function takeAnew(): Promise<string> {
    return readAnew(options, log, ({ config: next, text }) => {
      refuseMoves(config, next);
      return renew({ workers: next.workers, fileText: text }, "configuration_read");
    });
  }
}

/** The port to listen on. Throws where somebody else does: workers share an address, so they would not notice. */
function freePort(config: Config): number {
  const { hostname, port } = config.listen;
  try {
    const probe = Bun.listen({
      hostname,
      port,
      exclusive: true,
      socket: { data() {} },
    });
    const found = probe.port;
    probe.stop(true);
    return found;
  } catch (cause) {
    throw listenError(config, cause);
  }
}

/** Starts the workers, and does what is done once for all of them. The store is closed then. */
async function started(
  supervisor: Supervisor,
  config: Config,
  store: Store,
): Promise<Parameters<typeof greeting>[0]> {
  try {
    const found = await supervisor.start();
    // Only now: a key made before a start that fails would never be shown.
    const first = await bootstrap(store, { by: "serve" });
    const people = createPeople({
      store,
      clock: systemClock,
      ids: createIds(systemClock),
      place: keyPlaceOf(config),
      oidc: [],
      onFault: () => undefined,
    });
    return { ...found, config, key: first?.key, token: await setupToken(people) };
  } catch (thrown) {
    if (!(thrown instanceof WorkerFault)) {
      supervisor.stop();
      await supervisor.stopped;
      throw thrown;
    }
    throw new CommandError(thrown.message, thrown.exit.code === 78 ? 78 : 1);
  } finally {
    store.close();
  }
}

/** This program again, with what it was started with. */
function commandOf({ config, dataDir, listen, workers }: ServeOptions): string[] {
  const script = Bun.isStandaloneExecutable ? [] : process.argv.slice(1, 2);
  const given = { config, "data-dir": dataDir, listen, workers };
  const flags = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return [process.execPath, ...script, "serve", ...flags];
}

import { resolve } from "node:path";
import type { Gateway } from "#src/app.ts";
import { setupSeconds, setupToken } from "#src/account/people/setup.ts";
import { servingLog } from "#src/cli/answering.ts";
import { configOf } from "#src/cli/configuration.ts";
import { refuseUnsafe } from "#src/cli/environment.ts";
import { bootstrap } from "#src/cli/init.ts";
import { listen, type Serving } from "#src/cli/listen.ts";
import { requireMasterKey } from "#src/cli/needs.ts";
import { CommandError, type Output } from "#src/cli/output.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { createReloading, inTurn, readAnew, refuseMovesOfOne } from "#src/cli/reload.ts";
import { storeOf } from "#src/cli/runtime.ts";
import { decline, nobodyToReplace, nothingToOpen } from "#src/cli/signals.ts";
import type { Config } from "#src/config/load.ts";
import { keepWatchdog, notify } from "#src/lib/sd-notify.ts";
import { joinSupervisor, type Link } from "#src/workers/link.ts";

export type ServeOptions = CommonOptions & { listen?: string; workers?: string };

/** The `serve` command. Returns when the gateway has stopped. */
export async function serve(options: ServeOptions, output: Output): Promise<void> {
  const link = await joinSupervisor();
  if (link !== undefined) return serveAsWorker(options, link);
  if (process.env.LISTEN_FDS) {
    throw new CommandError(
      "Cannot take over a socket from systemd: remove the .socket unit and let the service listen by itself",
    );
  }
  refuseUnsafe(process.env);
  const config = configOf(options);
  requireMasterKey(config);
  if (config.workers > 1) {
    const { serveByWorkers } = await import("#src/cli/serve-workers.ts");
    return serveByWorkers(options, output);
  }
  const store = await storeOf(config);
  const serving = await listen(config, store, { demo: false });
  let isStopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      isStopping = true;
      void serving.stop();
    });
  decline([nothingToOpen, nobodyToReplace], () => serving.gateway.app.log);
  // On a terminal it means that the terminal is gone.
  if (!process.stderr.isTTY) {
    const whileReloading = createReloading(() => isStopping);
    const change = inTurn(() => takeAnew(options, config, serving));
    process.on("SIGHUP", () => {
      if (!isStopping) void whileReloading(change);
    });
  }
  // Only now: a key made before an address that is in use would never be shown.
  const first = await bootstrap(store, { by: "serve" }).catch(async (thrown: unknown) => {
    await serving.stop();
    throw thrown;
  });
  output.err(greeting({ config, ...(await foundBy(serving)), key: first?.key }));
  notify("READY=1");
  keepWatchdog();
  await serving.stopped;
}

/** What is told of a gateway that begins. It keeps nothing of it: another takes its place once. */
async function foundBy({ url, gateway }: Serving) {
  const token = await setupToken(gateway.services.people);
  return { url, providers: providersFound(gateway), token };
}

/** Puts the configuration to use as it is now; resolves with what came of it. */
function takeAnew(options: ServeOptions, before: Config, serving: Serving): Promise<string> {
  return readAnew(options, servingLog(before), async ({ config }) => {
    refuseMovesOfOne(before, config);
    requireMasterKey(config);
    if (!(await serving.replace(config))) return "The gateway stops";
    servingLog(config).write("info", "configuration_read");
    return "The configuration was read";
  });
}

/** One of several processes that serve; its supervisor says when it begins and ends. */
async function serveAsWorker(options: ServeOptions, link: Link): Promise<void> {
  const { port, fileText } = link.begin;
  const config = configOf({ ...options, fileText });
  config.listen.port = port;
  const store = await storeOf(config);
  const serving = await listen(config, store, { demo: false, link });
  link.obey({
    leave: () => void serving.leave(),
    stop: () => void serving.stop(),
    force: () => void serving.stop(),
    orphaned: () => void serving.abandon(),
  });
  // Sent to all processes at once, or to this one: the supervisor knows which.
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => link.send({ type: "signalled" }));
  // The supervisor's to answer, too.
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const)
    process.on(signal, () => undefined);
  link.send({ type: "ready", url: serving.url, providers: providersFound(serving.gateway) });
  await serving.stopped;
  link.close();
}

/** What somebody who starts a gateway is told. */
export function greeting(start: {
  config: Pick<Config, "file" | "dataDir" | "publicUrl">;
  url: string;
  providers: string;
  /** The first key, on the first start. */
  key: string | undefined;
  /** By which the first administrator comes in, until there is one. */
  token: string | undefined;
}): string {
  const { config, url, providers, key, token } = start;
  return [
    `LowRouter listens on ${url}\n${providers}`,
    key === undefined ? "" : firstRun(url, key),
    token === undefined ? "" : setupLine(url, token, inviteCommand(config, url)),
  ].join("");
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

function setupLine(url: string, token: string, command: string): string {
  return `Nobody can sign in yet. To become the administrator, open this within ${setupSeconds / 60} minutes; it works once:

  ${url}/register?invite=${token}

At any time, this makes a link for an administrator on this machine:

  ${command}

`;
}

/** The command that makes an operator of this gateway, wherever it is run. */
function inviteCommand(
  { file, dataDir, publicUrl }: Pick<Config, "file" | "dataDir" | "publicUrl">,
  url: string,
): string {
  const config = file === undefined ? [] : ["--config", resolve(file)];
  const address = publicUrl === "" ? ["--url", url] : [];
  const flags = [...config, "--data-dir", dataDir, ...address].map(shellWord);
  return ["lowrouter invite create --operator", ...flags].join(" ");
}

/** In quotes where a shell would read it as something else. */
function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

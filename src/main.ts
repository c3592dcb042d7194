import { hearLostOutput } from "#src/cli/output.ts";
import { run } from "#src/cli/program.ts";
import { proxied } from "#src/provider/proxied.ts";

/** Commands that hold many connections to upstreams at once. */
const servers: ReadonlySet<string> = new Set(["serve", "demo"]);

raiseFetchLimit();
hearLostOutput();
const code = await run(process.argv.slice(2));
// The output may have been lost before the command ended.
process.exitCode ||= code;

/**
 * Requests through a proxy of the environment are the runtime's, which allows 256 at once and reads another limit
 * only at its start: so the process replaces itself once, under the same process id.
 */
function raiseFetchLimit(): void {
  const { env, execPath, argv } = process;
  if (!servers.has(argv[2] ?? "") || !(proxied(true) || proxied(false))) return;
  if (env.BUN_CONFIG_MAX_HTTP_REQUESTS !== undefined) return;
  const script = Bun.isStandaloneExecutable ? [] : argv.slice(1, 2);
  process.execve?.(execPath, [execPath, ...script, ...argv.slice(2)], {
    ...env,
    BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
  });
}

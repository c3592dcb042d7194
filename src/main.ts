import { run } from "#src/cli/program.ts";

/** Commands that hold many connections to upstreams at once. */
const servers: ReadonlySet<string> = new Set(["serve", "demo"]);

raiseFetchLimit();
process.exitCode = await run(process.argv.slice(2));

/**
 * The runtime allows 256 requests to upstreams at once and reads another limit only at its start:
 * so the process replaces itself once, under the same process id.
 */
function raiseFetchLimit(): void {
  const { env, execPath, argv } = process;
  if (!servers.has(argv[2] ?? "") || env.BUN_CONFIG_MAX_HTTP_REQUESTS !== undefined) return;
  const script = Bun.isStandaloneExecutable ? [] : argv.slice(1, 2);
  process.execve?.(execPath, [execPath, ...script, ...argv.slice(2)], {
    ...env,
    BUN_CONFIG_MAX_HTTP_REQUESTS: "65535",
  });
}

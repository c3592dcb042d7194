import { join } from "node:path";
import * as v from "valibot";
import { freePort } from "#test/lib/port.ts";
import { start, type Running } from "#test/bench/process.ts";
import type { Bench } from "#test/bench/target.ts";

const created = v.looseObject({ data: v.looseObject({ id: v.string() }) });
const createdKey = v.looseObject({ key: v.string() });

/** More than any run can spend, so that credit is checked and never refused. */
const credit = "1000000";

/** What is not as in every other scenario. */
export interface GatewayOptions {
  /** More of `serve`. */
  args?: readonly string[];
  /** Fills the state before it is served, for an account. */
  fill?(state: string, accountId: string): Promise<void>;
}

/** Starts LowRouter on an empty state with one prepaid account: every check and record is on. */
export async function gateway(
  bench: Bench,
  { args = [], fill }: GatewayOptions = {},
): Promise<{ running: Running; key: string }> {
  const port = freePort();
  const state = join(bench.folder, `state-${port}`);
  const at = ["--data-dir", state];
  const account = v.parse(
    created,
    await command(bench, [
      "account",
      "create",
      "--name",
      "bench",
      "--plan",
      "prepaid",
      "--json",
      ...at,
    ]),
  ).data.id;
  await command(bench, ["credit", "add", "--account", account, credit, "--json", ...at]);
  const { key } = v.parse(
    createdKey,
    await command(bench, [
      "key",
      "create",
      "--account",
      account,
      "--name",
      "bench",
      "--json",
      ...at,
    ]),
  );
  await fill?.(state, account);
  const running = await start({
    name: "lowrouter",
    command: [...bench.gateway, "serve", "--listen", `127.0.0.1:${port}`, ...at, ...args],
    port,
    folder: bench.folder,
    env: environment(bench),
  });
  return { running, key };
}

/** The mock upstream in both of its dialects, and only the settings of this run. */
function environment({ upstreamPort, folder }: Bench): Record<string, string | undefined> {
  const foreign = Object.keys(process.env).filter((name) => /_API_KEY$|^LOWROUTER_/.test(name));
  return {
    ...Object.fromEntries(foreign.map((name) => [name, undefined])),
    BUN_CONFIG_MAX_HTTP_REQUESTS: undefined,
    OPENAI_BASE_URL: `http://127.0.0.1:${upstreamPort}/v1`,
    OPENAI_API_KEY: "x",
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${upstreamPort}`,
    ANTHROPIC_API_KEY: "x",
    // The executable unpacks its database addon here.
    TMPDIR: folder,
  };
}

async function command(bench: Bench, args: string[]): Promise<unknown> {
  const child = Bun.spawn([...bench.gateway, ...args], {
    env: { ...process.env, ...environment(bench) },
    stderr: "pipe",
  });
  const [code, out, err] = await Promise.all([
    child.exited,
    child.stdout.text(),
    child.stderr.text(),
  ]);
  if (code === 0) return JSON.parse(out);
  const words = args.slice(0, 2).join(" ");
  const said = `${out}\n${err}`
    .trim()
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-3);
  throw new Error(`Cannot prepare LowRouter: "${words}" ended with ${code}. ${said.join(" ")}`);
}

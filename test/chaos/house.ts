import { join } from "node:path";
import * as v from "valibot";
import type { SimulatedProvider } from "#src/demo/provider.ts";
import { openStore } from "#src/store/open.ts";
import { startOpenai } from "#test/bin/provider.ts";
import { inspect, type Expected } from "#test/chaos/check.ts";
import { ask, nothingSeen, note, refusedIn, type Seen, startCrowd } from "#test/chaos/crowd.ts";
import { type Ended, type Gateway, type Program, serve, spawn } from "#test/chaos/program.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** Where trouble happens: a database with accounts and keys, a simulated provider, and the ways to run the program on it. */
export interface House extends AsyncDisposable {
  folder: string;
  dataDir: string;
  database: string;
  upstream: SimulatedProvider;
  /** The environment that the program runs in. */
  env: Record<string, string>;
  keys: string[];
  /** Generations whose answers any client ever saw whole. */
  complete: string[];
  /** Generations that any client saw refused. */
  refused: string[];
  serve(options?: ServeOptions): Promise<Gateway>;
  /** Runs a command on the data directory. */
  command(args: readonly string[]): Promise<Ended>;
  commandAt(dataDir: string, args: readonly string[]): Promise<Ended>;
  begin(args: readonly string[]): ReturnType<typeof spawn>;
  crowd(url: () => string, options?: CrowdOptions): ReturnType<typeof startCrowd>;
  /** What does not hold of the database, now or, where some come later, after a time. */
  check(
    expected: Omit<Expected, "complete" | "refused"> & { withinMs?: number },
  ): Promise<string[]>;
  /** Asks until it is answered; what kept it from that is a finding. */
  answers(url: string): Promise<string[]>;
}

/** How a gateway is started. */
export interface ServeOptions {
  args?: readonly string[];
  env?: Record<string, string>;
  port?: number;
  program?: Program;
}

/** How clients ask. */
export interface CrowdOptions {
  clients?: number;
  patienceMs?: number;
  prompt?: (turn: number) => string;
}

/** How a house is furnished. */
export interface HouseOptions {
  program: Program;
  /** Credit of the account; 1000 when absent. */
  balance?: number;
  /** More options of `key create`, one key for each. */
  keys?: readonly (readonly string[])[];
  /** Made on a file system of its own, instead of a temporary folder. */
  dataDir?: string;
  env?: Record<string, string>;
  /** Where the database is, if not in the data directory. */
  database?: string;
  /** The database is there already, with these keys. */
  furnished?: { keys: readonly string[] };
}

const keySchema = v.looseObject({ key: v.string() });
const resumeWithinMs = 30_000;

/** Furnishes one; dispose of it. */
export async function openHouse(options: HouseOptions): Promise<House> {
  const { program, balance = 1000 } = options;
  const folder = temporaryFolder();
  const upstream = startOpenai();
  const dataDir = options.dataDir ?? join(folder.path, "state");
  const database = options.database ?? join(dataDir, "lowrouter.db");
  const env = { HOME: folder.path, TMPDIR: folder.path, ...upstream.env, ...options.env };
  const at = ["--data-dir", dataDir];
  const complete: string[] = [];
  const refused: string[] = [];
  const begin: House["begin"] = (args) => spawn(program, [...args, ...at], env);
  const command: House["command"] = (args) => begin(args).ended;

  async function must(args: readonly string[]): Promise<unknown> {
    const { out, err, code } = await command([...args, "--json"]);
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${err}`);
    return JSON.parse(out);
  }
  const keys: string[] = [...(options.furnished?.keys ?? [])];
  if (options.furnished === undefined) {
    await must(["account", "create", "--name", "acme", "--balance", String(balance)]);
    for (const [index, more] of (options.keys ?? [[]]).entries()) {
      const made = await must([
        "key",
        "create",
        "--account",
        "acme",
        "--name",
        `k${index}`,
        ...more,
      ]);
      keys.push(v.parse(keySchema, made).key);
    }
  }
  return {
    folder: folder.path,
    dataDir,
    database,
    upstream,
    env,
    keys,
    complete,
    refused,
    serve: ({ args = [], env: more, port, program: other = program } = {}) =>
      serve(other, [...args, ...at], { ...env, ...more }, port),
    command,
    commandAt: (other, args) => spawn(program, [...args, "--data-dir", other], env).ended,
    begin,
    crowd: (url, { clients = 8, patienceMs, prompt } = {}) =>
      startCrowd({ url, keys, clients, patienceMs, prompt }),
    async check({ withinMs = 0, ...expected }) {
      const from = performance.now();
      for (;;) {
        const begun = performance.now();
        const store = await openStore({ url: `file:${database}` });
        try {
          const findings = await inspect(store, { ...expected, complete, refused });
          if (findings.length === 0 || performance.now() - from >= withinMs) return findings;
        } finally {
          store.close();
        }
        // Looking through is work that a simulated database on this thread waits for.
        await Bun.sleep(Math.max(100, 3 * (performance.now() - begun)));
      }
    },
    async answers(url) {
      const from = performance.now();
      const seen: Seen = nothingSeen();
      for (let turn = 0; performance.now() - from < resumeWithinMs; turn++) {
        const asked = performance.now();
        const outcome = await ask({ url: () => url, keys, clients: 1 }, turn);
        if (outcome !== "nobody") note(seen, outcome, performance.now() - asked);
        refused.push(...refusedIn(seen).slice(-1));
        const [id] = seen.complete;
        if (id !== undefined) {
          complete.push(id);
          return [];
        }
        await Bun.sleep(50);
      }
      return [
        `It did not answer again within ${resumeWithinMs} ms: ${JSON.stringify(seen.others.at(-1))}`,
      ];
    },
    async [Symbol.asyncDispose]() {
      await upstream.stop();
      folder[Symbol.dispose]();
    },
  };
}

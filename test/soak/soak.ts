/** Long: a gateway, its upstreams, its clients, and what must hold of it at the end, step by step. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { createAccount } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import { startSimulatedProvider } from "#src/demo/simulate.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds, systemRandom } from "#src/lib/id.ts";
import { migrate } from "#src/store/migrate.ts";
import { openStore } from "#src/store/open.ts";
import { numberIn } from "#src/store/store.ts";
import { inspect } from "#test/chaos/check.ts";
import { type Gateway, type Program, serve } from "#test/chaos/program.ts";
import { configurationOf } from "#test/bench/fill.ts";
import { type Keys, ownModels } from "#test/soak/mix.ts";
import { loadNews, type LoadSeen } from "#test/soak/plan.ts";
import {
  countFiles,
  descriptors,
  heapOf,
  type Heap,
  type Sample,
  sample,
  type Sight,
} from "#test/soak/sample.ts";
import { grows, type Slope, slopeOf } from "#test/soak/slope.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** How long, and how. */
export interface SoakOptions {
  program: Program;
  requests: number;
  clients: number;
  /** Requests before memory is judged: until then code is compiled and caches fill. */
  warmRequests: number;
  /** Between two looks at the gateway. */
  sampleSeconds: number;
  /** How long the gateway waits for an upstream that says nothing. */
  patienceSeconds: number;
  seed: string;
  /** Told of each look. */
  onSample?: (sample: Sample) => void;
}

/** What came of it. */
export interface SoakReport {
  seen: LoadSeen;
  samples: Sample[];
  /** Absent where there were too few samples. */
  resident: Slope | undefined;
  heap: Slope | undefined;
  /** Rows of the ledger. */
  rows: number;
  /** Kinds of objects of which there are most more than at the first look, and by how many. */
  grown: [kind: string, count: number][];
  seconds: number;
  /** What must not be. */
  findings: string[];
}

const credit = 1_000_000;
const settleMs = 15_000;
/** One connection whose other end was gone before it was taken is closed when a connection is: after a minute without use. */
const closedMs = 75_000;
/** Descriptors that a process opens once, when it first needs them: readers aside, the log of heads. */
const openedLate = 8;

/** Serves so many requests from one process and looks at what it leaves. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const from = performance.now();
  using folder = temporaryFolder();
  const dataDir = join(folder.path, "state");
  const temporary = join(folder.path, "temporary");
  mkdirSync(dataDir);
  mkdirSync(temporary);
  const database = join(dataDir, "lowrouter.db");
  const keys = await furnish(database);
  const upstreams = startUpstreams();
  const program = options.program.preload?.(join(import.meta.dir, "heap-door.ts"));
  const config = join(folder.path, "soak.toml");
  writeFileSync(config, configurationOf({ models: ownModels }));
  const heapSocket = program === undefined ? undefined : join(folder.path, "heap");
  const gateway = await serve(
    program ?? options.program,
    ["--data-dir", dataDir, "--config", config],
    {
      HOME: folder.path,
      TMPDIR: temporary,
      ...upstreams.env,
      LOWROUTER_METRICS: "true",
      LOWROUTER_LOG_LEVEL: "error",
      LOWROUTER_FIRST_BYTE_S: String(options.patienceSeconds),
      LOWROUTER_IDLE_S: String(options.patienceSeconds),
      LOWROUTER_MAX_ATTEMPTS: "2",
      ...(heapSocket === undefined ? {} : { SOAK_HEAP: heapSocket }),
    },
  );
  const sight: Sight = { pid: gateway.pid, heapSocket, temporary, database };
  try {
    const before = { ...descriptors(gateway.pid), temporaryFiles: countFiles(temporary) };
    const heapBefore = await heapOf(heapSocket);
    const { seen, samples } = await watched(options, sight, gateway.url, keys, () =>
      upstreams.forget(),
    );
    const heapAfter = await heapOf(heapSocket);
    const admitted = await admittedBy(gateway.url);
    await upstreams.stop();
    const findings = [...seen.findings, ...(await leaks(sight, before))];
    const warm = samples.filter(({ requests }) => requests >= options.warmRequests);
    const slopes = {
      resident: slopeOf(warm.map((one) => ({ ...one, value: one.residentBytes }))),
      heap: slopeOf(
        warm.flatMap(({ requests, heapBytes }) =>
          heapBytes === undefined ? [] : [{ requests, value: heapBytes }],
        ),
      ),
    };
    for (const [name, slope] of Object.entries(slopes))
      if (slope !== undefined && grows(slope))
        findings.push(`The ${name} memory grows by ${slope.perRequest.toFixed(1)} bytes a request`);
    const ledger = await ended(gateway, database, { seen, admitted });
    return {
      seen,
      samples,
      ...slopes,
      rows: ledger.rows,
      grown: grownIn(heapBefore, heapAfter),
      seconds: (performance.now() - from) / 1000,
      findings: [...findings, ...ledger.findings],
    };
  } finally {
    gateway.kill("SIGKILL");
    await gateway.ended;
    await upstreams.stop();
  }
}

/** An account that can pay for everything, and its keys. */
async function furnish(database: string): Promise<Keys> {
  const store = await openStore({ url: `file:${database}` });
  try {
    await migrate(store, systemClock);
    const kit = { clock: systemClock, ids: createIds(systemClock) };
    const { id: accountId } = await createAccount(store, kit, { name: "soak", plan: "prepaid" });
    await addCredit(store, kit, {
      accountId,
      type: "credit",
      amount: fromUnits(credit),
      description: "Credit of a soak",
      by: "soak",
    });
    const make = async (name: string, more: object = {}) =>
      (await createKey(store, systemClock, { accountId, name, ...more })).secret;
    return {
      plain: [await make("first"), await make("second"), await make("third")],
      limited: await make("limited", { rateLimit: { requestsPerMinute: 60 } }),
      management: await make("management", { type: "management" }),
    };
  } finally {
    store.close();
  }
}

/** Simulated providers of three wires, and the environment that leads a gateway to them. */
function startUpstreams() {
  const start = (protocol: "openai" | "anthropic" | "gemini") =>
    startSimulatedProvider({
      protocol,
      clock: systemClock,
      random: systemRandom,
      latency: { firstByteMs: 0, perTokenMs: 0 },
    });
  const all = [start("openai"), start("anthropic"), start("gemini")] as const;
  const [openai, anthropic, google] = all;
  return {
    env: {
      OPENAI_BASE_URL: openai.url,
      OPENAI_API_KEY: "x",
      ANTHROPIC_BASE_URL: anthropic.url,
      ANTHROPIC_API_KEY: "x",
      GOOGLE_BASE_URL: google.url,
      GEMINI_API_KEY: "x",
    },
    /** Not our memory that is looked at, but a million requests are too many to keep. */
    forget: () => all.forEach(({ stats }) => stats.reset()),
    stop: () => Promise.all(all.map((one) => one.stop())),
  };
}

/** Lets the clients ask, and looks at the gateway meanwhile. */
async function watched(
  { requests, clients, seed, sampleSeconds, onSample }: SoakOptions,
  sight: Sight,
  url: string,
  keys: Keys,
  onLook: () => void,
): Promise<{ seen: LoadSeen; samples: Sample[] }> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadSeen>();
  let done = 0;
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "load.ts")], {
    stdout: "inherit",
    stderr: "inherit",
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "1024" },
    ipc(message: unknown) {
      const news = v.parse(loadNews, message);
      if ("seen" in news) resolve(news.seen);
      else done = news.requests;
    },
    onExit: () => reject(new Error("The clients ended before they were done")),
  });
  child.send({ url, keys: { ...keys, plain: [...keys.plain] }, requests, clients, seed });
  const samples: Sample[] = [];
  let isOver = false;
  const looking = (async () => {
    while (!isOver) {
      await Promise.race([Bun.sleep(sampleSeconds * 1000), promise]);
      const look = await sample(sight, done);
      onLook();
      if (isOver) break;
      samples.push(look);
      onSample?.(look);
    }
  })();
  try {
    const seen = await promise;
    isOver = true;
    await looking;
    return { seen, samples };
  } finally {
    isOver = true;
    child.kill();
    await child.exited;
  }
}

/** Requests that the gateway let in, by its own count. */
async function admittedBy(url: string): Promise<number> {
  const from = performance.now();
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const of = (name: string) =>
      [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"))].reduce(
        (sum, [, value]) => sum + Number(value),
        0,
      );
    // Who hung up last may not be settled yet.
    if (of("lowrouter_requests_in_flight") === 0) return of("lowrouter_requests_total");
    if (performance.now() - from > settleMs) return Number.NaN;
    await Bun.sleep(100);
  }
}

/** What is still open when clients and upstreams are gone. */
async function leaks(
  { pid, temporary }: Sight,
  before: { sockets: number; files: number; temporaryFiles: number },
): Promise<string[]> {
  const from = performance.now();
  for (;;) {
    const { sockets, files } = descriptors(pid);
    const temporaryFiles = countFiles(temporary);
    const findings = [
      sockets > before.sockets ? `${sockets} sockets are open, ${before.sockets} were` : "",
      files > before.files + openedLate ? `${files} files are open, ${before.files} were` : "",
      temporaryFiles > before.temporaryFiles
        ? `${temporaryFiles} temporary files are left, ${before.temporaryFiles} were there`
        : "",
    ].filter((one) => one !== "");
    if (findings.length === 0 || performance.now() - from > closedMs) return findings;
    await Bun.sleep(100);
  }
}

/** Ends the gateway as an operator does, and reads what it wrote down. */
async function ended(
  gateway: Gateway,
  database: string,
  { seen, admitted }: { seen: LoadSeen; admitted: number },
): Promise<{ rows: number; findings: string[] }> {
  gateway.kill("SIGTERM");
  const { code, err } = await gateway.ended;
  const findings = code === 0 ? [] : [`It ended with ${code}`];
  const faults = err.split("\n").filter((line) => line.includes('"level":"error"'));
  if (faults.length > 0) findings.push(`It logged ${faults.length} errors: ${faults[0]}`);
  const store = await openStore({ url: `file:${database}` });
  try {
    const [row] = await store.read("SELECT count(*) AS rows FROM generation_record", []);
    const rows = (row && numberIn(row, "rows")) ?? 0;
    if (rows !== admitted) findings.push(`${rows} rows, and ${admitted} requests were let in`);
    if (rows < seen.named || rows > seen.named + seen.left)
      findings.push(
        `${rows} rows, and clients know of ${seen.named}, with ${seen.left} that left without a word`,
      );
    findings.push(...(await inspect(store, { complete: seen.complete, alive: [] })));
    const [held] = await store.read("SELECT coalesce(sum(leased), 0) AS leased FROM allowance", []);
    const leased = (held && numberIn(held, "leased")) ?? 0;
    if (leased !== 0) findings.push(`${leased} are leased and nobody serves`);
    return { rows, findings };
  } finally {
    store.close();
  }
}

function grownIn(before: Heap | undefined, after: Heap | undefined): [string, number][] {
  const { objectTypeCounts: had = {} } = before ?? {};
  return Object.entries(after?.objectTypeCounts ?? {})
    .map(([kind, count]): [string, number] => [kind, count - (had[kind] ?? 0)])
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 12);
}

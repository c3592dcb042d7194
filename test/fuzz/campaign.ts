import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { temporaryFolder } from "#test/store/temporary.ts";

/*
 * Runs readers in a process of their own and watches it: one that does not come back from an input, or takes memory
 * without end, is ended, and that input is a finding.
 */

/** What a worker is told. */
export interface Job {
  seed: string;
  targets: readonly string[];
  seconds: number;
  /** Folder of inputs that once showed a bug. */
  corpus: string;
  /** File that both processes have in memory. */
  window: string;
  /** Whether inputs are tried, too, in which one piece is there again and again. */
  swollen: boolean;
  /** Milliseconds in which one finding is made shorter. */
  minimiseMs: number;
  /** Faults that were told already, by target. */
  known: Record<string, string[]>;
}

export type Counts = Record<string, number>;

/** What a worker tells. */
export type Told =
  | ({ type: "finding" } & Finding)
  | { type: "replayed" }
  | { type: "progress" | "done"; executions: Counts; kinds: Counts };

/** An input that a reader should have taken otherwise. */
export interface Finding {
  target: string;
  key: string;
  why: string;
  /** Of the corpus. */
  file?: string | undefined;
  /** In base64. */
  input: string;
}

export interface Campaign {
  findings: Finding[];
  executions: Counts;
  kinds: Counts;
}

export const corpus = join(import.meta.dir, "corpus");

/** No reading takes so long, even where others have the machine: what has not come back by then never will. */
const hangMs = 60_000;
const mostMemory = 2_500_000_000;
const windowBytes = 1_000_000;

/** Runs for so long, or until the process has ended by itself. Names are those of targets. */
export async function run(options: {
  seed: string;
  targets: readonly string[];
  seconds: number;
  /** There is time for inputs in which one piece is there again and again, and to make what is found short. */
  isLong?: boolean;
  /** Told as it goes on. */
  said?: (line: string) => void;
}): Promise<Campaign> {
  using folder = temporaryFolder();
  const { seed, said = () => {} } = options;
  const campaign: Campaign = { findings: [], executions: {}, kinds: {} };
  const end = performance.now() + options.seconds * 1000;
  let targets = [...options.targets];
  for (let turn = 0; targets.length > 0; turn++) {
    const seconds = Math.max(0, (end - performance.now()) / 1000);
    if (turn > 0 && seconds === 0) break;
    const window = join(folder.path, `window-${turn}`);
    writeFileSync(window, new Uint8Array(windowBytes));
    const known: Record<string, string[]> = {};
    for (const { target, key } of campaign.findings) (known[target] ??= []).push(key);
    const job: Job = {
      seed: `${seed}${turn === 0 ? "" : ` ${turn}`}`,
      targets,
      seconds,
      corpus,
      window,
      swollen: turn === 0 && options.isLong === true,
      minimiseMs: options.isLong === true ? 5000 : 500,
      known,
    };
    const stopped = await watch(job, campaign, said);
    if (stopped === undefined) break;
    said(`${stopped.target}: ${stopped.why}`);
    campaign.findings.push(stopped);
    // What hangs hangs again: the others go on without it.
    targets = targets.filter((name) => name !== stopped.target);
  }
  return campaign;
}

/** Runs a worker. The input that it did not come back from; undefined where it ended well. */
async function watch(
  job: Job,
  campaign: Campaign,
  said: (line: string) => void,
): Promise<Finding | undefined> {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "worker.ts"), JSON.stringify(job)],
    {
      stdout: "pipe",
      stderr: "pipe",
      cwd: join(import.meta.dir, "../.."),
    },
  );
  const window = Bun.mmap(job.window);
  const view = new DataView(window.buffer, window.byteOffset, window.length);
  let why: string | undefined;
  let last = -1;
  let since = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    const count = view.getUint32(0);
    if (count !== last) [last, since] = [count, now];
    else if (count > 0 && now - since > hangMs)
      why ??= `it does not come back within ${hangMs / 1000} s`;
    if (memoryOf(child.pid) > mostMemory) why ??= "it takes memory without end";
    if (why !== undefined) child.kill("SIGKILL");
  }, 250);
  const before = { ...campaign.executions };
  let isDone = false;
  const errors = new Response(child.stderr).text();
  for await (const line of linesOf(child.stdout)) {
    const told: Told = JSON.parse(line);
    if (told.type === "finding") {
      campaign.findings.push(told);
      said(`${told.target}: ${told.why}`);
    } else if (told.type !== "replayed") {
      for (const [name, count] of Object.entries(told.executions))
        campaign.executions[name] = (before[name] ?? 0) + count;
      Object.assign(campaign.kinds, told.kinds);
      if (told.type === "done") isDone = true;
    }
  }
  await child.exited;
  clearInterval(timer);
  if (isDone) return undefined;
  const target = (await targetNames())[view.getUint32(4)];
  // An exception that nobody caught is ours; a reader's own are findings.
  if (child.signalCode === null || target === undefined)
    throw new Error(`Cannot run the readers: ${(await errors).slice(-2000)}`);
  const input = Buffer.from(window.subarray(12, 12 + view.getUint32(8))).toString("base64");
  return {
    target,
    key: "ended",
    why: why ?? `the process dies: ${(await errors).slice(-600)}`,
    input,
  };
}

async function targetNames(): Promise<string[]> {
  const { targets } = await import("#test/fuzz/targets/all.ts");
  return targets.map(({ name }) => name);
}

/** Bytes of memory that a process has; 0 where that cannot be read. */
function memoryOf(pid: number): number {
  try {
    const [, pages = "0"] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    return Number(pages) * 4096;
  } catch {
    return 0; // It has ended, or this is no Linux.
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Keeps the input of a finding in the corpus. Its path. */
export function keep({ target, input }: Finding): string {
  const bytes = Buffer.from(input, "base64");
  const folder = join(corpus, target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, Bun.hash.crc32(bytes).toString(16).padStart(8, "0"));
  writeFileSync(path, bytes);
  return path;
}

/** Forgets an input of the corpus. */
export function forget(path: string): void {
  rmSync(path, { force: true });
}

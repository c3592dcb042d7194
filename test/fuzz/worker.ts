/*
 * The process that reads. Each input is put where the process that watches sees it before it is read, so that it is known
 * when nothing comes back. Arguments: a job as JSON. Tells lines of JSON on its standard output.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Chance } from "#test/fuzz/chance.ts";
import type { Job, Told } from "#test/fuzz/campaign.ts";
import { spansOf } from "#test/fuzz/json-spans.ts";
import { judge } from "#test/fuzz/judge.ts";
import { minimise } from "#test/fuzz/minimise.ts";
import { everywhere, mutate, swollen } from "#test/fuzz/mutate.ts";
import type { Target } from "#test/fuzz/target.ts";
import { targets } from "#test/fuzz/targets/all.ts";

/** Inputs that are kept of one target, beside the recorded ones. */
const mostKept = 400;
/** Longer ones take their time each time that something is made of them. */
const longestKept = 50_000;
/** Milliseconds for one target in a row, then comes the next. */
const turnMs = 10;
/** A stream is read in several cuts for several clients, so it has more. */
const streamTurnMs = 40;

const job: Job = JSON.parse(process.argv[2] ?? "{}");
const window = Bun.mmap(job.window);
const view = new DataView(window.buffer, window.byteOffset, window.length);
let executions = 0;

function tell(told: Told): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

/** Puts an input into the window: how many came before, whose it is, how long it is, and its bytes. */
function announce(at: number, input: Uint8Array): void {
  executions++;
  view.setUint32(4, at);
  view.setUint32(8, input.length);
  window.set(input.subarray(0, window.length - 12), 12);
  view.setUint32(0, executions);
}

/** One reader with what it is fed. */
interface Course {
  target: Target;
  at: number;
  chance: Chance;
  inputs: Uint8Array[];
  words: string[];
  seeds: readonly Uint8Array[];
  /** How many of the inputs are recorded, those of the corpus among them. */
  recorded: number;
  /** Recorded inputs with one value replaced. */
  everywhere: Iterator<Uint8Array, void, void>;
  kinds: Set<string>;
  executions: number;
  faults: Set<string>;
}

async function courseOf(target: Target, at: number): Promise<Course> {
  const seeds = await target.seeds();
  const inputs = [...seeds, ...kept(target).map(({ input }) => input)];
  const chance = new Chance(`${job.seed} ${target.name}`);
  const isJson = target.shape !== "lines" && target.shape !== "bytes";
  return {
    target,
    at,
    chance,
    everywhere: everywhere(isJson ? [...inputs] : [], target.shape, chance),
    inputs,
    words: wordsOf(inputs),
    seeds,
    recorded: inputs.length,
    kinds: new Set(),
    executions: 0,
    faults: new Set(job.known[target.name] ?? []),
  };
}

/** Inputs that once showed a bug. */
function kept({ name }: Target): { file: string; input: Uint8Array }[] {
  const folder = join(job.corpus, name);
  try {
    return readdirSync(folder)
      .toSorted()
      .map((file) => ({ file, input: new Uint8Array(readFileSync(join(folder, file))) }));
  } catch {
    return []; // There is no such folder where nothing was found.
  }
}

/** Names and short texts of recorded inputs. */
function wordsOf(inputs: readonly Uint8Array[]): string[] {
  const words = new Set<string>();
  for (const input of inputs) {
    const text = new TextDecoder().decode(input);
    for (const { start, end, keyStart } of spansOf(text.slice(0, 20_000))) {
      if (keyStart !== undefined) add(words, text.slice(keyStart, start).replace(/\s*:\s*$/, ""));
      if (text[start] === '"' && end - start < 40) add(words, text.slice(start, end));
    }
    for (const [word] of text.slice(0, 20_000).matchAll(/[A-Za-z_][\w.-]{2,30}/g)) words.add(word);
  }
  return [...words].slice(0, 3000);
}

function add(words: Set<string>, quoted: string): void {
  try {
    const word: unknown = JSON.parse(quoted);
    if (typeof word === "string") words.add(word);
  } catch {
    // Text that only looks like a name.
  }
}

function tryOut(course: Course, input: Uint8Array, file?: string): void {
  const { target, at, inputs, kinds, faults } = course;
  announce(at, input);
  course.executions++;
  const { kind, fault } = judge(target, input);
  if (fault !== undefined) {
    const key = file === undefined ? fault.key : `${fault.key} ${file}`;
    if (faults.has(key)) return;
    faults.add(key);
    const fails = (smaller: Uint8Array) => {
      announce(at, smaller);
      return judge(target, smaller).fault?.key === fault.key;
    };
    const least =
      fault.key === "slow" || file !== undefined
        ? input
        : minimise(input, { forMs: job.minimiseMs, fails });
    tell({
      type: "finding",
      target: target.name,
      ...fault,
      file,
      input: Buffer.from(least).toString("base64"),
    });
    return;
  }
  if (kinds.has(kind)) return;
  kinds.add(kind);
  if (input.length > longestKept) return;
  if (inputs.length < course.recorded + mostKept) inputs.push(input);
  else inputs[course.recorded + course.chance.below(mostKept)] = input;
}

const chosen = targets.flatMap((target, at) =>
  job.targets.includes(target.name) ? [{ target, at }] : [],
);
const courses = await Promise.all(chosen.map(({ target, at }) => courseOf(target, at)));
const end = performance.now() + job.seconds * 1000;

// What is recorded, and what once showed a bug, comes first.
for (const course of courses) {
  for (const input of course.seeds) tryOut(course, input);
  for (const { file, input } of kept(course.target)) tryOut(course, input, file);
}
tell({ type: "replayed" });
if (job.swollen)
  for (const course of courses) {
    const [first] = course.inputs;
    if (first === undefined) continue;
    for (const input of swollen(first, course.target.shape)) tryOut(course, input);
  }
for (let round = 0; performance.now() < end; round++) {
  for (const course of courses) {
    const until = Math.min(end, performance.now() + turnOf(course.target));
    do tryOut(course, next(course));
    while (performance.now() < until);
  }
  if (round % 8 === 0) report("progress");
}
report("done");

/** One with one value replaced, and one that chance made, in turn. */
function next(course: Course): Uint8Array {
  const { target, chance, executions: count } = course;
  const simple = count % 2 === 0 ? course.everywhere.next() : undefined;
  return simple?.value ?? mutate(course, target.shape, chance);
}

function turnOf({ name }: Target): number {
  return name.startsWith("stream-") ? streamTurnMs : turnMs;
}

function report(type: "progress" | "done"): void {
  tell({
    type,
    executions: Object.fromEntries(
      courses.map(({ target, executions: count }) => [target.name, count]),
    ),
    kinds: Object.fromEntries(courses.map(({ target, kinds }) => [target.name, kinds.size])),
  });
}

import { BrokenClaim, type Target } from "#test/fuzz/target.ts";

/*
 * What is asked of every reader, whatever it is given: it refuses in its own words or tells what it read, twice the
 * same, leaves its input as it was, tells not much more than it was given, and comes to an end.
 */

/** What is wrong with a reader. */
export interface Fault {
  /** One for each bug, as far as that can be told: faults of the same key are told once. */
  key: string;
  /** In words. */
  why: string;
}

export interface Verdict {
  /** The kind of outcome. */
  kind: string;
  fault?: Fault;
}

/** Told beside what grows with the input. */
const fixedBytes = 1_000_000;
/** Milliseconds of work that one reading may take; the longest inputs take a tenth of it. */
const slowMs = 1500;

/** Reads an input twice and judges what comes of it. */
export function judge(target: Target, input: Uint8Array): Verdict {
  const given = new Uint8Array(input);
  const started = performance.now();
  const first = attempt(target, given);
  const took = performance.now() - started;
  if ("fault" in first) return first;
  if (Buffer.compare(given, input) !== 0)
    return { kind: "changed", fault: { key: "changed", why: "its input is changed" } };
  const work = took > slowMs ? leastWork(target, input) : 0;
  if (work > slowMs)
    return { kind: "slow", fault: { key: "slow", why: `it takes ${Math.round(work)} ms` } };
  const bytes = first.told.reduce((sum, text) => sum + text.length, 0);
  const most = (target.growth ?? 64) * input.length + fixedBytes;
  if (bytes > most)
    return {
      kind: "large",
      fault: { key: "large", why: `it tells ${bytes} bytes of ${input.length}` },
    };
  const second = attempt(target, new Uint8Array(input));
  if ("fault" in second) return second;
  if (
    first.told.length !== second.told.length ||
    first.told.some((text, at) => text !== second.told[at])
  )
    return { kind: "fickle", fault: { key: "fickle", why: "it reads the same bytes in two ways" } };
  return { kind: first.told[0] ?? "" };
}

function attempt(
  target: Target,
  input: Uint8Array,
): { told: string[] } | { kind: string; fault: Fault } {
  try {
    return { told: target.read(input) };
  } catch (thrown) {
    if (!(thrown instanceof BrokenClaim) && target.refuses(thrown))
      return { told: [`refused ${wordsOf(thrown)}`.slice(0, 200)] };
    return { kind: "fault", fault: { key: keyOf(thrown), why: described(thrown) } };
  }
}

/** Milliseconds that the processor works on a reading, the least of some: others may have the machine. */
function leastWork(target: Target, input: Uint8Array): number {
  const each = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage().user;
    attempt(target, new Uint8Array(input));
    return (process.cpuUsage().user - before) / 1000;
  });
  return Math.min(...each);
}

/** A refusal without what it repeats of the input. */
function wordsOf(thrown: unknown): string {
  return thrown instanceof Error
    ? thrown.message.replaceAll(/"[^"]*"|\[\d+\]|\d+/g, "_").replaceAll(/[^\x20-\x7e]/g, "_")
    : typeof thrown;
}

function keyOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `thrown ${typeof thrown}`;
  if (thrown instanceof BrokenClaim) return thrown.message.replaceAll(/\d+/g, "0").slice(0, 120);
  const place =
    /\((?:[^()]*\/)?(src\/[^()]+?):(\d+):\d+\)|at (?:[^()]*\/)?(src\/[^\s]+?):(\d+):\d+/.exec(
      thrown.stack ?? "",
    );
  return `${thrown.name} ${place?.[1] ?? place?.[3] ?? ""}:${place?.[2] ?? place?.[4] ?? ""}`;
}

function described(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `it throws ${Bun.inspect(thrown)}`;
  if (thrown instanceof BrokenClaim) return `not held: ${thrown.message}`;
  const at = (thrown.stack ?? "").split("\n").slice(0, 6).join("\n");
  return `it throws ${thrown.name}: ${thrown.message.slice(0, 300)}\n${at}`;
}

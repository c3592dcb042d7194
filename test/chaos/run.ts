import { createChance } from "#test/chaos/chance.ts";
import type { Program } from "#test/chaos/program.ts";
import type { Scenario, Trial } from "#test/chaos/scenario.ts";

/** What came of a scenario. */
export interface Report {
  name: string;
  fault: string;
  rounds: number;
  /** Requests that came to any end, and those whose answer was seen whole. */
  requests: number;
  complete: number;
  longestMs: number;
  /** What must not be, with the round that shows it again. */
  findings: { round: number; finding: string }[];
  /** Why it was not tried. */
  skipped?: string;
  seconds: number;
}

export interface RunOptions {
  program: Program;
  rounds: number;
  seed: string;
  /** How many of them run at once, each on a database and with gateways of its own; 1 when absent. */
  lanes?: number;
  /** Told after each round. */
  onRound?: (report: Report) => void;
}

/** Tries a scenario; a round that throws is a finding, and begins the next with a new database. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Report> {
  const { name, fault } = scenario;
  const { program, rounds, lanes = 1 } = options;
  const from = performance.now();
  const report: Report = {
    name,
    fault,
    rounds: 0,
    requests: 0,
    complete: 0,
    longestMs: 0,
    findings: [],
    seconds: 0,
  };
  const skipped = await scenario.cannot?.(program);
  if (skipped !== undefined) return { ...report, skipped };
  let next = 0;
  const take = () => (next < rounds ? next++ : undefined);
  await Promise.all(
    Array.from({ length: Math.min(lanes, rounds) }, () =>
      runLane({ scenario, options, report, take }),
    ),
  );
  report.seconds = (performance.now() - from) / 1000;
  return report;
}

interface Lane {
  scenario: Scenario;
  options: RunOptions;
  report: Report;
  /** The next round; undefined where there is none. */
  take(): number | undefined;
}

/** Takes one round after the other. What a round does is said by its number, whichever lane takes it. */
async function runLane({ scenario, options, report, take }: Lane): Promise<void> {
  const { name, roundsPerHouse = 20 } = scenario;
  const { program, seed, onRound } = options;
  let trial: Trial | undefined;
  let last = 0;
  const find = (finding: string) => report.findings.push({ round: last, finding });
  const close = async () => {
    const closing = trial;
    trial = undefined;
    try {
      await closing?.[Symbol.asyncDispose]();
    } catch (thrown) {
      find(textOf(thrown));
    }
  };
  for (let done = 0, round = take(); round !== undefined; done++, round = take()) {
    if (done % roundsPerHouse === 0) await close();
    last = round;
    try {
      trial ??= await scenario.open(program);
      await trial.round(createChance(`${seed} ${name} ${round}`), {
        seen(seen) {
          report.requests += seen.complete.length + seen.others.length;
          report.complete += seen.complete.length;
          report.longestMs = Math.max(report.longestMs, seen.longestMs);
        },
        findings: (findings) => findings.forEach(find),
      });
    } catch (thrown) {
      find(textOf(thrown));
      await close();
    }
    report.rounds++;
    onRound?.(report);
  }
  await close();
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/** The reports as a Markdown table. */
export function tableOf(reports: readonly Report[]): string {
  const rows = reports.map((one) =>
    one.skipped === undefined
      ? [
          one.name,
          one.fault,
          one.rounds,
          one.requests,
          one.complete,
          Math.round(one.longestMs),
          one.findings.length,
        ]
      : [one.name, one.fault, `not tried: ${one.skipped}`, "", "", "", ""],
  );
  const head = [
    "scenario",
    "fault",
    "rounds",
    "requests",
    "answers seen whole",
    "longest, ms",
    "findings",
  ];
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("");
}

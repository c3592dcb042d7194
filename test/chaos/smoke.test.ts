import { expect, test } from "bun:test";
import { executable } from "#test/bin/executable.ts";
import { fromExecutable, fromSources } from "#test/chaos/program.ts";
import { type Report, runScenario } from "#test/chaos/run.ts";
import { scenarios } from "#test/chaos/scenarios.ts";

/** Those that last as long as their fault: `npm run chaos` tries them. */
const long: readonly string[] = ["locked-6s", "locked-20s"];
const tried = scenarios.filter(({ name }) => !long.includes(name));

/** Two at a time: most of a round is waiting. Each lane begins with the first test. */
const reports = new Map<string, PromiseWithResolvers<Report>>(
  tried.map(({ name }) => [name, Promise.withResolvers<Report>()]),
);
let isBegun = false;

function begin(): void {
  if (isBegun) return;
  isBegun = true;
  const waiting = [...tried];
  for (let lane = 0; lane < 2; lane++) void work(waiting);
}

async function work(waiting: (typeof tried)[number][]): Promise<void> {
  const compiled = fromExecutable(await executable());
  for (let scenario = waiting.shift(); scenario !== undefined; scenario = waiting.shift()) {
    // To move the clock of an executable takes a C compiler.
    const program = scenario.name === "clock" ? fromSources() : compiled;
    const report = runScenario(scenario, { program, rounds: 1, seed: "smoke" });
    await report.then(reports.get(scenario.name)?.resolve, reports.get(scenario.name)?.reject);
  }
}

test.each(tried)(
  "chaos, one round of $name: nothing is lost, and it serves again by itself",
  async ({ name }) => {
    begin();
    const report = await reports.get(name)?.promise;
    expect(report?.findings).toEqual([]);
    if (report?.skipped !== undefined)
      return console.log(`${name} was not tried: it ${report.skipped}`);
    expect(report?.rounds).toBe(1);
    expect(report?.complete).toBeGreaterThan(0);
  },
  120_000,
);

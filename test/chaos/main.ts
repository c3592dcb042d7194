/**
 * Breaks a running gateway in every way that is known to break one, and checks each time that nothing was lost:
 * `npm run chaos -- [--rounds N] [--only NAME]… [--seed TEXT] [--executable FILE]`. Prints a table; fails on any finding.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { fromExecutable, fromSources } from "#test/chaos/program.ts";
import { type Report, runScenario, tableOf } from "#test/chaos/run.ts";
import { scenarios } from "#test/chaos/scenarios.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "200" },
    only: { type: "string", multiple: true },
    seed: { type: "string", default: String(Date.now()) },
    executable: { type: "string" },
  },
});
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1)
  throw new Error(`Cannot try ${values.rounds} rounds: give a whole number`);
for (const name of values.only ?? [])
  if (!scenarios.some((one) => one.name === name))
    throw new Error(
      `Cannot try "${name}": known are ${scenarios.map((one) => one.name).join(", ")}`,
    );
const program =
  values.executable === undefined ? fromSources() : fromExecutable(resolve(values.executable));

console.log(`seed ${values.seed}`);
const reports: Report[] = [];
for (const scenario of scenarios) {
  if (values.only !== undefined && !values.only.includes(scenario.name)) continue;
  let told = 0;
  const report = await runScenario(scenario, {
    program,
    rounds,
    seed: values.seed,
    onRound({ name, findings }) {
      for (const { round, finding } of findings.slice(told))
        console.log(`${name}, round ${round}: ${finding}`);
      told = findings.length;
    },
  });
  console.log(tableOf([report]).split("\n")[2] ?? "");
  reports.push(report);
}
console.log(`\n${tableOf(reports)}`);
process.exit(reports.every(({ findings }) => findings.length === 0) ? 0 : 1);

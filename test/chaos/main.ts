/**
 * Breaks a running gateway in every way that is known to break one, and checks each time that nothing was lost:
 * `npm run chaos -- [--rounds N] [--only NAME]… [--seed TEXT] [--lanes N] [--executable FILE]`. Prints a table; fails on any finding.
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
    lanes: { type: "string", default: "4" },
    executable: { type: "string" },
  },
});
const rounds = wholeIn(values.rounds, "rounds");
const lanes = wholeIn(values.lanes, "lanes");
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
  const tellOf = ({ name, findings }: Report) => {
    for (const { round, finding } of findings.slice(told))
      console.log(`${name}, round ${round}: ${finding}`);
    told = findings.length;
  };
  const report = await runScenario(scenario, {
    program,
    rounds,
    seed: values.seed,
    lanes,
    onRound(so) {
      tellOf(so);
      if (so.rounds % 20 === 0) console.error(`${so.name}: ${so.rounds} rounds`);
    },
  });
  console.log(`${tableOf([report]).split("\n")[2] ?? ""} ${Math.round(report.seconds)} s`);
  tellOf(report);
  reports.push(report);
}
console.log(`\n${tableOf(reports)}`);
process.exit(reports.every(({ findings }) => findings.length === 0) ? 0 : 1);

function wholeIn(text: string, what: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new Error(`Cannot try ${text} ${what}: give a whole number`);
  return number;
}

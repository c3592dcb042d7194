/** `bun run fuzz [--minutes N] [--target T] [--seed S]`: long runs. What is found is kept in test/fuzz/corpus. */
import { parseArgs } from "node:util";
import { keep, run } from "#test/fuzz/campaign.ts";
import { targets } from "#test/fuzz/targets/all.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    target: { type: "string", multiple: true },
    seed: { type: "string", default: String(Date.now()) },
  },
});
const minutes = Number(values.minutes);
const names = targets.map(({ name }) => name);
const asked = values.target ?? names;
const chosen = names.filter((name) =>
  asked.some((one) => name === one || new Bun.Glob(one).match(name)),
);
if (!(minutes > 0) || chosen.length === 0) {
  console.error(`Cannot fuzz that: --minutes takes a number, --target one of ${names.join(", ")}`);
  process.exit(2);
}
console.log(`${chosen.length} readers for ${minutes} minutes, seed ${values.seed}`);
const { findings, executions, kinds } = await run({
  seed: values.seed,
  targets: chosen,
  seconds: minutes * 60,
  isLong: minutes >= 5,
  said: (line) => console.log(line),
});
for (const finding of findings)
  console.log(`${finding.target}: ${keep(finding)}\n  ${finding.why}`);
for (const name of chosen)
  console.log(`${name}: ${executions[name] ?? 0} readings, ${kinds[name] ?? 0} kinds`);
const all = Object.values(executions).reduce((sum, count) => sum + count, 0);
console.log(`${all} readings, ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);

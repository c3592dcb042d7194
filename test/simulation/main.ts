/** `bun run simulate [--steps N] [--seed N] [--runs N]`: the lease protocol in every weather, for as long as one likes. */
import { parseArgs } from "node:util";
import { exact, isOfLimit, tooLong } from "#test/simulation/weathers.ts";
import { simulate } from "#test/simulation/world.ts";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "1000000" },
    runs: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
  },
});
const print = (line: string) => void process.stdout.write(`${line}\n`);
let findings = 0;
print(
  "| weather | seed | steps | admitted | refused | failed | crashes | cuts | lost | late | findings |",
);
print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
for (let run = 0; run < Number(values.runs); run++) {
  const seed = Number(values.seed) + run;
  for (const [name, weather] of Object.entries({
    ...exact,
    ...tooLong,
  })) {
    const out = await simulate(seed, Number(values.steps), weather);
    const found = name in tooLong ? out.findings.filter((one) => !isOfLimit(one)) : out.findings;
    findings += found.length;
    const { steps, admitted, refused, failed, crashes, cuts, lost, late } = out;
    const counts = [steps, admitted, refused, failed, crashes, cuts, lost, late, found.length];
    print(`| ${[name, seed, ...counts].join(" | ")} |`);
    for (const one of found) print(`  ${one}`);
  }
}
process.exitCode = findings > 0 ? 1 : 0;

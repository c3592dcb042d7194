/** `bun run simulate [--steps N] [--seed N] [--runs N]`: the lease protocol in every weather, for as long as one likes. */
import { parseArgs } from "node:util";
import { exact, tooLong } from "#test/simulation/weathers.ts";
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
  "| weather | seed | steps | admitted | refused | failed | crashes | cuts | lost | findings |",
);
print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
for (let run = 0; run < Number(values.runs); run++) {
  const seed = Number(values.seed) + run;
  for (const [name, weather] of Object.entries({
    ...exact,
    "away for up to 20 minutes": tooLong,
  })) {
    const out = await simulate(seed, Number(values.steps), weather);
    const found =
      weather === tooLong ? out.findings.filter((one) => !/beyond/.test(one)) : out.findings;
    findings += found.length;
    const { steps, admitted, refused, failed, crashes, cuts, lost } = out;
    const cells = [name, seed, steps, admitted, refused, failed, crashes, cuts, lost, found.length];
    print(`| ${cells.join(" | ")} |`);
    for (const one of found) print(`  ${one}`);
  }
}
process.exitCode = findings > 0 ? 1 : 0;

/**
 * The benchmark: `npm run bench -- [--quick] [--only SCENARIO]… [--target NAME]… [--gateway FILE]`.
 * `--only pages [--path /dashboard/keys]… [--generations 5000000]`: which pages, with how many requests in the store.
 * Prints Markdown. The gateway is compiled afresh unless `--gateway` names an executable or a .ts.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "#test/bench/machine.ts";
import type { PageSizes } from "#test/bench/pages.ts";
import { temporaryFolder } from "#test/bench/process.ts";
import { scenarios, type Sizes, type Stage } from "#test/bench/scenarios.ts";
import { markdown } from "#test/bench/table.ts";
import * as targets from "#test/bench/target.ts";

const full: Sizes = {
  rounds: { count: 5, seconds: 3, warmSeconds: 2 },
  rateRounds: { count: 5, seconds: 4, warmSeconds: 2 },
  slowStreams: 5000,
  slowEvents: 24,
  slowPaceMs: 500,
  memoryRequests: [10_000, 100_000],
  pictures: 40,
  pages: { generations: 1_000_000, requests: 200 },
  fill: { models: 250, keys: 10_000, generations: 1_000_000 },
};
/** Shows that everything works; the figures mean nothing. */
const quick: Sizes = {
  rounds: { count: 1, seconds: 0.3, warmSeconds: 0.1 },
  rateRounds: { count: 1, seconds: 0.3, warmSeconds: 0.1 },
  slowStreams: 100,
  slowEvents: 3,
  slowPaceMs: 100,
  memoryRequests: [200, 1000],
  pictures: 4,
  pages: { generations: 2000, requests: 5 },
  fill: { models: 250, keys: 50, generations: 2000 },
};
const root = join(import.meta.dir, "../..");

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    target: { type: "string", multiple: true },
    gateway: { type: "string" },
    path: { type: "string", multiple: true },
    generations: { type: "string" },
  },
});
const chosenScenarios = choose("scenario", scenarios, (one) => one.name, values.only);
const asked = choose("target", targets.targetNames, (name) => name, values.target);
const chosenTargets = chosenScenarios.every(({ isInside }) => isInside) ? [] : asked;
await run();

async function run(): Promise<void> {
  const chosen = values.quick ? quick : full;
  const sizes = { ...chosen, pages: pageSizes(chosen.pages) };
  print(`# Benchmark${values.quick ? " (quick: figures mean nothing)" : ""}`, "");
  print(...(await describeMachine(new Date())), "");
  await using folder = await temporaryFolder();
  const upstream = await targets.upstream(folder.path);
  const gateway = await gatewayCommand(folder.path);
  const bench = { folder: folder.path, upstreamPort: upstream.port, gateway };
  const opened = new Map<targets.TargetName, targets.Target>();
  try {
    for (const name of chosenTargets) {
      try {
        opened.set(name, await targets.open(name, bench, upstream));
      } catch (error) {
        print(`- **Not measured: ${name}.** ${reason(error)}`, "");
      }
    }
    const stage: Stage = {
      sizes,
      targets: opened,
      fresh: (name) => targets.open(name, bench, upstream),
      freshGateway: (options) => targets.openGateway(bench, options),
      peakAtUpstream: () => targets.peak(upstream),
    };
    for (const scenario of chosenScenarios) {
      print(`## ${scenario.title}`, "", scenario.method(sizes), "");
      print(markdown(await scenario.run(stage)), "");
    }
  } finally {
    await Promise.all([...opened.values()].map(({ running }) => running.stop()));
    await upstream.stop();
  }
}

/** How to run the gateway; compiled in a process of its own, as its failure is not ours. */
async function gatewayCommand(folder: string): Promise<string[]> {
  const given = values.gateway;
  if (given !== undefined) return given.endsWith(".ts") ? [process.execPath, given] : [given];
  if (!chosenTargets.includes("lowrouter")) return [];
  const outfile = join(folder, "lowrouter");
  const command = [process.execPath, join(root, "src/build.ts"), "--outfile", outfile];
  const build = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
  if ((await build.exited) === 0) return [outfile];
  const errors = (await build.stderr.text()).split("\n").filter((line) => line.includes("error"));
  print(`- LowRouter does not compile and runs from source: ${errors.slice(0, 2).join(" ")}`, "");
  return [process.execPath, join(root, "src/main.ts")];
}

function choose<T>(
  what: string,
  all: readonly T[],
  name: (one: T) => string,
  wanted?: string[],
): T[] {
  const names = all.map(name);
  const unknown = wanted?.find((one) => !names.includes(one));
  if (unknown !== undefined) {
    throw new Error(`Cannot find ${what} "${unknown}": use ${names.join(", ")}`);
  }
  return all.filter((one) => wanted === undefined || wanted.includes(name(one)));
}

function pageSizes(standard: PageSizes): PageSizes {
  const { path, generations } = values;
  return {
    ...standard,
    ...(path === undefined ? {} : { paths: path }),
    ...(generations === undefined ? {} : { generations: Number(generations) }),
  };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function print(...lines: string[]): void {
  console.log(lines.join("\n"));
}

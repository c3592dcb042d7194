/** Runs the whole suite: formatting, types, tests. Its last line reads `N passed, N failed`. */
import { findBrowser } from "#test/browser/browser.ts";
import { failures } from "#test/failures.ts";
import { testFiles } from "#test/files.ts";

interface Step {
  name: string;
  command: string[];
}

const bun = process.execPath;
const steps: Step[] = [
  { name: "formatting", command: [bun, "fmt", "--check"] },
  { name: "types", command: [bun, "check"] },
  { name: "build", command: [bun, "src/build.ts"] },
];

let passed = 0;
let failed = 0;
const why: string[] = [];

for (const { name, command } of steps) {
  const child = Bun.spawn(command, { stdout: "inherit", stderr: "inherit" });
  const code = await child.exited;
  console.log(`${name}: ${code === 0 ? "ok" : `failed with ${code}`}`);
  if (code === 0) passed++;
  else failed++;
}

/** Tests that compute and do nothing else: they take nobody's time on a second core, and are shown after the others. */
const beside = ["./test/simulation/simulation.test.ts", "./test/fuzz/fuzz.test.ts"];
/** Processes that run the others, one after another: one alone keeps the modules of every file, nine gigabytes at the end. */
const parts = 4;

const asked = process.argv.slice(2);
if (asked.length > 0) count(await run(asked));
else {
  const others = run(beside, "later");
  const files = await testFiles(process.env, findBrowser());
  const rest = files.filter((path) => !beside.includes(path));
  const size = Math.ceil(rest.length / parts);
  for (let from = 0; from < rest.length; from += size)
    count(await run(rest.slice(from, from + size)));
  count(await others);
}

if (why.length > 0) console.error(`\nWhat failed, again:\n\n${why.join("\n\n")}\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

interface Ran {
  code: number;
  log: string;
}

/** Runs tests; shows what they say as they say it, or at their end. */
async function run(chosen: readonly string[], shown: "now" | "later" = "now"): Promise<Ran> {
  const tests = Bun.spawn([bun, "test", "--timeout", "30000", ...chosen], {
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const now = shown === "now";
  const [out, log] = await Promise.all([
    echo(tests.stdout, now ? process.stdout : undefined),
    echo(tests.stderr, now ? process.stderr : undefined),
  ]);
  const code = await tests.exited;
  if (!now) process.stderr.write(out + log);
  return { code, log };
}

function count({ code, log }: Ran): void {
  const found = (word: string): number =>
    Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(log)?.[1] ?? 0);
  const [ok, bad] = [found("pass"), found("fail")];
  passed += ok;
  why.push(...failures(log));
  // A runner that died or found nothing is a failure even when it counted none.
  failed += code !== 0 || ok === 0 ? Math.max(1, bad) : bad;
}

async function echo(
  from: ReadableStream<Uint8Array>,
  to: NodeJS.WriteStream | undefined,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of from) {
    to?.write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

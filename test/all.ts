/** Runs the whole suite: formatting, types, tests. Its last line reads `N passed, N failed`. */
import { findBrowser } from "#test/browser/browser.ts";

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

for (const { name, command } of steps) {
  const child = Bun.spawn(command, { stdout: "inherit", stderr: "inherit" });
  const code = await child.exited;
  console.log(`${name}: ${code === 0 ? "ok" : `failed with ${code}`}`);
  if (code === 0) passed++;
  else failed++;
}

const asked = process.argv.slice(2);
const chosen = asked.length > 0 ? asked : await withoutBrowser();
const tests = Bun.spawn([bun, "test", "--timeout", "30000", ...chosen], {
  stdout: "pipe",
  stderr: "pipe",
  env: { ...process.env, NO_COLOR: "1" },
});
const [, log] = await Promise.all([
  echo(tests.stdout, process.stdout),
  echo(tests.stderr, process.stderr),
]);
const code = await tests.exited;
const count = (word: string): number =>
  Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(log)?.[1] ?? 0);
const [ok, bad] = [count("pass"), count("fail")];
passed += ok;
// A runner that died or found nothing is a failure even when it counted none.
failed += code !== 0 || ok === 0 ? Math.max(1, bad) : bad;

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/**
 * All tests but those that drive a browser, where there is none: npm cannot install one. Nothing, which means all, where
 * there is one, and in CI, where they never stay out.
 */
async function withoutBrowser(): Promise<string[]> {
  if (process.env["CI"] === "true" || findBrowser() !== undefined) return [];
  console.error(
    "\n*** The browser tests are SKIPPED: there is no Chromium. Install one, or set CHROMIUM to where it is ***\n",
  );
  const files: string[] = [];
  for (const path of new Bun.Glob("test/**/*.test.{ts,tsx}").scanSync()) {
    const drives =
      path.startsWith("test/browser/") || /\bstartBrowser\b/.test(await Bun.file(path).text());
    if (!drives) files.push(`./${path}`);
  }
  return files;
}

async function echo(from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of from) {
    to.write(chunk);
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

export {};

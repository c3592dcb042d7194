/** Runs the whole suite: formatting, types, tests. Its last line reads `N passed, N failed`. */
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

const tests = Bun.spawn([bun, "test", "--timeout", "30000", ...process.argv.slice(2)], {
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

import { expect, spyOn, test } from "bun:test";
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failures } from "#test/failures.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { testFiles } from "#test/files.ts";

const root = join(import.meta.dir, "..");

/** Runs `.ci/run` as root of a machine that has nothing but bash; what it called, and how it ended. */
function ciRun(npmTestEnds: 0 | 1) {
  using folder = temporaryFolder();
  const told = join(folder.path, "told");
  const programs = {
    "apt-get": `echo "apt-get $*" >> ${told}`,
    npm: `echo "npm $* CI=$CI" >> ${told}; [ "$1" = test ] && exit ${npmTestEnds}; exit 0`,
    id: "echo 0",
  };
  const bash = Bun.which("bash") ?? "bash";
  for (const [name, lines] of Object.entries(programs)) {
    writeFileSync(join(folder.path, name), `#!${bash}\n${lines}\n`);
    chmodSync(join(folder.path, name), 0o755);
  }
  symlinkSync(Bun.which("dirname") ?? "dirname", join(folder.path, "dirname"));
  const { exitCode } = Bun.spawnSync([bash, join(root, ".ci/run")], { env: { PATH: folder.path } });
  return { exitCode, called: readFileSync(told, "utf8").trimEnd().split("\n") };
}

test("CI installs the browser, then runs the whole suite and says that it is CI", () => {
  const { exitCode, called } = ciRun(0);
  expect(called.some((line) => /^apt-get install .*\bchromium\b/.test(line))).toBe(true);
  expect([exitCode, called.at(-1)]).toEqual([0, "npm test CI=true"]);
});

test("CI fails where the suite does", () => {
  expect(ciRun(1).exitCode).toBe(1);
});

test("what failed is told again, each with what it said and nothing else did", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "some.test.ts");
  writeFileSync(
    path,
    `import { expect, test } from "bun:test";
    test("good", () => console.error("of the good"));
    test("bad", () => {
      console.error("of the bad");
      expect([1]).toEqual([2]);
    });
    test("good again", () => {});
    test("broken", () => JSON.parse(""));
    test.skip("later", () => {});`,
  );
  const { stderr } = Bun.spawnSync([process.execPath, "test", path], {
    env: { ...process.env, NO_COLOR: "1" },
  });
  const [bad = "", broken = "", ...others] = failures(stderr.toString());
  expect(others).toEqual([]);
  expect(bad).toMatch(/^of the bad\n[^]*expect\(received\)[^]*\n\(fail\) bad \[/);
  expect(bad).not.toMatch(/^of the good/m);
  expect(broken).toMatch(/JSON Parse error[^]*\n\(fail\) broken \[/);
  expect(broken).not.toMatch(/^\((?:pass|fail)\) (?:good|bad)/m);
  expect(
    failures("(pass) a\n" + "line\n".repeat(99) + "(fail) b").map((one) => one.split("\n").length),
  ).toEqual([40]);
});

test("browser tests stay out nowhere but outside CI where there is no browser", async () => {
  const said = spyOn(console, "error").mockImplementation(() => {});
  try {
    const all = await testFiles({ CI: "true" }, undefined);
    expect(all).toEqual(await testFiles({}, "/usr/bin/chromium"));
    const found = [...new Bun.Glob("**/*.test.{ts,tsx}").scanSync(import.meta.dir)];
    expect(new Set(all)).toEqual(new Set(found.map((path) => `./test/${path}`)));
    expect(said).not.toHaveBeenCalled();
    const others = await testFiles({}, undefined);
    expect(said).toHaveBeenCalledTimes(1);
    expect(others).toContain("./test/ci.test.ts");
    expect(others.filter((path) => path.includes("/browser/"))).toEqual([]);
  } finally {
    said.mockRestore();
  }
});

test("browser tests that are run where there is no browser fail, every one, and say how to get one", () => {
  const { exitCode, stderr } = Bun.spawnSync(
    [process.execPath, "test", "./test/browser/docs.test.ts"],
    { cwd: root, env: { ...process.env, CHROMIUM: "/nowhere/chromium", NO_COLOR: "1" } },
  );
  const text = stderr.toString();
  expect([exitCode === 0, /^\s*0 pass$/m.test(text), /^\s*0 fail$/m.test(text)]).toEqual([
    ...[false, true, false],
  ]);
  expect(text).toContain("Cannot find /nowhere/chromium: install chromium");
}, 60_000);

test("no test of the browser is marked to be passed over", async () => {
  for (const path of new Bun.Glob("test/browser/*.ts").scanSync(root)) {
    const text = await Bun.file(join(root, path)).text();
    expect([path, text.match(/\.(?:skip|skipIf|todo|todoIf|only|if)\(/)]).toEqual([path, null]);
  }
});

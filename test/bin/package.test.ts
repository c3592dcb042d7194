import { expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";

const root = join(import.meta.dir, "../..");
const versions = v.record(v.string(), v.string());
const manifest = v.parse(
  v.looseObject({
    scripts: versions,
    dependencies: versions,
    devDependencies: versions,
    overrides: versions,
  }),
  await Bun.file(join(root, "package.json")).json(),
);

test("npm start and npm test are there, and install first what is needed", () => {
  for (const name of ["start", "test", "build"])
    expect(manifest.scripts[name]).toStartWith("npm run -s setup && ");
  const installs = manifest.scripts.setup?.match(/bun install[^&|]*/g) ?? [];
  expect(installs).toHaveLength(2);
  for (const install of installs) expect(install).toContain("--frozen-lockfile");
});

test("every dependency has one exact version", () => {
  const { dependencies, devDependencies, overrides } = manifest;
  for (const [name, version] of Object.entries({
    ...dependencies,
    ...devDependencies,
    ...overrides,
  }))
    expect([name, version]).toEqual([name, expect.stringMatching(/^\d+\.\d+\.\d+$/)]);
});

test("the Bun that npm fetches is the Bun that is pinned", () => {
  expect(manifest.scripts.setup).toContain(`bun@${manifest.devDependencies.bun} `);
  expect(manifest.devDependencies.bun).toBe(Bun.version);
});

test("bun.lock is committed and names no registry host", async () => {
  const listed = Bun.spawnSync(["git", "ls-files", "bun.lock"], { cwd: root });
  expect(listed.stdout.toString()).toBe("bun.lock\n");
  expect(await Bun.file(join(root, "bun.lock")).text()).not.toMatch(/https?:\/\//);
});

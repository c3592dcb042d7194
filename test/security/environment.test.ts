import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { refuseUnsafe } from "#src/cli/environment.ts";
import { CommandError } from "#src/cli/output.ts";
import { command, executable } from "#test/bin/executable.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const cwd = join(folder.path, "cwd");
beforeAll(async () => {
  await executable();
  mkdirSync(cwd);
  const evil = 'console.error("another program ran")\n';
  for (const name of ["evil.ts", "evil.cjs", "version.ts", "serve.ts", "index.ts"])
    writeFileSync(join(cwd, name), evil);
  writeFileSync(join(cwd, ".env"), "LOWROUTER_LISTEN=1.2.3.4:9\nBUN_OPTIONS=--preload=./evil.ts\n");
  for (const name of ["bunfig.toml", ".bunfig.toml"])
    writeFileSync(join(cwd, name), 'preload = ["./evil.ts"]\n');
  const scripts = { version: "echo another program ran" };
  writeFileSync(
    join(cwd, "package.json"),
    JSON.stringify({ scripts, imports: { "#src/*": "./evil.ts" } }),
  );
  writeFileSync(join(cwd, "tsconfig.json"), '{"compilerOptions":{"paths":{"*":["./evil.ts"]}}}');
}, 120_000);
afterAll(() => folder[Symbol.dispose]());

describe("the executable runs no code but its own", () => {
  test.each<[string, Record<string, string>]>([
    ["beside files of another program", {}],
    ["with options for Node", { NODE_OPTIONS: "--require ./evil.cjs --import ./evil.ts" }],
    ["with a path for modules", { NODE_PATH: ".", BUN_INSTALL: "." }],
    ["with what a debugger would load", { BUN_INSPECT_PRELOAD: "./evil.ts" }],
    ["with a configuration for Bun", { BUN_CONFIG_FILE: "./bunfig.toml", XDG_CONFIG_HOME: "." }],
  ])("%s", async (_, env) => {
    for (const args of [["version"], ["config", "show", "--data-dir", join(folder.path, "x")]]) {
      const { out, err, code } = await command(args, { cwd, env });
      expect([code, err]).toEqual([0, ""]);
      expect(out).not.toContain("another program ran");
      expect(out).not.toContain("1.2.3.4");
    }
  });

  // What the runtime does before any line of ours: should it cease, the page that warns of it is to be changed.
  test("but for the two variables that the service's unit takes away", async () => {
    const be = await command(["-e", 'console.log("as Bun")'], { cwd, env: { BUN_BE_BUN: "1" } });
    expect(be.out).toContain("as Bun");
    const options = await command(["version"], {
      cwd,
      env: { BUN_OPTIONS: "--preload=./evil.ts" },
    });
    expect(options.err).toContain("another program ran");
    const unit = await Bun.file(
      join(import.meta.dir, "../../src/web/content/operating/systemd.md"),
    ).text();
    const taken = /^UnsetEnvironment=(.*)$/m.exec(unit)?.[1]?.split(" ") ?? [];
    expect(taken).toEqual(
      expect.arrayContaining([
        "BUN_BE_BUN",
        "BUN_OPTIONS",
        "BUN_INSPECT",
        "NODE_TLS_REJECT_UNAUTHORIZED",
      ]),
    );
  });

  test("and serves with no debugger, and with certificates checked", async () => {
    const serve = ["serve", "--data-dir", join(folder.path, "serve"), "--listen", "127.0.0.1:0"];
    for (const [name, value] of unsafe) {
      const { err, code } = await command(serve, { env: { [name]: value } });
      expect([name, code]).toEqual([name, 78]);
      expect(err).toContain(`Cannot serve with ${name} set`);
    }
  }, 30_000);
});

const unsafe: [string, string][] = [
  ["BUN_INSPECT", "ws://127.0.0.1:0/x"],
  ["BUN_OPTIONS", "--inspect=127.0.0.1:0"],
  ["NODE_TLS_REJECT_UNAUTHORIZED", "0"],
];

test("an environment is refused for what opens the process, and for nothing else", () => {
  for (const [name, value] of unsafe)
    expect(() => refuseUnsafe({ [name]: value })).toThrow(CommandError);
  for (const env of [
    {},
    { BUN_INSPECT: "" },
    { BUN_OPTIONS: "--smol" },
    { NODE_EXTRA_CA_CERTS: "a" },
  ])
    expect(() => refuseUnsafe(env)).not.toThrow();
  expect(() => refuseUnsafe({ NODE_TLS_REJECT_UNAUTHORIZED: "1" })).not.toThrow();
});

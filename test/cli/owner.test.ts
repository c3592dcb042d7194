import { afterAll, describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { run } from "#src/cli/program.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** Whom a service runs as: not root, and nobody who has to exist. */
const service = 61184;

async function command(...words: string[]): Promise<{ code: number; err: string }> {
  let err = "";
  const code = await run(words, {
    out: () => {},
    err: (text) => void (err += text),
    colour: false,
    secret: () => Promise.resolve("sk-kept-0123456789abcdef"),
  });
  return { code, err };
}

function stateOf(name: string): string {
  const path = join(folder.path, name);
  mkdirSync(path);
  chownSync(path, service, service);
  return path;
}

function owners(path: string): Record<string, number> {
  return Object.fromEntries(
    readdirSync(path).map((name) => [name, statSync(join(path, name)).uid]),
  );
}

// Only root can do to a service what these are about.
describe.skipIf(process.getuid?.() !== 0)("root's commands beside a service", () => {
  test("a database that is restored, and the master key of the first kept key, are the service's own", async () => {
    const first = join(folder.path, "first");
    const copy = join(folder.path, "copy.db");
    expect(await command("init", "--data-dir", first)).toMatchObject({ code: 0 });
    expect(await command("backup", copy, "--data-dir", first)).toMatchObject({ code: 0 });
    const state = stateOf("restored");
    expect(await command("restore", copy, "--data-dir", state)).toMatchObject({ code: 0 });
    expect(owners(state)).toMatchObject({ "lowrouter.db": service });
    expect(await command("provider", "key", "openai", "--data-dir", state)).toMatchObject({
      code: 0,
    });
    expect(owners(state)).toMatchObject({ "master.key": service });
    expect(new Set(Object.values(owners(state)))).toEqual(new Set([service]));
  });

  test("a database that root's command makes in a service's directory is the service's own", async () => {
    const state = stateOf("made");
    expect(await command("init", "--data-dir", state)).toMatchObject({ code: 0 });
    expect(new Set(Object.values(owners(state)))).toEqual(new Set([service]));
  });
});

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "#src/cli/program.ts";
import { greeting } from "#src/cli/serve.ts";
import { loadConfig } from "#src/config/load.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const url = "http://127.0.0.1:4321";

/** What a start says under a configuration. */
function said(dataDir: string, toml: string, token: string | undefined): string {
  const file = join(dataDir, "lowrouter.toml");
  writeFileSync(file, toml);
  const config = loadConfig({ config: file, dataDir }, {});
  return greeting({ config, url, providers: "", key: undefined, token });
}

/** A command of the greeting, as a shell reads it. */
async function typed(line: string): Promise<{ code: number; out: string }> {
  const read = Bun.spawn(["sh", "-c", `printf '%s\\n' ${line}`], { stdout: "pipe" });
  const [program, ...words] = (await read.stdout.text()).trimEnd().split("\n");
  expect(program).toBe("lowrouter");
  let out = "";
  const code = await run(words, {
    out: (text) => void (out += text),
    err: () => {},
    colour: false,
  });
  return { code, out };
}

test("while nobody can sign in, the start says a command that makes an operator of this gateway", async () => {
  using folder = temporaryFolder();
  const text = said(folder.path, "", "t0ken");
  expect(text).toContain(`${url}/register?invite=t0ken`);
  const [command = ""] = /lowrouter invite create --operator.*/.exec(text) ?? [];
  const made = await typed(command);
  expect([made.code, made.out.startsWith(`${url}/register?invite=`)]).toEqual([0, true]);
  const list = await typed(`lowrouter invite list --json --data-dir ${folder.path}`);
  expect(listAt(JSON.parse(list.out), "data").map((one) => at(one, "operator"))).toEqual([true]);
});

test("the command survives a shell, and leaves the address to the configuration where that has one", () => {
  using folder = temporaryFolder();
  const text = said(folder.path, 'public_url = "https://gateway.example.org"\n', "t0ken");
  expect(text).toContain(`--data-dir ${folder.path}\n`);
  const config = { file: undefined, dataDir: "/srv/it's here", publicUrl: "https://g.example" };
  expect(greeting({ config, url, providers: "", key: undefined, token: "t" })).toContain(
    "  lowrouter invite create --operator --data-dir '/srv/it'\\''s here'\n",
  );
});

test("once somebody can sign in, nothing is said of it", () => {
  using folder = temporaryFolder();
  expect(said(folder.path, "", undefined)).not.toContain("invite");
});

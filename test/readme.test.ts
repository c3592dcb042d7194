import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import methodologies from "#data/methodologies.json" with { type: "json" };
import { checkProviders } from "#src/catalog/check.ts";
import { parseFile } from "#src/config/file.ts";
import { command, executable } from "#test/bin/executable.ts";
import { at, listAt, startGateway, type TestGateway } from "#test/lib/gateway.ts";

const root = join(import.meta.dir, "..");
const text = await Bun.file(join(root, "README.md")).text();
const manifest: unknown = await Bun.file(join(root, "package.json")).json();

/** The blocks of a language, in order. */
function blocks(language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, body = ""]) =>
    name === language ? [body] : [],
  );
}

let gateway: TestGateway;
beforeAll(async () => {
  await executable();
  gateway = await startGateway();
}, 60_000);
afterAll(() => gateway.close());

describe("what the README says is so:", () => {
  const links = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = ""]) => target);
  test.each([...new Set(links)].filter((target) => !target.includes("://")))(
    "its link to %s leads somewhere",
    (target) => expect(existsSync(join(root, target))).toBe(true),
  );

  test("the npm commands are there", () => {
    const names = [...text.matchAll(/npm (?:run )?(start|test|[a-z:]+)\b/g)].map(
      ([, name = ""]) => name,
    );
    expect(names.length).toBeGreaterThan(3);
    for (const name of names.filter((one) => one !== "nothing"))
      expect([name, at(manifest, `scripts.${name}`)]).toEqual([name, expect.any(String)]);
  });

  test("every lowrouter command is one", async () => {
    const said = [...text.matchAll(/(?:dist\/|`)lowrouter ((?:[a-z]+ ?)+)/g)];
    const commands = new Set(said.map(([, words = ""]) => words.trim()));
    expect(commands.size).toBeGreaterThan(3);
    for (const words of commands) {
      const { code, out } = await command([...words.split(" "), "--help"]);
      expect([words, code]).toEqual([words, 0]);
      expect(out).toContain(`Usage: lowrouter ${words}`);
    }
  });

  test("the record of a provider loads as it stands", () => {
    const record = blocks("json").find((body) => body.includes('"protocol"')) ?? "";
    const providers: unknown[] = [JSON.parse(record)];
    expect(checkProviders({ schema: 1, providers })).toMatchObject([{ id: "example" }]);
  });

  test("the configuration of a provider makes its model routable", async () => {
    const [toml = ""] = blocks("toml");
    const file = parseFile("README.md", toml);
    const configured = await startGateway({
      config(config) {
        config.providers = { ...file.providers };
        config.models = file.models ?? [];
      },
    });
    const { json } = await configured.ask("/v1/models");
    await configured.close();
    const model = listAt(json, "data").find(
      (one) => at(one, "id") === "meta-llama/llama-3.3-70b-instruct",
    );
    expect(at(model, "lowrouter")).toMatchObject({
      routable: true,
      providers: ["my-vllm"],
      regions: ["eu-west"],
    });
  });

  test("the answer has the block that is shown, member by member", async () => {
    const shown: unknown = JSON.parse(
      `{${blocks("json").find((body) => body.startsWith('"lowrouter"')) ?? ""}}`,
    );
    const { json } = await gateway.chat({ model: "lowrouter/auto" });
    const names = (value: unknown, path: string) => Object.keys(Object(at(value, path)));
    expect(names(json, "lowrouter")).toEqual(names(shown, "lowrouter"));
    expect(names(json, "lowrouter.eco")).toEqual(names(shown, "lowrouter.eco"));
  });

  test("every path is one that somebody answers", async () => {
    const paths = [...text.matchAll(/`(?:GET )?(\/v1[\w/{}.:]*)`/g)].map(([, path = ""]) => path);
    expect(paths.length).toBeGreaterThan(6);
    for (const path of new Set(paths)) {
      const asked = path.replace("{id}", "gen_none").replace("{model}", "gemini-2.5-flash");
      for (const method of ["GET", "POST"]) {
        const { status, json } = await gateway.ask(asked, { method });
        expect([path, method, status, at(json, "error.code")]).not.toEqual([
          path,
          method,
          404,
          "not_found",
        ]);
      }
    }
  });

  test("the formula is that of the methodology", () => {
    const [linear] = methodologies.methodologies;
    const [, alpha, beta] = /energy_wh = \((\S+) · .* \+ (\S+)\)/.exec(text) ?? [];
    expect(linear?.coefficients).toEqual({ alpha: Number(alpha), beta: Number(beta) });
    for (const { version } of methodologies.methodologies) expect(text).toContain(`\`${version}\``);
  });

  test("every folder of src stands in the table of where code belongs", async () => {
    const folders = await Array.fromAsync(
      new Bun.Glob("*/").scan({ cwd: join(root, "src"), onlyFiles: false }),
    );
    const rooms = folders.filter((name) => !name.includes("."));
    // Their names say what they are.
    const obvious = new Set(["lib", "observe"]);
    for (const room of rooms.filter((name) => !obvious.has(name)))
      expect([room, text.includes(`(src/${room})`)]).toEqual([room, true]);
    expect(rooms.length).toBeGreaterThan(12);
  });
});

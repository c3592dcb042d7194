import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "#src/cli/program.ts";
import { createBook } from "#src/web/docs/book.ts";
import { at } from "#test/lib/gateway.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { type Block, blocksOf, type DocsSite, startDocs } from "#test/web/docs-kit.ts";

/*
 * Every example of the documentation, against a running gateway. Run as they stand: `sh` with curl, and `ts` with the
 * packages openai, @anthropic-ai/sdk, @google/genai and ai. Replayed over HTTP, with address, model and members read from the example:
 * `python` (openai, anthropic, google-genai, langchain-openai) and `ts` with @langchain/openai. Settings of Claude Code
 * and Open WebUI are looked at; what these send is in test/gateway/clients.test.ts.
 */

// Blocks are known before there is a gateway; its address is put in when they run.
const mark = "http://gateway.invalid";
const blocks = blocksOf(createBook([]), mark);
const named = (wanted: readonly Block[]) =>
  wanted.map((block, at) => ({ name: `${block.page.path}, example ${at + 1}`, block }));
const of = (language: string) => blocks.filter((block) => block.language === language);

const isCurl = ({ text }: Block) => /(^|[ (])curl /m.test(text);
const isReplayed = ({ text }: Block) => text.includes("@langchain/");
const shells = of("sh");
const programs = of("ts");

const folder = temporaryFolder();
let site: DocsSite;
beforeAll(async () => {
  site = await startDocs();
  symlinkSync(join(import.meta.dir, "../../node_modules"), join(folder.path, "node_modules"));
});
afterAll(async () => {
  await site.close();
  folder[Symbol.dispose]();
});

const here = (text: string) => text.replaceAll(mark, site.url);

async function execute(command: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn(command, {
    cwd: folder.path,
    stdout: "pipe",
    stderr: "pipe",
    env: {
      PATH: process.env.PATH,
      HOME: folder.path,
      LOWROUTER_API_KEY: site.key,
      LOWROUTER_MANAGEMENT_KEY: site.managementKey,
    },
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { code: await child.exited, out, err };
}

describe("examples run as they stand:", () => {
  test.each(named(shells.filter(isCurl)))(
    "curl in $name",
    async ({ block }) => {
      // A refusal fails the example, wherever in a pipe it is.
      const strict = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }\n';
      const told = await execute(["bash", "-euo", "pipefail", "-c", strict + here(block.text)]);
      expect([told.code, told.code === 0 ? "" : told.out + told.err]).toEqual([0, ""]);
      expect(told.out.length).toBeGreaterThan(1);
    },
    20_000,
  );

  test.each(named(programs.filter((block) => !isReplayed(block))))(
    "TypeScript in $name",
    async ({ block }) => {
      const file = join(folder.path, `example-${Bun.hash(block.text)}.ts`);
      writeFileSync(file, here(block.text));
      const told = await execute([process.execPath, file]);
      expect([told.code, told.code === 0 ? "" : told.err]).toEqual([0, ""]);
      expect(told.out.trim()).not.toBe("");
      expect(told.out).not.toMatch(/^(undefined|null)$/m);
    },
    20_000,
  );

  test("there are some of each", () => {
    expect(shells.filter(isCurl).length).toBeGreaterThan(30);
    expect(programs.length).toBeGreaterThan(8);
  });
});

describe("examples are replayed over HTTP:", () => {
  const replayed = [...of("python"), ...programs.filter(isReplayed)];

  test.each(named(replayed))("$name", async ({ block }) => {
    const text = here(block.text);
    const base = /base_?url["']?\s*[:=]\s*"([^"]+)"/i.exec(text)?.[1] ?? "";
    const model = /model\s*[:=]\s*"([^"]+)"/.exec(text)?.[1] ?? "";
    const extra: unknown = JSON.parse(/extra_body=(\{.*\}),/.exec(text)?.[1] ?? "{}");
    expect([base.startsWith(site.url), model]).toEqual([true, expect.stringMatching(/\w/)]);
    const sent = sentBy(text, model);
    const response = await fetch(base + sent.path, {
      method: "POST",
      headers: { "content-type": "application/json", [sent.header]: sent.prefix + site.key },
      body: JSON.stringify({ ...sent.body, ...Object(extra) }),
    });
    const answer: unknown = await response.json();
    expect(response.status).toBe(200);
    expect(at(answer, "lowrouter.generation_id")).toStartWith("gen_");
    const region = at(extra, "route.region");
    if (region !== undefined) expect(at(answer, "lowrouter.region")).toBe(region);
  });

  test("and there are no other Python packages in them", () => {
    const packages = of("python").flatMap(({ text }) =>
      [...text.matchAll(/^(?:from|import) (\w+)/gm)].map(([, name]) => name),
    );
    expect([...new Set(packages)].toSorted()).toEqual([
      "anthropic",
      "google",
      "langchain_openai",
      "openai",
      "os",
    ]);
  });
});

/** What a package sends for the call in an example. */
function sentBy(text: string, model: string) {
  const messages = [{ role: "user", content: "Hello" }];
  if (text.includes("anthropic"))
    return {
      path: "/v1/messages",
      header: "x-api-key",
      prefix: "",
      body: { model, messages, max_tokens: Number(/max_tokens=(\d+)/.exec(text)?.[1]) },
    };
  if (text.includes("genai"))
    return {
      path: `/${/api_version": "(\w+)"/.exec(text)?.[1]}/models/${model}:generateContent`,
      header: "x-goog-api-key",
      prefix: "",
      body: { contents: [{ role: "user", parts: [{ text: "Hello" }] }] },
    };
  return {
    path: "/chat/completions",
    header: "authorization",
    prefix: "Bearer ",
    body: { model, messages },
  };
}

describe("what is no call is so too:", () => {
  test("every block has a language, and those that name the gateway are looked at", () => {
    const looked = new Set(["sh", "ts", "python"]);
    const settings = ["claude-code", "open-webui", "coding-agents"].map(
      (name) => `/docs/integrations/${name}`,
    );
    for (const block of blocks) {
      expect([block.page.path, block.language]).not.toEqual([block.page.path, ""]);
      if (!block.text.includes(mark) || (looked.has(block.language) && block.language !== "sh"))
        continue;
      // Commands are looked at below.
      if (block.language === "sh" && (isCurl(block) || block.text.startsWith("lowrouter ")))
        continue;
      const isSetting =
        settings.includes(block.page.path) || ["toml", "yaml"].includes(block.language);
      expect([block.page.path, block.text, isSetting]).toEqual([block.page.path, block.text, true]);
    }
  });

  test("settings of tools hold the address as each of them wants it", () => {
    const said = (path: string) =>
      blocks
        .filter(({ page, language }) => page.path === path && language !== "ini")
        .map(({ text }) => text)
        .join("\n");
    expect(said("/docs/integrations/claude-code")).toContain(`ANTHROPIC_BASE_URL=${mark}\n`);
    expect(said("/docs/integrations/open-webui")).toContain(`OPENAI_API_BASE_URL=${mark}/v1\n`);
    const codex: unknown = Bun.TOML.parse(
      of("toml").find(({ page }) => page.path === "/docs/integrations/codex")?.text ?? "",
    );
    expect(at(codex, "model_providers.lowrouter")).toMatchObject({
      base_url: `${mark}/v1`,
      wire_api: "responses",
    });
    // The program refuses a file that lacks one of the first three.
    const [yaml] = of("yaml");
    expect(Bun.YAML.parse(yaml?.text ?? "")).toMatchObject({
      ...{ name: expect.any(String), version: expect.any(String), schema: "v1" },
      models: [{ provider: "openai", apiBase: `${mark}/v1` }],
    });
    const agents = said("/docs/integrations/coding-agents");
    expect(agents).toContain(`-b ${mark}/v1 `);
    expect(agents).toContain(`OPENAI_BASE_URL=${mark}/v1\n`);
    expect(agents).toContain(`GOOGLE_GEMINI_BASE_URL=${mark}\n`);
    const [opencode] = of("json").filter(({ page }) => page.path.endsWith("/coding-agents"));
    const provider = at(JSON.parse(opencode?.text ?? ""), "provider.lowrouter");
    expect(at(provider, "options.baseURL")).toBe(`${mark}/v1`);
  });

  test("models that settings of tools name are there", async () => {
    // Programs are run above; what is left are files and environments.
    const pages = blocks.filter(
      ({ page, language }) =>
        page.path.startsWith("/docs/integrations/") && !["ts", "python"].includes(language),
    );
    const named = pages.flatMap(({ text }) => [
      ...[
        ...text.matchAll(/\bmodel"?\s*[:=]\s*"?(?:lowrouter\/(?=\w+\/))?([\w./-]+)(?![\w./(-])/g),
      ],
      ...[...text.matchAll(/(?:_MODEL=| -m )([\w./-]+)(?![\w./(-])/g)],
    ]);
    const names = [...new Set(named.map(([, name = ""]) => name))];
    expect(names.length).toBeGreaterThan(5);
    const headers = { authorization: `Bearer ${site.key}` };
    for (const name of names) {
      const response = await fetch(`${site.url}/v1/models/${encodeURIComponent(name)}`, {
        headers,
      });
      expect([name, response.status]).toEqual([name, 200]);
    }
  });

  test("JSON parses", () => {
    expect(of("json").length).toBeGreaterThan(1);
    for (const { text } of of("json")) expect(() => JSON.parse(text)).not.toThrow();
  });

  const files = of("toml").filter(({ page }) => page.path !== "/docs/integrations/codex");
  test.each(named(files))("the configuration in $name is valid", async ({ block }) => {
    const file = join(folder.path, `config-${Bun.hash(block.text)}.toml`);
    writeFileSync(file, block.text);
    let talk = "";
    const output = { out: () => {}, err: (text: string) => void (talk += text), colour: false };
    expect([await run(["config", "check", file], output), talk]).toEqual([0, ""]);
  });

  const commands = [
    ...shells.flatMap(({ text }) => text.replaceAll("\\\n", " ").split("\n")),
    ...blocks.flatMap(({ page }) =>
      [...page.markdown.matchAll(/`(lowrouter [^`]+)`/g)].map(([, one = ""]) => one),
    ),
  ].flatMap((line) => /(?:^|sudo )lowrouter (.+)$/.exec(line.trim())?.[1] ?? []);
  test.each([...new Set(commands)].filter((line) => !/^service\b/.test(line)))(
    "lowrouter %s is a command with these options",
    async (line) => {
      let help = "";
      const output = { out: (text: string) => void (help += text), err: () => {}, colour: false };
      const words = line.split(/\s+/);
      const end = words.findIndex((word) => !/^[a-z]+$/.test(word));
      const nouns = end === -1 ? words : words.slice(0, end);
      expect([line, await run([...nouns, "--help"], output)]).toEqual([line, 0]);
      const usage = /^Usage: lowrouter ([a-z ]+?) \[/.exec(help)?.[1] ?? "";
      // What follows the command is its argument.
      expect([line, usage !== "" && `${nouns.join(" ")} `.startsWith(`${usage} `)]).toEqual([
        line,
        true,
      ]);
      const rest = nouns.length - usage.split(" ").length;
      const takes = /<\w+>|\[(?!options|command)[\w.]+\]/.test(help.split("\n")[0] ?? "");
      expect([line, rest === 0 || takes]).toEqual([line, true]);
      for (const [option] of line.matchAll(/(?<=\s)--[a-z-]+/g))
        expect([line, help.includes(option)]).toEqual([line, true]);
    },
  );

  test("the page of commands names every command", async () => {
    const page = createBook([]).find("/docs/operating/command-line");
    let help = "";
    await run(["--help"], { out: (text) => void (help += text), err: () => {}, colour: false });
    const names = [...help.matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map(([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(12);
    for (const name of names.filter((one) => one !== "help"))
      expect([name, page?.markdown.includes(`\`lowrouter ${name}`)]).toEqual([name, true]);
  });
});

test("the error that is shown is one that is answered", async () => {
  const shown: unknown = JSON.parse(
    of("json").find(({ page }) => page.path === "/docs/api/errors")?.text ?? "",
  );
  const response = await fetch(`${site.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${site.key}` },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content: "Hello" }],
      route: { region: "eu-north" },
    }),
  });
  expect(await response.json()).toEqual(shown);
});

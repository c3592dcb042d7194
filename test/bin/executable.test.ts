import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { type SimulatedProvider, startProvider } from "#src/demo/provider.ts";
import { openaiWire } from "#src/demo/wire-openai.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import {
  cleanEnvironment,
  command,
  executable,
  type Process,
  start,
} from "#test/bin/executable.ts";

let folder: string;
let upstream: SimulatedProvider;

beforeAll(async () => {
  await executable();
  folder = mkdtempSync(join(tmpdir(), "lowrouter-test-"));
  upstream = startProvider(openaiWire(systemClock, createIds(systemClock)), {
    clock: systemClock,
    random: () => 0.5,
    firstByteMs: 0,
    perWordMs: 0,
    apiKey: "sk-upstream",
  });
}, 60_000);
afterAll(async () => {
  await upstream.stop();
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => ({
  OPENAI_BASE_URL: upstream.url,
  OPENAI_API_KEY: "sk-upstream",
  OPENAI_REGION: "eu-west",
});
const data = (name: string) => join(folder, name);

async function end(process: Process): Promise<number> {
  process.child.kill("SIGTERM");
  return process.child.exited;
}

describe("a new user", () => {
  test("serves real-shaped upstreams from a directory that cannot be written", async () => {
    const serving = await start(["serve", "--data-dir", data("new")], environment());
    const best = serving.startMs;
    expect(best).toBeLessThan(5000);
    await Bun.sleep(50);
    await end(serving);
    const said = await serving.child.stderr.text();
    const key = /lr_live_\w+/.exec(said)?.[0] ?? "";
    expect(said).toContain("curl http://127.0.0.1:");
    expect(said).toContain("OpenAI in eu-west");
    const again = await start(["serve", "--data-dir", data("new")], environment());
    const client = new OpenAI({ baseURL: `${again.url}/v1`, apiKey: key, maxRetries: 0 });
    const model = "openai/gpt-4o-mini";
    const messages = [{ role: "user" as const, content: "Hello" }];
    const answer = await client.chat.completions.create({ model, messages });
    expect(Reflect.get(answer, "lowrouter")).toMatchObject({
      provider: "openai",
      region: "eu-west",
    });
    const streamed = await client.chat.completions
      .stream({ model, messages })
      .finalChatCompletion();
    expect(streamed.choices[0]?.message.content).toContain("simulated");
    const tools = [
      {
        type: "function" as const,
        function: {
          name: "weather",
          parameters: { type: "object", properties: { city: { type: "string" } } },
        },
      },
    ];
    const called = await client.chat.completions.create({
      model,
      tools,
      messages: [{ role: "user", content: "Which weather?" }],
    });
    expect(called.choices[0]?.finish_reason).toBe("tool_calls");
    expect(await end(again)).toBe(0);
    console.log(`from start to healthy: ${Math.round(Math.min(best, again.startMs))} ms`);
  }, 60_000);

  test("runs the demo's own curl line, and nothing is left behind", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith("lowrouter-demo-"));
    const demo = await start(["demo"]);
    const reader = demo.child.stdout.getReader();
    const decoder = new TextDecoder();
    let said = "";
    while (!said.includes("Stop with Ctrl-C")) said += decoder.decode((await reader.read()).value);
    const line = /curl http[\s\S]*?\}'/.exec(said)?.[0] ?? "";
    const curl = Bun.spawn(["sh", "-c", `${line} -si`], { stdout: "pipe", stderr: "ignore" });
    const answer = await curl.stdout.text();
    expect(answer.toLowerCase()).toContain("x-lowrouter-demo: 1");
    expect(answer).toContain('"lowrouter":{');
    demo.child.kill("SIGTERM");
    expect(await demo.child.exited).toBe(0);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("lowrouter-demo-"))).toEqual(
      before,
    );
  }, 60_000);
});

describe("the command line", () => {
  test("says what it is", async () => {
    const { out, code } = await command(["version", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      version: "0.1.0",
      methodologies: ["v0.4-2026-01", "v0.11-2026-10"],
    });
    expect((await command(["--version"])).out.trim()).toBe("0.1.0");
  });

  test("ignores .env and bunfig.toml of the working directory", async () => {
    const cwd = data("cwd");
    mkdirSync(cwd, { recursive: true });
    writeFileSync(join(cwd, ".env"), "LOWROUTER_LISTEN=1.2.3.4:9999\n");
    writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./nothing.ts"]\n');
    const { out } = await command(["config", "show", "--json", "--data-dir", data("x")], { cwd });
    expect(JSON.parse(out).data.find((one: { key: string }) => one.key === "listen").value).toBe(
      "127.0.0.1:4000",
    );
  });

  test("creates, shows and changes accounts, keys and credit, as JSON", async () => {
    const at = ["--json", "--data-dir", data("cli")];
    const json = async (...args: string[]) => {
      const { out, err, code } = await command([...args, ...at]);
      expect([code, err]).toEqual([0, ""]);
      return JSON.parse(out);
    };
    const account = await json("account", "create", "--name", "acme", "--balance", "5.00");
    expect(account.data).toMatchObject({ plan: "prepaid", balance: 5 });
    const made = await json(
      "key",
      "create",
      "--account",
      "acme",
      "--name",
      "first",
      "--limit",
      "2",
      "--rpm",
      "60",
    );
    expect(made.key).toStartWith("lr_live_");
    expect(made.data).toMatchObject({ limit: 2, rate_limit: { requests_per_minute: 60 } });
    expect((await json("credit", "add", "--account", account.data.id, "1.5")).data.balance).toBe(
      6.5,
    );
    expect((await json("credit", "show", "--account", "acme")).data.transactions).toHaveLength(2);
    expect((await json("key", "list")).data).toHaveLength(1);
    expect((await json("key", "update", made.data.hash, "--disable")).data.disabled).toBe(true);
    expect((await json("key", "show", made.data.hash)).data.disabled).toBe(true);
    expect((await json("key", "revoke", made.data.hash)).data.deleted).toBe(true);
    expect((await json("account", "list")).data).toHaveLength(1);
    expect((await json("account", "show", "acme")).data.id).toBe(account.data.id);
    expect((await json("model", "list")).data.length).toBeGreaterThan(200);
    expect((await json("model", "show", "gpt-4o-mini")).data.id).toBe("openai/gpt-4o-mini");
    expect((await json("provider", "list", "--all")).data.length).toBeGreaterThan(30);
    expect((await json("provider", "show", "mistral")).data.id).toBe("mistral");
    expect((await json("usage")).data).toEqual([]);
    expect((await json("audit", "verify")).data.ok).toBe(true);
    expect((await json("eco", "methodology")).data).toHaveLength(2);
    const estimate = await json(
      "eco",
      "estimate",
      "--model",
      "gpt-4o-mini",
      "--tokens",
      "1000",
      "--region",
      "eu-west",
    );
    expect(estimate.data.eco.methodology_version).toBe("v0.4-2026-01");
  }, 60_000);

  test.each<[string[], number, string]>([
    [["nonsense"], 2, "unknown command"],
    [["key", "create"], 2, "--account"],
    [["account", "create", "--name", "x", "--plan", "gold"], 2, "prepaid or metered"],
    [["generation", "show", "gen_none"], 1, "Cannot find the generation"],
    [["key", "show", "nothing"], 1, "lowrouter key list"],
  ])("%p ends with %i and says what to do", async (args, code, said) => {
    const result = await command([
      ...args,
      ...(args[0] === "nonsense" || args.length === 2 ? [] : ["--data-dir", data("cli")]),
    ]);
    expect([result.code, result.out]).toEqual([code, ""]);
    expect(result.err).toContain(said);
  });

  test("a wrong key in the file stops the start with 78 and says which", async () => {
    const file = data("bad.toml");
    writeFileSync(file, '[billing]\nusd_rate = "much"\nunknown = 1\n');
    const { code, err } = await command(["serve", "--config", file, "--data-dir", data("bad")]);
    expect(code).toBe(78);
    expect(err).toContain("billing.usd_rate");
    expect(err).toContain("billing.unknown");
  });

  test("a backup restores to a verified copy, and never over something", async () => {
    const copy = data("copy.db");
    expect((await command(["backup", copy, "--data-dir", data("cli")])).code).toBe(0);
    expect((await command(["restore", copy, "--data-dir", data("restored")])).code).toBe(0);
    expect((await command(["account", "list", "--data-dir", data("restored")])).out).toContain(
      "acme",
    );
    const refused = await command(["restore", copy, "--data-dir", data("restored")]);
    expect([refused.code, refused.err.includes("exists")]).toEqual([1, true]);
  });

  test("doctor says what to fix, and passes once it is", async () => {
    const bad = await command(["doctor", "--data-dir", data("doctor")]);
    expect([bad.code, bad.out.includes("OPENAI_API_KEY")]).toEqual([1, true]);
    const good = await command(["doctor", "--json", "--data-dir", data("doctor")], {
      env: cleanEnvironment(environment()),
    });
    expect(
      JSON.parse(good.out).data.find((one: { name: string }) => one.name.startsWith("provider")),
    ).toBeDefined();
  });
});

describe("a running process", () => {
  test("takes what the command line does at once, and drains on SIGTERM", async () => {
    const at = ["--data-dir", data("run")];
    await command(["account", "create", "--name", "acme", ...at]);
    const made = await command([
      "key",
      "create",
      "--account",
      "acme",
      "--name",
      "k",
      "--json",
      ...at,
    ]);
    const { key, data: record } = JSON.parse(made.out);
    upstream.behave({});
    const serving = await start(["serve", ...at], environment());
    const chat = (body: object = {}) =>
      fetch(`${serving.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({
          model: "openai/gpt-4o-mini",
          messages: [{ role: "user", content: "Hello" }],
          ...body,
        }),
      });
    expect((await chat()).status).toBe(402);
    await command(["credit", "add", "--account", "acme", "5", ...at]);
    expect((await chat()).status).toBe(200);
    await command(["key", "update", record.hash, "--disable", ...at]);
    await Bun.sleep(60);
    expect((await chat()).status).toBe(401);
    await command(["key", "update", record.hash, "--enable", ...at]);
    await Bun.sleep(60);
    const slow = chat({
      stream: true,
      messages: [{ role: "user", content: "simulate:delayMs=400 Hello" }],
    });
    await Bun.sleep(100);
    serving.child.kill("SIGTERM");
    const text = await (await slow).text();
    expect(text).toEndWith("data: [DONE]\n\n");
    expect(await serving.child.exited).toBe(0);
  }, 60_000);

  test("two on one port: the second says so and leaves", async () => {
    const first = await start(["serve", "--data-dir", data("port")], environment());
    const port = new URL(first.url).port;
    const second = await command([
      "serve",
      "--listen",
      `127.0.0.1:${port}`,
      "--data-dir",
      data("port2"),
    ]);
    expect([second.code, second.err.includes("in use")]).toEqual([1, true]);
    await end(first);
  }, 60_000);

  test("has 400 upstream calls open at once", async () => {
    const at = ["--data-dir", data("many")];
    await command(["account", "create", "--name", "acme", "--plan", "metered", ...at]);
    const { key } = JSON.parse(
      (await command(["key", "create", "--account", "acme", "--name", "k", "--json", ...at])).out,
    );
    const serving = await start(["serve", ...at], environment());
    const script = `const all = await Promise.all(Array.from({length: 400}, () => fetch("${serving.url}/v1/chat/completions", {method: "POST", headers: {authorization: "Bearer ${key}"}, body: JSON.stringify({model: "openai/gpt-4o-mini", messages: [{role: "user", content: "simulate:delayMs=1500 Hi"}]})}).then((r) => r.text().then(() => r.status)))); console.log(all.filter((s) => s === 200).length);`;
    const client = Bun.spawn([process.execPath, "-e", script], {
      env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "2000" },
      stdout: "pipe",
    });
    expect((await client.stdout.text()).trim()).toBe("400");
    expect(upstream.stats.peakInFlight).toBeGreaterThanOrEqual(400);
    await end(serving);
  }, 60_000);
});

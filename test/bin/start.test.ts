import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";
import { use } from "#test/bench/process.ts";
import { command, executable, start, unwritable, until } from "#test/bin/executable.ts";
import { startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const upstream = startOpenai();
const data = (name: string) => join(folder.path, name);

beforeAll(async () => void (await executable()), 60_000);
afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

test("serve starts in a directory where nothing can be written and no node_modules is near", async () => {
  expect(() => writeFileSync(join(unwritable, "x"), "")).toThrow();
  expect(existsSync(join(unwritable, "node_modules"))).toBe(false);
  const times: number[] = [];
  let residentMegabytes: number | undefined;
  for (let round = 0; round < 5; round++) {
    const serving = await start(["serve", "--data-dir", data("start")], { env: upstream.env });
    times.push(serving.startMs);
    residentMegabytes = (await use(serving.pid))?.residentMegabytes;
    expect(await serving.stop()).toBe(0);
  }
  const best = Math.min(...times);
  console.log(
    `start to healthy: ${best.toFixed(0)} ms best of ${times.length}; idle: ${residentMegabytes?.toFixed(0)} MB resident`,
  );
  expect(best).toBeLessThan(3000);
}, 60_000);

test("the state is for its owner only", async () => {
  const serving = await start(["serve", "--data-dir", data("private")], { env: upstream.env });
  await serving.stop();
  expect(statSync(data("private")).mode & 0o077).toBe(0);
  for (const name of readdirSync(data("private")))
    expect([name, statSync(join(data("private"), name)).mode & 0o077]).toEqual([name, 0]);
});

test(".env and bunfig.toml of the working directory are not read", async () => {
  const cwd = data("cwd");
  mkdirSync(cwd);
  writeFileSync(join(cwd, ".env"), "LOWROUTER_LISTEN=1.2.3.4:9999\nMISTRAL_API_KEY=x\n");
  writeFileSync(join(cwd, "bunfig.toml"), 'preload = ["./nothing.ts"]\n');
  const { out } = await command(["config", "show", "--data-dir", data("x")], { cwd });
  expect(out).toMatch(/^listen +127\.0\.0\.1:4000 +default$/m);
  const serving = await start(["serve", "--data-dir", data("env")], { env: upstream.env, cwd });
  expect(await serving.stop()).toBe(0);
  expect(serving.err()).not.toContain("Mistral");
  expect(readdirSync(cwd).toSorted()).toEqual([".env", "bunfig.toml"]);
});

describe("a new user", () => {
  test("gets providers with their grid, a key shown once and a curl line that works", async () => {
    const serving = await start(["serve", "--data-dir", data("new")], { env: upstream.env });
    await until("it says what to try", () => serving.err().includes("Hello"));
    const said = serving.err();
    expect(said).toContain(`LowRouter listens on ${serving.url}`);
    expect(said).toMatch(/OpenAI in eu-west: \d+ g CO2e\/kWh/);
    expect(serving.out()).toBe("");
    const answer = await runCurl(said, "openai/gpt-4o-mini");
    expect(answer).toContain("HTTP/1.1 200");
    expect(answer).not.toContain("X-LowRouter-Demo");
    expect(await serving.stop()).toBe(0);
    const again = await start(["serve", "--data-dir", data("new")], { env: upstream.env });
    await again.stop();
    expect(again.err()).not.toContain("lr_live_");
  }, 30_000);

  test("is told what to set when there is no provider, and is never given a made-up answer", async () => {
    const serving = await start(["serve", "--data-dir", data("none")]);
    await until("it says what to try", () => serving.err().includes("Hello"));
    expect(serving.err()).toContain("set a key such as OPENAI_API_KEY");
    const ready = await fetch(`${serving.url}/readyz`);
    expect(ready.status).toBe(503);
    const answer = await runCurl(serving.err());
    expect(answer).toMatch(/HTTP\/1.1 (4|5)\d\d/);
    expect(answer).toContain("OPENAI_API_KEY");
    await serving.stop();
  }, 30_000);

  test("uses the official client: whole, streamed and with tools", async () => {
    const serving = await start(["serve", "--data-dir", data("sdk")], { env: upstream.env });
    await until("it shows the key", () => /lr_live_\w{20}/.test(serving.err()));
    const apiKey = /lr_live_\w+/.exec(serving.err())?.[0];
    const client = new OpenAI({ baseURL: `${serving.url}/v1`, apiKey, maxRetries: 0 });
    const model = "openai/gpt-4o-mini";
    const messages = [{ role: "user" as const, content: "Hello" }];

    const whole = await client.chat.completions.create({ model, messages });
    expect(whole.choices[0]?.message.content).toBeString();
    expect(whole.usage?.total_tokens).toBeGreaterThan(0);
    expect(Reflect.get(whole, "lowrouter")).toMatchObject({
      provider: "openai",
      region: "eu-west",
      eco: { methodology_version: "v0.4-2026-01" },
    });

    const stream = client.chat.completions.stream({ model, messages });
    const blocks: unknown[] = [];
    stream.on("chunk", (chunk) => blocks.push(Reflect.get(chunk, "lowrouter")));
    const streamed = await stream.finalChatCompletion();
    expect(streamed.choices[0]?.message.content).toBeString();
    expect(blocks.filter((block) => block !== undefined)).toHaveLength(1);

    const parameters = { type: "object", properties: { city: { type: "string" } } };
    const tools = [{ type: "function" as const, function: { name: "weather", parameters } }];
    const asked = { model, tools, tool_choice: "required" as const, messages };
    const called = await client.chat.completions.create(asked);
    expect(called.choices[0]?.finish_reason).toBe("tool_calls");
    const calledStream = await client.chat.completions.stream(asked).finalChatCompletion();
    const [call] = calledStream.choices[0]?.message.tool_calls ?? [];
    expect(call?.type === "function" && call.function.name).toBe("weather");
    expect(await serving.stop()).toBe(0);
  }, 30_000);

  test("runs the demo's own curl line; SIGTERM ends it with 0 and leaves nothing", async () => {
    const tmp = data("tmp");
    mkdirSync(tmp);
    const demo = await start(["demo"], {
      env: {
        TMPDIR: tmp,
        OPENAI_API_KEY: "sk-real",
        XAI_API_KEY: "xai-real",
        LOWROUTER_DATA_DIR: tmp,
      },
    });
    await until("it has said all", () => demo.out().includes("Stop with Ctrl-C"));
    expect(demo.out()).toMatch(/API key +lr_live_\w+/);
    // A key in the environment leads to a real provider, where a question would be sent and paid for.
    expect(demo.out()).not.toContain("xAI");
    expect(readdirSync(tmp).filter((name) => name.startsWith("lowrouter-demo-"))).toHaveLength(1);
    const answer = await runCurl(demo.out());
    expect(answer).toContain("HTTP/1.1 200");
    expect(answer.toLowerCase()).toContain("x-lowrouter-demo: 1");
    expect(answer).toContain('"lowrouter":{');
    expect(answer).toContain("simulated");
    const usage = /curl "http.*format=csv" -H "[^"]+"/.exec(demo.out())?.[0] ?? "";
    expect((await shell(usage)).split("\n").length).toBeGreaterThan(30);
    expect(await demo.stop()).toBe(0);
    expect(readdirSync(tmp).filter((name) => name.startsWith("lowrouter-demo-"))).toEqual([]);
  }, 60_000);
});

/** Runs the curl line of a text as a reader would, with the headers of the answer. */
function runCurl(text: string, model?: string): Promise<string> {
  const line = /curl http[\s\S]*?\}'/.exec(text)?.[0] ?? "";
  expect(line).toContain("Bearer lr_live_");
  return shell(`${model ? line.replace("lowrouter/auto", model) : line} -si`);
}

async function shell(line: string): Promise<string> {
  const child = Bun.spawn(["sh", "-c", line], { stdout: "pipe", stderr: "ignore" });
  return child.stdout.text();
}

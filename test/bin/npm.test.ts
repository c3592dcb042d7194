import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "#test/lib/port.ts";
import { cleanEnvironment, until } from "#test/bin/executable.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const root = join(import.meta.dir, "../..");

test("npm start serves the demo, whose curl line answers; ended as a service is, npm leaves nothing behind", async () => {
  using folder = temporaryFolder();
  const tmp = join(folder.path, "tmp");
  mkdirSync(tmp);
  const port = freePort();
  const npm = Bun.spawn(["npm", "start", "--", "--listen", `127.0.0.1:${port}`], {
    cwd: root,
    env: cleanEnvironment({ TMPDIR: tmp, npm_config_update_notifier: "false" }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  let said = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of npm.stdout) said += decoder.decode(bytes, { stream: true });
  })();
  await until("the demo has said all", () => said.includes("Stop with Ctrl-C"));
  const line = /curl http[\s\S]*?\}'/.exec(said)?.[0] ?? "";
  const curl = Bun.spawn(["sh", "-c", `${line} -s`], { stdout: "pipe", stderr: "ignore" });
  const answer: unknown = JSON.parse(await new Response(curl.stdout).text());
  expect(answer).toMatchObject({
    object: "chat.completion",
    lowrouter: {
      generation_id: expect.stringMatching(/^gen_/),
      eco: { accuracy: expect.any(String) },
    },
  });
  npm.kill("SIGTERM");
  await npm.exited;
  // Ends with the last process that holds it, which is the gateway.
  await reading;
  await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  expect(readdirSync(tmp).filter((name) => name.startsWith("lowrouter-"))).toEqual([]);
}, 30_000);

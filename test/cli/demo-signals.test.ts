import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "#test/lib/port.ts";
import { cleanEnvironment } from "#test/bin/executable.ts";
import { fromSources } from "#test/lib/serving.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

test.each(["SIGHUP", "SIGINT"] as const)(
  "%s to a demo leaves nothing behind",
  async (signal) => {
    using folder = temporaryFolder();
    const directory = join(folder.path, signal);
    mkdirSync(directory);
    const left = () => readdirSync(directory).filter((name) => name.startsWith("lowrouter-demo-"));
    const address = `127.0.0.1:${freePort()}`;
    await using demo = Bun.spawn([...fromSources, "demo", "--listen", address], {
      env: { ...cleanEnvironment({}), TMPDIR: directory },
      stdout: "pipe",
      stderr: "ignore",
    });
    const decoder = new TextDecoder();
    let said = "";
    for await (const chunk of demo.stdout) {
      said += decoder.decode(chunk, { stream: true });
      if (said.includes("nothing is kept")) break;
    }
    expect(left()).toHaveLength(1);
    demo.kill(signal);
    expect(await demo.exited).toBe(0);
    expect(left()).toEqual([]);
  },
  30_000,
);

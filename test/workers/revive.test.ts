import { expect, test } from "bun:test";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import { createSupervisor } from "#src/workers/supervise.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** As little as a worker has to say. */
const worker = `process.on("message", ({ type }) => {
  if (type === "begin") process.send({ type: "built" });
  if (type === "listen") process.send({ type: "ready", url: "http://127.0.0.1:" + process.pid, providers: "" });
  if (type === "stop") process.exit(0);
});`;

test("where a worker that died cannot be started, the supervisor lives on and starts it when it can", async () => {
  using folder = temporaryFolder();
  const program = join(folder.path, "program");
  const script = join(folder.path, "worker.js");
  symlinkSync(process.execPath, program);
  writeFileSync(script, worker);
  const failed = Promise.withResolvers<void>();
  const restarted = Promise.withResolvers<void>();
  const log = createLog({
    clock: systemClock,
    level: "info",
    format: "json",
    write(line) {
      if (line.includes("worker_not_started")) failed.resolve();
      if (line.includes("worker_restarted")) restarted.resolve();
    },
  });
  const supervisor = createSupervisor(
    { command: [program, script], port: 0, drainMs: 1000, clock: systemClock, log },
    { workers: 1, fileText: undefined },
  );
  const { url } = await supervisor.start();
  rmSync(program);
  process.kill(Number(url.split(":")[2]), "SIGKILL");
  await failed.promise;
  symlinkSync(process.execPath, program);
  await restarted.promise;
  supervisor.stop();
  expect(await supervisor.stopped).toBe(true);
}, 30_000);

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#src/lib/clock.ts";
import { createLog } from "#src/observe/log.ts";
import type { Member } from "#src/workers/member.ts";
import { keepPulse } from "#src/workers/pulse.ts";
import { createSupervisor } from "#src/workers/supervise.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

/** Answers pings, but for the first one that serves, which hangs for good soon after. */
const worker = `const { existsSync, writeFileSync } = require("node:fs");
const mark = process.argv[2];
process.on("message", ({ type }) => {
  if (type === "begin") process.send({ type: "built" });
  if (type === "listen") {
    process.send({ type: "ready", url: "http://127.0.0.1:" + process.pid, providers: "" });
    if (existsSync(mark)) return;
    writeFileSync(mark, "");
    setTimeout(() => { for (;;); }, 100);
  }
  if (type === "ping") process.send({ type: "pong" });
  if (type === "stop") process.exit(0);
});`;

/** Starts one worker that may be silent for three seconds, and takes down what the log says. */
function superviseOne(command: string[]) {
  const told: { event: string; pid: number }[] = [];
  const restarted = Promise.withResolvers<void>();
  const log = createLog({
    clock: systemClock,
    level: "info",
    format: "json",
    write(line) {
      told.push(JSON.parse(line));
      if (line.includes("worker_restarted")) restarted.resolve();
    },
  });
  const pulse = { everyMs: 200, mostMissed: 15 };
  const supervisor = createSupervisor(
    { command, port: 0, drainMs: 1000, clock: systemClock, log, pulse },
    { workers: 1, fileText: undefined },
  );
  return { supervisor, told, restarted: restarted.promise };
}

const longerThanSilence = 4000;

test("a worker that hangs is ended, and another takes its place and is left alone", async () => {
  using folder = temporaryFolder();
  const script = join(folder.path, "worker.js");
  writeFileSync(script, worker);
  const command = [process.execPath, script, join(folder.path, "mark")];
  const { supervisor, told, restarted } = superviseOne(command);
  const { url } = await supervisor.start();
  await restarted;
  await Bun.sleep(longerThanSilence);
  supervisor.stop();
  expect(await supervisor.stopped).toBe(true);
  const events = ["worker_hung", "worker_died", "worker_restarted"];
  expect(told.map(({ event }) => event)).toEqual(events);
  expect(told[0]?.pid).toBe(Number(url.split(":")[2]));
}, 30_000);

test("a real worker's end of the channel says that it goes on", async () => {
  const { supervisor, told } = superviseOne([
    process.execPath,
    join(import.meta.dir, "linked-worker.ts"),
  ]);
  await supervisor.start();
  await Bun.sleep(longerThanSilence);
  supervisor.stop();
  expect(await supervisor.stopped).toBe(true);
  expect(told).toEqual([]);
}, 30_000);

test("questions without an answer are counted in a row, and one that starts is not asked", async () => {
  const asked: string[] = [];
  const still: number[] = [];
  const memberOf = (number: number, state: Member["state"]): Member => ({
    worker: number,
    pid: number,
    startedAt: 0,
    state,
    ready: undefined,
    send: ({ type }) => {
      asked.push(`${type} ${number}`);
      // Every third question is answered, and never more than two are missed.
      if (number === 2 && asked.filter((one) => one === "ping 2").length % 3 === 0)
        pulse.felt(lively);
    },
    kill: () => {},
    exited: new Promise(() => {}),
  });
  const lively = memberOf(2, "leaving");
  const members = new Set([memberOf(1, "starting"), lively, memberOf(3, "serving")]);
  const silent = Promise.withResolvers<void>();
  const pulse = keepPulse(
    members,
    (member) => {
      still.push(member.worker);
      silent.resolve();
    },
    { everyMs: 10, mostMissed: 3 },
  );
  await silent.promise;
  await Bun.sleep(200);
  pulse.stop();
  expect(still).toEqual([3]);
  expect(asked.filter((one) => one === "ping 1")).toEqual([]);
  expect(asked.filter((one) => one === "ping 2").length).toBeGreaterThan(4);
});

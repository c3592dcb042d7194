import { expect, test } from "bun:test";
import { existsSync, mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#src/lib/clock.ts";
import { removeAbandoned, temporaryFolder } from "./temporary.ts";

test("folders of dead test processes are removed after an hour, of living ones and of others never", async () => {
  using folder = temporaryFolder();
  const dead = Bun.spawn(["true"]);
  await dead.exited;
  const now = systemClock.now();
  const made = (name: string, ageMinutes: number): string => {
    const path = join(folder.path, name);
    mkdirSync(join(path, "inside"), { recursive: true });
    const at = new Date(now - ageMinutes * 60_000);
    utimesSync(path, at, at);
    return path;
  };
  const gone = made(`lowrouter-${dead.pid}-a`, 61);
  const kept = [
    made(`lowrouter-${dead.pid}-b`, 59),
    made(`lowrouter-${process.pid}-c`, 600),
    made("lowrouter-executable-d", 600),
    made(`other-${dead.pid}-e`, 600),
  ];
  removeAbandoned(folder.path, now);
  expect([gone, ...kept].map((path) => existsSync(path))).toEqual([false, true, true, true, true]);
});

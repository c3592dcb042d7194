import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "#src/lib/clock.ts";
import { cannotMount, run } from "#test/chaos/small-disk.ts";
import { removeAbandoned, temporaryFolder } from "./temporary.ts";

test("what cannot be removed stays, and fails no test", async () => {
  using folder = temporaryFolder();
  const dead = Bun.spawn(["true"]);
  await dead.exited;
  const stuck = join(folder.path, `lowrouter-${dead.pid}-a`);
  const inside = join(stuck, "inside");
  mkdirSync(join(inside, "file"), { recursive: true });
  const old = new Date(systemClock.now() - 7_200_000);
  utimesSync(stuck, old, old);
  // Nobody may write there; root may, unless something is mounted.
  const isMounted = cannotMount() === undefined;
  if (isMounted) run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", inside);
  else chmodSync(inside, 0o500);
  try {
    removeAbandoned(folder.path, systemClock.now());
    expect(existsSync(inside)).toBe(true);
  } finally {
    if (isMounted) run("umount", inside);
    else chmodSync(inside, 0o700);
  }
});

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

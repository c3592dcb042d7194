import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { createAllowances } from "#src/allowance/allowances.ts";
import { lives } from "#src/lib/lives.ts";
import { systemClock } from "#src/lib/clock.ts";
import { until } from "#test/bin/executable.ts";
import { isRunning } from "#test/workers/kit.ts";
import { temporaryStore } from "#test/store/temporary.ts";

const isLinux = process.platform === "linux";

/**
 * A process that has ended, under a parent that never looks: as in a container whose first process is no init.
 * It ends when its input does, which is after the shell has gone: a shell may look.
 */
async function unnoticed(): Promise<{ pid: number } & Disposable> {
  const parent = Bun.spawn(["sh", "-c", "exec 3<&0; cat <&3 >&2 & echo $!; exec sleep 60"], {
    stdin: "pipe",
    stdout: "pipe",
  });
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  const command = `/proc/${parent.pid}/comm`;
  await until("the shell has gone", () => readFileSync(command, "utf8") === "sleep\n");
  await parent.stdin.end();
  await until("it has ended", () => !isRunning(pid));
  return { pid, [Symbol.dispose]: () => parent.kill("SIGKILL") };
}

test("a process lives while it runs, and no longer when it is gone", async () => {
  expect(lives(process.pid)).toBeTrue();
  const child = Bun.spawn(["sleep", "60"]);
  expect(lives(child.pid)).toBeTrue();
  child.kill("SIGKILL");
  await child.exited;
  expect(lives(child.pid)).toBeFalse();
});

test.if(isLinux)("a process that has ended does not live because nobody noticed", async () => {
  using ended = await unnoticed();
  // It is still there: a signal finds it.
  expect(() => process.kill(ended.pid, 0)).not.toThrow();
  expect(lives(ended.pid)).toBeFalse();
});

test.if(isLinux)("the next start takes back what it had leased at once", async () => {
  using kept = await temporaryStore();
  using ended = await unnoticed();
  const { store } = kept;
  const now = systemClock.now();
  const place = ["requests_day", "key_1", 0];
  await store.write([
    {
      sql: "INSERT INTO allowance (kind, owner, window_start, leased) VALUES (?, ?, ?, 7)",
      args: place,
    },
    {
      sql: "INSERT INTO lease (process, kind, owner, window_start, amount) VALUES ('p1', ?, ?, ?, 7)",
      args: place,
    },
    {
      sql: "INSERT INTO process (id, pid, host, started_at, expires_at) VALUES ('p1', ?, ?, ?, ?)",
      args: [ended.pid, hostname(), now, now + 300_000],
    },
  ]);
  await createAllowances({ store, clock: systemClock, processId: "p2" }).start();
  const left = await store.read("SELECT leased FROM allowance WHERE kind = 'requests_day'", []);
  expect(left.map(({ leased }) => leased)).toEqual([0]);
});

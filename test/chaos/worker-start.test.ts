import { expect, test } from "bun:test";
import { freePort } from "#test/lib/port.ts";
import { until } from "#test/bin/executable.ts";
import { openHouse } from "#test/chaos/house.ts";
import { fromSources } from "#test/chaos/program.ts";
import { childrenOf, isRunning } from "#test/workers/kit.ts";

test("a worker that is killed before it ever served is started again, and the gateway starts with all", async () => {
  await using house = await openHouse({ program: fromSources() });
  const port = freePort();
  const at = ["--workers", "2", "--listen", `127.0.0.1:${port}`];
  const gateway = house.begin(["serve", ...at]);
  const workers = () => childrenOf(gateway.pid).filter(isRunning);
  await until("workers are being started", () => workers().length === 2);
  const [victim = -1] = workers();
  expect(victim).toBeGreaterThan(1);
  process.kill(victim, "SIGKILL");
  await until("it listens", () => gateway.err().includes("listens on"));
  expect(workers()).toHaveLength(2);
  expect(workers()).not.toContain(victim);
  expect(await house.answers(`http://127.0.0.1:${port}`)).toEqual([]);
  gateway.kill("SIGTERM");
  expect((await gateway.ended).code).toBe(0);
}, 60_000);

test.each([0, 100, 200, 300, 400])(
  "workers whose supervisor is killed while they start, %i ms after they began, go with it",
  async (milliseconds) => {
    await using house = await openHouse({ program: fromSources() });
    const at = ["--workers", "2", "--listen", `127.0.0.1:${freePort()}`];
    const gateway = house.begin(["serve", ...at]);
    let workers: number[] = [];
    await until("workers are being started", () => {
      workers = childrenOf(gateway.pid).filter(isRunning);
      return workers.length === 2;
    });
    await Bun.sleep(milliseconds);
    gateway.kill("SIGKILL");
    await gateway.ended;
    try {
      await until("nobody is left", () => !workers.some(isRunning));
    } finally {
      for (const worker of workers.filter(isRunning)) process.kill(worker, "SIGKILL");
    }
  },
  60_000,
);

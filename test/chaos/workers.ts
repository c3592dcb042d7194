import { openHouse } from "#test/chaos/house.ts";
import { isBroken, judge, orClosed, type Scenario } from "#test/chaos/scenario.ts";
import { childrenOf, isRunning } from "#test/workers/kit.ts";

const workers = 3;

/** `kill -9` of one of several processes, and of all of them with their supervisor. */
export const workerScenarios: readonly Scenario[] = [
  {
    name: "kill-worker",
    fault: `kill -9 of one of ${workers} workers under load; another takes its place by itself`,
    async open(program) {
      const house = await openHouse({ program });
      const gateway = await orClosed(house, house.serve({ args: ["--workers", String(workers)] }));
      return {
        async round(chance, tell) {
          const crowd = house.crowd(() => gateway.url, { clients: 12 });
          await crowd.more(Math.floor(chance.between(12, 60)), 5000);
          const [first, ...others] = running(gateway.pid);
          if (first === undefined) throw new Error(`No worker runs: ${gateway.err().slice(-1000)}`);
          const victim = chance.pick([first, ...others]);
          process.kill(victim, "SIGKILL");
          await crowd.more(12, 5000);
          judge(house, await crowd.stop(), tell, isBroken);
          const from = performance.now();
          while (running(gateway.pid).length < workers && performance.now() - from < 20_000)
            await Bun.sleep(20);
          const after = running(gateway.pid);
          if (after.length < workers || after.includes(victim))
            tell.findings([
              `Of ${workers} workers ${after.length} run: ${gateway.err().slice(-1000)}`,
            ]);
          tell.findings(await house.answers(gateway.url));
          tell.findings(await house.check({ alive: [gateway.pid, ...after], withinMs: 20_000 }));
        },
        async [Symbol.asyncDispose]() {
          gateway.kill("SIGTERM");
          await gateway.ended;
          await house[Symbol.asyncDispose]();
        },
      };
    },
  },
  {
    name: "kill-all",
    fault: `kill -9 of ${workers} workers and their supervisor`,
    async open(program) {
      const house = await openHouse({ program });
      const start = () => house.serve({ args: ["--workers", String(workers)] });
      let gateway = await orClosed(house, start());
      return {
        async round(chance, tell) {
          const crowd = house.crowd(() => gateway.url, { clients: 12 });
          await crowd.more(Math.floor(chance.between(12, 60)), 5000);
          for (const pid of [gateway.pid, ...running(gateway.pid)]) process.kill(pid, "SIGKILL");
          await gateway.ended;
          judge(house, await crowd.stop(), tell, isBroken);
          tell.findings(await house.check({}));
          gateway = await start();
          tell.findings(await house.answers(gateway.url));
          // Whatever the killed had leased came back before anything listened.
          const alive = [gateway.pid, ...running(gateway.pid)];
          tell.findings(await house.check({ alive }));
        },
        async [Symbol.asyncDispose]() {
          gateway.kill("SIGTERM");
          await gateway.ended;
          await house[Symbol.asyncDispose]();
        },
      };
    },
  },
];

function running(pid: number): number[] {
  return childrenOf(pid).filter(isRunning);
}

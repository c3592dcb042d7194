import { readFileSync } from "node:fs";
import type { Chance } from "#test/chaos/chance.ts";
import type { Outcome } from "#test/chaos/crowd.ts";
import { type CrowdOptions, type House, type HouseOptions, openHouse } from "#test/chaos/house.ts";
import type { Gateway, Program } from "#test/chaos/program.ts";
import { judge, orClosed, type Scenario, stopped } from "#test/chaos/scenario.ts";

/** A fault that comes and goes while one gateway serves. */
export interface Weather {
  name: string;
  fault: string;
  cannot?: Scenario["cannot"];
  house?: Omit<HouseOptions, "program">;
  crowd?: CrowdOptions | ((chance: Chance) => CrowdOptions);
  /** The gateway's program and environment, where they are others than the house's. */
  serve?(house: House, program: Program): { program?: Program; env?: Record<string, string> };
  /** Makes the fault, keeps it for a while, and takes it back. What it returns must not have been. */
  strike(storm: Storm): Promise<readonly string[]>;
  /** What clients may see of it besides complete answers. */
  isAllowed(outcome: Outcome): boolean;
  /** Longest that `/healthz` may take meanwhile, milliseconds. */
  healthWithinMs?: number;
}

/** Where a fault strikes. */
export interface Storm {
  house: House;
  gateway: Gateway;
  chance: Chance;
  /** Resolves once so many more requests have ended, at the latest after a time. */
  more(count: number, withinMs: number): Promise<void>;
}

const settleMs = 3000;

/** The same process serves before, during and after the fault, is answered again by itself, and ends well. */
export function steady(weather: Weather): Scenario {
  const { name, fault, cannot, strike, isAllowed, healthWithinMs = 3000 } = weather;
  return {
    name,
    fault,
    roundsPerHouse: 1,
    cannot,
    async open(program) {
      const house = await openHouse({ program, ...weather.house });
      const gateway = await orClosed(house, house.serve(weather.serve?.(house, program)));
      let isStopped = false;
      return {
        async round(chance, tell) {
          const asking =
            typeof weather.crowd === "function" ? weather.crowd(chance) : weather.crowd;
          const crowd = house.crowd(() => gateway.url, asking);
          await crowd.more(8, settleMs);
          const pulse = startPulse(gateway);
          tell.findings(
            await strike({ house, gateway, chance, more: (...args) => crowd.more(...args) }),
          );
          const longest = await pulse.stop();
          if (longest > healthWithinMs) tell.findings([`/healthz took ${Math.round(longest)} ms`]);
          await crowd.more(8, settleMs);
          judge(house, await crowd.stop(), tell, isAllowed);
          tell.findings(await house.answers(gateway.url));
          tell.findings(await house.check({ alive: [gateway.pid] }));
          isStopped = true;
          tell.findings(await stopped(house, gateway));
        },
        async [Symbol.asyncDispose]() {
          if (!isStopped) gateway.kill("SIGKILL");
          await gateway.ended;
          await house[Symbol.asyncDispose]();
        },
      };
    },
  };
}

/** How long the first thread of a process was ready to run and did not, as others did, milliseconds; 0 where that is not told. */
function waitedMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1] ?? 0) / 1e6;
  } catch {
    return 0;
  }
}

/** Asks for the health of a process again and again. What it waited for a processor is not held against it. */
function startPulse({ url, pid }: Gateway): { stop(): Promise<number> } {
  let isOver = false;
  let longest = 0;
  const done = (async () => {
    while (!isOver) {
      const from = performance.now() - waitedMs(pid) - waitedMs(process.pid);
      await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(60_000) }).then(
        (response) => response.text(),
        () => undefined,
      );
      const to = performance.now() - waitedMs(pid) - waitedMs(process.pid);
      longest = Math.max(longest, to - from);
      await Bun.sleep(50);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await done;
      return longest;
    },
  };
}

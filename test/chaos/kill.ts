import type { Chance } from "#test/chaos/chance.ts";
import { type House, type HouseOptions, openHouse } from "#test/chaos/house.ts";
import type { Gateway, Program } from "#test/chaos/program.ts";
import { isBroken, judge, orClosed, type Scenario, type Tell } from "#test/chaos/scenario.ts";
import type { Outcome } from "#test/chaos/crowd.ts";

interface Blow {
  name: string;
  fault: string;
  house?: Omit<HouseOptions, "program">;
  /** Asks, and kills at some moment. */
  strike(house: House, gateway: Gateway, chance: Chance, tell: Tell): Promise<void>;
}

/** Keys each of whose limits needs a lease of its own. */
const limited = ["--limit", "50", "--limit-reset", "daily", "--rpm", "1000000"];

/** `kill -9` of the one process, at three kinds of moments. */
export const killScenarios: readonly Scenario[] = [
  blow({
    name: "kill",
    fault: "kill -9 under load",
    async strike(house, gateway, chance, tell) {
      const crowd = house.crowd(() => gateway.url);
      await crowd.more(Math.floor(chance.between(1, 60)), 5000);
      await Bun.sleep(chance.between(0, 5));
      gateway.kill("SIGKILL");
      await gateway.ended;
      judge(house, await crowd.stop(), tell, isBroken);
    },
  }),
  blow({
    name: "kill-settle",
    fault: "kill -9 while answers are being settled",
    strike: (house, gateway, chance, tell) =>
      // When some of those that were asked at once have their answers, the others are being written.
      atOnce(house, gateway, { chance, tell, clients: 24 }),
  }),
  blow({
    name: "kill-lease",
    fault: "kill -9 while credit and limits are being leased",
    // So little that a lease covers few requests, on three allowances each.
    house: { balance: 0.02, keys: [limited, limited, limited, limited] },
    async strike(house, gateway, chance, tell) {
      await house.command(["credit", "add", "--account", "acme", "0.01"]);
      await atOnce(house, gateway, { chance, tell, clients: 32 });
    },
  }),
];

interface Load {
  chance: Chance;
  tell: Tell;
  clients: number;
}

async function atOnce(house: House, gateway: Gateway, load: Load): Promise<void> {
  const { chance, tell, clients } = load;
  const crowd = house.crowd(() => gateway.url, { clients });
  await crowd.more(Math.floor(chance.between(0, 2 * clients)), 5000);
  // A commit takes tenths of a millisecond.
  const until = performance.now() + chance.between(0, 3);
  while (performance.now() < until) await Bun.sleep(0);
  gateway.kill("SIGKILL");
  await gateway.ended;
  judge(house, await crowd.stop(), tell, (one) => isBroken(one) || isPoor(one));
}

/** Out of credit is an honest answer where there is little. */
function isPoor(outcome: Outcome): boolean {
  return outcome.kind === "refused" && outcome.status === 402;
}

function blow({ name, fault, house: furniture, strike }: Blow): Scenario {
  return {
    name,
    fault,
    async open(program: Program) {
      const house = await openHouse({ program, ...furniture });
      let gateway = await orClosed(house, house.serve());
      return {
        async round(chance, tell) {
          await strike(house, gateway, chance, tell);
          // What the dead process left, before a start could mend it.
          tell.findings(await house.check({}));
          gateway = await house.serve();
          tell.findings(await house.answers(gateway.url));
          tell.findings(await house.check({ alive: [gateway.pid] }));
        },
        async [Symbol.asyncDispose]() {
          gateway.kill("SIGKILL");
          await gateway.ended;
          await house[Symbol.asyncDispose]();
        },
      };
    },
  };
}

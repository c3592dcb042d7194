import { expect, test } from "bun:test";
import type { Chance } from "#test/chaos/chance.ts";
import { fromExecutable } from "#test/chaos/program.ts";
import { runScenario } from "#test/chaos/run.ts";
import type { Scenario, Tell } from "#test/chaos/scenario.ts";

const program = fromExecutable("/none");

interface Course {
  roundsPerHouse?: number;
  round?(chance: Chance, tell: Tell): Promise<void>;
  closed?(): Promise<void>;
}

/** A scenario without a gateway, and how many of its houses are open. */
function imagined({ roundsPerHouse, round, closed }: Course) {
  const houses = { open: 0, most: 0, ever: 0 };
  const scenario: Scenario = {
    name: "imagined",
    fault: "none",
    roundsPerHouse,
    async open() {
      houses.ever++;
      houses.most = Math.max(houses.most, ++houses.open);
      return {
        async round(chance, tell) {
          await Bun.sleep(0);
          await round?.(chance, tell);
        },
        async [Symbol.asyncDispose]() {
          houses.open--;
          await closed?.();
        },
      };
    },
  };
  return { scenario, houses };
}

test("lanes take each round once, with the chance of its number, each in a house of its own", async () => {
  const drawn: number[][] = [];
  for (const lanes of [1, 3]) {
    const numbers: number[] = [];
    const { scenario, houses } = imagined({
      roundsPerHouse: 2,
      round: async (chance) => void numbers.push(chance.between(0, 1)),
    });
    const report = await runScenario(scenario, { program, rounds: 9, seed: "s", lanes });
    expect(report).toMatchObject({ rounds: 9, findings: [] });
    expect(houses).toMatchObject({ open: 0, most: lanes });
    drawn.push(numbers.toSorted());
  }
  expect(new Set(drawn[0]).size).toBe(9);
  expect(drawn[1]).toEqual(drawn[0]);
});

test("a round that throws is a finding, and the next begins in a new house", async () => {
  let count = 0;
  const { scenario, houses } = imagined({
    async round() {
      if (++count === 2) throw new Error("trouble");
    },
  });
  const { rounds, findings } = await runScenario(scenario, { program, rounds: 4, seed: "s" });
  expect(rounds).toBe(4);
  expect(findings).toEqual([{ round: 1, finding: expect.stringContaining("trouble") }]);
  expect(houses).toEqual({ open: 0, most: 1, ever: 2 });
});

test("what a house says when it is closed is a finding", async () => {
  const { scenario } = imagined({
    roundsPerHouse: 2,
    closed: () => Promise.reject(new Error("something is left")),
  });
  const { rounds, findings } = await runScenario(scenario, { program, rounds: 3, seed: "s" });
  expect(rounds).toBe(3);
  expect(findings.map(({ round }) => round)).toEqual([1, 2]);
  expect(findings[0]?.finding).toContain("something is left");
});

test("what a round has seen is counted", async () => {
  const { scenario } = imagined({
    async round(_chance, tell) {
      tell.seen({ complete: ["gen_1"], others: [{ kind: "cut" }], longestMs: 3 });
      tell.findings(["a row is missing"]);
    },
  });
  expect(await runScenario(scenario, { program, rounds: 2, seed: "s", lanes: 2 })).toMatchObject({
    requests: 4,
    complete: 2,
    longestMs: 3,
    findings: [
      { round: 0, finding: "a row is missing" },
      { round: 1, finding: "a row is missing" },
    ],
  });
});

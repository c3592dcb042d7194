import { faults } from "#src/demo/behaviour.ts";
import type { Outcome } from "#test/chaos/crowd.ts";
import type { Scenario } from "#test/chaos/scenario.ts";
import { steady } from "#test/chaos/steady.ts";

const statuses = [400, 401, 403, 404, 408, 429, 500, 502, 503, 529];

/** Answers before the first fault. */
const wellBefore = 60;

/** What a provider can do wrong. */
const [first = "", ...others] = [
  ...faults.map((fault) => `Hello simulate:fault=${fault}`),
  ...statuses.map((status) => `Hello simulate:status=${status}`),
];

/** A provider that fails in every way it knows, while others of its requests are well. */
export const upstreamScenario: Scenario = steady({
  name: "upstream",
  fault: "the upstream resets, stalls, cuts, lies and refuses",
  house: {
    env: { LOWROUTER_FIRST_BYTE_S: "0.5", LOWROUTER_IDLE_S: "0.5", LOWROUTER_MAX_ATTEMPTS: "2" },
  },
  crowd(chance) {
    // One in three shuts the circuit, after which little else is tried: most rounds stay below what shuts it.
    const share = chance.pick([1 / 30, 1 / 30, 1 / 3]);
    let asked = 0;
    return {
      clients: 12,
      prompt: () =>
        ++asked > wellBefore && chance.between(0, 1) < share
          ? chance.pick([first, ...others])
          : "Hello",
    };
  },
  isAllowed: isHonest,
  async strike({ chance, more }) {
    await more(Math.floor(chance.between(200, 600)), 20_000);
    return [];
  },
});

/** Any error that says what it is; never a broken connection, nor half an answer that looks whole. */
function isHonest(outcome: Outcome): boolean {
  return (
    outcome.kind === "told" || (outcome.kind === "refused" && outcome.code !== "internal_error")
  );
}

import { describe, expect, test } from "bun:test";
import { run } from "#test/fuzz/campaign.ts";
import { targets } from "#test/fuzz/targets/all.ts";

/*
 * Half a minute with the seed that everybody has, half a minute with one of chance. Both begin with all inputs that once
 * showed a bug. A finding is told with its input; `bun run fuzz --seed S` with the seed below finds it again and keeps it.
 */

const seconds = 15;
const names = targets.map(({ name }) => name);

describe.each(["lowrouter", String(Date.now())])("seed %s", (seed) => {
  test(
    "no reader crashes, hangs, takes memory without end, or mixes up what it reads",
    async () => {
      const { findings, executions } = await run({ seed, targets: names, seconds });
      expect(findings).toEqual([]);
      // Each of them was reached, with more than what is recorded: how much more is up to the machine.
      for (const { name, seeds } of targets)
        expect([name, (executions[name] ?? 0) > (await seeds()).length]).toEqual([name, true]);
    },
    { timeout: 180_000 },
  );
});

test("every reader has recorded inputs, and a folder name", async () => {
  for (const { name, seeds } of targets) {
    expect(name).toMatch(/^[a-z0-9-]+$/);
    expect((await seeds()).length).toBeGreaterThan(0);
  }
  expect(new Set(names).size).toBe(names.length);
});

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "#src/config/error.ts";
import { loadConfig } from "#src/config/load.ts";
import { createInFlight, shareOf } from "#src/provider/in-flight.ts";
import { chatBody, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";
import { askOnce } from "#test/workers/client.ts";
import { customer, endFleets, startFleet } from "#test/workers/kit.ts";

const upstream = startOpenai();
afterEach(endFleets);
afterAll(() => upstream.stop());

describe("the places at a provider", () => {
  test.each([
    [200, 1],
    [7, 3],
    [4, 4],
    [5, 4],
    [64, 64],
    [1000, 7],
  ])("of %d among %d workers are so many together, and as even as can be", (limit, workers) => {
    const shares = Array.from({ length: workers }, (_, at) => shareOf(limit, at + 1, workers));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(limit);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    const taken = shares.map((share) => {
      const inFlight = createInFlight(() => share);
      let seats = 0;
      while (inFlight.take("openai") !== undefined) seats++;
      return seats;
    });
    expect(taken).toEqual(shares);
  });

  const fileText = "workers = 4\n[providers.openai]\nmax_in_flight = 3\n";
  test("that are fewer than the workers are refused, unless the provider is off", () => {
    const load = (text: string, workers?: string) =>
      loadConfig({ config: "a.toml", fileText: text, workers }, {});
    expect(() => load(fileText)).toThrow(ConfigError);
    expect(() => load(fileText)).toThrow(
      "Cannot share providers.openai.max_in_flight = 3 among 4 workers",
    );
    expect(() => load(fileText.replace("workers = 4\n", ""), "4")).toThrow("max_in_flight");
    expect(load(fileText, "3").workers).toBe(3);
    expect(load(`${fileText}enabled = false\n`).workers).toBe(4);
  });
});

test("two workers together send no more to a provider than its max_in_flight, and serve everybody", async () => {
  using folder = temporaryFolder();
  const { secret } = await customer(folder.path);
  const file = join(folder.path, "lowrouter.toml");
  writeFileSync(file, "[providers.openai]\nmax_in_flight = 5\n");
  const fleet = await startFleet(folder.path, {
    workers: 2,
    args: ["--config", file],
    env: upstream.env,
  });
  const body = chatBody("simulate:perTokenMs=10,answerTokens=20");
  const asked = await Promise.all(
    Array.from({ length: 40 }, () => askOnce(fleet.port, secret, body)),
  );
  expect(asked.filter(({ status }) => status !== 200)).toEqual([]);
  // Both have more than they may send, so that each is full.
  expect(upstream.stats.peakInFlight).toBe(5);
  fleet.signal("SIGTERM");
  expect(await fleet.ended).toBe(0);
}, 60_000);

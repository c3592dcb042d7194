import { expect, test } from "bun:test";
import { fromSources } from "#test/chaos/program.ts";
import { kinds } from "#test/soak/mix.ts";
import { soak } from "#test/soak/soak.ts";

const requests = 2000;

test("a short soak leaves no descriptor, no file and no lease, and every request that was let in has its row", async () => {
  const { seen, rows, samples, findings } = await soak({
    program: fromSources(),
    requests,
    clients: 32,
    // Too short to say anything of memory.
    warmRequests: Infinity,
    sampleSeconds: 0.5,
    patienceSeconds: 3,
    seed: "smoke",
  });
  expect(findings).toEqual([]);
  expect(seen.requests).toBeGreaterThanOrEqual(requests);
  expect(Object.keys(seen.outcomes).toSorted()).toEqual(
    ["key changes", ...kinds.map(({ name }) => name)].toSorted(),
  );
  expect(rows).toBeGreaterThan(requests / 2);
  expect(seen.complete.length).toBeGreaterThan(requests / 2);
  expect(samples.length).toBeGreaterThan(2);
  expect(samples.every(({ heapBytes }) => heapBytes !== undefined)).toBe(true);
}, 150_000);

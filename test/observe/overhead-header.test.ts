import { afterAll, beforeAll, expect, test } from "bun:test";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    config: (config) => {
      config.metrics.enabled = true;
      config.metrics.overheadHeader = true;
    },
  });
});
afterAll(() => gateway.close());

const header = "x-lowrouter-overhead-ms";

/** Milliseconds that the counters of a part sum up to. */
async function counted(part: string): Promise<number> {
  const { text } = await gateway.ask("/metrics", { key: null });
  const sum = new RegExp(`^lowrouter_overhead_seconds_sum\\{part="${part}"\\} (\\S+)$`, "m");
  return 1000 * Number(sum.exec(text)?.[1]);
}

test("a whole answer says what the gateway took, and the counters say the same", async () => {
  const gaps: number[] = [];
  for (let ask = 0; ask < 5; ask++) {
    const before = (await counted("before")) + (await counted("after"));
    const from = performance.now();
    const answer = await gateway.chat({});
    const took = performance.now() - from;
    const told = Number(answer.headers.get(header));
    expect(answer.headers.get(header)).toMatch(/^\d+\.\d{3}$/);
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThan(took);
    gaps.push(told - ((await counted("before")) + (await counted("after")) - before));
  }
  // The header is written a moment after the counters, and once in a while the process is stopped in between.
  const [least = NaN, , middle] = gaps.toSorted((one, other) => one - other);
  expect(least).toBeGreaterThan(-0.001);
  expect(middle).toBeLessThan(5);
});

test("a stream says what came before its upstream was asked, and no upstream's time is in it", async () => {
  const before = await counted("before");
  const prompt = [{ role: "user", content: "Hello simulate:delayMs=400" }];
  const response = await gateway.open({ stream: true, messages: prompt });
  await response.text();
  const told = Number(response.headers.get(header));
  expect(told).toBeGreaterThan(0);
  expect(told).toBeLessThan(400);
  expect(told).toBeCloseTo((await counted("before")) - before, 2);
});

test("an answer after a failed attempt says nothing: what that took is not the gateway's", async () => {
  const { mistralFr } = gateway.places.all;
  mistralFr.behave({ status: 503 });
  const answer = await gateway.chat({
    models: ["mistral/mistral-small-3.2", "openai/gpt-4o-mini"],
    model: undefined,
  });
  mistralFr.behave();
  expect([answer.status, answer.headers.get("x-lowrouter-provider")]).toEqual([200, "openai"]);
  expect(mistralFr.stats.requests).toBeGreaterThan(0);
  expect(answer.headers.has(header)).toBe(false);
});

test("without the setting no answer says it", async () => {
  const plain = await startGateway({});
  try {
    expect((await plain.chat({})).headers.has(header)).toBe(false);
    const stream = await plain.open({ stream: true });
    await stream.text();
    expect(stream.headers.has(header)).toBe(false);
  } finally {
    await plain.close();
  }
});

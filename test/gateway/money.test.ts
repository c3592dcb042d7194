import { afterEach, expect, test } from "bun:test";
import { type Harness, startHarness } from "#test/gateway/harness.ts";

let harness: Harness;
afterEach(() => harness.close());

/** What one request with these limits is held for, from the refusal that states it. */
async function priceOfOne(body: Record<string, unknown>): Promise<number> {
  const poor = await startHarness({ balance: 0 });
  const refused = await poor.chat(body);
  const answer: { error: { code: string; metadata: { may_cost: number } } } = JSON.parse(
    await refused.text(),
  );
  await poor.close();
  expect([refused.status, answer.error.code]).toEqual([402, "insufficient_credits"]);
  return answer.error.metadata.may_cost;
}

const slow = {
  messages: [{ role: "user", content: "simulate:delayMs=150 Hello" }],
  max_tokens: 100,
};

test.each([{ stream: false }, { stream: true }])(
  "200 parallel requests on credit for 10 admit 10, streamed: $stream",
  async ({ stream }) => {
    const body = { ...slow, stream };
    const one = await priceOfOne(body);
    harness = await startHarness({ balance: one * 10.5 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const response = await harness.chat(body);
        await response.text();
        return response.status;
      }),
    );
    await harness.until(() => true);
    expect(answers.filter((status) => status === 200)).toHaveLength(10);
    expect(answers.filter((status) => status === 402)).toHaveLength(190);
    expect(await harness.balance()).toBeGreaterThanOrEqual(0);
    expect(await harness.imbalances()).toBe(0);
    expect(await harness.rows()).toHaveLength(10);
  },
);

test("clients that hang up give their holds back, and nothing is overspent", async () => {
  const body = { ...slow, messages: [{ role: "user", content: "simulate:delayMs=5000 Hello" }] };
  const one = await priceOfOne(body);
  harness = await startHarness({ balance: one * 10.5 });
  const leave = new AbortController();
  const calls = Array.from({ length: 200 }, () =>
    harness.chat(body, { signal: leave.signal }).then(
      (response) => response.status,
      () => 0,
    ),
  );
  const upstream = harness.places.all;
  const received = () => upstream.openaiUs.stats.requests + upstream.openaiEu.stats.requests;
  while (received() < 10) await Bun.sleep(2);
  leave.abort();
  await Promise.all(calls);
  await harness.until(async () => (await harness.rows()).length === 10);
  expect(received()).toBe(10);
  expect((await harness.rows()).map((row) => row.status)).toEqual(
    Array.from({ length: 10 }, () => "client_cancelled"),
  );
  expect(await harness.balance()).toBe(Math.round(one * 10.5 * 1e9));
  const after = await harness.chat({ max_tokens: 100 });
  expect(after.status).toBe(200);
}, 20_000);

test("a key's limit refuses with key_limit_exceeded and leaves the credit alone", async () => {
  harness = await startHarness();
  const key = await harness.mint({ rateLimit: {}, limit: undefined, dailyLimit: undefined });
  const limited = await fetch(`${harness.url}/api/v1/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${harness.managementKey}` },
    body: JSON.stringify({ name: "small", limit: 0.000001 }),
  });
  const made: { key: string } = JSON.parse(await limited.text());
  const refused = await harness.chat({}, { headers: { authorization: `Bearer ${made.key}` } });
  const answer: { error: { code: string } } = JSON.parse(await refused.text());
  expect([refused.status, answer.error.code]).toEqual([402, "key_limit_exceeded"]);
  expect((await harness.chat({}, { headers: { authorization: `Bearer ${key}` } })).status).toBe(
    200,
  );
});

test("the third request within a limit of two a minute is refused, and says when to come back", async () => {
  harness = await startHarness();
  const key = await harness.mint({ rateLimit: { requestsPerMinute: 2 } });
  const call = () => harness.chat({}, { headers: { authorization: `Bearer ${key}` } });
  const [first, second, third] = [await call(), await call(), await call()];
  expect([first.status, second.status, third.status]).toEqual([200, 200, 429]);
  expect(first.headers.get("x-ratelimit-limit")).toBe("2");
  expect(second.headers.get("x-ratelimit-remaining")).toBe("0");
  expect(Number(third.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(third.headers.get("x-ratelimit-reset")).toBe(first.headers.get("x-ratelimit-reset"));
});

test("a carbon budget refuses with carbon_budget_reached", async () => {
  harness = await startHarness();
  const key = await harness.mint({ carbonBudgetG: 0.000001 });
  const refused = await harness.chat({}, { headers: { authorization: `Bearer ${key}` } });
  const answer: { error: { code: string } } = JSON.parse(await refused.text());
  expect([refused.status, answer.error.code]).toEqual([402, "carbon_budget_reached"]);
});

import { afterEach, expect, test } from "bun:test";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { createIds } from "#src/lib/id.ts";
import { refusal, type Reply, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { createFakeClock, type FakeClock } from "#test/lib/fake-clock.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

const minute = 60_000;
const dayMs = 86_400_000;
let clock: FakeClock;
let upstream: ScriptedUpstream;
let gateway: TestGateway;
let other: string;
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
});

async function start(balance: number, plan: "prepaid" | "metered" = "prepaid"): Promise<void> {
  clock = createFakeClock();
  upstream = scriptedUpstream(() => completion("Hi"));
  gateway = await startGateway({
    balance,
    plan,
    clock,
    config(config) {
      config.billing.usdRate = 2;
      config.providers = {
        free: { protocol: "openai-chat", base_url: upstream.url, region: "eu-west", country: "FR" },
      };
      config.models = [
        { id: "own/model", provider: "free", input_per_million: 0, output_per_million: 0 },
      ];
    },
  });
  other = await gateway.mint({});
}
const ask = (key = gateway.key) => gateway.chatAs(key, { model: "own/model:free" });

/** Asks with both keys by turns, twenty a minute, until one is refused; as many as were served. */
async function served(atMost: number): Promise<[number, Reply | undefined]> {
  for (let count = 0; count < atMost; count++) {
    if (count % 20 === 0) clock.advance(minute);
    const reply = await ask(count % 2 === 0 ? gateway.key : other);
    if (reply.status !== 200) return [count, reply];
  }
  return [atMost, undefined];
}

test("an account that bought nothing worth 5 USD has 50 requests a day for :free, over all its keys", async () => {
  // The currency is half a dollar.
  await start(9.99);
  const [count, refused] = await served(60);
  expect(count).toBe(50);
  if (refused === undefined) throw new Error("Nothing was refused");
  expect(refusal(refused)).toEqual([429, "rate_limit_exceeded"]);
  expect(refused.headers.get("x-ratelimit-limit")).toBe("50");
  expect(refused.headers.get("x-ratelimit-remaining")).toBe("0");
  const midnight = Date.UTC(2026, 0, 16);
  expect(Number(refused.headers.get("x-ratelimit-reset"))).toBe(midnight / 1000);
  expect(Number(refused.headers.get("retry-after"))).toBe(
    Math.ceil((midnight - clock.now()) / 1000),
  );
  // A refusal uses nothing up, the same model without the suffix is another matter, and so is the next day.
  expect((await gateway.chat({ model: "own/model" })).status).toBe(200);
  clock.advance(dayMs);
  expect((await served(60))[0]).toBe(50);
});

test("one that bought 5 USD has 1,000", async () => {
  await start(10);
  const [count, refused] = await served(1010);
  expect(count).toBe(1000);
  expect(refused?.headers.get("x-ratelimit-limit")).toBe("1000");
}, 30_000);

test("credit that is bought in the middle of the day, by whatever way, counts the same day", async () => {
  await start(1);
  expect((await served(60))[0]).toBe(50);
  await addCredit(
    gateway.store,
    { clock, ids: createIds(clock) },
    {
      accountId: gateway.accountId,
      type: "credit",
      amount: fromUnits(9),
      description: "Bought",
      by: "test",
    },
  );
  // The first that is refused has it looked up.
  expect((await ask()).status).toBe(429);
  expect((await served(25))[0]).toBe(25);
});

test("one that is billed afterwards counts as having bought", async () => {
  await start(0, "metered");
  expect((await served(60))[0]).toBe(60);
});

async function book(units: number): Promise<void> {
  await addCredit(
    gateway.store,
    { clock, ids: createIds(clock) },
    {
      accountId: gateway.accountId,
      type: "adjustment",
      amount: fromUnits(units),
      description: "Booked",
      by: "test",
    },
  );
}

test("a free model takes no credit, and serves those who have none but not those who owe", async () => {
  await start(0);
  expect((await ask()).status).toBe(200);
  expect((await gateway.chat({ model: "own/model" })).status).toBe(200);
  await gateway.close();
  await upstream.stop();
  await start(0);
  await book(-1);
  const owing = await ask();
  expect(refusal(owing)).toEqual([402, "insufficient_credits"]);
  expect(owing.text).toContain("below zero");
  // It used up nothing, and what is booked since counts at once.
  await book(1);
  expect((await served(60))[0]).toBe(50);
});

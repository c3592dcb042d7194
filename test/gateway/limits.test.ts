import { afterEach, beforeEach, expect, test } from "bun:test";
import { nano } from "#src/ledger/money.ts";
import { systemClock } from "#src/lib/clock.ts";
import {
  at,
  listAt,
  refusal,
  type Reply,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import { completion, scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
/** Until it is opened, nothing answers: all requests are in flight together. */
let gate: PromiseWithResolvers<void>;
beforeEach(() => {
  gate = Promise.withResolvers();
  upstream = scriptedUpstream(async () => {
    await gate.promise;
    return completion("Hi");
  });
});
afterEach(async () => {
  gate.resolve();
  await gateway.close();
  await upstream.stop();
});

/** Costs 0.02 at most and 0.0015 really: 10 and 5 tokens at 100 per million. */
const body = { model: "test/model", max_tokens: 10, messages: [{ role: "user", content: "Hi" }] };
const real = 1_500_000;

async function start(balance: number): Promise<void> {
  // A window that ends between two requests would admit twice as many.
  const left = 60_000 - (systemClock.now() % 60_000);
  if (left < 2000) await Bun.sleep(left);
  gateway = await startGateway({
    balance,
    config(config) {
      config.providers = { own: { protocol: "openai-chat", base_url: upstream.url } };
      config.models = [
        { id: "test/model", provider: "own", input_per_million: 100, output_per_million: 100 },
      ];
    },
  });
}

/** Sends many at once, opens the gate when all were answered or wait, and counts the answers. */
async function together(count: number, call: () => Promise<Reply>) {
  let refused = 0;
  const calls = Array.from({ length: count }, async () => {
    const reply = await call();
    if (reply.status !== 200) refused++;
    return reply;
  });
  while (refused + upstream.requests() < count) await Bun.sleep(1);
  const inFlight = upstream.requests();
  gate.resolve();
  const replies = await Promise.all(calls);
  await gateway.until(() => true);
  return { inFlight, replies, admitted: replies.filter(({ status }) => status === 200).length };
}

const codes = (replies: Reply[]) =>
  new Set(replies.filter(({ status }) => status !== 200).map((reply) => refusal(reply)[1]));

/** What one request is held for, nano-units, as its refusal states it. */
async function held(): Promise<number> {
  const reply = await gateway.chatAs(await gateway.mint({ limit: nano(1) }), body);
  return Math.round(Number(at(reply.json, "error.metadata.may_cost")) * 1e9);
}

test("a key's limit holds against 100 requests at once, and counts what was really spent", async () => {
  await start(100);
  const one = await held();
  const key = await gateway.mint({ limit: nano(one * 7 + 1) });
  const { inFlight, admitted, replies } = await together(100, () => gateway.chatAs(key, body));
  expect([inFlight, admitted]).toEqual([7, 7]);
  expect(codes(replies)).toEqual(new Set(["key_limit_exceeded"]));
  const self = await gateway.ask("/v1/key", { key });
  expect(at(self.json, "data.usage")).toBe((7 * real) / 1e9);
  expect(at(self.json, "data.limit_remaining")).toBeCloseTo((one * 7 + 1 - 7 * real) / 1e9, 9);
});

test("two keys of one account draw on one balance, whoever comes first", async () => {
  await start(100);
  const one = await held();
  await gateway.close();
  await start((one * 9 + 1) / 1e9);
  const other = await gateway.mint({});
  let turn = 0;
  const { admitted, replies } = await together(60, () =>
    gateway.chatAs(turn++ % 2 === 0 ? gateway.key : other, body),
  );
  expect(admitted).toBe(9);
  expect(codes(replies)).toEqual(new Set(["insufficient_credits"]));
  expect(await gateway.balance()).toBe(one * 9 + 1 - 9 * real);
  expect(await gateway.imbalances()).toBe(0);
});

test.each([
  ["requests_per_minute", { requestsPerMinute: 5 }, 5],
  ["requests_per_day", { requestsPerDay: 6 }, 6],
  ["max_in_flight", { maxInFlight: 4 }, 4],
])("%s admits exactly its number of 50 requests at once", async (_, rateLimit, admits) => {
  await start(100);
  const key = await gateway.mint({ rateLimit });
  const { admitted, replies } = await together(50, () => gateway.chatAs(key, body));
  expect(admitted).toBe(admits);
  expect(codes(replies)).toEqual(new Set(["rate_limit_exceeded"]));
  for (const reply of replies.filter(({ status }) => status === 429)) {
    expect(reply.headers.get("x-ratelimit-limit")).toBe(String(admits));
    expect(reply.headers.get("x-ratelimit-remaining")).toBe("0");
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(at(reply.json, "error.message")).toBe("rate limit exceeded");
  }
  expect(await gateway.rows()).toHaveLength(admits);
});

test("a refused request uses up nothing of a limit", async () => {
  await start(100);
  gate.resolve();
  const key = await gateway.mint({ rateLimit: { requestsPerMinute: 2 } });
  await gateway.chatAs(key, { ...body, temperature: 3 });
  await gateway.chatAs(key, { ...body, model: "nobody/nothing" });
  const replies = [await gateway.chatAs(key, body), await gateway.chatAs(key, body)];
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
});

test("tokens per minute refuse a request that would go beyond", async () => {
  await start(100);
  gate.resolve();
  const key = await gateway.mint({ rateLimit: { tokensPerMinute: 100 } });
  const first = await gateway.chatAs(key, body);
  const second = await gateway.chatAs(key, { ...body, max_tokens: 99 });
  expect([first.status, second.status]).toEqual([200, 429]);
  expect(at(second.json, "error.metadata.limit")).toBe("tokens_minute");
});

test("a metered account is admitted without credit, priced and recorded", async () => {
  gateway = await startGateway({ plan: "metered", balance: 0 });
  const replies = [await gateway.chat(), await gateway.chat({ stream: true })];
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  expect(await gateway.balance()).toBeLessThan(0);
  expect(await gateway.imbalances()).toBe(0);
});

test("the answer, the record, the transaction and the balance say the same cost", async () => {
  await start(1);
  gate.resolve();
  const reply = await gateway.chat(body);
  const id = String(at(reply.json, "lowrouter.generation_id"));
  const record = await gateway.ask(`/v1/generation/${id}`);
  const list = await gateway.ask("/v1/transactions");
  const balance = await gateway.ask("/v1/balance");
  const cost = real / 1e9;
  expect(at(reply.json, "usage.cost")).toBe(cost);
  expect(at(record.json, "usage.cost")).toBe(cost);
  expect(at(record.json, "cost_credits")).toBeCloseTo(cost * 100, 9);
  const [newest] = listAt(list.json, "transactions");
  expect([at(newest, "amount"), at(newest, "generation_id")]).toEqual([-cost, id]);
  expect(at(balance.json, "balance")).toBeCloseTo(1 - cost, 9);
  expect(Number(reply.headers.get("x-credit-balance"))).toBeCloseTo(100 - cost * 100, 6);
});

test("an amount in a refusal is exact, however small", async () => {
  await start(100);
  const messageOf = async (key: string) =>
    at((await gateway.chatAs(key, body)).json, "error.message");
  const small = await gateway.mint({ limit: nano(3) });
  expect(await messageOf(small)).toMatch(
    /it may cost up to 0\.0\d+ USD and 0\.000000003 USD is left; ask for less, or raise the limit$/,
  );
  const one = await held();
  // A nano-unit too little is not the same amount.
  const almost = await gateway.mint({ limit: nano(one - 1) });
  const [cost, left] = String(await messageOf(almost)).match(/\d+\.\d+/g) ?? [];
  expect([Number(cost), Number(left)]).toEqual([one / 1e9, (one - 1) / 1e9]);
  const daily = await gateway.mint({ dailyLimit: nano(0) });
  expect(await messageOf(daily)).toMatch(
    /and 0\.000000 USD is left; ask for less, raise the limit, or wait until \d{4}-\d\d-\d\dT00:00:00\.000Z$/,
  );
});

test("a request of more tokens than a minute has is told so, and that waiting does not help", async () => {
  await start(100);
  const key = await gateway.mint({ rateLimit: { tokensPerMinute: 9 } });
  const reply = await gateway.chatAs(key, body);
  expect([...refusal(reply), reply.headers.get("x-should-retry")]).toEqual([
    429,
    "rate_limit_exceeded",
    "false",
  ]);
  expect(at(reply.json, "error.message")).toMatch(
    /it may use up to \d\d tokens, and tokens_per_minute is 9; ask for less, or raise the limit$/,
  );
  gate.resolve();
  const wider = await gateway.mint({ rateLimit: { tokensPerMinute: 60 } });
  const replies = [];
  for (let time = 0; time < 6; time++) replies.push(await gateway.chatAs(wider, body));
  const full = replies.at(-1);
  expect([
    full?.status,
    at(full?.json, "error.message"),
    full?.headers.get("x-should-retry"),
  ]).toEqual([429, "rate limit exceeded", null]);
});

import { afterEach, describe, expect, test } from "bun:test";
import type { ApiKey, CarbonAction } from "#src/account/account.ts";
import { carbonStanding, setCarbonBudget } from "#src/account/carbon-budget.ts";
import { systemClock } from "#src/lib/clock.ts";
import { numberIn } from "#src/store/store.ts";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";

let gateway: TestGateway;
afterEach(() => gateway.close());

type Whose = "key" | "account";
const both: readonly Whose[] = ["key", "account"];

/** Gives a key, or the account behind it, a budget; the key to call with. */
async function budget(
  whose: Whose,
  grams: number,
  action: CarbonAction = "refuse",
  policy: Partial<ApiKey> = {},
): Promise<string> {
  if (whose === "key")
    return gateway.mint({ ...policy, carbonBudgetG: grams, carbonBudgetAction: action });
  const { store, accountId } = gateway;
  const kept = { grams, reset: "monthly" as const, action };
  await setCarbonBudget(store, accountId, kept, { now: systemClock.now() });
  return gateway.mint(policy);
}

/** Grams that one request is held for, from the refusal that states them. */
async function gramsOfOne(path: string, body: object): Promise<number> {
  gateway = await startGateway();
  const refused = await gateway.ask(path, { key: await budget("key", 1e-9), body });
  await gateway.close();
  expect(refused.status).toBe(402);
  // In the words, which every dialect has.
  return Number(/may emit up to ([\d.e-]+) g/.exec(refused.text)?.[1]);
}

const messages = [{ role: "user", content: "simulate:delayMs=300 Hello" }];
const model = "openai/gpt-4o-mini";
const chat = { model, messages, max_tokens: 100 };

const routes: readonly [string, object][] = [
  ["/v1/chat/completions", chat],
  ["/v1/chat/completions", { ...chat, stream: true }],
  ["/v1/messages", chat],
  ["/v1/responses", { model, input: messages[0]?.content, max_output_tokens: 100 }],
  ["/v1/completions", { model, prompt: messages[0]?.content, max_tokens: 100 }],
  ["/openai/v1/chat/completions", { ...chat, model: "gpt-4o-mini" }],
  [
    "/v1beta/models/gemini-2.5-flash:generateContent",
    {
      contents: [{ role: "user", parts: [{ text: messages[0]?.content }] }],
      generationConfig: { maxOutputTokens: 100 },
    },
  ],
];

describe.each(both)("the budget of the %s", (whose) => {
  test.each(routes)(
    "lets 10 of 200 parallel requests to %s in, where it is for 10",
    async (...of) => {
      const [path, body] = of;
      const one = await gramsOfOne(path, body);
      gateway = await startGateway();
      const key = await budget(whose, one * 10.5);
      const replies = await Promise.all(
        Array.from({ length: 200 }, () => gateway.ask(path, { key, body })),
      );
      await gateway.until(() => true);
      const refused = replies.filter(({ status }) => status === 402);
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(10);
      expect(refused).toHaveLength(190);
      expect(gateway.reached()).toBe(10);
      expect(refused[0]?.text).toContain(`${whose}'s carbon budget`);
    },
  );

  test("is settled with the figure that the answer has, and no more is held", async () => {
    gateway = await startGateway();
    const key = await budget(whose, 50);
    const replies = await Promise.all([gateway.chatAs(key), gateway.chatAs(key)]);
    await gateway.until(() => true);
    const grams = replies.reduce(
      (sum, { json }) => sum + Number(at(json, "lowrouter.eco.carbon_g")),
      0,
    );
    expect(grams).toBeGreaterThan(0);
    expect(await usedBy(whose)).toBeCloseTo(grams, 5);
    await gateway.app.allowances.giveBack();
    const [row] = await gateway.store.read(
      "SELECT leased FROM allowance WHERE kind = 'carbon'",
      [],
    );
    expect(row && numberIn(row, "leased")).toBe(0);
  });

  test("that routes sends no more than fit to a dirty grid at a time, and the others to a clean one", async () => {
    const one = await gramsOfOne("/v1/chat/completions", { ...chat, route: { region: "us-east" } });
    gateway = await startGateway();
    const clean = cleanest();
    const wish = { ...chat, provider: { order: ["openai/us-east"] } };
    const key = await budget(whose, one * 10.5, { routeUnderGPer1k: clean });
    const replies = await Promise.all(
      Array.from({ length: 60 }, () =>
        gateway.ask("/v1/chat/completions", { key, body: { ...wish } }),
      ),
    );
    await gateway.until(() => true);
    const regions = replies.map(({ json }) => at(json, "lowrouter.region"));
    expect(replies.map(({ status }) => status)).toEqual(Array(60).fill(200));
    expect(regions.filter((region) => region === "us-east")).toHaveLength(10);
    expect(regions.filter((region) => region === "eu-west")).toHaveLength(50);
  });

  test("that routes refuses with 402 where no clean route is left, and names models that have one", async () => {
    gateway = await startGateway();
    const clean = cleanest();
    const key = await budget(whose, 0, { routeUnderGPer1k: clean });
    const reply = await gateway.chatAs(key, { route: { region: "us-east" } });
    expect(refusal(reply)).toEqual([402, "carbon_budget_reached"]);
    const other = await gateway.chatAs(key, { model: "openai/gpt-4.1" });
    expect(refusal(other)).toEqual([402, "carbon_budget_reached"]);
    expect(at(other.json, "error.message")).toContain("models that do: ");
    expect(at(other.json, "error.metadata.route_under_g_per_1k")).toBe(clean);
  });

  test("counts a stream whose client hung up, which has no figure of its own", async () => {
    gateway = await startGateway();
    const key = await budget(whose, 5);
    const leave = new AbortController();
    const said = "simulate:perTokenMs=20 simulate:answerTokens=500 Hello";
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content: said }] }),
      signal: leave.signal,
    });
    const reader = response.body?.getReader();
    for (let seen = 0; seen < 10; seen++) await reader?.read();
    leave.abort();
    await gateway.until(async () => (await gateway.rows()).length === 1);
    const [row] = await gateway.rows();
    expect(row).toMatchObject({ status: "client_cancelled", carbon_g: null });
    expect(await usedBy(whose)).toBeGreaterThan(0);
  });

  test("that refuses serves no model whose footprint is not known, and says so", async () => {
    gateway = await startGateway({ config: withUnknown, plan: "metered" });
    const unknown = { model: "house/unknown" };
    const key = await budget(whose, 5);
    const reply = await gateway.chatAs(key, unknown);
    expect(refusal(reply)).toEqual([403, "not_meterable"]);
    expect(at(reply.json, "error.message")).toContain("footprint is not known");
    expect(refusal(await gateway.chatAs(await gateway.mint({}), unknown))[0]).toBe(
      whose === "key" ? 200 : 403,
    );
    const proxied = await gateway.ask("/openai/v1/chat/completions", {
      key,
      body: { ...chat, model: "gpt-nobody-knows" },
    });
    expect(refusal(proxied)).toEqual([403, "not_meterable"]);
    expect(at(proxied.json, "error.message")).toContain("footprint is not known");
    const lists = await gateway.ask("/openai/v1/models", { key });
    expect(lists.status).toBe(200);
    expect((await gateway.ask("/v1/embeddings", { key, body: vectors })).status).toBe(200);
  });

  test("that routes serves it as long as there are grams left, and not after", async () => {
    gateway = await startGateway({ config: withUnknown });
    const key = await budget(whose, 1e-5, { routeUnderGPer1k: cleanest() });
    expect((await gateway.chatAs(key, { model: "house/unknown" })).status).toBe(200);
    expect((await gateway.chatAs(key)).status).toBe(200);
    await gateway.until(() => true);
    const reply = await gateway.chatAs(key, { model: "house/unknown" });
    expect(refusal(reply)).toEqual([402, "carbon_budget_reached"]);
  });
});

test("an account's budget holds for all of its keys together", async () => {
  const one = await gramsOfOne("/v1/chat/completions", chat);
  gateway = await startGateway();
  await budget("account", one * 10.5);
  const keys = await Promise.all(Array.from({ length: 5 }, () => gateway.mint({})));
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, call) => gateway.chatAs(keys[call % 5] ?? "", chat)),
  );
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(10);
});

test("of the budgets of key and account the one that is reached first refuses, and takes nothing of the other", async () => {
  gateway = await startGateway();
  const key = await gateway.mint({ carbonBudgetG: 1e-9 });
  await budget("account", 5);
  const reply = await gateway.chatAs(key);
  expect(at(reply.json, "error.metadata.budget_of")).toBe("key");
  await gateway.app.allowances.giveBack();
  const { leftG } = await carbonStanding(
    gateway.store,
    gateway.accountId,
    { grams: 5, reset: "monthly", action: "refuse" },
    systemClock.now(),
  );
  expect(leftG).toBe(5);
});

test.each(both)(
  "a budget that the %s gets late begins with what was emitted before",
  async (whose) => {
    gateway = await startGateway();
    const reply = await gateway.chatAs(gateway.key);
    await gateway.until(() => true);
    const grams = Number(at(reply.json, "lowrouter.eco.carbon_g"));
    if (whose === "account") await budget("account", 5);
    else {
      const { json } = await gateway.manage("/api/v1/keys");
      const hash = String(
        [0, 1]
          .map((one) => at(json, `data.${one}`))
          .flatMap((row) => (at(row, "key_type") === "regular" ? [at(row, "hash")] : []))[0],
      );
      await gateway.manage(`/api/v1/keys/${hash}`, {
        method: "PATCH",
        body: { carbon_budget_g: 5 },
      });
    }
    expect(await usedBy(whose)).toBeCloseTo(grams, 5);
  },
);

test("a daily budget starts anew at midnight UTC", async () => {
  gateway = await startGateway();
  const { store, accountId } = gateway;
  const kept = { grams: 2, reset: "daily" as const, action: "refuse" as const };
  await setCarbonBudget(store, accountId, kept, { now: Date.UTC(2026, 10, 21, 9) });
  const args = [accountId, Date.UTC(2026, 10, 21)];
  await store.write([
    { sql: "UPDATE allowance SET used = 1500000 WHERE owner = ? AND window_start = ?", args },
  ]);
  const late = await carbonStanding(store, accountId, kept, Date.UTC(2026, 10, 21, 23, 59));
  expect(late).toMatchObject({ usedG: 1.5, leftG: 0.5, resetsAt: Date.UTC(2026, 10, 22) });
  const next = await carbonStanding(store, accountId, kept, Date.UTC(2026, 10, 22));
  expect(next).toMatchObject({ usedG: 0, leftG: 2 });
});

const vectors = { model: "openai/text-embedding-3-small", input: "Hello" };

/** A model of the operator's own whose size nobody knows, where the house computes. */
function withUnknown(
  config: Parameters<NonNullable<Parameters<typeof startGateway>[0]>["config"] & {}>[0],
) {
  const place = config.providers.openai;
  config.providers.house = {
    ...place,
    protocol: "openai-chat",
    region: "eu-west",
    country: "FR",
  };
  config.models.push({
    id: "house/unknown",
    provider: "house",
    upstream: "unknown",
    input_per_million: 1,
    output_per_million: 1,
  });
}

/** g for 1,000 tokens of the small model on the cleaner of its two grids. */
function cleanest(): number {
  const { routes } = gateway.app;
  const found = routes.find(model);
  const grams =
    found === undefined ? [] : routes.of(found.model).map((one) => one.carbonPer1k ?? 0);
  return Math.min(...grams);
}

/** Grams used, of whichever budget there is. */
async function usedBy(whose: Whose): Promise<number> {
  const own = whose === "account" ? "owner = ?" : "owner <> ?";
  const [row] = await gateway.store.read(
    `SELECT used FROM allowance WHERE kind = 'carbon' AND ${own}`,
    [gateway.accountId],
  );
  return (row === undefined ? Number.NaN : (numberIn(row, "used") ?? Number.NaN)) / 1e6;
}

import { describe, expect, test } from "bun:test";
import type { ApiKey, Caller } from "#src/account/account.ts";
import type { Refusal } from "#src/allowance/allowance.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import type { Standing } from "#src/provider/health.ts";
import type { Notice } from "#src/webhook/events.ts";
import { createWebhook } from "#src/webhook/webhooks.ts";
import { at, refusal, startGateway } from "#test/lib/gateway.ts";
import { accountId, by, startHooks, startReceiver, typesOf } from "#test/webhook/kit.ts";

const free = (config: { webhooks: { allowPrivate: boolean } }) => {
  config.webhooks.allowPrivate = true;
};

describe("what a refusal tells", () => {
  test("of credit that does not cover a request: once, until some is added", async () => {
    await using receiver = startReceiver();
    const gateway = await startGateway({ config: free, balance: 0.000001 });
    const made = await gateway.manage("/api/v1/webhooks", {
      body: { name: "mine", url: receiver.url, event_types: ["credits.exhausted"] },
    });
    expect(made.status).toBe(201);
    const refused = await Promise.all(Array.from({ length: 8 }, () => gateway.chat()));
    expect(refused.map((one) => refusal(one)[1])).toEqual(
      Array.from({ length: 8 }, () => "insufficient_credits"),
    );
    const [first] = await receiver.came(1);
    expect(at(first?.json, "account_id")).toBe(gateway.accountId);
    expect(at(first?.json, "data.balance")).toBe(0.000001);
    expect(Number(at(first?.json, "data.may_cost"))).toBeGreaterThan(0.000001);
    await gateway.chat();
    const ids = createIds(systemClock);
    await addCredit(
      gateway.store,
      { clock: systemClock, ids },
      {
        accountId: gateway.accountId,
        type: "credit",
        amount: fromUnits(0.000001),
        description: "More",
        by: "test",
      },
    );
    gateway.app.allowances.refresh(gateway.accountId);
    expect(refusal(await gateway.chat())[0]).toBe(402);
    await receiver.came(2);
    await gateway.chat();
    await gateway.close();
    expect(typesOf(receiver.got)).toEqual(["credits.exhausted", "credits.exhausted"]);
  });

  test.each([
    ["a spending limit", { limit: fromUnits(0.000001) }, "key.limit_reached", "limit"],
    ["a daily limit", { dailyLimit: fromUnits(0.000001) }, "key.limit_reached", "daily"],
    [
      "requests of a day",
      { rateLimit: { requestsPerDay: 0 } },
      "key.limit_reached",
      "requests_per_day",
    ],
    ["a carbon budget", { carbonBudgetG: 0.000001 }, "carbon_budget.reached", undefined],
  ] as const)(
    "of %s: once in its window, and no minute's limit",
    async (_, policy, type, limit) => {
      await using receiver = startReceiver();
      const gateway = await startGateway({ config: free });
      await gateway.manage("/api/v1/webhooks", {
        body: { name: "mine", url: receiver.url, event_types: [type] },
      });
      const key = await gateway.mint(policy);
      const minute = await gateway.mint({ rateLimit: { requestsPerMinute: 0 } });
      for (let time = 0; time < 3; time++) {
        expect((await gateway.chatAs(minute)).status).toBe(429);
        expect([402, 429]).toContain((await gateway.chatAs(key)).status);
      }
      const [event] = await receiver.came(1);
      await gateway.close();
      expect(typesOf(receiver.got)).toEqual([type]);
      expect(at(event?.json, "data.limit")).toBe(limit);
      expect(at(event?.json, "data.key_name")).toBe("test key");
      if (limit === "limit") expect(at(event?.json, "data.resets_at")).toBeNull();
      else expect(String(at(event?.json, "data.resets_at"))).toEndWith("T00:00:00.000Z");
    },
  );

  test("asks the database once, however often a client is refused", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    const { events } = hooks.webhooks;
    let asked = 0;
    events.onNotice(["credits.exhausted"], () => {
      asked++;
      return [];
    });
    const { caller, refusal } = refusedForCredit();
    for (let time = 0; time < 1000; time++) events.refused(caller, refusal);
    await events.settled();
    expect(asked).toBe(1);
    expect((await hooks.store.read("SELECT kind FROM notice", [])).length).toBe(1);
  });

  test("is nothing, and writes nothing, where nobody wants to hear", async () => {
    const gateway = await startGateway({ balance: 0.000001 });
    expect(refusal(await gateway.chat())[0]).toBe(402);
    expect(await gateway.store.read("SELECT * FROM notice", [])).toEqual([]);
    await gateway.close();
  });
});

/** A caller whose credit does not do. */
function refusedForCredit(): { caller: Caller; refusal: Refusal } {
  const account = {
    id: accountId,
    name: "one",
    plan: "prepaid",
    disabled: false,
    createdAt: 0,
  } as const;
  const key: ApiKey = {
    hash: "h",
    accountId,
    name: "key",
    label: "l",
    type: "regular",
    disabled: false,
    allowedProviders: [],
    allowedModels: [],
    preferLowCarbon: false,
    rateLimit: {},
    carbonBudgetAction: "refuse",
    createdAt: 0,
  };
  const refused = { kind: "credit", owner: accountId, windowStart: 0, amount: 7 } as const;
  return {
    caller: { account, key },
    refusal: { refused, standing: { limit: 5, used: 5, remaining: 0 } },
  };
}

/** An account with credit, in the tables. */
async function funded(hooks: Awaited<ReturnType<typeof startHooks>>, plan = "prepaid") {
  await hooks.store.write([
    {
      sql: "INSERT INTO account (id, name, plan, created_at) VALUES (?, 'one', ?, 0)",
      args: [accountId, plan],
    },
  ]);
  const move = (column: "granted" | "used", units: number) =>
    hooks.store.write([
      {
        sql: `INSERT INTO allowance (kind, owner, window_start, ${column}) VALUES ('credit', ?1, 0, ?2)
          ON CONFLICT DO UPDATE SET ${column} = coalesce(${column}, 0) + ?2`,
        args: [accountId, fromUnits(units)],
      },
    ]);
  return {
    grant: (units: number) => move("granted", units),
    use: (units: number) => move("used", units),
  };
}

describe("low credit", () => {
  test("is told once until it is filled up, by whichever process sees it", async () => {
    await using receiver = startReceiver();
    await using one = await startHooks(receiver);
    await using two = await startHooks(receiver, { beside: one });
    await one.hook({ eventTypes: ["credits.low"] });
    const { grant, use } = await funded(one);
    const told = async () => {
      await Promise.all([one.webhooks.tick(), two.webhooks.tick()]);
      await one.webhooks.tick();
      return (await one.deliveries()).map(({ payload }) => at(JSON.parse(payload), "data.balance"));
    };
    expect(await told()).toEqual([]);
    await grant(20);
    expect(await told()).toEqual([]);
    await use(15);
    expect(await told()).toEqual([]);
    await use(1);
    expect(await told()).toEqual([4]);
    await use(1);
    await grant(1.5);
    expect(await told()).toEqual([4]);
    await grant(10);
    expect(await told()).toEqual([4]);
    await use(12);
    expect(await told()).toEqual([4, 2.5]);
  });

  test("is nothing that a metered account is told", async () => {
    await using receiver = startReceiver();
    await using hooks = await startHooks(receiver);
    await hooks.hook();
    const { grant } = await funded(hooks, "metered");
    await grant(1);
    await hooks.webhooks.tick();
    expect(await hooks.deliveries()).toEqual([]);
  });

  test("is told to others of the gateway, in the transaction that notes it", async () => {
    await using receiver = startReceiver();
    await using one = await startHooks(receiver);
    await using two = await startHooks(receiver, { beside: one });
    const heard: Notice[] = [];
    for (const { webhooks } of [one, two])
      webhooks.events.onNotice(["credits.low"], (notice) => {
        heard.push(notice);
        return [
          {
            sql: "INSERT INTO setting (key, value) VALUES (?, '1')",
            args: [`mailed ${notice.accountId}`],
          },
        ];
      });
    const { grant } = await funded(one);
    await grant(1);
    await Promise.all([one.webhooks.tick(), two.webhooks.tick()]);
    await one.webhooks.tick();
    const mailed = "SELECT key FROM setting WHERE key LIKE 'mailed %'";
    expect(await one.store.read(mailed, [])).toEqual([{ key: `mailed ${accountId}` }]);
    expect(heard[0]).toMatchObject({ type: "credits.low", accountId, data: { threshold: 5 } });
  });
});

test("a carbon budget that only changes the route is told too", async () => {
  await using receiver = startReceiver();
  await using hooks = await startHooks(receiver);
  await hooks.hook();
  const start = Date.UTC(2026, 0, 15);
  await hooks.store.write([
    {
      sql: `INSERT INTO api_key (hash, account_id, name, label, type, carbon_budget_g, carbon_budget_reset,
        carbon_budget_action, created_at) VALUES ('h', ?, 'green', 'l', 'regular', 2.5, 'daily', '{"routeUnderGPer1k":1}', 0)`,
      args: [accountId],
    },
    {
      sql: "INSERT INTO allowance (kind, owner, window_start, used) VALUES ('carbon', 'h', ?, 2600000)",
      args: [start],
    },
  ]);
  await hooks.webhooks.tick();
  await hooks.webhooks.tick();
  const told = await hooks.deliveries();
  expect(told.map(({ payload }) => at(JSON.parse(payload), "data.share"))).toEqual([0.5, 0.8, 1]);
  expect(at(JSON.parse(told[2]?.payload ?? ""), "data")).toEqual({
    budget_of: "key",
    key_id: "h",
    key_name: "green",
    share: 1,
    budget_g: 2.5,
    used_g: 2.6,
    resets_at: "2026-01-16T00:00:00.000Z",
  });
});

describe("providers", () => {
  const slot = { provider: "openai", region: "eu-west", model: "openai/gpt-4o-mini", wait: 0 };
  const unmeasured = { latency: undefined, throughput: undefined };
  const standing = (parts: Partial<Standing>): Standing => ({
    ...slot,
    ...unmeasured,
    state: "ok",
    reason: undefined,
    since: undefined,
    ...parts,
  });

  test("are told to the operator and to who names them: once when they go, once when they are back", async () => {
    await using receiver = startReceiver();
    let now: Standing[] = [];
    let others: Standing[] = [standing({ latency: { p50: 1, p95: 1 } })];
    await using one = await startHooks(receiver, { standings: () => now });
    await using two = await startHooks(receiver, { beside: one, standings: () => others });
    const policy = { url: receiver.url, apiKeyHashes: [], disabled: false };
    const all = { ...policy, name: "all", eventTypes: [] };
    const { kit } = one.webhooks;
    const operators = await createWebhook(kit, "operator", all, by);
    await one.hook();
    const mine = await one.hook({ eventTypes: ["provider.unavailable", "provider.recovered"] });
    const told = async () => {
      for (const { webhooks } of [one, two, one]) await webhooks.tick();
      return (await one.deliveries()).map(({ type, webhookId }) => [
        type,
        webhookId === operators.webhook.id
          ? "operator"
          : webhookId === mine.webhook.id
            ? "mine"
            : "other",
      ]);
    };
    // A pause that was asked for is no failure.
    now = [standing({ state: "unavailable", reason: "cooling", since: one.clock.now() })];
    expect(await told()).toEqual([]);
    now = [standing({ state: "unavailable", reason: "circuit_open", since: one.clock.now() })];
    const down = [
      ["provider.unavailable", "operator"],
      ["provider.unavailable", "mine"],
    ];
    expect((await told()).toSorted()).toEqual(down.toSorted());
    // Half open: nobody knows yet. And the other process has not heard of it.
    one.clock.advance(30_000);
    now = [standing({ state: "degraded", reason: "circuit_open", since: one.clock.now() })];
    expect((await told()).length).toBe(2);
    one.clock.advance(1000);
    now = [standing({ since: one.clock.now(), latency: { p50: 1, p95: 1 } })];
    const back = down.map(([, who = ""]) => ["provider.recovered", who]);
    expect((await told()).toSorted()).toEqual([...down, ...back].toSorted());
    others = now;
    expect((await told()).length).toBe(4);
  });
});

test("events of a gateway without webhooks cost no statement", async () => {
  await using receiver = startReceiver();
  await using hooks = await startHooks(receiver);
  const before = hooks.webhooks.beside([]);
  await hooks.happen();
  expect(before).toEqual([]);
  expect(hooks.webhooks.beside([])).toBe(before);
  expect(await hooks.deliveries()).toEqual([]);
});

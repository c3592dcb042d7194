import { expect, test } from "bun:test";
import { setCarbonBudget } from "#src/account/carbon-budget.ts";
import { loadConfig } from "#src/config/load.ts";
import { ConfigError } from "#src/config/error.ts";
import { watch } from "#src/webhook/watch.ts";
import { at } from "#test/lib/gateway.ts";
import { accountId, type Hooks, startHooks, startReceiver } from "#test/webhook/kit.ts";

const day = Date.UTC(2026, 0, 15);

/** Gives the account a daily budget of 2.5 g. */
async function budgeted(hooks: Hooks): Promise<void> {
  await hooks.store.write([
    {
      sql: "INSERT INTO account (id, name, plan, disabled, created_at) VALUES (?, 'green', 'metered', 0, 0) ON CONFLICT DO NOTHING",
      args: [accountId],
    },
  ]);
  const budget = { grams: 2.5, reset: "daily" as const, action: "refuse" as const };
  await setCarbonBudget(hooks.store, accountId, budget, { now: hooks.clock.now() });
}

function emit(hooks: Hooks, grams: number, window = day): Promise<unknown> {
  return Promise.resolve(
    hooks.store.write([
      {
        sql: `INSERT INTO allowance (kind, owner, window_start, used) VALUES ('carbon', ?1, ?2, ?3)
          ON CONFLICT DO UPDATE SET used = ?3`,
        args: [accountId, window, grams * 1e6],
      },
    ]),
  );
}

async function told(hooks: Hooks): Promise<unknown[]> {
  const deliveries = await hooks.deliveries();
  return deliveries.map(({ payload }) => at(JSON.parse(payload), "data.share"));
}

test("an account's budget is told at 50, 80 and 100 percent, once each in its window, by however many processes", async () => {
  await using receiver = startReceiver();
  await using one = await startHooks(receiver);
  await using two = await startHooks(receiver, { beside: one });
  await one.hook();
  await budgeted(one);
  const look = async () => {
    await Promise.all([one.webhooks.tick(), two.webhooks.tick()]);
    await one.webhooks.tick();
    return told(one);
  };
  await emit(one, 1.24);
  expect(await look()).toEqual([]);
  await emit(one, 1.25);
  expect(await look()).toEqual([0.5]);
  await emit(one, 2.4);
  expect(await look()).toEqual([0.5, 0.8]);
  await emit(one, 2.6);
  expect(await look()).toEqual([0.5, 0.8, 1]);
  one.clock.advance(86_400_000);
  await emit(one, 1.5, day + 86_400_000);
  expect(await look()).toEqual([0.5, 0.8, 1, 0.5]);
  const [first] = await one.deliveries();
  expect(at(JSON.parse(first?.payload ?? ""), "data")).toEqual({
    budget_of: "account",
    key_id: null,
    key_name: null,
    share: 0.5,
    budget_g: 2.5,
    used_g: 1.25,
    resets_at: "2026-01-16T00:00:00.000Z",
  });
});

test("the operator's own list of percentages takes the place of ours", async () => {
  await using receiver = startReceiver();
  await using hooks = await startHooks(receiver);
  await hooks.hook();
  await budgeted(hooks);
  await emit(hooks, 1.3);
  const { store, clock, webhooks } = hooks;
  await webhooks.events.refresh();
  const rest = { lowBalance: 0, currency: "USD", standings: () => [] };
  await watch({ store, clock, events: webhooks.events, carbonAlerts: [12.5, 90], ...rest });
  expect(await told(hooks)).toEqual([0.125]);
});

test("percentages are sorted, and none beyond 100 is taken", () => {
  const read = (text: string) => loadConfig({}, { LOWROUTER_CARBON_ALERTS: text }).eco.carbonAlerts;
  expect([read("90, 12.5,90"), read("")]).toEqual([
    [12.5, 90],
    [50, 80, 100],
  ]);
  for (const wrong of ["0", "101", "half", "50,-1"]) expect(() => read(wrong)).toThrow(ConfigError);
});

import { expect, test } from "bun:test";
import fc from "fast-check";
import { fromUnits, mostUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { openShop, type Shop } from "#test/payment/kit.ts";
import { eventsOf, paymentOf, startStripe } from "#test/payment/stripe.ts";

async function withShop(
  work: (shop: Shop) => Promise<void>,
  change?: Parameters<typeof openShop>[1],
) {
  await using stripe = startStripe();
  await using shop = await openShop(stripe, change);
  await work(shop);
}

test("credit appears when Stripe says that it was paid, with a transaction and an entry of the audit log", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin("20");
    expect(await shop.balance()).toBe(0);
    await shop.tell(eventsOf(id, 2000).completed());
    expect(await shop.balance()).toBe(20);
    expect(await shop.moves()).toEqual([["credit", 20]]);
    expect(await shop.audit()).toEqual(["purchase.begun", "purchase.paid"]);
    expect(shop.changed).toEqual([shop.accountId]);
    expect(await shop.purchase(id)).toMatchObject({ state: "paid", paymentId: paymentOf(id) });
  }));

test("one event that is delivered fifty times at once gives credit once", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin();
    const event = eventsOf(id, 2000).completed();
    await Promise.all(Array.from({ length: 50 }, () => shop.tell(event)));
    expect([await shop.balance(), await shop.moves()]).toEqual([20, [["credit", 20]]]);
    expect(await shop.imbalances()).toBe(0);
  }));

test("fifty different events that all say that it was paid give credit once", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin();
    const events = Array.from({ length: 50 }, () => eventsOf(id, 2000).completed());
    await Promise.all(events.map((event) => shop.tell(event)));
    expect([await shop.balance(), await shop.moves()]).toEqual([20, [["credit", 20]]]);
  }));

test("two gateways on one database, told the same at the same moment, move everything once", async () => {
  await using stripe = startStripe();
  await using one = await openShop(stripe);
  await using two = await openShop(stripe, { beside: one });
  const purchases = await Promise.all(Array.from({ length: 5 }, () => one.begin()));
  const events = purchases.flatMap(({ id }) => {
    const { completed, refunded, disputed } = eventsOf(id, 2000);
    return [completed(), completed(), refunded(500), refunded(1000), disputed(300)];
  });
  const tellings = events.flatMap((event) => [one, two, two, one].map((shop) => shop.tell(event)));
  await Promise.all(tellings);
  expect(await one.balance()).toBe(5 * (20 - 10 - 3));
  expect(await two.imbalances()).toBe(0);
});

test.each([
  ["a refund", "the payment", 15],
  ["the payment", "a refund", 15],
  ["the payment", "its end unpaid", 20],
  ["a refund", "another refund", 10],
] as const)(
  "%s that another gateway takes in while this one takes in %s is counted",
  async (meanwhile, here, balance) => {
    await using stripe = startStripe();
    await using one = await openShop(stripe);
    await using two = await openShop(stripe, { beside: one });
    const { id } = await one.begin();
    const { completed, refunded, expired } = eventsOf(id, 2000);
    const events = {
      "a refund": refunded(500),
      "another refund": refunded(1000),
      "the payment": completed(),
      "its end unpaid": expired(),
    };
    if (here === "another refund") await one.tell(completed());
    const { write } = one.store;
    one.store.write = async (statements) => {
      one.store.write = write;
      await two.tell(events[meanwhile]);
      return write(statements);
    };
    await one.tell(events[here]);
    expect([await one.balance(), (await one.purchase(id)).state]).toEqual([balance, "paid"]);
    expect(await one.imbalances()).toBe(0);
  },
);

test("events come in whatever order and however often, and the end is the same", () =>
  withShop(async (shop) => {
    let before = await shop.balance();
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (chances) => {
        const { id } = await shop.begin("20");
        const all = eventsOf(id, 2000);
        const events = [
          all.onItsWay(),
          all.succeeded(),
          all.expired(),
          all.refunded(300),
          all.refunded(700),
          all.disputed(600, `dp_won_${id}`),
          all.withdrawn(600, `dp_won_${id}`),
          all.won(600, `dp_won_${id}`),
          all.disputed(100, `dp_lost_${id}`),
          all.lost(100, `dp_lost_${id}`),
        ];
        const order = [...events, ...events]
          .map((event) => ({ event, at: chances.next().value }))
          .toSorted((a, b) => a.at - b.at);
        for (const { event } of order) await shop.tell(event);
        const after = await shop.balance();
        expect(after - before).toBeCloseTo(20 - 7 - 1, 9);
        before = after;
        expect(await shop.purchase(id)).toMatchObject({ state: "disputed", returned: 8e9 });
      }),
      { numRuns: 25 },
    );
    expect(await shop.imbalances()).toBe(0);
  }));

test("a refund that comes before the payment is taken back when the payment comes", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin();
    await shop.tell(eventsOf(id, 2000).refunded(500));
    expect(await shop.balance()).toBe(0);
    await shop.tell(eventsOf(id, 2000).completed());
    expect(await shop.balance()).toBe(15);
    expect(await shop.moves()).toEqual([
      ["credit", 20],
      ["refund", -5],
    ]);
  }));

test("partial refunds are each a transaction, and the last one ends the purchase", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin();
    const { completed, refunded } = eventsOf(id, 2000);
    await shop.tell(completed());
    await shop.tell(refunded(500));
    expect((await shop.purchase(id)).state).toBe("paid");
    await shop.tell(refunded(2000));
    expect(await shop.moves()).toEqual([
      ["credit", 20],
      ["refund", -5],
      ["refund", -15],
    ]);
    expect((await shop.purchase(id)).state).toBe("refunded");
    expect(await shop.audit()).toEqual([
      "purchase.begun",
      "purchase.paid",
      "purchase.refunded",
      "purchase.refunded",
    ]);
  }));

test("a dispute takes the money, and gives it back when it is won", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin();
    const { completed, disputed, won } = eventsOf(id, 2000);
    await shop.tell(completed());
    await shop.tell(disputed());
    expect([await shop.balance(), (await shop.purchase(id)).state]).toEqual([0, "disputed"]);
    await shop.tell(won());
    expect([await shop.balance(), (await shop.purchase(id)).state]).toEqual([20, "paid"]);
    expect(await shop.moves()).toEqual([
      ["credit", 20],
      ["adjustment", -20],
      ["adjustment", 20],
    ]);
    expect((await shop.audit()).slice(2)).toEqual(["purchase.disputed", "purchase.dispute_won"]);
  }));

test("a dispute that is lost keeps the money, one that only asks moves none until it is withdrawn", () =>
  withShop(async (shop) => {
    const first = await shop.begin();
    await shop.tell(eventsOf(first.id, 2000).completed());
    await shop.tell(eventsOf(first.id, 2000).disputed());
    await shop.tell(eventsOf(first.id, 2000).lost());
    expect(await shop.balance()).toBe(0);
    const second = await shop.begin();
    await shop.tell(eventsOf(second.id, 2000).completed());
    await shop.tell(eventsOf(second.id, 2000).questioned());
    expect(await shop.balance()).toBe(20);
    await shop.tell(eventsOf(second.id, 2000).withdrawn());
    expect(await shop.balance()).toBe(0);
  }));

test("what goes back is never more than was bought", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin();
    const { completed, refunded, disputed } = eventsOf(id, 2000);
    await shop.tell(completed());
    await shop.tell(refunded(1500));
    await shop.tell(disputed(2100));
    expect(await shop.balance()).toBe(0);
  }));

test("of a payment with a fee, a refund takes back its share of the credit", () =>
  withShop(
    async (shop) => {
      const { id } = await shop.begin("20");
      const { completed, refunded } = eventsOf(id, 2000);
      await shop.tell(completed());
      expect(await shop.balance()).toBe(19);
      await shop.tell(refunded(1000));
      expect(await shop.balance()).toBe(9.5);
      await shop.tell(refunded(2000));
      expect(await shop.balance()).toBe(0);
    },
    { change: (config) => (config.billing.topupFeePct = 5) },
  ));

test("a payment that is on its way gives no credit, nor one that failed or was given up", () =>
  withShop(async (shop) => {
    const [late, lost, left] = [await shop.begin(), await shop.begin(), await shop.begin()];
    await shop.tell(eventsOf(late.id, 2000).onItsWay());
    expect((await shop.purchase(late.id)).state).toBe("open");
    await shop.tell(eventsOf(lost.id, 2000).onItsWay());
    await shop.tell(eventsOf(lost.id, 2000).failed());
    await shop.tell(eventsOf(left.id, 2000).expired());
    expect(await shop.balance()).toBe(0);
    expect((await shop.purchase(lost.id)).state).toBe("failed");
    expect((await shop.purchase(left.id)).state).toBe("expired");
    await shop.tell(eventsOf(late.id, 2000).succeeded());
    expect(await shop.balance()).toBe(20);
  }));

test.each([
  ["amount", (id: string) => eventsOf(id, 1999).completed()],
  ["currency", (id: string) => eventsOf(id, 2000, "eur").completed()],
  ["session", (id: string) => eventsOf(id, 2000).completed({ id: "cs_other" })],
  ["payment", (id: string) => eventsOf(id, 2000).completed({ payment_intent: null })],
] as const)("a payment with another %s is refused, logged, and moves nothing", (why, eventOf) =>
  withShop(async (shop) => {
    const { id } = await shop.begin();
    const event = eventOf(id);
    await expect(shop.tell(event)).rejects.toThrow(`its ${why} is not that of the purchase`);
    expect([await shop.balance(), (await shop.purchase(id)).state]).toEqual([0, "open"]);
    expect(shop.logged()).toContain(`"stripe_event_mismatch","id":"${event.id}"`);
    expect(await shop.store.read("SELECT * FROM payment_event", [])).toEqual([]);
  }),
);

test.each([
  ["amount", (id: string) => eventsOf(id, 3000).refunded(100)],
  ["currency", (id: string) => eventsOf(id, 2000, "eur").refunded(100)],
  ["currency", (id: string) => eventsOf(id, 2000, "eur").disputed()],
] as const)("a return with another %s is refused and moves nothing", (why, eventOf) =>
  withShop(async (shop) => {
    const { id } = await shop.begin();
    await shop.tell(eventsOf(id, 2000).completed());
    await expect(shop.tell(eventOf(id))).rejects.toThrow(`its ${why} is not that`);
    expect(await shop.balance()).toBe(20);
  }),
);

test("events about somebody else's payments, or of other kinds, are passed over", () =>
  withShop(async (shop) => {
    await shop.tell(eventsOf("pur_unknown", 2000).completed());
    await shop.tell(eventsOf("", 2000).completed({ client_reference_id: null }));
    await shop.tell(eventsOf("pur_unknown", 2000).refunded(2000));
    await shop.tell({ id: "evt_other", type: "customer.created", data: { object: {} } });
    expect(await shop.moves()).toEqual([]);
  }));

test("an event without the shape of one is refused", () =>
  withShop(async (shop) => {
    await expect(shop.tell("{}")).rejects.toThrow("Cannot read this event");
    await expect(shop.tell("no JSON")).rejects.toThrow("Cannot read this event");
    const { id } = await shop.begin();
    const broken = eventsOf(id, 2000).completed({ amount_total: "2000" });
    await expect(shop.tell(broken)).rejects.toThrow("Cannot read this event");
  }));

test("a refund that fails at the bank is undone once, by a transaction of its own, whatever event tells of it", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin();
    const { completed, refunded, refund } = eventsOf(id, 2000);
    await shop.tell(completed());
    await shop.tell(refunded(2000, {}, 100));
    expect((await shop.purchase(id)).state).toBe("refunded");
    // What is on its way or done moves nothing: the sum of the charge did.
    for (const status of ["pending", "requires_action", "succeeded"])
      await shop.tell(refund("re_1", 2000, { status, type: "refund.updated", created: 101 }));
    expect(await shop.balance()).toBe(0);
    const failed = refund("re_1", 2000, { created: 200 });
    await Promise.all([failed, failed, failed].map((event) => shop.tell(event)));
    for (const type of ["refund.updated", "charge.refund.updated"])
      await shop.tell(refund("re_1", 2000, { type, created: 205 }));
    expect(await shop.moves()).toEqual([
      ["credit", 20],
      ["refund", -20],
      ["adjustment", 20],
    ]);
    expect(await shop.purchase(id)).toMatchObject({ state: "paid", returned: 0 });
    expect(await shop.audit()).toEqual([
      "purchase.begun",
      "purchase.paid",
      "purchase.refunded",
      "purchase.refund_failed",
    ]);
    // Refunded anew, the sum of the charge has the first one no more.
    await shop.tell(refunded(2000, {}, 300));
    expect([await shop.balance(), (await shop.purchase(id)).state]).toEqual([0, "refunded"]);
    expect(await shop.imbalances()).toBe(0);
  }));

test("of two partial refunds one fails and another is called off, in whatever order that is told", () =>
  withShop(async (shop) => {
    let before = await shop.balance();
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (chances) => {
        const { id } = await shop.begin("20");
        const { completed, refunded, refund } = eventsOf(id, 2000);
        const events = [
          completed(),
          refunded(500, {}, 100),
          refunded(1200, {}, 110),
          refund("re_1", 500, { created: 120 }),
          refund("re_1", 500, { type: "refund.updated", created: 121 }),
          // The sum of the charge has the failed one no more: 700 and 300.
          refunded(1000, {}, 130),
          refund("re_3", 300, { status: "canceled", type: "refund.updated", created: 140 }),
          refund("re_1", 500, { type: "charge.refund.updated", created: 150 }),
        ];
        const order = [...events, ...events]
          .map((event) => ({ event, at: chances.next().value }))
          .toSorted((a, b) => a.at - b.at);
        for (const { event } of order) await shop.tell(event);
        const after = await shop.balance();
        expect(after - before).toBeCloseTo(20 - 7, 9);
        before = after;
        expect(await shop.purchase(id)).toMatchObject({ state: "paid", returned: 7e9 });
      }),
      { numRuns: 25 },
    );
    expect(await shop.imbalances()).toBe(0);
  }));

/** Grants the account of a shop so much, in the currency. */
async function grant({ store, kit, accountId }: Shop, units: number): Promise<void> {
  const entry = { accountId, type: "adjustment", description: "", by: "test" } as const;
  await addCredit(store, kit, { ...entry, amount: fromUnits(units) });
}

test("a purchase that would lead beyond what an account can be granted is not begun", () =>
  withShop(async (shop) => {
    await grant(shop, mostUnits - 20);
    const { id } = await shop.begin("20");
    await expect(shop.begin("20.01")).rejects.toThrow("granted at most 9000000 in all");
    expect(await shop.audit()).toEqual(["purchase.begun"]);
    await shop.tell(eventsOf(id, 2000).completed());
    expect(await shop.balance()).toBe(mostUnits);
  }));

test("a payment beyond what an account can be granted is kept and told, and no credit comes", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin("20");
    await grant(shop, mostUnits - 19);
    const { completed, refunded, refund } = eventsOf(id, 2000);
    const paid = completed();
    await Promise.all([shop.tell(paid), shop.tell(paid)]);
    expect(await shop.balance()).toBe(mostUnits - 19);
    expect(await shop.purchase(id)).toMatchObject({ state: "held", paymentId: paymentOf(id) });
    expect(await shop.audit()).toEqual(["purchase.begun", "purchase.held"]);
    expect(shop.changed).toEqual([]);
    expect(shop.logged()).toMatch(
      new RegExp(`"level":"error".*"stripe_payment_held".*"purchase":"${id}".*"amount":20`),
    );
    // Paid back, nothing is taken of what was not given; and a refund that fails gives nothing.
    await shop.tell(refunded(2000));
    expect(await shop.purchase(id)).toMatchObject({ state: "held", returned: fromUnits(20) });
    await shop.tell(refund("re_1", 2000));
    expect(await shop.purchase(id)).toMatchObject({ state: "held", returned: 0 });
    expect(await shop.balance()).toBe(mostUnits - 19);
    expect(await shop.imbalances()).toBe(0);
  }));

test("a held payment gives its credit once, when there is room and Stripe tells it again", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin("20");
    await grant(shop, mostUnits);
    const { completed, refunded } = eventsOf(id, 2000);
    const paid = completed();
    await shop.tell(paid);
    await shop.tell(paid);
    expect(await shop.purchase(id)).toMatchObject({ state: "held" });
    await shop.tell(refunded(500));
    await grant(shop, -20);
    await Promise.all(Array.from({ length: 10 }, () => shop.tell(paid)));
    expect(await shop.purchase(id)).toMatchObject({ state: "paid", returned: fromUnits(5) });
    expect((await shop.moves()).slice(2)).toEqual([
      ["credit", 20],
      ["refund", -5],
    ]);
    expect(await shop.balance()).toBe(mostUnits - 5);
    expect(await shop.audit()).toEqual(["begun", "held", "refunded", "paid"].map(actionOf));
    await shop.tell(paid);
    expect(await shop.balance()).toBe(mostUnits - 5);
    expect(await shop.imbalances()).toBe(0);
  }));

test("a dispute that is won gives nothing again to an account that was filled meanwhile", () =>
  withShop(async (shop) => {
    const { id } = await shop.begin("20");
    const { completed, disputed, won, refunded } = eventsOf(id, 2000);
    await shop.tell(completed());
    await shop.tell(disputed(2000, "dp_1"));
    await grant(shop, mostUnits - 10);
    await shop.tell(won(2000, "dp_1"));
    expect(await shop.balance()).toBe(mostUnits - 10);
    expect(await shop.purchase(id)).toMatchObject({ state: "disputed", returned: fromUnits(20) });
    expect(shop.logged()).toContain("stripe_payment_held");
    expect((await shop.audit()).at(-1)).toBe("purchase.held");
    // The next event of the payment puts it right, where there is room.
    await shop.tell(refunded(1000));
    expect(await shop.balance()).toBe(mostUnits);
    expect(await shop.imbalances()).toBe(0);
  }));

test("an account that another gateway fills while a payment is taken in is not granted too much", async () => {
  await using stripe = startStripe();
  await using one = await openShop(stripe);
  await using two = await openShop(stripe, { beside: one });
  const { id } = await one.begin();
  const { write } = one.store;
  one.store.write = async (statements) => {
    one.store.write = write;
    await grant(two, mostUnits);
    return write(statements);
  };
  await one.tell(eventsOf(id, 2000).completed());
  expect([await one.balance(), (await one.purchase(id)).state]).toEqual([mostUnits, "held"]);
});

test("of two credits at the same moment that are too much together, one is refused", async () => {
  await using stripe = startStripe();
  await using one = await openShop(stripe);
  await using two = await openShop(stripe, { beside: one });
  const outcomes = await Promise.allSettled([one, two, one, two].map((shop) => grant(shop, 4e6)));
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  for (const outcome of outcomes)
    if (outcome.status === "rejected")
      expect(String(outcome.reason)).toContain("granted at most 9000000 in all");
  expect(await one.balance()).toBe(8e6);
});

test("a bound of payments above what can be counted is that of an account", () =>
  withShop(
    async (shop) => {
      expect(shop.payments.terms.maxAmount).toBe(mostUnits);
      await expect(shop.begin("99999999")).rejects.toThrow("give an amount from 5 to 9000000");
    },
    {
      change: (config) => {
        config.stripe.maxAmount = 1e9;
      },
    },
  ));

function actionOf(what: string): string {
  return `purchase.${what}`;
}

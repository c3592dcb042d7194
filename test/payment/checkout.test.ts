import { expect, test } from "bun:test";
import type { Config } from "#src/config/load.ts";
import { minorOf } from "#src/payment/minor.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { openShop } from "#test/payment/kit.ts";
import { secretKey, sessionOf, startStripe } from "#test/payment/stripe.ts";

test("Stripe is asked once for a page of what is bought, under the purchase's own id", async () => {
  await using stripe = startStripe();
  await using shop = await openShop(stripe);
  const { purchase, url } = await shop.payments.buy(
    { accountId: shop.accountId, personId: "per_1", email: "ada@example.org", address: "" },
    "12.34",
    (id) => ({ paid: `https://us.example/${id}`, cancelled: "https://us.example/" }),
  );
  const { id } = purchase;
  expect(url).toBe(`https://checkout.stripe.com/c/pay/${sessionOf(id)}`);
  expect(purchase).toMatchObject({
    state: "open",
    amount: 12_340_000_000,
    price: 1234,
    currency: "USD",
    personId: "per_1",
    sessionId: sessionOf(id),
  });
  const [{ headers, form } = { headers: new Headers(), form: new URLSearchParams() }] =
    stripe.asked;
  expect(stripe.asked).toHaveLength(1);
  expect(headers.get("authorization")).toBe(`Bearer ${secretKey}`);
  expect(headers.get("idempotency-key")).toBe(id);
  expect(headers.get("stripe-version")).toBe("2024-06-20");
  expect(Object.fromEntries(form)).toEqual({
    mode: "payment",
    client_reference_id: id,
    customer_email: "ada@example.org",
    success_url: `https://us.example/${id}`,
    cancel_url: "https://us.example/",
    "metadata[purchase]": id,
    "payment_intent_data[metadata][purchase]": id,
    "payment_intent_data[description]": `Credit, ${id}`,
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "1234",
    "line_items[0][price_data][product_data][name]": "Credit of 12.34 USD",
  });
});

test.each(["", "4.99", "1000.01", "abc", "-5", "1e3", "0x10", "5.001", " 5", "Infinity"])(
  "%j is no amount that can be bought, and nobody is asked",
  async (amount) => {
    await using stripe = startStripe();
    await using shop = await openShop(stripe);
    await expect(shop.begin(amount)).rejects.toMatchObject({
      code: "invalid_value",
      detail: { param: "amount" },
    });
    expect([stripe.asked.length, await shop.audit()]).toEqual([0, []]);
  },
);

test.each([
  ["refuses", () => Response.json({ error: { type: "card_error", code: "x" } }, { status: 402 })],
  ["answers with no page", () => Response.json({ id: "cs_1" })],
  ["leads to a page without TLS", () => Response.json({ id: "cs_1", url: "http://evil.example/" })],
  ["leads to a script", () => Response.json({ id: "cs_1", url: "javascript:alert(1)" })],
  ["redirects", () => Response.redirect("https://evil.example/")],
  ["answers with something else", () => new Response("<html>", { status: 500 })],
] as const)(
  "where Stripe %s, the purchase has failed and the buyer is told so",
  async (_, answer) => {
    await using stripe = startStripe();
    await using shop = await openShop(stripe);
    stripe.answer(answer);
    await expect(shop.begin()).rejects.toMatchObject({ code: "upstream_error", status: 502 });
    const [row] = await shop.store.read("SELECT state FROM purchase", []);
    expect(row?.["state"]).toBe("failed");
    expect(shop.logged()).toMatch(/stripe_(refused|unreachable)/);
    expect(shop.logged()).not.toContain(secretKey);
  },
);

test("amounts are told in the smallest unit of each currency, and only where they are whole", () => {
  const minor = (units: number, currency: string) => minorOf(fromUnits(units), currency);
  expect(minor(12.34, "USD")).toBe(1234);
  expect(minor(12, "JPY")).toBe(12);
  expect(minor(12.5, "JPY")).toBeUndefined();
  expect(minor(12.34, "KWD")).toBe(12_340);
  expect(minor(12.345, "KWD")).toBeUndefined();
  expect(minor(12.34, "ISK")).toBe(1234);
  expect(minor(0.29, "EUR")).toBe(29);
});

test("a fee is kept of what is paid", async () => {
  await using stripe = startStripe();
  const change = (config: Config) => (config.billing.topupFeePct = 5.5);
  await using shop = await openShop(stripe, { change });
  expect<object>(shop.payments.quote("10")).toEqual({
    amount: 9.45e9,
    price: 1000,
    currency: "USD",
  });
});

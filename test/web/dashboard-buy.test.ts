import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { balanceOf, checkBalances } from "#src/ledger/transactions.ts";
import { toUnits } from "#src/ledger/money.ts";
import { selling } from "#test/payment/kit.ts";
import { eventsOf, sessionOf, signed, startStripe } from "#test/payment/stripe.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const path = "/dashboard/credits/buy";
const stripe = startStripe();
let home: PeopleGateway;
let ada: Browser;

beforeAll(async () => {
  home = await startPeople(selling(stripe), { simulated: true });
  ada = await home.somebody("ada");
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await stripe[Symbol.asyncDispose]();
});

async function accountOf(name: string): Promise<string> {
  const [row] = await home.store.read("SELECT account_id FROM person WHERE email = ?", [
    `${name}@example.org`,
  ]);
  return String(row?.["account_id"]);
}

async function balance(accountId: string): Promise<number> {
  return toUnits((await balanceOf(home.store, accountId)).balance);
}

/** Begins a purchase, and returns its id. */
async function begin(amount = "20"): Promise<string> {
  const sent = await ada.post(path, { amount });
  expect(sent.status).toBe(200);
  return /cs_test_(pur_\w+)/.exec(sent.text)?.[1] ?? "";
}

async function tell(event: unknown, headers?: Record<string, string>): Promise<Response> {
  const { body, signature } = signed(event, { at: home.clock.now() });
  return fetch(`${home.url}/stripe/webhook`, {
    method: "POST",
    body,
    headers: headers ?? { "stripe-signature": signature },
  });
}

describe("buying credit", () => {
  test("leads to Stripe by a link, since a form may lead nowhere else", async () => {
    const form = await ada.get(path);
    expect(words(form)).toContain("From 5.00 to 1,000.00. All of it becomes credit.");
    const sent = await ada.post(path, { amount: "20" });
    const [session] = /cs_test_pur_\w+/.exec(sent.text) ?? [];
    expect(sent.text).toContain(`href="https://checkout.stripe.com/c/pay/${session}"`);
    expect(words(sent)).toContain("You pay 20.00 USD and get 20.00 USD of credit");
    expect(sent.headers.get("content-security-policy")).toContain("form-action 'self'");
    expect(sent.headers.get("cache-control")).toBe("no-store");
    const { form: asked } = stripe.asked.at(-1) ?? {};
    const id = asked?.get("client_reference_id");
    const account = await accountOf("ada");
    expect(asked?.get("success_url")).toBe(`${home.url}${path}/${id}?account=${account}`);
    expect(asked?.get("cancel_url")).toBe(`${home.url}${path}?account=${account}&done=cancelled`);
    expect(asked?.get("customer_email")).toBe("ada@example.org");
  });

  test("gives nothing for coming back, and the credit when Stripe says so", async () => {
    const account = await accountOf("ada");
    const before = await balance(account);
    const id = await begin();
    const back = await ada.get(`${path}/${id}?account=${account}&session_id=${sessionOf(id)}`);
    expect(words(back)).toContain("Waiting for the payment");
    expect(await balance(account)).toBe(before);
    const told = await tell(eventsOf(id, 2000).completed());
    expect([told.status, await told.text()]).toEqual([200, '{"received":true}']);
    expect(await balance(account)).toBe(before + 20);
    expect(words(await ada.get(`${path}/${id}`))).toContain("The credit is there");
    await tell(eventsOf(id, 2000).refunded(500));
    expect(words(await ada.get(`${path}/${id}`))).toContain("Taken back 5.00 USD");
  });

  test("an amount that cannot be bought is said on the form, with what was typed", async () => {
    const sent = await ada.post(path, { amount: '"><script>alert(1)</script>' });
    expect(sent.status).toBe(400);
    expect(words(sent)).toContain("Cannot buy for this: give an amount from 5 to 1000.");
    expect(sent.text).not.toContain("<script>alert");
    expect(words(await ada.get(`${path}?done=cancelled`))).toContain("Nothing was paid.");
  });

  test("where Stripe does not answer, the form says so", async () => {
    stripe.answer(() => new Response("down", { status: 503 }));
    const sent = await ada.post(path, { amount: "20" });
    stripe.answer(undefined);
    expect(sent.status).toBe(502);
    expect(words(sent)).toContain("Cannot begin the payment");
  });

  test("does not exist for members, for others, nor for another site", async () => {
    const id = await begin();
    const account = await accountOf("ada");
    const member = await home.somebody("member", { accountId: account, role: "member" });
    const stranger = await home.somebody("stranger");
    for (const [who, at] of [
      [member, `${path}?account=${account}`],
      [member, `${path}/${id}?account=${account}`],
      [stranger, `${path}?account=${account}`],
      [stranger, `${path}/${id}`],
      [ada, `${path}/pur_unknown`],
    ] as const)
      expect([at, (await who.get(at)).status]).toEqual([at, 404]);
    const posted = await member.post(`${path}?account=${account}`, { amount: "20" });
    expect(posted.status).toBe(404);
    const foreign = await ada.post(path, { amount: "20" }, { origin: "https://evil.example" });
    expect(foreign.status).toBe(403);
    expect((await home.browser().get(path)).status).toBe(303);
  });

  test("shows names that are scripts as text", async () => {
    const name = `<script>alert(1)</script>"><img src=x onerror=alert(1)>`;
    const account = await accountOf("ada");
    await home.store.write([
      { sql: "UPDATE account SET name = ? WHERE id = ?", args: [name, account] },
    ]);
    const id = await begin();
    for (const at of [path, `${path}/${id}`]) {
      const { text } = await ada.get(at);
      expect(text).not.toMatch(/<script>alert|<img src=x/);
    }
    expect((await ada.get(path)).text).toContain("&lt;script&gt;");
  });

  test("credit that was bought pays the next request, and a refund beyond what is left ends it at once", async () => {
    const buyer = await home.somebody("buyer");
    const accountId = await accountOf("buyer");
    const { secret } = await createKey(home.store, home.clock, { accountId, name: "key" });
    const ask = async () => {
      const response = await fetch(`${home.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
        body: JSON.stringify({
          model: "openai/gpt-4o-mini",
          messages: [{ role: "user", content: "Hello" }],
        }),
      });
      await response.text();
      return response.status;
    };
    expect(await ask()).toBe(402);
    const sent = await buyer.post(path, { amount: "1000" });
    const id = /cs_test_(pur_\w+)/.exec(sent.text)?.[1] ?? "";
    const { completed, refunded } = eventsOf(id, 100_000);
    await tell(completed());
    // The second one holds more than it needs, for those to come.
    expect([await ask(), await ask()]).toEqual([200, 200]);
    // What it cost is written after its answer.
    while ((await balance(accountId)) === 1000) await Bun.sleep(1);
    await tell(refunded(100_000));
    expect(await ask()).toBe(402);
    expect(await balance(accountId)).toBeLessThan(0);
    expect(await checkBalances(home.store)).toEqual([]);
  });
});

describe("POST /stripe/webhook", () => {
  test("takes nothing without Stripe's signature, and logs that once a minute", async () => {
    const id = await begin();
    const event = eventsOf(id, 2000).completed();
    const old = signed(event, { at: home.clock.now() - 301_000 }).signature;
    const refused: Record<string, string>[] = [
      {},
      { "stripe-signature": "t=1,v1=00" },
      { "stripe-signature": signed("other", { at: home.clock.now() }).signature },
      { "stripe-signature": old },
    ];
    for (const headers of refused) {
      const response = await tell(event, headers);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('"param":"stripe-signature"');
    }
    expect(words(await ada.get(`${path}/${id}`))).toContain("Waiting for the payment");
    expect(home.logged().match(/stripe_event_refused/g)).toHaveLength(1);
  });

  test("refuses a body that is too long, and other methods", async () => {
    expect((await tell("x".repeat(1_048_577))).status).toBe(413);
    expect((await fetch(`${home.url}/stripe/webhook`)).status).toBe(405);
  });

  test("answers an amount that was not asked for with 400, and gives nothing", async () => {
    const id = await begin();
    const response = await tell(eventsOf(id, 999_999).completed());
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("its amount is not that of the purchase");
  });

  test("does not exist where no key is set, nor does the page", async () => {
    await using bare = await startPeople();
    const eve = await bare.somebody("eve");
    const response = await fetch(`${bare.url}/stripe/webhook`, { method: "POST", body: "{}" });
    expect(response.status).toBe(404);
    for (const answer of [await eve.get(path), await eve.post(path, { amount: "20" })]) {
      expect(answer.status).toBe(404);
      expect(words(answer)).toContain("the operator of this gateway adds it");
    }
  });
});

describe("purchases that gave no credit", () => {
  test("stand on the page of credits with what became of them, until they are paid, and for no other account", async () => {
    const eve = await home.somebody("eve");
    const start = async () => {
      const sent = await eve.post(path, { amount: "7" });
      return /cs_test_(pur_\w+)/.exec(sent.text)?.[1] ?? "";
    };
    const list = async () => words(await eve.get("/dashboard/credits"));
    expect(await list()).not.toContain("Purchases without credit");
    const [open, expired, failed, paid] = [
      await start(),
      await start(),
      await start(),
      await start(),
    ];
    await tell(eventsOf(expired, 700).expired());
    await tell(eventsOf(failed, 700).failed());
    await tell(eventsOf(paid, 700).completed());
    const seen = await list();
    expect(seen).toContain(`7.00 USD waits for the payment ${open}`);
    expect(seen).toContain(`7.00 USD not paid in time ${expired}`);
    expect(seen).toContain(`7.00 USD the payment failed ${failed}`);
    expect(seen.split(paid)).toHaveLength(2);
    expect(seen).toContain(`Credit bought, ${paid}`);
    expect((await eve.get(`${path}/${open}`)).status).toBe(200);
    expect(words(await ada.get("/dashboard/credits"))).not.toContain(open);
    expect((await ada.get(`${path}/${open}`)).status).toBe(404);
  });
});

test("a fee is said before it is paid, beside the purchase, and in its transaction", async () => {
  await using stall = startStripe();
  await using house = await startPeople((config) => {
    selling(stall)(config);
    config.billing.topupFeePct = 5;
  });
  const bob = await house.somebody("bob");
  expect(words(await bob.get(path))).toContain("5 % of it is a fee; the rest becomes credit.");
  const sent = await bob.post(path, { amount: "20" });
  expect(words(sent)).toContain(
    "You pay 20.00 USD and get 19.00 USD of credit: 1.00 USD of it is a fee.",
  );
  expect(stall.asked.at(-1)?.form.get("line_items[0][price_data][unit_amount]")).toBe("2000");
  const id = /cs_test_(pur_\w+)/.exec(sent.text)?.[1] ?? "";
  const { body, signature } = signed(eventsOf(id, 2000).completed(), { at: house.clock.now() });
  const headers = { "stripe-signature": signature };
  await fetch(`${house.url}/stripe/webhook`, { method: "POST", body, headers });
  expect(words(await bob.get(`${path}/${id}`))).toContain("Fee 1.00 USD");
  const page = words(await bob.get("/dashboard/credits"));
  expect(page).toContain(`+19.00 Credit bought, ${id}; a fee of 1 USD was paid besides`);
  expect(await checkBalances(house.store)).toEqual([]);
});

import { describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { createAccount, findAccount } from "#src/account/accounts.ts";
import { balanceOf, listTransactions } from "#src/ledger/transactions.ts";
import { nano } from "#src/ledger/money.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { tableOf } from "#test/web/outline.ts";
import { type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const million = 1_000_000_000;

/** A request with a key, as a client sends one: its status and the code of its error. */
async function ask(house: PeopleGateway, secret: string): Promise<[number, string | undefined]> {
  const response = await fetch(`${house.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      max_tokens: 20,
      messages: [{ role: "user", content: "Hello" }],
    }),
  });
  const answer: { error?: { code?: string } } = JSON.parse(await response.text());
  return [response.status, answer.error?.code];
}

describe("accounts of the gateway", () => {
  test("an operator makes an account with credit, which the ledger and the audit log say", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const sent = await ada.post("/operator/accounts", {
      name: "Lab",
      plan: "prepaid",
      credit: "12.5",
    });
    const [, id = ""] = /^\/operator\/accounts\/(acc_\w+)\?done=made$/.exec(sent.to ?? "") ?? [];
    expect([sent.status, id === ""]).toEqual([303, false]);
    const page = await ada.get(sent.to ?? "");
    expect([page.status, page.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(words(page)).toContain("The account is made");
    expect(words(page)).toContain("12.50 USD");
    expect((await balanceOf(house.store, id)).balance).toBe(nano(12.5 * million));
    const [row] = await house.store.read(
      `SELECT actor, target, detail, (SELECT id FROM person WHERE email = 'ada@example.org') AS ada
        FROM audit_event WHERE action = 'account.created'`,
      [],
    );
    expect(row?.actor).toBe(row?.ada ?? "");
    expect(row?.target).toBe(id);
    expect(JSON.parse(String(row?.detail))).toEqual({
      plan: "prepaid",
      credit_nano: 12.5 * million,
    });
  });

  test("credit, disabling and the plan take effect on the next request", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { store, gateway } = house;
    const { people } = gateway.services;
    const ada = await house.somebody("ada", { operator: true });
    const { id } = await createAccount(store, people, { name: "Lab", plan: "prepaid" });
    const { secret } = await createKey(store, house.clock, { accountId: id, name: "k" });
    const path = `/operator/accounts/${id}`;
    expect(await ask(house, secret)).toEqual([402, "insufficient_credits"]);
    const credited = await ada.post(`${path}/credit`, { amount: "3", note: "for the trial" });
    expect(credited.to).toBe(`${path}?done=credit`);
    expect(await ask(house, secret)).toEqual([200, undefined]);
    expect((await ada.post(`${path}/disable`, {})).to).toBe(`${path}?done=disabled`);
    expect((await ask(house, secret))[0]).toBe(401);
    expect(words(await ada.get(path))).toContain("Disabled");
    await ada.post(`${path}/enable`, {});
    expect(await ask(house, secret)).toEqual([200, undefined]);
    await ada.post(`${path}/credit`, { amount: "-3" });
    expect(await ask(house, secret)).toEqual([402, "insufficient_credits"]);
    await ada.post(`${path}/plan`, { plan: "metered" });
    expect(await ask(house, secret)).toEqual([200, undefined]);

    const { items } = await listTransactions(store, id, { pageSize: 50 });
    const moved = items.filter(({ type }) => type !== "usage");
    expect(moved.map(({ type, amount, description }) => [type, amount, description])).toEqual([
      ["adjustment", nano(-3 * million), "Credit taken by the operator"],
      ["credit", nano(3 * million), "for the trial"],
    ]);
    expect((await house.audit()).slice(-5)).toEqual([
      "credit.added",
      "account.disabled",
      "account.enabled",
      "credit.taken",
      "account.plan_changed",
    ]);
  });

  test("an account's page says what moved its balance, what it used this month, and the log who gave from where", async () => {
    await using house = await startPeople();
    const { store, gateway, clock } = house;
    const now = new Date(clock.now());
    const lastMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth()) - 1;
    const ada = await house.somebody("ada", { operator: true });
    const { id } = await createAccount(store, gateway.services.people, {
      name: "Lab",
      plan: "prepaid",
    });
    const path = `/operator/accounts/${id}`;
    await ada.post(`${path}/credit`, { amount: "3", note: "for the trial" });
    for (const createdAt of [clock.now(), lastMonth]) {
      const parts = { accountId: id, createdAt, cost: nano(2 * million) };
      const generation = sampleGeneration({ ...parts, id: gateway.app.ids.next("gen") });
      await gateway.app.ledger.record({ generation, movements: [] });
    }
    const { text } = await ada.get(path);
    const moved = await tableOf(text, /^The last transactions, in USD$/);
    expect(moved.map((row) => row.slice(1))).toContainEqual(["credit", "3.00", "for the trial"]);
    expect(words(await ada.get(path))).toContain("This month 1 requests, 2.00 USD, 700 tokens");
    const [row] = await store.read(
      `SELECT actor = (SELECT id FROM person WHERE email = 'ada@example.org') AS is_ada, address, account_id
        FROM audit_event WHERE action = 'credit.added'`,
      [],
    );
    expect({ ...row }).toEqual({ is_ada: 1, address: "127.0.0.1", account_id: id });
  });

  test.each([
    ["", "Cannot book nothing"],
    ["0", "Cannot book nothing"],
    ["five", "Cannot use &quot;five&quot; as an amount"],
    ["1e3", "Cannot use &quot;1e3&quot; as an amount"],
    ["1000001", "up to 1,000,000"],
    ["NaN", "as an amount"],
  ])("an amount of %p is a 400 that books nothing", async (amount, said) => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const sent = await ada.post(`/operator/accounts/${house.accountId}/credit`, { amount });
    expect([sent.status, sent.text.includes(said)]).toEqual([400, true]);
    expect((await balanceOf(house.store, house.accountId)).granted).toBe(nano(0));
    expect(await house.audit()).not.toContain("credit.added");
  });

  test("the list is searched by name, id and a member's address, and pages without gaps or repeats", async () => {
    await using house = await startPeople();
    const { people } = house.gateway.services;
    const ada = await house.somebody("ada", { operator: true });
    const made: string[] = [];
    for (let at = 0; at < 120; at++) {
      house.clock.advance(5);
      const name = at === 7 ? "100%_sure" : `Account ${at}`;
      made.push((await createAccount(house.store, people, { name, plan: "prepaid" })).id);
    }
    const seen: string[] = [];
    let path: string | undefined = "/operator";
    let pages = 0;
    while (path !== undefined) {
      const { text } = await ada.get(path);
      seen.push(
        ...[...text.matchAll(/<code class="small soft">(acc_\w+)/g)].map(([, id = ""]) => id),
      );
      const [, next] = /<a href="([^"]+)" rel="next"/.exec(text) ?? [];
      path = next?.replaceAll("&amp;", "&");
      pages++;
    }
    expect(pages).toBe(3);
    expect(new Set(seen).size).toBe(seen.length);
    expect(made.filter((id) => !seen.includes(id))).toEqual([]);

    const found = async (query: string): Promise<unknown[]> => {
      const { text } = await ada.get(`/operator?format=json&${query}`);
      const list: { data: { id: string }[] } = JSON.parse(text);
      return list.data.map(({ id }) => id);
    };
    expect(await found("q=100%25_s")).toEqual([made[7]]);
    expect(await found("q=0%25_")).toEqual([made[7]]);
    expect(await found(`q=${made[3]}`)).toEqual([made[3]]);
    expect(await found("q=ada%40example")).toHaveLength(1);
    expect(await found("state=disabled")).toEqual([]);
    await ada.post(`/operator/accounts/${made[3]}/disable`, {});
    expect(await found("state=disabled")).toEqual([made[3]]);
    expect(await found("state=active")).toHaveLength(121);
    const csv = await ada.get("/operator?format=csv&q=Account+11");
    expect(csv.headers.get("content-type")).toContain("text/csv");
    expect(csv.text.split("\r\n")[0]).toBe(
      "name,id,plan,balance,spent_this_month,keys,members,state,created_at",
    );
  });

  test("an account that is not there is 404, to be seen and to be changed", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const path = "/operator/accounts/acc_00000000000000000000000000";
    expect((await ada.get(path)).status).toBe(404);
    for (const act of ["credit", "disable", "enable", "plan"])
      expect((await ada.post(`${path}/${act}`, { amount: "1", plan: "metered" })).status).toBe(404);
    expect(await findAccount(house.store, "acc_00000000000000000000000000")).toBeUndefined();
    expect(await house.audit()).not.toContain("credit.added");
  });

  test("a name that is a script stays a name, and keys show only their label", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const name = `<script>alert(1)</script>"><img src=x onerror=alert(2)>`;
    const sent = await ada.post("/operator/accounts", { name, plan: "metered" });
    const id = /acc_\w+/.exec(sent.to ?? "")?.[0] ?? "";
    const { key, secret } = await createKey(house.store, house.clock, { accountId: id, name });
    await ada.post(`/operator/accounts/${id}/credit`, { amount: "1", note: name });
    for (const path of ["/operator", `/operator/accounts/${id}`]) {
      const { text } = await ada.get(path);
      expect(text).not.toContain("<script>alert");
      expect(text).not.toContain("<img");
      expect(text).toContain("&lt;script&gt;alert(1)");
    }
    const { text } = await ada.get(`/operator/accounts/${id}`);
    expect(text).toContain(key.label);
    expect(text).not.toContain(secret);
    expect(text).not.toContain(key.hash);
  });
});

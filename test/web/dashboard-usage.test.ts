import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { createKey } from "#src/account/keys.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { nano } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { dayOf } from "#src/lib/clock.ts";
import { figure } from "#src/web/format.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const dayMs = 86_400_000;
const nasty = [
  "<script>alert(1)</script>",
  `"><img src=x onerror=alert(1)>`,
  "javascript:alert(1)",
];

/** Who is who: their id and their own account. */
async function idsOf({ store }: PeopleGateway, name: string) {
  const [row] = await store.read("SELECT id, account_id FROM person WHERE name = ?", [name]);
  return { person: String(row?.["id"]), account: String(row?.["account_id"]) };
}

/** Writes requests through the ledger of the gateway. */
async function record(house: PeopleGateway, ...generations: Partial<Generation>[]): Promise<void> {
  await Promise.all(
    generations.map((parts) => {
      const id = house.gateway.app.ids.next("gen");
      const generation = sampleGeneration({ createdAt: house.clock.now(), ...parts, id });
      return house.gateway.app.ledger.record({ generation, movements: [] });
    }),
  );
}

async function keyFor(
  house: PeopleGateway,
  accountId: string,
  createdBy: string | undefined,
  name: string,
): Promise<string> {
  const made = await createKey(house.store, house.clock, {
    accountId,
    name,
    ...(createdBy === undefined ? {} : { createdBy }),
  });
  return made.key.hash;
}

const listing = v.looseObject({
  object: v.literal("list"),
  rows: v.number(),
  is_cut: v.boolean(),
  totals: v.looseObject({ requests: v.number(), usage: v.number(), carbon_g: v.number() }),
  data: v.array(v.looseObject({ requests: v.number(), usage: v.number() })),
});

async function jsonAt(browser: Browser, path: string) {
  return v.parse(listing, JSON.parse((await browser.get(path)).text));
}

/** An organisation with an owner, a member, and two keys that the member's is one of. */
async function organisation(house: PeopleGateway) {
  const ada = await house.somebody("ada");
  await ada.post("/account/organisations", { name: "Works" });
  const [row] = await house.store.read("SELECT id FROM account WHERE name = 'Works'", []);
  const account = String(row?.["id"]);
  const max = await house.somebody("max", { accountId: account, role: "member" });
  const keys = {
    ada: await keyFor(house, account, (await idsOf(house, "ada")).person, "ada's key"),
    max: await keyFor(house, account, (await idsOf(house, "max")).person, "max's key"),
  };
  return { ada, max, account, keys };
}

describe("/dashboard", () => {
  test("leads who has no key to make one, with the line of this host; then no more", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada");
    const first = await ada.get("/dashboard");
    expect(first.status).toBe(200);
    expect(first.text).toContain('href="/dashboard/keys?account=');
    expect(words(first)).toContain("Make a key");
    expect(first.text).toContain(`curl ${house.url}/v1/chat/completions`);
    const { account, person } = await idsOf(house, "ada");
    await keyFor(house, account, person, "mine");
    const second = await ada.get("/dashboard");
    expect(words(second)).not.toContain("Make a key");
    expect(second.headers.get("cache-control")).toBe("no-store");
  });

  test("says what to set where no provider has a credential", async () => {
    await using bare = await startPeople();
    const ada = await bare.somebody("ada");
    expect(words(await ada.get("/dashboard"))).toContain("No provider has a credential");
    await using served = await startPeople(() => {}, { simulated: true });
    const max = await served.somebody("max");
    expect(words(await max.get("/dashboard"))).not.toContain("No provider has a credential");
  });

  test("shows balance, spend of the month and how long the credit lasts, in a band", async () => {
    await using house = await startPeople();
    house.clock.set(Date.UTC(2026, 5, 20, 11, 50));
    const ada = await house.somebody("ada", { credit: nano(20_000_000_000) });
    const { account, person } = await idsOf(house, "ada");
    await house.store.write([
      { sql: "UPDATE account SET plan = 'prepaid' WHERE id = ?", args: [account] },
    ]);
    const keyId = await keyFor(house, account, person, "k");
    expect(words(await ada.get("/dashboard"))).toContain("Green: nothing was spent");
    // What is over is remembered for ten minutes.
    house.clock.set(Date.UTC(2026, 5, 20, 12));
    const spend = (days: number, units: number) => ({
      accountId: account,
      keyId,
      cost: nano(units * 1_000_000_000),
      createdAt: house.clock.now() - days * dayMs,
    });
    // 7.5 in seven and a half days; what is older does not count for the rate, nor what was in May for the month.
    await record(house, spend(7, 3.5), spend(1, 4), spend(8, 1), spend(25, 1.5));
    const green = words(await ada.get("/dashboard"));
    expect(green).toContain("10.00 USD");
    expect(green).toContain("8.50 USD spent this month");
    expect(green).toContain("Amber: lasts 10 days at 1.00 USD a day");
    await addCredit(house.store, house.gateway.app, {
      accountId: account,
      type: "credit",
      amount: nano(5_000_000_000),
      description: "more",
      by: "cli",
    });
    expect(words(await ada.get("/dashboard"))).toContain("Green: lasts 15 days");
    await addCredit(house.store, house.gateway.app, {
      accountId: account,
      type: "credit",
      amount: nano(7_000_000_000_000),
      description: "much more",
      by: "cli",
    });
    expect(words(await ada.get("/dashboard"))).toContain("Green: lasts more than ten years at");
    await record(house, spend(0, 7015));
    expect(words(await ada.get("/dashboard"))).toContain("Amber: the credit is used up");
  });

  test("compares with the model of the address, and says saved only where that is higher", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada");
    const { account, person } = await idsOf(house, "ada");
    const keyId = await keyFor(house, account, person, "k");
    await record(house, { accountId: account, keyId, energyWh: 0.01, carbonG: 0.004 });
    const parameters = [...house.gateway.services.tables.parameters.values()];
    const size = (one: (typeof parameters)[number]) => one.activeB.min + one.activeB.max;
    const [smallest] = parameters.toSorted((a, b) => size(a) - size(b));
    const largest = parameters.toSorted((a, b) => size(a) - size(b)).at(-1);
    const at = async (model = "") =>
      words(await ada.get(`/dashboard?baseline=${encodeURIComponent(model)}`));
    const higher = await at(largest?.model);
    expect(higher).toContain("You saved");
    // By the published formula, 700 tokens: the recorded ones, prompt and completion alike.
    const { min = 0, max = 0 } = largest?.activeB ?? {};
    const energyWh = (8.91e-5 * ((min + max) / 2) + 1.43e-3) * 700;
    expect(higher).toContain(`it would have used ${figure(energyWh)} Wh`);
    expect(higher).toContain(`and ${figure(energyWh * 0.4)} g CO2e`);
    await record(house, { accountId: account, keyId, energyWh: 1e6, carbonG: 4e5 });
    const lower = await at(smallest?.model);
    expect(lower).not.toContain("You saved");
    expect(lower).toContain("would not have used more");
    expect(await at()).not.toContain("You saved");
    expect(await at("no/such-model")).toContain("There is no comparison with no/such-model");
  });

  test("shows a member what their keys did, and no billing", async () => {
    await using house = await startPeople();
    const { ada, max, account, keys } = await organisation(house);
    await record(
      house,
      { accountId: account, keyId: keys.ada, model: "a/of-ada" },
      { accountId: account, keyId: keys.max, model: "a/of-max" },
    );
    const own = await max.get(`/dashboard?account=${account}`);
    expect(words(own)).toContain("a/of-max");
    expect(own.text).not.toContain("a/of-ada");
    expect(words(own)).not.toMatch(/balance|credit/i);
    const whole = words(await ada.get(`/dashboard?account=${account}`));
    expect(whole).toContain("a/of-max");
    expect(whole).toContain("a/of-ada");
    const stranger = await house.somebody("eve");
    expect((await stranger.get(`/dashboard?account=${account}`)).status).toBe(404);
    expect((await house.browser().get("/dashboard")).to).toStartWith("/login");
  });
});

describe("/dashboard/usage", () => {
  test("has the same totals as page, JSON and CSV, by any grouping, of this account alone", async () => {
    await using house = await startPeople();
    const { ada, account, keys } = await organisation(house);
    await record(
      house,
      { accountId: account, keyId: keys.ada, model: "a/one", user: "=SUM(A1)", cost: nano(1) },
      { accountId: account, keyId: keys.max, model: "a/two", region: "us-east" },
      { accountId: account, keyId: keys.max, createdAt: house.clock.now() - 3 * dayMs },
      {
        accountId: account,
        keyId: "deleted",
        energyWh: undefined,
        carbonG: undefined,
        methodology: undefined,
      },
      { accountId: "acc_other", keyId: "foreign", model: "a/foreign" },
    );
    for (const group of [
      "day",
      "model",
      "creator",
      "provider",
      "region",
      "key",
      "user",
      "maker",
      "day,model,creator,key,user",
    ]) {
      const path = `/dashboard/usage?account=${account}&group=${group}`;
      const told = await ada.get(`${path}&format=json`);
      const found = v.parse(listing, JSON.parse(told.text));
      const sum = (name: "requests" | "usage") =>
        found.data.reduce((total, row) => total + row[name], 0);
      expect([group, sum("requests"), found.totals.requests]).toEqual([group, 4, 4]);
      expect(sum("usage")).toBeCloseTo(0.012600001, 12);
      expect(found.totals.usage).toBe(0.012600001);
      const csv = await ada.get(`${path}&format=csv`);
      expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
      const lines = csv.text.trimEnd().split("\r\n");
      expect(lines).toHaveLength(found.data.length + 1);
      const [names = ""] = lines;
      expect(told.text).toContain(`"data":[{"${names.split(",")[0]}":`);
      expect(names).toEndWith(
        "requests,prompt_tokens,completion_tokens,reasoning_tokens,cached_tokens,usage,byok_usage_inference,energy_wh,carbon_g,requests_without_estimate,errors,energy_wh_low,energy_wh_high,carbon_g_low,carbon_g_high,methodology_version",
      );
      expect(names.split(",")).toHaveLength(Object.keys(found.data[0] ?? {}).length);
      expect(csv.text).not.toMatch(/(^|,)=SUM/m);
      const page = await ada.get(path);
      expect(page.status).toBe(200);
      expect(words(page)).toContain("Requests 4, of them 0 not answered");
      expect(page.text).not.toContain("foreign");
    }
    const users = await ada.get(`/dashboard/usage?account=${account}&group=user&format=csv`);
    expect(users.text).toContain("'=SUM(A1)");
  });

  test("keeps its filters in the address, and each can be removed", async () => {
    await using house = await startPeople();
    const { ada, account, keys } = await organisation(house);
    await record(
      house,
      { accountId: account, keyId: keys.ada, model: "a/one", user: "u 1&2" },
      { accountId: account, keyId: keys.max, model: "a/two" },
    );
    const at = (query: string) => ada.get(`/dashboard/usage?account=${account}&${query}`);
    const requests = async (query: string) =>
      Number(/Requests (\d+), of/.exec(words(await at(query)))?.[1]);
    expect(await requests("model=a/one")).toBe(1);
    expect(await requests(`key=${keys.max}`)).toBe(1);
    expect(await requests("user=u+1%262")).toBe(1);
    expect(await requests("provider=openai&region=eu-west")).toBe(2);
    expect(await requests(`maker=${(await idsOf(house, "max")).person}`)).toBe(1);
    expect(await requests("model=no/such")).toBe(0);
    const day = dayOf(house.clock.now());
    expect(await requests(`from=${day}&to=${day}`)).toBe(2);
    const { text } = await at("model=a/one&user=u+1%262&group=day&group=key");
    const links = [...text.matchAll(/href="(\/dashboard\/usage\?[^"]+)"/g)].map(([, href = ""]) =>
      href.replaceAll("&amp;", "&"),
    );
    const without = links.find((href) => !href.includes("model=") && href.includes("user=")) ?? "";
    expect(new URL(without, house.url).searchParams.get("user")).toBe("u 1&2");
    expect(new URL(without, house.url).searchParams.get("group")).toBe("day,key");
    expect(new URL(without, house.url).searchParams.get("account")).toBe(account);
    expect(words(await ada.get(without))).toContain("Requests 1, of");
  });

  test("a member sees the keys that they made, whatever they ask for", async () => {
    await using house = await startPeople();
    const { max, account, keys } = await organisation(house);
    const { person } = await idsOf(house, "ada");
    await record(
      house,
      { accountId: account, keyId: keys.ada, model: "a/of-ada" },
      { accountId: account, keyId: keys.max, model: "a/of-max" },
    );
    for (const query of ["group=model", "group=maker", `maker=${person}`, "group=key"]) {
      const path = `/dashboard/usage?account=${account}&${query}`;
      const page = await max.get(path);
      expect(words(page)).toContain("Requests 1, of");
      expect(page.text).not.toContain("of-ada");
      expect(page.text).not.toContain("ada&#39;s key");
      if (!query.includes(person)) expect(page.text).not.toContain(person);
      expect((await jsonAt(max, `${path}&format=json`)).totals.requests).toBe(1);
      expect((await max.get(`${path}&format=csv`)).text).not.toContain(keys.ada);
    }
    const key = await max.get(`/dashboard/usage?account=${account}&key=${keys.ada}`);
    expect(words(key)).toContain("There is no request");
  });

  test("refuses what it cannot answer, naming the member", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada");
    for (const [query, param, message] of [
      ["group=flavour", "group", "Cannot group by"],
      ["from=2026-02-31", "from", "Cannot read"],
      ["to=yesterday", "to", "Cannot read"],
      ["from=2026-02-02&to=2026-02-01", "from", "the first day comes first"],
      ["from=2024-01-01&to=2026-01-01", "from", "Cannot report more than 366 days"],
      ["sort=colour", "sort", "Cannot sort by"],
      ["format=pdf", "format", "Cannot export"],
      [`user=${"x".repeat(301)}`, "user", "Cannot filter"],
    ]) {
      const asked = await ada.get(`/dashboard/usage?${query}`, { accept: "application/json" });
      expect([query, asked.status]).toEqual([query, 400]);
      expect(JSON.parse(asked.text)).toMatchObject({ error: { param } });
      expect(asked.text).toContain(message ?? "");
      expect((await ada.get(`/dashboard/usage?${query}`)).status).toBe(400);
    }
    expect((await ada.get("/dashboard/usage?from=2025-01-01&to=2026-01-01")).status).toBe(200);
  });

  test("shows scripts in names, models and users as text", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada");
    const { account, person } = await idsOf(house, "ada");
    for (const text of nasty) {
      const keyId = await keyFor(house, account, person, text);
      await record(house, {
        accountId: account,
        keyId,
        keyName: text,
        user: text,
        model: text,
        requestedModel: text,
        provider: text,
        region: text,
        status: "upstream_error",
        errorCode: text,
      });
    }
    const query = new URLSearchParams({
      user: nasty[1] ?? "",
      group: "model,provider,region,key,user",
    });
    for (const path of [
      "/dashboard",
      "/dashboard?baseline=%3Cscript%3Ealert(1)%3C/script%3E",
      "/dashboard/usage?group=model,provider,region,key,user,maker",
      `/dashboard/usage?${query}`,
    ]) {
      const { text, status } = await ada.get(path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).toContain("&lt;script&gt;alert(1)");
      expect(text).not.toMatch(/<script>alert|<img src=x|href="javascript:/);
    }
  });

  test("says where no request of a place has an estimate, and how much is without", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada");
    const { account, person } = await idsOf(house, "ada");
    const keyId = await keyFor(house, account, person, "k");
    const none = { energyWh: undefined, carbonG: undefined, methodology: undefined };
    const of = { accountId: account, keyId };
    await record(
      house,
      { ...of, model: "a/known" },
      { ...of, ...none, model: "a/unknown" },
      { ...of, ...none, model: "a/unknown" },
    );
    const found = await jsonAt(ada, "/dashboard/usage?format=json");
    expect(found.data.map((row) => [row["model"], row["carbon_g"]])).toContainEqual([
      "a/unknown",
      null,
    ]);
    const text = words(await ada.get("/dashboard/usage"));
    expect(text).toContain("2 requests, 66.7 %");
    expect(text).toContain("No request of these has an estimate");
    expect(text).toContain("Not measured: training");
  });
});

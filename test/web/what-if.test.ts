import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { createKey } from "#src/account/keys.ts";
import type { Generation } from "#src/ledger/generation.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { elementsOf, forbidden, headingFaults } from "#test/web/outline.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const nasty = `<script>alert(1)</script>"><img src=x onerror=alert(1)>`;

async function record(house: PeopleGateway, parts: Partial<Generation>): Promise<void> {
  const id = house.gateway.app.ids.next("gen");
  const generation = sampleGeneration({ createdAt: house.clock.now(), ...parts, id });
  await house.gateway.app.ledger.record({ generation, movements: [] });
}

/** An organisation with an owner and a member, each with a key and requests of its own. */
async function works(house: PeopleGateway) {
  const ada = await house.somebody("ada");
  await ada.post("/account/organisations", { name: "Works" });
  const [row] = await house.store.read("SELECT id FROM account WHERE name = 'Works'", []);
  const account = String(row?.["id"]);
  const max = await house.somebody("max", { accountId: account, role: "member" });
  const people = await house.store.read("SELECT id, name FROM person", []);
  for (const [name, times] of [
    ["ada", 3],
    ["max", 2],
  ] as const) {
    const createdBy = String(people.find((one) => one["name"] === name)?.["id"]);
    const { key } = await createKey(house.store, house.clock, {
      accountId: account,
      name: `${name}'s`,
      createdBy,
    });
    for (let at = 0; at < times; at++)
      await record(house, {
        accountId: account,
        keyId: key.hash,
        user: nasty,
        provider: "openai",
        region: "us-east",
        model: "openai/gpt-5.4",
        energyWh: 10,
        carbonG: 3.84,
      });
  }
  return { ada, max, account };
}

const listing = v.looseObject({
  requests: v.number(),
  scenarios: v.array(v.looseObject({ scenario: v.string(), requests_covered: v.number() })),
  data: v.array(v.looseObject({ requests: v.number() })),
});
const jsonAt = async (browser: Browser, path: string) =>
  v.parse(listing, JSON.parse((await browser.get(path)).text));

describe("/dashboard/what-if", () => {
  test("says what the traffic would have been, what is left out and why; the same as JSON and CSV", async () => {
    await using house = await startPeople(() => {}, { simulated: true });
    const { ada, account } = await works(house);
    const at = `/dashboard/what-if?account=${account}`;
    const page = await ada.get(at);
    expect(page.status).toBe(200);
    expect(page.headers.get("cache-control")).toBe("no-store");
    const shown = words(page);
    expect(shown).toContain("estimate");
    expect(shown).toContain("On the cleanest grid that is allowed");
    expect(shown).toContain("openai/gpt-5.4, openai in eu-west");
    expect(shown).toContain("counts a token from a cache as any other of the prompt");
    expect(page.text.match(/title="The methodology counts a token from a cache/g)).toHaveLength(5);
    expect(shown).toContain("What more caching could have done is not in the records");
    expect(shown).toContain("training, embodied hardware");
    const elements = await elementsOf(page.text);
    expect([forbidden(elements), headingFaults(elements)]).toEqual([[], []]);
    const { requests, scenarios, data } = await jsonAt(ada, `${at}&format=json`);
    expect(requests).toBe(5);
    expect(scenarios.find(({ scenario }) => scenario === "cleanest_region")).toMatchObject({
      requests_covered: 5,
      requests_changed: 5,
      recorded: { energy_wh: 50, carbon_g: 19.2 },
    });
    expect(scenarios.find(({ scenario }) => scenario === "prompt_cache")).toMatchObject({
      requests_covered: 0,
      recorded: { energy_wh: null, carbon_g: null },
      estimate: { energy_wh: null, carbon_g: null },
    });
    const csv = await ada.get(`${at}&format=csv`);
    expect(csv.text.trimEnd().split("\r\n")).toHaveLength(data.length + 1);
    expect((await ada.get(`${at}&format=pdf`)).status).toBe(400);
  });

  test("asks of each key where that one may go, and once of all that may go anywhere", async () => {
    await using house = await startPeople(() => {}, { simulated: true });
    const { ada, account } = await works(house);
    const { key } = await createKey(house.store, house.clock, {
      accountId: account,
      name: "pinned",
      region: "us-east",
    });
    for (let at = 0; at < 4; at++)
      await record(house, {
        accountId: account,
        keyId: key.hash,
        provider: "openai",
        region: "us-east",
        model: "openai/gpt-5.4",
        energyWh: 10,
        carbonG: 3.84,
      });
    const { scenarios } = await jsonAt(ada, `/dashboard/what-if?account=${account}&format=json`);
    expect(scenarios.find(({ scenario }) => scenario === "cleanest_region")).toMatchObject({
      requests_covered: 9,
      requests_changed: 5,
    });
  });

  test("shows a member the requests of the keys that they made, and a stranger nothing", async () => {
    await using house = await startPeople(() => {}, { simulated: true });
    const { ada, max, account } = await works(house);
    const at = `/dashboard/what-if?account=${account}`;
    expect((await jsonAt(max, `${at}&format=json`)).requests).toBe(2);
    const [row] = await house.store.read("SELECT id FROM person WHERE name = 'ada'", []);
    expect((await jsonAt(max, `${at}&format=json&maker=${String(row?.["id"])}`)).requests).toBe(2);
    expect((await jsonAt(ada, `${at}&format=json&maker=${String(row?.["id"])}`)).requests).toBe(3);
    const eve = await house.somebody("eve");
    expect((await eve.get(at)).status).toBe(404);
    expect((await house.browser().get(at)).status).toBe(303);
  });

  test("runs no text of a request as markup, and filters by it", async () => {
    await using house = await startPeople(() => {}, { simulated: true });
    const { ada, account } = await works(house);
    const at = `/dashboard/what-if?account=${account}&user=${encodeURIComponent(nasty)}`;
    const page = await ada.get(at);
    expect(page.status).toBe(200);
    expect(page.text).not.toContain("<script>alert");
    expect(page.text).not.toContain("<img src=x");
    expect((await jsonAt(ada, `${at}&format=json`)).requests).toBe(5);
    expect((await jsonAt(ada, `${at}x&format=json`)).requests).toBe(0);
    expect(words(await ada.get(`${at}x`))).toContain("There is no request in these days");
  });
});

describe("/methodology/accuracy", () => {
  test("is linked, says each known case with a number, and is JSON and CSV too", async () => {
    await using house = await startPeople();
    const anyone = house.browser();
    expect((await anyone.get("/methodology")).text).toContain('href="/methodology/accuracy"');
    const page = await anyone.get("/methodology/accuracy");
    const shown = words(page);
    for (const said of [
      "Sizes beyond what was measured",
      "Hardware that is no GPU",
      "One request at a time",
      "16 bits, 32 GPUs; 8 bits, 16 GPUs",
      "101×",
      "from 1.08 to 1.51",
    ])
      expect(shown).toContain(said);
    expect(shown).not.toMatch(/NaN|Infinity|undefined/);
    const listed: unknown = JSON.parse(
      (await anyone.get("/methodology/accuracy?format=json")).text,
    );
    const { data } = v.parse(v.looseObject({ data: v.array(v.looseObject({})) }), listed);
    expect(data.length).toBeGreaterThan(8);
    const csv = await anyone.get("/methodology/accuracy?format=csv");
    expect(csv.text.trimEnd().split("\r\n")).toHaveLength(data.length + 1);
  });
});

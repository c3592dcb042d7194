import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Generation } from "#src/ledger/generation.ts";
import { figure } from "#src/web/format.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { keep } from "#test/web/dashboard-requests-kit.ts";
import { tableOf } from "#test/web/outline.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

let house: PeopleGateway;
let ada: Browser;

beforeAll(async () => {
  house = await startPeople((config) => {
    config.eco.methodology = "v0.11-2026-10";
  });
  ada = await house.somebody("ada", { accountId: house.accountId, role: "owner" });
}, 60_000);

afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
});

/** The page of a request that was recorded so, and the same for programs. */
async function told(parts: Partial<Generation>) {
  const { accountId, store, clock } = house;
  const [id] = await keep(store, [{ accountId, createdAt: clock.now(), ...parts }]);
  const path = `/dashboard/transactions/${id}?account=${accountId}`;
  const page = await ada.get(path);
  const record: unknown = JSON.parse((await ada.get(`${path}&format=json`)).text);
  return { page, record };
}

test("the routing trace says of every place what became of it, why, how long it took, and with which credential", async () => {
  const place = { provider: "openai", model: "openai/gpt-4o-mini" };
  const { page } = await told({
    trace: [
      { ...place, region: "us-east", decision: "filtered", reason: "region_pin" },
      { ...place, region: "eu-west", decision: "failed", reason: "upstream_503", ms: 41 },
      {
        ...place,
        region: "eu-north",
        decision: "selected",
        reason: "lowest_carbon",
        ms: 1240,
        credential: "pk_1",
        is_byok: true,
      },
      { ...place, region: "eu-south", decision: "considered", reason: "not_needed", and_more: 12 },
    ],
  });
  const rows = await tableOf(page.text, /Places, in the order/);
  const untimed = "— Not timed by itself";
  const unchosen = "— There was no choice between credentials";
  expect(rows).toEqual([
    [
      "openai",
      "us-east",
      place.model,
      "left out",
      "outside the region asked for region_pin",
      untimed,
      unchosen,
    ],
    [
      "openai",
      "eu-west",
      place.model,
      "tried, failed",
      "the provider answered 503 upstream_503",
      "41",
      unchosen,
    ],
    [
      "openai",
      "eu-north",
      place.model,
      "answered",
      "lowest carbon lowest_carbon",
      "1,240",
      "pk_1 (the account&#39;s own)",
    ],
    [
      "openai",
      "eu-south",
      place.model,
      "not needed",
      // On a line of its own.
      "another was enough not_neededand 12 more, not needed, not named here",
      untimed,
      unchosen,
    ],
  ]);
});

test("an estimate is explained by the methodology that made it, with both its ends and what is not in it", async () => {
  const { page, record } = await told({
    model: "openai/gpt-4o-mini",
    methodology: "v0.4-2026-01",
  });
  const explanation = at(record, "eco_explanation.explanation");
  expect(at(explanation, "methodology_version")).toBe("v0.4-2026-01");
  const others = listAt(explanation, "other_methodologies");
  expect(others.map((one) => at(one, "methodology_version"))).toEqual(["v0.11-2026-10"]);
  const text = words(page);
  expect(text).toContain("alpha = 0.0000891");
  const ends = (name: string) =>
    ["low", "high"]
      .map((end) => figure(Number(at(explanation, `interval.${name}.${end}`))))
      .join(" to ");
  expect(text).toContain(
    `Result, both ends ${ends("energy_wh")} Wh, ${ends("carbon_g")} g CO2e Not in it`,
  );
  const missing = listAt(explanation, "not_measured");
  expect(missing.length).toBeGreaterThan(2);
  expect(text).toContain(`Not in it ${missing.join("; ")}`);
});

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { fillStore } from "#test/bench/pages-fill.ts";
import {
  axeOn,
  contrastOn,
  type Look,
  looks,
  sideways,
  startBrowser,
  type TestBrowser,
} from "#test/browser/browser.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

let house: PeopleGateway;
let chromium: TestBrowser;
const pictures = process.env.SCREENSHOTS;

beforeAll(async () => {
  [house, chromium] = await Promise.all([
    startPeople(() => {}, { simulated: true }),
    startBrowser(),
  ]);
  const ada = await house.somebody("ada");
  const [row] = await house.store.read("SELECT id, account_id FROM person WHERE name = 'ada'", []);
  const accountId = String(row?.["account_id"]);
  const { key } = await createKey(house.store, house.clock, {
    accountId,
    name: "production",
    createdBy: String(row?.["id"]),
  });
  await fillStore(house.store, {
    accountId,
    keys: [key.hash],
    models: house.gateway.app.routes.models.slice(0, 24).map(({ id }) => id),
    generations: 600,
    days: 30,
    now: house.clock.now(),
  });
  for (const model of ["openai/gpt-5.4", "openai/gpt-5.5", "mistral/mistral-medium-3.5"]) {
    const provider = model.slice(0, model.indexOf("/"));
    const generation = sampleGeneration({
      id: house.gateway.app.ids.next("gen"),
      createdAt: house.clock.now(),
      ...{ accountId, keyId: key.hash, model, provider, carbonG: 40, energyWh: 100 },
      region: provider === "openai" ? "us-east" : "eu-west",
    });
    await house.gateway.app.ledger.record({ generation, movements: [] });
  }
  const cookies = [...ada.cookies].map(([name, value]) => ({ name, value, url: house.url }));
  for (const look of looks) await (await chromium.context(look)).addCookies(cookies);
}, 30_000);

afterAll(async () => {
  await chromium?.close();
  await house?.[Symbol.asyncDispose]();
});

const paths = ["/dashboard/what-if", "/methodology/accuracy"];

describe("what if and accuracy in a browser", () => {
  test("show axe nothing at 320 and 1280 px, light and dark, and scroll down alone", async () => {
    for (const width of [320, 1280] as const) await lookAt(width);
  }, 60_000);
});

async function lookAt(width: Look["width"]): Promise<void> {
  const page = await chromium.open({ width, scheme: "light" });
  const asked: string[] = [];
  page.on("request", (request) => void asked.push(request.url()));
  for (const [at, path] of paths.entries()) {
    await page.goto(house.url + path);
    expect(page.url()).toBe(house.url + path);
    if (pictures !== undefined)
      await page.screenshot({ path: `${pictures}-${at}-${width}.png`, fullPage: true });
    expect([path, width, await sideways(page)]).toEqual([path, width, 0]);
    expect([path, width, await axeOn(page)]).toEqual([path, width, []]);
    await page.emulateMedia({ colorScheme: "dark" });
    expect([path, width, await contrastOn(page)]).toEqual([path, width, []]);
    await page.emulateMedia({ colorScheme: "light" });
  }
  expect(asked.filter((url) => !url.startsWith(house.url))).toEqual([]);
  await page.close();
}

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Provider } from "#src/catalog/model.ts";
import { dayOf } from "#src/lib/clock.ts";
import type { Route } from "#src/provider/deployment.ts";
import { sampleGeneration } from "#test/ledger/sample.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import { tableOf } from "#test/web/outline.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const dayMs = 86_400_000;
const called = /Providers that can be called/;

let house: PeopleGateway;
let ada: Browser;
/** Answers to a list of models with this. */
let refusing: { url: URL; stop(): Promise<void> };

beforeAll(async () => {
  refusing = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response("{}", { status: 401 }),
  });
  house = await startPeople(
    (config) => {
      config.providers["anthropic"] = { base_urls: { global: String(refusing.url) } };
    },
    { simulated: true },
  );
  ada = await house.somebody("ada", { operator: true });
}, 60_000);

afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
  await refusing?.stop();
});

/** Two ways to a provider, of different models. */
function routesTo(id: string): [Route, Route] {
  const { routes } = house.gateway.app;
  const found = house.gateway.services.models
    .flatMap((model) => routes.of(model).slice(0, 1))
    .filter(({ deployment }) => deployment.provider.id === id);
  const [one, other] = found;
  if (one === undefined || other === undefined) throw new Error(`Cannot find two routes to ${id}`);
  return [one, other];
}

/** The line of a provider, as a page and for programs. */
async function lineOf(id: string) {
  const name = house.gateway.services.providers.find((one: Provider) => one.id === id)?.name;
  const { text } = await ada.get("/operator/providers");
  const shown = (await tableOf(text, called)).find(([first]) => first === name) ?? [];
  const told = JSON.parse((await ada.get("/operator/providers?format=json")).text);
  const record = listAt(told, "data").find((row) => at(row, "provider") === id);
  return { shown, record };
}

test("a provider's times are those of its slowest model, and each model has its own beside its circuit", async () => {
  const { health } = house.gateway.app;
  const [slow, quick] = routesTo("mistral");
  const before = await lineOf("mistral");
  expect(before.record).toMatchObject({ first_byte_p50_ms: null, tokens_per_second: null });
  expect(before.shown.join(" ")).toContain("— Nothing was seen in five minutes");
  for (let each = 0; each < 20; each++) {
    health.succeeded(quick, 100);
    health.succeeded(slow, 900);
    health.streamed(quick, 4000, 10_000);
    health.streamed(slow, 300, 10_000);
  }
  /** As it is told: to a tenth. */
  const timesOf = (route: Route) => {
    const { latency, throughput } = health.standing(route);
    return [latency?.p50, latency?.p95, throughput?.p50].map(
      (value) => Math.round((value ?? 0) * 10) / 10,
    );
  };
  const slowest = timesOf(slow);
  expect((slowest[0] ?? 0) / (timesOf(quick)[0] ?? 0)).toBeGreaterThan(5);
  const { shown, record } = await lineOf("mistral");
  const names = ["first_byte_p50_ms", "first_byte_p95_ms", "tokens_per_second"];
  expect(names.map((name) => at(record, name))).toEqual(slowest);
  expect(shown.slice(4, 7).map(Number)).toEqual(slowest);
  const { text } = await ada.get("/operator/providers/mistral");
  const rows = await tableOf(text, /What requests of the last five minutes found/);
  for (const route of [slow, quick]) {
    const row = rows.find(([id]) => id === route.model.id) ?? [];
    expect(row.slice(6, 9).map(Number)).toEqual(timesOf(route));
  }
});

test("a circuit that is open says why in the list and on the provider's page, and how long it stays so", async () => {
  const [broken] = routesTo("google");
  for (let each = 0; each < 5; each++) house.gateway.app.health.failed(broken);
  const why = "it failed repeatedly and is left alone for a while";
  const { shown, record } = await lineOf("google");
  expect(shown[3]).toContain(why);
  expect(at(record, "reason")).toEqual([why]);
  const { text } = await ada.get("/operator/providers/google");
  const rows = await tableOf(text, /What requests of the last five minutes found/);
  const row = rows.find(([id]) => id === broken.model.id) ?? [];
  expect(row.slice(2, 4)).toEqual(["Down", why]);
  expect(Number(row[4])).toBeGreaterThan(0);
});

test("a provider says how old its oldest price is, in days", async () => {
  const { services } = house.gateway;
  const now = house.clock.now();
  const today = dayOf(now);
  const read = services.models
    .flatMap(({ endpoints }) => endpoints)
    .filter(({ provider }) => provider === "openai")
    // The last that has begun holds.
    .flatMap(({ prices }) => prices.filter(({ from }) => (from ?? "") <= today).slice(-1))
    .map((price) => price.read)
    .toSorted();
  const [oldest = ""] = read;
  const { shown, record } = await lineOf("openai");
  expect(at(record, "prices_read")).toBe(oldest);
  const days = Math.floor((now - Date.parse(oldest)) / dayMs);
  expect(shown.at(-1)).toBe(`${oldest}${days} days ago`);
  expect(words(await ada.get("/operator/providers/openai"))).toContain(
    `the oldest was read ${oldest}, ${days} days ago`,
  );
});

test("the list says what is in flight at a provider, and what failed there last", async () => {
  const { app } = house.gateway;
  const seats = [app.inFlight.take("openai"), app.inFlight.take("openai")];
  await app.ledger.record({
    generation: sampleGeneration({
      id: app.ids.next("gen"),
      createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
      trace: [
        {
          provider: "openai",
          region: "us-east",
          model: "openai/gpt-4o-mini",
          decision: "failed",
          reason: "upstream_503",
        },
      ],
    }),
    movements: [],
  });
  const { shown, record } = await lineOf("openai");
  expect(record).toMatchObject({ in_flight: 2, last_error: "upstream_503" });
  expect(shown.slice(7, 9)).toEqual(["2", expect.stringContaining("upstream_503")]);
  expect(shown[8]).toContain("2026-01-02 03:04");
  for (const seat of seats) seat?.leave();
});

test("a test tells a place that works from one that refuses the credential", async () => {
  const told = await ada.post("/operator/providers/mistral/test", {});
  expect(words(told)).toContain("It answered");
  const [works = []] = await tableOf(told.text, /What it answered just now/);
  expect(works.slice(0, 3)).toEqual(["eu-west", "address and credential work", "200"]);
  const refused = await ada.post("/operator/providers/anthropic/test", {});
  expect(words(refused)).toContain("1 of 1 places did not answer well");
  const [row = []] = await tableOf(refused.text, /What it answered just now/);
  expect(row.slice(0, 3)).toEqual([
    "global",
    "the credential was refused (401): check the key",
    "401",
  ]);
  expect(refused.text).toContain('<td class="bad">the credential was refused');
});

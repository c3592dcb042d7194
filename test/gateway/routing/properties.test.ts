import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { AppError } from "#src/lib/error.ts";
import type { Route } from "#src/provider/deployment.ts";
import type { Choice } from "#src/gateway/routing/choose.ts";
import { type Market, openMarket, type Setting } from "#test/gateway/routing/market.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market.close());

const names = ["alpha", "bravo", "carol", "delta", "echo", "fox"];
const places = [
  "alpha/eu-west",
  "alpha/us-east",
  "bravo/eu-north",
  "delta/ap-south",
  "echo/us-east",
  "fox/eu-west",
];
const regions = ["eu-west", "eu-north", "us-east", "ap-south"];
const countries = ["FR", "SE", "US", "IN"];
const slugs = fc.uniqueArray(fc.constantFrom(...names, ...places), { minLength: 1, maxLength: 4 });
const models = ["m/tiny", "m/small", "m/vision", "m/reason", "m/large"];

/** What a request says of its model and of the order of its candidates; nothing that takes any away. */
const orders = fc.record(
  {
    model: fc.constantFrom(...models, "auto", "lowrouter/auto-cheap"),
    route: fc.record(
      {
        policy: fc.constantFrom(
          "balanced",
          "prefer-low-carbon",
          "prefer-cheapest",
          "prefer-region:us-east",
        ),
        prefer_low_carbon: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
    provider: fc.record(
      {
        order: slugs,
        sort: fc.constantFrom("price", "latency", "throughput"),
        preferred_max_latency: fc.constantFrom(0.2, 1),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["model", "route", "provider"] },
);

/** Constraints, each on its own. */
const constraints = fc.oneof(
  fc.record({ route: fc.record({ region: fc.constantFrom(...regions, "eu") }) }),
  fc.record({ route: fc.record({ country: fc.constantFrom(...countries) }) }),
  fc.record({ route: fc.record({ grid_zone: fc.constantFrom(...countries) }) }),
  fc.record({ route: fc.record({ provider: fc.constantFrom(...names) }) }),
  fc.record({ provider: fc.record({ only: slugs }) }),
  fc.record({ provider: fc.record({ ignore: slugs }) }),
  fc.record({ provider: fc.record({ zdr: fc.constant(true) }) }),
  fc.record({ provider: fc.record({ data_collection: fc.constant("deny") }) }),
  fc.record({
    provider: fc.record({ max_price: fc.record({ prompt: fc.constantFrom(0, 1, 5) }) }),
  }),
  fc.record({ provider: fc.record({ quantizations: fc.constantFrom(["fp8"], ["bf16", "int4"]) }) }),
);

interface Body {
  model: string;
  route: object;
  provider: object;
}

function with_(body: Body, more: { route?: object; provider?: object }): Body {
  return {
    ...body,
    route: { ...body.route, ...more.route },
    provider: { ...body.provider, ...more.provider },
  };
}

const states = fc.dictionary(
  fc.constantFrom(...places),
  fc.constantFrom("ok" as const, "degraded" as const, "unavailable" as const),
);
const settings = fc.record({
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  routing: fc.record({ strategy: fc.constantFrom("combined" as const, "price" as const) }),
  weather: fc.record({
    state: states,
    resorts: fc.uniqueArray(fc.constantFrom(...places), { maxLength: 6 }),
    outage: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 2 }),
    latency: fc.dictionary(fc.constantFrom(...places), fc.constantFrom(50, 400, 2000)),
  }),
});

/** The choice; undefined where the request is refused, with any error of our table. */
function chosen(body: object, setting: Setting): Choice | undefined {
  try {
    return market.choose(body, setting);
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

function linesOf(choice: Choice | undefined): string[] {
  return (choice?.routes ?? []).map(
    ({ model, deployment }) => `${deployment.provider.id}/${deployment.region} ${model.id}`,
  );
}

test("a constraint never adds a candidate", () => {
  fc.assert(
    fc.property(orders, constraints, constraints, settings, (body, one, other, setting) => {
      // A model of our choice may be another one when the first is out, so the models are named.
      const named = { ...body, model: body.model.startsWith("m/") ? body.model : "m/small" };
      const free = new Set(linesOf(chosen(named, setting)));
      const held = linesOf(chosen(with_(named, one), setting));
      const heldTwice = linesOf(chosen(with_(with_(named, one), other), setting));
      expect(held.filter((line) => !free.has(line))).toEqual([]);
      expect(heldTwice.filter((line) => !free.has(line))).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("no route of any choice is outside of a pin, whoever pins and whatever fails", () => {
  const pins = fc.constantFrom(
    ...regions.map((region) => ({ text: region, is: { region, country: undefined } })),
    ...countries.map((country) => ({
      text: `country:${country}`,
      is: { region: undefined, country },
    })),
    ...countries.map((country) => ({
      text: `zone:${country}`,
      is: { region: undefined, country },
    })),
  );
  const whose = fc.constantFrom("request", "header", "key", "account");
  fc.assert(
    fc.property(orders, pins, whose, settings, (body, { text, is }, by, setting) => {
      const inRequest = by === "request" || by === "header";
      const asked = inRequest ? with_(body, { route: memberOf(text) }) : body;
      const held: Setting =
        by === "key"
          ? { ...setting, key: { region: text } }
          : by === "account"
            ? { ...setting, account: { region: text } }
            : setting;
      for (const { deployment } of chosen(asked, held)?.routes ?? []) {
        if (is.region !== undefined) expect(deployment.region).toBe(is.region);
        if (is.country !== undefined) expect(deployment.country).toBe(is.country);
        expect(deployment.basis).not.toBe("assumed");
      }
    }),
    { numRuns: 1000 },
  );
});

function memberOf(pin: string): object {
  if (pin.startsWith("country:")) return { country: pin.slice("country:".length) };
  if (pin.startsWith("zone:")) return { grid_zone: pin.slice("zone:".length) };
  return { region: pin };
}

test("eu_only and the region eu let nobody else in, whoever asks for what", () => {
  fc.assert(
    fc.property(orders, constraints, fc.boolean(), settings, (body, more, byOperator, setting) => {
      const held: Setting = byOperator
        ? { ...setting, routing: { ...setting.routing, euOnly: true } }
        : { ...setting, key: { region: "eu" } };
      for (const { deployment } of chosen(with_(body, more), held)?.routes ?? []) {
        expect(["FR", "SE"]).toContain(deployment.country ?? "");
        expect(deployment.basis).not.toBe("assumed");
      }
    }),
    { numRuns: 500 },
  );
});

test("the same state and the same chance give the same order, with each candidate once", () => {
  fc.assert(
    fc.property(orders, settings, (body, setting) => {
      const once = linesOf(chosen(body, setting));
      expect(linesOf(chosen(body, setting))).toEqual(once);
      expect(new Set(once).size).toBe(once.length);
    }),
    { numRuns: 500 },
  );
});

test("nothing that is unavailable is chosen but as the last resort, behind all others, and every route has its reason", () => {
  let resorts = 0;
  fc.assert(
    fc.property(orders, settings, (body, setting) => {
      const choice = chosen(body, setting);
      const state: Partial<Record<string, string>> = setting.weather.state;
      const placeOf = ({ deployment: { provider, region } }: Route) => `${provider.id}/${region}`;
      const isOut = (choice?.routes ?? []).map((one) => state[placeOf(one)] === "unavailable");
      expect(isOut).toEqual(isOut.toSorted());
      for (const [index, route] of (choice?.routes ?? []).entries()) {
        expect(choice?.reasons.get(route)).toBeString();
        if (isOut[index] !== true) continue;
        resorts++;
        expect(setting.weather.resorts).toContain(placeOf(route));
        expect(choice?.reasons.get(route)).toBe("last_resort");
      }
    }),
    { numRuns: 500 },
  );
  expect(resorts).toBeGreaterThan(20);
});

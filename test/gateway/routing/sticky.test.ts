import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createSticky } from "#src/gateway/routing/sticky.ts";
import type { App } from "#src/gateway/context.ts";
import { type Market, openMarket, type Setting } from "#test/gateway/routing/market.ts";

let market: Market;
beforeAll(async () => {
  market = await openMarket();
});
afterAll(() => market.close());
beforeEach(() => {
  market.app.sticky = createSticky(market.clock);
});

const model = "m/vision";
const say = (...texts: string[]) => texts.map((content) => ({ role: "user", content }));

/** Asks, and is answered by the route at a place, as if those before it had failed. */
function served(body: object, place: number, setting?: Setting): void {
  const { routes, conversation } = market.choose(body, setting);
  const route = routes[place];
  if (route === undefined || conversation === undefined) throw new Error("Nothing to serve");
  market.app.sticky.served(conversation, route);
}

const first = (body: object, setting?: Setting) => market.tell(body, setting)[0];

describe("stickiness", () => {
  test("keeps a conversation where it was served, and says so", () => {
    served({ model, messages: say("Hello") }, 2);
    expect(first({ model, messages: say("Hello") })).toBe("alpha/us-east sticky");
    expect(market.tell({ model, messages: say("Hello") })).toHaveLength(4);
  });

  test("follows a conversation as it grows, and no other", () => {
    served({ model, messages: say("Hello") }, 2);
    expect(first({ model, messages: say("Hello", "And then?") })).toBe("alpha/us-east sticky");
    expect(first({ model, messages: say("Hullo") })).toBe("alpha/eu-west best_balance");
    expect(first({ model: "m/large", messages: say("Hello") })).toBe("alpha/eu-west best_balance");
  });

  test("tells conversations apart by what the system says, too", () => {
    const system = (content: string) => [{ role: "system", content }, ...say("Hello")];
    served({ model, messages: system("Be brief") }, 2);
    expect(first({ model, messages: system("Be brief") })).toBe("alpha/us-east sticky");
    expect(first({ model, messages: system("Be long") })).toBe("alpha/eu-west best_balance");
  });

  test("follows a user over all conversations", () => {
    served({ model, user: "u1", messages: say("Hello") }, 2);
    expect(first({ model, user: "u1", messages: say("Another") })).toBe("alpha/us-east sticky");
    expect(first({ model, user: "u2", messages: say("Hello") })).toBe("alpha/eu-west best_balance");
  });

  test("lasts ten minutes from the last use", () => {
    served({ model }, 2);
    market.clock.advance(599_000);
    expect(first({ model })).toBe("alpha/us-east sticky");
    served({ model }, 0);
    market.clock.advance(599_000);
    expect(first({ model })).toBe("alpha/us-east sticky");
    market.clock.advance(2000);
    expect(first({ model })).toBe("alpha/eu-west best_balance");
  });

  test.each<[string, object, Setting | undefined, string]>([
    ["an order", { provider: { order: ["bravo"] } }, undefined, "bravo/eu-north provider_order"],
    ["a sort", { provider: { sort: "price" } }, undefined, "alpha/eu-west lowest_price"],
    ["another pin", { route: { region: "eu" } }, undefined, "bravo/eu-north best_balance"],
    ["another only", { provider: { only: ["alpha"] } }, undefined, "alpha/eu-west best_balance"],
    [
      "a place that is down",
      {},
      { weather: { state: { "alpha/us-east": "unavailable" } } },
      "alpha/eu-west best_balance",
    ],
    [
      "a place that fails",
      {},
      { weather: { state: { "alpha/us-east": "degraded" } } },
      "alpha/eu-west best_balance",
    ],
    [
      "a policy by grams",
      { route: { prefer_low_carbon: true } },
      undefined,
      "bravo/eu-north lowest_carbon",
    ],
  ])("yields to %s", (_, more, setting, expected) => {
    served({ model }, 2);
    expect(first({ model, ...more }, setting)).toBe(expected);
  });

  test("settles a tie of a policy by price instead of chance", () => {
    const body = { model, route: { policy: "prefer-cheapest" } };
    expect(first(body, { random: 0 })).toBe("alpha/us-east tie_drawn");
    served(body, 1, { random: 0 });
    expect(first(body, { random: 0 })).toBe("alpha/eu-west sticky");
  });

  test("keeps accounts apart", () => {
    served({ model }, 2);
    const account = { ...market.caller.account, id: "acc_2" };
    const { account: before } = market.caller;
    market.caller.account = account;
    expect(first({ model })).toBe("alpha/eu-west best_balance");
    market.caller.account = before;
  });

  test("counts hits, moves and starts", () => {
    served({ model }, 0);
    served({ model }, 0);
    served({ model }, 1);
    served({ model, messages: say("New") }, 0);
    expect(market.app.sticky.counts).toEqual({ hits: 1, moves: 1, starts: 2 });
  });

  test("forgets the conversations that were used longest ago, and keeps no text", () => {
    const sticky: App["sticky"] = createSticky(market.clock, 2);
    market.app.sticky = sticky;
    const body = (text: string) => ({ model, messages: say(text) });
    for (const text of ["one", "two", "one", "three"]) served(body(text), 2);
    // After a hit the place of the conversation is first, so the third in line is another.
    expect(first(body("two"))).toBe("alpha/eu-west best_balance");
    expect(first(body("three"))).toBe("alpha/us-east sticky");
    const { conversation } = market.choose(body("a very secret beginning"));
    expect(conversation).toMatch(/^[0-9a-z]{1,13}$/);
  });
});

describe("the price strategy", () => {
  const body = { model: "m/large", provider: { ignore: ["echo/ap-south"] } };

  test("draws by 1/price²: at a third of the price, nine times as often", () => {
    // m/large: alpha 50, echo 37.5 and two regions of alpha: weights 1 : 1 : 16/9.
    let echo = 0;
    const draws = 3600;
    for (let draw = 0; draw < draws; draw++) {
      const line = first(
        { ...body, messages: say(String(draw)) },
        { routing: { strategy: "price" }, random: (draw + 0.5) / draws },
      );
      if (line?.startsWith("echo")) echo++;
    }
    expect(echo / draws).toBeCloseTo(16 / 9 / (2 + 16 / 9), 3);
  });

  test("of prices 1, 2 in outage and 3: nine to one, then the other, and the outage last", () => {
    const priced = {
      model: "m/small",
      provider: { ignore: ["fox", "delta", "echo", "alpha/us-east", "bravo/us-east"] },
    };
    const setting = (random: number): Setting => ({
      routing: { strategy: "price" },
      weather: { outage: ["alpha"] },
      random,
    });
    const order = (random: number) =>
      market
        .tell(priced, setting(random))
        .slice(0, 3)
        .map((line) => line.split("/")[0]);
    expect(order(0.89)).toEqual(["carol", "bravo", "alpha"]);
    expect(order(0.91)).toEqual(["bravo", "carol", "alpha"]);
  });
});

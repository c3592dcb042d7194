import { describe, expect, test } from "bun:test";
import { createLink } from "#src/account/people/links.ts";
import { createThrottles, throttled } from "#src/account/people/throttles.ts";
import { createFakeClock } from "#test/lib/fake-clock.ts";
import { type Browser, password, startPeople } from "#test/web/people-kit.ts";

const quarterHour = 15 * 60_000;
const wrong = "not the password";

function login(browser: Browser, email: string, secret = password, from = "127.0.0.1") {
  return browser.post("/login", { email, password: secret }, { "x-forwarded-for": from });
}

/** Statuses of as many tries, one after the other. */
async function tried(count: number, send: (at: number) => Promise<{ status: number }>) {
  const statuses: number[] = [];
  for (let at = 0; at < count; at++) statuses.push((await send(at)).status);
  return statuses;
}

describe("tries to sign in are counted", () => {
  test("by name and address, by name, and by address, each within a quarter of an hour", () => {
    for (const [most, name, address] of [
      [5, () => "eve", () => "192.0.2.1"],
      [50, () => "eve", (at: number) => `192.0.2.${at}`],
      [60, (at: number) => `eve ${at}`, () => "192.0.2.1"],
    ] as const) {
      const clock = createFakeClock();
      const throttles = createThrottles(clock);
      const one = (at: number) => throttled(throttles, name(at), { address: address(at) });
      for (let at = 0; at < most; at++) expect([most, at, one(at)]).toEqual([most, at, 0]);
      expect(one(most)).toBe(900);
      clock.advance(quarterHour);
      expect(one(most + 1)).toBe(0);
    }
  });

  test("for a name whatever addresses they come from; others sign in all the while", async () => {
    await using house = await startPeople();
    await house.somebody("eve");
    await house.somebody("max");
    // Registering signed her in, and was the first of fifty.
    const sent = await Promise.all(
      Array.from({ length: 49 }, (_, at) =>
        login(house.browser(), "eve@example.org", wrong, `203.0.113.${at}`),
      ),
    );
    expect(new Set(sent.map(({ status }) => status))).toEqual(new Set([401]));
    const late = await login(house.browser(), "eve@example.org", password, "198.51.100.1");
    expect([late.status, late.headers.get("retry-after")]).toEqual([429, "900"]);
    expect((await login(house.browser(), "max@example.org", password, "203.0.113.1")).status).toBe(
      303,
    );
    house.clock.advance(quarterHour);
    expect((await login(house.browser(), "eve@example.org")).status).toBe(303);
  }, 20_000);

  test("for an address whatever it tries: names, codes and links share sixty", async () => {
    await using house = await startPeople();
    await house.somebody("eve");
    const browser = house.browser({ "x-forwarded-for": "203.0.113.7" });
    const sendCode = () => browser.post("/login/code", { code: "123456" });
    expect(new Set(await tried(60, sendCode))).toEqual(new Set([401]));
    const late = await sendCode();
    expect([late.status, Number(late.headers.get("retry-after")) > 0]).toEqual([429, true]);
    const reset = await browser.post("/reset", { "new-password": password });
    expect(reset.status).toBe(429);
    expect((await login(browser, "eve@example.org", password, "203.0.113.7")).status).toBe(429);
    // Elsewhere nobody notices.
    expect((await login(house.browser(), "eve@example.org", password, "203.0.113.8")).status).toBe(
      303,
    );
  });

  test("for a link to register with, and for one to choose a password with", async () => {
    await using house = await startPeople();
    const browser = house.browser();
    await browser.open(await house.invite());
    const send = () => browser.post("/register", { name: "Eve", email: "eve@example.org" });
    expect(await tried(6, send)).toEqual([400, 400, 400, 400, 400, 429]);
    house.clock.advance(quarterHour);
    expect((await send()).status).toBe(400);

    const { token } = await createLink(house.gateway.services.people, {
      purpose: "reset",
      createdBy: "cli",
      personId: "per_1",
      seconds: 3600,
    });
    const guesser = house.browser({ "x-forwarded-for": "203.0.113.9" });
    const guess = (at: number) => {
      guesser.cookies.set("lowrouter.link", `${token.slice(0, -2)}${at}`);
      return guesser.post("/reset", { "new-password": password });
    };
    expect(await tried(61, guess)).toEqual([...Array<number>(60).fill(403), 429]);
  });
});

test("every way in leads to our own pages only, whatever next says", async () => {
  await using house = await startPeople();
  const eve = await house.somebody("eve");
  for (const [next, to] of [
    ["/models?q=a", "/models?q=a"],
    ["https://evil.example/", "/"],
    ["//evil.example", "/"],
    ["///evil.example", "/"],
    ["/\\evil.example", "/"],
    ["\\\\evil.example", "/"],
    ["/\t/evil.example", "/"],
    ["/%09/evil.example", "/%09/evil.example"],
    ["/.//evil.example", "/"],
    ["http:evil.example", "/"],
    ["javascript:alert(1)", "/"],
    ["data:text/html,x", "/"],
    ["evil.example", "/"],
    ["/account\r\nset-cookie: x=1", "/accountset-cookie:%20x=1"],
  ] as const) {
    const query = new URLSearchParams({ next });
    // Who is signed in already is led on at once.
    expect([next, (await eve.get(`/login?${query}`)).to]).toEqual([next, to]);
    const page = await house.browser().get(`/login/code?${query}`);
    const [, kept = ""] = /name="next" value="([^"]*)"/.exec(page.text) ?? [];
    expect([next, kept]).toEqual([next, to]);
  }
});

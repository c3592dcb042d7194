import { describe, expect, test } from "bun:test";
import { createLink, revokeInvitation } from "#src/account/people/links.ts";
import { balanceOf } from "#src/ledger/transactions.ts";
import { nano } from "#src/ledger/money.ts";
import { isFromUs, originOf } from "#src/web/people/knock.ts";
import {
  type Browser,
  password,
  type PeopleGateway,
  startPeople,
  words,
} from "#test/web/people-kit.ts";

const session = "lowrouter.session_token";
const day = 86_400_000;
const quarterHour = 15 * 60_000;

const newcomer = { name: "Eve", email: "eve@example.org", "new-password": password };

function login(
  browser: Browser,
  email: string,
  secret = password,
  more: Record<string, string> = {},
) {
  return browser.post("/login", { email, password: secret }, more);
}

describe("the way in", () => {
  test("a setup link makes the first administrator, who signs out and in again", async () => {
    await using house = await startPeople();
    const browser = house.browser();
    const first = await browser.get(await house.setup());
    expect([first.status, first.to]).toEqual([303, "/register"]);
    expect(words(await browser.get("/register"))).toContain("Set up this gateway");
    const sent = await browser.post("/register", {
      name: "Ada",
      email: "Ada@Example.org",
      "new-password": password,
    });
    expect([sent.status, sent.to]).toEqual([303, "/operator/welcome"]);
    const own = await browser.get("/account");
    expect(words(own)).toContain("Ada, ada@example.org, operator of this gateway");
    expect(own.text).toContain(house.accountId);
    expect(own.headers.get("cache-control")).toBe("no-store");

    expect((await browser.post("/logout", {})).to).toBe("/login?out=1");
    expect((await browser.get("/account")).to).toBe("/login?next=%2Faccount");
    const back = await browser.post("/login", {
      email: "ada@example.org",
      password,
      next: "/models",
    });
    expect([back.status, back.to]).toEqual([303, "/models"]);
    expect((await browser.get("/account")).status).toBe(200);
    expect(await house.audit()).toEqual([
      "setup.created",
      "person.joined",
      "sign_in.done",
      "sign_in.ended",
      "sign_in.done",
    ]);
  });

  test("a setup link works for thirty minutes, and only the newest, and never once there is anybody", async () => {
    await using house = await startPeople();
    const [late, early] = [house.browser(), house.browser()];
    const first = await house.setup();
    const second = await house.setup();
    expect((await early.open(first)).status).toBe(403);
    expect((await late.open(second)).status).toBe(200);
    house.clock.advance(30 * 60_000);
    expect((await late.post("/register", newcomer)).status).toBe(403);
    const third = house.browser();
    await third.open(await house.setup());
    await house.somebody("mallory");
    expect((await third.post("/register", newcomer)).status).toBe(400);
    expect(await house.setup()).toBe("/register?invite=undefined");
  });

  test("an invitation is for one person, also when two take it at the same moment", async () => {
    await using house = await startPeople();
    const path = await house.invite({ credit: nano(5_000_000_000) });
    const browsers = [house.browser(), house.browser(), house.browser()];
    for (const browser of browsers) await browser.open(path);
    const sent = await Promise.all(
      browsers.map((browser, at) =>
        browser.post("/register", { ...newcomer, email: `eve${at}@example.org` }),
      ),
    );
    expect(sent.map(({ status }) => status).sort()).toEqual([303, 403, 403]);
    expect((await house.browser().open(path)).status).toBe(403);
    const people = await house.store.read("SELECT account_id FROM person", []);
    expect(people).toHaveLength(1);
    const { granted } = await balanceOf(house.store, String(people[0]?.["account_id"]));
    expect(granted).toBe(nano(5_000_000_000));
  });

  test("without a link that works, registering is refused in the same words", async () => {
    await using house = await startPeople();
    const expired = await house.invite({ seconds: 60 });
    house.clock.advance(61_000);
    const { link, token } = await createLink(house.gateway.services.people, {
      purpose: "invitation",
      createdBy: "cli",
      seconds: 60,
    });
    await revokeInvitation(house.gateway.services.people, link.id, { actor: "cli" });
    const texts = new Set<string>();
    for (const path of [
      expired,
      `/register?invite=${token}`,
      "/register?invite=nonsense",
      "/register",
    ]) {
      const browser = house.browser();
      const page = await browser.open(path);
      expect(page.status).toBe(403);
      texts.add(words(page));
      expect((await browser.post("/register", newcomer)).status).toBe(403);
    }
    expect(texts.size).toBe(1);
    expect(await house.store.read("SELECT id FROM person", [])).toEqual([]);
  });

  test("an invitation for one address takes no other, and tells nobody who is registered", async () => {
    await using house = await startPeople();
    await house.somebody("eve");
    const browser = house.browser();
    await browser.open(await house.invite({ email: "Zoe@example.org" }));
    const other = await browser.post("/register", { ...newcomer, email: "max@example.org" });
    const known = await browser.post("/register", newcomer);
    expect([other.status, known.status]).toEqual([400, 400]);
    const said = (text: string) => /role="alert">([^<]+)/.exec(text)?.[1];
    expect(said(other.text)).toBe(said(known.text));
    expect(
      (await browser.post("/register", { ...newcomer, email: "zoe@example.org" })).status,
    ).toBe(303);
  });

  test("an invitation for one address is not taken by somebody else who is signed in", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const path = await house.invite({
      email: "zoe@example.org",
      accountId: house.accountId,
      role: "owner",
    });
    await eve.open(path);
    expect((await eve.post("/register", { join: "1" })).status).toBe(400);
    expect((await eve.get("/account")).text).not.toContain(house.accountId);
    const zoe = await house.somebody("zoe");
    await zoe.open(path);
    expect((await zoe.post("/register", { join: "1" })).status).toBe(303);
    expect((await zoe.get("/account")).text).toContain(house.accountId);
  });

  test("a known and an unknown name are refused alike, and after five tries wait a quarter of an hour", async () => {
    await using house = await startPeople();
    await house.somebody("eve");
    const browser = house.browser();
    const seen: string[][] = [];
    for (const email of ["eve@example.org", "nobody@example.org"]) {
      const answers: string[] = [];
      for (let i = 0; i < 6; i++) {
        const { status, text, headers } = await login(browser, email, "not the password");
        answers.push(`${status} ${headers.get("retry-after")} ${text.replaceAll(email, "")}`);
      }
      expect(answers.map((answer) => answer.slice(0, 3))).toEqual([
        ...Array<string>(5).fill("401"),
        "429",
      ]);
      seen.push(answers);
    }
    expect(seen[0]).toEqual(seen[1]);
    expect((await login(browser, "eve@example.org")).status).toBe(429);
    const elsewhere = { "x-forwarded-for": "203.0.113.7" };
    expect((await login(house.browser(), "eve@example.org", password, elsewhere)).status).toBe(303);
    house.clock.advance(quarterHour);
    expect((await login(browser, "eve@example.org")).status).toBe(303);
  });

  test("an unknown name costs as much work as a wrong password", async () => {
    await using house = await startPeople();
    await house.somebody("eve");
    // Of the whole process, threads included: other programs do not count.
    const cost = async (email: string) => {
      const before = process.cpuUsage();
      await login(house.browser(), email, "not the password");
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    await login(house.browser(), "warm@example.org");
    // In turns, the least of each: what else the machine does makes the work of both slower.
    let [known, unknown] = [Infinity, Infinity];
    for (let i = 0; i < 4; i++) {
      known = Math.min(known, await cost("eve@example.org"));
      unknown = Math.min(unknown, await cost("nobody@example.org"));
    }
    // A hash takes tens of milliseconds, everything else one or two.
    expect(unknown).toBeGreaterThan(known / 2);
    expect(unknown).toBeLessThan(known * 2);
  });

  test("each sign-in is a new session, and ends the one that the browser had", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const before = eve.cookies.get(session) ?? "";
    const other = house.browser();
    other.cookies.set(session, before);
    await login(other, "eve@example.org");
    expect(other.cookies.get(session)).not.toBe(before);
    expect((await eve.get("/account")).status).toBe(303);
    expect((await other.get("/account")).status).toBe(200);
  });

  test("a sign-out ends the session, wherever else its cookie is kept", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const thief = house.browser();
    for (const [name, value] of eve.cookies) thief.cookies.set(name, value);
    expect((await thief.get("/account")).status).toBe(200);
    expect((await eve.post("/logout", {})).to).toBe("/login?out=1");
    expect((await thief.get("/account")).status).toBe(303);
    expect(await house.store.read("SELECT id FROM person_session", [])).toEqual([]);
  });

  test("a session that was not signed here is none", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const [token = ""] = decodeURIComponent(eve.cookies.get(session) ?? "").split(".");
    const [row] = await house.store.read("SELECT token FROM person_session", []);
    expect(row?.["token"]).toBe(token);
    const thief = house.browser();
    for (const forged of [token, `${token}.`, `${token}.${"A".repeat(43)}=`]) {
      thief.cookies.set(session, encodeURIComponent(forged));
      expect((await thief.get("/account")).status).toBe(303);
    }
  });

  test("a sign-in leads to our own pages only", async () => {
    await using house = await startPeople();
    await house.somebody("eve");
    for (const [next, to] of [
      ["/models?q=a", "/models?q=a"],
      ["https://evil.example/", "/"],
      ["//evil.example", "/"],
      ["/\\evil.example", "/"],
      ["javascript:alert(1)", "/"],
      ["", "/account"],
    ] as const) {
      const browser = house.browser();
      const sent = await browser.post("/login", { email: "eve@example.org", password, next });
      expect([next, sent.to]).toEqual([next, to]);
    }
  });

  test("forms that no page of ours sent do nothing, at any path", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const paths = await postPaths();
    expect(paths.length).toBeGreaterThan(15);
    const foreign: Record<string, string>[] = [
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: house.url, "sec-fetch-site": "cross-site" },
      { origin: house.url, "sec-fetch-site": "same-site" },
    ];
    for (const path of paths)
      for (const headers of foreign) {
        const { status } = await eve.post(path, { id: "others", password }, headers);
        expect([path, headers, status]).toEqual([path, headers, 403]);
      }
    // Nor such as say nothing of where they come from.
    const cookie = [...eve.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    for (const path of paths) {
      const body = new URLSearchParams({ id: "others", password });
      const { status } = await fetch(house.url + path, {
        method: "POST",
        body,
        headers: { cookie },
        redirect: "manual",
      });
      expect([path, status]).toEqual([path, 403]);
    }
    expect((await eve.get("/account")).status).toBe(200);
    const ours = { origin: "https://evil.example", "sec-fetch-site": "same-origin" };
    expect((await eve.post("/logout", {}, ours)).status).toBe(303);
  });

  test("cookies are out of reach of scripts, and with TLS bound to the host", async () => {
    await using house = await startPeople();
    const plain = await house.browser().get(await house.invite());
    expect(plain.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^lowrouter\.link=[\w-]{43}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax$/,
      ),
    ]);
    await house.somebody("eve");
    const behindTls = house.browser({ "x-forwarded-proto": "https" });
    const { headers } = await login(behindTls, "eve@example.org");
    const [cookie = ""] = headers.getSetCookie().filter((line) => line.includes("session_token"));
    expect(cookie).toStartWith("__Host-lowrouter.session_token=");
    for (const part of ["Path=/", "HttpOnly", "Secure", "SameSite=Lax"])
      expect(cookie.toLowerCase()).toContain(part.toLowerCase());
    expect(cookie).not.toContain("Domain");
    expect((await behindTls.get("/account")).status).toBe(200);
  });

  test.each(["https, http", "HTTPS", "https,https"])(
    "what the outermost of several proxies saw counts: %j is https",
    async (proto) => {
      await using house = await startPeople();
      await house.somebody("eve");
      const hosts = "gateway.example, inner.example:8080";
      const browser = house.browser({ "x-forwarded-proto": proto });
      const { headers } = await login(browser, "eve@example.org");
      const cookies = headers.getSetCookie().join("\n");
      expect(cookies).toContain("__Host-lowrouter.session_token=");
      expect(
        originOf(new Request("http://inner", { headers: { "x-forwarded-host": hosts } })),
      ).toBe("http://gateway.example");
    },
  );

  test("a reset link changes the password once and ends every session", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const [{ id } = {}] = await house.store.read("SELECT id FROM person", []);
    const { token } = await createLink(house.gateway.services.people, {
      purpose: "reset",
      createdBy: "cli",
      personId: String(id),
      seconds: 3600,
    });
    const browser = house.browser();
    expect((await browser.get(`/reset?token=${token}`)).to).toBe("/reset");
    expect((await browser.post("/reset", { "new-password": "short" })).status).toBe(400);
    const changed = await browser.post("/reset", { "new-password": "other words entirely" });
    expect([changed.status, changed.to]).toEqual([303, "/login"]);
    expect((await eve.get("/account")).status).toBe(303);
    expect((await login(browser, "eve@example.org")).status).toBe(401);
    expect((await login(browser, "eve@example.org", "other words entirely")).status).toBe(303);
    expect((await house.browser().open(`/reset?token=${token}`)).status).toBe(403);
    expect((await house.browser().open(`/register?invite=${token}`)).status).toBe(403);
  });

  test("somebody who is disabled neither comes in nor stays", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    await house.store.write([{ sql: "UPDATE person SET disabled = 1", args: [] }]);
    expect((await eve.get("/account")).status).toBe(303);
    expect((await login(house.browser(), "eve@example.org")).status).toBe(401);
  });

  test("no password and no token is in the database, its log, or what is logged", async () => {
    await using house = await startPeople();
    const path = await house.invite();
    const token = path.split("=")[1] ?? "";
    const browser = house.browser();
    await browser.open(path);
    await browser.post("/register", newcomer);
    await login(house.browser(), "eve@example.org", "a wrong password");
    await login(house.browser(), "typed-password-as-name");
    const files = [house.store.path, `${house.store.path}-wal`];
    const bytes = await Promise.all(files.map((file) => Bun.file(String(file)).text()));
    for (const text of [...bytes, house.logged()])
      for (const secret of [token, password, "a wrong password", "typed-password-as-name"])
        expect(text).not.toContain(secret);
    expect(bytes.join("")).toContain("eve@example.org");
  });

  test("a session lasts two weeks at most", async () => {
    await using house = await startPeople();
    await house.somebody("eve");
    const [row] = await house.store.read(
      "SELECT expires_at - created_at AS lasts FROM person_session",
      [],
    );
    expect(Math.round(Number(row?.["lasts"]) / day)).toBe(14);
  });
});

/** Every path of ours that takes a form, or a script's JSON. */
async function postPaths(): Promise<string[]> {
  const found: string[] = [];
  for (const file of ["door-routes.tsx", "account-routes.tsx", "passkey-routes.ts"]) {
    const text = await Bun.file(`${import.meta.dir}/../../src/web/people/${file}`).text();
    for (const [, path = ""] of text.matchAll(/(?:\.post|\bon)\(\s*"([^"]+)"/g)) found.push(path);
  }
  return found;
}

export type { PeopleGateway };

test.each([".4", "1.2.3.999", "gateway.example:99999"])(
  "a form behind a proxy that names %j as its host is measured by the address that was asked",
  (host) => {
    const sent = (origin: string) =>
      isFromUs(
        new Request("http://gateway.example/login", {
          headers: { origin, "x-forwarded-host": host },
        }),
      );
    expect([sent("http://gateway.example"), sent("http://other.example")]).toEqual([true, false]);
  },
);

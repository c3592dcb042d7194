import { createHmac } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { addressOf } from "#src/http/peer.ts";
import { systemClock } from "#src/lib/clock.ts";
import { type Browser, password, startPeople } from "#test/web/people-kit.ts";
import { startWalk, type WalkerName, type WalkHouse } from "#test/web/walk-house.ts";
import { crawl, faultsOf } from "#test/web/walk-pages.ts";

const quarterHour = 15 * 60_000;
const everywhere = /^\/(?!assets|v1|docs\/(api|integrations)|\.well-known)/;
const personal = /^\/(dashboard|account|operator)\b/;
const doors = ["/login", "/login/code", "/register", "/reset", "/forgot"];

/** Everything that links lead a walker to. */
function pagesOf(walk: WalkHouse, as: WalkerName | Browser, headers: Record<string, string> = {}) {
  const starts = ["/", ...doors, "/dashboard", "/account", "/operator/welcome", "/operator"];
  const get = (path: string) => walk.send(as, "GET", { path, headers });
  return crawl(get, starts, everywhere, 2);
}

describe("every page", () => {
  test("keeps scripts, frames and caches out, whoever looks at it", async () => {
    await using walk = await startWalk();
    const faults: string[] = [];
    for (const as of ["nobody", "member", "owner", "operator"] as const) {
      const found = await pagesOf(walk, as);
      for (const [path, seen] of found)
        for (const fault of faultsOf(seen, {
          personal: personal.test(path) || doors.includes(path),
        }))
          faults.push(`${as} ${path}: ${fault}`);
      const shown = [...found].filter(
        ([path, { status }]) => personal.test(path) && status === 200,
      );
      expect([as, shown.length > 20]).toEqual([as, as !== "nobody"]);
    }
    expect(faults).toEqual([]);
    // Behind TLS, every cookie is for TLS alone.
    const tls = { "x-forwarded-proto": "https" };
    const browser = walk.house.browser(tls);
    const invitation = await walk.house.invite();
    const answers = [
      await browser.get(invitation),
      await browser.post("/login", { email: "stranger@example.org", password }),
      await browser.post("/theme", { theme: "dark", to: "/" }),
      await browser.post("/login/passkey/options", {}),
      await browser.post("/account/password", { password, "new-password": `${password} more` }),
      await browser.post("/logout", {}),
    ];
    const cookies = answers.flatMap(({ headers }) => headers.getSetCookie());
    expect(cookies.length).toBeGreaterThan(5);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; ?Secure/i);
      expect(cookie).toMatch(/; ?HttpOnly/i);
      expect(cookie).toMatch(/; ?SameSite=Lax/i);
      expect(cookie).not.toMatch(/; ?Domain=/i);
      // What is no secret and gives no right, such as colours, needs no prefix.
      if (!cookie.startsWith("theme=")) expect(cookie).toStartWith("__Host-");
    }
  }, 60_000);

  test("leads nowhere but to our own pages, however the way on is written", async () => {
    await using house = await startPeople();
    await house.somebody("eve");
    const browser = house.browser();
    const evil = ["//evil.example", "/\\evil.example", "https:evil.example", "///evil.example/%2e"];
    const written = [
      ...evil,
      "/%5cevil.example/..//evil.example",
      "/..//evil.example",
      "/./\\evil.example",
      " //evil.example",
      "\u0001//evil.example",
      "/\n/evil.example",
      "https://evil.example@127.0.0.1/",
      "javascript:alert(1)",
      "//127.0.0.1.evil.example",
    ];
    for (const to of written) {
      const tries = [
        await browser.post("/theme", { theme: "dark", to }),
        await browser.post("/login", { email: "eve@example.org", password, next: to }),
        await browser.get(`/login?${new URLSearchParams({ next: to })}`),
      ];
      for (const { status, to: where } of tries) {
        expect([to, status]).toEqual([to, 303]);
        expect([to, new URL(where ?? "", house.url).origin]).toEqual([to, house.url]);
      }
    }
    const away = await house.browser().get("/dashboard//evil.example");
    expect(away.to ?? "/").toStartWith("/");
  }, 30_000);
});

test("an address that nobody could sign in with is refused before anything is made with it", async () => {
  await using house = await startPeople();
  const browser = house.browser();
  await browser.open(await house.invite());
  const send = (email: string) =>
    browser.post("/register", { name: "Eve", email, "new-password": password });
  for (const email of [
    "eve@localhost",
    "j\u00fcrgen@example.org",
    "a b@example.org",
    '"><lrx>@x.org',
  ])
    expect([email, (await send(email)).status]).toEqual([email, 400]);
  expect(await house.store.read("SELECT id FROM person", [])).toEqual([]);
  house.clock.advance(quarterHour);
  expect((await send("eve+o'hara_1@mail.example.org")).status).toBe(303);
  expect((await browser.get("/account")).status).toBe(200);
}, 30_000);

describe("who guesses learns nothing", () => {
  test("of who is here: whatever became of a person, a sign-in is refused alike and as slowly", async () => {
    await using house = await startPeople();
    const names = ["known", "disabled", "keyless", "twofold"];
    for (const name of names) await house.somebody(name);
    const of = (name: string) => `(SELECT id FROM person WHERE email = '${name}@example.org')`;
    await house.store.write([
      { sql: `UPDATE person SET disabled = 1 WHERE email = 'disabled@example.org'`, args: [] },
      { sql: `UPDATE person SET two_factor_enabled = 1 WHERE id = ${of("twofold")}`, args: [] },
      { sql: `DELETE FROM person_login WHERE person_id = ${of("keyless")}`, args: [] },
    ]);
    const costs = new Map<string, number[]>();
    const answers = new Set<string>();
    for (let round = 0; round < 5; round++)
      for (const name of [...names, "nobody", "warm"]) {
        house.clock.advance(quarterHour);
        const email = `${name}@example.org`;
        const before = process.cpuUsage();
        const { status, text, headers } = await house
          .browser()
          .post("/login", { email, password: "not the password" });
        const { user, system } = process.cpuUsage(before);
        costs.set(name, [...(costs.get(name) ?? []), user + system]);
        answers.add(`${status} ${text.replaceAll(email, "")} ${[...headers.keys()].toSorted()}`);
      }
    expect(answers.size).toBe(1);
    const median = (name: string) => costs.get(name)?.toSorted((a, b) => a - b)[2] ?? 0;
    for (const name of [...names, "nobody"]) {
      // A hash takes tens of milliseconds, everything else one or two.
      expect([name, median(name) > median("known") / 3]).toEqual([name, true]);
      expect([name, median(name) < median("known") * 3]).toEqual([name, true]);
    }
    // The right password of somebody who is shut out is as good as a wrong one.
    house.clock.advance(quarterHour);
    const email = "disabled@example.org";
    const right = await house.browser().post("/login", { email, password });
    expect(right.status).toBe(401);
    expect(answers).toContain(
      `${right.status} ${right.text.replaceAll(email, "")} ${[...right.headers.keys()].toSorted()}`,
    );
  }, 30_000);

  test("from an address that a stranger writes into a header: only a proxy at hand is believed", () => {
    const from = (peer: string, told?: string) =>
      addressOf(
        new Request(
          "http://localhost/",
          told === undefined ? {} : { headers: { "x-forwarded-for": told } },
        ),
        { requestIP: () => ({ address: peer }) },
      );
    expect(from("203.0.113.5", "198.51.100.1")).toBe("203.0.113.5");
    expect(from("10.0.0.2", "198.51.100.1")).toBe("198.51.100.1");
    // What the client wrote stands before what the proxy saw.
    expect(from("127.0.0.1", "1.1.1.1, 198.51.100.1")).toBe("198.51.100.1");
    expect(from("::ffff:10.0.0.2", "2001:db8::1")).toBe("2001:db8::1");
    expect(from("127.0.0.1", "<script>")).toBe("127.0.0.1");
    expect(from("127.0.0.1")).toBe("127.0.0.1");
  });
});

test("a secret is in the one answer that makes it: in no other, no file and no log line", async () => {
  await using walk = await startWalk();
  const { house, own, theirs } = walk;
  const secrets = new Map<string, string>();
  const keep = (
    name: string,
    { headers, text }: { headers: Headers; text: string },
    found: RegExp,
  ) => {
    const secret = (found.exec(text)?.[1] ?? "").replaceAll("&amp;", "&");
    expect([name, secret.length > 9]).toEqual([name, true]);
    expect([name, headers.get("cache-control")]).toEqual([name, "no-store"]);
    secrets.set(name, secret);
  };
  const post = (as: WalkerName, path: string, form: Record<string, string>) =>
    walk.send(as, "POST", { path, form });
  const call = (path: string, json: object) => walk.send("management", "POST", { path, json });
  const hook = { name: "walk", url: "http://127.0.0.1:9/walk", event_types: "credits.low" };
  keep("key", await post("owner", "/dashboard/keys", { name: "one" }), /id="secret">(lr_live_\w+)/);
  keep(
    "management key",
    await post("owner", "/dashboard/keys", { name: "two", key_type: "management" }),
    /id="secret">(lr_mgmt_\w+)/,
  );
  keep("key by API", await call("/api/v1/keys", { name: "three" }), /"key":"(lr_live_\w+)/);
  keep("webhook", await post("owner", "/dashboard/webhooks", hook), /id="secret">(whsec_[^<]+)/);
  const made = await call("/api/v1/webhooks", { ...hook, event_types: ["credits.low"] });
  keep("webhook by API", made, /"secret":"(whsec_[^"]+)/);
  const turned = `/dashboard/webhooks/${own.ids.webhook}/rotate-secret`;
  keep("turned webhook", await post("owner", turned, {}), /id="secret">(whsec_[^<]+)/);
  keep(
    "turned webhook by API",
    await call(`/api/v1/webhooks/${own.ids.webhook}/rotate-secret`, {}),
    /"secret":"(whsec_[^"]+)/,
  );
  const invitation = { email: "", role: "member", days: "7" };
  keep(
    "invitation",
    await post("owner", "/dashboard/members/invite", invitation),
    /register\?invite=([\w-]{43})/,
  );
  keep(
    "operator's invitation",
    await post("operator", "/operator/invitations", invitation),
    /register\?invite=([\w-]{43})/,
  );
  keep(
    "reset",
    await post("operator", "/operator/invitations/reset", { email: "stranger@example.org" }),
    /reset\?token=([\w-]{43})/,
  );
  const codes = await post("owner", "/account/codes/start", { password });
  keep("authenticator", codes, /secret=([A-Z2-7]+)/);
  keep("recovery code", codes, /<li><code>([^<]+)/);
  secrets.set(
    "authenticator, as it is typed",
    secrets.get("authenticator")?.replace(/(.{4})(?=.)/g, "$1 ") ?? "",
  );
  const code = codeOf(secrets.get("authenticator") ?? "");
  expect((await post("owner", "/account/codes/confirm", { code })).status).toBe(303);
  const typedIn: Record<string, string>[] = [
    { provider: "openai", key: "sk-typed-by-somebody-0123456789" },
    {
      provider: "bedrock",
      access_key_id: "AKIDEXAMPLEEXAMPLE",
      secret_access_key: "typed-secret-of-aws-0123",
    },
    // Refused, and not repeated either.
    { provider: "openai", key: "sk-typed-and-refused-0123456789", region: "atlantis" },
  ];
  for (const fields of typedIn) await post("owner", "/dashboard/provider-keys", fields);
  for (const typed of [
    "sk-typed-by-somebody-0123456789",
    "typed-secret-of-aws-0123",
    "sk-typed-and-refused-0123456789",
  ])
    secrets.set(typed, typed);
  secrets.set("password", password);
  // Signed in anew: the step above gave the browser another session.
  house.clock.advance(quarterHour);
  const owner = house.browser();
  await owner.post("/login", { email: own.ids.email, password });
  const half = codeOf(secrets.get("authenticator") ?? "", 1);
  expect((await owner.post("/login/code", { code: half })).status).toBe(303);
  await owner.post("/account/switch", { to: own.ids.account });

  const places: [string, string][] = [["the log", house.logged()]];
  for (const as of [owner, "operator", "member"] as const)
    for (const [path, { text, headers }] of await pagesOf(walk, as))
      places.push([path, `${text} ${JSON.stringify([...headers])}`]);
  expect(places.length).toBeGreaterThan(150);
  for (const path of ["keys", "webhooks", "byok", `webhooks/${own.ids.webhook}/deliveries`, "key"])
    places.push([path, (await walk.send("management", "GET", { path: `/api/v1/${path}` })).text]);
  await house.store.read("PRAGMA wal_checkpoint(PASSIVE)", []);
  const folder = house.gateway.app.config.dataDir;
  for (const name of readdirSync(folder))
    places.push([name, readFileSync(join(folder, name)).toString("latin1")]);
  expect(places.some(([, text]) => text.includes(own.ids.webhook))).toBe(true);
  const all = [...secrets, ...own.secrets.entries(), ...theirs.secrets.entries()];
  const found = all.flatMap(([name, secret]) =>
    places.filter(([, text]) => text.includes(secret)).map(([place]) => `${name} in ${place}`),
  );
  expect(found).toEqual([]);
  // A webhook's secret is no secret if its bytes stand somewhere in another writing.
  const bytes = [...secrets.values()].filter((one) => one.startsWith("whsec_"));
  for (const secret of bytes) {
    const raw = Buffer.from(secret.slice("whsec_".length), "base64");
    for (const [place, text] of places)
      expect([place, text.includes(raw.toString("hex"))]).toEqual([place, false]);
  }
}, 60_000);

/** The six digits that an app would show now, or half a minute from now: each works once. */
function codeOf(secret: string, ahead = 0): string {
  const bits = [...secret]
    .map((letter) =>
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"),
    )
    .join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(systemClock.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

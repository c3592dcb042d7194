import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { encode } from "uqr";
import { addCredit } from "#src/ledger/transactions.ts";
import { nano } from "#src/ledger/money.ts";
import { systemClock } from "#src/lib/clock.ts";
import { createKey } from "#src/account/keys.ts";
import { createLink } from "#src/account/people/links.ts";
import { requirePerson, sessionOf } from "#src/web/people/session.ts";
import { type Browser, type Page, password, startPeople, words } from "#test/web/people-kit.ts";

const session = "lowrouter.session_token";

/** The ids of rows of a person, by the name they registered with. */
async function idsOf(
  house: { store: { read(sql: string, args: string[]): unknown } },
  name: string,
) {
  const rows = await house.store.read(
    `SELECT person.id, person.account_id, (SELECT id FROM person_session WHERE person_id = person.id) AS session
      FROM person WHERE email = ?`,
    [`${name}@example.org`],
  );
  const [row] = Array.isArray(rows) ? rows : [];
  return { id: String(row.id), account: String(row.account_id), session: String(row.session) };
}

function alertOf({ text }: Page): string {
  return /role="alert">([^<]+)/.exec(text)?.[1] ?? "";
}

describe("the page about oneself", () => {
  test("an authenticator app is asked for after the password, once it showed a right code", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    expect((await eve.post("/account/codes/start", { password: "wrong" })).status).toBe(400);
    const shown = await eve.post("/account/codes/start", { password });
    expect(shown.headers.get("cache-control")).toBe("no-store");
    const secret = (/class="secret">([^<]+)/.exec(shown.text)?.[1] ?? "").replaceAll(" ", "");
    const recovery = [...shown.text.matchAll(/<li><code>([^<]+)/g)].map(([, code = ""]) => code);
    expect(recovery.length).toBeGreaterThan(5);
    expect((await eve.post("/account/codes/confirm", { code: "000000" })).status).toBe(400);
    const signIn = async (browser: Browser) =>
      browser.post("/login", { email: "eve@example.org", password, next: "/models" });
    // Not on yet: the password is enough.
    expect((await signIn(house.browser())).to).toBe("/models");
    expect((await eve.post("/account/codes/confirm", { code: codeOf(secret) })).status).toBe(303);
    expect((await eve.get("/account")).text).not.toContain(secret);

    const browser = house.browser();
    const half = await signIn(browser);
    expect(half.to).toBe("/login/code?next=%2Fmodels");
    expect(browser.cookies.get(session)).toBeFalsy();
    expect((await browser.get("/account")).status).toBe(303);
    const wrong = await browser.post("/login/code", { code: "123 456", next: "/models" });
    expect(wrong.status).toBe(401);
    const next = codeOf(secret, 1);
    const right = await browser.post("/login/code", { code: next, next: "/models" });
    expect([right.status, right.to]).toEqual([303, "/models"]);
    expect((await browser.get("/account")).status).toBe(200);

    // Whoever was signed in here before has no part in it.
    const max = await house.somebody("max");
    const shared = house.browser();
    await signIn(shared);
    shared.cookies.set(session, max.cookies.get(session) ?? "");
    const [first = "", code = ""] = recovery;
    // Whoever saw the code that was typed does not come in with it.
    expect((await shared.post("/login/code", { code: next })).status).toBe(401);
    expect((await shared.post("/login/code", { code: first })).status).toBe(303);
    expect(words(await shared.get("/account"))).toContain("eve@example.org");
    expect((await max.get("/account")).status).toBe(303);

    for (const [tried, status] of [
      [code, 303],
      [code, 401],
    ] as const) {
      const lost = house.browser();
      await signIn(lost);
      expect((await lost.post("/login/code", { code: tried })).status).toBe(status);
    }
    const off = await browser.post("/account/codes/off", { password });
    expect(off.to).toBe("/account?done=off");
    expect((await signIn(house.browser())).to).toBe("/models");
  });

  test("the QR code holds what the link holds, black on white, and names no other host", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const { text, headers } = await eve.post("/account/codes/start", { password });
    const uri = (/href="(otpauth:[^"]+)"/.exec(text)?.[1] ?? "").replaceAll("&amp;", "&");
    expect(uri).toContain("eve%40example.org");
    const [svg = ""] = /<svg class="qr".*?<\/svg>/s.exec(text) ?? [];
    const shown = dark(svg);
    const modules = encode(uri, { ecc: "M", border: 4 }).data;
    expect(shown.map((row) => row.join("")).join("\n")).toBe(
      modules.map((row) => row.map(Number).join("")).join("\n"),
    );
    // Cameras want a border of four light modules.
    expect(shown.slice(0, 4).flat()).not.toContain(1);
    expect(svg).toContain('<rect width="');
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  test("a code of an authenticator app works once, for one browser of several that bring it at once", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const shown = await eve.post("/account/codes/start", { password });
    const secret = (/class="secret">([^<]+)/.exec(shown.text)?.[1] ?? "").replaceAll(" ", "");
    const first = codeOf(secret);
    await eve.post("/account/codes/confirm", { code: first });
    const browsers = [house.browser(), house.browser(), house.browser()];
    for (const browser of browsers)
      await browser.post("/login", { email: "eve@example.org", password });
    const send = (code: string) =>
      Promise.all(browsers.map((browser) => browser.post("/login/code", { code })));
    const statuses = (sent: readonly Page[]) => sent.map(({ status }) => status).sort();
    // The code that switched the app on is used up too.
    expect(statuses(await send(first))).toEqual([401, 401, 401]);
    // The second step stands: the app's next code is taken.
    const code = codeOf(secret, 1);
    expect(statuses(await send(code))).toEqual([303, 401, 401]);
    const late = house.browser();
    await late.post("/login", { email: "eve@example.org", password });
    expect((await late.post("/login/code", { code })).status).toBe(401);
  });

  test("five wrong codes end the second step", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const shown = await eve.post("/account/codes/start", { password });
    const secret = (/class="secret">([^<]+)/.exec(shown.text)?.[1] ?? "").replaceAll(" ", "");
    await eve.post("/account/codes/confirm", { code: codeOf(secret) });
    const browser = house.browser();
    await browser.post("/login", { email: "eve@example.org", password });
    const wrong = String((Number(codeOf(secret)) + 500_000) % 1_000_000).padStart(6, "0");
    for (let i = 0; i < 6; i++)
      await browser.post("/login/code", {
        code: String((Number(wrong) + i) % 1_000_000).padStart(6, "0"),
      });
    expect((await browser.post("/login/code", { code: codeOf(secret, 1) })).status).toBe(401);
    expect((await browser.get("/account")).status).toBe(303);
  });

  test("ten wrong codes shut the second step, however often and from wherever it is begun", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const shown = await eve.post("/account/codes/start", { password });
    const secret = (/class="secret">([^<]+)/.exec(shown.text)?.[1] ?? "").replaceAll(" ", "");
    await eve.post("/account/codes/confirm", { code: codeOf(secret) });
    const begin = async (from: string) => {
      const browser = house.browser({ "x-forwarded-for": from });
      await browser.post("/login", { email: "eve@example.org", password });
      return browser;
    };
    const wrong = (Number(codeOf(secret)) + 500_000) % 1_000_000;
    for (let at = 0; at < 10; at++) {
      const guesser = await begin(`203.0.113.${at}`);
      const code = String((wrong + at) % 1_000_000).padStart(6, "0");
      expect((await guesser.post("/login/code", { code })).status).toBe(401);
    }
    const late = await begin("198.51.100.1");
    expect((await late.post("/login/code", { code: codeOf(secret, 1) })).status).toBe(401);
  });

  test("sessions are listed without their tokens and ended one by one, or all others", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const [phone, tablet] = [house.browser({ "user-agent": "Phone/1" }), house.browser()];
    for (const browser of [phone, tablet])
      await browser.post("/login", { email: "eve@example.org", password });
    const page = await eve.get("/account");
    expect(page.text).toContain("Phone/1");
    for (const browser of [eve, phone, tablet]) {
      const token = decodeURIComponent(browser.cookies.get(session) ?? "").split(".")[0] ?? "";
      expect(token.length).toBeGreaterThan(20);
      expect(page.text).not.toContain(token);
    }
    const ids = [...page.text.matchAll(/name="id" value="(ses_\w+)"/g)].map(([, id = ""]) => id);
    expect(ids).toHaveLength(2);
    // Newest first: the tablet's.
    await eve.post("/account/sessions/end", { id: ids[0] ?? "" });
    expect([(await phone.get("/account")).status, (await tablet.get("/account")).status]).toEqual([
      200, 303,
    ]);
    await eve.post("/account/sessions/end", { id: "others" });
    expect([(await phone.get("/account")).status, (await eve.get("/account")).status]).toEqual([
      303, 200,
    ]);
  });

  test("a changed password keeps this browser alone signed in", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const other = house.browser();
    await other.post("/login", { email: "eve@example.org", password });
    const next = "other words entirely";
    const wrong = await eve.post("/account/password", { password: "wrong", "new-password": next });
    expect([wrong.status, alertOf(wrong)]).toEqual([400, expect.stringContaining("not right")]);
    const sent = await eve.post("/account/password", { password, "new-password": next });
    expect(sent.to).toBe("/account?done=password");
    expect([(await eve.get("/account")).status, (await other.get("/account")).status]).toEqual([
      200, 303,
    ]);
    const fresh = house.browser();
    expect((await fresh.post("/login", { email: "eve@example.org", password: next })).status).toBe(
      303,
    );
  });

  test("a borrowed browser cannot guess the password", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++)
      statuses.push((await eve.post("/account/codes/start", { password: `guess ${i}` })).status);
    expect(statuses).toEqual([400, 400, 400, 400, 400, 429]);
    expect((await eve.post("/account/delete", { password })).status).toBe(429);
  });

  test("what belongs to somebody else looks as if it were not there", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    await house.somebody("max");
    const max = await idsOf(house, "max");
    await house.store.write([
      {
        sql: `INSERT INTO person_passkey (id, person_id, name, public_key, credential_id, counter, device_type, backed_up)
          VALUES ('pky_max', ?, 'key', '', 'c', 0, 'singleDevice', 0)`,
        args: [max.id],
      },
    ]);
    for (const [path, name, theirs] of [
      ["/account/switch", "to", max.account],
      ["/account/leave", "leave", max.account],
      ["/account/sessions/end", "id", max.session],
      ["/account/passkeys/remove", "id", "pky_max"],
    ] as const) {
      const foreign = await eve.post(path, { [name]: theirs });
      const missing = await eve.post(path, { [name]: "acc_missing" });
      expect([path, foreign.status, alertOf(foreign)]).toEqual([path, 404, alertOf(missing)]);
      expect(missing.status).toBe(404);
      expect(foreign.text).not.toContain(theirs);
    }
    const foreign = await eve.get(`/account?account=${max.account}`);
    const missing = await eve.get("/account?account=acc_missing");
    expect([foreign.status, missing.status]).toEqual([404, 404]);
    expect(words(foreign)).toBe(words(missing));
    expect(await house.store.read("SELECT id FROM person_passkey", [])).toHaveLength(1);
    expect(await house.store.read("SELECT id FROM person_session", [])).toHaveLength(2);
  });

  test("an organisation is opened, joined by invitation, switched to and left", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    await eve.post("/account/organisations", { name: "Tree <b>Planters</b>" });
    const page = await eve.get("/account");
    expect(page.text).toContain("Tree &lt;b&gt;Planters&lt;/b&gt;");
    const [row] = await house.store.read("SELECT id FROM account WHERE name LIKE 'Tree%'", []);
    const organisation = String(row?.["id"]);
    const knocked = (browser: Browser, query = "") =>
      sessionOf(
        new Request(`${house.url}/dashboard${query}`, {
          headers: { cookie: `${session}=${browser.cookies.get(session)}` },
        }),
        house.gateway.services.people,
      );
    expect((await knocked(eve))?.account.id).toBe(organisation);

    const max = await house.somebody("max");
    const own = (await idsOf(house, "max")).account;
    await max.open(await house.invite({ accountId: organisation, role: "admin" }));
    expect(words(await max.get("/register"))).toContain("would join Tree");
    expect((await max.post("/register", { join: "1" })).to).toBe("/account");
    // The personal account stays in use until another is chosen, in the address or for good.
    expect((await knocked(max))?.account.id).toBe(own);
    expect(await knocked(max, `?account=${organisation}`)).toMatchObject({
      account: { id: organisation },
      role: "admin",
    });
    await max.post("/account/switch", { to: organisation });
    expect((await knocked(max))?.account.id).toBe(organisation);

    const stays = await eve.post("/account/leave", { leave: organisation });
    expect(alertOf(stays)).toContain("without an owner");
    expect((await max.post("/account/leave", { leave: organisation })).status).toBe(303);
    expect((await knocked(max))?.account.id).toBe(own);
    expect((await max.post("/account/leave", { leave: own })).status).toBe(400);
    expect(await house.audit()).toEqual(expect.arrayContaining(["member.joined", "member.left"]));
  });

  test("a page asks for a role, and is not there for who has less", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve");
    const { people } = house.gateway.services;
    const [{ id } = {}] = await house.store.read(
      "SELECT id FROM account WHERE name = 'operator'",
      [],
    );
    const max = await house.somebody("max", { accountId: String(id), role: "member" });
    const ask = (browser: Browser | undefined, least: "member" | "admin" | "operator", init = {}) =>
      requirePerson(
        new Request(
          `${house.url}/dashboard?account=${browser === max ? id : ""}`.replace(/\?account=$/, ""),
          {
            ...init,
            headers: { cookie: `${session}=${browser?.cookies.get(session) ?? ""}` },
          },
        ),
        people,
        least,
      );
    const nobody = await ask(undefined, "member");
    expect(nobody instanceof Response && nobody.headers.get("location")).toBe(
      "/login?next=%2Fdashboard",
    );
    expect(await ask(max, "member")).toMatchObject({ role: "member", person: { name: "max" } });
    await expect(ask(max, "admin")).rejects.toThrow("nothing here");
    expect(await ask(eve, "admin")).toMatchObject({ role: "owner" });
    await expect(ask(eve, "operator")).rejects.toThrow("nothing here");
    // A form without a sign of where it is from.
    const sent = await ask(eve, "member", { method: "POST" });
    expect(sent instanceof Response && sent.status).toBe(403);
  });

  test("a deleted person is gone, with the keys of the account; the ledger stays", async () => {
    await using house = await startPeople();
    const eve = await house.somebody("eve", { email: "eve@example.org" });
    const { account, id } = await idsOf(house, "eve");
    const phone = house.browser();
    await phone.post("/login", { email: "eve@example.org", password });
    await eve.post("/account/codes/start", { password });
    const { people, keys } = house.gateway.services;
    await createLink(people, { purpose: "reset", createdBy: "cli", personId: id, seconds: 60 });
    await house.store.write([
      {
        sql: `INSERT INTO person_passkey (id, person_id, public_key, credential_id, counter, device_type, backed_up)
          VALUES ('pky_1', ?, '', '', 0, '', 0)`,
        args: [id],
      },
    ]);
    await addCredit(house.store, people, {
      accountId: account,
      type: "credit",
      amount: nano(1),
      description: "Test credit",
      by: "test",
    });
    const { secret } = await createKey(house.store, systemClock, {
      accountId: account,
      name: "key",
    });
    expect((await keys.find(secret))?.account.disabled).toBe(false);
    expect((await eve.post("/account/delete", { password: "wrong" })).status).toBe(400);
    expect((await eve.post("/account/delete", { password })).to).toBe("/login?out=1");
    expect((await keys.find(secret))?.account.disabled).toBe(true);
    const own = ["session", "login", "two_factor", "passkey"].map((name) => `person_${name}`);
    for (const table of ["person", "membership", ...own])
      expect([table, await house.store.read(`SELECT * FROM ${table}`, [])]).toEqual([table, []]);
    const links = await house.store.read("SELECT id FROM one_use_link WHERE person_id = ?", [id]);
    expect(links).toEqual([]);
    const tables = await house.store.read(
      "SELECT name FROM sqlite_master WHERE type = 'table'",
      [],
    );
    for (const table of tables.map(({ name }) => String(name))) {
      const rows = JSON.stringify(await house.store.read(`SELECT * FROM "${table}"`, []));
      expect([table, rows.includes("eve@example.org")]).toEqual([table, false]);
    }
    expect((await phone.get("/account")).status).toBe(303);
    expect(await house.store.read("SELECT id FROM ledger_entry", [])).toHaveLength(1);
    expect((await house.audit()).at(-1)).toBe("person.deleted");
    const again = house.browser();
    expect((await again.post("/login", { email: "eve@example.org", password })).status).toBe(401);
  });

  test("without a session nothing of it is shown or done", async () => {
    await using house = await startPeople();
    const browser = house.browser();
    for (const path of ["/account/password", "/account/delete", "/account/switch"]) {
      const { status, to } = await browser.post(path, { password });
      expect([path, status, to]).toEqual([path, 303, "/login?next=%2Faccount"]);
    }
  });
});

/** The modules that a code shows, 1 where it is dark. */
function dark(svg: string): number[][] {
  const size = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]);
  const rows = Array.from({ length: size }, () => Array<number>(size).fill(0));
  for (const [, x, y, length] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g))
    rows[Number(y)]?.fill(1, Number(x), Number(x) + Number(length));
  return rows;
}

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

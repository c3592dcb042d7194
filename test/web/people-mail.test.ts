import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import type { Config } from "#src/config/load.ts";
import { type SmtpServer, startSmtp, type TakenMail } from "#test/lib/smtp.ts";
import { textOf } from "#test/mail/source.ts";
import {
  type Browser,
  password,
  type PeopleGateway,
  startPeople,
  words,
} from "#test/web/people-kit.ts";

const publicUrl = "https://gateway.example.org";
let smtp: SmtpServer;
let home: PeopleGateway;

/** Sets who takes mail. */
function mailing(config: Config): void {
  config.publicUrl = publicUrl;
  config.mail = {
    url: "smtp://localhost",
    from: "LowRouter <gateway@example.org>",
    server: {
      host: "localhost",
      port: smtp.port,
      isSecure: false,
      user: undefined,
      password: undefined,
    },
  };
}

beforeAll(async () => {
  smtp = await startSmtp();
  home = await startPeople(mailing);
  await home.somebody("ada");
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await smtp[Symbol.asyncDispose]();
});

/** Sends everything that waits, and returns what came. */
async function delivered(): Promise<TakenMail[]> {
  await home.gateway.services.post?.run();
  return smtp.taken.splice(0);
}

const ask = (email: string, browser: Browser = home.browser(), headers = {}) =>
  browser.post("/forgot", { email }, headers);

describe("a forgotten password", () => {
  test("a link comes by mail, leads to our own address, and works once", async () => {
    const sent = await ask("Ada@Example.org", home.browser(), {
      "x-forwarded-host": "evil.example",
      origin: "https://evil.example",
    });
    expect(words(sent)).toContain("If somebody here has this address");
    const [mail, ...others] = await delivered();
    expect([mail?.to, others]).toEqual([["ada@example.org"], []]);
    const text = textOf(mail?.source ?? "");
    const [link = ""] = /https:\S+/.exec(text) ?? [];
    expect(link).toStartWith(`${publicUrl}/reset?token=`);
    const browser = home.browser();
    await browser.open(link.slice(publicUrl.length));
    const fresh = "another four words here";
    expect((await browser.post("/reset", { "new-password": fresh })).to).toBe("/login");
    const signed = await browser.post("/login", { email: "ada@example.org", password: fresh });
    expect(signed.to).toBe("/account");
    const again = home.browser();
    expect((await again.open(link.slice(publicUrl.length))).status).toBe(403);
    // The row of the mail held the link.
    const rows = await home.store.read("SELECT text, state FROM mail", []);
    expect(rows).toEqual([{ text: "", state: "sent" }]);
  });

  test("the answer is the same whether anybody has the address, and it waits for no look at who has it", async () => {
    const { store } = home;
    const { read } = store;
    const gate = Promise.withResolvers<void>();
    store.read = (sql, args) =>
      sql.includes("FROM person") ? gate.promise.then(() => read(sql, args)) : read(sql, args);
    const pages = [await ask("ada@example.org"), await ask("nobody@example.org")];
    store.read = read;
    gate.resolve();
    expect(pages[0]?.text).toBe(pages[1]?.text ?? "");
    expect(pages.map(({ status }) => status)).toEqual([200, 200]);
    expect((await delivered()).flatMap(({ to }) => to)).toEqual(["ada@example.org"]);
  });

  test("nobody is sent more than three letters in an hour", async () => {
    const bob = await home.somebody("bob");
    for (let index = 0; index < 5; index++) {
      expect((await ask("bob@example.org", bob)).status).toBe(200);
      await home.gateway.services.post?.run();
    }
    expect(await delivered()).toHaveLength(3);
    const sixth = await ask("bob@example.org", bob);
    expect([sixth.status, sixth.headers.get("retry-after")]).toEqual([429, "900"]);
    home.clock.advance(3_600_001);
    await ask("bob@example.org", bob);
    expect(await delivered()).toHaveLength(1);
  });

  test("who was shut out gets none, and what is no address or no form of ours is refused", async () => {
    await home.somebody("carl");
    await home.store.write([
      { sql: "UPDATE person SET disabled = 1 WHERE email = 'carl@example.org'", args: [] },
    ]);
    expect((await ask("carl@example.org")).status).toBe(200);
    expect((await ask("ada@example.org, eve@example.org")).status).toBe(400);
    const foreign = await ask("ada@example.org", home.browser(), {
      origin: "https://evil.example",
    });
    expect(foreign.status).toBe(403);
    expect(await delivered()).toEqual([]);
  });

  test("where no mail is sent, the operator is who helps", async () => {
    await using bare = await startPeople();
    const browser = bare.browser();
    expect(words(await browser.get("/login"))).toContain("Forgot your password?");
    const text = "Ask its operator for a link";
    expect(words(await browser.get("/forgot"))).toContain(text);
    expect(words(await browser.post("/forgot", { email: "ada@example.org" }))).toContain(text);
    expect(await bare.store.read("SELECT * FROM mail", [])).toEqual([]);
  });
});

describe("other mail", () => {
  test("an invitation goes to the address that it is for", async () => {
    const dora = await home.somebody("dora");
    const sent = await dora.post("/dashboard/members/invite", {
      email: "new@example.org",
      role: "member",
      days: "7",
    });
    expect([sent.status, words(sent)]).toEqual([
      201,
      expect.stringContaining("on its way to new@example.org by mail"),
    ]);
    const [mail] = await delivered();
    expect(mail?.to).toEqual(["new@example.org"]);
    expect(textOf(mail?.source ?? "")).toMatch(
      /^https:\/\/gateway\.example\.org\/register\?invite=[\w-]+$/m,
    );
  });

  test("an operator's invitation goes to the address that it is for; one for anybody, and without mail, is only shown", async () => {
    const root = await home.somebody("root", { operator: true });
    const made = await root.post("/operator/invitations", {
      email: "Fresh@example.org",
      role: "member",
      days: "3",
    });
    expect([made.status, words(made)]).toEqual([
      200,
      expect.stringContaining("on its way to fresh@example.org by mail"),
    ]);
    const [mail, ...others] = await delivered();
    expect([mail?.to, others]).toEqual([["fresh@example.org"], []]);
    const text = textOf(mail?.source ?? "");
    expect(text).toContain("root invites you to LowRouter.");
    const [link = ""] = /https:\S+/.exec(text) ?? [];
    expect((await home.browser().open(link.slice(publicUrl.length))).status).toBe(200);

    const open = await root.post("/operator/invitations", { role: "member", days: "3" });
    expect(words(open)).toContain("Hand it over now");
    expect(await delivered()).toEqual([]);
    await using bare = await startPeople();
    const lone = await bare.somebody("lone", { operator: true });
    const shown = await lone.post("/operator/invitations", {
      email: "fresh@example.org",
      role: "member",
      days: "3",
    });
    expect(words(shown)).toContain("Hand it over now");
    expect(await bare.store.read("SELECT * FROM mail", [])).toEqual([]);
  });

  test("of who deletes themselves no address is left in it", async () => {
    const hugo = await home.somebody("hugo");
    await ask("hugo@example.org");
    expect(await delivered()).toHaveLength(1);
    const of = "SELECT id FROM mail WHERE to_address = 'hugo@example.org'";
    expect(await home.store.read(of, [])).toHaveLength(1);
    expect((await hugo.post("/account/delete", { password })).to).toBe("/login?out=1");
    expect(await home.store.read(of, [])).toEqual([]);
  });

  test("owners and admins are told once that credit is low, and again after it was filled up", async () => {
    await home.somebody("eva");
    const [row] = await home.store.read(
      "SELECT account_id FROM person WHERE email = 'eva@example.org'",
      [],
    );
    const accountId = String(row?.["account_id"]);
    await home.somebody("fred", { accountId, role: "admin" });
    await home.somebody("gina", { accountId, role: "member" });
    const credit = (units: number) =>
      addCredit(home.store, home.gateway.services.people, {
        accountId,
        type: units > 0 ? "credit" : "adjustment",
        amount: fromUnits(units),
        description: "test",
        by: "test",
      });
    const { webhooks } = home.gateway.services;
    await credit(6);
    await webhooks.tick();
    expect(await delivered()).toEqual([]);
    await credit(-2);
    for (let index = 0; index < 3; index++) await webhooks.tick();
    const mails = await delivered();
    expect(mails.flatMap(({ to }) => to).toSorted()).toEqual([
      "eva@example.org",
      "fred@example.org",
    ]);
    const text = textOf(mails[0]?.source ?? "");
    expect(text).toContain("has 4.00 USD of credit left, less than 5.00 USD.");
    expect(text).toContain(`${publicUrl}/dashboard/credits?account=${accountId}`);
    await credit(10);
    await webhooks.tick();
    await credit(-10);
    await webhooks.tick();
    expect(await delivered()).toHaveLength(2);
  });
});

import { describe, expect, test } from "bun:test";
import { createAccount } from "#src/account/accounts.ts";
import { record } from "#src/account/people/audit.ts";
import { addProviderKey } from "#src/account/provider-keys.ts";
import { nano } from "#src/ledger/money.ts";
import { balanceOf } from "#src/ledger/transactions.ts";
import { webRoutes } from "#src/web/routes.tsx";
import {
  type Browser,
  type Page,
  type PeopleGateway,
  startPeople,
  words,
} from "#test/web/people-kit.ts";

const script = `<script>alert(1)</script>"><img src=x onerror=alert(2)>`;

/** A path as the surface has it, with what stands in the place of its parameters. */
function filled(path: string, house: PeopleGateway): string {
  return path
    .replace("/operator/accounts/:id", `/operator/accounts/${house.accountId}`)
    .replace("/operator/providers/:id", "/operator/providers/openai")
    .replace("/operator/statements/:month", "/operator/statements/2020-01")
    .replace("/*", "/openai/gpt-4o-mini");
}

/** Every page and form of the operator that is mounted. */
function mounted(house: PeopleGateway): { method: string; path: string }[] {
  const { app, services } = house.gateway;
  return webRoutes(app, services)
    .routes.filter(({ path }) => path.startsWith("/operator"))
    .map(({ method, path }) => ({ method, path: filled(path, house) }));
}

async function asked(browser: Browser, method: string, path: string): Promise<Page> {
  return method === "GET"
    ? browser.get(path)
    : browser.post(path, { plan: "prepaid", amount: "1" });
}

/** What forms could change. */
async function state(house: PeopleGateway): Promise<string> {
  const tables = ["account", "ledger_entry", "one_use_link", "allowance"];
  const rows = await Promise.all(
    tables.map((table) => house.store.read(`SELECT * FROM ${table} ORDER BY 1`, [])),
  );
  return JSON.stringify(rows);
}

describe("pages of the operator", () => {
  test("every page and form is 404 for whoever is no operator, whatever their role, and for nobody leads to the sign-in", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { accountId } = house;
    const owner = await house.somebody("owner", { accountId, role: "owner" });
    const admin = await house.somebody("admin", { accountId, role: "admin" });
    const member = await house.somebody("member", { accountId, role: "member" });
    const other = await house.somebody("other");
    const routes = mounted(house);
    expect(routes.length).toBeGreaterThan(18);
    expect(routes.filter(({ path }) => path.includes(":"))).toEqual([]);
    const before = await state(house);
    const wrong: unknown[] = [];
    for (const { method, path } of routes) {
      for (const [role, browser] of Object.entries({ owner, admin, member, other })) {
        const { status } = await asked(browser, method, path);
        if (status !== 404) wrong.push([role, method, path, status]);
      }
      const { status, to } = await asked(house.browser(), method, path);
      if (status !== 303 || !to?.startsWith("/login?next=")) wrong.push(["nobody", method, path]);
    }
    expect(wrong).toEqual([]);
    expect(await state(house)).toBe(before);
  });

  test("a path below that is none is 404, for an operator as for anybody", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const eve = await house.somebody("eve");
    for (const browser of [ada, eve])
      for (const path of [
        "/operator/nothing",
        "/operator/catalogue/no/model",
        "/operator/providers/x/y",
      ])
        expect([path, (await browser.get(path)).status]).toEqual([path, 404]);
  });

  test("a form that another site sends for an operator is 403 and changes nothing", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const ada = await house.somebody("ada", { operator: true });
    const before = await state(house);
    const forms = mounted(house).filter(({ method }) => method === "POST");
    expect(forms.length).toBeGreaterThan(8);
    for (const { path } of forms) {
      const fields = { plan: "prepaid", amount: "1", name: "x", email: "ada@example.org" };
      const sent = await ada.post(path, fields, {
        origin: "https://evil.example",
        "sec-fetch-site": "cross-site",
      });
      expect([path, sent.status]).toEqual([path, 403]);
    }
    expect(await state(house)).toBe(before);
  });

  test("every page is under 100 KB as it comes, and is kept by no cache", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const ada = await house.somebody("ada", { operator: true });
    const { people } = house.gateway.services;
    for (let at = 0; at < 300; at++) {
      await createAccount(house.store, people, {
        name: `A rather long name ${at}`,
        plan: "prepaid",
      });
      await record(people, {
        action: "key.changed",
        actor: "cli",
        target: "x".repeat(64),
        address: "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        detail: { name: "a name", limit: at },
      });
      await house.invite({ email: `somebody-${at}@example.org` });
    }
    for (const { method, path } of mounted(house)) {
      if (method !== "GET") continue;
      const { status, headers, text } = await ada.get(path);
      expect([path, status]).toEqual([path, 200]);
      expect([path, headers.get("cache-control")]).toEqual([path, "no-store"]);
      expect([path, text.length < 100_000 ? "small" : text.length]).toEqual([path, "small"]);
    }
    const all = await ada.get("/operator/providers?all=1");
    expect(all.text.length).toBeLessThan(100_000);
  });
});

describe("links of the operator", () => {
  test("an invitation is shown once, works, gives what it says, and can be revoked", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const made = await ada.post("/operator/invitations", {
      email: "Bob@Example.org",
      role: "admin",
      account: house.accountId,
      credit: "2",
      days: "3",
    });
    const token = /register\?invite=([\w-]+)/.exec(made.text)?.[1] ?? "";
    expect([made.status, made.headers.get("cache-control"), token.length]).toEqual([
      200,
      "no-store",
      43,
    ]);
    expect(made.text).toContain(`${house.url}/register?invite=${token}`);
    const list = await ada.get("/operator/invitations");
    expect(words(list)).toContain("bob@example.org");
    for (const shown of [list.text, house.logged(), await state(house)])
      expect(shown).not.toContain(token);
    const bob = house.browser();
    await bob.open(`/register?invite=${token}`);
    const joined = await bob.post("/register", {
      name: "Bob",
      email: "bob@example.org",
      "new-password": "three words in a row",
    });
    expect(joined.status).toBe(303);
    expect(words(await bob.get("/account"))).toMatch(/acc_\w+ admin organisation/);
    const [own] = await house.store.read(
      "SELECT account_id FROM person WHERE email = 'bob@example.org'",
      [],
    );
    expect((await balanceOf(house.store, String(own?.["account_id"]))).granted).toBe(
      nano(2_000_000_000),
    );

    await ada.post("/operator/invitations", { role: "member", days: "1", operator: "1" });
    const { text } = await ada.get("/operator/invitations");
    const id = /name="id" value="(inv_\w+)"/.exec(text)?.[1] ?? "";
    expect((await ada.post("/operator/invitations/revoke", { id })).to).toContain("done=revoked");
    expect((await ada.post("/operator/invitations/revoke", { id })).status).toBe(404);
    expect(await house.audit()).toContain("invitation.revoked");
    const rows = await ada.get("/operator/invitations?format=json");
    const { data }: { data: { state: string; role: string; for: string }[] } = JSON.parse(
      rows.text,
    );
    expect(data.map((one) => [one.state, one.role, one.for])).toEqual([
      ["revoked", "operator", "anybody"],
      ["used", "admin", "bob@example.org"],
      ["used", "operator", "anybody"],
    ]);
  });

  test("an invitation for an operator makes one, for as many days as it says", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const invited = async (fields: Record<string, string>) => {
      const made = await ada.post("/operator/invitations", {
        role: "member",
        days: "2",
        ...fields,
      });
      return /register\?invite=([\w-]+)/.exec(made.text)?.[1] ?? "";
    };
    const [operator, person, late] = [
      await invited({ operator: "1" }),
      await invited({}),
      await invited({}),
    ];
    const joins = async (name: string, token: string) => {
      const browser = house.browser();
      await browser.open(`/register?invite=${token}`);
      await browser.post("/register", {
        name,
        email: `${name}@example.org`,
        "new-password": "three words in a row",
      });
      return (await browser.get("/operator")).status;
    };
    expect(await joins("bob", operator)).toBe(200);
    expect(await joins("max", person)).toBe(404);
    house.clock.advance(2 * 86_400_000 + 1000);
    const browser = house.browser();
    await browser.open(`/register?invite=${late}`);
    expect((await browser.get("/register")).status).toBe(403);
  });

  test("links lead to the address that is configured, whatever host the operator's browser names", async () => {
    await using house = await startPeople((config) => {
      config.publicUrl = "https://gateway.example";
    });
    const ada = await house.somebody("ada", { operator: true });
    for (const [path, to] of [
      ["/operator/invitations", "/register?invite="],
      ["/operator/invitations/reset", "/reset?token="],
    ] as const) {
      const sent = await ada.post(path, { role: "member", days: "1", email: "ada@example.org" });
      expect([path, sent.text.includes(`https://gateway.example${to}`)]).toEqual([path, true]);
    }
  });

  test.each([
    [{ email: "nobody" }, "it is no email address"],
    [{ role: "king" }, "choose owner, admin or member"],
    [{ days: "0" }, "give 1 to 365 days"],
    [{ days: "9999" }, "give 1 to 365 days"],
    [{ credit: "-1" }, "less than no credit"],
    [{ account: "acc_none" }, "Cannot find the account to join"],
  ])("an invitation with %p is a 400 that makes no link", async (fields, said) => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const sent = await ada.post("/operator/invitations", { role: "member", days: "7", ...fields });
    expect([sent.status, sent.text.includes(said)]).toEqual([400, true]);
    const [count] = await house.store.read("SELECT count(*) AS made FROM one_use_link", []);
    expect(count?.made).toBe(1);
  });

  test("a reset link is handed over once, from the list and from the account's page, and lets a new password in", async () => {
    await using house = await startPeople();
    const ada = await house.somebody("ada", { operator: true });
    const eve = await house.somebody("eve");
    const [row] = await house.store.read(
      "SELECT id, account_id FROM person WHERE name = 'eve'",
      [],
    );
    const own = await ada.get(`/operator/accounts/${String(row?.account_id)}`);
    expect(own.text).toContain(`value="${String(row?.id)}"`);
    const first = await ada.post("/operator/invitations/reset", { person: String(row?.id) });
    const made = await ada.post("/operator/invitations/reset", { email: "Eve@example.org" });
    const [old, token] = [first, made].map(
      ({ text }) => /reset\?token=([\w-]+)/.exec(text)?.[1] ?? "?",
    );
    expect(made.status).toBe(200);
    expect((await ada.get("/operator/invitations")).text).not.toContain(token ?? "?");
    const browser = house.browser();
    expect((await browser.open(`/reset?token=${old}`)).status).toBe(403);
    await browser.open(`/reset?token=${token}`);
    const next = "another four words now";
    expect((await browser.post("/reset", { "new-password": next })).to).toBe("/login");
    expect((await eve.get("/account")).status).toBe(303);
    const sent = await house.browser().post("/login", { email: "eve@example.org", password: next });
    expect(sent.status).toBe(303);
    const missing = await ada.post("/operator/invitations/reset", { email: "no@example.org" });
    expect([missing.status, missing.text.includes("reset?token=")]).toEqual([400, false]);
  });
});

describe("what the operator sees of the gateway", () => {
  test("a provider's page says what leads to it, its circuits, its last error, and a test really asks it", async () => {
    await using house = await startPeople(
      (config) => {
        config.secret = (name) => (name === "GROQ_API_KEY" ? "sk-groq-secret-value" : undefined);
      },
      { simulated: true },
    );
    const { app, services } = house.gateway;
    const ada = await house.somebody("ada", { operator: true });
    const model = app.routes.find("openai/gpt-4o-mini")?.model;
    const [route] = model ? app.routes.of(model) : [];
    if (route === undefined) throw new Error("Cannot find a route");
    for (let failure = 0; failure < 3; failure++) app.health.failed(route);
    const { key } = await storedKey(house);
    const provider = route.deployment.provider.id;
    const page = await ada.get(`/operator/providers/${provider}`);
    expect(words(page)).toContain("it failed repeatedly and is left alone for a while");
    expect(words(page)).toContain("Down");
    expect(words(await ada.get("/operator/providers"))).toContain("Groq");
    expect(page.text).not.toContain("sk-groq-secret-value");

    const groq = await ada.get("/operator/providers/groq");
    expect(groq.text).toContain("GROQ_API_KEY");
    for (const { text } of [groq, await ada.get("/operator/configuration")])
      expect(text).not.toContain("sk-groq-secret-value");
    expect((await ada.get("/operator/providers/mistral")).text).not.toContain(key);

    const tested = await ada.post(`/operator/providers/${provider}/test`, {});
    expect(tested.status).toBe(200);
    expect(words(tested)).toMatch(/address and credential work 200|the address answers/);
    const none = await ada.post("/operator/providers/perplexity/test", {});
    expect([none.status, none.text.includes("Set PERPLEXITY_API_KEY")]).toEqual([400, true]);
    expect((await ada.get("/operator/providers/nobody")).status).toBe(404);
    expect(services.providers.some(({ id }) => id === "perplexity")).toBe(true);
    const json = await ada.get("/operator/providers?format=json");
    const { data }: { data: { provider: string; configured: boolean; to_set: string | null }[] } =
      JSON.parse(json.text);
    expect(data.find((one) => one.provider === "perplexity")).toMatchObject({
      configured: false,
      to_set: "PERPLEXITY_API_KEY",
    });
  });
});

/** A credential kept for everybody. */
async function storedKey(house: PeopleGateway) {
  const { services } = house.gateway;
  const key = "sk-mistral-a-stored-secret-0001";
  await addProviderKey(
    house.store,
    { clock: house.clock, ids: services.people.ids, place: services.providerKeys.place },
    { provider: "mistral", label: script, secret: { kind: "key", key } },
  );
  return { key };
}

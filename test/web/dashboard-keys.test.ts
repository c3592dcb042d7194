import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createKey } from "#src/account/keys.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { figure } from "#src/web/format.ts";
import { at } from "#test/lib/gateway.ts";
import { alertOf, askedWith, foreignForms, makeKey, staff } from "#test/web/dashboard-keys-kit.ts";
import { tableOf } from "#test/web/outline.ts";
import {
  type Browser,
  type Page,
  type PeopleGateway,
  startPeople,
  words,
} from "#test/web/people-kit.ts";

const scripts = `<script>alert(1)</script>"><img src=x onerror=alert(1)> javascript:alert(1)`;

/** Everything that a key may be told, as the form sends it, and what the API then says of the key. */
const everything: [Record<string, string>, string, unknown][] = [
  [{ limit: "2.50", limit_reset: "monthly" }, "limit", 2.5],
  [{ limit: "2.50", limit_reset: "weekly" }, "limit_reset", "weekly"],
  // 700 credits of a hundredth.
  [{ daily_credit_limit: "7" }, "daily_credit_limit", 700],
  [{ monthly_credit_limit: "0.07" }, "monthly_credit_limit", 7],
  [
    { allowed_models: "openai/gpt-4o-mini\r\n gpt-4o, openai/new" },
    "allowed_models",
    ["openai/gpt-4o-mini", "gpt-4o", "openai/new"],
  ],
  [{ allowed_providers: "mistral" }, "allowed_providers", ["mistral"]],
  [{ region: "country:FR" }, "region", "country:FR"],
  [{ policy: "prefer-region:eu-west" }, "policy", "prefer-region:eu-west"],
  [{ policy: "prefer-region", region: "eu-west" }, "policy", "prefer-region:eu-west"],
  [{ prefer_low_carbon: "on" }, "prefer_low_carbon", true],
  [{ hedge: "on" }, "hedge", true],
  [{ "rate_limit.requests_per_minute": "3" }, "rate_limit.requests_per_minute", 3],
  [{ "rate_limit.requests_per_day": "4" }, "rate_limit.requests_per_day", 4],
  [{ "rate_limit.tokens_per_minute": "5" }, "rate_limit.tokens_per_minute", 5],
  [{ "rate_limit.max_in_flight": "6" }, "rate_limit.max_in_flight", 6],
  [{ carbon_budget_g: "12.5", carbon_budget_reset: "daily" }, "carbon_budget_g", 12.5],
  [{ carbon_budget_g: "1", carbon_budget_reset: "daily" }, "carbon_budget_reset", "daily"],
  [
    { carbon_budget_action: "route", "carbon_budget_action.route_under_g_per_1k": "0.2" },
    "carbon_budget_action",
    { route_under_g_per_1k: 0.2 },
  ],
  [{ expires_at: "2099-12-31T23:59" }, "expires_at", "2099-12-31T23:59:00.000Z"],
  [{ expires_at: "2099-12-31T23:59:58" }, "expires_at", "2099-12-31T23:59:58.000Z"],
];

/** For the tests that only make keys: people take their time to sign in. */
let shared: PeopleGateway;
let admin: Browser;
beforeAll(async () => {
  shared = await startPeople();
  ({ admin } = await staff(shared));
});
afterAll(() => shared[Symbol.asyncDispose]());

async function recordOf(browser: { get(path: string): Promise<Page> }, hash: string) {
  const page = await browser.get(`/dashboard/keys/${hash}?format=json`);
  return page.status === 200 ? at(JSON.parse(page.text), "data") : page.status;
}

describe("making a key", () => {
  test("shows the secret in that answer alone: in no page, file or log line after it", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { admin, owner } = await staff(house);
    const made = await makeKey(admin, { name: "backend" });
    expect([made.status, made.headers.get("cache-control"), made.to]).toEqual([
      201,
      "no-store",
      null,
    ]);
    expect(made.text).toContain(`curl ${house.url}/v1/chat/completions`);
    expect((await askedWith(house, made.secret)).status).toBe(200);
    for (const path of [
      "",
      `/${made.hash}`,
      `/${made.hash}?format=json`,
      "?format=json",
      "?format=csv",
    ])
      for (const browser of [admin, owner]) {
        const page = await browser.get(`/dashboard/keys${path}`);
        expect([path, page.status, page.text.includes(made.secret.slice(12, -4))]).toEqual([
          path,
          200,
          false,
        ]);
      }
    expect(house.logged()).not.toContain(made.secret);
    const folder = house.gateway.app.config.dataDir;
    const files = readdirSync(folder);
    expect(files.some((name) => readFileSync(join(folder, name)).includes(made.hash))).toBe(true);
    for (const name of files)
      expect([name, readFileSync(join(folder, name)).includes(made.secret)]).toEqual([name, false]);
  });

  test("notes who made it, in the list and in the audit log", async () => {
    await using house = await startPeople();
    const { admin, member, ids } = await staff(house);
    const made = await makeKey(member, { name: "mine" });
    expect(words(await admin.get("/dashboard/keys"))).toMatch(/mine lr_live_\S+ regular member/);
    const [event] = await house.store.read(
      "SELECT * FROM audit_event WHERE action = 'key.created'",
      [],
    );
    expect(event).toMatchObject({
      actor: ids.member,
      target: made.hash,
      account_id: house.accountId,
      address: "127.0.0.1",
    });
  });

  test.each(everything)("takes %j", async (fields, path, value) => {
    const made = await makeKey(admin, { name: "one", ...fields });
    expect([made.status, at(await recordOf(admin, made.hash), path)]).toEqual([201, value]);
    // And the form of change shows it so that it can be sent again as it stands.
    const page = await admin.get(`/dashboard/keys/${made.hash}`);
    const before = await recordOf(admin, made.hash);
    await admin.post(`/dashboard/keys/${made.hash}`, fieldsOf(page.text));
    expect(at(await recordOf(admin, made.hash), path)).toEqual(value);
    expect({ ...Object(await recordOf(admin, made.hash)), updated_at: null }).toEqual({
      ...Object(before),
      carbon_budget_reset: at(await recordOf(admin, made.hash), "carbon_budget_reset"),
    });
  });

  test.each<[Record<string, string>, string]>([
    [{ name: "" }, "name"],
    [{ name: "n".repeat(201) }, "name"],
    [{ limit: "-1" }, "limit"],
    [{ limit: "much" }, "limit"],
    [{ limit: "1e3" }, "limit"],
    [{ limit: "9000001" }, "limit"],
    [{ daily_credit_limit: "1,5" }, "daily_credit_limit"],
    [{ monthly_credit_limit: "99999999999" }, "monthly_credit_limit"],
    [{ limit_reset: "yearly" }, "limit_reset"],
    [{ region: "atlantis" }, "region"],
    [{ policy: "prefer-nothing" }, "policy"],
    [{ policy: "prefer-region" }, "policy"],
    [{ "rate_limit.requests_per_minute": "0" }, "rate_limit.requests_per_minute"],
    [{ "rate_limit.tokens_per_minute": "1.5" }, "rate_limit.tokens_per_minute"],
    [{ "rate_limit.max_in_flight": "99999999999999999999" }, "rate_limit.max_in_flight"],
    [{ carbon_budget_g: "some" }, "carbon_budget_g"],
    [{ expires_at: "tomorrow" }, "expires_at"],
    [{ expires_at: "2099-02-31T00:00" }, "expires_at"],
    [{ key_type: "royal" }, "key_type"],
  ])("refuses %j by name, makes nothing, and shows what was sent", async (fields, param) => {
    // When they were last used is written now and then.
    const keys = () => shared.store.read("SELECT hash, name, updated_at FROM api_key", []);
    const before = await keys();
    const sent = await admin.post("/dashboard/keys", { name: "kept & shown", ...fields });
    expect([sent.status, alertOf(sent)]).toEqual([400, expect.stringContaining(param)]);
    if (fields["name"] === undefined) expect(sent.text).toContain('value="kept &amp; shown"');
    if (param !== "key_type")
      expect(sent.text).toMatch(new RegExp(`name="${param.replace(".", "\\.")}"[^>]*aria-invalid`));
    expect(await keys()).toEqual(before);
  });
});

describe("a key's page", () => {
  test("changes hold on the next request: models, limit, disabling, enabling, deletion", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { admin } = await staff(house);
    const { secret, hash } = await makeKey(admin, { name: "one" });
    const status = async () => (await askedWith(house, secret)).status;
    const page = `/dashboard/keys/${hash}`;
    const change = async (path: string, fields: Record<string, string>) =>
      (await admin.post(path, fields)).to;
    expect(await status()).toBe(200);
    expect(await change(page, { name: "one", allowed_models: "mistral/mistral-small-2603" })).toBe(
      `${page}?done=changed`,
    );
    expect(await status()).toBe(403);
    await change(page, { name: "one", allowed_models: "", limit: "0" });
    expect(await status()).toBe(402);
    await change(page, { name: "two", limit: "" });
    expect(await status()).toBe(200);
    expect(words(await admin.get(`${page}?done=changed`))).toContain("The key is changed");
    expect(await change(`${page}/switch`, { disabled: "true" })).toBe(`${page}?done=disabled`);
    expect(await status()).toBe(401);
    await change(`${page}/switch`, { disabled: "false" });
    expect(await status()).toBe(200);
    expect(words(await admin.get(`${page}/delete`))).toContain("Delete this key?");
    expect(await status()).toBe(200);
    expect(await change(`${page}/delete`, {})).toBe("/dashboard/keys?done=deleted");
    expect(await status()).toBe(401);
    expect((await admin.get(page)).status).toBe(404);
    expect((await house.audit()).filter((action) => action.startsWith("key."))).toEqual([
      "key.created",
      "key.changed",
      "key.changed",
      "key.changed",
      "key.disabled",
      "key.enabled",
      "key.deleted",
    ]);
  });

  test("a limit that is lowered or raised rules the next request, whatever was leased before", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { admin } = await staff(house);
    const { secret, hash } = await makeKey(admin, { name: "one", limit: "1" });
    const limited = async (limit: string) => {
      await admin.post(`/dashboard/keys/${hash}`, { name: "one", limit });
      const answer = await askedWith(house, secret);
      await answer.text();
      return answer.status;
    };
    expect(await limited("1")).toBe(200);
    expect(await limited("0.0000001")).toBe(402);
    expect(await limited("1")).toBe(200);
    expect(await limited("0")).toBe(402);
    expect(await limited("")).toBe(200);
  });

  test("what it spent and what is left are those of the API, with a way to its usage", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { admin } = await staff(house);
    const { secret, hash } = await makeKey(admin, {
      name: "one",
      limit: "1",
      limit_reset: "daily",
      carbon_budget_g: "40",
    });
    await (await askedWith(house, secret)).text();
    const record = Object(await recordOf(admin, hash));
    expect(record.usage).toBeGreaterThan(0);
    expect(record.limit_remaining).toBeCloseTo(1 - record.usage, 9);
    const list = JSON.parse((await admin.get("/dashboard/keys?format=json")).text);
    expect(list.data[0]).toMatchObject({
      hash,
      usage: record.usage,
      limit: 1,
      limit_remaining: record.limit_remaining,
      limit_reset: "daily",
      made_by: "admin",
      state: "enabled",
    });
    const page = await admin.get(`/dashboard/keys/${hash}`);
    expect(page.text).toContain(`href="/dashboard/usage?key=${hash}"`);
    const shown = (value: number) => value.toFixed(6).replace(/0+$/, "");
    expect(words(page)).toContain(`Left of the limit ${shown(record.limit_remaining)} USD`);
    expect(record.carbon_used_g).toBeGreaterThan(0);
    expect(record.carbon_used_g + record.carbon_left_g).toBeCloseTo(40, 9);
    expect(words(page)).toContain(
      `Left of the carbon budget ${figure(record.carbon_left_g)} g CO2e of 40 g, until ${String(record.carbon_resets_at).slice(0, 10)}`,
    );
    const spent = await tableOf(page.text, /^What it spent, USD/);
    // Nothing was asked on a provider key of the account's own.
    const expected = [record.usage_daily, record.usage_weekly, record.usage_monthly, record.usage];
    expect(spent.map((row) => row.slice(1)).toSorted()).toEqual(
      expected.map((value) => [shown(value), "0.00"]).toSorted(),
    );
    expect(words(page)).toContain(`Today ${shown(record.usage_daily)}`);
  });

  test("acts for the account of its own address, whatever is in use in another tab", async () => {
    await using house = await startPeople();
    const { admin, accountId, ids } = await staff(house);
    const { hash } = await makeKey(admin, { name: "one" });
    const page = await admin.get(`/dashboard/keys/${hash}`);
    const action =
      /action="([^"]+)"[^>]*><p class="line"><label for="name"/.exec(page.text)?.[1] ?? "";
    expect(action).toBe(`/dashboard/keys/${hash}?account=${accountId}`);
    const [own] = await house.store.read("SELECT account_id FROM person WHERE id = ?", [ids.admin]);
    await admin.post("/account/switch", { to: String(own?.["account_id"]) });
    expect((await admin.get(`/dashboard/keys/${hash}`)).status).toBe(404);
    const sent = await admin.post(action, { name: "renamed" });
    expect([sent.status, words(await admin.get(sent.to ?? ""))]).toEqual([
      303,
      expect.stringContaining("renamed"),
    ]);
  });

  test("texts of others are shown as text", async () => {
    await using house = await startPeople();
    const { admin, ids } = await staff(house);
    await house.store.write([
      { sql: "UPDATE person SET name = ? WHERE id = ?", args: [scripts, ids.admin] },
    ]);
    const { key } = await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: scripts,
      policy: scripts,
      region: scripts,
      allowedModels: [`${scripts}</textarea><script>`],
      createdBy: ids.admin,
    });
    const pages = await Promise.all(
      ["", `/${key.hash}`, `/${key.hash}/delete`].map((path) =>
        admin.get(`/dashboard/keys${path}`),
      ),
    );
    const refused = await admin.post(`/dashboard/keys/${key.hash}`, {
      name: scripts,
      policy: scripts,
      allowed_models: `</textarea>${scripts}`,
    });
    const made = await makeKey(admin, { name: scripts });
    for (const { text, status } of [...pages, refused, made]) {
      expect([status, text.includes("alert(1)")]).toEqual([status, true]);
      expect(text).not.toMatch(/<script>|<img|="javascript:|<\/textarea>&lt;|onerror=alert\(1\)>/);
    }
  });
});

describe("who may do what with keys", () => {
  test("every page and form, for every role", async () => {
    await using house = await startPeople();
    const people = await staff(house);
    const { admin, member } = people;
    const { hash: adminsKey } = await makeKey(admin, { name: "of the admin" });
    const { hash: membersKey } = await makeKey(member, { name: "of the member" });
    const { key: machines } = await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: "of the command line",
    });
    const { key: managing } = await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: "manages",
      type: "management",
      disabled: true,
      createdBy: people.ids.member,
    });
    const statuses = async (
      role: "owner" | "admin" | "member" | "other" | "nobody",
      hash: string,
    ) => {
      const browser = people[role];
      const page = `/dashboard/keys/${hash}`;
      const answers = [
        await browser.get(page),
        await browser.get(`${page}/delete`),
        await browser.post(page, { name: "renamed" }),
        await browser.post(`${page}/switch`, { disabled: "true" }),
      ];
      return answers.map(({ status }) => status).join(" ");
    };
    const may = "200 200 303 303";
    const no = "404 404 404 404";
    const out = "303 303 303 303";
    const seen: Record<string, string[]> = {};
    for (const role of ["owner", "admin", "member", "other", "nobody"] as const)
      seen[role] = [
        await statuses(role, adminsKey),
        await statuses(role, membersKey),
        await statuses(role, machines.hash),
        await statuses(role, managing.hash),
        await statuses(role, "0".repeat(64)),
      ];
    expect(seen).toEqual({
      owner: [may, may, may, may, no],
      admin: [may, may, may, may, no],
      // A management key that was made by somebody who is only a member now is out of reach.
      member: [no, may, no, no, no],
      other: [no, no, no, no, no],
      nobody: [out, out, out, out, out],
    });
    expect((await people.nobody.get("/dashboard/keys")).to).toBe("/login?next=%2Fdashboard%2Fkeys");
    const listed = async (browser: typeof member) =>
      at(JSON.parse((await browser.get("/dashboard/keys?format=json")).text), "data");
    expect(await listed(member)).toMatchObject([{ hash: membersKey }]);
    expect(await listed(people.owner)).toHaveLength(4);
    expect(await listed(people.other)).toEqual([]);
  });

  test("a foreign key looks like one that does not exist", async () => {
    await using house = await startPeople();
    const { admin, other } = await staff(house);
    const { hash } = await makeKey(admin, { name: "one" });
    const [foreign, missing] = [
      await other.post(`/dashboard/keys/${hash}/delete`, {}),
      await other.post(`/dashboard/keys/${"0".repeat(64)}/delete`, {}),
    ];
    expect([foreign.status, foreign.text.replaceAll(hash, "0".repeat(64))]).toEqual([
      404,
      missing.text,
    ]);
    // Nor may the address say another's account.
    const named = await other.get(`/dashboard/keys/${hash}?account=${house.accountId}`);
    expect(named.status).toBe(404);
    expect(await recordOf(admin, hash)).toMatchObject({ name: "one", disabled: false });
  });

  test("a member makes no management key, an admin does", async () => {
    await using house = await startPeople();
    const { admin, member } = await staff(house);
    expect((await member.get("/dashboard/keys")).text).not.toContain("key_type");
    const sent = await makeKey(member, { name: "mine", key_type: "management" });
    expect([sent.status, sent.secret, alertOf(sent)]).toEqual([
      400,
      "",
      expect.stringContaining("owners and admins"),
    ]);
    const { hash } = await makeKey(member, { name: "mine" });
    const form = { name: "mine", key_type: "management" };
    const changed = await member.post(`/dashboard/keys/${hash}`, form);
    expect([changed.status, alertOf(changed)]).toEqual([400, expect.stringContaining("key_type")]);
    expect(await recordOf(member, hash)).toMatchObject({ key_type: "regular" });
    const made = await makeKey(admin, { name: "all", key_type: "management" });
    expect(made.secret).toStartWith("lr_mgmt_");
    const answer = await fetch(`${house.url}/api/v1/keys`, {
      headers: { authorization: `Bearer ${made.secret}` },
    });
    expect(answer.status).toBe(200);
    expect(made.text).toContain(`curl ${house.url}/api/v1/keys`);
  });

  test("a form of another site is refused and changes nothing", async () => {
    await using house = await startPeople();
    const { admin } = await staff(house);
    const { hash } = await makeKey(admin, { name: "one" });
    const before = await recordOf(admin, hash);
    for (const headers of foreignForms)
      for (const path of ["", `/${hash}`, `/${hash}/switch`, `/${hash}/delete`]) {
        const sent = await admin.post(`/dashboard/keys${path}`, { name: "taken" }, headers);
        expect([path, sent.status]).toEqual([path, 403]);
      }
    expect(await recordOf(admin, hash)).toEqual(before);
    expect(await house.store.read("SELECT hash FROM api_key", [])).toHaveLength(1);
  });
});

describe("the list of keys", () => {
  test("holds every key once over its pages, and stays small", async () => {
    await using house = await startPeople();
    const { admin, ids } = await staff(house);
    await many(house, 95, ids.admin);
    const seen: string[] = [];
    let path = "/dashboard/keys";
    for (let pages = 0; path !== "" && pages < 5; pages++) {
      const page = await admin.get(path);
      expect(page.text.length).toBeLessThan(100_000);
      const found = [...page.text.matchAll(/keys\/([0-9a-f]{64})"/g)].map(([, hash = ""]) => hash);
      expect(found.length).toBeLessThanOrEqual(40);
      seen.push(...found);
      path = (/rel="next" href="([^"]+)"/.exec(page.text)?.[1] ?? "").replaceAll("&amp;", "&");
    }
    expect([seen.length, new Set(seen).size]).toEqual([95, 95]);
    const csv = (await admin.get("/dashboard/keys?format=csv")).text.trim().split("\n");
    expect(csv).toHaveLength(96);
    expect((await admin.get(`/dashboard/keys?after=${"0".repeat(64)}`)).status).toBe(200);
  });
});

describe("pages that want a key", () => {
  test("lead to the form whoever is signed in, and nobody else", async () => {
    const visitor = shared.browser();
    const link = 'href="/dashboard/keys#new"';
    for (const path of ["/docs/getting-started", "/docs/integrations/openai"]) {
      expect((await admin.get(path)).text).toContain(link);
      expect((await visitor.get(path)).text).not.toContain(link);
    }
    expect((await admin.get("/docs/philosophy")).text).not.toContain(link);
    expect((await admin.get("/dashboard/keys")).text).toContain('id="new"');
  });

  test("a model's page has a line that runs as it stands, where it can be called", async () => {
    await using house = await startPeople(undefined, { simulated: true });
    const { admin, nobody } = await staff(house);
    const { secret } = await makeKey(admin, { name: "one" });
    for (const [id, answer] of [
      ["openai/gpt-4o-mini", '"object":"chat.completion"'],
      ["openai/text-embedding-3-small", '"object":"list"'],
    ] as const) {
      const page = await admin.get(`/models/${id}`);
      const line = lineIn(page, "try-line");
      expect(line).toContain(`curl ${house.url}/v1/`);
      expect(await ran(line, secret)).toContain(answer);
      expect(page.text).toContain('href="/dashboard/keys#new"');
      expect((await nobody.get(`/models/${id}`)).text).toContain(
        'href="/login?next=%2Fdashboard%2Fkeys"',
      );
    }
    // Nobody is configured there who serves it.
    expect((await admin.get("/models/xai/grok-4.1-fast")).text).not.toContain("try-line");
    const made = await makeKey(admin, { name: "two" });
    expect(await ran(lineIn(made, "line"), "")).toContain('"object":"chat.completion"');
    const managing = await makeKey(admin, { name: "three", key_type: "management" });
    expect(await ran(lineIn(managing, "line"), "")).toContain('"key_type":"management"');
  });
});

/** The text of an element, as a reader would copy it. */
function lineIn({ text }: Page, id: string): string {
  const html = new RegExp(`id="${id}">(.*?)</code>`, "s").exec(text)?.[1] ?? "";
  return html.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}

/** What a shell prints for a line. */
async function ran(line: string, key: string): Promise<string> {
  const child = Bun.spawn(["sh", "-c", line], {
    env: { ...process.env, LOWROUTER_API_KEY: key },
    stdout: "pipe",
    stderr: "ignore",
  });
  return new Response(child.stdout).text();
}

async function many(house: PeopleGateway, count: number, createdBy: string): Promise<void> {
  for (let made = 0; made < count; made++)
    await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: `A name of some length for the key number ${made}`,
      limit: fromUnits(100),
      limitReset: "monthly",
      createdBy,
    });
}

/** What a browser would send of the form of change. */
function fieldsOf(text: string): Record<string, string> {
  const form = /<h2 id="settings">.*/s.exec(text)?.[0] ?? "";
  const fields: Record<string, string> = {};
  const decoded = (value: string) => value.replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  for (const [tag = ""] of form.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(tag)?.[1] ?? "";
    const value = decoded(/value="([^"]*)"/.exec(tag)?.[1] ?? "");
    if (!tag.includes('type="checkbox"') || tag.includes("checked")) fields[name] = value;
  }
  for (const [, name = "", value = ""] of form.matchAll(
    /<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)/g,
  ))
    fields[name] = decoded(value);
  for (const [, name = "", options = ""] of form.matchAll(
    /<select[^>]*name="([^"]+)"[^>]*>(.*?)<\/select/gs,
  ))
    fields[name] = /value="([^"]*)" selected/.exec(options)?.[1] ?? "";
  return fields;
}

test("what a key spent is kept no longer once it is deleted, on its page or over the API", async () => {
  const { store, clock, accountId, url, gateway } = shared;
  using forget = spyOn(gateway.services.keySpend, "forget");
  const made = async (type: "regular" | "management") =>
    createKey(store, clock, { accountId, name: "for a moment", type });
  const { key: one } = await made("regular");
  const { key: other } = await made("regular");
  const manager = await made("management");
  expect((await admin.post(`/dashboard/keys/${one.hash}/delete`, {})).status).toBe(303);
  const answer = await fetch(`${url}/api/v1/keys/${other.hash}`, {
    method: "DELETE",
    headers: { authorization: `Bearer ${manager.secret}` },
  });
  expect(answer.status).toBe(200);
  expect(forget.mock.calls).toEqual([[one.hash], [other.hash]]);
});

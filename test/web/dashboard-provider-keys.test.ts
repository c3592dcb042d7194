import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { addProviderKey, listProviderKeys } from "#src/account/provider-keys.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import {
  alertOf,
  askedWith,
  foreignForms,
  makeKey,
  type Staff,
  staff,
} from "#test/web/dashboard-keys-kit.ts";
import { type Page, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const path = "/dashboard/provider-keys";
const canary = "sk-canary-of-a-person-WxYz";
const scripts = `<script>alert(1)</script>"><img src=x onerror=alert(1)>`;

let house: PeopleGateway;
let people: Staff;
let lowrouterKey: { secret: string; hash: string };
beforeAll(async () => {
  house = await startPeople((config) => (config.providers["groq"] = { enabled: false }), {
    simulated: true,
  });
  people = await staff(house);
  lowrouterKey = await makeKey(people.member, { name: "programs" });
});
afterAll(() => house[Symbol.asyncDispose]());
afterEach(async () => {
  for (const { id } of await kept()) await people.admin.post(`${path}/${id}/delete`, {});
});

const kept = () => listProviderKeys(house.store, { accountId: house.accountId });
const keep = (fields: Record<string, string>) => people.admin.post(path, fields);
const kindOf = (page: Page) => [page.status, alertOf(page)];
const isOwn = async () => {
  const answer = await askedWith(house, lowrouterKey.secret);
  return answer.status === 200 ? at(await answer.json(), "usage.is_byok") : answer.status;
};

async function keepOne(fields: Record<string, string> = {}): Promise<string> {
  const sent = await keep({ provider: "openai", key: canary, ...fields });
  const id = /(pk_\w+)\?done=added$/.exec(sent.to ?? "")?.[1];
  if (id === undefined) throw new Error(`Cannot keep: ${sent.status} ${alertOf(sent)}`);
  return id;
}

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const serviceAccount = JSON.stringify(
  {
    type: "service_account",
    client_email: "canary@project.iam.gserviceaccount.com",
    project_id: "project",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
  },
  undefined,
  2,
);

describe("a provider key", () => {
  test.each<[string, Record<string, string>, readonly string[], Record<string, unknown>]>([
    ["openai", { key: canary, name: "ours" }, ["key"], { label: "ours", kind: "key" }],
    [
      "azure",
      { key: canary, base_url: "https://1.1.1.1", deployment: "mine", region: "" },
      ["key", "base_url", "deployment"],
      { kind: "key", baseUrl: "https://1.1.1.1", deployment: "mine", region: undefined },
    ],
    [
      "bedrock",
      {
        access_key_id: "AKIDEXAMPLEEXAMPLE",
        secret_access_key: canary,
        session_token: "",
        key: "",
        region: "us-east-1",
      },
      ["access_key_id", "secret_access_key", "session_token", "key", "region"],
      { kind: "aws", shown: "AKI...MPLE", region: "us-east-1" },
    ],
    [
      "bedrock",
      { access_key_id: "", secret_access_key: "", key: canary, region: "us-east" },
      ["key"],
      { kind: "key", region: "us-east" },
    ],
    [
      "vertex",
      { key: serviceAccount, region: "europe-west4" },
      ["key", "region"],
      { kind: "google", shown: "service account", region: "europe-west4" },
    ],
  ])("of %s is kept from the fields that it has: %j", async (provider, fields, asked, holds) => {
    const form = await people.admin.get(`${path}/new?provider=${provider}`);
    for (const name of asked) expect(form.text).toContain(`name="${name}"`);
    const id = await keepOne({ provider, key: "", ...fields });
    expect(await kept()).toMatchObject([{ id, provider, ...holds }]);
    const pages = await Promise.all(
      ["", "?format=json", "?format=csv", `/${id}`, `/${id}/delete`].map((part) =>
        people.admin.get(path + part),
      ),
    );
    for (const { status, text } of pages)
      expect([status, text.includes(canary), text.includes("PRIVATE KEY")]).toEqual([
        200,
        false,
        false,
      ]);
  });

  test.each<[Record<string, string>, string, unknown]>([
    [{ always_use: "on" }, "alwaysUse", true],
    [{ is_fallback: "on" }, "isFallback", true],
    [{ weight: "7" }, "weight", 7],
    [{ rpm_limit: "60" }, "rpmLimit", 60],
    [{ daily_budget: "2.5" }, "dailyBudget", 2_500_000_000],
    [{ monthly_budget: "50" }, "monthlyBudget", 50_000_000_000],
    [{ supported_models: "gpt-4o-mini gpt-4o" }, "supportedModels", ["gpt-4o-mini", "gpt-4o"]],
    [{ allowed_models: "gpt-4o" }, "allowedModels", ["gpt-4o"]],
    [{ region: "us-east" }, "region", "us-east"],
    [{ base_url: "https://1.1.1.1/v1" }, "baseUrl", "https://1.1.1.1/v1"],
    [{ allowed_api_key_hashes: "a".repeat(64) }, "allowedApiKeyHashes", ["a".repeat(64)]],
  ])("takes %j, and is sent again as its page shows it", async (fields, member, value) => {
    const id = await keepOne(fields);
    const before = (await kept())[0];
    expect(Object(before)[member]).toEqual(value);
    const page = await people.admin.get(`${path}/${id}`);
    const sent = await people.admin.post(`${path}/${id}`, { ...shownIn(page.text), name: "other" });
    expect(sent.to).toBe(`${path}/${id}?done=changed`);
    expect((await kept())[0]).toEqual({
      ...Object(before),
      label: "other",
      updatedAt: expect.any(Number),
    });
  });

  test("is used by the next request, and no longer when it is disabled or deleted", async () => {
    expect(await isOwn()).toBe(false);
    const id = await keepOne();
    expect(await isOwn()).toBe(true);
    const state = async () => {
      const list = await people.admin.get(`${path}?format=json`);
      const row = listAt(JSON.parse(list.text), "data").find((one) => at(one, "id") === id);
      const page = await people.admin.get(`${path}/${id}`);
      const [, said] = /State (\w+)/.exec(words(page)) ?? [];
      const [, offered] = /name="disabled" value="(\w+)"/.exec(page.text) ?? [];
      return [at(row, "state"), said, offered];
    };
    expect(await state()).toEqual(["enabled", "enabled", "true"]);
    await people.admin.post(`${path}/${id}/switch`, { disabled: "true" });
    expect(await isOwn()).toBe(false);
    expect(await state()).toEqual(["disabled", "disabled", "false"]);
    await people.admin.post(`${path}/${id}/switch`, { disabled: "false" });
    expect(await isOwn()).toBe(true);
    await people.admin.post(`${path}/${id}`, { allowed_models: "gpt-4o" });
    expect(await isOwn()).toBe(false);
    await people.admin.post(`${path}/${id}`, { allowed_models: "" });
    expect(await isOwn()).toBe(true);
    expect(words(await people.admin.get(`${path}/${id}/delete`))).toContain("cannot be undone");
    expect(await isOwn()).toBe(true);
    const gone = await people.admin.post(`${path}/${id}/delete`, {});
    expect(gone.to).toBe(`${path}?done=deleted`);
    expect(await isOwn()).toBe(false);
    expect((await people.admin.get(`${path}/${id}`)).status).toBe(404);
    const events = await house.store.read(
      "SELECT action, actor, address FROM audit_event WHERE target = ? ORDER BY id",
      [id],
    );
    expect(events).toEqual(
      ["created", "changed", "changed", "changed", "changed", "deleted"].map((what) => ({
        action: `provider_key.${what}`,
        actor: people.ids.admin,
        address: "127.0.0.1",
      })),
    );
  });

  test("for some API keys alone stays so, also when those are gone", async () => {
    const id = await keepOne({ allowed_api_key_hashes: "b".repeat(64) });
    expect(await isOwn()).toBe(false);
    const page = await people.admin.get(`${path}/${id}`);
    expect(page.text).toContain("a key that is gone");
    await people.admin.post(`${path}/${id}`, shownIn(page.text));
    expect(await isOwn()).toBe(false);
    await people.admin.post(`${path}/${id}`, { allowed_api_key_hashes: lowrouterKey.hash });
    expect(await isOwn()).toBe(true);
  });

  test("has its secret replaced, or left where none is typed", async () => {
    const id = await keepOne();
    await people.admin.post(`${path}/${id}`, { key: "", name: "same" });
    expect((await kept())[0]).toMatchObject({ label: "same", shown: "sk-...WxYz" });
    await people.admin.post(`${path}/${id}`, { key: "sk-renewed-canary-9999" });
    expect((await kept())[0]).toMatchObject({ shown: "sk-...9999" });
  });

  test.each<[Record<string, string>, string]>([
    [{ key: "" }, "key"],
    [{ key: "two canary words" }, "key"],
    [{ provider: "bedrock", key: "", access_key_id: "canary", secret_access_key: "" }, "key"],
    [{ provider: "vertex", key: "canary" }, "key"],
    [{ provider: "azure" }, "region"],
    [{ region: "atlantis" }, "region"],
    [{ base_url: "http://127.0.0.1/canary" }, "base_url"],
    [{ base_url: "https://10.0.0.1/" }, "base_url"],
    [{ weight: "0" }, "weight"],
    [{ rpm_limit: "many" }, "rpm_limit"],
    [{ daily_budget: "-1" }, "daily_budget"],
    [{ monthly_budget: "99999999999" }, "monthly_budget"],
    [{ allowed_api_key_hashes: "x" }, "allowed_api_key_hashes"],
  ])("with %j is refused by name, and no secret is repeated or kept", async (fields, name) => {
    const sent = await keep({ provider: "openai", key: canary, name: "shown again", ...fields });
    expect(kindOf(sent)).toEqual([400, expect.stringContaining(name)]);
    expect(sent.text).toContain('value="shown again"');
    expect(sent.text.replace(/value="http:[^"]*"/, "")).not.toContain("canary");
    expect(await kept()).toEqual([]);
  });

  test("is in no file, log line or page, whatever is done with it", async () => {
    const id = await keepOne();
    await people.admin.post(`${path}/${id}`, { key: `${canary}2` });
    const refused = await people.admin.post(`${path}/${id}`, { key: canary, weight: "x" });
    expect([refused.status, refused.text.includes(canary)]).toEqual([400, false]);
    await isOwn();
    const folder = house.gateway.app.config.dataDir;
    for (const name of readdirSync(folder))
      expect([name, readFileSync(join(folder, name)).includes(canary)]).toEqual([name, false]);
    expect(house.logged()).not.toContain(canary);
  });
});

describe("what the configuration owns", () => {
  test("is named and read-only: its providers, and those that it switches off", async () => {
    const page = await people.admin.get(path);
    expect(words(page)).toMatch(/Read-only: .* It reaches .*OpenAI.* Switched off there.*: Groq/);
    expect(page.text).not.toContain('<option value="groq"');
    for (const sent of [
      await people.admin.get(`${path}/new?provider=groq`),
      await people.admin.get(`${path}/new?provider=nobody`),
      await keep({ provider: "groq", key: canary }),
    ])
      expect(kindOf(sent)).toEqual([400, expect.stringContaining("choose one of the list")]);
    expect(await kept()).toEqual([]);
  });

  test("the operator's stored keys are neither listed nor reached", async () => {
    const { app, services } = house.gateway;
    const operators = await addProviderKey(
      house.store,
      { clock: app.clock, ids: app.ids, place: services.providerKeys.place },
      { provider: "openai", label: "of the operator", secret: { kind: "key", key: canary } },
    );
    expect((await people.admin.get(path)).text).not.toContain("of the operator");
    expect((await people.admin.get(`${path}/${operators.id}`)).status).toBe(404);
    expect((await people.admin.post(`${path}/${operators.id}/delete`, {})).status).toBe(404);
    expect(await listProviderKeys(house.store, "operator")).toHaveLength(1);
  });
});

describe("who may do what with provider keys", () => {
  test("every page and form, for every role", async () => {
    const id = await keepOne({ name: "ours" });
    const statuses = async (role: "owner" | "admin" | "member" | "other" | "nobody") => {
      const browser = people[role];
      const answers = [
        await browser.get(path),
        await browser.get(`${path}/new?provider=openai`),
        await browser.get(`${path}/${id}`),
        await browser.get(`${path}/${id}/delete`),
        await browser.post(`${path}/${id}`, { name: "renamed" }),
        await browser.post(`${path}/${id}/switch`, { disabled: "false" }),
      ];
      return answers.map(({ status }) => status).join(" ");
    };
    const all = "200 200 200 200 303 303";
    expect({
      owner: await statuses("owner"),
      admin: await statuses("admin"),
      member: await statuses("member"),
      other: await statuses("other"),
      nobody: await statuses("nobody"),
    }).toEqual({
      owner: all,
      admin: all,
      member: "404 404 404 404 404 404",
      other: "200 200 404 404 404 404",
      nobody: "303 303 303 303 303 303",
    });
    expect((await people.member.post(path, { provider: "openai", key: canary })).status).toBe(404);
    expect(words(await people.other.get(path))).toContain("There is no key yet");
    const [foreign, missing] = [
      await people.other.post(`${path}/${id}/delete`, {}),
      await people.other.post(`${path}/pk_missing/delete`, {}),
    ];
    expect([foreign.status, foreign.text.replaceAll(id, "pk_missing")]).toEqual([
      404,
      missing.text,
    ]);
    expect(await kept()).toHaveLength(1);
  });

  test("a form of another site is refused and changes nothing", async () => {
    const id = await keepOne();
    const before = await kept();
    for (const headers of foreignForms)
      for (const part of ["", `/${id}`, `/${id}/switch`, `/${id}/delete`]) {
        const fields = { provider: "openai", key: canary, disabled: "true" };
        expect((await people.admin.post(path + part, fields, headers)).status).toBe(403);
      }
    expect(await kept()).toEqual(before);
  });

  test("stored and sent texts are shown as text", async () => {
    const { app, services } = house.gateway;
    const stored = await addProviderKey(
      house.store,
      { clock: app.clock, ids: app.ids, place: services.providerKeys.place },
      {
        accountId: house.accountId,
        provider: "openai",
        label: scripts,
        baseUrl: "javascript:alert(1)",
        region: scripts,
        supportedModels: [`</textarea>${scripts}`],
        secret: { kind: "key", key: canary },
      },
    );
    const pages = [
      await people.admin.get(path),
      await people.admin.get(`${path}/${stored.id}`),
      await people.admin.get(`${path}/${stored.id}/delete`),
      await keep({ provider: "openai", key: "", name: scripts, region: scripts }),
      await keep({ provider: scripts, key: canary }),
    ];
    for (const { text } of pages.slice(0, 4)) expect(text).toContain("alert(1)");
    for (const { text } of pages)
      expect(text).not.toMatch(/<script>|<img|href="javascript:|onerror=alert\(1\)>/);
  });
});

/** What a browser would send of a key's form. */
function shownIn(text: string): Record<string, string> {
  const form = /<h2 id="settings">.*/s.exec(text)?.[0] ?? "";
  const fields: Record<string, string> = {};
  for (const [tag = ""] of form.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(tag)?.[1] ?? "";
    const value = /value="([^"]*)"/.exec(tag)?.[1] ?? "";
    if (!tag.includes('type="checkbox"') || tag.includes("checked")) fields[name] = value;
  }
  for (const [, name = "", value = ""] of form.matchAll(
    /<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)/g,
  ))
    fields[name] = value;
  return fields;
}

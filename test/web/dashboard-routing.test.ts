import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { getAccountRouting, setAccountRouting } from "#src/account/account-routing.ts";
import { at } from "#test/lib/gateway.ts";
import {
  alertOf,
  askedWith,
  foreignForms,
  makeKey,
  type Staff,
  staff,
} from "#test/web/dashboard-keys-kit.ts";
import { type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const path = "/dashboard/routing";
const scripts = `<script>alert(1)</script>"><img src=x onerror=alert(1)>`;

let house: PeopleGateway;
let people: Staff;
let secret: string;
beforeAll(async () => {
  house = await startPeople((config) => (config.routing.defaultModel = "openai/gpt-4o-mini"), {
    simulated: true,
  });
  people = await staff(house);
  ({ secret } = await makeKey(people.member, { name: "one" }));
});
afterAll(() => house[Symbol.asyncDispose]());

const change = (fields: Record<string, string>) => people.admin.post(path, fields);
const kept = () => getAccountRouting(house.store, house.accountId);
const asked = async (body: Record<string, unknown> = {}) => {
  const answer = await askedWith(house, secret, body);
  const json = await answer.json();
  return answer.status === 200
    ? `${at(json, "lowrouter.provider")} ${at(json, "lowrouter.region")}`
    : `${answer.status} ${at(json, "error.code")}`;
};

describe("the account's routing", () => {
  test.each<[Record<string, string>, string]>([
    [{ region: "eu-west" }, "openai eu-west"],
    [{ region: "us-east" }, "openai us-east"],
    [{ policy: "prefer-region:us-east" }, "openai us-east"],
    [{ policy: "prefer-region:eu-west" }, "openai eu-west"],
    [{ allowed_providers: "mistral" }, "403 provider_not_allowed"],
    [{ ignored_providers: "openai/us-east" }, "openai eu-west"],
    [{ ignored_providers: "openai/eu-west" }, "openai us-east"],
    [{ policy: "fixed-provider:mistral" }, "503 service_unavailable"],
  ])("%j holds on the next request of every key: %s", async (fields, served) => {
    const sent = await change(fields);
    expect([sent.status, sent.to]).toEqual([303, `${path}?done=changed`]);
    expect(await asked()).toBe(served);
    const lifted = await people.admin.post(`${path}/lift`, { lift: "all" });
    expect(lifted.to).toBe(`${path}?done=lifted`);
    expect(await kept()).toBeUndefined();
    expect(await asked()).toStartWith("openai ");
  });

  test("keeps every wish, shows it, and takes it back as it was shown", async () => {
    await change({
      region: "country:FR",
      policy: "prefer-cheapest",
      prefer_low_carbon: "on",
      allowed_providers: "Mistral\r\nopenai/eu-west",
      ignored_providers: "google, anthropic",
      data_collection: "on",
      zdr: "on",
    });
    expect(await kept()).toEqual({
      region: "country:FR",
      policy: "prefer-cheapest",
      preferLowCarbon: true,
      allowedProviders: ["mistral", "openai/eu-west"],
      ignoredProviders: ["google", "anthropic"],
      dataCollection: "deny",
      zdr: true,
    });
    const page = await people.admin.get(`${path}?done=changed`);
    expect(words(page)).toContain("The routing is changed");
    expect(page.text).toContain('name="region" type="text" value="country:FR"');
    expect(page.text).toContain(">mistral\nopenai/eu-west</textarea>");
    for (const name of ["prefer_low_carbon", "data_collection", "zdr"])
      expect(page.text).toMatch(new RegExp(`name="${name}" value="on" checked`));
    await change({ zdr: "on" });
    expect(await kept()).toEqual({ zdr: true });
    await change({});
    expect(await kept()).toBeUndefined();
  });

  test.each<[Record<string, string>, string]>([
    [{ region: "atlantis" }, "region"],
    [{ policy: "prefer-nothing" }, "policy"],
    [{ policy: "fixed-provider:nobody" }, "policy"],
    [{ allowed_providers: "mistral nobody" }, "allowed_providers"],
    [{ ignored_providers: "nobody" }, "ignored_providers"],
  ])("%j is refused by name, and changes nothing", async (fields, name) => {
    await change({ region: "eu-west" });
    const sent = await change({ zdr: "on", ...fields });
    expect([sent.status, alertOf(sent)]).toEqual([400, expect.stringMatching(/^Cannot /)]);
    expect(sent.text).toMatch(new RegExp(`name="${name}"[^>]*aria-invalid="true"`));
    expect(sent.text).toMatch(/name="zdr" value="on" checked/);
    expect(await kept()).toEqual({ region: "eu-west" });
  });

  test("says what the configuration owns, without a way to change it", async () => {
    const page = words(await people.admin.get(path));
    expect(page).toContain("Read-only: the operator sets this");
    expect(page).toContain("Model where none is named openai/gpt-4o-mini");
  });

  test("is in the audit log with what was wished, by whom and from where", async () => {
    await change({ region: "eu-west", zdr: "on" });
    const [event] = await house.store.read(
      "SELECT * FROM audit_event WHERE action = 'routing.changed' ORDER BY id DESC LIMIT 1",
      [],
    );
    expect(event).toMatchObject({
      actor: people.ids.admin,
      target: house.accountId,
      account_id: house.accountId,
      address: "127.0.0.1",
      detail: '{"region":"eu-west","zdr":"on"}',
    });
  });

  test("is for owners and admins of this account alone", async () => {
    const { owner, admin, member, other, nobody } = people;
    const at = `${path}?account=${house.accountId}`;
    const status = async (browser: typeof owner) => {
      const answers = [
        await browser.get(at),
        await browser.post(at, { region: "us-east" }),
        await browser.post(`${path}/lift${at.slice(path.length)}`, {}),
      ];
      return answers.map((answer) => answer.status);
    };
    await change({ region: "eu-west" });
    for (const browser of [member, other]) expect(await status(browser)).toEqual([404, 404, 404]);
    expect(await status(nobody)).toEqual([303, 303, 303]);
    for (const headers of foreignForms) {
      expect((await admin.post(path, { region: "us-east" }, headers)).status).toBe(403);
      expect((await admin.post(`${path}/lift`, {}, headers)).status).toBe(403);
    }
    expect(await kept()).toEqual({ region: "eu-west" });
    for (const browser of [owner, admin]) expect(await status(browser)).toEqual([200, 303, 303]);
    // The other account's own page is about the other account.
    await other.post(path, { region: "us-east" });
    expect(await kept()).toBeUndefined();
  });

  test("stored and sent texts are shown as text", async () => {
    await setAccountRouting(house.store, house.accountId, {
      policy: scripts,
      region: scripts,
      allowedProviders: [`</textarea>${scripts}`],
      ignoredProviders: [scripts],
    });
    const sent = await change({ region: scripts, allowed_providers: `</textarea>${scripts}` });
    for (const { text } of [await people.admin.get(path), sent]) {
      expect(text).toContain("alert(1)");
      expect(text).not.toMatch(/<script>|<img|onerror=alert\(1\)>/);
    }
    await people.admin.post(`${path}/lift`, {});
  });
});

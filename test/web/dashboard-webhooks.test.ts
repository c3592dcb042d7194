import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { textOf } from "#src/store/store.ts";
import { at, listAt } from "#test/lib/gateway.ts";
import {
  alertOf,
  askedWith,
  foreignForms,
  type Staff,
  staff,
} from "#test/web/dashboard-keys-kit.ts";
import { tableOf } from "#test/web/outline.ts";
import {
  type Browser,
  type Page,
  type PeopleGateway,
  startPeople,
  words,
} from "#test/web/people-kit.ts";
import { type Receiver, signatureOf, startReceiver, typesOf } from "#test/webhook/kit.ts";

const path = "/dashboard/webhooks";
const scripts = `<script>alert(1)</script>"><img src=x onerror=alert(1)> javascript:alert(1)`;

let house: PeopleGateway;
let people: Staff;
let receiver: Receiver;
beforeAll(async () => {
  receiver = startReceiver();
  house = await startPeople((config) => (config.webhooks.allowPrivate = true), { simulated: true });
  people = await staff(house);
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

async function made(
  fields: Record<string, string> = {},
  browser: Browser = people.admin,
): Promise<Page & { id: string; secret: string }> {
  const page = await browser.post(path, { name: "mine", url: receiver.url, ...fields });
  return {
    ...page,
    id: /\/dashboard\/webhooks\/(whk_\w+)/.exec(page.text)?.[1] ?? "",
    secret: /<code id="secret">(whsec_[^<]+)/.exec(page.text)?.[1] ?? "",
  };
}
const listed = async (id: string) => {
  const { text } = await people.admin.get(`${path}?format=json`);
  return listAt(JSON.parse(text), "data").find((one) => at(one, "id") === id);
};

describe("the webhooks page", () => {
  test("shows a secret in the answer to the form alone, and events come signed with it", async () => {
    const one = await made({ event_types: "generation.completed" });
    expect([one.status, one.headers.get("cache-control"), one.to]).toEqual([201, "no-store", null]);
    const { secret: key } = await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: "caller",
    });
    const before = receiver.got.length;
    expect((await askedWith(house, key)).status).toBe(200);
    const event = (await receiver.came(before + 1))[before];
    if (event === undefined) throw new Error("Nothing came");
    expect(event.headers.get("webhook-signature")).toBe(signatureOf(event, one.secret));
    await house.gateway.services.webhooks.queue.run();
    for (const more of [
      "",
      `/${one.id}`,
      "?format=json",
      "?format=csv",
      `/${one.id}?format=json`,
    ]) {
      const page = await people.admin.get(path + more);
      expect([more, page.status, page.text.includes("whsec_")]).toEqual([more, 200, false]);
    }
    const page = await people.admin.get(`${path}/${one.id}`);
    expect(words(page)).toContain("generation.completed");
    expect(words(page)).toMatch(/delivered .* 204, \d+ ms/);
    expect(house.logged()).not.toContain(one.secret);
    await people.admin.post(`${path}/${one.id}/delete`, { confirm: "mine" });
  });

  test("changes, switches off and on, makes a new secret, tests and deletes, and audits it", async () => {
    const { id, secret } = await made();
    const here = `${path}/${id}`;
    const form = { name: "other", url: `${receiver.url}/b`, event_types: "credits.low" };
    expect((await people.admin.post(here, form)).to).toBe(`${here}?done=changed`);
    expect(await listed(id)).toMatchObject({ ...form, event_types: ["credits.low"] });
    // Nothing ticked: everything again.
    await people.admin.post(here, { name: "other", url: receiver.url });
    expect(await listed(id)).toMatchObject({ event_types: [], api_key_hashes: [] });
    await people.admin.post(`${here}/switch`, { disabled: "true" });
    expect(await listed(id)).toMatchObject({ disabled: true });
    await people.admin.post(`${here}/switch`, { disabled: "false" });
    expect(await listed(id)).toMatchObject({ disabled: false });
    const rotated = await people.admin.post(`${here}/rotate-secret`, {});
    const next = /<code id="secret">(whsec_[^<]+)/.exec(rotated.text)?.[1];
    expect([rotated.headers.get("cache-control"), next === secret]).toEqual(["no-store", false]);
    const before = receiver.got.length;
    expect((await people.admin.post(`${here}/test`, {})).to).toBe(`${here}?done=tested`);
    expect(typesOf(receiver.got.slice(before))).toEqual(["webhook.test"]);
    receiver.answer(() => new Response(null, { status: 503 }));
    const failed = await people.admin.post(`${here}/test`, {});
    receiver.answer(() => new Response(null, { status: 204 }));
    expect([failed.status, alertOf(failed)]).toEqual([
      400,
      expect.stringMatching(/^Cannot deliver the test event: 503, \d+ ms\.$/),
    ]);
    // The settings are shown as they are, whatever form failed.
    expect(failed.text).toContain(`value="other"`);
    const kept = await people.admin.post(`${here}/delete`, { confirm: "mine" });
    expect([kept.status, alertOf(kept)]).toEqual([
      400,
      "Cannot delete the webhook: type its name to do so.",
    ]);
    expect((await people.admin.post(`${here}/delete`, { confirm: "other" })).to).toBe(
      `${path}?done=deleted`,
    );
    expect((await people.admin.get(here)).status).toBe(404);
    const rows = await house.store.read(
      "SELECT action, actor, address, account_id FROM audit_event WHERE target = ? ORDER BY id",
      [id],
    );
    expect(rows.map((row) => textOf(row, "action"))).toEqual([
      "webhook.created",
      "webhook.changed",
      "webhook.changed",
      "webhook.changed",
      "webhook.changed",
      "webhook.secret_rotated",
      "webhook.tested",
      "webhook.tested",
      "webhook.deleted",
    ]);
    for (const row of rows)
      expect(row).toMatchObject({
        actor: people.ids.admin,
        address: "127.0.0.1",
        account_id: house.accountId,
      });
  });

  test("replays a delivery with the same event id, and says when what did not arrive is tried again", async () => {
    const { id } = await made();
    await people.admin.post(`${path}/${id}/test`, {});
    const { text } = await people.admin.get(`${path}/${id}?format=json`);
    const delivery = String(at(JSON.parse(text), "data.0.id"));
    const before = receiver.got.length;
    const sent = await people.admin.post(`${path}/${id}/replay`, { delivery });
    expect(sent.to).toBe(`${path}/${id}?done=replayed`);
    const again = (await receiver.came(before + 1))[before];
    expect(again?.headers.get("webhook-id")).toBe(String(at(JSON.parse(text), "data.0.event_id")));
    const none = await people.admin.post(`${path}/${id}/replay`, { delivery: "dlv_none" });
    expect(none.status).toBe(404);

    // What did not arrive says what came of it, and when it is tried again.
    receiver.answer(() => new Response(null, { status: 503 }));
    await people.admin.post(`${path}/${id}/replay`, { delivery });
    let rows: string[][] = [];
    const refused = () => rows.find(([, , , tries = ""]) => tries.includes(": 503,")) ?? [];
    for (let left = 500; left > 0 && refused().length === 0; left--) {
      const page = await people.admin.get(`${path}/${id}`);
      rows = await tableOf(page.text, /^The last deliveries, newest first/);
    }
    receiver.answer(() => new Response(null, { status: 204 }));
    const waits = refused();
    expect(waits[2]).toBe("will be tried again");
    expect(waits[4]).toMatch(/^\d{4}-\d\d-\d\d/);
    const arrived = rows.find(([, , state]) => state === "delivered") ?? [];
    expect(arrived[4]).toBe("— It arrived");
    await people.admin.post(`${path}/${id}/delete`, { confirm: "mine" });
  });

  test("says of each event what it carries", async () => {
    const page = await people.admin.get(path);
    for (const type of [
      "generation.completed",
      "key.limit_reached",
      "credits.low",
      "credits.exhausted",
      "carbon_budget.reached",
      "provider.unavailable",
      "provider.recovered",
    ])
      expect(page.text).toContain(`<th scope="row">${type}</th>`);
    expect(words(page)).toContain("energy and carbon");
  });

  test("names what is wrong beside the field, and keeps what was typed", async () => {
    const refused = await made({ name: "keep me", url: "file:///etc/passwd" });
    expect([refused.status, alertOf(refused)]).toEqual([
      400,
      expect.stringMatching(/^Cannot use this url: /),
    ]);
    expect(refused.text).toContain(`value="keep me"`);
    expect(refused.text).toContain(`aria-invalid="true"`);
    expect((await made({ name: " " })).status).toBe(400);
  });

  test("shows scripts as text, wherever they are stored", async () => {
    const { id } = await made({
      name: scripts,
      url: `${receiver.url}/?q="><script>alert(1)</script>`,
    });
    await people.admin.post(`${path}/${id}/test`, {});
    for (const more of ["", `/${id}`]) {
      const { text } = await people.admin.get(path + more);
      expect(text).not.toContain("<script>alert");
      expect(text).not.toContain("<img src=x");
      expect(text).not.toMatch(/href="javascript:/);
      expect(text).toContain("&lt;script&gt;");
    }
    await people.admin.post(`${path}/${id}/delete`, { confirm: scripts });
    expect(await listed(id)).toBeUndefined();
  });

  test("is under 100 KB with all that it may show", async () => {
    const { id } = await made();
    const tries = JSON.stringify(
      Array.from({ length: 10 }, () => ({
        at: house.clock.now(),
        reason: "connection_failed",
        ms: 1,
      })),
    );
    await house.store.write([
      {
        sql: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
          INSERT INTO webhook_delivery (id, webhook_id, event_id, type, payload, state, next_at, created_at, tries)
          SELECT 'dlv_01' || i, ?, 'evt_' || i, 'carbon_budget.reached', '{}', 'failed', 0, 0, ? FROM n`,
        args: [id, tries],
      },
    ]);
    const page = await people.admin.get(`${path}/${id}`);
    expect(page.text.length).toBeLessThan(100_000);
    const older = /href="(\/dashboard\/webhooks\/[^"]*after=[^"]*)"/.exec(page.text)?.[1] ?? "";
    expect((await people.admin.get(older.replaceAll("&amp;", "&"))).status).toBe(200);
    await people.admin.post(`${path}/${id}/delete`, { confirm: "mine" });
  });
});

describe("who may", () => {
  const posts = [
    "",
    "/ID",
    "/ID/switch",
    "/ID/rotate-secret",
    "/ID/test",
    "/ID/replay",
    "/ID/delete",
  ];

  test("is an admin or owner of the account; for everyone else there is nothing", async () => {
    const { id } = await made();
    for (const more of ["", "/ID"]) {
      const where = path + more.replace("ID", id);
      expect([where, (await people.owner.get(where)).status]).toEqual([where, 200]);
      expect([where, (await people.member.get(where)).status]).toEqual([where, 404]);
      if (more !== "") expect((await people.other.get(where)).status).toBe(404);
      expect((await people.nobody.get(where)).to).toStartWith("/login");
    }
    const before = JSON.stringify(await listed(id));
    const form = {
      name: "taken",
      url: receiver.url,
      disabled: "true",
      confirm: "mine",
      delivery: "x",
    };
    for (const more of posts) {
      const where = path + more.replace("ID", id);
      expect([where, (await people.member.post(where, form)).status]).toEqual([where, 404]);
      if (more !== "")
        expect([where, (await people.other.post(where, form)).status]).toEqual([where, 404]);
      const named = await people.other.post(`${where}?account=${house.accountId}`, form);
      expect([where, named.status]).toEqual([where, 404]);
      for (const headers of foreignForms) {
        const forged = await people.admin.post(where, form, headers);
        expect([where, forged.status]).toEqual([where, 403]);
      }
    }
    expect(JSON.stringify(await listed(id))).toBe(before);
    const others = await people.other.get(`${path}?format=json`);
    expect(listAt(JSON.parse(others.text), "data")).toEqual([]);
    await people.admin.post(`${path}/${id}/delete`, { confirm: "mine" });
  });

  test("acts for the account of the page, whatever another tab chose meanwhile", async () => {
    const { text } = await people.owner.get(path);
    const action = /<form class="sheet" method="post" action="([^"]+)"/.exec(text)?.[1] ?? "";
    expect(action).toBe(`${path}?account=${house.accountId}`);
    const personal = await people.owner.get("/account");
    const ids = [...personal.text.matchAll(/acc_\w+/g)].map(([found]) => found);
    const own = ids.find((one) => one !== house.accountId) ?? "";
    await people.owner.post("/account/switch", { to: own });
    const sent = await people.owner.post(action, { name: "tab", url: receiver.url });
    expect(sent.status).toBe(201);
    await people.owner.post("/account/switch", { to: house.accountId });
    const page = await people.owner.get(`${path}?format=json`);
    expect(listAt(JSON.parse(page.text), "data").map((one) => at(one, "name"))).toContain("tab");
  });
});

import { describe, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { type AuditEntry, auditing, record } from "#src/account/people/audit.ts";
import { rfc3339 } from "#src/lib/clock.ts";
import { createIds } from "#src/lib/id.ts";
import { auditFile } from "#src/web/dashboard/audit-ask.ts";
import { staff } from "#test/web/dashboard-keys-kit.ts";
import { type Browser, type PeopleGateway, startPeople, words } from "#test/web/people-kit.ts";

const path = "/dashboard/audit";
const day = 86_400_000;
const script = `<script>alert(1)</script>"><img src=x onerror=alert(2)>`;

interface Row {
  at: string;
  id: string;
  actor: string | null;
  actor_name: string | null;
  action: string;
  target: string | null;
  address: string | null;
}

async function listOf(browser: Browser, query = ""): Promise<Row[]> {
  return JSON.parse((await browser.get(`${path}?format=json${query}`)).text).data;
}

/** Writes entries as if they were of another time. */
async function written(
  house: PeopleGateway,
  at: number,
  ...entries: readonly Partial<AuditEntry>[]
): Promise<void> {
  const clock = { now: () => at, monotonic: () => 0 };
  const kit = { clock, ids: createIds(clock) };
  await house.store.write(
    entries.map((entry) =>
      auditing(kit, { action: "test.done", accountId: house.accountId, ...entry }),
    ),
  );
}

describe("the audit log of an account", () => {
  test("is there for owners and admins alone, and holds what is of that account alone", async () => {
    await using house = await startPeople();
    const { owner, admin, member, other, nobody } = await staff(house);
    await written(house, house.clock.now(), { target: "own" }, { target: "x", accountId: "acc_x" });
    await record(house.gateway.services.people, { action: "sign_in.throttled", target: "nobody" });
    for (const one of [path, `${path}?format=csv`, `${path}?format=json&action=test`]) {
      const query = one.includes("?") ? "&" : "?";
      const statuses = [owner, admin, member].map(async (who) => (await who.get(one)).status);
      expect([one, await Promise.all(statuses)]).toEqual([one, [200, 200, 404]]);
      expect((await nobody.get(one)).to).toStartWith("/login?next=");
      const foreign = await other.get(`${one}${query}account=${house.accountId}`);
      const missing = await other.get(`${one}${query}account=acc_missing`);
      expect([foreign.status, missing.status]).toEqual([404, 404]);
      expect(words(foreign)).toBe(words(missing));
    }
    const targets = (await listOf(owner)).map(({ target }) => target);
    expect(targets).toContain("own");
    expect(targets).not.toContain("x");
    expect(targets).not.toContain("nobody");
    expect(words(await owner.get(path))).not.toContain("sign_in.throttled");
  });

  test("names who did it, and to whom; keys by their names, operators of the gateway not at all", async () => {
    await using house = await startPeople();
    const { owner, ids } = await staff(house);
    const { key } = await createKey(house.store, house.clock, {
      accountId: house.accountId,
      name: "deploy",
    });
    await house.store.write([
      { sql: "UPDATE person SET operator = 1 WHERE id = ?", args: [ids.other] },
    ]);
    const gone = "f".repeat(64);
    const actors = [ids.member, ids.other, key.hash, gone, "cli", "per_gone", undefined];
    await written(
      house,
      house.clock.now(),
      ...actors.map((actor) => ({ actor, target: ids.admin, address: "192.0.2.1" })),
    );
    const rows = (await listOf(owner, "&action=test")).toReversed();
    expect(rows.map((row) => row.actor_name)).toEqual([
      "member@example.org",
      "the operator",
      "key deploy",
      `key ${gone.slice(0, 12)}…, which is gone`,
      "the command line",
      "somebody who is gone (per_gone)",
      null,
    ]);
    const text = words(await owner.get(`${path}?action=test.done`));
    expect(text).toContain("key deploy test.done admin@example.org 192.0.2.1");
    expect(text).toContain("Nobody who is known");
    expect(text).not.toContain("other@example.org");
  });

  test("shows money in the currency, on the page as in files, and nothing in billionths", async () => {
    await using house = await startPeople();
    const { owner } = await staff(house);
    await written(
      house,
      house.clock.now(),
      { detail: { amount_nano: 12_500_000_000, note: "first" } },
      { detail: { amount_nano: 1_000_000, price_minor: 1234, event: "evt_1" } },
      { detail: { amount_nano: "canary", count: 7 } },
    );
    const page = words(await owner.get(`${path}?action=test`));
    expect(page).toContain("amount 12.50 USD, note first");
    expect(page).toContain("amount 0.001 USD, price 12.34 USD, event evt_1");
    // What is no number is shown as it is, not taken for one.
    expect(page).toContain("amount nano canary, count 7");
    const details = JSON.parse((await owner.get(`${path}?format=json&action=test`)).text).data.map(
      (row: { detail: string }) => JSON.parse(row.detail),
    );
    expect(details.toReversed().slice(0, 2)).toEqual([
      { amount: 12.5, note: "first", currency: "USD" },
      { amount: 0.001, price: 12.34, event: "evt_1", currency: "USD" },
    ]);
    const csv = (await owner.get(`${path}?format=csv&action=test`)).text;
    expect(csv).toContain('""amount"":12.5');
    expect(csv).not.toContain("12500000000");
  });

  test("is filtered by action, thing, actor and days, in the address, for pages and files alike", async () => {
    await using house = await startPeople();
    const { owner, ids } = await staff(house);
    const start = Date.parse("2026-03-01T00:00:00Z");
    for (let i = 0; i < 6; i++)
      await written(
        house,
        start + i * day + (i % 2 === 0 ? 0 : day - 1),
        { action: "key.created", actor: ids.admin, target: `k${i}` },
        { action: "key.deleted", actor: ids.owner, target: `d${i}` },
        { action: "keyring.opened", actor: ids.owner, target: `r${i}` },
      );
    const found = async (query: string) =>
      (await listOf(owner, `&${query}`)).map(({ target }) => target).toReversed();
    const range = "start=2026-03-02&end=2026-03-03";
    expect(await found(`action=key.created&${range}`)).toEqual(["k1", "k2"]);
    expect(await found(`action=key&${range}`)).toEqual(["k1", "d1", "k2", "d2"]);
    expect(await found(`actor=${ids.owner}&${range}`)).toEqual(["d1", "r1", "d2", "r2"]);
    expect(await found(`actor=${ids.admin}&action=key&${range}`)).toEqual(["k1", "k2"]);
    expect(await found("end=2026-03-01")).toEqual(["k0", "d0", "r0"]);
    expect(await found("action=nothing")).toEqual([]);
    const csv = await owner.get(`${path}?format=csv&action=key.created&${range}`);
    expect(csv.headers.get("content-disposition")).toBe('attachment; filename="audit.csv"');
    expect(csv.text.trim().split("\r\n")).toHaveLength(3);
    const page = await owner.get(`${path}?action=key.created&${range}`);
    expect(page.text.match(/<code>key\.created<\/code>/g)).toHaveLength(2);
    expect(page.text).toContain('<option value="key.created" selected');
    // The files hold what the page shows.
    const [, json = ""] = /href="([^"]+format=json)"/.exec(page.text) ?? [];
    const same = JSON.parse((await owner.get(json.replaceAll("&amp;", "&"))).text);
    expect(same.data.map(({ target }: Row) => target)).toEqual(["k2", "k1"]);
    for (const wrong of ["start=yesterday", "start=2026-03-02&end=2026-03-01", "before=evt_1"]) {
      const { status, text } = await owner.get(`${path}?${wrong}`);
      expect([wrong, status]).toEqual([wrong, 400]);
      expect(text).toContain("Cannot");
    }
    expect((await owner.get(`${path}?start=0000-01-01`)).status).toBe(400);
  });

  test("goes on page by page without an entry twice or none", async () => {
    await using house = await startPeople();
    const { owner } = await staff(house);
    const entries = Array.from({ length: 230 }, (_, i) => ({ target: `t${i}` }));
    // Older, and not asked for.
    await written(house, house.clock.now() - 2 * day, { target: "t999", action: "other.done" });
    await written(house, house.clock.now() - day, ...entries);
    const seen: string[] = [];
    let next: string | undefined = `${path}?action=test`;
    let pages = 0;
    while (next !== undefined) {
      const { text } = await owner.get(next);
      seen.push(...[...text.matchAll(/>(t\d+)<\/td>/g)].map(([, target = ""]) => target));
      next = /rel="next" href="([^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
      pages++;
    }
    expect(pages).toBe(3);
    expect(seen).toEqual(entries.map(({ target }) => target).toReversed());
  });

  test("is cut in a file where it is longer, says so, and goes on from there", async () => {
    await using house = await startPeople();
    const entries = Array.from({ length: 2500 }, (_, i) => ({ target: `t${i}` }));
    await written(house, house.clock.now(), ...entries);
    const filter = { accountId: house.accountId, action: "test.done" };
    const whole: string[] = [];
    let before = "";
    const sizes: number[] = [];
    for (;;) {
      const { strides, cut } = await auditFile(house.store, filter, before, 1200);
      const part: string[] = [];
      for await (const rows of strides) part.push(...rows.map(({ event }) => event.target ?? ""));
      sizes.push(part.length);
      whole.push(...part);
      if (cut === undefined) break;
      before = cut;
    }
    expect(sizes).toEqual([1200, 1200, 100]);
    expect(whole).toEqual(entries.map(({ target }) => target).toReversed());
    const exact = await auditFile(house.store, filter, "", 2500);
    expect(exact.cut).toBeUndefined();
  });

  test("shows what was written as text, whatever it is", async () => {
    await using house = await startPeople();
    const { owner } = await staff(house);
    await written(house, house.clock.now(), {
      actor: script,
      target: script,
      address: script,
      detail: { name: script, "=cmd()": "javascript:alert(1)" },
    });
    const { text } = await owner.get(path);
    expect(text).not.toContain("<script>alert");
    expect(text).not.toContain("<img");
    expect(text).toContain("&lt;script&gt;alert(1)");
    expect(text).not.toContain('href="javascript:');
    const csv = (await owner.get(`${path}?format=csv&action=test`)).text;
    expect(csv).toContain(rfc3339(house.clock.now()).slice(0, 16));
  });
});

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createKey } from "#src/account/keys.ts";
import { addProviderKey } from "#src/account/provider-keys.ts";
import { ulidStart } from "#src/lib/id.ts";
import { type Browser, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";

/* What no page may grow with: ten thousand of whatever it lists. */

const count = 10_000;
/** A page as a browser gets it, compressed, beside some thirteen KB of style and script. */
const mostBytes = 85_000;
/** On a machine that nine share. */
const slowestMs = 5_000;
/** And unpacked: more than this takes a telephone seconds to lay out. */
const mostUnpacked = 700_000;

let house: PeopleGateway;
let ada: Browser;
/** Operator and owner too, in one account alone: who belongs to ten thousand takes a while longer. */
let grace: Browser;
let member = "";
let webhook = "";
beforeAll(async () => {
  house = await startPeople(() => {}, { simulated: true });
  const { accountId, store } = house;
  ada = await house.somebody("ada", { operator: true, accountId, role: "owner" });
  await ada.post("/account/switch", { to: accountId });
  grace = await house.somebody("grace", { operator: true, accountId, role: "owner" });
  await grace.post("/account/switch", { to: accountId });
  await fill();
  const [person] = await store.read("SELECT id FROM person WHERE name LIKE 'Member%' LIMIT 1", []);
  member = String(person?.["id"]);
}, 60_000);
afterAll(() => house[Symbol.asyncDispose]());

/** Ids in the order of time, as the program makes them, some of them for each of ten thousand rows. */
const id = (prefix: string, now: number) =>
  `'${prefix}_' || substr('${ulidStart(now)}', 1, 10) || printf('%016d', i)`;

async function fill(): Promise<void> {
  const { accountId, store, clock, gateway } = house;
  const now = clock.now();
  const [row] = await store.read("SELECT id FROM person WHERE name = 'ada'", []);
  const me = String(row?.["id"]);
  const key = await createKey(store, clock, { accountId, name: "first" });
  const kit = {
    clock,
    ids: gateway.app.ids,
    place: gateway.services.providerKeys.place,
  };
  const own = await addProviderKey(store, kit, {
    accountId,
    provider: "openai",
    label: "first",
    secret: { kind: "key", key: "sk-of-a-test-that-is-long" },
  });
  await ada.post("/dashboard/webhooks", { name: "first", url: "https://1.1.1.1/hook" });
  const [hook] = await store.read("SELECT id FROM webhook", []);
  webhook = String(hook?.["id"] ?? "");
  const rows = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
  /** As many copies of the one row of a table, with other values in some columns. */
  async function copies(table: string, where: string, changed: Record<string, string>) {
    const columns = (await store.read(`SELECT name FROM pragma_table_info('${table}')`, [])).map(
      (one) => String(one["name"]),
    );
    const values = columns.map((name) => changed[name] ?? `"${name}"`);
    const names = columns.map((name) => `"${name}"`).join(", ");
    await store.write([
      {
        sql: `INSERT INTO ${table} (${names}) ${rows} SELECT ${values.join(", ")} FROM n, (SELECT * FROM ${table} WHERE ${where})`,
        args: [],
      },
    ]);
  }
  const long = "'Department of Applied Language Research ' || i";
  await copies("api_key", `hash = '${key.key.hash}'`, {
    hash: "lower(hex(randomblob(32)))",
    name: long,
    created_by: `'${me}'`,
  });
  await copies("provider_key", `id = '${own.id}'`, { id: id("pk", now), label: long });
  await copies("account", `id = '${accountId}'`, { id: id("acc", now), name: long });
  await copies("person", `id = '${me}'`, {
    id: id("per", now),
    name: "'Member ' || i",
    email: "'member' || i || '@example.org'",
    operator: "0",
  });
  // Members of one account, and one member of all accounts.
  await copies("membership", `person_id = '${me}' AND account_id = '${accountId}'`, {
    person_id: id("per", now),
    role: "'member'",
  });
  await copies("membership", `person_id = '${me}' AND account_id = '${accountId}'`, {
    account_id: id("acc", now),
  });
  await copies("person_session", `person_id = '${me}'`, {
    id: "'ses_' || i",
    token: "'token of a test ' || i",
    user_agent: "'A browser of a test'",
  });
  await house.invite({ accountId, role: "member", email: "new@example.org" });
  await copies("one_use_link", "email = 'new@example.org'", {
    id: id("inv", now),
    hash: "lower(hex(randomblob(32)))",
    email: "'new' || i || '@example.org'",
  });
  await store.write([
    {
      sql: `INSERT INTO audit_event (id, at, actor, action, target, account_id, address, detail)
        ${rows} SELECT ${id("evt", now)}, ${now}, ${id("per", now)}, 'thing.done_' || (i % 700), ${id("per", now)}, '${accountId}', '192.0.2.1', '{}' FROM n`,
      args: [],
    },
    {
      sql: `INSERT INTO ledger_entry (id, account_id, type, amount, description, created_at, "by")
        ${rows} SELECT ${id("txn", now)}, '${accountId}', 'credit', 1000000000, ${long}, ${now}, 'cli' FROM n`,
      args: [],
    },
  ]);
  expect(webhook).toStartWith("whk_");
  await store.write([
    {
      sql: `INSERT INTO webhook_delivery (id, webhook_id, event_id, type, payload, state, next_at, tries, created_at)
        ${rows} SELECT ${id("dlv", now)}, '${webhook}', 'evt', 'credits.low', '{}', 'failed', 0,
        '[{"at":1,"status":500,"ms":3},{"at":2,"status":500,"ms":3}]', ${now} FROM n`,
      args: [],
    },
  ]);
}

const accountPages = [
  "/account",
  "/dashboard",
  "/dashboard/usage",
  "/dashboard/usage?group=key,user,maker",
  "/dashboard/what-if",
  "/dashboard/transactions",
  "/dashboard/live",
  "/dashboard/keys",
  "/dashboard/routing",
  "/dashboard/budget",
  "/dashboard/provider-keys",
  "/dashboard/provider-keys/new?provider=openai",
  "/dashboard/webhooks",
  "/dashboard/webhooks/:webhook",
  "/dashboard/members",
  "/dashboard/members/:member/remove",
  "/dashboard/credits",
  "/dashboard/statements",
  "/dashboard/audit",
  "/operator",
  "/operator/accounts/:account",
  "/operator/invitations",
  "/operator/providers",
  "/operator/providers/openai",
  "/operator/statements",
  "/operator/system",
  "/operator/audit",
];

test.each(accountPages)("%s stays light with ten thousand of everything", async (pattern) => {
  const path = pattern
    .replace(":member", member)
    .replace(":webhook", webhook)
    .replace(":account", house.accountId);
  const startedAt = performance.now();
  const page = await ada.get(path);
  // The database is asked on this thread: a page that takes long holds everybody up.
  expect(performance.now() - startedAt).toBeLessThan(slowestMs);
  expect([path, page.status]).toEqual([path, 200]);
  const packed = Bun.gzipSync(Buffer.from(page.text)).length;
  expect({ packed, unpacked: page.text.length }).toSatisfy(
    (size) => size.packed < mostBytes && size.unpacked < mostUnpacked,
  );
});

/** Lists whose pages follow one another, by what one row of each looks like. */
const lists: [path: string, row: RegExp][] = [
  ["/dashboard/keys", /\/dashboard\/keys\/([0-9a-f]{64})/g],
  ["/dashboard/provider-keys", /\/dashboard\/provider-keys\/(pk_\w+)/g],
  ["/operator", /\/operator\/accounts\/(acc_\w+)/g],
  ["/account", /name="to" value="(acc_\w+)"/g],
];

test.each(lists)(
  "every row of %s is reached by going on, once",
  async (path, pattern) => {
    const seen = new Set<string>();
    let pages = 0;
    for (let next: string | undefined = path; next !== undefined; pages++) {
      const { text, status } = await (path === "/account" ? ada : grace).get(next);
      expect(status).toBe(200);
      const found = new Set([...text.matchAll(pattern)].map(([, one = ""]) => one));
      for (const one of found) {
        expect(seen.has(one)).toBe(false);
        seen.add(one);
      }
      // Of what is whole in memory, the first pages and that they differ are enough.
      if (path === "/account" && pages === 3) return;
      next = /<a(?=[^>]*rel="next")[^>]*href="([^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
      if (pages > 1000) throw new Error("The pages do not end");
    }
    expect(seen.size).toBeGreaterThanOrEqual(count);
    expect(pages).toBeGreaterThan(50);
  },
  60_000,
);

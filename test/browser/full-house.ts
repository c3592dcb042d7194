/** Long: it fills every table that a page may show, twice: as people have it, and as large as it gets. */
import { createAccount } from "#src/account/accounts.ts";
import { createKey } from "#src/account/keys.ts";
import { auditing } from "#src/account/people/audit.ts";
import { addProviderKey } from "#src/account/provider-keys.ts";
import type { Config } from "#src/config/load.ts";
import { seedHistory } from "#src/demo/history.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { dayOf } from "#src/lib/clock.ts";
import { fillStore } from "#test/bench/pages-fill.ts";
import { selling } from "#test/payment/kit.ts";
import { startStripe } from "#test/payment/stripe.ts";
import { alertOf, askedWith } from "#test/web/dashboard-keys-kit.ts";
import { hostile, keep } from "#test/web/dashboard-requests-kit.ts";
import {
  type Browser,
  type Page,
  password,
  type PeopleGateway,
  startPeople,
} from "#test/web/people-kit.ts";
import { startReceiver } from "#test/webhook/kit.ts";

/** An account with something in it on every page, and what leads to its pages. */
export interface Tenancy {
  accountId: string;
  /** Hash of a key. */
  key: string;
  webhook: string;
  providerKey: string;
  /** A generation, a purchase. */
  generation: string;
  purchase: string;
  /** A generation that failed, with texts of its client that are long and hostile. */
  failed: string;
  /** Id of a member who is not ada. */
  member: string;
  /** The last one that is over, such as 2026-10. */
  month: string;
}

/** A gateway that sells, sends mail and lets another house vouch for people; ada runs it and owns both accounts. */
export interface FullHouse extends AsyncDisposable {
  house: PeopleGateway;
  ada: Browser;
  /** Has what a person may add to the way they sign in, a second session, and a carbon budget of her own account. */
  vera: Browser;
  /** An account that is disabled. */
  closedId: string;
  /** An account as people have it, six weeks old. */
  lived: Tenancy;
  /** As large as they get: 250 models and 40 keys for 366 days, and long names. */
  huge: Tenancy;
}

const hugeModels = 250;
const hugeKeys = 40;
const hugeDays = 366;
const dayMs = 86_400_000;
const longName =
  "Department of Applied Language Research and Machine Translation, second floor, number";

/** Starts one; dispose of it. */
export async function startFullHouse(): Promise<FullHouse> {
  const stripe = startStripe();
  const receiver = startReceiver();
  const house = await startPeople(
    (config) => {
      selling(stripe)(config);
      connected(config);
    },
    { simulated: true },
  );
  const { store, accountId } = house;
  await store.write([
    { sql: "UPDATE account SET name = 'Language Institute' WHERE id = ?", args: [accountId] },
  ]);
  const ada = await house.somebody("ada", { operator: true, accountId, role: "owner" });
  await ada.post("/account/organisations", { name: `${longName} 1` });
  const [row] = await store.read("SELECT id FROM account WHERE name LIKE ?", [`${longName}%`]);
  const hugeId = String(row?.["id"]);
  await ada.post("/account/switch", { to: accountId });
  const kit = { house, ada, receiver: receiver.url };
  const lived = await fillLived(kit, accountId);
  const huge = await fillHuge(kit, hugeId);
  const { app, services } = house.gateway;
  const closed = await createAccount(store, services.people, { name: "Closed", plan: "prepaid" });
  await store.write([{ sql: "UPDATE account SET disabled = 1 WHERE id = ?", args: [closed.id] }]);
  const vera = await startVera(house);
  // What is there to see of health: one place that is down, one that has answered.
  const [first, second] = app.routes.smallest.flatMap((model) => app.routes.of(model));
  for (let failure = 0; failure < 3; failure++) if (first) app.health.failed(first);
  if (second) app.health.succeeded(second, 120);
  return {
    house,
    ada,
    vera,
    closedId: closed.id,
    lived,
    huge,
    async [Symbol.asyncDispose]() {
      await house[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
      await stripe[Symbol.asyncDispose]();
    },
  };
}

/** Everything that a page may depend on is there; nothing of it is reached. */
function connected(config: Config): void {
  config.webhooks.allowPrivate = true;
  config.oidc = [
    {
      id: "corp",
      name: "Corp",
      issuer: "http://127.0.0.1:9",
      clientId: "x",
      clientSecret: "y",
    },
  ];
  config.publicUrl = "https://gateway.example.org";
  config.mail = {
    url: "smtp://localhost",
    from: "LowRouter <gateway@example.org>",
    server: {
      host: "localhost",
      port: 9,
      isSecure: false,
      user: undefined,
      password: undefined,
    },
  };
}

async function startVera(house: PeopleGateway): Promise<Browser> {
  const vera = await house.somebody("vera");
  await sent(house.browser(), "/login", { email: "vera@example.org", password });
  await sent(vera, "/dashboard/budget", { carbon_budget_g: "500", carbon_budget_reset: "monthly" });
  const hers = "SELECT id FROM person WHERE email = 'vera@example.org'";
  await house.store.write([
    {
      sql: `INSERT INTO person_passkey (id, person_id, name, public_key, credential_id, counter, device_type, backed_up)
        SELECT 'pky_vera', id, 'telephone', 'x', 'y', 0, 'singleDevice', 0 FROM (${hers})`,
      args: [],
    },
    {
      sql: `INSERT INTO person_login (id, person_id, provider, subject, created_at, updated_at)
        SELECT 'lgn_vera', id, 'corp', '7', created_at, updated_at FROM person WHERE id IN (${hers})`,
      args: [],
    },
    { sql: `UPDATE person SET two_factor_enabled = 1 WHERE id IN (${hers})`, args: [] },
  ]);
  return vera;
}

interface Kit {
  house: PeopleGateway;
  ada: Browser;
  /** Address that takes webhooks. */
  receiver: string;
}

async function fillLived(kit: Kit, accountId: string): Promise<Tenancy> {
  const { house, ada } = kit;
  const { store, clock, gateway } = house;
  const { app, services } = gateway;
  await house.somebody("grace", { accountId, role: "admin" });
  await house.somebody("linus", { accountId, role: "member" });
  const people = await store.read("SELECT id, name FROM person", []);
  const idOf = (name: string) => String(people.find((row) => row["name"] === name)?.["id"]);
  await addCredit(store, services.people, {
    accountId,
    type: "credit",
    amount: fromUnits(50),
    description: "Opening credit",
    by: idOf("ada"),
  });
  const callers = [];
  let secret = "";
  for (const [name, limit] of [
    ["production", 150],
    ["staging", 20],
    ["notebook of linus", undefined],
  ] as const) {
    const made = await createKey(store, clock, {
      accountId,
      name,
      createdBy: idOf(name.startsWith("notebook") ? "linus" : "ada"),
      ...(limit === undefined ? {} : { limit: fromUnits(limit), limitReset: "monthly" }),
      ...(name === "production" ? { carbonBudgetG: 500, region: "eu-west" } : {}),
    });
    secret = made.secret;
    const account = (await services.keys.find(made.secret))?.account;
    if (account !== undefined) callers.push({ key: made.key, account });
  }
  await seedHistory({ app, store, callers, clock, random: seeded(), days: 45 });
  const asked = await askedWith(house, secret, { user: "ada", route: { region: "eu-west" } });
  await asked.text();
  await (await askedWith(house, secret, { route: { region: "us-east" }, stream: true })).text();
  await sent(ada, "/dashboard/routing", {
    region: "eu",
    policy: "prefer-low-carbon",
    prefer_low_carbon: "on",
  });
  await sent(ada, "/dashboard/members/invite", {
    email: "katherine@institute.example.org",
    role: "member",
    days: "7",
  });
  const paths = await common(kit, accountId, "Accounting of the institute");
  return {
    ...paths,
    key: callers[0]?.key.hash ?? "",
    generation: asked.headers.get("x-lowrouter-generation-id") ?? "",
    member: idOf("linus"),
  };
}

async function fillHuge(kit: Kit, accountId: string): Promise<Tenancy> {
  const { house } = kit;
  const { store, clock, gateway } = house;
  const { people } = gateway.services;
  const now = clock.now();
  const hashes: string[] = [];
  for (let at = 0; at < hugeKeys; at++) {
    const { key } = await createKey(store, clock, {
      accountId,
      name: `${longName} ${at}`,
      limit: fromUnits(150),
      limitReset: "monthly",
      allowedModels: ["openai/gpt-4o-mini", "mistral/mistral-small-2603"],
      carbonBudgetG: 500,
    });
    hashes.push(key.hash);
  }
  await fillStore(store, {
    accountId,
    keys: hashes,
    models: Array.from({ length: hugeModels }, (_, at) => `an-author/a-model-${at}`),
    generations: 1000,
    days: 30,
    now,
  });
  // Every model on every day, each with one key.
  await store.write([
    {
      sql: `WITH RECURSIVE d(day) AS (SELECT 0 UNION ALL SELECT day + 1 FROM d WHERE day < ${hugeDays - 1}),
m(model) AS (SELECT 0 UNION ALL SELECT model + 1 FROM m WHERE model < ${hugeModels - 1}),
k AS MATERIALIZED (SELECT hash, row_number() OVER (ORDER BY hash) - 1 AS at FROM api_key WHERE account_id = ?)
INSERT OR IGNORE INTO rollup SELECT date(?, '-' || day || ' days'), ?,
k.hash, 'user ' || ((day * 7 + model) % 900),
'an-author/a-model-' || model, 'provider-' || (model % 30), 'region-' || (model % 9), 'v0.4-2026-01',
(day * 31 + model * 17) % 977, (day * 7919 + model * 104729) % 999983, 0, 0, 0, (day * 6131 + model * 911) % 99991, 0,
(day * 15485863 + model * 32452843) % 99999989, 0, 0, 1, 1, (model * 7919 % 100000) * 1000000000, (model * 104729 % 100000) * 250000000, 0, 0, 0, 0, 1 FROM d CROSS JOIN m JOIN k ON k.at = (day + model) % ${hugeKeys}`,
      args: [accountId, dayOf(now), accountId],
    },
    {
      sql: `WITH RECURSIVE n(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM n WHERE n < 309)
INSERT INTO person (id, account_id, name, email, created_at, updated_at)
SELECT 'per_huge' || n, ?, ? || n, 'somebody.with.a.long.name.' || n || '@institute.example.org', ?, ? FROM n`,
      args: [accountId, `${longName} `, now, now],
    },
    {
      sql: `INSERT INTO membership (account_id, person_id, role, created_at) SELECT ?, id, 'member', created_at FROM person WHERE id LIKE 'per_huge%'`,
      args: [accountId],
    },
    {
      sql: `WITH RECURSIVE n(n) AS (SELECT 100 UNION ALL SELECT n + 1 FROM n WHERE n < 299)
INSERT INTO account (id, name, plan, disabled, created_at) SELECT 'acc_huge' || n, ? || n, 'prepaid', 0, ? FROM n`,
      args: [`${longName} `, now],
    },
    ...Array.from({ length: 300 }, (_, at) =>
      auditing(people, {
        action: "key.updated",
        actor: `per_huge${10 + at}`,
        target: hashes[at % hugeKeys] ?? "",
        accountId,
        address: "2001:db8:1234:5678:90ab:cdef:1234:5678",
        detail: { from: "member", to: "admin", changed: "allowedModels, carbonBudgetAction" },
      }),
    ),
  ]);
  for (let at = 0; at < 60; at++) {
    await addCredit(store, people, {
      accountId,
      type: "refund",
      amount: fromUnits(-1.5),
      description: `Refund of a purchase of the ${longName} ${at}`,
      by: "per_huge10",
    });
    await house.invite({ accountId, role: "member", email: `${at}.${"long".repeat(8)}@x.example` });
  }
  const paths = await common(kit, accountId, `${longName} 1`);
  for (let at = 0; at < 8; at++) await common(kit, accountId, `${longName} ${at}`);
  const [row] = await store.read(
    "SELECT id FROM generation_record WHERE account_id = ? ORDER BY id DESC LIMIT 1",
    [accountId],
  );
  return {
    ...paths,
    key: hashes[0] ?? "",
    generation: String(row?.["id"]),
    member: "per_huge10",
  };
}

/** What is made alike in both: a webhook with deliveries, a provider key, a purchase under way. */
async function common(
  { house, ada, receiver }: Kit,
  accountId: string,
  name: string,
): Promise<Omit<Tenancy, "key" | "generation" | "member">> {
  const { store, clock, gateway } = house;
  const { app, services } = gateway;
  const search = `?account=${accountId}`;
  const hook = await sent(ada, `/dashboard/webhooks${search}`, {
    name,
    url: `${receiver}/hooks/of/the/billing?token=0123456789abcdef0123456789abcdef`,
  });
  const webhook = /whk_\w+/.exec(hook.text)?.[0] ?? "";
  await sent(ada, `/dashboard/webhooks/${webhook}/test${search}`, {});
  const kept = await addProviderKey(
    store,
    { clock: app.clock, ids: app.ids, place: services.providerKeys.place },
    {
      accountId,
      provider: "mistral",
      label: name,
      region: "eu-west",
      secret: { kind: "key", key: "a-secret-of-a-provider-WxYz" },
    },
  );
  await sent(ada, `/dashboard/credits/buy${search}`, { amount: "20" });
  await addCredit(store, services.people, {
    accountId,
    type: "refund",
    amount: fromUnits(-1.5),
    description: "Refund of a purchase with-quite-a-long-reference-that-has-no-spaces-in-it-at-all",
    by: "test",
  });
  await store.write([
    auditing(services.people, {
      action: "member.role_changed",
      actor: "f".repeat(64),
      target: "per_that_is_gone",
      accountId,
      address: "2001:db8:1234:5678:90ab:cdef:1234:5678",
      detail: { from: "member", to: "admin", changed: "allowedModels, carbonBudgetAction" },
    }),
  ]);
  const [failed = ""] = await keep(store, [
    {
      accountId,
      createdAt: clock.now() - 120_000,
      user: hostile,
      app: "x".repeat(180),
      status: "upstream_error",
      errorCode: "upstream_timeout",
      model: undefined,
      provider: undefined,
      region: undefined,
      tokens: undefined,
      cost: undefined,
      energyWh: undefined,
      carbonG: undefined,
    },
  ]);
  const [bought] = await store.read("SELECT id FROM purchase WHERE account_id = ? LIMIT 1", [
    accountId,
  ]);
  return {
    accountId,
    webhook,
    providerKey: kept.id,
    purchase: String(bought?.["id"]),
    failed,
    month: dayOf(clock.now() - 31 * dayMs).slice(0, 7),
  };
}

/** Sends a form. Throws where it is refused: a page would be empty that was to show something. */
async function sent(ada: Browser, path: string, fields: Record<string, string>): Promise<Page> {
  const answer = await ada.post(path, fields);
  if (answer.status >= 400)
    throw new Error(`${path} answered ${answer.status}: ${alertOf(answer)}`);
  return answer;
}

/** The same chance every time: pictures of two days can be laid on each other. */
function seeded(): () => number {
  let state = 0x2f6e2b1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
}

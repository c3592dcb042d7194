import { createHash } from "node:crypto";
import { proxyRoutes } from "#src/http/proxy.ts";
import { surface } from "#src/http/server.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { type Row, textOf } from "#src/store/store.ts";
import { webRoutes } from "#src/web/routes.tsx";
import { at } from "#test/lib/gateway.ts";
import { selling } from "#test/payment/kit.ts";
import { startStripe } from "#test/payment/stripe.ts";
import { makeKey } from "#test/web/dashboard-keys-kit.ts";
import { type Browser, password, type PeopleGateway, startPeople } from "#test/web/people-kit.ts";
import { startReceiver } from "#test/webhook/kit.ts";

/** Ids, and words, by which things of one account can be named in a request. */
export interface Ids {
  account: string;
  /** Its owner, and another member. */
  person: string;
  mate: string;
  key: string;
  generation: string;
  completion: string;
  webhook: string;
  delivery: string;
  providerKey: string;
  link: string;
  purchase: string;
  session: string;
  passkey: string;
  transaction: string;
  event: string;
  user: string;
  email: string;
  /** Name of the OpenID provider that its owner is known to. */
  corp: string;
}

/** An account with one of everything in it. */
export interface Furnished {
  ids: Ids;
  /** Stands in every name, label, address and note. */
  marker: string;
  /** What nobody is ever shown again. */
  secrets: string[];
}

/** Who walks: people by their browsers, programs by their keys. */
export const walkers = [
  "nobody",
  "stranger",
  "member",
  "admin",
  "owner",
  "operator",
  "key",
  "management",
] as const;
export type WalkerName = (typeof walkers)[number];

/** What is sent to a route. A form where `form` is there, JSON where `json` is, else nothing. */
export interface Ask {
  path: string;
  form?: Record<string, string>;
  json?: unknown;
  headers?: Record<string, string>;
  /** What a browser says of the page that a form stands on, where it is none of ours. */
  from?: Record<string, string>;
  /** Besides the session. */
  cookie?: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** A gateway with two furnished accounts, and everybody who could try to see what is another's. */
export interface WalkHouse extends AsyncDisposable {
  house: PeopleGateway;
  /** Of the account of member, admin, owner and both keys. */
  own: Furnished;
  /** Of an account that none of the walkers belongs to. */
  theirs: Furnished;
  send(as: WalkerName | Browser, method: string, ask: Ask): Promise<Answer>;
  /** `METHOD path` of all that is mounted; `ANY path` where it takes whatever comes. */
  routes: string[];
  /** Rows that name something of an account, or hold its marker, table by table. */
  /** All rows but those of what comes and goes by itself. */
  allRows(): Promise<string[]>;
  rowsOf(of: Furnished): Promise<string[]>;
  /** Removes what walkers made in accounts of their own, so that the next route finds what the first found. */
  tidy(): Promise<void>;
}

/** Tables of what comes and goes by itself. */
const passing = ["lease", "process", "provider_health"];

/** Starts one. */
export async function startWalk(): Promise<WalkHouse> {
  const stripe = startStripe();
  const receiver = startReceiver();
  const house = await startPeople(
    (config) => {
      selling(stripe)(config);
      config.webhooks.allowPrivate = true;
      config.metrics.enabled = true;
    },
    { simulated: true },
  );
  const into = (role: "owner" | "admin" | "member") => ({ accountId: house.accountId, role });
  const person = async (name: string, role: "owner" | "admin" | "member") => {
    const browser = await house.somebody(name, into(role));
    await browser.post("/account/switch", { to: house.accountId });
    return browser;
  };
  const browsers: Partial<Record<WalkerName, Browser>> = {
    nobody: house.browser(),
    stranger: await house.somebody("stranger"),
    owner: await person("zqyinnerowner", "owner"),
    admin: await person("zqyinneradmin", "admin"),
    member: await person("walkmember", "member"),
    operator: await house.somebody("walkoperator", { operator: true }),
  };
  const { owner, member } = browsers;
  if (owner === undefined || member === undefined) throw new Error("Nobody is there");
  // Before and after those of the others: lists that go on from another's id would show it.
  const early = await makeKey(owner, { name: "zqyinner early" });
  house.clock.advance(1000);
  const own = await furnish(house, owner, "zqyinner", house.accountId, receiver.url);
  house.clock.advance(1000);
  const ownKey = await makeKey(member, { name: "of the member" });
  await asked(house, ownKey.secret, "member-user", "member app");

  house.clock.advance(1000);
  const victim = await house.somebody("zqxcanaryowner");
  await victim.post("/account/organisations", { name: "zqxcanary corp" });
  const [made] = await house.store.read("SELECT id FROM account WHERE name = 'zqxcanary corp'", []);
  const theirs = await furnish(house, victim, "zqxcanary", text(made, "id"), receiver.url);
  house.clock.advance(1000);
  const late = await makeKey(owner, { name: "zqyinner late" });
  const management = await makeKey(owner, { name: "zqyinner manager", key_type: "management" });
  const keys: Partial<Record<WalkerName, string>> = {
    key: early.secret,
    management: management.secret,
  };
  if (late.status !== 201 || management.status !== 201) throw new Error("Cannot make the keys");
  house.clock.advance(1000);
  const furnishedAt = house.clock.now();
  own.secrets.push(early.secret, late.secret, ownKey.secret, management.secret);

  return {
    house,
    own,
    theirs,
    routes: routesOf(house),
    async send(as, method, { path, form, json, headers = {}, from, cookie = "" }) {
      const key = typeof as === "string" ? keys[as] : undefined;
      const browser = typeof as === "string" ? browsers[as] : as;
      const session = [...(browser?.cookies ?? [])].map(([name, value]) => `${name}=${value}`);
      const response = await fetch(house.url + path, {
        method,
        redirect: "manual",
        headers: {
          accept: key === undefined ? "text/html" : "*/*",
          ...(key === undefined
            ? (from ?? { origin: house.url })
            : { authorization: `Bearer ${key}` }),
          cookie: [...session, ...(cookie === "" ? [] : [cookie])].join("; "),
          ...headers,
        },
        ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      const { status } = response;
      // Events go on for ever: what came first is enough to judge.
      if (response.headers.get("content-type")?.startsWith("text/event-stream"))
        return { status, headers: response.headers, text: await firstOf(response) };
      return { status, headers: response.headers, text: await response.text() };
    },
    async allRows() {
      return (await tablesOf(house)).flatMap(([table, rows]) =>
        rows.map((row) => `${table} ${JSON.stringify(row)}`),
      );
    },
    async rowsOf({ ids, marker }) {
      const needles = [marker, ...Object.values(ids)];
      const accounts = new Set([ids.account, ...(await personalOf(house, marker))]);
      const isTheirs = ({ account_id, account, webhook_id: hook }: Row, line: string) => {
        if (!needles.some((needle) => line.includes(needle))) return false;
        // What somebody else's row says of the account is theirs: they typed it.
        const owner = account_id ?? account;
        if (typeof owner === "string" && owner !== "" && !accounts.has(owner)) return false;
        return hook === undefined || hook === ids.webhook;
      };
      return (await tablesOf(house))
        .flatMap(([table, rows]) =>
          rows.flatMap((row) => {
            const line = `${table} ${JSON.stringify(row)}`;
            return isTheirs(row, line) ? [line] : [];
          }),
        )
        .toSorted();
    },
    async tidy() {
      const made = ["webhook", "provider_key", "one_use_link", "api_key", "purchase"];
      await house.store.write(
        made.map((table) => ({
          sql: `DELETE FROM ${table} WHERE created_at >= ?`,
          args: [furnishedAt],
        })),
      );
      const { keys, providerKeys } = house.gateway.services;
      keys.invalidate();
      await providerKeys.refresh();
    },
    async [Symbol.asyncDispose]() {
      await house[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
      await stripe[Symbol.asyncDispose]();
    },
  };
}

/** Ids of the same make that nothing has. */
export function absent(ids: Ids): Ids {
  return {
    account: changed(ids.account),
    person: changed(ids.person),
    mate: changed(ids.mate),
    key: createHash("sha256").update(ids.key).digest("hex"),
    generation: changed(ids.generation),
    completion: changed(ids.completion),
    webhook: changed(ids.webhook),
    delivery: changed(ids.delivery),
    providerKey: changed(ids.providerKey),
    link: changed(ids.link),
    purchase: changed(ids.purchase),
    session: changed(ids.session),
    passkey: changed(ids.passkey),
    transaction: changed(ids.transaction),
    event: changed(ids.event),
    user: unmarked(ids.user),
    email: unmarked(ids.email),
    corp: unmarked(ids.corp),
  };
}

function unmarked(text: string): string {
  // As long as it was: some answers tell how long what was sent is.
  return text.replace(/^zq(xcanary|yinner)/, (found) => "zqmissing".slice(0, found.length));
}

/** Of the same time, by another chance. */
function changed(id: string): string {
  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const end = [...id.slice(-8)].map(
    (sign) => alphabet[(alphabet.indexOf(sign.toUpperCase()) + 1) % 32],
  );
  return id.slice(0, -8) + end.join("");
}

/** Fills an account by its owner's browser, as people do. */
async function furnish(
  house: PeopleGateway,
  owner: Browser,
  marker: string,
  account: string,
  hook: string,
): Promise<Furnished> {
  const { store } = house;
  const { people } = house.gateway.services;
  await addCredit(store, people, {
    accountId: account,
    type: "credit",
    amount: fromUnits(50),
    description: `${marker} note`,
    by: "test",
  });
  house.gateway.app.allowances.refresh(account);
  const key = await makeKey(owner, { name: `${marker} key` });
  const completion = await asked(house, key.secret, `${marker}-user`, `${marker} app`);
  const webhook = await owner.post("/dashboard/webhooks", {
    name: `${marker} hook`,
    url: `${hook}/${marker}`,
    // What happens in the background would be told at any time.
    event_types: "provider.recovered",
  });
  const hookId = /\/dashboard\/webhooks\/(whk_\w+)/.exec(webhook.text)?.[1] ?? "";
  await owner.post(`/dashboard/webhooks/${hookId}/test`, {});
  const upstream = `sk-${marker}-hidden-in-the-middle-of-it-WxYz`;
  const kept = await owner.post("/dashboard/provider-keys", {
    provider: "openai",
    key: upstream,
    name: `${marker} label`,
  });
  const invited = await owner.post("/dashboard/members/invite", {
    email: `${marker}guest@example.org`,
    role: "member",
    days: "7",
  });
  const bought = await owner.post("/dashboard/credits/buy", { amount: "20" });
  const mate = await house.somebody(`${marker}mate`, { accountId: account, role: "member" });
  const email = `${marker}owner@example.org`;
  const again = await house.browser().post("/login", { email, password });
  if (mate.cookies.size === 0 || again.status !== 303) throw new Error("Cannot sign in");
  const person = await idOf(house, "SELECT id FROM person WHERE email = ?", email);
  await store.write([
    {
      sql: `INSERT INTO person_passkey (id, person_id, name, public_key, credential_id, counter, device_type, backed_up)
        VALUES (?, ?, ?, ?, ?, 0, 'singleDevice', 0)`,
      args: [
        people.ids.next("pky"),
        person,
        `${marker} passkey`,
        `${marker} public`,
        `${marker} credential`,
      ],
    },
    {
      sql: `INSERT INTO person_login (id, person_id, provider, subject, created_at, updated_at) VALUES (?, ?, ?, ?, 0, 0)`,
      args: [people.ids.next("log"), person, `${marker}-corp`, `${marker} subject`],
    },
  ]);
  const newest = (table: string, column: string, owned: string) =>
    idOf(house, `SELECT id FROM ${table} WHERE ${column} = ? ORDER BY id DESC LIMIT 1`, owned);
  const ids: Ids = {
    account,
    person,
    mate: await idOf(house, "SELECT id FROM person WHERE email = ?", `${marker}mate@example.org`),
    key: key.hash,
    generation: await newest("generation_record", "account_id", account),
    completion,
    webhook: hookId,
    delivery: await newest("webhook_delivery", "webhook_id", hookId),
    providerKey: /(pk_\w+)\?/.exec(kept.to ?? "")?.[1] ?? "",
    link: await newest("one_use_link", "email", `${marker}guest@example.org`),
    purchase: /cs_test_(pur_\w+)/.exec(bought.text)?.[1] ?? "",
    session: await newest("person_session", "person_id", person),
    passkey: await newest("person_passkey", "person_id", person),
    transaction: await newest("ledger_entry", "account_id", account),
    event: await newest("audit_event", "account_id", account),
    user: `${marker}-user`,
    email,
    corp: `${marker}-corp`,
  };
  for (const [name, id] of Object.entries(ids))
    if (id === "") throw new Error(`Cannot furnish: no ${name}`);
  const secrets = [
    key.secret,
    upstream,
    /<code id="secret">(whsec_[^<]+)/.exec(webhook.text)?.[1] ?? "",
    /register\?invite=([\w-]{43})/.exec(invited.text)?.[1] ?? "",
  ];
  if (secrets.includes("")) throw new Error("Cannot furnish: a secret was not shown");
  return { ids, marker, secrets };
}

/** Asks a model; the id of the completion. */
async function asked(
  house: PeopleGateway,
  secret: string,
  user: string,
  app: string,
): Promise<string> {
  const response = await fetch(`${house.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "x-title": app },
    body: JSON.stringify({
      model: "openai/gpt-4o-mini",
      messages: [{ role: "user", content: "Hello" }],
      max_tokens: 16,
      user,
    }),
  });
  const id = at(await response.json(), "id");
  if (typeof id !== "string") throw new Error(`Cannot ask: ${response.status}`);
  return id;
}

/** Every table with its rows, but for what comes and goes by itself. */
async function tablesOf({ store }: PeopleGateway): Promise<[string, Row[]][]> {
  const names = await store.read(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1",
    [],
  );
  const tables: [string, Row[]][] = [];
  for (const { name } of names) {
    if (passing.includes(String(name))) continue;
    const rows = await store.read(`SELECT * FROM "${name}"`, []);
    tables.push([String(name), rows.map(({ leased: _, last_used_at: __, ...row }) => row)]);
  }
  return tables;
}

async function personalOf(house: PeopleGateway, marker: string): Promise<string[]> {
  const rows = await house.store.read("SELECT account_id FROM person WHERE name LIKE ?", [
    `${marker}%`,
  ]);
  return rows.map((row) => text(row, "account_id"));
}

async function idOf(house: PeopleGateway, sql: string, by: string): Promise<string> {
  const [row] = await house.store.read(sql, [by]);
  return text(row, "id");
}

function text(row: Row | undefined, column: string): string {
  return textOf(row ?? {}, column) ?? "";
}

async function firstOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const read = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(read?.value);
}

/** What the server itself says that it answers to. Providers' paths are alike but for the name. */
function routesOf({ gateway }: PeopleGateway): string[] {
  const { app, services } = gateway;
  const server = surface({
    app,
    services,
    readiness: {
      accepting: () => true,
      databaseAnswers: () => Promise.resolve(true),
      anyProvider: () => true,
    },
    pages: webRoutes(app, services),
  });
  const dispatched = Object.entries(server.config.serve?.routes ?? {}).flatMap(
    ([path, route]): string[] => {
      if (typeof route === "function") return [`ANY ${path}`];
      return Object.keys(route ?? {}).map((method) => `${method} ${path}`);
    },
  );
  if (dispatched.length < Object.keys(proxyRoutes(app)).length)
    throw new Error("Cannot find the routes that the server dispatches itself");
  return [...server.routes.map(({ method, path }) => `${method} ${path}`), ...dispatched];
}

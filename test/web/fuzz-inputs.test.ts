import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createLink } from "#src/account/people/links.ts";
import { fromUnits } from "#src/ledger/money.ts";
import { addCredit } from "#src/ledger/transactions.ts";
import { password } from "#test/web/people-kit.ts";
import { type Ask, startWalk, type WalkerName, type WalkHouse } from "#test/web/walk-house.ts";
import {
  crawl,
  escaped,
  faultsOf,
  type Field,
  type Form,
  kindOf,
  payload,
  payloadAddress,
} from "#test/web/walk-pages.ts";
import { placeOf } from "#test/web/walk-places.ts";

const formula = '=HYPERLINK("https://lrx.example","lrx")';
const payloadEmail = `"'><lrx/onerror=lrx()>@lrx.example`;
/** What could become a script, a formula or another header where it is shown: tried in each field by itself. */
const shown: readonly string[] = [payload, formula, "\u0000\u202e\ufffe%00\r\nset-cookie: lrx=1"];
/** What no field expects: tried in all at once, too. */
const odd: readonly string[] = [
  ...shown,
  payloadAddress,
  payloadEmail,
  "\t=1+1",
  "../../../../etc/passwd",
  "-1",
  "1e999",
  "NaN",
  "9".repeat(40),
  "x".repeat(3000),
  "__proto__",
  "' OR 1=1 --",
  "2099-02-31",
];

const own = /^\/(dashboard|account|operator)(?!\/live\/events)/;
const starts = ["/dashboard", "/account", "/dashboard/members", "/operator/welcome"];
const people: readonly WalkerName[] = ["owner", "operator"];

let walk: WalkHouse;
beforeAll(async () => {
  walk = await startWalk();
}, 20_000);
afterAll(() => walk[Symbol.asyncDispose]());

const pagesOf = (as: WalkerName, most = 2) =>
  crawl((path) => walk.send(as, "GET", { path }), starts, own, most);

/** Sends it, and says what is wrong with the answer. */
async function judged(as: WalkerName, method: string, ask: Ask): Promise<string[]> {
  const answer = await walk.send(as, method, ask);
  const personal = own.test(ask.path) && as !== "nobody";
  return faultsOf(answer, { personal }).map(
    (fault) =>
      `${as} ${method} ${ask.path} ${JSON.stringify(ask.form ?? ask.headers ?? "")}: ${fault}`,
  );
}

const isTyped = ({ type }: Field) => type !== "submit";

/** What a field is filled with while another is tried. */
function plausible({ name, type, value }: Field): string {
  if (value !== "") return value;
  if (type === "email") return "";
  return { name: "walk", url: "http://127.0.0.1:9/walk", amount: "20", days: "7" }[name] ?? "";
}

/** Ways to spoil a form: one field by itself, all at once, and nothing at all. */
function* spoilt({ fields }: Form): Generator<Record<string, string>> {
  const typed = fields.filter(isTyped);
  const filled = typed
    .filter(({ type }) => type !== "checkbox")
    .map((field): [string, string] => [field.name, plausible(field)]);
  const names = [...new Set(typed.map(({ name }) => name))];
  for (const name of names)
    for (const value of shown) yield { ...Object.fromEntries(filled), [name]: value };
  for (const value of odd) yield Object.fromEntries(names.map((name) => [name, value]));
  yield {};
}

describe("whatever is typed into a form", () => {
  test.each(people)(
    "by an %s is refused or kept as text, on every page that shows it",
    async (as) => {
      const forms = new Map<string, Form>();
      for (const { forms: some } of (await pagesOf(as)).values())
        for (const form of some)
          if (form.method === "post" && form.fields.some(isTyped))
            forms.set(`${kindOf(form.action)} ${form.fields.map(({ name }) => name)}`, form);
      expect(forms.size).toBeGreaterThan(15);
      const faults: string[] = [];
      for (const form of forms.values())
        for (const fields of spoilt(form)) {
          faults.push(...(await judged(as, "POST", { path: form.action, form: fields })));
        }
      expect(faults).toEqual([]);
      // An organisation that was opened on the way is in use now.
      const back = { path: "/account/switch", form: { to: walk.own.ids.account } };
      if (as === "owner") expect((await walk.send(as, "POST", back)).status).toBe(303);
    },
    60_000,
  );

  test("and into what programs send, and what browsers say of themselves", async () => {
    const { house, own: ours } = walk;
    const { people: kit } = house.gateway.services;
    await addCredit(house.store, kit, {
      accountId: ours.ids.account,
      type: "credit",
      amount: fromUnits(1),
      description: payload,
      by: "test",
    });
    for (const user of [payload, formula, " =1+1", "\n=1+1", "\t-1", "＝1+1", "@SUM(1)"])
      await walk.send("key", "POST", {
        path: "/v1/chat/completions",
        headers: { "x-title": payload, "http-referer": payloadAddress, "user-agent": payload },
        json: {
          model: "openai/gpt-4o-mini",
          messages: [{ role: "user", content: payload }],
          max_tokens: 8,
          user,
        },
      });
    // Tries of the same address were counted.
    house.clock.advance(15 * 60_000);
    const { token } = await createLink(kit, {
      purpose: "invitation",
      createdBy: "cli",
      seconds: 3600,
      accountId: ours.ids.account,
      role: "admin",
    });
    const newcomer = house.browser({ "user-agent": payload });
    await newcomer.open(`/register?invite=${token}`);
    const joined = await newcomer.post("/register", {
      name: payload,
      email: "lrx@example.org",
      "new-password": password,
    });
    expect(joined.status).toBe(303);
    const sessions = await newcomer.get("/account");
    expect(sessions.text.split(escaped).length).toBeGreaterThan(2);
    expect(faultsOf(sessions, { personal: true })).toEqual([]);
    // What members make is seen by others.
    const made = await newcomer.post(`/dashboard/keys?account=${ours.ids.account}`, {
      name: payload,
    });
    expect(made.status).toBe(201);
  }, 30_000);

  test.each(people)(
    "is text on every page that an %s sees afterwards",
    async (as) => {
      const found = await pagesOf(as, 6);
      const faults = [...found].flatMap(([path, seen]) =>
        faultsOf(seen, { personal: true }).map((fault) => `${path}: ${fault}`),
      );
      expect(faults).toEqual([]);
      const shownAt = [...found].filter(([, { text }]) => text.includes(escaped));
      const kinds = [...new Set(shownAt.map(([path]) => kindOf(path).split("?")[0]))];
      const meant =
        as === "owner"
          ? ["/keys", "/webhooks", "/members", "/credits", "/audit", "/transactions", "/usage"]
              .map((path) => `/dashboard${path}`)
              .concat("/account")
          : ["/operator", "/operator/accounts/*", "/operator/audit"];
      expect(meant.filter((path) => !kinds.includes(path))).toEqual([]);
    },
    30_000,
  );

  test("is text on every page of an organisation that is called so", async () => {
    const rows = await walk.house.store.read("SELECT id FROM account WHERE name = ?", [payload]);
    const to = String(rows[0]?.["id"]);
    const choose = (id: string) =>
      walk.send("owner", "POST", { path: "/account/switch", form: { to: id } });
    expect((await choose(to)).headers.get("location")).toBe("/account?done=switched");
    const found = await pagesOf("owner");
    expect((await choose(walk.own.ids.account)).status).toBe(303);
    const faults = [...found].flatMap(([path, seen]) =>
      faultsOf(seen, { personal: true }).map((fault) => `${path}: ${fault}`),
    );
    expect(faults).toEqual([]);
    const named = [...found].filter(([, { text }]) => text.includes(escaped));
    expect(named.length).toBeGreaterThan(10);
  }, 30_000);

  test("is no formula in any file for a spreadsheet", async () => {
    const bad: string[] = [];
    let formulas = 0;
    let files = 0;
    for (const as of people)
      for (const [path, { headers, text }] of await pagesOf(as, 6)) {
        if (!headers.get("content-type")?.startsWith("text/csv")) continue;
        files++;
        for (const cell of cellsOf(text)) {
          if (cell.startsWith(`'${formula}`)) formulas++;
          const isNumber = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(cell);
          if (/^[\s\u0000]*[=+\-@|%]|^[\t\r\n]|^[＝＋－＠]/.test(cell) && !isNumber)
            bad.push(`${path}: ${cell}`);
        }
      }
    expect(bad).toEqual([]);
    expect(files).toBeGreaterThan(10);
    expect(formulas).toBeGreaterThan(5);
  }, 30_000);
});

describe("whatever stands in an address", () => {
  test("in a query, of every page, is refused or shown as text", async () => {
    const names = [
      "next",
      "done",
      "format",
      "after",
      "before",
      "q",
      "to",
      "account",
      "key",
      "user",
    ];
    const known = new Map<string, Set<string>>();
    for (const as of people)
      for (const [path, { forms }] of await pagesOf(as, 1)) {
        const [pathname = "", search = ""] = path.split("?");
        const of = known.get(pathname) ?? new Set(names);
        for (const name of new URLSearchParams(search).keys()) of.add(name);
        for (const { method, fields } of forms)
          if (method === "get") for (const { name } of fields) of.add(name);
        known.set(pathname, of);
      }
    for (const path of [
      "/",
      "/models",
      "/providers",
      "/status",
      "/docs/search",
      "/login",
      "/register",
    ])
      known.set(
        path,
        new Set([...names, "provider", "region", "sort", "compare", "invite", "token"]),
      );
    const faults: string[] = [];
    for (const [pathname, of] of known)
      for (const name of of) {
        const path = `${pathname}?${new URLSearchParams({ [name]: `${payload}\u0000` })}`;
        const as = pathname.startsWith("/operator") ? "operator" : "owner";
        faults.push(...(await judged(as, "GET", { path })));
      }
    expect(faults).toEqual([]);
  }, 60_000);

  test("in a path, of every route, is refused or shown as text", async () => {
    const faults: string[] = [];
    for (const route of walk.routes.filter((one) => /^GET .*[:*]/.test(one)))
      for (const value of [
        payload,
        payloadAddress,
        "%00",
        "%ff",
        "%",
        "..%2f..%2fetc",
        "%0d%0aa:b",
      ]) {
        const part =
          value.startsWith("%") || value.startsWith("..") ? value : encodeURIComponent(value);
        const path = route.slice("GET ".length).replace(/:\w+|\*/g, part);
        if (/^\/(v1|v1beta|api)\//.test(path)) continue;
        for (const as of ["owner", "operator", "nobody"] as const)
          faults.push(...(await judged(as, "GET", { path })));
      }
    expect(faults).toEqual([]);
  }, 30_000);

  test("in what a browser or a proxy says in headers, is refused or shown as text", async () => {
    const faults: string[] = [];
    for (const name of [
      "user-agent",
      "referer",
      "accept-language",
      "x-forwarded-host",
      "x-forwarded-proto",
      "x-forwarded-for",
      "forwarded",
      "x-real-ip",
      "if-none-match",
      "range",
      "cookie",
      "x-http-method-override",
    ])
      for (const value of [
        payload,
        "evil.example",
        "javascript",
        `theme=${payload}`,
        "\u00ff".repeat(500),
      ])
        for (const path of [
          "/",
          "/login",
          "/docs",
          "/dashboard",
          "/account",
          "/dashboard/keys",
          "/nothing",
        ])
          for (const as of ["owner", "nobody"] as const)
            faults.push(...(await judged(as, "GET", { path, headers: { [name]: value } })));
    expect(faults).toEqual([]);
  }, 30_000);
});

test("whatever programs send to manage an account is taken or refused by name, in JSON", async () => {
  const odd: unknown[] = [
    payload,
    null,
    true,
    {},
    [],
    [[[[{}]]]],
    -1,
    1.5,
    1e308,
    "9".repeat(400),
    { __proto__: { isAdmin: true } },
    ["\u0000"],
  ];
  const members = [
    "name",
    "limit",
    "limit_reset",
    "allowed_models",
    "rate_limit",
    "region",
    "policy",
  ]
    .concat("expires_at", "carbon_budget_g", "carbon_budget_action", "key_type", "disabled", "url")
    .concat("event_types", "api_key_hashes", "provider", "key", "base_url", "weight", "labels");
  const faults: string[] = [];
  const routes = walk.routes.filter((route) =>
    /^(POST|PATCH) \/api\/v1\/(keys|byok|webhooks|account)/.test(route),
  );
  expect(routes.length).toBeGreaterThan(6);
  for (const route of routes) {
    const [method = ""] = route.split(" ");
    const { path, json = {} } = placeOf(route)?.asks(walk.own.ids, walk.own.ids)[0] ?? { path: "" };
    const bodies: unknown[] = [...odd];
    for (const member of members)
      for (const value of odd) bodies.push({ ...Object(json), [member]: value });
    for (const body of bodies) {
      const answer = await walk.send("management", method, { path, json: body });
      const where = `${route} ${JSON.stringify(body).slice(0, 80)}`;
      if (answer.status >= 500 && answer.status !== 503) faults.push(`${where}: ${answer.status}`);
      if (answer.headers.get("content-type") !== "application/json")
        faults.push(`${where}: no JSON`);
    }
    await walk.tidy();
  }
  expect(faults).toEqual([]);
}, 30_000);

/** Cells of RFC 4180 text. */
function cellsOf(text: string): string[] {
  return [...text.matchAll(/(?:^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
  );
}

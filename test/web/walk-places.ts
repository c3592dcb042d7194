/** Every route with what it is asked in the walk: a long list, since none may be left out. */
import { systemClock } from "#src/lib/clock.ts";
import type { Ask, Ids, WalkerName } from "#test/web/walk-house.ts";
import { password } from "#test/web/people-kit.ts";

/** How a route is walked. */
export interface Place {
  /** What it is asked with things of another, or with such as there are not; `own` are the walkers'. */
  asks(of: Ids, own: Ids): Ask[];
  /** Tables that may grow by what anybody may do, such as trying to sign in. Their other rows are compared all the same. */
  notes?: readonly string[];
  /** Who walks it, where not everybody. */
  only?: readonly WalkerName[];
  /** Tries are counted there: each walk of it begins in a quarter of an hour of its own. */
  isCounted?: true;
}

/** Where passwords are looked at, which is slow by intent: everybody who could differ. */
const afew = ["nobody", "member", "owner"] as const;
const wrong = "not the password at all";

/** Nothing of an account can be named there. */
const open = (...paths: string[]): Place => ({ asks: () => paths.map((path) => ({ path })) });

/** A page of a room, with the names that its address takes. */
function page(path: string, names: Partial<Record<string, keyof Ids>> = {}, more: string[] = []) {
  return {
    asks: (of: Ids): Ask[] => [
      { path },
      { path: `${path}?account=${of.account}` },
      ...Object.entries(names).flatMap(([name, kind]) => {
        const query = kind === undefined ? "" : `${name}=${encodeURIComponent(of[kind])}`;
        return ["", "&format=json", "&format=csv"].map((format) => ({
          path: `${path}?${query}${format}`,
        }));
      }),
      ...more.map((query) => ({ path: `${path}?${query}` })),
    ],
  };
}

/** A page or a form of one thing of another's; and of the walkers' own account, but for the other's. */
function thing(pathOf: (id: string) => string, kind: keyof Ids, form?: Record<string, string>) {
  return {
    asks: (of: Ids, own: Ids): Ask[] => {
      const path = pathOf(of[kind]);
      const sent = form === undefined ? {} : { form };
      return [
        { path, ...sent },
        { path: `${path}?account=${of.account}`, ...sent },
        { path: `${path}?account=${own.account}`, ...sent },
        ...(form === undefined ? [{ path: `${path}?format=json` }] : []),
      ];
    },
  };
}

/** A form in which something of another is named. */
function form(path: string, fieldsOf: (of: Ids) => Record<string, string>): Place {
  return {
    asks: (of) => [
      { path, form: fieldsOf(of) },
      { path: `${path}?account=${of.account}`, form: fieldsOf(of) },
    ],
  };
}

/** Both places of a call for programs. */
function both(method: string, path: string, asks: Place["asks"]): Record<string, Place> {
  return Object.fromEntries(
    ["/v1", "/api/v1"].map((base) => [
      `${method} ${base}${path}`,
      {
        asks: (of: Ids, own: Ids) =>
          asks(of, own).map((ask) => ({ ...ask, path: base + ask.path })),
      },
    ]),
  );
}

const chat = (of: Ids) => ({
  model: "openai/gpt-4o-mini",
  messages: [{ role: "user", content: "Hello" }],
  max_tokens: 16,
  user: of.user,
  previous_response_id: of.completion,
});

/** Paths that run inference in one dialect, for whatever method. */
function inference(
  path: string,
  bodyOf: (of: Ids) => object,
  methods: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
): Record<string, Place> {
  return Object.fromEntries(
    methods.map((method): [string, Place] => [
      `${method} ${path}`,
      method === "POST"
        ? { asks: (of) => [{ path, json: bodyOf(of) }] }
        : { asks: () => [{ path }] },
    ]),
  );
}

const withoutHead = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const dialects: Record<string, Place> = {
  ...inference("/v1/chat/completions", chat),
  ...inference("/api/v1/chat/completions", chat),
  ...inference("/v1/completions", (of) => ({ ...chat(of), prompt: "Hello" })),
  ...inference("/api/v1/completions", (of) => ({ ...chat(of), prompt: "Hello" })),
  ...inference("/v1/responses", (of) => ({ ...chat(of), input: "Hello" })),
  ...inference("/api/v1/responses", (of) => ({ ...chat(of), input: "Hello" })),
  ...inference("/v1/embeddings", embedding),
  ...inference("/api/v1/embeddings", embedding),
  ...inference("/v1/messages", message),
  ...inference("/v1/messages/count_tokens", message),
  ...inference("/api/v1/messages", message),
  ...inference("/api/v1/messages/count_tokens", message),
  ...inference("/api/v1/anthropic/v1/messages", message),
  ...inference("/api/v1/anthropic/v1/messages/count_tokens", message),
  ...inference("/v1beta/models", () => ({}), withoutHead),
  ...inference("/v1beta/models/*", () => ({}), withoutHead),
  ...inference("/v1beta/*", () => ({}), withoutHead),
  "GET /v1beta/models": { asks: (of) => [{ path: `/v1beta/models?pageToken=${of.generation}` }] },
  "GET /v1beta/models/*": { asks: (of) => [{ path: `/v1beta/models/${of.generation}` }] },
  "POST /v1beta/models/*": gemini("/v1beta/models"),
  "POST /v1/models/*": gemini("/v1/models"),
  "POST /api/v1/models/*": gemini("/api/v1/models"),
};

function gemini(base: string): Place {
  return {
    asks: (of) => [
      {
        path: `${base}/gemini-2.5-flash:generateContent`,
        json: { contents: [{ parts: [{ text: "Hello" }] }], labels: { user: of.user } },
      },
      { path: `${base}/${of.generation}:countTokens`, json: { contents: [] } },
    ],
  };
}

function embedding(of: Ids) {
  return { model: "openai/text-embedding-3-small", input: "Hello", user: of.user };
}

function message(of: Ids) {
  return {
    model: "openai/gpt-4o-mini",
    max_tokens: 16,
    messages: [{ role: "user", content: "Hello" }],
    metadata: { user_id: of.user },
  };
}

const programs: Record<string, Place> = {
  ...both("GET", "/models", () => [{ path: "/models?all=true" }]),
  ...both("GET", "/models/:author", (of) => [{ path: `/models/${of.key}` }]),
  ...both("GET", "/models/:author/:slug", (of) => [{ path: `/models/openai/${of.key}` }]),
  ...both("GET", "/models/:author/:slug/endpoints", (of) => [
    { path: `/models/openai/${of.key}/endpoints` },
  ]),
  ...both("GET", "/providers", () => [{ path: "/providers" }]),
  ...both("GET", "/methodology", () => [{ path: "/methodology" }]),
  ...both("GET", "/methodology/:version", (of) => [{ path: `/methodology/${of.generation}` }]),
  ...both("GET", "/generation", (of) =>
    [of.generation, of.completion, of.transaction].map((id) => ({ path: `/generation?id=${id}` })),
  ),
  ...both("GET", "/generation/:id", (of) =>
    [of.generation, of.completion, of.transaction].map((id) => ({ path: `/generation/${id}` })),
  ),
  ...both("GET", "/generation/:id/eco", (of) => [{ path: `/generation/${of.generation}/eco` }]),
  ...both("GET", "/key", (of) => [{ path: `/key?hash=${of.key}` }]),
  ...both("GET", "/account", (of) => [{ path: `/account?account=${of.account}` }]),
  ...both("PATCH", "/account", (of) => [
    { path: `/account?account=${of.account}`, json: { id: of.account, name: "taken" } },
  ]),
  ...both("GET", "/balance", (of) => [{ path: `/balance?account=${of.account}` }]),
  ...both("GET", "/transactions", (of) => [
    { path: `/transactions?account=${of.account}` },
    { path: `/transactions?page_token=${of.transaction}` },
    { path: `/transactions?page_token=${of.generation.replace("gen_", "txn_")}` },
  ]),
  ...both("GET", "/credits", (of) => [{ path: `/credits?account=${of.account}` }]),
  ...both("GET", "/keys", (of) => [
    { path: `/keys?include_disabled=true&account=${of.account}` },
    { path: `/keys?include_disabled=true&page_token=${of.key}` },
  ]),
  ...both("POST", "/keys", (of) => [
    { path: "/keys", json: { name: "walk", account_id: of.account } },
    { path: "/keys", json: { name: "walk", created_by: of.person } },
    { path: "/keys", json: { name: "walk", hash: of.key } },
  ]),
  ...both("GET", "/keys/:hash", (of) => [{ path: `/keys/${of.key}` }]),
  ...both("PATCH", "/keys/:hash", (of) => [
    { path: `/keys/${of.key}`, json: { name: "taken", disabled: true } },
    { path: `/keys/${of.key}`, json: { account_id: of.account } },
  ]),
  ...both("DELETE", "/keys/:hash", (of) => [{ path: `/keys/${of.key}` }]),
  ...both("GET", "/byok", () => [{ path: "/byok" }]),
  ...both("POST", "/byok", (of) => [
    { path: "/byok", json: { provider: "openai", key: "sk-0123456789", account_id: of.account } },
    {
      path: "/byok",
      json: { provider: "openai", key: "sk-0123456789", allowed_api_key_hashes: [of.key] },
    },
  ]),
  ...both("GET", "/byok/:id", (of) => [{ path: `/byok/${of.providerKey}` }]),
  ...both("PATCH", "/byok/:id", (of) => [
    { path: `/byok/${of.providerKey}`, json: { disabled: true } },
    { path: `/byok/${of.providerKey}`, json: { key: "sk-0123456789-other" } },
  ]),
  ...both("DELETE", "/byok/:id", (of) => [{ path: `/byok/${of.providerKey}` }]),
  ...both("GET", "/webhooks", () => [{ path: "/webhooks" }]),
  ...both("POST", "/webhooks", (of) => [
    { path: "/webhooks", json: hook([of.key]) },
    { path: "/webhooks", json: { ...hook([]), account_id: of.account } },
    { path: "/webhooks", json: { ...hook([]), id: of.webhook } },
  ]),
  ...both("GET", "/webhooks/:id", (of) => [{ path: `/webhooks/${of.webhook}` }]),
  ...both("PATCH", "/webhooks/:id", (of, own) => [
    { path: `/webhooks/${of.webhook}`, json: { disabled: true } },
    { path: `/webhooks/${own.webhook}`, json: { api_key_hashes: [of.key] } },
    { path: `/webhooks/${own.webhook}`, json: { api_key_hashes: [] } },
  ]),
  ...both("DELETE", "/webhooks/:id", (of) => [{ path: `/webhooks/${of.webhook}` }]),
  ...both("POST", "/webhooks/:id/rotate-secret", (of) => [
    { path: `/webhooks/${of.webhook}/rotate-secret` },
  ]),
  ...both("POST", "/webhooks/:id/test", (of) => [{ path: `/webhooks/${of.webhook}/test` }]),
  ...both("GET", "/webhooks/:id/deliveries", (of, own) => [
    { path: `/webhooks/${of.webhook}/deliveries` },
    { path: `/webhooks/${own.webhook}/deliveries?page_token=${of.delivery}` },
  ]),
  ...both("POST", "/webhooks/:id/deliveries/:delivery/replay", (of, own) => [
    { path: `/webhooks/${of.webhook}/deliveries/${of.delivery}/replay` },
    { path: `/webhooks/${own.webhook}/deliveries/${of.delivery}/replay` },
    { path: `/webhooks/${of.webhook}/deliveries/${own.delivery}/replay` },
  ]),
  ...both("GET", "/activity", (of) => [
    { path: `/activity?account=${of.account}` },
    { path: "/activity?group_by=account" },
    { path: `/activity?group_by=key,user&format=csv&key_id=${of.key}` },
  ]),
  ...both("GET", "/statements", (of) => [{ path: `/statements?account=${of.account}` }]),
  ...both("GET", "/statements/:month", (of) =>
    ["json", "csv", "csv.sig"].map((format) => ({
      path: `/statements/${month}?partial=true&format=${format}&account=${of.account}`,
    })),
  ),
  "GET /api/usage/summary": {
    asks: (of) => [
      { path: `/api/usage/summary?key_id=${of.key}` },
      { path: `/api/usage/summary?account=${of.account}` },
    ],
  },
  "GET /api/usage/timeseries": {
    asks: (of) =>
      ["hourly", "daily", "monthly"].map((granularity) => ({
        path: `/api/usage/timeseries?granularity=${granularity}&key_id=${of.key}`,
      })),
  },
  "GET /api/v1/usage/what-if": {
    asks: (of) => [
      { path: `/api/v1/usage/what-if?key=${of.key}` },
      { path: `/api/v1/usage/what-if?user=${of.user}&format=csv` },
      { path: `/api/v1/usage/what-if?account=${of.account}` },
    ],
  },
  "POST /stripe/webhook": {
    asks: (of) => [
      {
        path: "/stripe/webhook",
        headers: { "stripe-signature": "t=1,v1=00" },
        json: {
          id: "evt_1",
          object: "event",
          type: "checkout.session.completed",
          data: { object: { client_reference_id: of.purchase, payment_status: "paid" } },
        },
      },
    ],
  },
};

function hook(hashes: string[]) {
  // Nothing is sent there: whoever makes it asks for nothing else.
  return {
    name: "walk",
    url: "http://127.0.0.1:9/walk",
    event_types: ["provider.recovered"],
    api_key_hashes: hashes,
  };
}

const publicPages: Record<string, Place> = {
  "GET /healthz": open("/healthz"),
  "GET /metrics": open("/metrics"),
  "GET /readyz": open("/readyz"),
  "GET /assets/:name": { asks: (of) => [{ path: `/assets/${of.key}` }] },
  "POST /theme": { asks: () => [{ path: "/theme", form: { theme: "dark", to: "/dashboard" } }] },
  "GET /": open("/"),
  "GET /models": { asks: (of) => [{ path: `/models?q=${of.user}` }] },
  "GET /models/*": { asks: (of) => [{ path: `/models/openai/${of.user}` }] },
  "GET /providers": open("/providers"),
  "GET /providers/:id": {
    asks: (of) => [{ path: `/providers/${of.providerKey}` }, { path: "/providers/openai" }],
  },
  "GET /methodology": open("/methodology"),
  "GET /methodology/accuracy": open("/methodology/accuracy"),
  "GET /methodology/:table": { asks: (of) => [{ path: `/methodology/${of.generation}` }] },
  "GET /status": open("/status"),
  "GET /docs": open("/docs"),
  "GET /docs.md": open("/docs.md"),
  "GET /docs/search": { asks: (of) => [{ path: `/docs/search?q=${of.user}` }] },
  "GET /docs/downloads/:file": {
    asks: (of) => [
      { path: `/docs/downloads/${of.user}` },
      { path: "/docs/downloads/lowrouter-alerts.yml" },
    ],
  },
  "GET /docs/*": { asks: (of) => [{ path: `/docs/${of.user}` }, { path: "/docs/guides/byok" }] },
  "GET /.well-known/lowrouter-statement-keys.json": open(
    "/.well-known/lowrouter-statement-keys.json",
  ),
  "GET /llms.txt": open("/llms.txt"),
  "GET /llms-full.txt": open("/llms-full.txt"),
  "GET /openapi.json": open("/openapi.json"),
  "OPTIONS /*": { asks: (of) => [{ path: `/v1/keys/${of.key}` }] },
  "ALL /*": { asks: (of) => [{ path: `/nothing/${of.key}` }, { path: `/dashboard/${of.user}` }] },
};

const door: Record<string, Place> = {
  "GET /login": { asks: (of) => [{ path: `/login?next=/dashboard/keys/${of.key}` }] },
  "POST /login": {
    asks: (of) => [{ path: "/login", form: { email: of.email, password: wrong } }],
    notes: ["audit_event"],
    only: afew,
    isCounted: true,
  },
  "GET /login/code": open("/login/code"),
  "POST /login/code": {
    asks: (of) => [{ path: "/login/code", form: { code: "123456", email: of.email } }],
    notes: ["audit_event"],
    isCounted: true,
  },
  // Whoever walks stays signed in.
  "POST /logout": { asks: (of) => [{ path: `/logout?account=${of.account}` }], only: ["nobody"] },
  "GET /register": {
    asks: (of) => [
      { path: `/register?invite=${of.link}` },
      { path: "/register", cookie: `lowrouter.link=${of.link}` },
    ],
  },
  "POST /register": {
    asks: (of) => [
      {
        path: "/register",
        cookie: `lowrouter.link=${of.link}`,
        form: { name: "walk", email: of.email, "new-password": password, join: "1" },
      },
    ],
    isCounted: true,
  },
  "GET /reset": {
    asks: (of) => [
      { path: `/reset?token=${of.link}` },
      { path: "/reset", cookie: `lowrouter.link=${of.link}` },
    ],
  },
  "POST /reset": {
    asks: (of) => [
      {
        path: "/reset",
        cookie: `lowrouter.link=${of.link}`,
        form: { "new-password": password, person: of.person },
      },
    ],
    isCounted: true,
  },
  "GET /forgot": open("/forgot"),
  "POST /forgot": {
    asks: (of) => [{ path: "/forgot", form: { email: of.email } }],
    isCounted: true,
  },
  "POST /login/passkey/options": {
    asks: (of) => [{ path: "/login/passkey/options", json: { id: of.passkey } }],
    isCounted: true,
  },
  "POST /login/passkey": {
    asks: (of) => [{ path: "/login/passkey", json: passkeyAnswer(of) }],
    isCounted: true,
  },
  "GET /login/oidc/:id": {
    asks: (of) => [{ path: `/login/oidc/${of.corp}` }],
    isCounted: true,
  },
  "GET /login/api/callback/:id": {
    asks: (of) => [
      { path: `/login/api/callback/corp?state=${of.session}&code=1` },
      { path: `/login/api/callback/${of.corp}` },
    ],
  },
};

function passkeyAnswer(of: Ids) {
  return {
    response: {
      id: of.passkey,
      rawId: of.passkey,
      type: "public-key",
      response: { clientDataJSON: "e30", authenticatorData: "e30", signature: "e30" },
    },
  };
}

const oneself: Record<string, Place> = {
  "GET /account": page("/account"),
  "POST /account/switch": form("/account/switch", (of) => ({ to: of.account })),
  "POST /account/organisations": {
    asks: (of): Ask[] => [
      { path: `/account/organisations?account=${of.account}`, form: { name: "walk" } },
      { path: "/account/organisations", form: { name: "", id: of.account } },
    ],
  },
  "POST /account/leave": form("/account/leave", (of) => ({ leave: of.account })),
  "POST /account/sessions/end": form("/account/sessions/end", (of) => ({ id: of.session })),
  "POST /account/password": {
    ...form("/account/password", () => ({ password: wrong, "new-password": password })),
    only: afew,
    isCounted: true,
  },
  "POST /account/codes/start": {
    ...form("/account/codes/start", () => ({ password: wrong })),
    only: afew,
    isCounted: true,
  },
  "POST /account/codes/confirm": {
    ...form("/account/codes/confirm", () => ({ code: "123456" })),
    isCounted: true,
  },
  "POST /account/codes/off": {
    ...form("/account/codes/off", () => ({ password: wrong })),
    only: afew,
    isCounted: true,
  },
  "POST /account/passkeys/remove": form("/account/passkeys/remove", (of) => ({ id: of.passkey })),
  "POST /account/oidc": form("/account/oidc", (of) => ({ id: of.corp })),
  "POST /account/oidc/remove": form("/account/oidc/remove", (of) => ({ id: of.corp })),
  "POST /account/delete": {
    ...form("/account/delete", (of) => ({ password: wrong, id: of.person })),
    only: afew,
    isCounted: true,
  },
  "POST /account/passkeys/options": {
    asks: (of) => [{ path: `/account/passkeys/options?account=${of.account}` }],
  },
  "POST /account/passkeys": {
    asks: (of) => [
      { path: "/account/passkeys", json: passkeyAnswer(of) },
      { path: `/account/passkeys?account=${of.account}`, json: passkeyAnswer(of) },
    ],
  },
};

const keys = "/dashboard/keys";
const providerKeys = "/dashboard/provider-keys";
const hooks = "/dashboard/webhooks";
const members = "/dashboard/members";

/** The month in which the walk is. */
const month = new Date(systemClock.now()).toISOString().slice(0, 7);
const formats = ["json", "csv", "pdf"].map((format) => `format=${format}`);

const dashboard: Record<string, Place> = {
  "GET /dashboard": page("/dashboard"),
  "GET /dashboard/usage": page(
    "/dashboard/usage",
    { key: "key", user: "user", maker: "person", model: "generation" },
    ["group=key,user,maker", "group=day,key,user,maker&format=csv", "group=user&format=json"],
  ),
  "GET /dashboard/what-if": page("/dashboard/what-if", {
    key: "key",
    user: "user",
    maker: "person",
  }),
  "GET /dashboard/transactions": page("/dashboard/transactions", {
    key: "key",
    user: "user",
    before: "generation",
  }),
  "GET /dashboard/transactions/:id": {
    asks: (of, own) => [
      ...thing((id) => `/dashboard/transactions/${id}`, "generation").asks(of, own),
      { path: `/dashboard/transactions/${of.completion}` },
    ],
  },
  "GET /dashboard/live": page("/dashboard/live"),
  "GET /dashboard/live/events": {
    asks: (of) => [{ path: `/dashboard/live/events?account=${of.account}` }],
  },
  [`GET ${keys}`]: page(keys, { after: "key" }),
  [`POST ${keys}`]: form(keys, (of) => ({
    name: "walk",
    created_by: of.person,
    account_id: of.account,
  })),
  [`GET ${keys}/:hash`]: thing((id) => `${keys}/${id}`, "key"),
  [`POST ${keys}/:hash`]: thing((id) => `${keys}/${id}`, "key", { name: "taken" }),
  [`POST ${keys}/:hash/switch`]: thing((id) => `${keys}/${id}/switch`, "key", {
    disabled: "true",
  }),
  [`GET ${keys}/:hash/delete`]: thing((id) => `${keys}/${id}/delete`, "key"),
  [`POST ${keys}/:hash/delete`]: thing((id) => `${keys}/${id}/delete`, "key", {}),
  "GET /dashboard/budget": page("/dashboard/budget"),
  "POST /dashboard/budget": {
    asks: (of) => [
      {
        path: `/dashboard/budget?account=${of.account}`,
        form: {
          carbon_budget_g: "1",
          carbon_budget_reset: "monthly",
          carbon_budget_action: "refuse",
        },
      },
    ],
  },
  "POST /dashboard/budget/lift": {
    asks: (of) => [{ path: `/dashboard/budget/lift?account=${of.account}`, form: {} }],
  },
  "GET /dashboard/routing": page("/dashboard/routing"),
  "POST /dashboard/routing": {
    asks: (of) => [{ path: `/dashboard/routing?account=${of.account}`, form: { policy: "" } }],
  },
  "POST /dashboard/routing/lift": {
    asks: (of) => [{ path: `/dashboard/routing/lift?account=${of.account}`, form: {} }],
  },
  [`GET ${providerKeys}`]: page(providerKeys, { after: "providerKey" }),
  [`GET ${providerKeys}/new`]: page(`${providerKeys}/new`, { provider: "providerKey" }, [
    "provider=openai",
  ]),
  [`POST ${providerKeys}`]: form(providerKeys, (of) => ({
    provider: "openai",
    key: "sk-0123456789-walk",
    name: "walk",
    allowed_api_key_hashes: of.key,
  })),
  [`GET ${providerKeys}/:id`]: thing((id) => `${providerKeys}/${id}`, "providerKey"),
  [`POST ${providerKeys}/:id`]: thing((id) => `${providerKeys}/${id}`, "providerKey", {
    name: "taken",
    key: "sk-0123456789-taken",
  }),
  [`POST ${providerKeys}/:id/switch`]: thing(
    (id) => `${providerKeys}/${id}/switch`,
    "providerKey",
    { disabled: "true" },
  ),
  [`GET ${providerKeys}/:id/delete`]: thing((id) => `${providerKeys}/${id}/delete`, "providerKey"),
  [`POST ${providerKeys}/:id/delete`]: thing(
    (id) => `${providerKeys}/${id}/delete`,
    "providerKey",
    {},
  ),
  [`GET ${hooks}`]: page(hooks, { after: "webhook" }),
  [`POST ${hooks}`]: form(hooks, (of) => ({
    name: "walk",
    url: "http://127.0.0.1:9/walk",
    event_types: "provider.recovered",
    api_key_hashes: of.key,
  })),
  [`GET ${hooks}/:id`]: {
    asks: (of, own) => [
      ...thing((id) => `${hooks}/${id}`, "webhook").asks(of, own),
      { path: `${hooks}/${own.webhook}?after=${of.delivery}` },
      { path: `${hooks}/${own.webhook}?after=${of.delivery}&format=json` },
    ],
  },
  [`POST ${hooks}/:id`]: thing((id) => `${hooks}/${id}`, "webhook", {
    name: "taken",
    url: "http://127.0.0.1:9/taken",
  }),
  [`POST ${hooks}/:id/switch`]: thing((id) => `${hooks}/${id}/switch`, "webhook", {
    disabled: "true",
  }),
  [`POST ${hooks}/:id/rotate-secret`]: thing((id) => `${hooks}/${id}/rotate-secret`, "webhook", {}),
  [`POST ${hooks}/:id/test`]: thing((id) => `${hooks}/${id}/test`, "webhook", {}),
  [`POST ${hooks}/:id/replay`]: {
    asks: (of, own) => [
      { path: `${hooks}/${of.webhook}/replay`, form: { delivery: of.delivery } },
      { path: `${hooks}/${of.webhook}/replay`, form: { delivery: own.delivery } },
      { path: `${hooks}/${own.webhook}/replay`, form: { delivery: of.delivery } },
    ],
  },
  [`POST ${hooks}/:id/delete`]: {
    asks: (of) =>
      ["zqxcanary hook", "zqyinner hook", ""].map((confirm) => ({
        path: `${hooks}/${of.webhook}/delete`,
        form: { confirm },
      })),
  },
  [`GET ${members}`]: page(members, { after: "mate" }),
  [`POST ${members}/invite`]: form(`${members}/invite`, (of) => ({
    email: of.email,
    role: "member",
    days: "7",
    account: of.account,
  })),
  [`POST ${members}/revoke`]: form(`${members}/revoke`, (of) => ({ id: of.link })),
  [`POST ${members}/:person/role`]: thing((id) => `${members}/${id}/role`, "mate", {
    role: "admin",
  }),
  [`GET ${members}/:person/remove`]: thing((id) => `${members}/${id}/remove`, "mate"),
  [`POST ${members}/:person/remove`]: thing((id) => `${members}/${id}/remove`, "mate", {
    keys: "disable",
  }),
  "GET /dashboard/credits": page("/dashboard/credits", { before: "transaction" }),
  "GET /dashboard/credits/buy": page("/dashboard/credits/buy"),
  "POST /dashboard/credits/buy": {
    asks: (of): Ask[] => [
      { path: `/dashboard/credits/buy?account=${of.account}`, form: { amount: "20" } },
      { path: "/dashboard/credits/buy", form: { amount: "", id: of.purchase } },
    ],
  },
  "GET /dashboard/credits/buy/:id": thing((id) => `/dashboard/credits/buy/${id}`, "purchase"),
  "GET /dashboard/statements": page("/dashboard/statements"),
  "GET /dashboard/statements/:month": page(`/dashboard/statements/${month}`, {}, formats),
  "GET /dashboard/audit": page("/dashboard/audit", {
    actor: "person",
    before: "event",
    action: "key",
  }),
};

const operatorAccount = (what: string, fields: Record<string, string>) =>
  thing((id) => `/operator/accounts/${id}${what}`, "account", fields);

const operator: Record<string, Place> = {
  "GET /operator": page("/operator", { q: "user", after: "account" }),
  "GET /operator/accounts/:id": thing((id) => `/operator/accounts/${id}`, "account"),
  "POST /operator/accounts": form("/operator/accounts", (of) => ({
    name: "walk",
    plan: "prepaid",
    id: of.account,
  })),
  "POST /operator/accounts/:id/credit": operatorAccount("/credit", { amount: "1", note: "walk" }),
  "POST /operator/accounts/:id/disable": operatorAccount("/disable", {}),
  "POST /operator/accounts/:id/enable": operatorAccount("/enable", {}),
  "POST /operator/accounts/:id/plan": operatorAccount("/plan", { plan: "metered" }),
  "GET /operator/invitations": page("/operator/invitations", { after: "link" }),
  "POST /operator/invitations": form("/operator/invitations", (of) => ({
    account: of.account,
    role: "owner",
    days: "7",
  })),
  "POST /operator/invitations/reset": form("/operator/invitations/reset", (of) => ({
    email: of.email,
    person: of.person,
  })),
  "POST /operator/invitations/revoke": form("/operator/invitations/revoke", (of) => ({
    id: of.link,
  })),
  "GET /operator/providers": page("/operator/providers"),
  "GET /operator/providers/:id": thing((id) => `/operator/providers/${id}`, "providerKey"),
  "POST /operator/providers/:id/test": thing(
    (id) => `/operator/providers/${id}/test`,
    "providerKey",
    {},
  ),
  "GET /operator/catalogue": page("/operator/catalogue", { q: "user", after: "user" }),
  "GET /operator/catalogue/*": thing((id) => `/operator/catalogue/${id}`, "user"),
  "GET /operator/configuration": page("/operator/configuration"),
  "GET /operator/system": page("/operator/system"),
  "POST /operator/system/check": form("/operator/system/check", () => ({})),
  "GET /operator/statements": page("/operator/statements", { of: "account" }),
  "GET /operator/statements/:month": page(`/operator/statements/${month}`, { of: "account" }),
  "GET /operator/audit": page("/operator/audit", { of: "account", actor: "person" }),
  "GET /operator/welcome": page("/operator/welcome"),
};

const known: Readonly<Record<string, Place>> = {
  ...programs,
  ...dialects,
  ...publicPages,
  ...door,
  ...oneself,
  ...dashboard,
  ...operator,
};

/** How a mounted route is walked; undefined for one that nobody thought of. */
export function placeOf(route: string): Place | undefined {
  const [, provider, rest = ""] = /^ANY \/([\w-]+)((?:\/:s\d+)+|\/\*)$/.exec(route) ?? [];
  if (provider === undefined) return known[route];
  // The other's id in every segment, and as the name of a user in what is sent on.
  return {
    asks: (of) => [
      {
        path: `/${provider}${rest.replace(/:s\d+/g, of.generation).replace("*", `/${of.key}`)}`,
        json: chat(of),
      },
    ],
  };
}

/** Entries of the table that no route is mounted for. */
export function unmounted(routes: readonly string[]): string[] {
  return Object.keys(known).filter((route) => !routes.includes(route));
}

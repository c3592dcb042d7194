import type { Visitor } from "#src/account/people/person.ts";
import { isPublicAddress } from "#src/provider/egress.ts";
import { remoteUrl } from "#src/provider/remote-connection.ts";
import { publicInternet, RemoteDocumentError } from "#src/provider/remote-rules.ts";
import { callIn } from "#src/dialect/gemini/gemini-client-url.ts";
import { errandOf } from "#src/gateway/proxy/proxy-ask.ts";
import { placeAt, proxyPath } from "#src/gateway/proxy/proxy-target.ts";
import { readByokChange } from "#src/http/byok-change.ts";
import { readCarbonBudget } from "#src/http/carbon-budget-change.ts";
import { readKeyChange } from "#src/http/key-change.ts";
import { addressOf } from "#src/http/peer.ts";
import { dayOf, integerOf, timeOf } from "#src/http/query.ts";
import { readWebhookChange, wholeWebhook } from "#src/http/webhooks-change.ts";
import { createCatalogue } from "#src/catalogue.ts";
import { loadConfig } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import { AppError } from "#src/lib/error.ts";
import { isAddress, plainName } from "#src/mail/letter.ts";
import { traceContextOf } from "#src/observe/trace-context.ts";
import { eventOf } from "#src/payment/event.ts";
import { signatureFault } from "#src/payment/signature.ts";
import { auditAskOf } from "#src/web/dashboard/audit-ask.ts";
import { budgetBodyOf } from "#src/web/dashboard/budget-form.ts";
import { keyBodyOf } from "#src/web/dashboard/key-form.ts";
import { byokBodyOf } from "#src/web/dashboard/provider-keys-form.ts";
import { filterOf } from "#src/web/dashboard/requests-filter.ts";
import { routingOf } from "#src/web/dashboard/routing-form.ts";
import { usageAskOf } from "#src/web/dashboard/usage-ask.ts";
import { formatOf } from "#src/web/dashboard/file.ts";
import { isFromUs, knockOf } from "#src/web/people/knock.ts";
import { field, linkOf } from "#src/web/people/respond.ts";
import { filtersOf } from "#src/web/public/model-filters.ts";
import { ownPath, themeOf } from "#src/web/theme.ts";
import { requests, written } from "#test/fuzz/seeds.ts";
import { chanceOf, claim, kindOf, never, refusesClients, type Target } from "#test/fuzz/target.ts";

/*
 * What comes to pages, to the management API and to the payment's webhook; and addresses that strangers choose.
 */

const decode = (input: Uint8Array) => new TextDecoder().decode(input);
const { routes } = createCatalogue(loadConfig({ dataDir: "x" }, {}), systemClock);
const now = Date.UTC(2026, 0, 15);

const headers = `cookie: theme=dark; lowrouter.link=abc; __Host-lowrouter.link=def
origin: http://localhost
sec-fetch-site: same-origin
x-forwarded-for: 10.0.0.1, 2001:db8::1
x-forwarded-host: gateway.example:443
x-forwarded-proto: https
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
tracestate: a=b
stripe-signature: t=1768435200,v1=00ff
`;

/** Queries and forms of pages. */
const pairs = [
  "start=2026-01-01&end=2026-01-31&action=key.created&actor=a&before=evt_01ARZ3NDEKTSV4RRFFQ69G5FAV&status=ok&format=csv",
  "from=2026-01-01&to=2026-01-31T10:00:00Z&group=model,day&order=cost&model=a%2Fb&limit=10&offset=0",
  "name=a&limit=1.5&daily_credit_limit=10&allowed_models=a%0Ab&rate_limit.requests_per_minute=5&expires_at=2026-02-30T10:00&carbon_budget_g=5&carbon_budget_action=route&carbon_budget_action.route_under_g_per_1k=0.5",
  "key=sk&access_key_id=A&secret_access_key=s&region=eu&weight=1&supported_models=a&allowed_api_key_hashes=0&policy=prefer-cheapest&allowed_providers=openai",
  "q=gpt&max_price=1e3&min_context=-1&sort=price&compare=a&compare=b&theme=dark&to=%2F%5Cevil.example",
];

const account = { id: "acc_1", name: "a", plan: "prepaid", disabled: false, createdAt: 1 } as const;
const visitor: Visitor = {
  person: {
    id: "per_1",
    name: "Ann",
    email: "ann@example.com",
    operator: false,
    twoFactor: false,
    personalAccountId: "acc_1",
  },
  role: "owner",
  account,
  sessionId: "ses_1",
  memberships: [],
};

/** Readers of queries and forms: each may refuse, and none keeps the others from being tried. */
const queries: readonly ((query: URLSearchParams) => unknown)[] = [
  (query) => auditAskOf(query),
  (query) => filterOf(query, now),
  (query) => usageAskOf(query, visitor, now),
  (query) => filtersOf(query),
  (query) => formatOf(query),
  (query) => readKeyChange(keyBodyOf(query), routes),
  (query) => readByokChange(byokBodyOf(query)),
  (query) => readCarbonBudget(budgetBodyOf(query), undefined),
  (query) => routingOf(query, routes),
  (query) => dayOf(query, "start"),
  (query) => timeOf(query, "to"),
  (query) => integerOf(query, "limit", 10, 1, 100),
  (query) => field(query, "name"),
  (query) => plainName(query.get("name") ?? ""),
  (query) => isAddress(query.get("name") ?? ""),
];

/** What is left of every reader: its outcome, or its refusal in few words. */
function each(calls: readonly (() => unknown)[]): string[] {
  const told = calls.map((call): [string, string] => {
    try {
      const found = call();
      return [kindOf(found), JSON.stringify(found) ?? "undefined"];
    } catch (thrown) {
      if (!refusesClients(thrown) || !(thrown instanceof AppError)) throw thrown;
      return [`${thrown.code} ${thrown.detail.param}`, thrown.message];
    }
  });
  return [
    told
      .map(([kind]) => kind)
      .join()
      .slice(0, 600),
    ...told.map(([, text]) => text),
  ];
}

export const webTargets: readonly Target[] = [
  {
    name: "web-query",
    shape: "bytes",
    seeds: async () => written(...pairs),
    read: (input) => each(queries.map((read) => () => read(new URLSearchParams(decode(input))))),
    refuses: never,
  },
  {
    name: "web-headers",
    shape: "lines",
    seeds: async () => written(headers),
    read(input) {
      const request = requestOf(decode(input));
      return each([
        () => themeOf(request),
        () => linkOf(request),
        () => isFromUs(request),
        () => knockOf(request, { requestIP: () => ({ address: "::ffff:10.0.0.1" }) }),
        () => addressOf(request, { requestIP: () => ({ address: "127.0.0.1" }) }),
        () => traceContextOf(request.headers.get("traceparent"), request.headers.get("tracestate")),
      ]);
    },
    refuses: never,
  },
  {
    name: "web-path",
    shape: "bytes",
    seeds: async () =>
      written("/account?x=1", "//evil.example", "/\\evil", "http://evil", "/%0d%0aset-cookie: a"),
    read(input) {
      const path = ownPath(decode(input));
      const url = new URL(path, "http://gateway.example");
      claim(url.host === "gateway.example", "the way back stays on our host");
      claim(!/[\r\n\0]/.test(path), "the way back is one line");
      return [path === "/" ? "home" : "path", path];
    },
    refuses: never,
  },
  {
    name: "web-change",
    shape: "json",
    seeds: async () =>
      written(
        {
          name: "a",
          url: "https://example.com/hook",
          event_types: ["key.limit_reached"],
          api_key_hashes: ["0".repeat(64)],
          disabled: null,
        },
        {
          name: "a",
          limit: 1.5,
          models: ["openai/gpt-4o"],
          region: "eu",
          policy: "prefer-region:eu",
          rate_limit: { requests_per_minute: 5 },
          expires_at: "2026-02-28T10:00:00Z",
          carbon_budget_action: { route_under_g_per_1k: 1 },
        },
        {
          provider: "openai",
          key: { access_key_id: "A", secret_access_key: "s" },
          weight: 1,
          region: "eu",
          base_url: "https://x.openai.azure.com",
          allowed_models: ["a"],
        },
        {
          provider: "vertex",
          key: {
            type: "service_account",
            private_key: "x",
            token_uri: "https://oauth2.googleapis.com/token",
          },
        },
        { carbon_budget_g: 5, carbon_budget_reset: "daily", carbon_budget_action: "refuse" },
      ),
    read(input) {
      let body: unknown;
      try {
        body = JSON.parse(decode(input));
      } catch {
        return ["no JSON"]; // Refused before any of the readers.
      }
      return each([
        () => wholeWebhook(readWebhookChange(body)),
        () => readKeyChange(body, routes),
        () => readByokChange(body),
        () => readCarbonBudget(body, undefined),
      ]);
    },
    refuses: never,
  },
  {
    name: "stripe-event",
    shape: "json",
    seeds: async () =>
      written(
        {
          id: "evt_1",
          type: "checkout.session.completed",
          data: {
            object: {
              id: "cs_1",
              client_reference_id: "pur_1",
              payment_intent: "pi_1",
              payment_status: "paid",
              amount_total: 1000,
              currency: "eur",
            },
          },
        },
        {
          id: "evt_2",
          type: "charge.refunded",
          data: {
            object: {
              payment_intent: { id: "pi_1" },
              amount: 1000,
              amount_refunded: 500,
              currency: "eur",
            },
          },
        },
        {
          id: "evt_3",
          type: "charge.dispute.closed",
          data: {
            object: {
              id: "dp_1",
              payment_intent: "pi_1",
              amount: 1000,
              currency: "eur",
              status: "won",
            },
          },
        },
      ),
    read(input) {
      const event = eventOf(decode(input));
      if (event?.about === "session")
        claim(event.session.minor === undefined || event.session.minor >= 0, "money is a count");
      if (event?.about === "payment")
        claim(event.minor === undefined || Number.isSafeInteger(event.minor), "money is a count");
      return [`${kindOf(event)} ${event?.about}`, JSON.stringify(event) ?? ""];
    },
    refuses: never,
  },
  {
    name: "stripe-signature",
    shape: "bytes",
    seeds: async () => written("t=1768435200,v1=00ff,v1=aa", "t=1,v0=a,v1=", ",,=,t==1"),
    read(input) {
      const fault = signatureFault(new Uint8Array(input), decode(input), "whsec_x", now);
      claim(fault !== undefined, "nobody else can sign");
      return [fault];
    },
    refuses: never,
  },
  {
    name: "egress-address",
    shape: "bytes",
    seeds: async () =>
      written(
        "8.8.8.8",
        "127.0.0.1",
        "2001:4860:4860::8888",
        "::ffff:10.0.0.1",
        "64:ff9b::1.2.3.4",
        "fe80::1%eth0",
        "2002::",
      ),
    read(input) {
      const isPublic = isPublicAddress(decode(input));
      const dotted = /^(\d+)\.(\d+)\./.exec(decode(input));
      if (isPublic && dotted)
        claim(
          !["127", "10", "0"].includes(dotted[1] ?? "") && dotted[0] !== "192.168.",
          "no private address is public",
        );
      return [String(isPublic)];
    },
    refuses: never,
  },
  {
    name: "egress-url",
    shape: "bytes",
    seeds: async () =>
      written(
        "https://example.com/a.png",
        "http://user:pw@[::1]:80/",
        "https://0x7f.1/",
        "http://example.com:8080",
        "data:x",
        "//x",
        "http://①②⑦.⓪.⓪.①/",
      ),
    read(input) {
      const url = remoteUrl(decode(input), { ...publicInternet, isProxied: () => false });
      claim(/^https?:$/.test(url.protocol) && url.username === "", "an address is one of the web");
      return [url.protocol, url.href];
    },
    refuses: (thrown) => thrown instanceof RemoteDocumentError,
  },
  {
    name: "gemini-url",
    shape: "bytes",
    seeds: async () =>
      written(
        "models/google/gemini-2.5-flash:generateContent",
        "models/a%2Fb:embedContent?x",
        "a/b:c:d",
        "models/%zz",
      ),
    read(input) {
      const text = `http://gateway/v1beta/${decode(input)}`;
      if (!URL.canParse(text)) return ["no address"];
      const { model, verb } = callIn(text);
      return [verb.slice(0, 20), model];
    },
    refuses: refusesClients,
  },
  {
    name: "proxy-path",
    shape: "bytes",
    seeds: async () =>
      written(
        "v1/chat/completions?key=a&x=1",
        "v1/../admin",
        "v1/%2e%2e/x",
        "a\\b",
        "v1/models/x:generateContent?alt=sse",
        "openai/v1/responses",
        "%252e%252e",
      ),
    read(input) {
      const text = decode(input);
      const [path = "", query = ""] = text.split("?");
      const segments = path.split("/").map(unescaped);
      const url = `http://gateway/openai/${path}?${query}`;
      if (!URL.canParse(url)) return ["no address"];
      const found = proxyPath("openai", segments, url);
      const place = placeAt("https://api.openai.com/v1", found.path);
      const whole = new URL(place.baseUrl + found.path);
      claim(whole.origin === "https://api.openai.com", "a path stays at its provider");
      claim(whole.pathname.startsWith("/"), "a path begins with a slash");
      claim(!/(^|&)key=/.test(found.query.slice(1)), "our key goes to nobody");
      return [place.endpoint.slice(0, 30), found.path, found.query];
    },
    refuses: refusesClients,
  },
  {
    name: "proxy-body",
    shape: "json",
    seeds: async () => written(...Object.values(requests).flat()),
    read(input) {
      const endpoint = chanceOf(input).pick([
        "/chat/completions",
        "/messages",
        "/responses",
        "/models/a:generateContent",
        "/chat",
        "/model/a/converse",
        "/embeddings",
        "/files",
      ]);
      const errand = errandOf({
        method: "POST",
        endpoint,
        query: "?alt=sse",
        body: new Uint8Array(input),
        route: {},
      });
      const { maxOutputTokens, choices } = errand.ask;
      claim(
        maxOutputTokens === undefined || Number.isSafeInteger(maxOutputTokens),
        "a limit is a count",
      );
      claim(Number.isSafeInteger(choices) && choices > 0, "choices are a count");
      return [`${errand.kind} ${endpoint} ${errand.ask.stream} ${maxOutputTokens === undefined}`];
    },
    refuses: refusesClients,
  },
];

/** A request with these headers; those that none can have are left out. */
function requestOf(text: string): Request {
  const all = new Headers();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    try {
      all.append(line.slice(0, colon), line.slice(colon + 1));
    } catch {
      // The server refuses such a header before anybody reads it.
    }
  }
  return new Request("http://localhost/login?account=acc_1", { headers: all });
}

function unescaped(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

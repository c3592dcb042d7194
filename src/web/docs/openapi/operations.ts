/** Every path of the API. One list of them, which is why it is over 300 lines long. A test holds it against the routes. */
import { statementFormats } from "#src/http/statements.ts";
import {
  anything,
  closed,
  data,
  flag,
  integer,
  listOf,
  objectList,
  oneOf,
  open,
  type Operation,
  type Query,
  ref,
  text,
  told,
} from "#src/web/docs/openapi/kit.ts";
import { orNull } from "#src/web/docs/json-schema.ts";

const pageSize: Query = {
  name: "page_size",
  about: "How many at once, at most 1,000",
  schema: { type: "integer", minimum: 1, maximum: 1000 },
};
const pageToken: Query = {
  name: "page_token",
  about: "`next_page_token` of the page before",
  schema: text,
};
const from: Query = { name: "start_time", about: "First time: a day or RFC 3339", schema: text };
const until: Query = { name: "end_time", about: "Last time", schema: text };
const filters: Query[] = [
  from,
  until,
  { name: "provider_id", about: "Only this provider", schema: text },
  { name: "model", about: "Only this model", schema: text },
  { name: "key_id", about: "Only this key, by its hash", schema: text },
];

const inference: Operation[] = [
  {
    method: "post",
    path: "/v1/chat/completions",
    base: "root and /api",
    tag: "Inference",
    summary: "Chat in OpenAI's shape",
    about:
      "Members that are not listed are sent on to the provider. With `stream: true` the answer is an event stream.",
    caller: "inference",
    body: ref("ChatRequest"),
    answer: ref("ChatCompletion"),
    also: ["text/event-stream"],
  },
  {
    method: "post",
    path: "/v1/completions",
    base: "root and /api",
    tag: "Inference",
    summary: "Text completions",
    caller: "inference",
    body: ref("CompletionRequest"),
    answer: ref("Completion"),
    also: ["text/event-stream"],
  },
  {
    method: "post",
    path: "/v1/embeddings",
    base: "root and /api",
    tag: "Inference",
    summary: "Embeddings",
    caller: "inference",
    body: ref("EmbeddingRequest"),
    answer: ref("Embeddings"),
  },
  {
    method: "post",
    path: "/v1/responses",
    base: "root and /api",
    tag: "Inference",
    summary: "OpenAI's Responses",
    caller: "inference",
    body: ref("ResponsesRequest"),
    answer: ref("Response"),
    also: ["text/event-stream"],
  },
  {
    method: "post",
    path: "/v1/messages",
    base: "root, /api and /api/v1/anthropic",
    tag: "Inference",
    summary: "Anthropic's Messages",
    caller: "inference",
    body: ref("MessagesRequest"),
    answer: ref("Message"),
    also: ["text/event-stream"],
  },
  {
    method: "post",
    path: "/v1/messages/count_tokens",
    base: "root, /api and /api/v1/anthropic",
    tag: "Inference",
    summary: "Tokens of a Messages request",
    caller: "inference",
    body: open({ model: text, messages: listOf(anything) }),
    answer: ref("TokenCount"),
  },
  ...geminiVerbs("/v1beta/models"),
  ...geminiVerbs("/v1/models").map((one) => ({
    ...one,
    base: "root and /api" as const,
    sameAs: one.path.replace("/v1/", "/v1beta/"),
  })),
  ...(["get", "post", "put", "patch", "delete"] as const).map((method): Operation => ({
    method,
    path: "/{provider}/{path}",
    base: "root",
    tag: "Inference",
    summary: "A provider's own API, byte for byte",
    about: "Metered like any other request. The gateway puts its own credential in place of yours.",
    caller: "inference",
    ...(method === "get" || method === "delete" ? {} : { body: anything }),
    answer: anything,
    ...(method === "post" ? {} : { sameAs: "/{provider}/{path}" }),
  })),
];

/** Google's calls, under one of the two versions that its clients use. */
function geminiVerbs(under: string): Operation[] {
  const verbs = [
    ["generateContent", "Gemini's generateContent", "GeminiAnswer"],
    ["streamGenerateContent", "The same as a stream; `alt=sse` for events", "GeminiAnswer"],
    ["countTokens", "Tokens of contents", undefined],
    ["embedContent", "One embedding", undefined],
    ["batchEmbedContents", "Several embeddings", undefined],
  ] as const;
  return verbs.map(([verb, summary, answer]) => ({
    method: "post",
    path: `${under}/{model}:${verb}`,
    base: "root",
    tag: "Inference",
    summary,
    caller: "inference",
    body: answer === undefined ? anything : ref("GeminiRequest"),
    answer: answer === undefined ? anything : ref(answer),
    ...(verb === "streamGenerateContent" ? { also: ["text/event-stream"] } : {}),
  }));
}

const catalogue: Operation[] = [
  {
    method: "get",
    path: "/v1/models",
    base: "root and /api",
    tag: "Models and providers",
    summary: "What the key may call",
    caller: "key",
    query: [
      { name: "all", about: "`true`: the whole catalogue, marked", schema: flag },
      {
        name: "output_modalities",
        about: "`text` (default), `image`, `audio`, `embeddings` or `all`",
        schema: text,
      },
      {
        name: "supported_parameters",
        about: "Only with all of these, as `tools,seed`",
        schema: text,
      },
    ],
    answer: objectList(ref("Model")),
  },
  {
    method: "get",
    path: "/v1/models/{author}/{slug}",
    base: "root and /api",
    tag: "Models and providers",
    summary: "One model of the list",
    caller: "key",
    answer: ref("Model"),
  },
  {
    method: "get",
    path: "/v1/models/{author}",
    base: "root and /api",
    tag: "Models and providers",
    summary: "The same by a short name, or with the slash as %2F",
    caller: "key",
    answer: ref("Model"),
    sameAs: "/v1/models/{author}/{slug}",
  },
  {
    method: "get",
    path: "/v1/models/{author}/{slug}/endpoints",
    base: "root and /api",
    tag: "Models and providers",
    summary: "Where one model can be called",
    caller: "key",
    answer: data(ref("Model")),
  },
  {
    method: "get",
    path: "/v1/providers",
    base: "root and /api",
    tag: "Models and providers",
    summary: "Providers, regions, grids and health",
    caller: "key",
    answer: objectList(ref("Provider")),
  },
  {
    method: "get",
    path: "/v1/methodology",
    base: "root and /api",
    tag: "Models and providers",
    summary: "The methodologies, also on imported grid tables, with the source of each",
    caller: "anyone",
    answer: objectList(ref("Methodology")),
  },
  {
    method: "get",
    path: "/v1/methodology/{version}",
    base: "root and /api",
    tag: "Models and providers",
    summary: "One methodology with all its tables",
    caller: "anyone",
    answer: ref("Methodology"),
  },
  {
    method: "get",
    path: "/.well-known/lowrouter-statement-keys.json",
    base: "root",
    tag: "Models and providers",
    summary: "Public keys that footprint statements are verified with",
    about: "A JSON Web Key Set, retired keys too. Empty before the first statement.",
    caller: "anyone",
    answer: open({ keys: listOf(open({ kid: text, kty: text, crv: text, x: text })) }),
  },
  {
    method: "get",
    path: "/v1beta/models",
    base: "root",
    tag: "Models and providers",
    summary: "The models in Google's shape",
    caller: "key",
    query: [
      { name: "pageSize", about: "How many at once", schema: integer },
      { name: "pageToken", about: "`nextPageToken` of the page before", schema: text },
    ],
    answer: ref("GeminiModels"),
  },
  {
    method: "get",
    path: "/v1beta/models/{model}",
    base: "root",
    tag: "Models and providers",
    summary: "One model in Google's shape",
    caller: "key",
    answer: ref("GeminiModel"),
  },
];

const account: Operation[] = [
  {
    method: "get",
    path: "/v1/generation/{id}",
    base: "root and /api",
    tag: "Account",
    summary: "The record of one request",
    about: "By its `gen_…` id or by the id of the answer.",
    caller: "key",
    answer: ref("Generation"),
  },
  {
    method: "get",
    path: "/v1/generation",
    base: "root and /api",
    tag: "Account",
    summary: "The same, by the query",
    caller: "key",
    query: [{ name: "id", about: "Either id", schema: text }],
    answer: ref("Generation"),
  },
  {
    method: "get",
    path: "/v1/generation/{id}/eco",
    base: "root and /api",
    tag: "Account",
    summary: "What its footprint was made from",
    caller: "key",
    answer: ref("GenerationEco"),
  },
  {
    method: "get",
    path: "/v1/key",
    base: "root and /api",
    tag: "Account",
    summary: "The calling key's own limits and usage",
    caller: "key",
    answer: data(ref("Self")),
  },
  {
    method: "get",
    path: "/v1/account",
    base: "root and /api",
    tag: "Account",
    summary: "The account, its carbon budget and what is left of it",
    caller: "management",
    answer: data(ref("AccountSettings")),
  },
  {
    method: "patch",
    path: "/v1/account",
    base: "root and /api",
    tag: "Account",
    summary: "Set or lift the account's carbon budget, from the next request on",
    caller: "management",
    body: ref("AccountChange"),
    answer: data(ref("AccountSettings")),
  },
  {
    method: "get",
    path: "/v1/balance",
    base: "root and /api",
    tag: "Account",
    summary: "The account's balance",
    caller: "key",
    answer: ref("Balance"),
  },
  {
    method: "get",
    path: "/v1/transactions",
    base: "root and /api",
    tag: "Account",
    summary: "What moved the balance, newest first",
    caller: "key",
    query: [pageSize, pageToken],
    answer: ref("Transactions"),
  },
  {
    method: "get",
    path: "/v1/credits",
    base: "root and /api",
    tag: "Account",
    summary: "Credits ever granted and used",
    caller: "key",
    answer: data(ref("Credits")),
  },
  {
    method: "get",
    path: "/v1/activity",
    base: "root and /api",
    tag: "Account",
    summary: "Usage by any grouping",
    caller: "management",
    query: [
      { name: "start", about: "First day, as 2026-01-01", schema: text },
      { name: "end", about: "Last day", schema: text },
      {
        name: "group_by",
        about:
          "Of `day`, `model`, `creator`, `provider`, `region`, `key`, `user`; all but `creator` by default",
        schema: text,
      },
      { name: "format", about: "`json` (default) or `csv`", schema: oneOf("json", "csv") },
    ],
    answer: data(listOf(ref("Activity"))),
    also: ["text/csv"],
  },
  {
    method: "get",
    path: "/v1/statements",
    base: "root and /api",
    tag: "Account",
    summary: "Months with requests that are all kept, newest first",
    caller: "management",
    answer: data(listOf(ref("StatementMonth"))),
  },
  {
    method: "get",
    path: "/v1/statements/{month}",
    base: "root and /api",
    tag: "Account",
    summary: "The signed footprint statement of a month",
    about:
      "Of the caller's account; the month as 2026-10, UTC. `lowrouter audit verify` checks each form; the CSV with its signature beside it.",
    caller: "management",
    query: [
      {
        name: "format",
        about: "`json` (default), `pdf`, `html`, `csv`, or `csv.sig`: the signature of the CSV",
        schema: oneOf(...statementFormats),
      },
      {
        name: "partial",
        about: "`true` for a month that is not over: the statement says so",
        schema: oneOf("true", "false"),
      },
    ],
    answer: ref("FootprintStatement"),
    also: ["application/pdf", "text/html", "text/csv"],
  },
  {
    method: "get",
    path: "/api/v1/usage/what-if",
    base: "root",
    tag: "Account",
    summary: "The same traffic on the cleanest allowed grid, on a smaller model, without the cache",
    about:
      "Estimates from recorded totals, each with the requests that it covers and, for the others, the reason why not.",
    caller: "key",
    query: [
      { name: "start", about: "First day, as 2026-01-01; 30 days by default", schema: text },
      { name: "end", about: "Last day, at most 366 days later", schema: text },
      { name: "model", about: "Only this model", schema: text },
      { name: "provider", about: "Only this provider", schema: text },
      { name: "region", about: "Only this region", schema: text },
      { name: "key", about: "Only this key, by its hash", schema: text },
      { name: "user", about: "Only this user", schema: text },
      { name: "format", about: "`json` (default) or `csv`", schema: oneOf("json", "csv") },
    ],
    answer: ref("WhatIf"),
    also: ["text/csv"],
  },
  {
    method: "get",
    path: "/api/usage/summary",
    base: "root",
    tag: "Account",
    summary: "Totals by provider and model",
    caller: "key",
    query: filters,
    answer: ref("UsageSummary"),
  },
  {
    method: "get",
    path: "/api/usage/timeseries",
    base: "root",
    tag: "Account",
    summary: "Totals over time",
    caller: "key",
    query: [
      ...filters,
      {
        name: "granularity",
        about: "`daily` by default",
        schema: oneOf("hourly", "daily", "monthly"),
      },
    ],
    answer: ref("UsageSeries"),
  },
];

const keys: Operation[] = managed("/v1/keys", "hash", "Keys", {
  create: "Make a key; it is shown once",
  list: "The account's keys",
  get: "One key",
  update: "Change a key, from the next request on",
  remove: "Delete a key for good",
  change: "KeyChange",
  record: "Key",
  made: open({ data: ref("Key"), key: text }),
  query: [
    { name: "include_disabled", about: "`true`: those that are switched off too", schema: flag },
    pageSize,
    pageToken,
    { name: "offset", about: "How many to leave out first", schema: integer },
  ],
});

const providerKeys: Operation[] = managed("/v1/byok", "id", "Own provider keys", {
  create: "Keep a provider's key of the account's own",
  list: "The account's provider keys, without their secrets",
  get: "One provider key",
  update: "Change one, or replace its secret",
  remove: "Delete one for good",
  change: "ProviderKeyChange",
  record: "ProviderKey",
  made: data(ref("ProviderKey")),
  query: [],
});

const withSecret = closed({ endpoint: ref("Webhook"), secret: text });
const ofWebhooks = { base: "root and /api", tag: "Webhooks", caller: "management" } as const;
const webhooks: Operation[] = [
  ...managed("/v1/webhooks", "id", "Webhooks", {
    create: "Make a webhook; its secret is shown once",
    list: "The account's webhooks",
    get: "One webhook",
    update: "Change a webhook",
    remove: "Delete one for good, with what waits for it",
    change: "WebhookChange",
    record: "Webhook",
    made: withSecret,
    query: [],
  }),
  {
    ...ofWebhooks,
    method: "post",
    path: "/v1/webhooks/{id}/rotate-secret",
    summary: "Make a new secret; the one before signs too for 24 hours",
    answer: withSecret,
  },
  {
    ...ofWebhooks,
    method: "post",
    path: "/v1/webhooks/{id}/test",
    summary: "Send a `webhook.test` event at once, and tell what came of it",
    answer: data(ref("WebhookDelivery")),
  },
  {
    ...ofWebhooks,
    method: "get",
    path: "/v1/webhooks/{id}/deliveries",
    summary: "Deliveries of the last 30 days, newest first, with their last ten tries",
    query: [pageSize, pageToken],
    answer: open({ data: listOf(ref("WebhookDelivery")), next_page_token: orNull(text) }),
  },
  {
    ...ofWebhooks,
    method: "post",
    path: "/v1/webhooks/{id}/deliveries/{delivery}/replay",
    summary: "Send the event of a delivery again",
    status: 201,
    answer: data(ref("WebhookDelivery")),
  },
];

interface Managed {
  create: string;
  list: string;
  get: string;
  update: string;
  remove: string;
  change: string;
  record: string;
  made: Operation["answer"];
  query: readonly Query[];
}

/** The five operations on a kind of thing that a management key manages. */
function managed(path: string, id: string, tag: string, said: Managed): Operation[] {
  const common = { base: "root and /api", tag, caller: "management" } as const;
  const one = `${path}/{${id}}`;
  const { change, record, made, query } = said;
  return [
    {
      ...common,
      method: "post",
      path,
      summary: said.create,
      body: ref(change),
      status: 201,
      answer: made,
    },
    {
      ...common,
      method: "get",
      path,
      summary: said.list,
      query,
      answer: query.includes(pageToken)
        ? open({ data: listOf(ref(record)), next_page_token: orNull(text) })
        : data(listOf(ref(record))),
    },
    { ...common, method: "get", path: one, summary: said.get, answer: data(ref(record)) },
    {
      ...common,
      method: "patch",
      path: one,
      summary: said.update,
      body: ref(change),
      answer: data(ref(record)),
    },
    { ...common, method: "delete", path: one, summary: said.remove, answer: data(ref("Deleted")) },
  ];
}

const process: Operation[] = [
  {
    method: "get",
    path: "/healthz",
    base: "root",
    tag: "Health",
    summary: "Whether the process lives",
    caller: "anyone",
    answer: open({ status: { const: "ok" } }),
  },
  {
    method: "get",
    path: "/readyz",
    base: "root",
    tag: "Health",
    summary: "Whether it takes traffic; 503 where not",
    caller: "anyone",
    answer: open({
      status: oneOf("ok", "unavailable"),
      checks: open(
        {
          accepting: flag,
          database: flag,
          provider: flag,
          spool: told(flag, "With a remote database: whether rows can wait for it here"),
        },
        ["spool"],
      ),
    }),
  },
  {
    method: "get",
    path: "/metrics",
    base: "root",
    tag: "Health",
    summary: "Counters for Prometheus, where `metrics.enabled` is set",
    about:
      "For this machine alone, or with `LOWROUTER_METRICS_TOKEN` as a bearer token where the operator set one.",
    caller: "anyone",
    answer: text,
    media: "text/plain",
  },
];

export const operations: readonly Operation[] = [
  ...inference,
  ...catalogue,
  ...account,
  ...keys,
  ...providerKeys,
  ...webhooks,
  ...process,
];

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ErrorCode, errorCodes } from "#src/lib/error.ts";
import { at, type Reply, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream, silence } from "#test/lib/upstream.ts";

let gateway: TestGateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  upstream = scriptedUpstream((request) => {
    const status = /simulated-(\d+)/.exec(request.url)?.[1];
    return status === undefined ? silence(request) : new Response("{}", { status: Number(status) });
  });
  gateway = await startGateway({
    config(config) {
      config.timeouts.firstByteMs = 100;
      for (const name of ["silent", "simulated-400", "simulated-500"])
        config.providers[name] = { protocol: "openai-chat", base_url: `${upstream.url}/${name}` };
      config.models = [
        { id: "test/free-of-price", provider: "silent" },
        ...["silent", "simulated-400", "simulated-500"].map((provider) => ({
          id: `test/${provider}`,
          provider,
          input_per_million: 1,
          output_per_million: 1000,
        })),
      ];
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await upstream.stop();
});

const chat = (body: Record<string, unknown>) => () => gateway.chat(body);
const pdf = {
  type: "file",
  file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA==" },
};

const table: [ErrorCode, number, string, () => Promise<Reply>][] = [
  [
    "invalid_json",
    400,
    "invalid_request_error",
    () => gateway.ask("/v1/chat/completions", { body: "{" }),
  ],
  [
    "missing_field",
    400,
    "invalid_request_error",
    () => gateway.ask("/v1/chat/completions", { body: {} }),
  ],
  ["invalid_value", 400, "invalid_request_error", chat({ temperature: 3 })],
  [
    "conflicting_route",
    400,
    "invalid_request_error",
    chat({ route: { provider: "openai" }, provider: { only: ["mistral"] } }),
  ],
  ["context_length_exceeded", 400, "invalid_request_error", chat({ max_tokens: 10_000_000 })],
  [
    "unsupported_feature",
    400,
    "invalid_request_error",
    chat({ model: "mistral/mistral-small-3.2", messages: [{ role: "user", content: [pdf] }] }),
  ],
  ["upstream_rejected", 400, "invalid_request_error", chat({ model: "test/simulated-400" })],
  ["missing_api_key", 401, "authentication_error", () => gateway.ask("/v1/models", { key: null })],
  [
    "invalid_api_key",
    401,
    "authentication_error",
    () => gateway.ask("/v1/models", { key: "lr_live_none" }),
  ],
  [
    "insufficient_credits",
    402,
    "payment_required",
    chat({ model: "test/silent", max_tokens: 10_000, n: 11 }),
  ],
  [
    "key_limit_exceeded",
    402,
    "payment_required",
    async () => {
      const made = await gateway.manage("/api/v1/keys", {
        body: { name: "small", limit: 0.000001 },
      });
      return gateway.chatAs(String(at(made.json, "key")));
    },
  ],
  [
    "carbon_budget_reached",
    402,
    "payment_required",
    async () => gateway.chatAs(await gateway.mint({ carbonBudgetG: 1e-6 })),
  ],
  [
    "provider_not_allowed",
    403,
    "forbidden_error",
    async () => gateway.chatAs(await gateway.mint({ allowedProviders: ["mistral"] })),
  ],
  [
    "model_not_allowed",
    403,
    "permission_error",
    async () => gateway.chatAs(await gateway.mint({ allowedModels: ["gpt-5.4"] })),
  ],
  ["wrong_key_type", 403, "permission_error", () => gateway.ask("/api/v1/keys")],
  [
    "region_not_allowed",
    403,
    "permission_error",
    async () =>
      gateway.chatAs(await gateway.mint({ region: "us-east" }), { route: { region: "eu-west" } }),
  ],
  ["not_meterable", 403, "permission_error", chat({ model: "test/free-of-price" })],
  ["model_not_found", 404, "invalid_request_error", chat({ model: "nobody/nothing" })],
  [
    "generation_not_found",
    404,
    "invalid_request_error",
    () => gateway.ask("/v1/generation/gen_none"),
  ],
  ["key_not_found", 404, "invalid_request_error", () => gateway.manage("/api/v1/keys/none")],
  ["not_found", 404, "invalid_request_error", () => gateway.ask("/v1/nothing")],
  [
    "not_available",
    404,
    "invalid_request_error",
    () => gateway.ask("/v1/images/generations", { body: {} }),
  ],
  ["method_not_allowed", 405, "invalid_request_error", () => gateway.ask("/v1/chat/completions")],
  [
    "body_too_large",
    413,
    "invalid_request_error",
    () => gateway.ask("/v1/chat/completions", { body: "x".repeat(11 * 1024 * 1024) }),
  ],
  [
    "rate_limit_exceeded",
    429,
    "rate_limit_error",
    async () => {
      const key = await gateway.mint({ rateLimit: { requestsPerMinute: 1 } });
      const [, second] = [await gateway.chatAs(key), await gateway.chatAs(key)];
      return second;
    },
  ],
  ["upstream_error", 502, "server_error", chat({ model: "test/simulated-500" })],
  [
    "service_unavailable",
    503,
    "server_error",
    chat({ model: "mistral/mistral-small-3.2", route: { region: "us-east" } }),
  ],
  ["upstream_timeout", 504, "server_error", chat({ model: "test/silent", max_tokens: 10 })],
  [
    "internal_error",
    500,
    "server_error",
    async () => {
      const broken = await startGateway();
      await broken.chat();
      await broken.store.write([{ sql: "DROP TABLE generation_record", args: [] }]);
      const reply = await broken.ask("/v1/generation/gen_none");
      expect(reply.text).not.toContain("generation_record");
      expect(reply.text).not.toContain("no such table");
      await broken.close();
      return reply;
    },
  ],
];

test.each(table)(
  "%s is answered as %i %s, in the whole envelope",
  async (code, status, type, call) => {
    const reply = await call();
    expect([reply.status, at(reply.json, "error.code"), at(reply.json, "error.type")]).toEqual([
      status,
      code,
      type,
    ]);
    const members = Object.keys(Object(at(reply.json, "error"))).toSorted();
    expect(members.filter((name) => name !== "metadata")).toEqual([
      "code",
      "message",
      "param",
      "type",
    ]);
    expect(reply.headers.get("content-type")).toContain("application/json");
    if (status === 429 || status === 503)
      expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
  },
);

test("every code of the closed table is provoked once", () => {
  const reached = table.map(([code]) => code);
  expect(reached.toSorted()).toEqual([...errorCodes].toSorted());
});

type Envelope = (json: unknown) => unknown[];
const ours: Envelope = (json) => [at(json, "error.type"), at(json, "error.code")];
const anthropic: Envelope = (json) => [at(json, "type"), at(json, "error.type")];
const google: Envelope = (json) => [at(json, "error.code"), at(json, "error.status")];
const gemini = "/v1beta/models/gemini-2.5-flash";

test.each<[path: string, allow: string, wrong: string[], envelope: Envelope]>([
  ["/v1/chat/completions", "POST", ["GET", "PUT", "PATCH", "DELETE"], ours],
  ["/api/v1/chat/completions", "POST", ["GET"], ours],
  ["/v1/completions", "POST", ["GET"], ours],
  ["/v1/embeddings", "POST", ["GET", "DELETE"], ours],
  ["/v1/responses", "POST", ["GET"], ours],
  ["/v1/messages", "POST", ["GET", "PUT"], anthropic],
  ["/v1/messages/count_tokens", "POST", ["GET"], anthropic],
  ["/api/v1/anthropic/v1/messages", "POST", ["DELETE"], anthropic],
  [`${gemini}:generateContent`, "POST", ["GET", "PUT", "DELETE"], google],
  [gemini, "GET", ["PATCH", "DELETE"], google],
  ["/v1beta/models", "GET", ["POST", "DELETE"], google],
  ["/v1/models", "GET", ["POST", "DELETE"], ours],
  ["/v1/models/openai/gpt-4o-mini/endpoints", "GET", ["PUT"], ours],
  ["/v1/generation/gen_1", "GET", ["POST", "DELETE"], ours],
  ["/v1/balance", "GET", ["POST"], ours],
  ["/api/v1/keys", "POST, GET", ["PUT", "DELETE"], ours],
  ["/api/v1/keys/abc", "GET, PATCH, DELETE", ["POST", "PUT"], ours],
  ["/healthz", "GET", ["POST"], ours],
  ["/openai/v1/models", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", ["TRACE"], ours],
])("%s takes %s, and says so in its own dialect to any other method", async (...row) => {
  const [path, allow, wrong, envelope] = row;
  const before = gateway.reached();
  for (const method of wrong) {
    const reply = await gateway.ask(path, { method });
    expect([method, reply.status, reply.headers.get("allow")]).toEqual([method, 405, allow]);
    // The server sends no body after TRACE.
    if (method === "TRACE") continue;
    expect(envelope(reply.json)).toEqual(
      new Map<Envelope, unknown[]>([
        [ours, ["invalid_request_error", "method_not_allowed"]],
        [anthropic, ["error", "invalid_request_error"]],
        [google, [405, "UNIMPLEMENTED"]],
      ]).get(envelope) ?? [],
    );
    expect(reply.text).toContain(`it takes ${allow}`);
  }
  expect(gateway.reached()).toBe(before);
});

test("a path that there is not stays not found, whatever the method", async () => {
  for (const method of ["GET", "POST", "PUT", "DELETE"]) {
    const reply = await gateway.ask("/v1/nothing/at/all", { method });
    expect([reply.status, reply.headers.get("allow")]).toEqual([404, null]);
  }
});

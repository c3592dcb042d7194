import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Harness, startHarness } from "#test/gateway/harness.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.close());

const messages = [{ role: "user", content: "Hello" }];
const deep = `{"messages":${"[".repeat(10_000)}${"]".repeat(10_000)}}`;

test.each<[string, unknown, number, string, string | null]>([
  ["malformed JSON", "{", 400, "invalid_json", null],
  ["an empty body", "", 400, "invalid_json", null],
  ["an array", "[]", 400, "invalid_json", null],
  ["no messages", { model: "gpt-4o-mini" }, 400, "missing_field", "messages"],
  ["empty messages", { messages: [] }, 400, "invalid_value", "messages"],
  [
    "a wrong role",
    { messages: [{ role: "boss", content: "x" }] },
    400,
    "invalid_value",
    "messages[0].role",
  ],
  [
    "a number as content",
    { messages: [{ role: "user", content: 7 }] },
    400,
    "invalid_value",
    "messages[0].content",
  ],
  ["negative max_tokens", { messages, max_tokens: -1 }, 400, "invalid_value", "max_tokens"],
  ["a temperature of 3", { messages, temperature: 3 }, 400, "invalid_value", "temperature"],
  ["a string as stream", { messages, stream: "yes" }, 400, "invalid_value", "stream"],
  ["an unknown model", { model: "nobody/nothing", messages }, 404, "model_not_found", "model"],
  [
    "an unknown variant",
    { model: "openai/gpt-4o-mini:turbo", messages },
    404,
    "model_not_found",
    "model",
  ],
  [
    "an unknown region",
    { messages, route: { region: "atlantis" } },
    400,
    "invalid_value",
    "route.region",
  ],
  [
    "an unknown provider",
    { messages, route: { provider: "nobody" } },
    400,
    "invalid_value",
    "route.provider",
  ],
  ["another string as route", { messages, route: "fastest" }, 400, "invalid_value", "route"],
  ["a string as provider", { messages, provider: "openai" }, 400, "invalid_value", "provider"],
  [
    "contradicting pins",
    { messages, route: { provider: "openai" }, provider: { only: ["mistral"] } },
    400,
    "conflicting_route",
    "route.provider",
  ],
  ["a body for Anthropic", { messages, system: "Be brief" }, 400, "invalid_value", "system"],
])(
  "%s is refused with the field named, reaches no upstream and costs nothing",
  async (_, body, status, code, param) => {
    const response = await harness.post("/v1/chat/completions", body);
    const answer: { error: { code: string; param: string | null } } = JSON.parse(
      await response.text(),
    );
    expect([response.status, answer.error.code, answer.error.param]).toEqual([status, code, param]);
    expect(Object.values(harness.places.all).map((place) => place.stats.requests)).toEqual([
      0, 0, 0, 0, 0, 0,
    ]);
    expect(await harness.rows()).toEqual([]);
  },
);

test("10,000 levels of nesting are refused", async () => {
  const response = await harness.post("/v1/chat/completions", deep);
  expect(response.status).toBe(400);
});

test("a body of one byte too many is told in bytes", async () => {
  const limit = 10 * 1024 * 1024;
  const response = await harness.post("/v1/chat/completions", "x".repeat(limit + 1));
  const answer: { error: { message: string } } = JSON.parse(await response.text());
  expect(answer.error.message).toBe(
    "Cannot take a body of 10485761 bytes: the limit is 10485760 bytes (10 MB)",
  );
});

test.each(["gzip", "zstd", "GZIP, br"])(
  "a body of the content encoding %s is refused by that name, in each dialect",
  async (coding) => {
    const body = Bun.gzipSync(Buffer.from(JSON.stringify({ messages: [] })));
    for (const path of ["/v1/chat/completions", "/v1/messages", "/v1/embeddings"]) {
      const response = await fetch(harness.url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${harness.key}`, "content-encoding": coding },
        body,
      });
      const answer: { error: { message: string } } = JSON.parse(await response.text());
      expect([response.status, answer.error.message]).toEqual([
        400,
        `Cannot read a body of the Content-Encoding "${coding}": send it as plain JSON`,
      ]);
    }
  },
);

test("a body of 11 MB is 413", async () => {
  const response = await harness.chat({
    messages: [{ role: "user", content: "x".repeat(11 * 1024 * 1024) }],
  });
  const answer: { error: { code: string } } = JSON.parse(await response.text());
  expect([response.status, answer.error.code]).toEqual([413, "body_too_large"]);
});

test.each([
  [
    "Authorization: Bearer",
    (key: string) => ({ headers: { authorization: `Bearer ${key}` }, query: "" }),
  ],
  ["X-Api-Key", (key: string) => ({ headers: { "x-api-key": key }, query: "" })],
  ["x-goog-api-key", (key: string) => ({ headers: { "x-goog-api-key": key }, query: "" })],
  ["?key=", (key: string) => ({ headers: {}, query: `?key=${key}` })],
] as const)("a key is accepted by %s, and never forwarded", async (_, carry) => {
  const { headers, query } = carry(harness.key);
  const response = await fetch(`${harness.url}/v1/chat/completions${query}`, {
    method: "POST",
    headers: new Headers(Object.entries(headers)),
    body: JSON.stringify({ model: "openai/gpt-4o-mini", route: { region: "us-east" }, messages }),
  });
  expect(response.status).toBe(200);
  const { lastHeaders, lastPath } = harness.places.all.openaiUs.stats;
  expect(JSON.stringify([lastHeaders, lastPath])).not.toContain(harness.key);
});

test.each([
  [undefined, "missing_api_key", "missing or invalid Authorization header"],
  ["Basic abc", "missing_api_key", "missing or invalid Authorization header"],
  ["Bearer lr_live_unknown", "invalid_api_key", "invalid api key"],
])("Authorization %p is 401 %s", async (authorization, code, message) => {
  const response = await fetch(`${harness.url}/v1/chat/completions`, {
    method: "POST",
    headers: authorization === undefined ? {} : { authorization },
    body: "{}",
  });
  const answer: { error: { code: string; message: string } } = JSON.parse(await response.text());
  expect([response.status, answer.error.code, answer.error.message]).toEqual([401, code, message]);
});

test("a management key runs no inference, and an API key manages no keys", async () => {
  const inference = await harness.chat(
    {},
    { headers: { authorization: `Bearer ${harness.managementKey}` } },
  );
  const management = await fetch(`${harness.url}/api/v1/keys`, {
    headers: { authorization: `Bearer ${harness.key}` },
  });
  expect([inference.status, management.status]).toEqual([403, 403]);
});

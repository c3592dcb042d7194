import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";
import { accountJson, startTokenServer, type TokenServer } from "#test/provider/google-kit.ts";

/*
 * Vertex and Azure in their own words: a place has several addresses, and some want the model in the path. What cannot be
 * passed on as it is is refused with what would work; nothing is sent to an address that nobody meant.
 */

let gateway: TestGateway;
let tokens: TokenServer;
let upstream: ScriptedUpstream;
let received: { path: string; body: string }[];
let answer: () => Response;

beforeEach(() => {
  received = [];
  tokens = startTokenServer();
  upstream = scriptedUpstream(async (request) => {
    const { pathname, search } = new URL(request.url);
    received.push({ path: pathname + search, body: await request.text() });
    return answer();
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
  await tokens.stop();
});

const project = "/v1/projects/project-1/locations";
const hi = [{ role: "user", content: "Hi" }];
const gemini = {
  contents: [{ parts: [{ text: "Hi" }] }],
  generationConfig: { maxOutputTokens: 9 },
};
const claude = { anthropic_version: "vertex-2023-10-16", max_tokens: 9, messages: hi };
const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 };
const geminiSaid = () => Response.json({ candidates: [], usageMetadata });
const claudeSaid = () =>
  Response.json({
    id: "msg_1",
    type: "message",
    content: [],
    stop_reason: "end_turn",
    usage: { input_tokens: 10, output_tokens: 5 },
  });

async function vertex(): Promise<void> {
  const all: Record<string, string> = {
    VERTEX_CREDENTIALS_JSON: accountJson(tokens.url),
    VERTEX_REGION: "europe-west3",
  };
  gateway = await startGateway({
    config(config) {
      config.secret = (name) => all[name];
      config.providers = { vertex: { base_url: upstream.url } };
    },
  });
}

describe("Vertex", () => {
  const flash = "models/gemini-2.5-flash:generateContent";
  const sonnet = "models/claude-sonnet-4-5@20250929";

  test.each([
    [`${project}/global/publishers/google/${flash}`, gemini, geminiSaid, "global"],
    [`${project}/europe-west3/publishers/google/${flash}`, gemini, geminiSaid, "eu-central"],
    [`${project}/global/publishers/anthropic/${sonnet}:rawPredict`, claude, claudeSaid, "global"],
  ])("is asked at the address that its own path says: %s", async (path, body, says, region) => {
    await vertex();
    answer = says;
    for (const _ of [1, 2, 3]) {
      const reply = await gateway.ask(`/vertex${path}`, { body: JSON.stringify(body) });
      expect(reply.status).toBe(200);
    }
    expect(received.map((one) => one.path)).toEqual([path, path, path]);
    expect(received.map((one) => one.body)).toEqual(
      Array.from({ length: 3 }, () => JSON.stringify(body)),
    );
    await gateway.until(() => true);
    const [row] = await gateway.rows();
    expect(row).toMatchObject({ status: "ok", provider: "vertex", region });
    expect(Number(at(row, "cost"))).toBeGreaterThan(0);
  });

  test("meters a stream of Claude", async () => {
    await vertex();
    const events = [
      { type: "message_start", message: { usage: { input_tokens: 10, output_tokens: 1 } } },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
      { type: "message_stop" },
    ];
    const text = events.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("");
    answer = () => new Response(text, { headers: { "content-type": "text/event-stream" } });
    const path = `${project}/global/publishers/anthropic/${sonnet}:streamRawPredict`;
    const body = JSON.stringify({ ...claude, stream: true });
    expect((await gateway.ask(`/vertex${path}`, { body })).text).toBe(text);
    await gateway.until(() => true);
    const [row] = await gateway.rows();
    expect(row).toMatchObject({ status: "ok", settlement: "final" });
    expect(Number(at(row, "cost"))).toBeGreaterThan(0);
  });

  test.each([
    ["/v1/models/gemini-2.5-flash:generateContent", gemini],
    [`/v1beta1/projects/project-1/locations/global/publishers/google/${flash}`, gemini],
    [`/v1/projects/of-others/locations/global/publishers/google/${flash}`, gemini],
    ["/v1/projects/project-1/secrets", {}],
    ["/projects/project-1/secrets", {}],
    ["/messages", { ...claude, model: "claude-sonnet-4-5@20250929" }],
  ])(
    "refuses a path that is at none of its addresses, or wants another shape: %s",
    async (path, body) => {
      await vertex();
      answer = geminiSaid;
      const reply = await gateway.ask(`/vertex${path}`, { body: JSON.stringify(body) });
      expect(refusal(reply)).toEqual([400, "invalid_value"]);
      expect(reply.text).not.toContain("of-others");
      expect(received).toEqual([]);
    },
  );

  test.each(["application/json", "text/event-stream", "text/plain"])(
    "whose answer holds our token is not passed on, as %s",
    async (type) => {
      await vertex();
      answer = () =>
        new Response(`data: {"a":"${tokens.given[0]}"}\n\n`, { headers: { "content-type": type } });
      const path = `/vertex${project}/global/publishers/google/${flash}`;
      const text = await gateway.ask(path, { body: JSON.stringify(gemini) }).then(
        (reply) => reply.text,
        () => "broken off",
      );
      expect(tokens.given).toHaveLength(1);
      expect(text).not.toContain("ya29");
      await gateway.until(() => true);
      expect(gateway.logged()).not.toContain("ya29");
    },
  );
});

describe("Azure's older interface", () => {
  beforeEach(async () => {
    gateway = await startGateway({
      config(config) {
        config.secret = (name) =>
          name === "AZURE_OPENAI_API_KEY" ? "azure-secret-key" : undefined;
        config.providers = {
          azure: {
            base_url: new URL(upstream.url).origin,
            api_version: "2024-10-21",
            deployments: { mini: "openai/gpt-4o-mini" },
          },
        };
      },
    });
    answer = () =>
      Response.json({ id: "x", choices: [], usage: { prompt_tokens: 10, completion_tokens: 5 } });
  });
  const version = "?api-version=2024-10-21";

  test("is metered where the deployment stands in the path", async () => {
    const path = `/deployments/mini/chat/completions${version}`;
    const reply = await gateway.ask(`/azure${path}`, { body: JSON.stringify({ messages: hi }) });
    expect(reply.status).toBe(200);
    expect(received[0]?.path).toBe(`/openai${path}`);
    await gateway.until(() => true);
    const [row] = await gateway.rows();
    expect(row).toMatchObject({ status: "ok", model: "openai/gpt-4o-mini" });
    expect(Number(at(row, "cost"))).toBeGreaterThan(0);
  });

  test("is not asked where it has nothing", async () => {
    const body = JSON.stringify({ model: "mini", messages: hi });
    const reply = await gateway.ask(`/azure/chat/completions${version}`, { body });
    expect(refusal(reply)).toEqual([400, "invalid_value"]);
    expect(received).toEqual([]);
  });
});

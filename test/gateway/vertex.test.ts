import { GoogleGenAI } from "@google/genai";
import Anthropic from "@anthropic-ai/sdk";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { at, refusal, startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { scriptedUpstream, type ScriptedUpstream, silence } from "#test/lib/upstream.ts";
import { accountJson, pem, startTokenServer, type TokenServer } from "#test/provider/google-kit.ts";

let gateway: TestGateway;
let tokens: TokenServer;
let upstream: ScriptedUpstream;
let received: { path: string; query: string; headers: Headers; body: string }[];
let answer: (request: Request) => Response | Promise<Response>;
/** Tokens that the upstream takes no more. */
let revoked: Set<string>;

beforeEach(() => {
  received = [];
  revoked = new Set();
  answer = () => said("Hello");
  tokens = startTokenServer();
  upstream = scriptedUpstream(async (request) => {
    const { pathname, search } = new URL(request.url);
    const { headers } = request;
    received.push({ path: pathname, query: search, headers, body: await request.text() });
    const token = headers.get("authorization")?.slice("Bearer ".length) ?? "";
    if (!tokens.given.includes(token) || revoked.has(token))
      return Response.json({ error: { code: 401, status: "UNAUTHENTICATED" } }, { status: 401 });
    return answer(request);
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.stop();
  await tokens.stop();
});

async function start(environment: Record<string, string> = {}): Promise<void> {
  const all: Record<string, string> = {
    VERTEX_CREDENTIALS_JSON: accountJson(tokens.url),
    ...environment,
  };
  gateway = await startGateway({
    config(config) {
      config.secret = (name) => all[name];
      config.providers = { vertex: { base_url: upstream.url } };
    },
  });
}
const said = (text: string) =>
  Response.json({
    candidates: [{ content: { role: "model", parts: [{ text }] }, finishReason: "STOP", index: 0 }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
  });
const claudeSaid = () =>
  Response.json({
    id: "msg_vrtx_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5-20250929",
    content: [{ type: "text", text: "Hello" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5 },
  });
const flash = { model: "google/gemini-2.5-flash" };
const claude = { model: "anthropic/claude-sonnet-4.5" };
const globally = "/v1/projects/project-1/locations/global";

test("the first request waits for a token, the next ones use it", async () => {
  await start();
  const first = await gateway.chat(flash);
  expect([first.status, at(first.json, "choices.0.message.content")]).toEqual([200, "Hello"]);
  expect(at(first.json, "lowrouter.provider")).toBe("vertex");
  expect(received[0]?.path).toBe(
    `${globally}/publishers/google/models/gemini-2.5-flash:generateContent`,
  );
  expect((await gateway.chat(flash)).status).toBe(200);
  expect(tokens.asked()).toBe(1);
  await gateway.until(() => true);
  expect(await gateway.rows()).toMatchObject([
    { status: "ok", provider: "vertex", region: "global", model: "google/gemini-2.5-flash" },
    { status: "ok" },
  ]);
});

test("requests at once fetch one token", async () => {
  await start();
  const replies = await Promise.all(Array.from({ length: 8 }, () => gateway.chat(flash)));
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  expect(tokens.asked()).toBe(1);
});

test("a token that the upstream refuses is fetched anew by the next request", async () => {
  await start();
  expect((await gateway.chat(flash)).status).toBe(200);
  revoked.add("ya29.token-1");
  expect(refusal(await gateway.chat(flash))).toEqual([502, "upstream_error"]);
  expect((await gateway.chat(flash)).status).toBe(200);
  expect(tokens.given).toEqual(["ya29.token-1", "ya29.token-2"]);
});

test("a token that nobody gives is a 502 that says what to look at; nothing is sent, charged or shown", async () => {
  await start();
  tokens.answer(() => Response.json({ error: "invalid_grant" }, { status: 400 }));
  const reply = await gateway.chat(flash);
  expect(refusal(reply)).toEqual([502, "upstream_error"]);
  expect(at(reply.json, "error.message")).toBe(
    "Cannot get a token for vertex: its token server answered 400 invalid_grant. Check that the service account of VERTEX_CREDENTIALS_JSON is enabled, that its key was not deleted and that this machine's clock is right",
  );
  expect(received).toEqual([]);
  await gateway.until(() => true);
  expect(await gateway.rows()).toMatchObject([{ status: "upstream_error", cost: 0 }]);
  const secret = pem.split("\n")[3] ?? "";
  expect(secret.length).toBeGreaterThan(40);
  expect(reply.text + gateway.logged()).not.toContain(secret);
});

test("a client that leaves while the token is fetched is never sent on; the token is kept for the next", async () => {
  await start();
  const asked = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  tokens.answer(async () => {
    asked.resolve();
    await open.promise;
    tokens.given.push("ya29.late");
    return Response.json({ access_token: "ya29.late", expires_in: 3600 });
  });
  const leaving = new AbortController();
  const gone = gateway.open(flash, leaving.signal).catch(() => "gone");
  await asked.promise;
  leaving.abort();
  expect(await gone).toBe("gone");
  await gateway.until(() => true);
  expect(await gateway.rows()).toMatchObject([{ cost: 0 }]);
  open.resolve();
  expect((await gateway.chat(flash)).status).toBe(200);
  expect(received.map(({ headers }) => headers.get("authorization"))).toEqual(["Bearer ya29.late"]);
});

test("no token appears in a log line", async () => {
  await start();
  answer = () => new Response("no", { status: 500 });
  await gateway.chat(flash);
  answer = () => said("Hello");
  await gateway.chat(flash);
  await gateway.until(() => true);
  expect(tokens.given.length).toBe(1);
  expect(gateway.logged()).not.toContain("ya29");
});

test("Google's own client is served by a location that is named, and pinned to it", async () => {
  await start({ VERTEX_REGION: "europe-west3" });
  const client = new GoogleGenAI({
    apiKey: gateway.key,
    httpOptions: { baseUrl: gateway.url, headers: { "X-LowRouter-Region": "eu-central" } },
  });
  const reply = await client.models.generateContent({
    model: "gemini-2.5-flash",
    contents: "Grüß dich",
  });
  expect(reply.text).toBe("Hello");
  const pinned = await gateway.chat({ ...flash, route: { region: "eu-central" } });
  expect(at(pinned.json, "lowrouter.region")).toBe("eu-central");
  expect(received.at(-1)?.path).toStartWith("/v1/projects/project-1/locations/europe-west3/");
});

test("a Gemini stream asks for events and is metered", async () => {
  await start();
  const events = ["Hel", "lo"].map((text, index) =>
    JSON.stringify({
      candidates: [
        {
          content: { role: "model", parts: [{ text }] },
          ...(index === 1 ? { finishReason: "STOP" } : {}),
        },
      ],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
    }),
  );
  answer = () =>
    new Response(events.map((event) => `data: ${event}\r\n\r\n`).join(""), {
      headers: { "content-type": "text/event-stream" },
    });
  const reply = await gateway.chat({ ...flash, stream: true });
  expect(reply.text).toContain('"Hel"');
  expect(reply.text).toEndWith("data: [DONE]\n\n");
  expect(received[0]?.path).toEndWith("/models/gemini-2.5-flash:streamGenerateContent");
  expect(received[0]?.query).toBe("?alt=sse");
  await gateway.until(() => true);
  expect(await gateway.rows()).toMatchObject([{ status: "ok", provider: "vertex" }]);
});

test("Claude is asked by rawPredict, from the byte path and from a translated one", async () => {
  await start();
  answer = claudeSaid;
  const client = new Anthropic({ apiKey: gateway.key, baseURL: gateway.url });
  const message = await client.messages.create({
    model: "claude-sonnet-4.5",
    max_tokens: 20,
    messages: [{ role: "user", content: "Grüß dich" }],
  });
  expect(message.content).toMatchObject([{ type: "text", text: "Hello" }]);
  const translated = await gateway.chat(claude);
  expect(at(translated.json, "choices.0.message.content")).toBe("Hello");
  for (const { path, body, headers } of received) {
    expect(path).toBe(
      `${globally}/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`,
    );
    expect(JSON.parse(body)).toMatchObject({ anthropic_version: "vertex-2023-10-16" });
    expect(JSON.parse(body)).not.toHaveProperty("model");
    expect(headers.get("authorization")).toBe("Bearer ya29.token-1");
    expect(headers.get("x-api-key")).toBeNull();
  }
  expect(received[0]?.body).toContain("Grüß dich");
  await gateway.chat({ ...claude, stream: true });
  expect(received.at(-1)?.path).toEndWith(":streamRawPredict");
});

test("a request that waits for a token ends with the client's own limit of time", async () => {
  const all: Record<string, string> = { VERTEX_CREDENTIALS_JSON: accountJson(tokens.url) };
  gateway = await startGateway({
    config(config) {
      config.secret = (name) => all[name];
      config.providers = { vertex: { base_url: upstream.url } };
      config.timeouts.firstByteMs = 50;
    },
  });
  tokens.answer(() => silence(new Request("http://x")));
  expect(refusal(await gateway.chat(flash))).toEqual([504, "upstream_timeout"]);
  expect(received).toEqual([]);
});

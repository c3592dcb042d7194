import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createGateway } from "#src/app.ts";
import { idleSeconds } from "#src/http/inference.ts";
import { frontRoutes } from "#src/http/fronts.ts";
import { proxyRoutes } from "#src/http/proxy.ts";
import { surface } from "#src/http/server.ts";
import { type Harness, startHarness } from "#test/gateway/harness.ts";
import { scriptedUpstream, type ScriptedUpstream } from "#test/lib/upstream.ts";
import { converse } from "#test/security/wire.ts";

/** The runtime counts in steps of four seconds: nothing shorter can be told apart. */
const idle = 4;
const withinMs = 16_000;

let harness: Harness;
let upstream: ScriptedUpstream;
/** A gateway as it is served, but for how long it is patient. */
let url: string;
/** The same, where what the gateway itself says of its patience is shortened alike. */
let hurried: string;
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  upstream = scriptedUpstream(() => {
    const event = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
    const choice = { index: 0, delta: { content: "x".repeat(60_000) }, finish_reason: null };
    const bytes = new TextEncoder().encode(
      `data: ${JSON.stringify({ ...event, choices: [choice] })}\n\n`,
    );
    const body = new ReadableStream({ pull: (controller) => controller.enqueue(bytes) });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  harness = await startHarness({
    change: (config) => (config.providers.openai = { base_urls: { "us-east": upstream.url } }),
  });
  const { config, log } = harness.app;
  const { services } = await createGateway({ config, log, store: harness.store });
  const readiness = {
    accepting: () => true,
    databaseAnswers: () => Promise.resolve(true),
    anyProvider: () => true,
  };
  const listening = surface({ app: harness.app, services, readiness }).listen({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    idleTimeout: idle,
  });
  url = `http://127.0.0.1:${listening.server?.port}`;
  stops.push(() => listening.server?.stop(true));
  const routes = { ...frontRoutes(harness.app), ...proxyRoutes(harness.app) };
  const chat = routes["/v1/chat/completions"];
  const own = routes["/openai/:s0/:s1/:s2"];
  if (chat === undefined || own === undefined || typeof chat === "function")
    throw new Error("The routes are called otherwise");
  const impatient = (server: Bun.Server<unknown>) => ({
    timeout: (request: Request, seconds: number) =>
      server.timeout(request, seconds === 0 ? 0 : idle),
  });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: idle,
    routes: {
      "/v1/chat/completions": {
        POST: (request, itself) => chat.POST(request, impatient(itself)),
      },
      "/openai/:s0/:s1/:s2": (request, itself) =>
        typeof own === "function" ? own(request, impatient(itself)) : new Response(),
    },
  });
  hurried = `http://127.0.0.1:${server.port}`;
  stops.push(() => server.stop(true));
});
afterAll(async () => {
  for (const stop of stops) await stop();
  await harness.close();
  await upstream.stop();
});

const head = (path: string, key: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Length: ${length}\r\n\r\n`;
const body = (more: object = {}) =>
  JSON.stringify({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: "Hello" }],
    ...more,
  });

describe.concurrent("whoever sends slowly is let go", () => {
  const waitMs = withinMs + 1000;

  test("who says nothing, or half of a head, or a byte of it a second", async () => {
    const slow = [[], ["GET /v1/models HTTP/1.1\r\nHo"], [..."GET /v1/models HTTP/1.1"]];
    for (const said of await Promise.all(
      slow.map((pieces) => converse(url, pieces, { pauseMs: 1000, waitMs })),
    )) {
      expect(said).toMatchObject({ isClosed: true, statuses: [] });
      expect(said.ms).toBeLessThan(withinMs);
    }
  }, 20_000);

  test.each([
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1beta/models/gemini-2.5-flash:generateContent",
    "/v1/embeddings",
    "/openai/v1/chat/completions",
    "/v1/messages/count_tokens",
  ])(
    "who never sends the body of %s, or a byte of it a second",
    async (path) => {
      for (const said of await Promise.all([
        converse(url, head(path, harness.key, 500), { waitMs }),
        converse(url, [head(path, harness.key, 500), ...body()], { pauseMs: 1000, waitMs }),
        converse(url, head(path, "nobody", 500), { waitMs }),
      ])) {
        expect([path, said.isClosed, said.statuses]).toEqual([path, true, []]);
        expect(said.ms).toBeLessThan(withinMs);
      }
    },
    20_000,
  );

  test.each(["/api/v1/keys", "/api/v1/webhooks", "/api/v1/byok"])(
    "who never sends the body of %s",
    async (path) => {
      const said = await converse(url, head(path, harness.managementKey, 500), { waitMs });
      expect([said.isClosed, said.statuses]).toEqual([true, []]);
    },
    20_000,
  );
});

describe.concurrent("whoever reads slowly is let go", () => {
  test("who reads nothing of a stream, with all that is held for it", async () => {
    const asked = body({ stream: true, max_tokens: 50, stream_options: { include_usage: true } });
    const paths = ["/v1/chat/completions", "/openai/v1/chat/completions"];
    const deaf = { isDeaf: true, waitMs: withinMs - 4000 };
    const readings = paths.map((path) =>
      converse(hurried, head(path, harness.key, asked.length) + asked, deaf),
    );
    const { open } = harness.app;
    while (open.size < paths.length) await Bun.sleep(5);
    // Fails after five seconds.
    await harness.until(async () => (await harness.rows()).length === paths.length);
    const ended = (await harness.rows()).map(({ status }) => status);
    expect(ended).toEqual(["client_cancelled", "client_cancelled"]);
    expect(open.size).toBe(0);
    await Promise.all(readings);
  }, 30_000);

  test("who keeps a connection after an answer, and asks nothing more", async () => {
    const said = await converse(hurried, head("/v1/chat/completions", harness.key, 1) + "{", {
      waitMs: withinMs,
    });
    expect([said.statuses, said.isClosed]).toEqual([[400], true]);
  }, 20_000);
});

describe("a large body is taken from nobody without a key", () => {
  test.each([
    ["that says its length", "Content-Length: 9000000\r\n\r\n"],
    ["in chunks, without end", "Transfer-Encoding: chunked\r\n\r\n10\r\n0123456789"],
  ])("%s", async (_, rest) => {
    for (const path of ["/v1/chat/completions", "/v1/messages", "/openai/v1/files"]) {
      const request = `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nobody\r\n${rest}`;
      const said = await converse(url, request, { answers: 1, waitMs: 2000 });
      // It is answered before the rest of the body is there, which never comes.
      expect([path, said.statuses]).toEqual([path, [401]]);
    }
  });
});

test("an answer that may pause for long is no sign that a client has left", () => {
  const { app } = harness;
  const patience = (idleMs: number) =>
    idleSeconds({
      ...app,
      config: { ...app.config, timeouts: { ...app.config.timeouts, idleMs } },
    });
  expect([1000, 60_000, 200_000, 240_000, 240_001, 0].map(patience)).toEqual([
    120, 120, 215, 255, 0, 0,
  ]);
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import type { Config } from "#src/config/load.ts";
import { systemClock } from "#src/lib/clock.ts";
import {
  at,
  eventsOf,
  listAt,
  refusal,
  type Reply,
  startGateway,
  type TestGateway,
} from "#test/lib/gateway.ts";
import {
  completion,
  scriptedUpstream,
  type ScriptedUpstream,
  silence,
} from "#test/lib/upstream.ts";

type Script = (request: Request) => Response | Promise<Response>;
const works: Script = () => completion("Hi");
const fails =
  (status: number, headers: Record<string, string> = {}): Script =>
  () =>
    Response.json({ error: { message: "scripted" } }, { status, headers });
/** Sends a piece now and then, for ever, unless told how long. */
const dribbles =
  (type: string, everyMs: number, first = " "): Script =>
  (request) =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(first));
          if (everyMs === 0) return;
          const timer = setInterval(
            () => controller.enqueue(new TextEncoder().encode(type === sse ? ": \n\n" : " ")),
            everyMs,
          );
          request.signal.addEventListener("abort", () => clearInterval(timer));
        },
      }),
      { headers: { "content-type": type } },
    );
const sse = "text/event-stream";
const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

const regions = ["us-east", "eu-west", "eu-central", "eu-north"] as const;
let gateway: TestGateway;
let upstreams: ScriptedUpstream[];
let scripts: Script[];
/** Milliseconds that the gateway's clock was put on. */
let skippedMs = 0;
const clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() + skippedMs,
};
async function start(change: (config: Config) => void = () => {}): Promise<void> {
  gateway = await startGateway({
    clock,
    config(config) {
      const urls = regions.map((region, index) => [region, upstreams[index]?.url ?? ""]);
      const base_urls = Object.fromEntries(urls);
      config.providers = {
        openai: { base_urls },
        anthropic: { base_urls: { "us-east": upstreams[0]?.url ?? "" } },
        google: { base_urls: { "us-east": upstreams[0]?.url ?? "" } },
      };
      change(config);
    },
  });
}
beforeEach(() => {
  scripts = regions.map(() => works);
  upstreams = regions.map((_, index) =>
    scriptedUpstream((request) => scripts[index]?.(request) ?? completion("Hi")),
  );
});
afterEach(async () => {
  await gateway.close();
  for (const upstream of upstreams) await upstream.stop();
});

const order = { provider: { order: regions.map((region) => `openai/${region}`) } };
const alone = { route: { region: "us-east", provider: "openai" } };
const received = () => upstreams.map((upstream) => upstream.requests());
async function traceOf(reply: Reply): Promise<unknown[]> {
  const id =
    at(reply.json, "lowrouter.generation_id") ?? reply.headers.get("x-lowrouter-generation-id");
  await gateway.until(() => true);
  return listAt((await gateway.ask(`/v1/generation/${String(id)}`)).json, "routing_trace");
}
/** What came of the attempts, without those routes that were only thought of. */
const reasons = (trace: unknown[]) =>
  trace
    .filter((one) => ["failed", "selected"].includes(String(at(one, "decision"))))
    .map((one) => [at(one, "region"), at(one, "decision"), at(one, "reason")]);
/** What is told of the first region of OpenAI. */
async function told(): Promise<unknown> {
  const { json } = await gateway.ask("/v1/providers");
  const openai = listAt(json, "data").find((one) => at(one, "id") === "openai");
  const region = listAt(openai, "regions").find((one) => at(one, "id") === "us-east");
  return at(region, "models.0");
}

/** A small request on each inference route, at the first upstream. */
const message = [{ role: "user", content: "Hello" }];
const routes: [string, string, Record<string, unknown>][] = [
  ["chat", "/v1/chat/completions", { model: "openai/gpt-4o-mini", messages: message, ...alone }],
  ["completions", "/v1/completions", { model: "openai/gpt-4o-mini", prompt: "Hello", ...alone }],
  [
    "embeddings",
    "/v1/embeddings",
    { model: "openai/text-embedding-3-small", input: "Hello", ...alone },
  ],
  [
    "messages",
    "/v1/messages",
    { model: "openai/gpt-4o-mini", max_tokens: 9, messages: message, ...alone },
  ],
  ["responses", "/v1/responses", { model: "openai/gpt-4o-mini", input: "Hello", ...alone }],
  [
    "gemini",
    "/v1beta/models/openai/gpt-4o-mini:generateContent",
    { contents: [{ role: "user", parts: [{ text: "Hello" }] }] },
  ],
  ["proxy", "/openai/v1/chat/completions", { model: "gpt-4o-mini", messages: message }],
];
const pinned = { headers: { "x-lowrouter-region": "us-east" } };

describe.each(routes)("on the route of %s", (_, path, body) => {
  const ask = () => gateway.ask(path, { body, ...pinned });

  test("an upstream that says nothing is a 504 that names the first byte", async () => {
    await start((config) => (config.timeouts.firstByteMs = 100));
    scripts[0] = silence;
    const reply = await ask();
    expect(reply.status).toBe(504);
    expect(reply.text).toContain("gave no first byte within 0.1 s (timeouts.first_byte_s)");
  });

  test("an upstream that stops in mid-answer is a 504 that names the idle time", async () => {
    await start((config) => (config.timeouts.idleMs = 100));
    scripts[0] = dribbles("application/json", 0);
    // What the proxy has begun to pass on cannot become a 504 any more: it breaks off.
    if (path.startsWith("/openai")) return void (await expect(ask()).rejects.toThrow());
    const reply = await ask();
    expect(reply.status).toBe(504);
    expect(reply.text).toContain("gave no further byte within 0.1 s (timeouts.idle_s)");
  });

  test("an upstream that never ends is a 504 that names the total time", async () => {
    await start((config) => (config.timeouts.totalMs = 250));
    scripts[0] = dribbles("application/json", 20);
    if (path.startsWith("/openai")) return void (await expect(ask()).rejects.toThrow());
    const reply = await ask();
    expect(reply.status).toBe(504);
    expect(reply.text).toContain("gave no complete answer within 0.25 s (timeouts.total_s)");
  });

  test("an upstream that takes no connection is a 504 that names the connecting", async () => {
    // It is open, but shakes no hands: TLS is never agreed upon.
    using deaf = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    await start((config) => {
      config.timeouts.connectMs = 80;
      config.providers = {
        openai: { base_urls: { "us-east": `https://127.0.0.1:${deaf.port}/v1` } },
      };
    });
    const reply = await ask();
    expect(reply.status).toBe(504);
    expect(reply.text).toContain("gave no connection within 0.08 s (timeouts.connect_s)");
  });
});

test("an answer may take longer than any timer but the total, which is off by default", async () => {
  await start((config) => {
    config.timeouts.idleMs = 500;
    config.timeouts.firstByteMs = 500;
  });
  scripts[0] = () =>
    new Response(
      (async function* () {
        for (let time = 0; time < 8; time++) {
          yield " ";
          await Bun.sleep(90);
        }
        yield await completion("Hi").text();
      })(),
      { headers: { "content-type": "application/json" } },
    );
  expect((await gateway.chat(alone)).status).toBe(200);
});

test("the total time holds over all attempts, and ends them", async () => {
  await start((config) => {
    config.timeouts.totalMs = 450;
    config.timeouts.firstByteMs = 250;
  });
  scripts = regions.map(() => silence);
  const reply = await gateway.chat(order);
  expect(refusal(reply)).toEqual([504, "upstream_timeout"]);
  expect(at(reply.json, "error.metadata.timer")).toBe("total");
  expect(received()).toEqual([1, 1, 0, 0]);
});

test("the total time ends a stream, which tells it, and makes nobody ill", async () => {
  await start((config) => (config.timeouts.totalMs = 250));
  scripts[0] = dribbles(sse, 20, chunk({ content: "Hi" }));
  for (let time = 0; time < 3; time++) {
    const { text } = await gateway.chat({ ...alone, stream: true });
    const broken = eventsOf(text).find((event) => at(event, "error") !== undefined);
    expect(at(broken, "error.message")).toContain("timeouts.total_s");
  }
  expect(at(await told(), "status")).toBe("ok");
});

describe("attempts", () => {
  test("are three at most, however many routes there are", async () => {
    await start();
    scripts = regions.map(() => fails(500));
    const reply = await gateway.chat(order);
    expect(refusal(reply)).toEqual([502, "upstream_error"]);
    expect(received()).toEqual([1, 1, 1, 0]);
  });

  test("end with the first byte: a stream that was cut is not begun elsewhere", async () => {
    await start();
    scripts[0] = () => new Response(chunk({ content: "Hi" }), { headers: { "content-type": sse } });
    const { text } = await gateway.chat({ ...order, stream: true });
    const broken = eventsOf(text).find((event) => at(event, "error") !== undefined);
    expect(at(broken, "error.code")).toBe("upstream_error");
    expect(received()).toEqual([1, 0, 0, 0]);
    await gateway.until(() => true);
    expect((await gateway.rows()).map(({ status, cost }) => [status, cost])).toEqual([
      ["upstream_error", 0],
    ]);
  });

  test("say of each what became of it", async () => {
    await start((config) => (config.timeouts.firstByteMs = 100));
    scripts[0] = silence;
    scripts[1] = fails(503);
    const reply = await gateway.chat(order);
    expect(reasons(await traceOf(reply))).toEqual([
      ["us-east", "failed", "timeout_first_byte"],
      ["eu-west", "failed", "upstream_503"],
      ["eu-central", "selected", "provider_order"],
    ]);
  });
});

describe("a connection", () => {
  /** Answers each connection's first request, and closes it at the second. */
  function fickle(answersAfter: number) {
    const bodies: string[] = [];
    const ids: (string | undefined)[] = [];
    const answer =
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 178\r\n\r\n{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"total_tokens":2}}';
    const server = Bun.listen<{ requests: number }>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          socket.data = { requests: 0 };
        },
        data(socket, bytes) {
          ids.push(/\r\nidempotency-key: (\S+)/i.exec(bytes.toString())?.[1]);
          bodies.push(bytes.toString().split("\r\n\r\n")[1] ?? "");
          if (socket.data.requests++ > 0 || bodies.length > answersAfter) socket.terminate();
          else socket.write(answer.replace("178", String(answer.split("\r\n\r\n")[1]?.length)));
        },
      },
    });
    return {
      bodies,
      ids,
      url: `http://127.0.0.1:${server.port}/v1`,
      stop: () => server.stop(true),
    };
  }

  test("that was kept and closes before any byte is replaced, once, with the same request", async () => {
    const server = fickle(Number.POSITIVE_INFINITY);
    await start(
      (config) => (config.providers = { openai: { base_urls: { "us-east": server.url } } }),
    );
    expect((await gateway.chat(alone)).status).toBe(200);
    const second = await gateway.chat(alone);
    expect(second.status).toBe(200);
    expect(server.bodies).toHaveLength(3);
    expect(server.bodies[2]).toBe(server.bodies[1] ?? "");
    // Such a provider runs it once, even if the first was not lost.
    expect(server.ids[1]).toMatch(/^gen_\w+-1$/);
    expect(server.ids[2]).toBe(server.ids[1]);
    expect(server.ids[0]).not.toBe(server.ids[1]);
    expect(reasons(await traceOf(second))).toEqual([["us-east", "selected", "only_route"]]);
    server.stop();
  });

  test("that is new and closes before any byte is a failure, for the request may have been run", async () => {
    const server = fickle(1);
    await start(
      (config) => (config.providers = { openai: { base_urls: { "us-east": server.url } } }),
    );
    expect((await gateway.chat(alone)).status).toBe(200);
    expect(refusal(await gateway.chat(alone))).toEqual([502, "upstream_error"]);
    expect(server.bodies).toHaveLength(3);
    server.stop();
  });

  test("that is refused is tried once more, after a pause, where no other route is left", async () => {
    const [first] = upstreams;
    const port = Number(new URL(first?.url ?? "").port);
    await start((config) => {
      config.providers = { openai: { base_urls: { "us-east": first?.url ?? "" } } };
    });
    await first?.stop();
    const asked = gateway.chat(alone);
    await Bun.sleep(20); // Less than the least pause.
    const again = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => completion("Hi") });
    const reply = await asked;
    expect(reply.status).toBe(200);
    expect(reasons(await traceOf(reply))).toEqual([
      ["us-east", "failed", "connection_failed"],
      ["us-east", "selected", "only_route"],
    ]);
    await again.stop(true);
  });
});

test("a request that may be tried once is not tried again, whatever broke", async () => {
  await start((config) => (config.routing.maxAttempts = 1));
  await upstreams[0]?.stop();
  const reply = await gateway.chat(alone);
  expect(refusal(reply)).toEqual([502, "upstream_error"]);
  expect(reasons(await traceOf(reply))).toEqual([["us-east", "failed", "connection_failed"]]);
});

describe("health", () => {
  test("counts no client error, and no path that does not exist", async () => {
    await start();
    for (const status of [400, 404, 413, 422, 400, 404, 413, 422]) {
      scripts[0] = fails(status);
      await gateway.chat(alone);
    }
    expect([at(await told(), "status"), received()[0]]).toEqual(["ok", 8]);
  });

  test.each([429, 503])(
    "a %i that says when to come back is honoured, and is no failure",
    async (status) => {
      await start();
      scripts[0] = fails(status, { "retry-after": "60" });
      expect((await gateway.chat(order)).status).toBe(200);
      expect((await gateway.chat(order)).status).toBe(200);
      expect(received()).toEqual([1, 2, 0, 0]);
      expect(await told()).toMatchObject({ status: "unavailable", reason: "cooling" });
      const refused = await gateway.chat(alone);
      expect(refusal(refused)).toEqual([503, "service_unavailable"]);
      expect(received()[0]).toBe(1);
    },
  );

  test("a refused credential is told to the operator, not to the client, and the next route serves", async () => {
    await start();
    scripts[0] = fails(401);
    const reply = await gateway.chat(order);
    expect([reply.status, at(reply.json, "lowrouter.region")]).toEqual([200, "eu-west"]);
    expect(await told()).toMatchObject({ status: "degraded", reason: "credential_refused" });
    expect(reasons(await traceOf(reply))[0]).toEqual(["us-east", "failed", "credential_refused"]);
  });

  test("is shown with its reason, since when, and how fast it was", async () => {
    await start();
    expect((await gateway.chat(alone)).status).toBe(200);
    scripts[0] = fails(500);
    for (let time = 0; time < 3; time++) await gateway.chat(alone);
    const shown = await told();
    expect(shown).toMatchObject({
      id: "openai/gpt-4o-mini",
      status: "unavailable",
      reason: "circuit_open",
      retry_after_s: 30,
    });
    expect(Date.parse(String(at(shown, "since")))).toBeGreaterThan(Date.now() - 10_000);
    expect(Number(at(shown, "latency_ms.p50"))).toBeGreaterThan(0);
  });

  test("learns the speed of streams", async () => {
    await start();
    scripts[0] = () =>
      new Response(
        (async function* () {
          yield chunk({ content: "Hi" });
          await Bun.sleep(100);
          yield chunk({}, "stop");
          yield `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":50,"total_tokens":51}}\n\n`;
          yield "data: [DONE]\n\n";
        })(),
        { headers: { "content-type": sse } },
      );
    await gateway.chat({ ...alone, stream: true });
    const speed = Number(at(await told(), "throughput_tps.p50"));
    expect(speed).toBeGreaterThan(100);
    expect(speed).toBeLessThan(600);
  });
});

/** Sockets that this process has open; undefined where the system does not tell. */
function openSockets(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
      } catch {
        return false; // Closed since it was listed.
      }
    }).length;
  } catch {
    return undefined;
  }
}

test("losers are let go: failures of every kind leave no socket open", async () => {
  await start((config) => {
    config.timeouts.firstByteMs = 100;
    config.timeouts.idleMs = 100;
  });
  const kinds: Script[] = [
    fails(500),
    silence,
    dribbles("application/json", 0),
    () => new Response("<html>"),
    () => new Response("x".repeat(300_000), { status: 500 }),
    fails(401),
  ];
  const round = async () => {
    for (const kind of kinds) {
      scripts[0] = kind;
      // Circuits that opened are forgotten: every kind is to be met, every time.
      await gateway.until(() => true);
      skippedMs += 3_600_000;
      const models = [
        "openai/gpt-4o-mini",
        "openai/gpt-4o",
        "openai/gpt-4.1",
        "openai/gpt-4.1-mini",
      ];
      const calls = models.flatMap((model) => [
        gateway.chat({ ...order, model }),
        gateway.chat({ ...order, model, stream: true }),
      ]);
      await Promise.all(calls);
    }
    await gateway.until(() => true);
  };
  await round();
  const before = openSockets();
  for (let time = 0; time < 5; time++) await round();
  await Bun.sleep(50); // The system closes in its own time.
  const after = openSockets();
  if (before === undefined || after === undefined) return;
  expect(after - before).toBeLessThan(16);
}, 30_000);

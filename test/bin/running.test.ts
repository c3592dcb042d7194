import { once } from "node:events";
import { createServer, request as forward } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { command, executable, json, start, until } from "#test/bin/executable.ts";
import { chat, chatBody, startOpenai } from "#test/bin/provider.ts";
import { temporaryFolder } from "#test/store/temporary.ts";

const folder = temporaryFolder();
const upstream = startOpenai();
const { env } = upstream;
const stateOf = (name: string) => ["--data-dir", join(folder.path, name)];

const createdKey = v.looseObject({ key: v.string(), data: v.looseObject({ hash: v.string() }) });
const credit = v.looseObject({ data: v.looseObject({ used: v.number(), balance: v.number() }) });

beforeAll(async () => void (await executable()), 60_000);
afterAll(async () => {
  await upstream.stop();
  folder[Symbol.dispose]();
});

/** An account "acme" with a key. */
async function acme(at: string[], ...options: string[]): Promise<{ key: string; hash: string }> {
  await json(["account", "create", "--name", "acme", ...options, ...at]);
  const made = await json(["key", "create", "--account", "acme", "--name", "k", ...at]);
  const { key, data } = v.parse(createdKey, made);
  return { key, hash: data.hash };
}

describe("a running gateway takes what the command line does", () => {
  test("credit at once, a switched-off key at the next request, a new key and a revoked one too", async () => {
    const at = stateOf("commands");
    const { key, hash } = await acme(at);
    const serving = await start(["serve", ...at], { env });
    const status = async (secret: string) => {
      const answer = await chat(serving.url, secret);
      await answer.text();
      return answer.status;
    };
    expect(await status(key)).toBe(402);
    await json(["credit", "add", "--account", "acme", "5", ...at]);
    expect(await status(key)).toBe(200);
    await json(["key", "update", hash, "--disable", ...at]);
    expect(await status(key)).toBe(401);
    await json(["key", "update", hash, "--enable", ...at]);
    expect(await status(key)).toBe(200);
    await json(["key", "update", hash, "--limit", "0", ...at]);
    expect(await status(key)).toBe(402);
    const fresh = await json(["key", "create", "--account", "acme", "--name", "new", ...at]);
    const second = v.parse(createdKey, fresh);
    expect(await status(second.key)).toBe(200);
    await json(["key", "revoke", second.data.hash, ...at]);
    expect(await status(second.key)).toBe(401);
    const { data } = v.parse(credit, await json(["credit", "show", "--account", "acme", ...at]));
    expect(data.used).toBeGreaterThan(0);
    expect(data.balance).toBeCloseTo(5 - data.used, 9);
    expect(await serving.stop()).toBe(0);
  }, 30_000);

  test("a backup is whole, and what came before it is in it", async () => {
    const at = stateOf("backup");
    const { key } = await acme(at, "--balance", "5");
    const serving = await start(["serve", ...at], { env });
    const answer = await chat(serving.url, key);
    await answer.text();
    const id = answer.headers.get("x-lowrouter-generation-id") ?? "";
    const copy = join(folder.path, "copy.db");
    await json(["backup", copy, ...at]);
    expect(await serving.stop()).toBe(0);
    const restored = stateOf("restored");
    await json(["restore", copy, ...restored]);
    expect(await json(["generation", "show", id, ...restored])).toMatchObject({ id });
    expect(await json(["audit", "verify", ...restored])).toMatchObject({ data: { ok: true } });
  }, 30_000);

  test("the log never holds a key, a question or an answer", async () => {
    const at = stateOf("log");
    const { key } = await acme(at, "--plan", "metered");
    const serving = await start(["serve", ...at], {
      env: { ...env, LOWROUTER_LOG_LEVEL: "debug" },
    });
    const asked = "Tell me of the violet canary";
    const text = await (await chat(serving.url, key, asked)).text();
    expect(text).toContain("simulated");
    await (await chat(serving.url, key, `simulate:status=500 ${asked}`)).text();
    await (await chat(serving.url, `${key}x`, asked)).text();
    expect(await serving.stop()).toBe(0);
    const log = `${serving.out()}${serving.err()}`;
    for (const secret of [key, "violet canary", "simulated", env.OPENAI_API_KEY ?? "sk-"])
      expect(log).not.toContain(secret);
  }, 30_000);
});

describe("SIGTERM", () => {
  test("lets a stream end, answers 503 to who asks whether it is ready, and ends with 0", async () => {
    const at = stateOf("drain");
    const { key } = await acme(at, "--plan", "metered");
    const serving = await start(["serve", ...at], { env });
    const ready = () => fetch(`${serving.url}/readyz`);
    expect((await ready()).status).toBe(200);
    const more = { stream: true };
    const slow = await chat(serving.url, key, "simulate:perTokenMs=30,answerTokens=30", more);
    serving.kill("SIGTERM");
    await until("it drains", () => serving.err().includes("draining"));
    const asked = await ready();
    expect(asked.status).toBe(503);
    expect(await asked.json()).toMatchObject({ checks: { accepting: false, provider: true } });
    expect((await fetch(`${serving.url}/healthz`)).status).toBe(200);
    const late = await chat(serving.url, key);
    expect([late.status, late.headers.get("connection")]).toEqual([200, "close"]);
    await late.text();
    expect(await slow.text()).toEndWith("data: [DONE]\n\n");
    expect(await serving.ended).toBe(0);
    const id = slow.headers.get("x-lowrouter-generation-id") ?? "";
    expect(await json(["generation", "show", id, ...at])).toMatchObject({
      status: "ok",
      streamed: true,
    });
    expect(await json(["audit", "verify", ...at])).toMatchObject({ data: { ok: true } });
  }, 30_000);

  test("a second one does not wait, and the stream it cut is in the ledger", async () => {
    const at = stateOf("force");
    const { key } = await acme(at, "--plan", "metered");
    const serving = await start(["serve", ...at], { env });
    const more = { stream: true };
    const slow = await chat(serving.url, key, "simulate:perTokenMs=100,answerTokens=200", more);
    serving.kill("SIGTERM");
    await until("it drains", () => serving.err().includes("draining"));
    const from = performance.now();
    serving.kill("SIGTERM");
    expect(await serving.ended).toBe(0);
    expect(performance.now() - from).toBeLessThan(5000);
    await slow.text().catch(() => "cut");
    const id = slow.headers.get("x-lowrouter-generation-id") ?? "";
    expect(await json(["generation", "show", id, ...at])).toMatchObject({ id });
    expect(await json(["audit", "verify", ...at])).toMatchObject({ data: { ok: true } });
  }, 30_000);
});

test("two gateways on one port: the second says so and leaves with 1", async () => {
  const first = await start(["serve", ...stateOf("port")], { env });
  const listen = `127.0.0.1:${first.port}`;
  const second = await command(["serve", "--listen", listen, ...stateOf("port2")], { env });
  expect(second.code).toBe(1);
  expect(second.err).toContain(`Cannot listen on ${listen}: the address is in use`);
  expect(second.err).toContain("--listen");
  expect(await first.stop()).toBe(0);
  // It never served: the key of the first start is still to come, not lost unseen.
  const third = await start(["serve", ...stateOf("port2")], { env });
  await until("it shows the first key", () => /lr_live_\w{20}/.test(third.err()));
  expect(await third.stop()).toBe(0);
}, 30_000);

test("400 upstream calls are open at once: the runtime's limit of 256 is lifted", async () => {
  const at = stateOf("many");
  const { key } = await acme(at, "--plan", "metered");
  const serving = await start(["serve", ...at], { env });
  upstream.stats.reset();
  const calls = 400;
  expect(await answeredAtOnce(calls, serving.port, key)).toBe(calls);
  expect(upstream.stats.peakInFlight).toBeGreaterThanOrEqual(calls);
  expect(await serving.stop()).toBe(0);
  expect(await json(["audit", "verify", ...at])).toMatchObject({ data: { ok: true, rows: calls } });
}, 60_000);

test("400 upstream calls are open at once through a proxy of the environment, too", async () => {
  await using proxy = await forwarding();
  const at = stateOf("proxied");
  const { key } = await acme(at, "--plan", "metered");
  const serving = await start(["serve", ...at], { env: { ...env, HTTP_PROXY: proxy.url } });
  const calls = 400;
  expect(await answeredAtOnce(calls, serving.port, key)).toBe(calls);
  expect(proxy.peak()).toBe(calls);
  expect(await serving.stop()).toBe(0);
}, 60_000);

/** How many of as many requests, sent together and slow to answer, succeed. */
async function answeredAtOnce(calls: number, port: number, key: string): Promise<number> {
  const body = chatBody("simulate:delayMs=2500");
  const request = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
  // Over plain sockets: fetch() here has the same limit.
  const answers = await Promise.all(Array.from({ length: calls }, () => overSocket(port, request)));
  return answers.filter((answer) => answer.startsWith("HTTP/1.1 200")).length;
}

/** A proxy as companies have one: requests name the whole address. */
async function forwarding() {
  let [open, most] = [0, 0];
  const server = createServer((asked, answer) => {
    most = Math.max(most, ++open);
    answer.once("close", () => open--);
    const { method, headers } = asked;
    const onward = forward(asked.url ?? "", { method, headers, agent: false }, (come) => {
      answer.writeHead(come.statusCode ?? 502, come.headers);
      come.pipe(answer);
    });
    onward.once("error", () => answer.destroy());
    asked.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const place = server.address();
  if (place === null || typeof place === "string") throw new Error("the proxy has no port");
  return {
    url: `http://127.0.0.1:${place.port}`,
    /** Requests that were open at once, at most. */
    peak: () => most,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Sends bytes and reads until the other side closes. */
async function overSocket(port: number, request: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(request),
      data: (_, bytes) => void (text += bytes.toString()),
      close: () => resolve(text),
    },
  });
  return promise;
}

import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { at, refusal } from "#test/lib/gateway.ts";
import {
  answerOf,
  bodyIn,
  chunk,
  event,
  jsonAnswer,
  ours,
  type Proxied,
  type ProxiedOptions,
  question,
  raw,
  startProxied,
  streamHead,
  targetIn,
  told,
  write,
} from "#test/gateway/proxy-kit.ts";

let gateway: Proxied;
afterEach(() => gateway.close());

async function start(options: ProxiedOptions = {}): Promise<void> {
  gateway = await startProxied(options);
}

const chat = "/openai/v1/chat/completions";

/** The answer's body as its bytes are, one character per byte, not decompressed. */
async function bytesOf(path: string, init: RequestInit = {}): Promise<string> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${gateway.key}`);
  const response = await fetch(gateway.url + path, { ...init, headers, decompress: false });
  return Buffer.from(await response.arrayBuffer()).toString("latin1");
}

/** All 256 bytes, some of which are no text. */
const binary = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));

describe("the body goes out byte for byte", () => {
  test.each([
    [
      "JSON as it is written",
      '{ "model":"gpt-4o-mini",\n\t"n" : 1.0,"seed":12345678901234567890,"é":"\\u00e9","messages":[]}',
    ],
    [
      "members nobody knows",
      '{"model":"gpt-4o-mini","route":"fallback","provider":{"x":1},"plugins":[],"messages":1}',
    ],
  ])("%s", async (_, body) => {
    await start();
    await gateway.ask(chat, { body });
    expect(gateway.wire.requests.map(bodyIn)).toEqual([Buffer.from(body).toString("latin1")]);
  });

  test("bytes that are no text, with their own type", async () => {
    await start({ plan: "metered" });
    const type = "multipart/form-data; boundary=xyz";
    await bytesOf("/openai/v1/files", {
      method: "POST",
      headers: { "content-type": type },
      body: Buffer.from(binary, "latin1"),
    });
    expect(gateway.wire.requests.map(bodyIn)).toEqual([binary]);
    expect(gateway.wire.requests[0]).toContain(`\r\ncontent-type: ${type}\r\n`);
  });
});

describe("the answer comes back byte for byte", () => {
  test.each([
    [
      "JSON",
      '{"id" : "x",\n "big":12345678901234567890, "usage":{"prompt_tokens":1.0}}\n',
      "application/json",
    ],
    ["bytes that are no text", binary, "audio/mpeg"],
    ["a page", "<html>é</html>", "text/html"],
    ["nothing", "", "application/json"],
  ])("%s", async (_, body, type) => {
    await start({ plan: "metered" });
    gateway.says(answerOf(body, { "content-type": type }));
    expect(await bytesOf(chat, { method: "POST", body: JSON.stringify(question) })).toBe(body);
  });

  test("compressed, where the provider compresses unasked", async () => {
    await start();
    const zipped = Buffer.from(Bun.gzipSync(JSON.stringify(told))).toString("latin1");
    gateway.says(
      answerOf(zipped, { "content-type": "application/json", "content-encoding": "gzip" }),
    );
    expect(await bytesOf(chat, { method: "POST", body: JSON.stringify(question) })).toBe(zipped);
    const { json, headers } = await gateway.ask(chat, { body: question });
    expect(json).toEqual(told);
    expect(headers.get("content-encoding")).toBe("gzip");
    expect(gateway.wire.requests[0]).toContain("accept-encoding: identity\r\n");
  });

  test("larger than any buffer", async () => {
    await start({ plan: "metered" });
    const body = binary.repeat(8192);
    gateway.says(answerOf(body, { "content-type": "application/octet-stream" }));
    expect((await bytesOf("/openai/v1/files/f/content")) === body).toBe(true);
  });

  test.each([1, 2, 7, 64])("a stream of events in pieces of %d bytes", async (size) => {
    await start();
    const text = `\ufeff: hi\r\n\r\nevent: é\r\ndata: {"x":1}\r\n\r\n${event({ content: "Voilà 🌦" })}data: [DONE]\n\ndata: after`;
    const bytes = Buffer.from(text).toString("latin1");
    gateway.says(async (socket) => {
      await write(socket, streamHead);
      for (let from = 0; from < bytes.length; from += size) {
        await write(socket, chunk(bytes.slice(from, from + size)));
        if (from % 5 === 0) await Bun.sleep(0);
      }
      await write(socket, chunk());
    });
    expect(
      await bytesOf(chat, { method: "POST", body: JSON.stringify({ ...question, stream: true }) }),
    ).toBe(bytes);
  });

  test("an event leaves when it came, not when the next one does", async () => {
    await start();
    const gate = Promise.withResolvers<void>();
    gateway.says(async (socket) => {
      socket.write(streamHead + chunk(event({ content: "first" })));
      await gate.promise;
      socket.write(chunk("data: [DONE]\n\n") + chunk());
    });
    const body = JSON.stringify({ ...question, stream: true });
    const response = await fetch(gateway.url + chat, {
      method: "POST",
      headers: { "x-api-key": gateway.key },
      body,
    });
    const reader = response.body?.getReader();
    const first = await reader?.read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe(event({ content: "first" }));
    gate.resolve();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("data: [DONE]\n\n");
  });

  test("a provider that writes faster than the client reads has to wait", async () => {
    await start({ plan: "metered" });
    const piece = "x".repeat(65_536);
    let written = 0;
    gateway.says(async (socket) => {
      await write(socket, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      while (written < 40_000_000 && socket.readyState > 0) {
        await write(socket, chunk(piece));
        written += piece.length;
      }
    });
    const leave = new AbortController();
    const response = await fetch(`${gateway.url}/openai/v1/files/f/content`, {
      headers: { "x-api-key": gateway.key },
      signal: leave.signal,
    });
    expect(response.status).toBe(200);
    let before = -1;
    while (before !== written) {
      before = written;
      await Bun.sleep(150);
    }
    expect(written).toBeLessThan(30_000_000);
    leave.abort();
  });
});

describe("the provider's refusals are its own answers", () => {
  test.each([400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 529])("%d", async (status) => {
    await start();
    const body = '{ "error":{"message":"its own words","code":"x"} }';
    gateway.says(
      answerOf(body, { "content-type": "application/json", "retry-after": "7" }, status),
    );
    const before = await gateway.balance();
    const { text, headers, ...reply } = await gateway.ask(chat, { body: question });
    expect([reply.status, text]).toEqual([status, body]);
    expect(headers.get("retry-after")).toBe("7");
    expect(headers.get("x-lowrouter-provider")).toBe("openai");
    expect(headers.get("x-lowrouter-generation-id")).toStartWith("gen_");
    expect(await gateway.rows()).toMatchObject([
      {
        status:
          status < 429 && ![401, 403, 404, 409].includes(status)
            ? "client_error"
            : "upstream_error",
        settlement: "waived",
        cost: 0,
        provider: "openai",
      },
    ]);
    expect(await gateway.balance()).toBe(before);
    expect(await gateway.imbalances()).toBe(0);
  });

  test("a redirection is not followed, and its place is not told", async () => {
    await start();
    gateway.says(
      "HTTP/1.1 307 Away\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
    );
    const answer = await raw(
      gateway.url,
      `GET /openai/v1/models HTTP/1.1\r\nHost: h\r\nX-Api-Key: ${gateway.key}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toStartWith("HTTP/1.1 307");
    expect(answer).not.toContain("169.254");
    expect(gateway.wire.requests).toHaveLength(1);
  });

  test("nothing that breaks before its head looks like one of them", async () => {
    await start();
    gateway.says((socket) => socket.end());
    const reply = await gateway.ask(chat, { body: question });
    expect(refusal(reply)).toEqual([502, "upstream_error"]);
    expect(reply.headers.get("x-lowrouter-generation-id")).toStartWith("gen_");
    expect(await gateway.rows()).toMatchObject([
      { status: "upstream_error", settlement: "waived" },
    ]);
    gateway.says((socket) => socket.end());
    expect(refusal(await gateway.ask("/openai/v1/models"))).toEqual([502, "upstream_error"]);
  });

  test("a stream that breaks off does not end as if it were whole", async () => {
    await start();
    gateway.says((socket) => {
      socket.write(streamHead + chunk(event({ content: "half an ans" })));
      setTimeout(() => socket.end(), 20);
    });
    const body = JSON.stringify({ ...question, stream: true });
    const answer = await raw(
      gateway.url,
      `POST ${chat} HTTP/1.1\r\nHost: h\r\nX-Api-Key: ${gateway.key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    ).catch((error: unknown) => String(error));
    expect(answer).not.toContain("\r\n0\r\n\r\n");
    await gateway.until(() => true);
    expect(await gateway.rows()).toMatchObject([
      { status: "upstream_error", settlement: "waived" },
    ]);
  });
});

test.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])(
  "%s goes out as it is",
  async (method) => {
    await start({ plan: "metered" });
    gateway.says((socket, request) => {
      const body = request.startsWith("HEAD") ? "" : "ok";
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/x\r\n\r\n${body}`);
    });
    const { status, text, headers } = await gateway.ask("/openai/v1/things/1", { method });
    expect([status, text]).toEqual([200, method === "HEAD" ? "" : "ok"]);
    expect(headers.get("content-type")).toBe("text/x");
    expect(gateway.wire.requests[0]).toStartWith(`${method} /v1/things/1 HTTP/1.1\r\n`);
    await gateway.until(() => true);
  },
);

test.each(["TRACE", "CONNECT", "PROPFIND"])(
  "%s does not go out: it might show our key",
  async (method) => {
    await start({ plan: "metered" });
    const answer = await raw(
      gateway.url,
      `${method} /openai/v1/x HTTP/1.1\r\nHost: h\r\nX-Api-Key: ${gateway.key}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).not.toStartWith("HTTP/1.1 2");
    expect(gateway.wire.requests).toEqual([]);
  },
);

test("204 comes back without a body", async () => {
  await start({ plan: "metered" });
  gateway.says("HTTP/1.1 204 No Content\r\n\r\n");
  const { status, text } = await gateway.ask("/openai/v1/files/f", { method: "DELETE" });
  expect([status, text]).toEqual([204, ""]);
});

describe("neither key is seen on the other side", () => {
  const carriers: [string, (key: string) => { path: string; headers: Record<string, string> }][] = [
    ["Bearer", (key) => ({ path: "", headers: { authorization: `Bearer ${key}` } })],
    ["X-Api-Key", (key) => ({ path: "", headers: { "x-api-key": key } })],
    ["x-goog-api-key", (key) => ({ path: "", headers: { "x-goog-api-key": key } })],
    ["?key", (key) => ({ path: `?beta=true&key=${key}`, headers: {} })],
    [
      "all of them, and cookies",
      (key) => ({
        path: `?key=${key}`,
        headers: {
          authorization: `Bearer ${key}`,
          "x-api-key": key,
          "x-goog-api-key": key,
          "api-key": key,
          cookie: `session=${key}`,
          "proxy-authorization": `Basic ${key}`,
          referer: `http://h/?key=${key}`,
          "openai-organization": key,
          "x-anything": key,
        },
      }),
    ],
  ];
  test.each(carriers)("with %s", async (_, carry) => {
    await start();
    gateway.says(jsonAnswer(told));
    const { path, headers } = carry(gateway.key);
    const response = await fetch(gateway.url + chat + path, {
      method: "POST",
      headers,
      body: JSON.stringify(question),
    });
    const seen = JSON.stringify([...response.headers]) + (await response.text());
    expect(response.status).toBe(200);
    expect(seen).not.toContain(ours);
    const [request = ""] = gateway.wire.requests;
    expect(request).not.toContain(gateway.key);
    expect(request).toContain(`\r\nAuthorization: Bearer ${ours}\r\n`);
    expect(request.match(/authorization|api-key|cookie|referer|organization|anything/gi)).toEqual([
      "Authorization",
    ]);
    await gateway.until(() => true);
    for (const file of readdirSync(gateway.folder)) {
      const bytes = readFileSync(join(gateway.folder, file));
      expect([file, bytes.includes(gateway.key), bytes.includes(ours)]).toEqual([
        file,
        false,
        false,
      ]);
    }
    expect(gateway.logged()).not.toContain(gateway.key);
  });

  test("with each provider's own way of carrying it", async () => {
    await start({
      config(config, url) {
        const base_url = `${url}/v1`;
        config.providers.anthropic = { base_url };
        config.providers.google = { base_url: base_url.replace("/v1", "/v1beta") };
      },
    });
    await gateway.ask("/anthropic/v1/models", {
      headers: { "anthropic-version": "2099-01-01", "anthropic-beta": "b" },
    });
    await gateway.ask("/anthropic/v1/models");
    await gateway.ask("/google/v1beta/models");
    const [first = "", second = "", third = ""] = gateway.wire.requests;
    expect(first).toContain(`\r\nx-api-key: ${ours}\r\n`);
    expect(first.match(/anthropic-version: .*/g)).toEqual(["anthropic-version: 2099-01-01"]);
    expect(first).toContain("\r\nanthropic-beta: b\r\n");
    expect(second.match(/anthropic-version: .*/g)).toEqual(["anthropic-version: 2023-06-01"]);
    expect(third).toContain(`\r\nx-goog-api-key: ${ours}\r\n`);
    expect(targetIn(third)).toBe("/v1beta/models");
    expect(gateway.wire.requests.join("")).not.toContain(gateway.key);
  });

  test.each([
    ["in its body", jsonAnswer({ id: "x", saw: `Bearer ${ours}` })],
    ["in its refusal", jsonAnswer({ error: { message: `Incorrect key ${ours}` } }, 401)],
    [
      "in a stream",
      streamHead +
        chunk("data: {}\n\n") +
        chunk(`data: "${ours.slice(0, 9)}`) +
        chunk(`${ours.slice(9)}"\n\n`) +
        chunk(),
    ],
  ])("where the provider repeats ours %s, the answer is not passed on", async (_, answer) => {
    await start();
    gateway.says(answer);
    const seen = await raw(
      gateway.url,
      `POST ${chat} HTTP/1.1\r\nHost: h\r\nX-Api-Key: ${gateway.key}\r\nConnection: close\r\nContent-Length: ${JSON.stringify(question).length}\r\n\r\n${JSON.stringify(question)}`,
    ).catch(() => "");
    expect(seen).not.toContain(ours);
    expect(seen.replace(/\r\n\w+\r\n/g, "")).not.toContain(ours);
    await gateway.until(() => true);
    expect(await gateway.rows()).toMatchObject([
      { status: "upstream_error", settlement: "waived" },
    ]);
  });

  test("and the provider that does so is not listened to any longer", async () => {
    await start();
    gateway.says((socket) => void write(socket, streamHead + chunk(`data: "${ours}"\n\n`)));
    await gateway.ask(chat, { body: { ...question, stream: true } }).catch(() => undefined);
    await gateway.until(() => gateway.wire.closed === 1);
  });

  test("of the provider's headers only what describes the answer comes back", async () => {
    await start();
    gateway.says(
      answerOf("{}", {
        "content-type": "application/json",
        "set-cookie": "a=b",
        "openai-organization": "org-of-the-operator",
        "x-ratelimit-remaining-requests": "9",
        "x-lowrouter-provider": "someone",
        "x-lowrouter-generation-id": "gen_forged",
        "x-credit-balance": "1000000",
        authorization: ours,
        "x-request-id": ours,
        "keep-alive": "timeout=5",
        "access-control-allow-origin": "https://elsewhere.example",
        "openai-processing-ms": "12",
      }),
    );
    const { headers } = await gateway.ask(chat, { body: question });
    expect([...headers.keys()].toSorted()).toEqual([
      "content-length",
      "content-security-policy",
      "content-type",
      "date",
      "openai-processing-ms",
      "x-content-type-options",
      "x-credit-balance",
      "x-lowrouter-generation-id",
      "x-lowrouter-provider",
      "x-lowrouter-region",
      "x-lowrouter-region-basis",
    ]);
    expect(headers.get("x-lowrouter-provider")).toBe("openai");
    expect(headers.get("x-lowrouter-region")).toBe("us-east");
    expect(headers.get("x-lowrouter-generation-id")).not.toBe("gen_forged");
    expect(headers.get("x-credit-balance")).not.toBe("1000000");
  });
});

describe("what a key may not do goes nowhere", () => {
  const ask = (request: Parameters<Proxied["ask"]>[1] = {}, path = chat) =>
    gateway.ask(path, { body: question, ...request });

  test.each<[string, ProxiedOptions, Parameters<Proxied["ask"]>[1], [number, string]]>([
    ["no key", {}, { key: null }, [401, "missing_api_key"]],
    ["an unknown key", {}, { key: "lr_live_nobody" }, [401, "invalid_api_key"]],
    [
      "another provider alone",
      { key: { allowedProviders: ["mistral"] } },
      {},
      [403, "provider_not_allowed"],
    ],
    [
      "another region of it alone",
      { key: { allowedProviders: ["openai/eu-west"] } },
      {},
      [403, "provider_not_allowed"],
    ],
    [
      "another model alone",
      { key: { allowedModels: ["gpt-5-mini"] } },
      {},
      [403, "model_not_allowed"],
    ],
    ["a region where it is not", { key: { region: "eu-west" } }, {}, [503, "service_unavailable"]],
    [
      "a region that this request wants",
      {},
      { headers: { "x-lowrouter-region": "eu-west" } },
      [503, "service_unavailable"],
    ],
    [
      "a region that nobody knows",
      {},
      { headers: { "x-lowrouter-region": "atlantis" } },
      [400, "invalid_value"],
    ],
    [
      "another region than its own",
      { key: { region: "us-east" } },
      { headers: { "x-lowrouter-region": "eu-west" } },
      [403, "region_not_allowed"],
    ],
  ])("%s", async (_, options, request, expected) => {
    await start(options);
    expect(refusal(await ask(request))).toEqual(expected);
    expect(
      refusal(await ask({ ...request, method: "GET", body: undefined }, "/openai/v1/models"))[0],
    ).toBe(expected[1] === "model_not_allowed" ? 200 : expected[0]);
    expect(gateway.wire.requests.filter((one) => one.startsWith("POST"))).toEqual([]);
    expect(await gateway.rows()).toEqual([]);
  });

  test("a management key", async () => {
    await start();
    expect(refusal(await ask({ key: gateway.managementKey }))).toEqual([403, "wrong_key_type"]);
  });

  test("its own region is where it goes", async () => {
    await start({
      key: { region: "eu-west" },
      config(config, url) {
        config.providers.openai = {
          base_urls: { "us-east": `${url}/us/v1`, "eu-west": `${url}/eu/v1` },
        };
      },
    });
    gateway.says(jsonAnswer(told));
    const { headers } = await ask();
    await gateway.ask("/openai/v1/models");
    expect(headers.get("x-lowrouter-region")).toBe("eu-west");
    expect(gateway.wire.requests.map(targetIn)).toEqual([
      "/eu/v1/chat/completions",
      "/eu/v1/models",
    ]);
  });

  test("a header of an answer that comes back is no pin", async () => {
    await start();
    const headers = { "x-lowrouter-region": "eu-west", "x-lowrouter-generation-id": "gen_1" };
    expect((await ask({ headers })).status).toBe(200);
  });

  test("a provider that is not enabled, or has no address", async () => {
    await start({
      config(config) {
        config.secret = () => undefined;
        config.providers.mistral = { enabled: false };
      },
    });
    const elsewhere = await gateway.mint({ allowedProviders: ["openai"] });
    const foreign = await gateway.ask("/deepseek/v1/models", { key: elsewhere });
    expect(refusal(foreign)).toEqual([403, "provider_not_allowed"]);
    for (const provider of ["mistral", "deepseek"])
      expect(refusal(await gateway.ask(`/${provider}/v1/models`))).toEqual([
        503,
        "service_unavailable",
      ]);
  });

  test("a body beyond the limit", async () => {
    await start({ config: (config) => (config.limits.maxBodyBytes = 100) });
    expect(refusal(await ask({ body: "x".repeat(101) }))).toEqual([413, "body_too_large"]);
    expect(gateway.wire.requests).toEqual([]);
  });
});

test("our own paths stay ours, whatever a provider is called", async () => {
  await start({
    config: (config, url) =>
      (config.providers.models = { protocol: "openai-chat", base_url: `${url}/v1` }),
  });
  expect(at((await gateway.ask("/v1/models")).json, "object")).toBe("list");
  expect((await gateway.ask("/models/v1/x")).status).toBe(404);
  expect((await gateway.ask("/healthz", { key: null })).status).toBe(200);
  expect(gateway.wire.requests).toEqual([]);
});

test("a browser may ask first, without a key", async () => {
  await start();
  const { status, headers } = await gateway.ask(chat, {
    method: "OPTIONS",
    key: null,
    headers: { origin: "https://page.example", "access-control-request-method": "POST" },
  });
  expect([status, headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
  const reply = await gateway.ask(chat, {
    body: question,
    headers: { origin: "https://page.example" },
  });
  expect(reply.headers.get("access-control-allow-origin")).toBe("*");
  expect(gateway.wire.requests).toHaveLength(1);
});

test("a page out of an answer may do nothing", async () => {
  await start({
    config(config) {
      config.billing.unknownPrice = "allow";
    },
  });
  gateway.says(answerOf("<script>alert(1)</script>", { "content-type": "text/html" }));
  const { headers } = await gateway.ask("/openai/v1/files/f/content");
  expect(headers.get("content-security-policy")).toContain("sandbox");
});

test("an answer that cannot be passed on is no answer, and its connection is closed", async () => {
  await start();
  const head = streamHead.replace("\r\n\r\n", "\r\ncache-control: a\0b\r\n\r\n");
  gateway.says((socket) => void write(socket, head + chunk("data: {}\n\n")));
  const reply = await gateway.ask(chat, { body: { ...question, stream: true } });
  expect(reply.status).toBe(500);
  await gateway.until(() => gateway.wire.closed === 1);
  expect(await gateway.rows()).toMatchObject([{ status: "upstream_error" }]);
});

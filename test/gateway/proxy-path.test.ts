import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { placeAt } from "#src/gateway/proxy/proxy-target.ts";
import { at, refusal } from "#test/lib/gateway.ts";
import { type Proxied, raw, startProxied, targetIn } from "#test/gateway/proxy-kit.ts";

let gateway: Proxied;
beforeAll(async () => {
  gateway = await startProxied({
    config(config) {
      config.billing.unknownPrice = "allow";
    },
  });
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.wire.requests.length = 0;
});

/** Status and parameter of the answer to a request with this target, byte for byte. */
async function ask(target: string, host = "gateway.example"): Promise<[number, unknown]> {
  const answer = await raw(
    gateway.url,
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${gateway.key}\r\nConnection: close\r\n\r\n`,
  );
  const body = answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1);
  const parsed: unknown = body === "" ? undefined : JSON.parse(body);
  return [Number(answer.split(" ")[1]), at(parsed, "error.param")];
}

describe("a path that is more than the provider's own is refused before anything is sent", () => {
  test.each([
    "/openai/../x",
    "/openai/v1/../x",
    "/openai/v1/../../x",
    "/openai/v1/x/..",
    "/openai/..",
    "/openai/./v1/x",
    "/openai/v1/x/.",
    "/openai/%2e%2e/x",
    "/openai/%2E%2E/x",
    "/openai/.%2e/x",
    "/openai/v1/%2e/x",
    "/openai/%252e%252e/x",
    "/openai/%25252e%25252e/x",
    "/openai/%2525252e%2525252e/x",
    "/openai/..;/x",
    "/openai/%2e%2e;a=b/x",
    "/openai/..%00/x",
    "/openai//x",
    "/openai///x",
    "/openai/v1//x",
    "/openai/v1/x//",
    "/openai/v1/x/",
    "/openai/",
    "/openai/v1%2fx",
    "/openai/v1%2Fx",
    "/openai/..%2fx",
    "/openai/%2e%2e%2fx",
    "/openai/v1%252fx",
    "/openai/v1%5cx",
    "/openai/..%5cx",
    "/openai/v1%255cx",
    "/openai/v1\\x",
    "/openai/v1\\..\\x",
    "/openai/..\\..\\x",
    "/openai/http://169.254.169.254/x",
    "/openai/http:%2f%2f169.254.169.254/x",
    "/openai/http:/169.254.169.254/x",
    "/openai/https%3a/169.254.169.254/x",
    "/openai/@169.254.169.254/x",
    "/openai/%40169.254.169.254/x",
    "/openai/user:word@169.254.169.254/x",
    "/openai/v1/%00",
    "/openai/v1/x%0d%0aX-Evil:1",
    "/openai/v1/x%0a",
    "/openai/v1/%7f",
    "/openai/v1/%",
    "/openai/v1/%zz",
    "/openai/v1/%c0%ae%c0%ae/x",
    "/openai/v1/%ff",
    "/openai/v1/%ef%bc%8e%ef%bc%8e/x",
    "/openai/v1/%e2%80%a4%e2%80%a4/x",
    "/openai/v1/a%ef%bc%8fb",
    "/openai/v1/x#part",
    "/openai/v1/x#/../y",
    `/openai${"/a".repeat(13)}`,
    "http://evil.example/openai/../x",
    "http://evil.example/openai/v1/%2e%2e/x",
  ])("%s", async (target) => {
    expect(await ask(target)).toEqual([400, "path"]);
    expect(gateway.wire.requests).toEqual([]);
  });

  test.each(["/openai/v1/\u0001", "/openai/v1/a\tb", "/openai/v1/a b", "/openai/v1/\u0000"])(
    "%j is no request at all",
    async (target) => {
      expect((await ask(target))[0]).toBeGreaterThanOrEqual(400);
      expect(gateway.wire.requests).toEqual([]);
    },
  );

  test.each(["a/openai/v1/x?", "a/openai/../b?", "a?", "a#", "a\\openai\\", "a:b@c"])(
    "the host header %j hides no other path",
    async (host) => {
      const [status] = await ask("/openai/v1/models", host);
      expect([200, 400]).toContain(status);
      for (const request of gateway.wire.requests) {
        expect(targetIn(request)).toBe("/v1/models");
        expect(request).toContain(`host: ${new URL(gateway.wire.url).host}\r\n`);
      }
    },
  );
});

describe("a path that is no provider's is not found, and nothing is sent", () => {
  test.each([
    "/nobody/v1/x",
    "/openai",
    "/OpenAI/v1/x",
    "/%6fpenai/v1/x",
    "/openai@evil.example/v1/x",
    "/openai%2fv1/x",
    "//openai/v1/x",
    "/openai.evil.example/x",
    "/x/../openai/v1/x",
    "/v1/../openai/v1/x",
    "/openai\\..\\x",
    "/.%2e/openai/v1/x",
  ])("%s", async (target) => {
    expect((await ask(target))[0]).toBe(404);
    expect(gateway.wire.requests).toEqual([]);
  });
});

describe("a path that is the provider's own goes out as it came", () => {
  test.each([
    ["/openai/v1/models", "/v1/models"],
    ["/openai/v2/models", "/v2/models"],
    ["/openai/models", "/models"],
    ["/openai/v1/a/b/c/d/e/f/g/h/i/j/k", "/v1/a/b/c/d/e/f/g/h/i/j/k"],
    ["/openai/v1/models/x:y", "/v1/models/x:y"],
    ["/openai/v1/models/claude@2026", "/v1/models/claude@2026"],
    ["/openai/v1/a%20b%C3%A9%3Fc", "/v1/a%20b%C3%A9%3Fc"],
    ["/openai/v1/100%25", "/v1/100%25"],
    ["/openai/v1/...", "/v1/..."],
    ["/openai/v1/.hidden", "/v1/.hidden"],
    ["/openai/v1/x?a=1&b=%2f..%2f&c=http://x/../y&a=2", "/v1/x?a=1&b=%2f..%2f&c=http://x/../y&a=2"],
    ["/openai/v1/x?", "/v1/x"],
    ["http://evil.example/openai/v1/x", "/v1/x"],
    ["http://evil.example@openai/openai/v1/x?y", "/v1/x?y"],
  ])("%s", async (target, expected) => {
    expect((await ask(target))[0]).toBe(200);
    expect(gateway.wire.requests.map(targetIn)).toEqual([expected]);
    expect(gateway.wire.requests[0]).toContain(`host: ${new URL(gateway.wire.url).host}\r\n`);
  });
});

test.each([
  ["key=SECRET", ""],
  ["a=1&key=SECRET&b=2", "?a=1&b=2"],
  ["key=SECRET&key=SECRET&a=%6b", "?a=%6b"],
  ["%6bey=SECRET&ke%79=SECRET", ""],
  ["a=1&key", "?a=1"],
  ["monkey=1&keys=2&key=SECRET", "?monkey=1&keys=2"],
])("of the query %s, all but the key goes on", async (query, expected) => {
  const asked = query.replaceAll("SECRET", gateway.key);
  expect((await ask(`/openai/v1/models?${asked}`))[0]).toBe(200);
  expect(gateway.wire.requests.map(targetIn)).toEqual([`/v1/models${expected}`]);
  expect(gateway.wire.requests[0]).not.toContain(gateway.key);
});

test("a refused path is repeated in no answer and no log line", async () => {
  const { text } = await gateway.ask(`/openai/v1//x?key=${gateway.key}`, { key: null });
  expect(text + gateway.logged()).not.toContain(gateway.key);
});

test("a path is judged after the key", async () => {
  expect(refusal(await gateway.ask("/openai/v1//x", { key: null }))).toEqual([
    401,
    "missing_api_key",
  ]);
});

describe("the path is appended to the address without its version segment", () => {
  test.each([
    ["https://api.openai.com/v1", "/v1/x", "https://api.openai.com/v1/x", "/x"],
    ["http://127.0.0.1:9000/v1", "/v1/x", "http://127.0.0.1:9000/v1/x", "/x"],
    ["http://127.0.0.1:9000", "/v1/x", "http://127.0.0.1:9000/v1/x", "/x"],
    ["https://h/v1beta", "/v1/models/m:f", "https://h/v1/models/m:f", "/models/m:f"],
    [
      "https://h/v1beta",
      "/v1beta/openai/chat/completions",
      "https://h/v1beta/openai/chat/completions",
      "/chat/completions",
    ],
    ["https://h/v2", "/v2/chat", "https://h/v2/chat", "/chat"],
    [
      "https://api.deepseek.com",
      "/chat/completions",
      "https://api.deepseek.com/chat/completions",
      "/chat/completions",
    ],
    [
      "https://api.groq.com/openai/v1",
      "/v1/chat/completions",
      "https://api.groq.com/openai/v1/chat/completions",
      "/chat/completions",
    ],
    [
      "https://api.groq.com/openai/v1",
      "/openai/v1/chat/completions",
      "https://api.groq.com/openai/v1/chat/completions",
      "/chat/completions",
    ],
    [
      "https://h/v1/openai",
      "/v1/openai/chat/completions",
      "https://h/v1/openai/chat/completions",
      "/chat/completions",
    ],
    [
      "https://h/v1/openai",
      "/chat/completions",
      "https://h/v1/openai/chat/completions",
      "/chat/completions",
    ],
    ["https://h/v1/tenant", "/v1/other/x", "https://h/v1/tenant/v1/other/x", "/other/x"],
    [
      "https://h/openai/v1",
      "/deployments/d/chat/completions",
      "https://h/openai/deployments/d/chat/completions",
      "/deployments/d/chat/completions",
    ],
  ])("%s and %s", (address, path, whole, endpoint) => {
    const place = placeAt(address, path);
    expect([place.baseUrl + path, place.endpoint]).toEqual([whole, endpoint]);
  });
});

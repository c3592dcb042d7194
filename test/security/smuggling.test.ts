import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startGateway, type TestGateway } from "#test/lib/gateway.ts";
import { converse } from "#test/security/wire.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

const body = JSON.stringify({
  model: "openai/gpt-4o-mini",
  messages: [{ role: "user", content: "Hello" }],
});
const size = body.length;
const inChunks = `${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const post = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\n";
const get = "GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\n";
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;
const sized = (headers: string) => `${post}${headers}\r\n\r\n${body}`;

/** Bytes whose end two readers could see at different places, or that are no HTTP/1.1 at all. */
const ambiguous: [string, string][] = [
  [
    "a length and chunks",
    `${post}Content-Length: ${size}\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks}`,
  ],
  [
    "chunks and a length",
    `${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${inChunks}`,
  ],
  [
    "a second request behind the last chunk, within the length",
    `${post}Content-Length: 300\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get}\r\n`,
  ],
  ["two lengths", sized(`Content-Length: ${size}\r\nContent-Length: 4`)],
  ["two lengths, the first of nothing", sized(`Content-Length: 0\r\nContent-Length: ${size}`)],
  ["a list of lengths", sized(`Content-Length: ${size}, ${size}`)],
  ["a length with a sign", sized(`Content-Length: +${size}`)],
  ["a length below nothing", sized("Content-Length: -1")],
  ["a length in hexadecimal", sized(`Content-Length: 0x${size.toString(16)}`)],
  ["a length of 24 digits", sized(`Content-Length: ${"9".repeat(24)}`)],
  ["a length beyond 64 bits", sized(`Content-Length: ${2n ** 64n + BigInt(size)}`)],
  ["no length where one is named", sized("Content-Length:")],
  ["a blank before the colon of the length", sized(`Content-Length : ${size}`)],
  [
    "two codings",
    `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n${inChunks}`,
  ],
  [
    "the coding twice",
    `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks}`,
  ],
  ["chunks of something compressed", `${post}Transfer-Encoding: gzip, chunked\r\n\r\n${inChunks}`],
  [
    "chunks that are not the last coding",
    `${post}Transfer-Encoding: chunked, identity\r\n\r\n${inChunks}`,
  ],
  ["a coding that ends like chunks", `${post}Transfer-Encoding: xchunked\r\n\r\n${inChunks}`],
  ["a coding behind a vertical tab", `${post}Transfer-Encoding: \x0bchunked\r\n\r\n${inChunks}`],
  [
    "a blank before the colon of the coding",
    `${post}Transfer-Encoding : chunked\r\n\r\n${inChunks}`,
  ],
  ["a coding on the next line", `${post}Transfer-Encoding:\r\n chunked\r\n\r\n${inChunks}`],
  ["chunks in HTTP/1.0", chunked.replace("HTTP/1.1", "HTTP/1.0") + inChunks],
  ["a header that goes on in the next line", sized(`X-A: b\r\n c\r\nContent-Length: ${size}`)],
  ["a blank before the first header", get.replace("\r\n", "\r\n ") + "\r\n"],
  [
    "lines that end with LF",
    `${`${post}Content-Length: ${size}\r\n\r\n`.replaceAll("\r\n", "\n")}${body}`,
  ],
  ["one header that ends with LF", sized(`X-A: b\nContent-Length: ${size}`)],
  ["one header that ends with CR", sized(`X-A: b\rContent-Length: ${size}`)],
  ["a null in a value", sized(`X-A: b\0c\r\nContent-Length: ${size}`)],
  ["a null in a name", sized(`X\0A: b\r\nContent-Length: ${size}`)],
  ["a null in the path", get.replace("models", "mod\0els") + "\r\n"],
  ["a control character in a value", sized(`X-A: b\x01c\r\nContent-Length: ${size}`)],
  ["a line without a colon", sized(`XA\r\nContent-Length: ${size}`)],
  ["a header without a name", sized(`: x\r\nContent-Length: ${size}`)],
  ["no host", "GET /v1/models HTTP/1.1\r\nAuthorization: Bearer KEY\r\n\r\n"],
  [
    "a quoted line end in a chunk's extension",
    `${chunked}${size.toString(16)};a="\r\nb"\r\n${body}\r\n0\r\n\r\n`,
  ],
  [
    "an extension of 100 KB",
    `${chunked}${size.toString(16)};${"a".repeat(100_000)}\r\n${body}\r\n0\r\n\r\n`,
  ],
  ["a chunk's size that ends with LF", `${chunked}${size.toString(16)}\n${body}\r\n0\r\n\r\n`],
  ["a chunk that ends with LF", `${chunked}${size.toString(16)}\r\n${body}\n0\r\n\r\n`],
  ["a chunk beyond 64 bits", `${chunked}${"F".repeat(17)}\r\n${body}\r\n0\r\n\r\n`],
  ["a chunk below nothing", `${chunked}-5\r\n${body}\r\n0\r\n\r\n`],
  ["a chunk's size with its base", `${chunked}0x${inChunks}`],
  ["a blank before a chunk's size", `${chunked} ${inChunks}`],
  ["a chunk that is longer than its size", `${chunked}5\r\n${body}\r\n0\r\n\r\n`],
  ["a request in the trailer", `${chunked}${inChunks.slice(0, -2)}${get}\r\n`],
  ["the beginning of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["HTTP/1.2", get.replace("HTTP/1.1", "HTTP/1.2") + "\r\n"],
  ["HTTP/0.9", "GET /v1/models\r\n\r\n"],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ["a header of 100 KB", `${get}X-A: ${"a".repeat(100_000)}\r\n\r\n`],
  ["2000 headers", `${get}${"X-A: b\r\n".repeat(2000)}\r\n`],
  ["headers without end", `${get}${"X-A: b\r\n".repeat(200_000)}`],
  ["a line of 100 KB", get.replace("models", `models?${"a".repeat(100_000)}`) + "\r\n"],
];

describe("a request whose end is not certain is refused, with its connection, before anybody sees it", () => {
  test.each(ambiguous)("%s", async (_, bytes) => {
    const before = gateway.reached();
    const said = await converse(gateway.url, bytes.replaceAll("KEY", gateway.key));
    // One answer at most: whatever stood behind it was not taken for a request.
    expect(said.statuses.length).toBe(1);
    expect([400, 413, 431, 505]).toContain(said.statuses[0] ?? 0);
    expect([said.isClosed, gateway.reached()]).toEqual([true, before]);
  });
});

describe("a request whose end is certain is one, however it is told", () => {
  test.each<[string, string]>([
    ["with its length", sized(`Content-Length: ${size}`)],
    ["in chunks", chunked + inChunks],
    ["in chunks with an extension", `${chunked}${size.toString(16)};a=b\r\n${body}\r\n0\r\n\r\n`],
    ["behind a tab", `${post}Transfer-Encoding:\tchunked\r\n\r\n${inChunks}`],
    ["after it was told to go on", sized(`Expect: 100-continue\r\nContent-Length: ${size}`)],
  ])("%s", async (_, bytes) => {
    const before = gateway.reached();
    const asked = bytes.replaceAll("KEY", gateway.key);
    const { statuses } = await converse(gateway.url, asked, { answers: 1 });
    expect([statuses, gateway.reached()]).toEqual([[200], before + 1]);
  });

  test("what follows its body is a request of its own, judged by itself", async () => {
    const smuggled = "GET /v1/key HTTP/1.1\r\nHost: x\r\n\r\n";
    const { text, statuses } = await converse(
      gateway.url,
      `${get}Content-Length: 5\r\n\r\nabcde${smuggled}`.replaceAll("KEY", gateway.key),
      { answers: 2 },
    );
    expect(statuses).toEqual([200, 401]);
    expect(text).toContain("missing_api_key");
  });

  test("several that are sent at once are answered in their order, or not at all", async () => {
    const path = (name: string) => get.replace("/v1/models", `/v1/models/${name}`) + "\r\n";
    const names = ["nobody/one", "nobody/two", "nobody/three"];
    const bytes = names.map(path).join("").replaceAll("KEY", gateway.key);
    const { text, statuses } = await converse(gateway.url, bytes, { answers: 3, waitMs: 1000 });
    expect(statuses).toEqual([404, 404, 404]);
    expect(names.map((name) => text.indexOf(name)).toSorted((a, b) => a - b)).toEqual(
      names.map((name) => text.indexOf(name)),
    );
  });
});

describe("a request for several hosts is refused, whoever answers there", () => {
  test.each(["Host: x\r\nHost: y", "Host: x\r\nHost: x", "Host: x, y"])("%j", async (hosts) => {
    const before = gateway.reached();
    for (const bytes of [
      sized(`Content-Length: ${size}`),
      sized(`Content-Length: ${size}`).replace("/v1/chat", "/openai/v1/chat"),
      `${get}\r\n`,
      `${get}\r\n`.replace("/v1/models", "/healthz"),
      `${get}\r\n`.replace("/v1/models", "/nowhere"),
    ]) {
      const asked = bytes.replace("Host: x", hosts).replaceAll("KEY", gateway.key);
      const { statuses, text } = await converse(gateway.url, asked, { answers: 1 });
      expect([statuses, text.includes("send one Host header")]).toEqual([[400], true]);
    }
    expect(gateway.reached()).toBe(before);
  });
});

test("two keys in one request are none", async () => {
  const asked = `${get}Authorization: Bearer ${gateway.key}\r\n\r\n`.replace("KEY", "nobody");
  expect((await converse(gateway.url, asked, { answers: 1 })).statuses).toEqual([401]);
});

test("the gateway opens no tunnel, shows no request and changes no protocol", async () => {
  const ask = async (head: string) => {
    const bytes = `${head}Host: x\r\nAuthorization: Bearer ${gateway.key}\r\n`;
    const { statuses, text } = await converse(gateway.url, `${bytes}\r\n`, { answers: 1 });
    expect(text).not.toContain(gateway.key);
    return statuses;
  };
  expect(await ask("CONNECT 127.0.0.1:22 HTTP/1.1\r\n")).toEqual([404]);
  expect(await ask("TRACE /v1/models HTTP/1.1\r\n")).toEqual([405]);
  const upgrade = "GET /v1/models HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: ";
  const socket =
    "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  expect(await ask(upgrade + socket)).toEqual([200]);
  expect(await ask(`${upgrade}h2c\r\n`)).toEqual([200]);
});

test("a refusal and what is managed are JSON to every browser, whatever they quote", async () => {
  const html = "<script>alert(1)</script>";
  const replies = [
    await gateway.chat({ model: html }),
    await gateway.ask(`/v1/${encodeURIComponent(html)}`),
    await gateway.ask("/v1/key", { key: html }),
    await gateway.ask("/v1/messages", { body: { model: html } }),
    await gateway.ask("/v1beta/models/x:generateContent", { body: "{" }),
    await gateway.manage("/api/v1/keys", { body: { name: html } }),
    await gateway.ask("/v1/models"),
    await gateway.ask("/v1/balance"),
  ];
  expect(replies.map(({ status }) => status)).toEqual([404, 404, 401, 400, 400, 201, 200, 200]);
  for (const { headers } of replies)
    expect([headers.get("content-type"), headers.get("x-content-type-options")]).toEqual([
      expect.stringContaining("application/json"),
      "nosniff",
    ]);
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRemoteDocuments } from "#src/provider/remote-document.ts";
import { remoteLimits } from "#src/provider/remote-rules.ts";
import { type Harness, startHarness } from "#test/gateway/harness.ts";
import { at } from "#test/lib/gateway.ts";
import {
  document,
  type DocumentServer,
  loopback,
  samples,
  startDocuments,
} from "#test/provider/remote-kit.ts";
import { millisecondsUntil } from "#test/lib/milliseconds-until.ts";

const gemini = "google/gemini-2.5-flash";
const png = samples["image/png"];
const pdf = samples["application/pdf"];
const secret = "s3cret-token";
const canary = `canary${crypto.randomUUID().replaceAll("-", "")}`;

let gateway: Harness;
let documents: DocumentServer;
let drips: number;
beforeEach(async () => {
  drips = 0;
  documents = startDocuments((path, request) => {
    if (path === "/a.png") return document(png, "image/jpeg");
    if (path === "/a.pdf") return document(pdf, "application/pdf");
    if (path === "/words") return document(Buffer.from(canary), "text/plain");
    if (path === "/long") return document(Buffer.alloc(300_001, "word "), "text/plain");
    if (path === "/page") return document(Buffer.from("<html>"), "text/html");
    if (path === "/large") return document(Buffer.alloc(50_000_000), "image/png");
    if (path === "/inside") return Response.redirect("http://169.254.169.254/latest/meta-data/");
    if (path === "/encoded") return document(png, "image/png", { "content-encoding": "br" });
    if (path !== "/drip") return new Response("Not here", { status: 404 });
    request.signal.addEventListener("abort", () => drips++);
    return new Promise<Response>(() => {});
  });
  const limits = { ...remoteLimits, bytes: 1_000_000, totalMs: 2_000 };
  gateway = await startHarness({ remote: createRemoteDocuments(loopback({ limits })) });
});
afterEach(async () => {
  await gateway.close();
  await documents.stop();
});

const image = (url: string) => ({ type: "image_url", image_url: { url } });
const file = (url: string, filename?: string) => ({
  type: "file",
  file: { file_data: url, ...(filename ? { filename } : {}) },
});
const text = (words: string) => ({ type: "text", text: words });
const user = (...content: object[]) => [{ role: "user", content }];
const urlOf = (path: string) => documents.url + path;

type Place = keyof Harness["places"]["all"];
/** What a provider was sent last. */
function sentTo(place: Place): string {
  return Buffer.from(gateway.places.all[place].stats.lastBody ?? []).toString();
}
const sentToOpenai = () => sentTo("openaiEu") || sentTo("openaiUs");
const reached = () =>
  Object.values(gateway.places.all).reduce((sum, { stats }) => sum + stats.requests, 0);

describe("a wire that wants bytes gets them", () => {
  test("of a picture, with the type that it really has, whole and streamed", async () => {
    for (const stream of [false, true]) {
      const response = await gateway.chat({
        model: gemini,
        stream,
        messages: user(text("What is this?"), image(urlOf("/a.png"))),
      });
      expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
      const sent: unknown = JSON.parse(sentTo("google"));
      expect(at(sent, "contents.0.parts")).toEqual([
        { text: "What is this?" },
        { inlineData: { mimeType: "image/png", data: png.toString("base64") } },
      ]);
    }
    expect(documents.asked).toEqual(["/a.png", "/a.png"]);
  });

  test("of a PDF document and of text", async () => {
    const { status } = await gateway.chat({
      model: gemini,
      messages: user(file(urlOf("/a.pdf")), file(urlOf("/words"))),
    });
    expect(status).toBe(200);
    const sent: unknown = JSON.parse(sentTo("google"));
    expect(at(sent, "contents.0.parts")).toEqual([
      { inlineData: { mimeType: "application/pdf", data: pdf.toString("base64") } },
      {
        inlineData: { mimeType: "text/plain", data: Buffer.from(canary).toString("base64") },
      },
    ]);
  });

  test("of pictures in tools' results, each fetched once", async () => {
    const call = { id: "call_1", type: "function", function: { name: "shoot", arguments: "{}" } };
    const { status } = await gateway.chat({
      model: gemini,
      messages: [
        ...user(text("Shoot"), image(urlOf("/a.png"))),
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: "call_1", content: [image(urlOf("/a.png"))] },
      ],
      tools: [{ type: "function", function: { name: "shoot" } }],
    });
    expect(status).toBe(200);
    expect(sentTo("google").split(png.toString("base64"))).toHaveLength(3);
    expect(documents.asked).toEqual(["/a.png"]);
  });

  test("of what clients of other dialects name, and their members are named", async () => {
    const source = (url: string) => ({ type: "image", source: { type: "url", url } });
    const ask = (url: string) =>
      gateway.post("/v1/messages", {
        model: gemini,
        max_tokens: 64,
        messages: user(text("What is this?"), source(url)),
      });
    expect((await ask(urlOf("/a.png"))).status).toBe(200);
    expect(sentTo("google")).toContain(png.toString("base64"));
    const refused = await ask(urlOf("/none"));
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringContaining("messages[0].content[1].source.url"),
    ]);
  });

  test("but addresses that the provider understands stay", async () => {
    const film = "https://www.youtube.com/watch?v=1";
    await gateway.chat({ model: gemini, messages: user(image(film), text("Tell")) });
    expect(sentTo("google")).toContain(JSON.stringify({ fileData: { fileUri: film } }));
  });

  test("of a file in its own dialect too, where every other byte stays", async () => {
    const before = `{"model":"openai/gpt-4o-mini", "x_big":12345678901234567890,"messages":[ {"role":"user","x":1.50,"content":[{"type":"text","text":"für \\u0041"}, {"type":"file","file":{"file_data":"${documents.url}\\/a.pdf","x":1e3}},{"type":"image_url","image_url":{"url":"${documents.url}/a.png"}}]}],"z":{}}`;
    expect((await gateway.post("/v1/chat/completions", before)).status).toBe(200);
    const dataUri = `data:application/pdf;base64,${pdf.toString("base64")}`;
    expect(sentToOpenai()).toBe(
      before
        .replace("openai/gpt-4o-mini", "gpt-4o-mini")
        .replace(`${documents.url}\\/a.pdf`, dataUri)
        .replace('"x":1e3', '"x":1e3,"filename":"a.pdf"'),
    );
    const ascii = before.replace("für", "fur");
    expect((await gateway.post("/v1/chat/completions", ascii)).status).toBe(200);
    expect(sentToOpenai()).toContain(`"file_data":"${dataUri}"`);
    expect(documents.asked).toEqual(["/a.pdf", "/a.pdf"]);
  });

  test("once, when the first route fails", async () => {
    gateway.places.all.google.behave({ status: 503 }, {});
    const response = await gateway.chat({
      models: [gemini, "google/gemini-2.5-pro"],
      model: gemini,
      messages: user(image(urlOf("/a.png"))),
    });
    expect(response.status).toBe(200);
    expect(gateway.places.all.google.stats.requests).toBe(2);
    expect(sentTo("google")).toContain(png.toString("base64"));
    expect(documents.asked).toEqual(["/a.png"]);
  });
});

test("a wire that takes addresses gets them, and nothing is fetched", async () => {
  const messages = user(text("What is this?"), image(urlOf("/a.png")));
  await gateway.chat({ messages });
  expect(sentToOpenai()).toContain(urlOf("/a.png"));
  const both = user(image(urlOf("/a.png")), file(urlOf("/a.pdf")));
  await gateway.chat({ model: "anthropic/claude-haiku-4.5", messages: both });
  expect(sentTo("anthropic")).toContain(urlOf("/a.png"));
  expect(sentTo("anthropic")).toContain(urlOf("/a.pdf"));
  expect(documents.asked).toEqual([]);
});

describe("a document that cannot be had is refused by its member and the kind of failure", () => {
  const picture = (path: string) => () => image(urlOf(path));
  const named = (address: string) => () => image(address);
  const refusals: [string, () => object, string][] = [
    ["not there", picture(`/none?key=${secret}`), "bad_status"],
    ["a page", picture(`/page?key=${secret}`), "wrong_type"],
    ["a document for a picture", picture("/a.pdf"), "wrong_type"],
    ["a picture for a document", () => file(urlOf("/a.png")), "wrong_type"],
    ["too large", picture("/large"), "too_large"],
    ["text that was not held for", () => file(urlOf("/long")), "too_large"],
    ["too slow", picture("/drip"), "too_slow"],
    ["compressed", picture("/encoded"), "encoded"],
    ["moved inside", picture("/inside"), "not_public"],
    ["inside", named(`http://10.0.0.1/${secret}`), "not_public"],
    ["with a password", named(`http://me:${secret}@127.0.0.1/a.png`), "bad_address"],
    ["gone", named(`http://127.0.0.1:9/${secret}`), "unreachable"],
  ];
  test.each(refusals)("%s", async (_, part, reason) => {
    const balance = await gateway.balance();
    const made = part();
    const member = "file" in made ? "file.file_data" : "image_url.url";
    const response = await gateway.chat({
      model: gemini,
      models: [gemini, "google/gemini-2.5-pro"],
      messages: [
        { role: "system", content: "Be kind" },
        { role: "user", content: "Hello" },
        { role: "user", content: [text(""), made] },
      ],
    });
    const said = await response.text();
    const error: unknown = at(JSON.parse(said), "error");
    expect([response.status, at(error, "code"), at(error, "metadata.reason")]).toEqual([
      400,
      "invalid_value",
      reason,
    ]);
    expect(at(error, "param")).toBe(`messages[2].content[1].${member}`);
    expect(String(at(error, "message"))).toStartWith(
      `Cannot fetch "messages[2].content[1].${member}" for a model`,
    );
    expect(said + gateway.logged()).not.toContain(secret);
    expect(said + gateway.logged()).not.toContain("127.0.0.1");
    expect(reached()).toBe(0);
    await gateway.until(async () => (await gateway.rows()).length === 1);
    expect(await gateway.rows()).toMatchObject([{ status: "client_error", cost: 0 }]);
    expect(await gateway.balance()).toBe(balance);
  });

  test("and what still comes is given up", async () => {
    const response = await gateway.chat({
      model: gemini,
      messages: user(image(urlOf("/drip")), image(urlOf("/none"))),
    });
    expect(at(await response.json(), "error.param")).toBe("messages[0].content[1].image_url.url");
    expect(await millisecondsUntil(() => drips > 0)).toBeLessThan(100);
  });

  test("in its own dialect too", async () => {
    const response = await gateway.chat({ messages: user(file(urlOf("/page"))) });
    const told: unknown = await response.json();
    expect([response.status, at(told, "error.param")]).toEqual([
      400,
      "messages[0].content[0].file.file_data",
    ]);
    expect(reached()).toBe(0);
  });
});

test("unless told otherwise, a gateway fetches from the public internet only", async () => {
  const plain = await startHarness();
  try {
    for (const [address, reason] of [
      [urlOf("/a.png"), "bad_address"],
      ["http://127.0.0.1/", "not_public"],
      ["http://localhost/", "not_public"],
      ["http://169.254.169.254/latest/meta-data/", "not_public"],
      ["http://[fd00:ec2::254]/latest/meta-data/", "not_public"],
    ] as const) {
      const response = await plain.chat({ model: gemini, messages: user(image(address)) });
      const told: unknown = at(await response.json(), "error.metadata.reason");
      expect([address, response.status, told]).toEqual([address, 400, reason]);
    }
    expect(documents.asked).toEqual([]);
  } finally {
    await plain.close();
  }
});

test("a client that leaves stops the fetching, and pays nothing", async () => {
  const balance = await gateway.balance();
  const leave = new AbortController();
  const call = gateway
    .chat({ model: gemini, messages: user(image(urlOf("/drip"))) }, { signal: leave.signal })
    .catch(() => undefined);
  while (documents.asked.length === 0) await Bun.sleep(1);
  leave.abort();
  expect(await millisecondsUntil(() => drips > 0)).toBeLessThan(100);
  await call;
  await gateway.until(async () => (await gateway.rows()).length === 1);
  expect(await gateway.rows()).toMatchObject([{ status: "client_cancelled", cost: 0 }]);
  expect([reached(), await gateway.balance()]).toEqual([0, balance]);
});

test("what was fetched, and from where, is in no file and no log line", async () => {
  const address = `${urlOf("/words")}?key=${secret}`;
  const messages = user(file(address), image(`${urlOf("/a.png")}?key=${secret}`));
  expect((await gateway.chat({ model: gemini, messages })).status).toBe(200);
  await gateway.until(async () => (await gateway.rows()).length === 1);
  for (const told of [canary, Buffer.from(canary).toString("base64"), secret, documents.url]) {
    const files = readdirSync(gateway.folder).filter((name) =>
      readFileSync(join(gateway.folder, name)).includes(told),
    );
    expect([files, gateway.logged().includes(told)]).toEqual([[], false]);
  }
});
